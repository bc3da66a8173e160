//! Language X, the first example of PyPy's tracing JIT (5 March 2009): an accumulator and three opcodes.

mod interpreter;

use clap::{Parser, ValueEnum};
use interpreter::{DECREASE, INCREASE, JUMP_BACK_3, interpret};
use jitdriver::{Jit, JitDriver};

/// The post's program: three increments and a jump back, until the accumulator is above the limit.
const PROGRAM: [u8; 6] = [INCREASE, INCREASE, INCREASE, JUMP_BACK_3, INCREASE, DECREASE];

/// Runs a program of language X and shows what was compiled.
#[derive(Parser)]
struct Args {
    /// off, llgraph or cranelift
    #[arg(long, default_value_t = Jit::default())]
    jit: Jit,
    /// Times a loop must run before it is recorded
    #[arg(long)]
    threshold: Option<u32>,
    /// Print statistics to standard error, as text or as one line of JSON
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    stats: Option<StatsFormat>,
    /// The accumulator's limit: the loop runs until it is passed
    #[arg(long, default_value_t = 100_000)]
    limit: i64,
    /// What one INCREASE adds
    #[arg(long, default_value_t = 1)]
    step: i64,
    /// The program: a letter an opcode, I(ncrease), D(ecrease), J(ump back three)
    #[arg(long)]
    program: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum StatsFormat {
    Text,
    Json,
}

fn parse(text: &str) -> Result<Vec<u8>, String> {
    let opcode = |(at, letter)| match letter {
        'I' => Ok(INCREASE),
        'D' => Ok(DECREASE),
        'J' if at >= 3 => Ok(JUMP_BACK_3),
        'J' => Err(format!("opcode {at} jumps back over the start of the program")),
        other => Err(format!("opcode {at} is `{other}`, which is not one of I, D, J")),
    };
    text.chars().enumerate().map(opcode).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    env_logger::init();
    let args = Args::parse();
    let code = match &args.program {
        Some(text) => parse(text)?,
        None => PROGRAM.to_vec(),
    };
    let mut builder = JitDriver::builder().name("language-x").jit(args.jit).from_env()?;
    if let Some(threshold) = args.threshold {
        builder = builder.threshold(threshold);
    }
    let driver = builder.build()?;
    println!("{}", interpret(&driver, &code, args.step, args.limit));
    match args.stats {
        Some(StatsFormat::Json) => eprintln!("{}", driver.stats().to_json()),
        Some(StatsFormat::Text) => eprint!("{}", driver.stats()),
        None => {
            for trace in driver.compiled() {
                eprintln!("{trace}");
            }
        }
    }
    Ok(())
}

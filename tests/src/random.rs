//! Random traces on two backends: the same exits, values and memory?
//!
//! A *scenario* is what one seed gives: a few loops, run again and again on both sides with varied
//! inputs; where a guard fails, a random bridge is compiled and attached on both. After each run the exits
//! that were taken, what they saved, and the buffer must be the same, but for the bits of NaNs.
//!
//! By default scenarios run for one second. `JIT_RANDOM_COUNT` sets their number instead, and
//! `JIT_RANDOM_SEED` the first seed. When something differs, or a backend panics, the seed and all traces
//! are printed.
//!
//! Why not traces as arbitrary bytes of a fuzzer: nearly all would be refused by the verifier.

mod generate;
mod rng;
mod world;

pub use rng::Rng;

use crate::bench::{Bench, Left, Make};
use generate::{generate, random_word};
use metainterp::ir::{ExitId, Trace, Ty};
use metainterp::opt::ExitEffect;
use std::collections::HashMap;
use std::fmt::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};
use world::{Memory, World, same_memory, same_word};

/// Where an argument of an exit is after a transformation.
#[derive(Debug, Clone, Copy)]
pub enum Saved {
    /// It is this word.
    Word(u64),
    /// It is in this slot.
    Slot(usize),
}

/// An exit of a transformed trace.
#[derive(Debug, Clone)]
pub struct TransformedExit {
    /// Its number.
    pub id: ExitId,
    /// The exit of the original trace that it stands for.
    pub original: ExitId,
    /// Where it has the original's arguments, and behind them the operands of the delayed stores.
    pub saved: Vec<Saved>,
    /// The stores to make.
    pub effects: Vec<ExitEffect>,
}

/// A transformed trace and its exits.
pub type Transformed = (Trace, Vec<TransformedExit>);

/// What the second side compiles instead of a trace; `None` if it declines.
pub type Transform<'a> = &'a dyn Fn(&Trace) -> Option<Transformed>;

/// What was done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Number of seeds.
    pub scenarios: u64,
    /// Number of loops.
    pub loops: u64,
    /// Number of bridges.
    pub bridges: u64,
    /// Number of runs on each side.
    pub runs: u64,
}

/// Compares two backends, with bridges.
pub fn compare_backends(first: Make<'_>, second: Make<'_>) -> Summary {
    run_scenarios(&|seed, summary| scenario(seed, first, second, None, summary))
}

/// Compares traces with what `transform` makes of them, on the same backend and without bridges.
pub fn compare_transformed(make: Make<'_>, transform: Transform<'_>) -> Summary {
    run_scenarios(&|seed, summary| scenario(seed, make, make, Some(transform), summary))
}

fn from_env(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
}

fn run_scenarios(scenario: &dyn Fn(u64, &mut Summary)) -> Summary {
    let count = from_env("JIT_RANDOM_COUNT");
    let first_seed = from_env("JIT_RANDOM_SEED").unwrap_or(1);
    let (start, mut summary) = (Instant::now(), Summary::default());
    for seed in first_seed.. {
        let enough = match count {
            Some(count) => summary.scenarios >= count,
            None => start.elapsed() >= Duration::from_secs(1),
        };
        if enough {
            break;
        }
        scenario(seed, &mut summary);
        summary.scenarios += 1;
    }
    summary
}

/// A compiled trace that can be run, with inputs to start from.
struct Entry {
    code: u32,
    inputs: Vec<(Ty, u64)>,
}

struct Scenario<'a> {
    world: World,
    rng: Rng,
    sides: [Rc<Bench>; 2],
    transform: Option<Transform<'a>>,
    transformed: HashMap<u32, TransformedExit>,
    entries: Vec<Entry>,
    exit_types: HashMap<u32, Vec<Ty>>,
    bridged: Vec<u32>,
    n_codes: u32,
    log: Log,
}

/// What has happened, printed when the scenario ends in a panic.
struct Log(String);

impl Drop for Log {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}

fn scenario(
    seed: u64,
    first: Make<'_>,
    second: Make<'_>,
    transform: Option<Transform<'_>>,
    summary: &mut Summary,
) {
    let mut rng = Rng::new(seed);
    let world = World::new(random_memory(&mut rng));
    let mut scenario = Scenario {
        world,
        rng,
        sides: [Bench::new(first), Bench::new(second)],
        transform,
        transformed: HashMap::new(),
        entries: Vec::new(),
        exit_types: HashMap::new(),
        bridged: Vec::new(),
        n_codes: 0,
        log: Log(format!("JIT_RANDOM_SEED={seed} JIT_RANDOM_COUNT=1\n")),
    };
    scenario.run(summary);
}

fn random_memory(rng: &mut Rng) -> Memory {
    let mut memory = std::array::from_fn(|_| random_word(rng, Ty::I64));
    // The areas of floats and `bool`s are at the end.
    memory[32..].fill(0);
    memory
}

const N_ROUNDS: usize = 30;
const MOST_CODES: u32 = 16;

impl Scenario<'_> {
    fn run(&mut self, summary: &mut Summary) {
        for _ in 0..N_ROUNDS {
            if self.entries.is_empty() || self.entries.len() < 4 && self.rng.chance(10) {
                match self.add_loop() {
                    true => summary.loops += 1,
                    false => continue,
                }
            }
            let entry = self.rng.below(self.entries.len());
            let inputs = self.vary(entry);
            let left = self.run_both(self.entries[entry].code, &inputs);
            summary.runs += 1;
            if self.transform.is_none()
                && self.n_codes < MOST_CODES
                && !self.bridged.contains(&left.exit)
                && self.rng.chance(60)
            {
                self.add_bridge(&left);
                summary.bridges += 1;
            }
            if self.rng.chance(20) {
                self.add_region();
            }
        }
    }

    fn add_loop(&mut self) -> bool {
        let mut inputs = vec![(Ty::I64, 50), (Ty::Ptr, self.world.address())];
        for _ in 0..self.rng.below(12) {
            let ty = *self.rng.pick(&Ty::ALL[..7]);
            inputs.push((ty, random_word(&mut self.rng, ty)));
        }
        let name = format!("loop {}", self.n_codes);
        let starts_with_label = self.rng.chance(70);
        let trace = generate(&mut self.world, &mut self.rng, name, &inputs, starts_with_label);
        let code = self.n_codes;
        if !self.compile(&trace) {
            return false;
        }
        self.entries.push(Entry { code, inputs });
        true
    }

    fn add_bridge(&mut self, left: &Left) {
        let types = &self.exit_types[&left.exit];
        let mut inputs: Vec<(Ty, u64)> =
            types.iter().copied().zip(left.values.iter().copied()).collect();
        // Where the counter has run down, most bridges would end at once.
        inputs[0].1 = inputs[0].1.max(10);
        let name = format!("bridge {} of exit {}", self.n_codes, left.exit);
        let trace = generate(&mut self.world, &mut self.rng, name, &inputs, false);
        let code = self.n_codes;
        assert!(self.compile(&trace), "without a transformation nothing is declined");
        for side in &self.sides {
            side.backend().attach_bridge(ExitId(left.exit), metainterp::ir::CodeId(code));
        }
        self.bridged.push(left.exit);
    }

    /// Compiles some of the traces together, on the sides that can.
    fn add_region(&mut self) {
        let mut codes: Vec<u32> = (0..self.n_codes).filter(|_| self.rng.chance(60)).collect();
        if codes.is_empty() {
            return;
        }
        let first = self.rng.below(codes.len());
        codes.rotate_left(first);
        writeln!(self.log.0, "# region of {codes:?}").expect("writing to a string");
        self.sides.iter().for_each(|side| side.region(&codes));
    }

    /// Compiles a trace on both sides; false if the transformation declines it.
    fn compile(&mut self, trace: &Trace) -> bool {
        writeln!(self.log.0, "{trace}").expect("writing to a string");
        let transformed = self.transform.map(|transform| transform(trace));
        if let Some(None) = transformed {
            // Nobody may jump to what does not exist.
            let own = |op: &metainterp::ir::Op| op.opcode == metainterp::ir::Opcode::Label;
            let targets: Vec<u32> =
                trace.ops.iter().filter(|op| own(op)).map(|op| op.descr).collect();
            self.world.labels.retain(|(target, _)| !targets.contains(&target.0));
            return false;
        }
        let code = self.n_codes;
        self.n_codes += 1;
        for exit in &trace.exits {
            let types = trace.exit_args(exit).iter().map(|&arg| trace.ty(arg)).collect();
            self.exit_types.insert(exit.id.0, types);
        }
        self.compile_on(0, code, trace);
        match transformed.flatten() {
            Some((other, exits)) => {
                writeln!(self.log.0, "# transformed:\n{other}").expect("writing to a string");
                self.transformed.extend(exits.into_iter().map(|exit| (exit.id.0, exit)));
                self.compile_on(1, code, &other);
            }
            None => self.compile_on(1, code, trace),
        }
        true
    }

    fn compile_on(&self, side: usize, code: u32, trace: &Trace) {
        let compiled = self.sides[side].try_compile_trace(code, trace);
        compiled.unwrap_or_else(|refusal| panic!("side {side} refuses: {refusal}"));
    }

    /// Inputs for a run: some as before, some new.
    fn vary(&mut self, entry: usize) -> Vec<u64> {
        let inputs = self.entries[entry].inputs.clone();
        let mut words: Vec<u64> = inputs.iter().map(|&(_, word)| word).collect();
        words[0] = 1 + self.rng.below(80) as u64;
        for (word, &(ty, _)) in words.iter_mut().zip(&inputs).skip(2) {
            if self.rng.chance(25) {
                *word = random_word(&mut self.rng, ty);
            }
        }
        words
    }

    fn run_both(&mut self, code: u32, inputs: &[u64]) -> Left {
        writeln!(self.log.0, "# run {code} with {inputs:x?}").expect("writing to a string");
        let before = self.world.memory();
        let left = self.sides[0].run(code, inputs);
        let after = self.world.memory();
        self.world.set_memory(&before);
        let other = self.sides[1].run(code, inputs);
        let other = self.rebuild(other);
        let other_after = self.world.memory();
        writeln!(self.log.0, "# left {left:x?}\n# and  {other:x?}").expect("writing to a string");
        assert_eq!(left.exit, other.exit, "different exits");
        let types = &self.exit_types[&left.exit];
        assert_eq!(left.values.len(), other.values.len());
        for (k, ty) in types.iter().enumerate() {
            let (a, b) = (left.values[k], other.values[k]);
            assert!(same_word(*ty, a, b), "argument {k} of exit {}: {a:#x}, {b:#x}", left.exit);
        }
        assert!(same_memory(&after, &other_after), "memory: {after:x?}\n{other_after:x?}");
        left
    }

    /// The original exit from that of the transformed trace. Makes the delayed stores.
    fn rebuild(&self, left: Left) -> Left {
        let Some(exit) = self.transformed.get(&left.exit) else {
            return left;
        };
        let values = exit.saved.iter().map(|saved| match *saved {
            Saved::Word(word) => word,
            Saved::Slot(slot) => left.values[slot],
        });
        let mut values: Vec<u64> = values.collect();
        let n_operands: usize = exit.effects.iter().map(ExitEffect::n_args).sum();
        let mut operands = values.split_off(values.len() - n_operands);
        for effect in &exit.effects {
            let rest = operands.split_off(effect.n_args());
            if let ExitEffect::Store(opcode, mem) = effect
                && !opcode.assumes_memory()
            {
                self.world.store(mem, &operands);
            }
            operands = rest;
        }
        Left { exit: exit.original.0, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backend_llgraph::LlgraphBackend;
    use metainterp::backend::Backend;
    use metainterp::ir::Opcode;

    fn llgraph() -> Box<dyn Backend> {
        Box::new(LlgraphBackend::new())
    }

    #[test]
    fn llgraph_agrees_with_itself() {
        let summary = compare_backends(&llgraph, &llgraph);
        assert!(summary.loops > 0 && summary.bridges > 0 && summary.runs > summary.loops);
    }

    fn traces(seed: u64) -> Vec<Trace> {
        let mut rng = Rng::new(seed);
        let mut world = World::new(random_memory(&mut rng));
        let inputs = [(Ty::I64, 9), (Ty::Ptr, world.address()), (Ty::F64, 0), (Ty::I8, 3)];
        let mut trace = || generate(&mut world, &mut rng, String::new(), &inputs, true);
        vec![trace(), trace()]
    }

    #[test]
    fn a_seed_gives_the_same_traces() {
        // The number of the called function counts the worlds of a thread, the addresses differ.
        let shape = |seed| -> Vec<Vec<Opcode>> {
            traces(seed)
                .iter()
                .map(|trace| trace.ops.iter().map(|op| op.opcode).collect())
                .collect()
        };
        assert_eq!(shape(3), shape(3));
        assert_ne!(shape(3), shape(4));
    }

    #[test]
    fn traces_print_and_parse_back() {
        for trace in (0..300).flat_map(traces) {
            let text = trace.to_string();
            let parsed = metainterp::ir::parse(&text).unwrap_or_else(|e| panic!("{e}:\n{text}"));
            assert_eq!(parsed.to_string(), text);
            let ids = |trace: &Trace| trace.exits.iter().map(|exit| exit.id).collect::<Vec<_>>();
            assert_eq!(ids(&parsed), ids(&trace));
        }
    }

    #[test]
    fn every_operation_occurs() {
        let mut missing: Vec<Opcode> = Opcode::ALL.to_vec();
        for trace in (0..2000).flat_map(traces) {
            missing.retain(|opcode| trace.ops.iter().all(|op| op.opcode != *opcode));
        }
        let never = [
            Opcode::CastPtrToInt,
            Opcode::CastIntToPtr,
            Opcode::ForgetField,
            Opcode::ForgetArrayItem,
            // The optimizer's own random traces have objects.
            Opcode::New,
            Opcode::Free,
            Opcode::NewBuffer,
            Opcode::FreeBuffer,
            Opcode::AssumeTrue,
            Opcode::AssumeFalse,
            Opcode::AssumeUintLess,
            Opcode::AssumeIntLess,
            Opcode::AssumeField,
            Opcode::AssumeArrayItem,
            Opcode::DebugMergePoint,
        ];
        assert_eq!(missing, never);
    }

    /// A wrong transformation is noticed: one exit argument is taken for another.
    #[test]
    #[should_panic(expected = "argument")]
    fn differences_are_found() {
        compare_transformed(&llgraph, &|trace| {
            let swap = |exit: &metainterp::ir::Exit| {
                let n = exit.args.len as usize;
                let saved = (0..n).map(|k| if k < 2 { k } else { n + 1 - k });
                let (id, saved) = (exit.id, saved.map(Saved::Slot).collect());
                TransformedExit { id, original: id, saved, effects: Vec::new() }
            };
            Some((trace.clone(), trace.exits.iter().map(swap).collect()))
        });
    }
}

//! Random programs that end, compared with `lua5.4` where it is installed; without it they must not make
//! the interpreter panic.
//!
//! A program has a few variables, loops with constant bounds, functions that call functions defined
//! before them, tables, and operations on values of all types. What fails does so inside of `pcall`, and
//! the message is printed and compared, but for the names of variables in it: which name a value has
//! behind `and` and `or` depends on how registers are given out. The scripts compare those.

use arbitrary::{Arbitrary, Result, Unstructured};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// What every program starts with: values without addresses as text, and strings that stay short.
const PRELUDE: &str = r#"
local function show(v)
  if type(v) == "table" then
    local parts = {}
    for i = 1, #v do parts[i] = type(v[i]) == "table" and "{}" or tostring(v[i]) end
    return "{" .. table.concat(parts, " ") .. "}"
  end
  return type(v) == "function" and "function" or tostring(v)
end
local function cut(s) return #s > 30 and s:sub(1, 30) or s end
local function try(f, ...)
  local r = table.pack(pcall(f, ...))
  for i = 1, r.n do io.write(show(r[i]), " ") end
  print()
  return r[2]
end
local v1, v2, v3, v4, v5 = 1, 2.5, "text", {1, 2, 3}, nil
"#;

const VARIABLES: [&str; 5] = ["v1", "v2", "v3", "v4", "v5"];

struct Generator<'a, 'u> {
    source: &'a mut Unstructured<'u>,
    text: String,
    n_functions: usize,
    n_locals: usize,
    /// How many statements may still be made.
    budget: usize,
}

impl Generator<'_, '_> {
    fn pick<'t>(&mut self, list: &[&'t str]) -> Result<&'t str> {
        Ok(*self.source.choose(list)?)
    }

    fn variable(&mut self) -> Result<String> {
        let n = self.n_locals;
        if n > 0 && self.source.ratio(1, 3)? {
            return Ok(format!("l{}", self.source.int_in_range(1..=n)?));
        }
        Ok(self.pick(&VARIABLES)?.to_string())
    }

    fn atom(&mut self) -> Result<String> {
        Ok(match self.source.int_in_range(0..=9)? {
            0 => self.source.int_in_range(-3i64..=300)?.to_string(),
            1 => self.pick(&["math.maxinteger", "math.mininteger", "0", "1", "-1", "2^53"])?.into(),
            2 => self.pick(&["0.5", "-0.0", "1e15", "3.0", "1e300", "0.1", "(1/0)"])?.into(),
            3 => self.pick(&["'a'", "'10'", "'0x10'", "''", "'1e1'", "'xyz'", "' 7 '"])?.into(),
            4 => self.pick(&["nil", "true", "false"])?.into(),
            5 => format!("v4[{}]", self.source.int_in_range(0..=4)?),
            6 => format!("v4.{}", self.pick(&["x", "y"])?),
            _ => self.variable()?,
        })
    }

    fn expression(&mut self, depth: usize) -> Result<String> {
        if depth == 0 || self.source.ratio(1, 4)? {
            return self.atom();
        }
        let a = self.expression(depth - 1)?;
        Ok(match self.source.int_in_range(0..=11)? {
            0..=3 => {
                let op = self.pick(&["+", "-", "*", "/", "//", "%", "&", "|", "~", "<<", ">>"])?;
                format!("({a} {op} {})", self.expression(depth - 1)?)
            }
            4 => {
                let op = self.pick(&["<", "<=", ">", ">=", "==", "~="])?;
                format!("({a} {op} {})", self.expression(depth - 1)?)
            }
            5 | 6 => {
                let op = self.pick(&["and", "or"])?;
                format!("({a} {op} {})", self.expression(depth - 1)?)
            }
            7 => format!("{}({a})", self.pick(&["not ", "-", "#", "~"])?),
            8 => format!("cut({a} .. {})", self.expression(depth - 1)?),
            9 => format!("{{{a}, {}}}", self.expression(depth - 1)?),
            10 if self.n_functions > 0 => {
                let callee = self.source.int_in_range(1..=self.n_functions)?;
                format!("f{callee}({a}, {})", self.expression(depth - 1)?)
            }
            _ => {
                let call = self.pick(&[
                    "tostring",
                    "tonumber",
                    "type",
                    "math.type",
                    "math.floor",
                    "math.abs",
                    "string.len",
                    "string.upper",
                    "select('#', ",
                    "math.tointeger",
                    "rawlen",
                ])?;
                let open = if call.ends_with(' ') { "" } else { "(" };
                match call {
                    // An address would differ from run to run.
                    "tostring" => format!("show({a})"),
                    _ => format!("{call}{open}{a})"),
                }
            }
        })
    }

    fn statements(&mut self, depth: usize) -> Result<()> {
        let n_locals = self.n_locals;
        for _ in 0..self.source.int_in_range(1..=4)? {
            if self.budget == 0 {
                break;
            }
            self.budget -= 1;
            self.statement(depth)?;
        }
        self.n_locals = n_locals;
        Ok(())
    }

    fn line(&mut self, text: &str) {
        writeln!(self.text, "{text}").expect("a string takes all");
    }

    fn statement(&mut self, depth: usize) -> Result<()> {
        let kind = self.source.int_in_range(0..=if depth == 0 { 5 } else { 11 })?;
        let value = self.expression(3)?;
        match kind {
            0 | 1 => {
                let target = self.variable()?;
                self.line(&format!("{target} = {value}"));
            }
            2 => {
                self.n_locals += 1;
                self.line(&format!("local l{} = {value}", self.n_locals));
            }
            3 => {
                let key = self.pick(&["[1]", "[2]", "[#v4 + 1]", ".x", ".y", "['x']"])?;
                // No holes: what `#` is then, the language leaves open.
                self.line(&format!("v4{key} = {value} or 0"));
            }
            4 => self.line(&format!("io.write(show({value}), ' ')")),
            5 => {
                let (a, b) = (self.variable()?, self.variable()?);
                self.line(&format!("{a}, {b} = {b}, {value}"));
            }
            6 => {
                self.line(&format!("if {value} then"));
                self.statements(depth - 1)?;
                if self.source.arbitrary()? {
                    self.line("else");
                    self.statements(depth - 1)?;
                }
                self.line("end");
            }
            7 => {
                let head = self.pick(&["1, 3", "3, 1, -1", "1.0, 2, 0.5", "1, 0", "-1, 1"])?;
                self.n_locals += 1;
                self.line(&format!("for l{} = {head} do", self.n_locals));
                self.statements(depth - 1)?;
                self.n_locals -= 1;
                self.line("end");
            }
            8 => {
                self.line("for _, item in ipairs(type(v4) == 'table' and v4 or {}) do");
                self.line("if _ > 4 then break end v5 = item");
                self.statements(depth - 1)?;
                self.line("end");
            }
            9 => {
                self.line("try(function()");
                self.statements(depth - 1)?;
                self.line(&format!("return {value} end)"));
            }
            10 => {
                let captured = self.variable()?;
                self.line(&format!("do local c = {value} local function get() c = {captured}"));
                self.line("return c end v5 = get() io.write(show(c), ' ') end");
            }
            _ => {
                self.line("do local co = coroutine.wrap(function(a)");
                self.line(&format!("local b = coroutine.yield({value})"));
                self.statements(depth - 1)?;
                self.line("return b end) try(co, 1) try(co, v1) end");
            }
        }
        Ok(())
    }

    fn program(&mut self) -> Result<()> {
        self.text.push_str(PRELUDE);
        for _ in 0..self.source.int_in_range(0..=2)? {
            // A function sees those before it only, so that calls end.
            self.line(&format!("local function f{}(v1, v2)", self.n_functions + 1));
            self.statements(1)?;
            let value = self.expression(2)?;
            self.line(&format!("return {value} end"));
            self.n_functions += 1;
        }
        for _ in 0..4 {
            self.line("try(function()");
            self.statements(3)?;
            self.line("end)");
        }
        self.line("print(show(v1), show(v2), show(v3), show(v4), show(v5))");
        Ok(())
    }
}

/// A program as text.
#[derive(Debug)]
struct Program(String);

impl<'a> Arbitrary<'a> for Program {
    fn arbitrary(source: &mut Unstructured<'a>) -> Result<Program> {
        let text = String::new();
        let mut generator = Generator { source, text, n_functions: 0, n_locals: 0, budget: 40 };
        generator.program()?;
        Ok(Program(generator.text))
    }
}

const LUA: &str = env!("CARGO_BIN_EXE_lua");

/// Flags of the modes that are compared with the plain interpreter.
const JIT: &[&[&str]] = &[
    &["--jit", "llgraph", "--threshold", "1"],
    #[cfg(feature = "cranelift")]
    &["--jit", "cranelift", "--threshold", "1"],
    #[cfg(feature = "cranelift")]
    &["--jit", "cranelift", "--threshold", "5"],
];

/// Output and exit code of a program given on standard input.
fn run(interpreter: &str, flags: &[&str], program: &str) -> (String, Option<i32>) {
    let mut command = Command::new(interpreter);
    command
        .args(flags)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{interpreter}: {error}"));
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(program.as_bytes()).expect("the interpreter reads its program");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let errors = String::from_utf8_lossy(&output.stderr).replace("lua5.4: ", "lua: ");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &errors;
    (text, output.status.code())
}

/// A text without what need not be the same.
fn comparable(text: &str) -> String {
    without_stale_lines(&without_names(text))
}

/// A text without the lines of divisions by zero: Lua 5.4.4 does not note where it is before it divides
/// integers, and shows the line of an earlier instruction.
fn without_stale_lines(text: &str) -> String {
    let mut kept = text.to_string();
    for message in [": attempt to perform 'n%0'", ": attempt to divide by zero"] {
        let parts: Vec<&str> = kept.split(message).collect();
        let (last, others) = parts.split_last().expect("at least one part");
        let trimmed: Vec<&str> =
            others.iter().map(|it| it.trim_end_matches(|c: char| c.is_ascii_digit())).collect();
        kept = [&trimmed[..], &[*last]].concat().join(message);
    }
    kept
}

/// A text without the likes of ` (local 'x')`.
fn without_names(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some(at) = rest.find(" (") {
        kept.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let kinds = ["local '", "global '", "field '", "upvalue '", "constant '", "method '"];
        match inside.find("')").filter(|_| kinds.iter().any(|it| inside.starts_with(it))) {
            Some(end) => rest = &inside[end + 2..],
            None => {
                kept.push_str(" (");
                rest = inside;
            }
        }
    }
    kept + rest
}

#[test]
fn random_programs_do_what_lua_does() {
    let has_reference = Command::new("lua5.4").arg("-v").output().is_ok();
    arbtest::arbtest(|source| {
        let Program(program) = source.arbitrary()?;
        let (ours, code) = run(LUA, &["--jit", "off"], &program);
        assert_eq!(code, Some(0), "{program}\n{ours}");
        for flags in JIT {
            let (with_jit, code) = run(LUA, flags, &program);
            assert_eq!((code, &with_jit), (Some(0), &ours), "{flags:?}\n{program}");
        }
        if has_reference {
            let (theirs, _) = run("lua5.4", &[], &program);
            assert_eq!(comparable(&ours), comparable(&theirs), "{program}");
        }
        Ok(())
    })
    .budget_ms(4_000)
    .size_min(200)
    .size_max(4_000);
}

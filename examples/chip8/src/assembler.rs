//! An assembler: a readable program to a memory image.
//!
//! A line is `label: instruction ; comment`, each part optional, or `NAME = value`. Mnemonics are those
//! that Cowgod's reference made common; case does not matter. An operand is
//! - a register, `v0` to `vf`, or one of `i [i] dt st k f b`,
//! - a value: numbers, labels and names with `+` and `-` between them. Numbers are decimal, `0x1f` or
//!   `0b0110_0110`.
//!
//! `db` puts bytes into the memory, `dw` words, `ds` so many zeros.
//!
//! It goes over the lines twice. The first pass gives labels their addresses, the second encodes;
//! every instruction has two bytes, so the first needs no values, except those of `ds`.

use crate::machine::PROGRAM_START;
use std::collections::HashMap;
use std::fmt;

/// A line that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsmError {
    line: usize,
    message: String,
}

impl fmt::Display for AsmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

impl std::error::Error for AsmError {}

/// Makes the memory image of a program, which starts at [`PROGRAM_START`].
pub fn assemble(source: &str) -> Result<Vec<u8>, AsmError> {
    let mut assembler = Assembler { symbols: HashMap::new(), image: Vec::new() };
    let lines: Vec<Line> = source.lines().map(Line::of).collect();
    let mut address = PROGRAM_START as i64;
    for (number, line) in lines.iter().enumerate() {
        let sized = assembler.define(line, address).and_then(|()| assembler.size(line));
        address += sized.map_err(|message| AsmError { line: number + 1, message })?;
    }
    for (number, line) in lines.iter().enumerate() {
        let encoded = assembler.encode(line);
        encoded.map_err(|message| AsmError { line: number + 1, message })?;
    }
    Ok(assembler.image)
}

/// The parts of a line.
struct Line {
    label: Option<String>,
    /// The name and the value of `NAME = value`.
    constant: Option<(String, String)>,
    /// The mnemonic; empty if there is none.
    mnemonic: String,
    operands: Vec<String>,
}

impl Line {
    fn of(text: &str) -> Line {
        let text = text.split(';').next().unwrap_or_default().to_lowercase();
        let (label, rest) = match text.split_once(':') {
            Some((label, rest)) => (Some(label.trim().to_owned()), rest),
            None => (None, text.as_str()),
        };
        if let Some((name, value)) = rest.split_once('=') {
            let constant = Some((name.trim().to_owned(), value.trim().to_owned()));
            return Line { label, constant, mnemonic: String::new(), operands: Vec::new() };
        }
        let rest = rest.trim();
        let (mnemonic, operands) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let operands = operands.split(',').map(|operand| operand.trim().to_owned());
        let operands = operands.filter(|operand| !operand.is_empty()).collect();
        Line { label, constant: None, mnemonic: mnemonic.to_owned(), operands }
    }
}

/// What an operand can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operand {
    Register(u16),
    Value(i64),
    /// `i`
    Address,
    /// `[i]`
    Memory,
    Delay,
    Sound,
    Key,
    Font,
    Bcd,
}

struct Assembler {
    symbols: HashMap<String, i64>,
    image: Vec<u8>,
}

impl Assembler {
    fn define(&mut self, line: &Line, address: i64) -> Result<(), String> {
        if let Some(label) = &line.label {
            self.insert(label, address)?;
        }
        if let Some((name, value)) = &line.constant {
            let value = self.value(value)?;
            self.insert(name, value)?;
        }
        Ok(())
    }

    fn insert(&mut self, name: &str, value: i64) -> Result<(), String> {
        if !is_name(name) || special(name).is_some() {
            return Err(format!("`{name}` cannot be a name"));
        }
        match self.symbols.insert(name.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(format!("`{name}` is defined twice")),
        }
    }

    /// How many bytes the line makes.
    fn size(&self, line: &Line) -> Result<i64, String> {
        let n_operands = line.operands.len() as i64;
        match line.mnemonic.as_str() {
            "" => Ok(0),
            "db" => Ok(n_operands),
            "dw" => Ok(2 * n_operands),
            "ds" => match &line.operands[..] {
                [size] => fit(self.value(size)?, 0..=0xfff).map(i64::from),
                _ => Err("`ds` takes a size".into()),
            },
            _ => Ok(2),
        }
    }

    fn encode(&mut self, line: &Line) -> Result<(), String> {
        match line.mnemonic.as_str() {
            "" => {}
            "db" => {
                for text in &line.operands {
                    let byte = fit(self.value(text)?, -128..=255)?;
                    self.image.push(byte as u8);
                }
            }
            "dw" => {
                for text in &line.operands {
                    let word = fit(self.value(text)?, -32768..=65535)?;
                    self.image.extend(word.to_be_bytes());
                }
            }
            "ds" => {
                let size = self.size(line)?;
                self.image.extend(std::iter::repeat_n(0, size as usize));
            }
            mnemonic => {
                let operands: Result<Vec<Operand>, String> =
                    line.operands.iter().map(|text| self.operand(text)).collect();
                let opcode = encode(mnemonic, &operands?)?;
                self.image.extend(opcode.to_be_bytes());
            }
        }
        Ok(())
    }

    fn operand(&self, text: &str) -> Result<Operand, String> {
        match special(text) {
            Some(operand) => Ok(operand),
            None => self.value(text).map(Operand::Value),
        }
    }

    /// Numbers and names with `+` and `-` between them.
    fn value(&self, text: &str) -> Result<i64, String> {
        let mut sum = 0;
        let mut rest = text;
        let mut sign = 1;
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('-') {
                (sign, rest) = (-sign, after);
                continue;
            }
            let end = rest.find(['+', '-']).unwrap_or(rest.len());
            sum += sign * self.term(rest[..end].trim())?;
            if end == rest.len() {
                return Ok(sum);
            }
            sign = if rest[end..].starts_with('-') { -1 } else { 1 };
            rest = &rest[end + 1..];
        }
    }

    fn term(&self, text: &str) -> Result<i64, String> {
        if is_name(text) {
            let value = self.symbols.get(text).copied();
            return value.ok_or_else(|| format!("`{text}` is not defined"));
        }
        let digits = text.replace('_', "");
        let number = match digits.as_bytes() {
            [b'0', b'x', ..] => i64::from_str_radix(&digits[2..], 16),
            [b'0', b'b', ..] => i64::from_str_radix(&digits[2..], 2),
            _ => digits.parse(),
        };
        number.map_err(|_| format!("`{text}` is not a value"))
    }
}

fn is_name(text: &str) -> bool {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(is_start) && text.chars().all(|c| is_start(c) || c.is_ascii_digit())
}

/// An operand that is no value.
fn special(text: &str) -> Option<Operand> {
    let operand = match text {
        "i" => Operand::Address,
        "[i]" => Operand::Memory,
        "dt" => Operand::Delay,
        "st" => Operand::Sound,
        "k" => Operand::Key,
        "f" => Operand::Font,
        "b" => Operand::Bcd,
        _ => match text.as_bytes() {
            [b'v', digit] => Operand::Register((*digit as char).to_digit(16)? as u16),
            _ => return None,
        },
    };
    Some(operand)
}

/// The value as a word, if it lies in the range.
fn fit(value: i64, range: std::ops::RangeInclusive<i64>) -> Result<u16, String> {
    match range.contains(&value) {
        true => Ok(value as u16),
        false => Err(format!("{value} is not between {} and {}", range.start(), range.end())),
    }
}

fn address(value: i64) -> Result<u16, String> {
    fit(value, 0..=0xfff)
}

/// A byte, which may be written as a signed one.
fn byte(value: i64) -> Result<u16, String> {
    fit(value, -128..=255).map(|byte| byte & 0xff)
}

fn encode(mnemonic: &str, operands: &[Operand]) -> Result<u16, String> {
    use Operand::{Address, Bcd, Delay, Font, Key, Memory, Register, Sound, Value};
    let xy = |opcode: u16, x: u16, y: u16| opcode | x << 8 | y << 4;
    let opcode = match (mnemonic, operands) {
        ("cls", []) => 0x00e0,
        ("ret", []) => 0x00ee,
        ("sys", [Value(a)]) => address(*a)?,
        ("jp", [Value(a)]) => 0x1000 | address(*a)?,
        ("jp", [Register(0), Value(a)]) => 0xb000 | address(*a)?,
        ("call", [Value(a)]) => 0x2000 | address(*a)?,
        ("se", [Register(x), Value(b)]) => xy(0x3000, *x, 0) | byte(*b)?,
        ("se", [Register(x), Register(y)]) => xy(0x5000, *x, *y),
        ("sne", [Register(x), Value(b)]) => xy(0x4000, *x, 0) | byte(*b)?,
        ("sne", [Register(x), Register(y)]) => xy(0x9000, *x, *y),
        ("ld", [Register(x), Value(b)]) => xy(0x6000, *x, 0) | byte(*b)?,
        ("ld", [Register(x), Register(y)]) => xy(0x8000, *x, *y),
        ("ld", [Address, Value(a)]) => 0xa000 | address(*a)?,
        ("ld", [Register(x), Delay]) => xy(0xf007, *x, 0),
        ("ld", [Register(x), Key]) => xy(0xf00a, *x, 0),
        ("ld", [Delay, Register(x)]) => xy(0xf015, *x, 0),
        ("ld", [Sound, Register(x)]) => xy(0xf018, *x, 0),
        ("ld", [Font, Register(x)]) => xy(0xf029, *x, 0),
        ("ld", [Bcd, Register(x)]) => xy(0xf033, *x, 0),
        ("ld", [Memory, Register(x)]) => xy(0xf055, *x, 0),
        ("ld", [Register(x), Memory]) => xy(0xf065, *x, 0),
        ("add", [Register(x), Value(b)]) => xy(0x7000, *x, 0) | byte(*b)?,
        ("add", [Register(x), Register(y)]) => xy(0x8004, *x, *y),
        ("add", [Address, Register(x)]) => xy(0xf01e, *x, 0),
        ("or", [Register(x), Register(y)]) => xy(0x8001, *x, *y),
        ("and", [Register(x), Register(y)]) => xy(0x8002, *x, *y),
        ("xor", [Register(x), Register(y)]) => xy(0x8003, *x, *y),
        ("sub", [Register(x), Register(y)]) => xy(0x8005, *x, *y),
        ("subn", [Register(x), Register(y)]) => xy(0x8007, *x, *y),
        ("shr", [Register(x), Register(y)]) => xy(0x8006, *x, *y),
        ("shr", [Register(x)]) => xy(0x8006, *x, *x),
        ("shl", [Register(x), Register(y)]) => xy(0x800e, *x, *y),
        ("shl", [Register(x)]) => xy(0x800e, *x, *x),
        ("rnd", [Register(x), Value(b)]) => xy(0xc000, *x, 0) | byte(*b)?,
        ("drw", [Register(x), Register(y), Value(n)]) => xy(0xd000, *x, *y) | fit(*n, 0..=15)?,
        ("skp", [Register(x)]) => xy(0xe09e, *x, 0),
        ("sknp", [Register(x)]) => xy(0xe0a1, *x, 0),
        _ => return Err(format!("there is no `{mnemonic}` with these operands")),
    };
    Ok(opcode)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The image as hexadecimal words.
    #[track_caller]
    fn check(source: &str, words: &str) {
        let image = assemble(source).unwrap_or_else(|error| panic!("{error}"));
        let shown: Vec<String> =
            image.chunks(2).map(|word| word.iter().map(|b| format!("{b:02x}")).collect()).collect();
        assert_eq!(shown.join(" "), words, "{source}");
    }

    #[track_caller]
    fn check_error(source: &str, message: &str) {
        assert_eq!(assemble(source).unwrap_err().to_string(), message);
    }

    #[test]
    fn every_instruction_has_its_opcode() {
        check(
            "cls\nret\nsys 0x123\njp 0x234\njp v0, 0x345\ncall 0x456",
            "00e0 00ee 0123 1234 b345 2456",
        );
        check("se v1, 2\nse v1, v2\nsne v3, 4\nsne v3, v4", "3102 5120 4304 9340");
        check("ld v1, 2\nld v1, v2\nld i, 0x234\nld v5, dt\nld v5, k", "6102 8120 a234 f507 f50a");
        check("ld dt, v6\nld st, v7\nld f, v8\nld b, v9", "f615 f718 f829 f933");
        check(
            "ld [i], va\nld vb, [i]\nadd v1, 2\nadd v1, v2\nadd i, vc",
            "fa55 fb65 7102 8124 fc1e",
        );
        check(
            "or v1, v2\nand v1, v2\nxor v1, v2\nsub v1, v2\nsubn v1, v2",
            "8121 8122 8123 8125 8127",
        );
        check("shr v1, v2\nshr v3\nshl v1, v2\nshl v3", "8126 8336 812e 833e");
        check("rnd v1, 0x3f\ndrw v1, v2, 5\nskp v3\nsknp vf", "c13f d125 e39e efa1");
    }

    #[test]
    fn labels_and_names_have_values() {
        check("start: jp end\nds 3\nend: jp start+2", "1205 0000 0012 02");
        check("n = 5 ; five\nm = n - -1\nld v0, n\nADD V0, -m", "6005 70fa");
        check("one:\ntwo: jp one", "1200");
    }

    #[test]
    fn data_is_laid_down() {
        check("db 1, -1, 0b1010_0000\nds 2\ndb 0xff\ndw 0x1234, -2", "01ff a000 00ff 1234 fffe");
    }

    #[test]
    fn mistakes_have_a_line() {
        check_error("cls\njp nowhere", "2: `nowhere` is not defined");
        check_error("ld v0, 256", "1: 256 is not between -128 and 255");
        check_error("\n\nfly v0", "3: there is no `fly` with these operands");
        check_error("jp v1, 2", "1: there is no `jp` with these operands");
        check_error("a: cls\na: cls", "2: `a` is defined twice");
        check_error("v0 = 1", "1: `v0` cannot be a name");
        check_error("db 1x", "1: `1x` is not a value");
        check_error("ds", "1: `ds` takes a size");
    }
}

//! `string.pack`, `string.packsize` and `string.unpack`.

use super::string::start_position;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::error::Result;
use crate::vm::function::{Args, Outcome};
use crate::vm::meta::MAX_STRING;

/// The largest integer that can be asked for.
const MAX_INT_SIZE: usize = 16;

/// What an option of a format stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Signed,
    Unsigned,
    Float,
    Double,
    /// A fixed number of characters.
    Chars,
    /// A string with its length in front.
    Counted,
    /// A string with a zero behind it.
    Zero,
    Padding,
    Alignment,
    Nothing,
}

struct Item {
    kind: Kind,
    size: usize,
    /// Bytes to skip before it.
    n_before: usize,
}

/// A format string that is being read.
struct Reader<'f> {
    format: &'f [u8],
    at: usize,
    little: bool,
    max_align: usize,
}

impl<'f> Reader<'f> {
    fn new(format: &'f [u8]) -> Reader<'f> {
        Reader { format, at: 0, little: cfg!(target_endian = "little"), max_align: 1 }
    }

    fn number(&mut self) -> Option<usize> {
        let start = self.at;
        let mut value = 0usize;
        while let Some(digit) = self.format.get(self.at).filter(|it| it.is_ascii_digit()) {
            if value > (MAX_STRING - 9) / 10 {
                break;
            }
            value = value * 10 + usize::from(digit - b'0');
            self.at += 1;
        }
        (self.at > start).then_some(value)
    }

    fn int_size(&mut self, default: usize) -> std::result::Result<usize, String> {
        let size = self.number().unwrap_or(default);
        if size == 0 || size > MAX_INT_SIZE {
            return Err(format!("integral size ({size}) out of limits [1,{MAX_INT_SIZE}]"));
        }
        Ok(size)
    }

    /// The next option without its alignment.
    fn option(&mut self) -> std::result::Result<(Kind, usize), String> {
        let letter = self.format[self.at];
        self.at += 1;
        Ok(match letter {
            b'b' => (Kind::Signed, 1),
            b'B' => (Kind::Unsigned, 1),
            b'h' => (Kind::Signed, 2),
            b'H' => (Kind::Unsigned, 2),
            b'i' => (Kind::Signed, self.int_size(4)?),
            b'I' => (Kind::Unsigned, self.int_size(4)?),
            b'l' | b'j' => (Kind::Signed, 8),
            b'L' | b'J' | b'T' => (Kind::Unsigned, 8),
            b'f' => (Kind::Float, 4),
            b'd' | b'n' => (Kind::Double, 8),
            b's' => (Kind::Counted, self.int_size(8)?),
            b'c' => match self.number() {
                Some(size) => (Kind::Chars, size),
                None => return Err("missing size for format option 'c'".to_string()),
            },
            b'z' => (Kind::Zero, 0),
            b'x' => (Kind::Padding, 1),
            b'X' => (Kind::Alignment, 0),
            b' ' => (Kind::Nothing, 0),
            b'<' => {
                self.little = true;
                (Kind::Nothing, 0)
            }
            b'>' => {
                self.little = false;
                (Kind::Nothing, 0)
            }
            b'=' => {
                self.little = cfg!(target_endian = "little");
                (Kind::Nothing, 0)
            }
            b'!' => {
                self.max_align = self.int_size(8)?;
                (Kind::Nothing, 0)
            }
            other => return Err(format!("invalid format option '{}'", other as char)),
        })
    }

    /// The next option, if there is one, at an offset of the whole.
    fn next(&mut self, offset: usize) -> std::result::Result<Option<Item>, String> {
        if self.at >= self.format.len() {
            return Ok(None);
        }
        let (kind, size) = self.option()?;
        let mut align = size;
        if kind == Kind::Alignment {
            if self.at >= self.format.len() {
                return Err("invalid next option for option 'X'".to_string());
            }
            let (next, next_size) = self.option()?;
            if next == Kind::Chars || next_size == 0 {
                return Err("invalid next option for option 'X'".to_string());
            }
            align = next_size;
        }
        let is_aligned = matches!(
            kind,
            Kind::Signed
                | Kind::Unsigned
                | Kind::Float
                | Kind::Double
                | Kind::Counted
                | Kind::Alignment
        );
        let mut n_before = 0;
        if is_aligned && align > 1 {
            let align = align.min(self.max_align);
            if !align.is_power_of_two() {
                return Err("format asks for alignment not power of 2".to_string());
            }
            n_before = (align - (offset & (align - 1))) & (align - 1);
        }
        let size = if kind == Kind::Alignment { 0 } else { size };
        Ok(Some(Item { kind, size, n_before }))
    }
}

/// The next option, with mistakes as errors of argument 1.
fn next(vm: &mut Vm<'_>, reader: &mut Reader<'_>, offset: usize) -> Result<Option<Item>> {
    reader.next(offset).map_err(|message| match message {
        it if it.starts_with("invalid format option")
            || it.starts_with("missing size")
            || it.starts_with("integral size") =>
        {
            vm.error(&it)
        }
        it => vm.arg_error(1, &it),
    })
}

fn push_int(value: i64, size: usize, little: bool, result: &mut Vec<u8>) {
    let wide = i128::from(value).to_le_bytes();
    match little {
        true => result.extend_from_slice(&wide[..size]),
        false => result.extend(wide[..size].iter().rev()),
    }
}

fn push_bytes<const N: usize>(bytes: [u8; N], little: bool, result: &mut Vec<u8>) {
    match little {
        true => result.extend_from_slice(&bytes),
        false => result.extend(bytes.iter().rev()),
    }
}

pub fn pack(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let format = vm.check_str(args, 1)?;
    let mut reader = Reader::new(format.as_bytes());
    let mut result = Vec::new();
    let mut n = 1;
    while let Some(Item { kind, size, n_before }) = next(vm, &mut reader, result.len())? {
        result.resize(result.len() + n_before, 0);
        let little = reader.little;
        if !matches!(kind, Kind::Padding | Kind::Alignment | Kind::Nothing) {
            n += 1;
        }
        match kind {
            Kind::Signed => {
                let value = vm.check_int(args, n)?;
                let limit = 1i128 << (size * 8 - 1);
                if size < 8 && !(-limit..limit).contains(&i128::from(value)) {
                    return Err(vm.arg_error(n, "integer overflow"));
                }
                push_int(value, size, little, &mut result);
            }
            Kind::Unsigned => {
                let value = vm.check_int(args, n)?;
                if size < 8 && (value as u64) >> (size * 8) != 0 {
                    return Err(vm.arg_error(n, "unsigned overflow"));
                }
                push_int(value, size.min(8), little, &mut result);
                if size > 8 {
                    // The upper half is zero.
                    let start = result.len() - 8;
                    match little {
                        true => result.resize(result.len() + size - 8, 0),
                        false => {
                            let zeros = vec![0; size - 8];
                            result.splice(start..start, zeros);
                        }
                    }
                }
            }
            Kind::Float => {
                let value = vm.check_float(args, n)? as f32;
                push_bytes(value.to_le_bytes(), little, &mut result);
            }
            Kind::Double => {
                let value = vm.check_float(args, n)?;
                push_bytes(value.to_le_bytes(), little, &mut result);
            }
            Kind::Chars => {
                let text = vm.check_str(args, n)?;
                if text.len() > size {
                    return Err(vm.arg_error(n, "string longer than given size"));
                }
                result.extend_from_slice(text.as_bytes());
                result.resize(result.len() + size - text.len(), 0);
            }
            Kind::Counted => {
                let text = vm.check_str(args, n)?;
                if size < 8 && text.len() >> (size * 8) != 0 {
                    return Err(vm.arg_error(n, "string length does not fit in given size"));
                }
                push_int(text.len() as i64, size, little, &mut result);
                result.extend_from_slice(text.as_bytes());
            }
            Kind::Zero => {
                let text = vm.check_str(args, n)?;
                if text.as_bytes().contains(&0) {
                    return Err(vm.arg_error(n, "string contains zeros"));
                }
                result.extend_from_slice(text.as_bytes());
                result.push(0);
            }
            Kind::Padding => result.push(0),
            Kind::Alignment | Kind::Nothing => {}
        }
    }
    vm.ret_str(args, &result)
}

pub fn packsize(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let format = vm.check_str(args, 1)?;
    let mut reader = Reader::new(format.as_bytes());
    let mut total = 0usize;
    while let Some(Item { kind, size, n_before }) = next(vm, &mut reader, total)? {
        if matches!(kind, Kind::Counted | Kind::Zero) {
            return Err(vm.arg_error(1, "variable-length format"));
        }
        total += n_before + size;
        if total >= MAX_STRING {
            return Err(vm.arg_error(1, "format result too large"));
        }
    }
    vm.ret(args, total as i64)
}

/// An integer of any size; none if it does not fit.
fn read_int(bytes: &[u8], little: bool, signed: bool) -> Option<i64> {
    let mut wide = [0u8; 16];
    for (at, &byte) in bytes.iter().enumerate() {
        wide[if little { at } else { bytes.len() - 1 - at }] = byte;
    }
    let unused = 128 - 8 * bytes.len() as u32;
    let value = i128::from_le_bytes(wide) << unused;
    let value = if signed { value >> unused } else { ((value as u128) >> unused) as i128 };
    if bytes.len() <= 8 {
        return Some(value as i64);
    }
    match signed {
        true => i64::try_from(value).ok(),
        false => u64::try_from(value).ok().map(|it| it as i64),
    }
}

pub fn unpack(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    let (format, data) = (vm.check_str(args, 1)?, vm.check_str(args, 2)?);
    let (mut reader, bytes) = (Reader::new(format.as_bytes()), data.as_bytes());
    let start = vm.opt_int(args, 3, 1)?;
    let mut at = start_position(start, bytes.len()) - 1;
    if at > bytes.len() {
        return Err(vm.arg_error(3, "initial position out of string"));
    }
    let mut values = Vec::new();
    while let Some(Item { kind, size, n_before }) = next(vm, &mut reader, at)? {
        if bytes.len() - at < n_before + size {
            return Err(vm.arg_error(2, "data string too short"));
        }
        at += n_before;
        let here = &bytes[at..at + size];
        let little = reader.little;
        at += size;
        match kind {
            Kind::Signed | Kind::Unsigned => match read_int(here, little, kind == Kind::Signed) {
                Some(value) => values.push(Value::Int(value)),
                None => {
                    let message = format!("{size}-byte integer does not fit into Lua Integer");
                    return Err(vm.error(&message));
                }
            },
            Kind::Float => {
                let mut word = [here[0], here[1], here[2], here[3]];
                if !little {
                    word.reverse();
                }
                values.push(Value::float(f64::from(f32::from_le_bytes(word))));
            }
            Kind::Double => {
                let bits = read_int(here, little, false).unwrap_or(0);
                values.push(Value::float(f64::from_bits(bits as u64)));
            }
            Kind::Chars => values.push(vm.str(here)),
            Kind::Counted => {
                let len = read_int(here, little, false).map_or(usize::MAX, |it| it as usize);
                if bytes.len() - at < len {
                    return Err(vm.arg_error(2, "data string too short"));
                }
                values.push(vm.str(&bytes[at..at + len]));
                at += len;
            }
            Kind::Zero => {
                let Some(len) = bytes[at..].iter().position(|it| *it == 0) else {
                    return Err(vm.arg_error(2, "unfinished string for format 'z'"));
                };
                values.push(vm.str(&bytes[at..at + len]));
                at += len + 1;
            }
            Kind::Padding | Kind::Alignment | Kind::Nothing => {}
        }
    }
    values.push(Value::Int(at as i64 + 1));
    vm.ret_all(args, &values)
}

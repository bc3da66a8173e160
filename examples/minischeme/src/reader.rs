//! The reader: from text to data with positions.

use crate::error::{Error, Position};
use crate::value::Value;
use std::rc::Rc;

/// A datum that was read, and where it starts.
#[derive(Debug, Clone)]
pub struct Datum {
    /// Where it starts.
    pub position: Position,
    /// What it is.
    pub kind: DatumKind,
}

/// What a datum is.
#[derive(Debug, Clone)]
pub enum DatumKind {
    /// A number, a boolean, a character, a string.
    Constant(Value),
    /// A symbol.
    Symbol(Rc<str>),
    /// A list: its items, and what stands behind a dot.
    List(Vec<Datum>, Option<Box<Datum>>),
    /// A vector.
    Vector(Vec<Datum>),
}

impl Datum {
    /// The value that `quote` makes of it.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            DatumKind::Constant(value) => value.clone(),
            DatumKind::Symbol(name) => Value::Symbol(Rc::clone(name)),
            DatumKind::List(items, tail) => {
                let tail = tail.as_ref().map_or(Value::Nil, |tail| tail.to_value());
                Value::list_with_tail(items.iter().map(Datum::to_value), tail)
            }
            DatumKind::Vector(items) => Value::vector(items.iter().map(Datum::to_value).collect()),
        }
    }

    /// The name, if it is a symbol.
    pub fn as_symbol(&self) -> Option<&Rc<str>> {
        match &self.kind {
            DatumKind::Symbol(name) => Some(name),
            _ => None,
        }
    }

    /// The items, if it is a list without a dot.
    pub fn as_list(&self) -> Option<&[Datum]> {
        match &self.kind {
            DatumKind::List(items, None) => Some(items),
            _ => None,
        }
    }

    /// An error at this datum.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::new(message).at(self.position)
    }
}

/// Deeper lists are refused: what reads and analyses them calls itself.
const MAX_NESTING: usize = 1000;

/// Reads all data of a text.
pub fn read_all(text: &str) -> Result<Vec<Datum>, Error> {
    let start = Position { line: 1, column: 1 };
    let mut reader = Reader { rest: text, position: start, nesting: 0 };
    let mut data = Vec::new();
    while let Some(datum) = reader.datum()? {
        data.push(datum);
    }
    Ok(data)
}

struct Reader<'t> {
    rest: &'t str,
    position: Position,
    nesting: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        match c {
            '\n' => {
                self.position = Position { line: self.position.line + 1, column: 1 };
            }
            _ => self.position.column += 1,
        }
        Some(c)
    }

    fn skip(&mut self, n_chars: usize) {
        for _ in 0..n_chars {
            self.next();
        }
    }

    /// White space, comments up to the end of the line, `#| |#` and `#;datum`.
    fn skip_blanks(&mut self) -> Result<(), Error> {
        loop {
            if self.rest.starts_with("#|") {
                self.skip_block_comment()?;
            } else if self.rest.starts_with("#;") {
                let position = self.position;
                self.skip(2);
                if self.datum()?.is_none() {
                    return Err(Error::incomplete("`#;` without a datum").at(position));
                }
            } else {
                match self.peek() {
                    Some(c) if c.is_whitespace() => {
                        self.next();
                    }
                    Some(';') => while self.next().is_some_and(|c| c != '\n') {},
                    _ => return Ok(()),
                }
            }
        }
    }

    fn skip_block_comment(&mut self) -> Result<(), Error> {
        let position = self.position;
        let mut depth = 0;
        loop {
            match self.next() {
                Some('#') if self.peek() == Some('|') => {
                    self.next();
                    depth += 1;
                }
                Some('|') if self.peek() == Some('#') => {
                    self.next();
                    depth -= 1;
                }
                Some(_) => {}
                None => return Err(Error::incomplete("this comment is never closed").at(position)),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// The next datum, if there is one.
    fn datum(&mut self) -> Result<Option<Datum>, Error> {
        self.skip_blanks()?;
        let position = self.position;
        let Some(c) = self.peek() else { return Ok(None) };
        let kind = match c {
            '(' | '[' => {
                self.next();
                self.list(position, if c == '(' { ')' } else { ']' })?
            }
            ')' | ']' => {
                return Err(Error::new(format!("this `{c}` closes nothing")).at(position));
            }
            '\'' => self.abbreviation(position, 1, "quote")?,
            '`' => self.abbreviation(position, 1, "quasiquote")?,
            ',' if self.rest.starts_with(",@") => {
                self.abbreviation(position, 2, "unquote-splicing")?
            }
            ',' => self.abbreviation(position, 1, "unquote")?,
            '"' => {
                self.next();
                DatumKind::Constant(self.string(position)?)
            }
            '#' if self.rest.starts_with("#(") => {
                self.skip(2);
                match self.list(position, ')')? {
                    DatumKind::List(items, None) => DatumKind::Vector(items),
                    _ => return Err(Error::new("a vector has no dot").at(position)),
                }
            }
            '#' if self.rest.starts_with("#\\") => {
                self.skip(2);
                DatumKind::Constant(self.character(position)?)
            }
            _ => self.atom(position)?,
        };
        Ok(Some(Datum { position, kind }))
    }

    fn nested(&mut self, position: Position) -> Result<Option<Datum>, Error> {
        if self.nesting == MAX_NESTING {
            return Err(Error::new("nested too deep").at(position));
        }
        self.nesting += 1;
        let datum = self.datum();
        self.nesting -= 1;
        datum
    }

    /// `'x` is `(quote x)`, and so on.
    fn abbreviation(
        &mut self,
        position: Position,
        len: usize,
        name: &str,
    ) -> Result<DatumKind, Error> {
        self.skip(len);
        let error = || Error::incomplete("nothing is quoted here").at(position);
        let datum = self.nested(position)?.ok_or_else(error)?;
        let symbol = Datum { position, kind: DatumKind::Symbol(name.into()) };
        Ok(DatumKind::List(vec![symbol, datum], None))
    }

    fn list(&mut self, position: Position, close: char) -> Result<DatumKind, Error> {
        let mut items = Vec::new();
        let mut tail = None;
        loop {
            self.skip_blanks()?;
            match self.peek() {
                Some(c @ (')' | ']')) => {
                    let here = self.position;
                    self.next();
                    return match c == close {
                        true => Ok(DatumKind::List(items, tail)),
                        false => Err(Error::new(format!("`{c}` where `{close}` is due")).at(here)),
                    };
                }
                Some('.') if self.is_dot() && !items.is_empty() && tail.is_none() => {
                    self.next();
                    tail = Some(Box::new(self.tail()?));
                }
                Some(_) if tail.is_some() => {
                    return Err(Error::new("more than one datum behind the dot").at(self.position));
                }
                _ => match self.nested(position)? {
                    Some(datum) => items.push(datum),
                    None => {
                        return Err(Error::incomplete("this list is never closed").at(position));
                    }
                },
            }
        }
    }

    /// What stands behind a dot.
    fn tail(&mut self) -> Result<Datum, Error> {
        self.skip_blanks()?;
        let position = self.position;
        let message = "nothing stands behind the dot";
        if let Some(')' | ']') = self.peek() {
            return Err(Error::new(message).at(position));
        }
        let datum = self.nested(position)?;
        datum.ok_or_else(|| Error::incomplete(message).at(position))
    }

    fn is_dot(&self) -> bool {
        self.rest[1..].chars().next().is_none_or(is_delimiter)
    }

    fn string(&mut self, position: Position) -> Result<Value, Error> {
        let mut text = String::new();
        loop {
            let here = self.position;
            match self.next() {
                Some('"') => return Ok(Value::string(text)),
                Some('\\') => match self.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some(c @ ('"' | '\\')) => text.push(c),
                    Some(c) => return Err(Error::new(format!("unknown escape `\\{c}`")).at(here)),
                    None => {}
                },
                Some(c) => text.push(c),
                None => return Err(Error::incomplete("this string is never closed").at(position)),
            }
        }
    }

    /// What follows `#\`: one character, or a name.
    fn character(&mut self, position: Position) -> Result<Value, Error> {
        let first = self.next();
        let first =
            first.ok_or_else(|| Error::incomplete("`#\\` without a character").at(position))?;
        let mut name = String::from(first);
        while let Some(c) = self.peek().filter(|&c| !is_delimiter(c)) {
            name.push(c);
            self.next();
        }
        if name.chars().count() == 1 {
            return Ok(Value::Char(first));
        }
        let known = CHAR_NAMES.iter().find(|(known, _)| *known == name);
        let error = || Error::new(format!("unknown character `#\\{name}`")).at(position);
        known.map(|(_, c)| Value::Char(*c)).ok_or_else(error)
    }

    /// A number, a boolean or a symbol.
    fn atom(&mut self, position: Position) -> Result<DatumKind, Error> {
        let end = self.rest.find(is_delimiter).unwrap_or(self.rest.len());
        let text = self.rest[..end].to_owned();
        for _ in text.chars() {
            self.next();
        }
        match text.as_str() {
            "#t" | "#true" => return Ok(DatumKind::Constant(Value::Bool(true))),
            "#f" | "#false" => return Ok(DatumKind::Constant(Value::Bool(false))),
            "." => return Err(Error::new("a dot without anything before it").at(position)),
            _ => {}
        }
        if let Some(number) = parse_number(&text, 10) {
            return Ok(DatumKind::Constant(number.map_err(|error| error.at(position))?));
        }
        match text.starts_with('#') {
            true => Err(Error::new(format!("unknown syntax `{text}`")).at(position)),
            false => Ok(DatumKind::Symbol(text.into())),
        }
    }
}

fn is_delimiter(c: char) -> bool {
    c.is_whitespace() || "()[]\";'`,".contains(c)
}

/// The characters that have names.
const CHAR_NAMES: &[(&str, char)] = &[
    ("space", ' '),
    ("newline", '\n'),
    ("tab", '\t'),
    ("return", '\r'),
    ("null", '\0'),
    ("delete", '\x7f'),
    ("escape", '\x1b'),
];

/// The name of a character that has one.
pub(crate) fn char_name(c: char) -> Option<&'static str> {
    CHAR_NAMES.iter().find(|(_, known)| *known == c).map(|(name, _)| *name)
}

/// The number that a text spells, if it looks like one; an error if it is too large.
pub(crate) fn parse_number(text: &str, radix: u32) -> Option<Result<Value, Error>> {
    match text {
        "+inf.0" => return Some(Ok(Value::Float(f64::INFINITY))),
        "-inf.0" => return Some(Ok(Value::Float(f64::NEG_INFINITY))),
        "+nan.0" | "-nan.0" => return Some(Ok(Value::Float(f64::NAN))),
        _ => {}
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() {
        return None;
    }
    if digits.chars().all(|c| c.is_digit(radix)) {
        let too_large = |_| Error::new(format!("{text} does not fit into 64 bits"));
        return Some(i64::from_str_radix(text, radix).map(Value::Int).map_err(too_large));
    }
    // What Rust takes for a float beyond what Scheme does: names such as `inf` and `nan`.
    let is_float = radix == 10
        && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit());
    let float = if is_float { text.parse().ok() } else { None };
    float.map(|x| Ok(Value::Float(x)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::with_stack;

    #[test]
    fn nesting_has_a_limit() {
        let nested = |n: usize| format!("{}{}", "(".repeat(n), ")".repeat(n));
        let error = |text: String| {
            let message = move || read_all(&text).map(drop).map_err(|error| error.to_string());
            with_stack(message).err()
        };
        assert_eq!(error(nested(MAX_NESTING + 1)), None);
        let message = format!("1:{}: nested too deep", MAX_NESTING + 1);
        for text in [nested(MAX_NESTING + 2), "(".repeat(1_000_000), "'".repeat(1_000_000)] {
            assert_eq!(error(text).as_ref(), Some(&message));
        }
    }
}

//! Text to traces. The format is described in [`super`].
//!
//! A [`Line`] is a cursor over one line; its methods read one thing each or say what they expected
//! where. [`Parser`] holds what is known between lines: names and the trace that is being built.

use super::{RESUME_KINDS, Spelling, place};
use crate::ir::{
    CallDescr, Classes, Const, DelayedStore, Effect, ExitId, MemDescr, MergePoint, Opcode, Operand,
    Res, Resume, TargetId, Trace, TraceBuilder, Ty, ValueId,
};
use rustc_hash::FxHashMap;
use std::fmt;

/// Where a text is not a trace, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    line: usize,
    column: usize,
    message: String,
}

impl ParseError {
    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.column
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ParseError {}

type Result<T> = std::result::Result<T, ParseError>;

/// Parses one trace.
pub fn parse(text: &str) -> Result<Trace> {
    parse_block(text, 0)
}

/// Parses several traces, separated by lines of dashes.
pub fn parse_all(text: &str) -> Result<Vec<Trace>> {
    let mut traces = Vec::new();
    for (first_line, block) in blocks(text) {
        if !block.trim().is_empty() {
            traces.push(parse_block(block, first_line)?);
        }
    }
    Ok(traces)
}

/// The parts between separators, each with the number of lines before it.
fn blocks(text: &str) -> Vec<(usize, &str)> {
    let mut blocks = Vec::new();
    let (mut start, mut start_line, mut offset) = (0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if is_separator(line) {
            blocks.push((start_line, &text[start..offset]));
            (start, start_line) = (offset + line.len(), number + 1);
        }
        offset += line.len();
    }
    blocks.push((start_line, &text[start..]));
    blocks
}

fn is_separator(line: &str) -> bool {
    let line = line.trim();
    let dashes = line.strip_prefix('#').unwrap_or(line).trim();
    dashes.len() >= 3 && dashes.bytes().all(|b| b == b'-')
}

fn parse_block(text: &str, lines_before: usize) -> Result<Trace> {
    let mut parser = Parser::default();
    let mut last = lines_before + 1;
    for (index, line) in text.lines().enumerate() {
        last = lines_before + index + 1;
        parser.line(Line { text: line, pos: 0, number: last })?;
    }
    if parser.seen_inputs {
        return Ok(parser.builder.finish());
    }
    Err(ParseError { line: last, column: 1, message: "expected inputs, as in `[i0, p1]`".into() })
}

/// A cursor over one line.
struct Line<'a> {
    text: &'a str,
    pos: usize,
    number: usize,
}

impl<'a> Line<'a> {
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.pos..];
        self.pos += rest.len() - rest.trim_start().len();
        &self.text[self.pos..]
    }

    /// The position of the next thing that is not blank.
    fn here(&mut self) -> usize {
        self.rest();
        self.pos
    }

    fn at_end(&mut self) -> bool {
        let rest = self.rest();
        rest.is_empty() || rest.starts_with('#')
    }

    fn error_at<T>(&self, pos: usize, message: String) -> Result<T> {
        let column = self.text[..pos].chars().count() + 1;
        Err(ParseError { line: self.number, column, message })
    }

    fn expected<T>(&mut self, what: &str) -> Result<T> {
        let rest = self.rest();
        let found = match (rest.chars().next(), word_len(rest)) {
            (None, _) => "the end of the line".to_string(),
            (Some(c), 0) => format!("`{c}`"),
            (Some(_), n) => format!("`{}`", &rest[..n]),
        };
        self.error_at(self.pos, format!("expected {what}, found {found}"))
    }

    fn eat(&mut self, token: char) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.pos += token.len_utf8();
        }
        found
    }

    fn expect(&mut self, token: char) -> Result<()> {
        match self.eat(token) {
            true => Ok(()),
            false => self.expected(&format!("`{token}`")),
        }
    }

    fn word(&mut self, what: &str) -> Result<&'a str> {
        let rest = self.rest();
        let n = word_len(rest);
        if n == 0 || !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return self.expected(what);
        }
        self.pos += n;
        Ok(&rest[..n])
    }

    /// The next word, if it is a word, without taking it.
    fn peek_word(&mut self) -> &'a str {
        let rest = self.rest();
        &rest[..word_len(rest)]
    }

    fn number<N: TryFrom<i128>>(&mut self, what: &str) -> Result<N> {
        let start = self.here();
        let (negative, digits) = (self.eat('-'), self.peek_word());
        let parsed = match digits.strip_prefix("0x") {
            Some(hex) => i128::from_str_radix(hex, 16).ok(),
            None => digits.parse::<i128>().ok(),
        };
        let signed = parsed.map(|n| if negative { -n } else { n });
        let Some(number) = signed.and_then(|n| N::try_from(n).ok()) else {
            self.pos = start;
            return self.expected(what);
        };
        self.pos += digits.len();
        Ok(number)
    }

    fn ty(&mut self) -> Result<Ty> {
        let Some(ty) = Ty::from_name(self.peek_word()) else {
            return self.expected("a type");
        };
        self.pos += ty.name().len();
        Ok(ty)
    }

    fn string(&mut self) -> Result<String> {
        let start = self.here();
        self.expect('"')?;
        let mut out = String::new();
        let mut chars = self.text[self.pos..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.pos += at + 1;
                    return Ok(out);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, 'r')) => out.push('\r'),
                    Some((_, c @ ('"' | '\\'))) => out.push(c),
                    _ => return self.error_at(self.pos + at, "unknown escape in string".into()),
                },
                other => out.push(other),
            }
        }
        self.error_at(start, "this string does not end".into())
    }

    /// Items up to `close`, separated by commas; the opening bracket has been read.
    fn items(&mut self, close: char, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        if self.eat(close) {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.eat(close) {
                return Ok(());
            }
            if !self.eat(',') {
                return self.expected(&format!("`,` or `{close}`"));
            }
        }
    }

    fn mem(&mut self) -> Result<MemDescr> {
        self.expect('(')?;
        let mut mem = MemDescr { ty: self.ty()?, offset: 0, scale: 0, class: 0, frozen: false };
        if self.eat(',') {
            self.items(')', |line| {
                let what = "`offset`, `scale`, `class` or `frozen`";
                match line.peek_word() {
                    "offset" => mem.offset = line.keyed("a 32-bit number")?,
                    "scale" => mem.scale = line.keyed("a number")?,
                    "class" => mem.class = line.keyed("a number")?,
                    "frozen" => mem.frozen = !line.word(what)?.is_empty(),
                    _ => return line.expected(what),
                }
                Ok(())
            })?;
            return Ok(mem);
        }
        self.expect(')')?;
        Ok(mem)
    }

    fn call(&mut self) -> Result<CallDescr> {
        self.expect('(')?;
        let name = match self.rest().starts_with('"') {
            true => self.string()?,
            false => self.path()?.to_string(),
        };
        let mut call = CallDescr {
            name: name.into(),
            site: "".into(),
            res: None,
            can_panic: false,
            reads_only: false,
            apart: Classes::NONE,
        };
        if self.eat(')') {
            return Ok(call);
        }
        self.expect(',')?;
        self.items(')', |line| {
            let what = "a site in quotes, `res`, `apart`, `reads_only` or `can_panic`";
            match line.peek_word() {
                "res" => {
                    line.key()?;
                    call.res = Some(line.ty()?);
                }
                "apart" => call.apart = call.apart.with(line.keyed("a number")?),
                "reads_only" => call.reads_only = !line.word(what)?.is_empty(),
                "can_panic" => call.can_panic = !line.word(what)?.is_empty(),
                _ if line.rest().starts_with('"') => call.site = line.string()?.into(),
                _ => return line.expected(what),
            }
            Ok(())
        })?;
        Ok(call)
    }

    fn resume(&mut self) -> Result<Resume> {
        self.expect('(')?;
        let kind = self.peek_word();
        let Some(&(kind, name)) = RESUME_KINDS.iter().find(|(_, name)| *name == kind) else {
            return self.expected("`rewind`, `replay` or `return`");
        };
        self.pos += name.len();
        let mut resume = Resume { kind, ..Resume::default() };
        if self.eat(')') {
            return Ok(resume);
        }
        self.expect(',')?;
        self.items(')', |line| {
            match line.peek_word() {
                "mp" => resume.merge_point = line.keyed("a number")?,
                "step" => resume.step = line.keyed("a number")?,
                "reds" => resume.n_reds = line.keyed("a number")?,
                _ => return line.expected("`mp`, `step` or `reds`"),
            }
            Ok(())
        })?;
        Ok(resume)
    }

    fn path(&mut self) -> Result<&'a str> {
        let rest = self.rest();
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let n = rest.find(|c| !inner(c)).unwrap_or(rest.len());
        if n == 0 {
            return self.expected("the name of a function");
        }
        self.pos += n;
        Ok(&rest[..n])
    }

    fn key(&mut self) -> Result<()> {
        self.word("a key")?;
        self.expect('=')
    }

    fn keyed<N: TryFrom<i128>>(&mut self, what: &str) -> Result<N> {
        self.key()?;
        self.number(what)
    }

    /// Whether a `key=` stands here.
    fn at_key(&mut self) -> bool {
        let n = self.peek_word().len();
        n > 0 && self.rest()[n..].trim_start().starts_with('=')
    }
}

fn word_len(text: &str) -> usize {
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())
}

/// A value's name where it is defined.
struct Definition<'a> {
    name: &'a str,
    stated: Option<Ty>,
    at: usize,
}

/// What stands in the parentheses behind an operation's name.
#[derive(Default)]
struct Operands {
    args: Vec<Operand>,
    descr: Option<Descr>,
    target: u32,
}

enum Descr {
    Mem(MemDescr),
    Call(CallDescr),
}

#[derive(Default)]
struct Parser {
    builder: TraceBuilder,
    names: FxHashMap<String, ValueId>,
    seen_inputs: bool,
    seen_text: bool,
}

impl Parser {
    fn line(&mut self, mut line: Line<'_>) -> Result<()> {
        let first = !self.seen_text;
        self.seen_text |= !line.rest().is_empty();
        if line.at_end() {
            if first && let Some(name) = line.rest().strip_prefix('#') {
                self.builder.set_name(name.trim().to_string());
            }
            return Ok(());
        }
        match self.seen_inputs {
            true => self.op(&mut line)?,
            false if line.peek_word() == "merge_point" => self.merge_point(&mut line)?,
            false => self.inputs(&mut line)?,
        }
        match line.at_end() {
            true => Ok(()),
            false => line.expected("the end of the line"),
        }
    }

    fn merge_point(&mut self, line: &mut Line<'_>) -> Result<()> {
        line.word("`merge_point`")?;
        let next = self.builder.trace().merge_points.len();
        let at = line.here();
        if line.number::<usize>("the merge point's number")? != next {
            return line.error_at(at, format!("expected merge point {next}: they are in order"));
        }
        line.expect('=')?;
        line.expect('[')?;
        let mut greens = Vec::new();
        line.items(']', |line| {
            greens.push(line.number::<u64>("a green's word")?);
            Ok(())
        })?;
        self.builder.merge_point(MergePoint { greens: greens.into() });
        Ok(())
    }

    fn inputs(&mut self, line: &mut Line<'_>) -> Result<()> {
        if !line.eat('[') {
            return line.expected("inputs, as in `[i0, p1]`");
        }
        line.items(']', |line| {
            let definition = definition(line)?;
            let ty = definition_type(line, &definition, None)?;
            let value = self.builder.input(ty);
            self.define(line, &definition, value)
        })?;
        self.seen_inputs = true;
        Ok(())
    }

    fn op(&mut self, line: &mut Line<'_>) -> Result<()> {
        let results = results(line)?;
        let at = line.here();
        let word = line.word("an operation")?;
        let Some(opcode) = Opcode::from_name(word) else {
            return line.error_at(at, format!("unknown operation `{word}`"));
        };
        line.expect('(')?;
        if opcode == Opcode::DebugMergePoint {
            let index = line.number("the merge point's number")?;
            line.expect(')')?;
            self.builder.push_void(opcode, &[], index);
            return no_results(line, opcode, &results);
        }
        let operands = self.operands(line, opcode)?;
        if opcode == Opcode::Label {
            return self.label(line, &results, &operands);
        }
        let implied = self.implied(opcode, &operands);
        let descr = self.descr(line, opcode, operands.descr, operands.target)?;
        self.push(line, opcode, &operands.args, descr, &results, implied)
    }

    fn push(
        &mut self,
        line: &Line<'_>,
        opcode: Opcode,
        args: &[Operand],
        descr: u32,
        results: &[Definition<'_>],
        implied: Option<Ty>,
    ) -> Result<()> {
        match (opcode.info().res, results) {
            (Res::None, _) | (Res::MaybeDescr, []) => {
                self.builder.push_void(opcode, args, descr);
                no_results(line, opcode, results)
            }
            (_, [result]) => {
                let ty = definition_type(line, result, implied)?;
                let value = self.builder.push(opcode, args, descr, ty);
                self.define(line, result, value.value().expect("a result is a value"))
            }
            _ => line.error_at(0, format!("expected one result of `{}`", opcode.name())),
        }
    }

    fn label(
        &mut self,
        line: &Line<'_>,
        results: &[Definition<'_>],
        operands: &Operands,
    ) -> Result<()> {
        let (expected, found) = (operands.args.len(), results.len());
        if expected != found {
            let message = format!("expected {expected} results of `label`, found {found}");
            return line.error_at(0, message);
        }
        let first = self.builder.push_label(TargetId(operands.target), &operands.args);
        for (k, result) in results.iter().enumerate() {
            let value = ValueId(first.0 + k as u32);
            definition_type(line, result, Some(self.builder.trace().types[value.index()]))?;
            self.define(line, result, value)?;
        }
        Ok(())
    }

    fn define(&mut self, line: &Line<'_>, d: &Definition<'_>, value: ValueId) -> Result<()> {
        match self.names.insert(d.name.to_string(), value) {
            None => Ok(()),
            Some(_) => line.error_at(d.at, format!("`{}` is already defined", d.name)),
        }
    }

    fn operands(&mut self, line: &mut Line<'_>, opcode: Opcode) -> Result<Operands> {
        let mut operands = Operands::default();
        line.items(')', |line| {
            if line.at_key() {
                return keyed_operand(line, opcode, &mut operands);
            }
            let place = place(opcode, operands.args.len(), &operands.args, |operand| {
                self.builder.trace().ty(operand)
            });
            operands.args.push(self.operand(line, place)?);
            Ok(())
        })?;
        Ok(operands)
    }

    fn operand(&mut self, line: &mut Line<'_>, place: Option<Ty>) -> Result<Operand> {
        let (at, rest) = (line.here(), line.rest());
        let literal = literal_len(rest);
        if literal > 0 {
            line.pos += literal;
            return match constant(&rest[..literal], place) {
                Some(c) => Ok(self.builder.constant(c)),
                None => line.error_at(at, format!("`{}` is no constant", &rest[..literal])),
            };
        }
        let name = line.word("a value or a constant")?;
        match self.names.get(name) {
            Some(&value) => Ok(value.into()),
            None => line.error_at(at, format!("`{name}` is not defined")),
        }
    }

    /// The type that the operation gives its result, where it does.
    fn implied(&self, opcode: Opcode, operands: &Operands) -> Option<Ty> {
        match (opcode.info().res, &operands.descr) {
            (Res::Ty(ty), _) => Some(ty),
            (Res::Same, _) => operands.args.first().map(|&arg| self.builder.trace().ty(arg)),
            (Res::Descr, Some(Descr::Mem(mem))) => Some(mem.ty),
            (Res::MaybeDescr, Some(Descr::Call(call))) => call.res,
            _ => None,
        }
    }

    /// [`crate::ir::Op::descr`]: reads an exit where one follows.
    fn descr(
        &mut self,
        line: &mut Line<'_>,
        opcode: Opcode,
        descr: Option<Descr>,
        target: u32,
    ) -> Result<u32> {
        match (opcode.effect(), descr) {
            _ if opcode.has_exit() => self.exit(line),
            (Effect::Control, _) => Ok(target),
            (_, Some(Descr::Mem(mem))) if opcode.has_mem() => Ok(self.builder.mem(mem)),
            _ if opcode.has_mem() => line.expected("`descr=mem(…)` before this"),
            (Effect::Call, Some(Descr::Call(call))) => Ok(self.builder.call(call)),
            (Effect::Call, _) if opcode == Opcode::CallResult => {
                match self.builder.trace().calls.len() {
                    0 => line.error_at(0, "`call_result` without a call above".into()),
                    n => Ok(n as u32 - 1),
                }
            }
            (Effect::Call, _) => line.expected("`descr=call(…)` before this"),
            _ => Ok(0),
        }
    }

    /// What an exit allocates is named in its arguments before.
    fn reserve_new(&mut self, line: &mut Line<'_>) {
        let rest = line.rest();
        let parts: Vec<&str> = rest.split(" = new(").collect();
        for before in &parts[..parts.len() - 1] {
            let start = before.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
            let name = &before[start..];
            if !self.names.contains_key(name) {
                let value = self.builder.reserve(Ty::Ptr);
                self.names.insert(name.to_string(), value);
            }
        }
    }

    fn exit(&mut self, line: &mut Line<'_>) -> Result<u32> {
        self.reserve_new(line);
        line.expect('[')?;
        let mut args = Vec::new();
        line.items(']', |line| {
            args.push(self.operand(line, None)?);
            Ok(())
        })?;
        let mut id = ExitId(self.builder.trace().exits.len() as u32);
        let mut resume = Resume::default();
        if line.peek_word() == "exit" {
            id = ExitId(line.keyed("the number of an exit")?);
        }
        if line.peek_word() == "resume" {
            line.word("`resume`")?;
            resume = line.resume()?;
        }
        let mut stores = Vec::new();
        if line.peek_word() == "stores" {
            line.word("`stores`")?;
            line.expect('(')?;
            line.items(')', |line| {
                stores.push(self.delayed_store(line, &mut args)?);
                Ok(())
            })?;
        }
        Ok(self.builder.exit_with_stores(id, &args, resume, &stores))
    }

    fn delayed_store(
        &mut self,
        line: &mut Line<'_>,
        args: &mut Vec<Operand>,
    ) -> Result<DelayedStore> {
        let at = line.here();
        let mut word = line.word("a store")?;
        let new = self.names.get(word).copied();
        if new.is_some() {
            line.expect('=')?;
            word = line.word("`new`")?;
        }
        let opcode = Opcode::from_name(word);
        let is_note = |it: &Opcode| match new {
            Some(_) => it.allocates(),
            None => {
                let is_note = it.assumes_memory() || it.assumes_order();
                it.effect() == Effect::Store || is_note || it.frees()
            }
        };
        let Some(opcode) = opcode.filter(is_note) else {
            return line.error_at(at, "expected a store or an assumption".into());
        };
        line.expect('(')?;
        let operands = self.operands(line, opcode)?;
        let (found, expected) = (operands.args.len(), opcode.info().args.len());
        if found != expected {
            return line.error_at(at, format!("expected {expected} operands, found {found}"));
        }
        args.extend(operands.args);
        match operands.descr {
            None if new.is_some() => {
                Ok(DelayedStore::new_object(opcode, new.expect("it was tested")))
            }
            None if opcode.frees() => Ok(DelayedStore::free(opcode)),
            None if opcode.assumes_order() => Ok(DelayedStore::order(opcode)),
            Some(Descr::Mem(mem)) => Ok(DelayedStore { opcode, mem: self.builder.mem(mem) }),
            _ => line.expected("`descr=mem(…)` before this"),
        }
    }
}

fn keyed_operand(line: &mut Line<'_>, opcode: Opcode, operands: &mut Operands) -> Result<()> {
    match (line.peek_word(), opcode, opcode.effect()) {
        ("target", Opcode::Label | Opcode::Jump, _) => {
            operands.target = line.keyed("the number of a target")?;
        }
        ("descr", ..) if opcode.has_mem() => {
            line.key()?;
            match line.peek_word() {
                "mem" => line.pos += "mem".len(),
                _ => return line.expected("`mem(…)`"),
            }
            operands.descr = Some(Descr::Mem(line.mem()?));
        }
        ("descr", ..) if opcode.is_call() => {
            line.key()?;
            match line.peek_word() {
                "call" => line.pos += "call".len(),
                _ => return line.expected("`call(…)`"),
            }
            operands.descr = Some(Descr::Call(line.call()?));
        }
        _ => return line.expected("a value or a constant"),
    }
    Ok(())
}

/// The definitions left of `=`; none if the line starts with the operation.
fn results<'a>(line: &mut Line<'a>) -> Result<Vec<Definition<'a>>> {
    let mut results = Vec::new();
    let n = line.peek_word().len();
    if line.rest()[n..].trim_start().starts_with('(') {
        return Ok(results);
    }
    loop {
        results.push(definition(line)?);
        if line.eat('=') {
            return Ok(results);
        }
        if !line.eat(',') {
            return line.expected("`=`, `,` or `(`");
        }
    }
}

fn definition<'a>(line: &mut Line<'a>) -> Result<Definition<'a>> {
    let at = line.here();
    let name = line.word("the name of a value")?;
    let stated = match line.eat(':') {
        true => Some(line.ty()?),
        false => None,
    };
    Ok(Definition { name, stated, at })
}

fn definition_type(line: &Line<'_>, d: &Definition<'_>, implied: Option<Ty>) -> Result<Ty> {
    let letter = d.name.chars().next().expect("a name is not empty");
    let Some(default) = Ty::default_for_letter(letter) else {
        let message = format!("the name of a value starts with i, f or p, not as in `{}`", d.name);
        return line.error_at(d.at, message);
    };
    if let (Some(stated), Some(implied)) = (d.stated, implied)
        && stated != implied
    {
        let message = format!("`{}` is stated to be {stated}, but is {implied}", d.name);
        return line.error_at(d.at, message);
    }
    let ty = d.stated.or(implied).unwrap_or(default);
    match ty.letter() == letter {
        true => Ok(ty),
        false => {
            let expected = ty.letter();
            let message = format!("the name of a {ty} starts with {expected}, not as `{}`", d.name);
            line.error_at(d.at, message)
        }
    }
}

fn no_results(line: &Line<'_>, opcode: Opcode, results: &[Definition<'_>]) -> Result<()> {
    match results {
        [] => Ok(()),
        [first, ..] => line.error_at(first.at, format!("`{}` has no such result", opcode.name())),
    }
}

/// How much of the text is a literal; 0 if it starts with none.
fn literal_len(text: &str) -> usize {
    let sign = usize::from(text.starts_with('-'));
    let body = &text[sign..];
    if body.starts_with("nan(") {
        let close = text.find(')').map_or(text.len(), |at| at + 1);
        return close + word_len(&text[close..]);
    }
    let word = &body[..word_len(body)];
    let is_word = matches!(word, "true" | "false")
        || word.strip_prefix("inf").is_some_and(|suffix| suffix.is_empty() || suffix.len() == 3);
    if is_word {
        return sign + word.len();
    }
    if !body.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    let hex = body.starts_with("0x");
    let mut previous = ' ';
    let part = |c: char| {
        let exponent_sign = !hex && matches!(c, '+' | '-') && previous == 'e';
        previous = c;
        c.is_ascii_alphanumeric() || c == '.' || exponent_sign
    };
    let n = body.find({
        let mut part = part;
        move |c| !part(c)
    });
    sign + n.unwrap_or(body.len())
}

fn constant(literal: &str, place: Option<Ty>) -> Option<Const> {
    if matches!(literal, "true" | "false") {
        return Some(Const::new(Ty::Bool, u64::from(literal == "true")));
    }
    let (digits, suffix) = split_suffix(literal);
    let is_hex = digits.trim_start_matches('-').starts_with("0x");
    let is_float = digits.contains(['.', 'n']) || !is_hex && digits.contains('e');
    let spelling = match (is_hex, is_float) {
        (true, _) => Spelling::Hex,
        (_, true) => Spelling::Float,
        _ => Spelling::Decimal,
    };
    let ty = suffix.unwrap_or_else(|| spelling.type_at(place));
    let bits = match ty {
        Ty::Bool => return None,
        Ty::F32 | Ty::F64 => float_bits(digits, ty)?,
        _ => integer_bits(digits, ty)?,
    };
    Some(Const::new(ty, bits))
}

fn split_suffix(literal: &str) -> (&str, Option<Ty>) {
    for ty in Ty::ALL {
        let is_hex = literal.trim_start_matches('-').starts_with("0x");
        // The suffix of a float would be digits of a hexadecimal number.
        if is_hex && ty.is_float() {
            continue;
        }
        if let Some(digits) = literal.strip_suffix(ty.name()) {
            return (digits, Some(ty));
        }
    }
    (literal, None)
}

fn float_bits(digits: &str, ty: Ty) -> Option<u64> {
    if let Some(nan) = digits.strip_prefix("nan(") {
        let bits = u64::from_str_radix(nan.strip_suffix(')')?.strip_prefix("0x")?, 16).ok()?;
        let is_nan = match ty {
            Ty::F32 => u32::try_from(bits).is_ok_and(|bits| f32::from_bits(bits).is_nan()),
            _ => f64::from_bits(bits).is_nan(),
        };
        return is_nan.then_some(bits);
    }
    if digits.contains("nan") {
        return None;
    }
    match ty {
        Ty::F32 => digits.parse().ok().map(|x: f32| u64::from(x.to_bits())),
        _ => digits.parse().ok().map(|x: f64| x.to_bits()),
    }
}

/// An integer may be written as signed or as unsigned number of its width.
fn integer_bits(digits: &str, ty: Ty) -> Option<u64> {
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits),
    };
    let magnitude = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None => digits.parse::<u64>().ok()?,
    };
    let limit = if negative { 1 << (ty.bits() - 1) } else { ty.mask() };
    if magnitude > limit {
        return None;
    }
    Some(if negative { magnitude.wrapping_neg() & ty.mask() } else { magnitude })
}

//! Text to tokens.

use super::token::{Keyword, Symbol, Token};
use super::{SyntaxError, chunk_id};
use crate::gc::Heap;
use crate::number::{self, Number};
use crate::stdlib::utf8::encode_utf8;

/// Reads tokens one by one.
pub struct Lexer<'s> {
    source: &'s [u8],
    chunk_name: &'s [u8],
    at: usize,
    /// The line of the character at `at`.
    line: u32,
    /// Where the last token started.
    start: usize,
}

impl<'s> Lexer<'s> {
    /// A lexer for a program, which may start with a `#` line.
    pub fn new(source: &'s [u8], chunk_name: &'s [u8]) -> Lexer<'s> {
        let mut lexer = Lexer { source, chunk_name, at: 0, line: 1, start: 0 };
        if lexer.peek() == Some(b'#') {
            while lexer.peek().is_some_and(|it| it != b'\n') {
                lexer.at += 1;
            }
        }
        lexer
    }

    /// The line that has been reached.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Where the last token lies in the source.
    pub fn span(&self) -> (usize, usize) {
        (self.start, self.at)
    }

    /// The text of a span.
    pub fn text(&self, span: (usize, usize)) -> &'s [u8] {
        &self.source[span.0..span.1]
    }

    fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    fn peek_at(&self, offset: usize) -> Option<u8> {
        self.source.get(self.at + offset).copied()
    }

    /// An error at a line, near what `near` shows.
    pub fn error_at(&self, line: u32, message: &str, near: Option<&[u8]>) -> SyntaxError {
        let mut text = chunk_id(self.chunk_name);
        text.extend_from_slice(format!(":{line}: {message}").as_bytes());
        if let Some(near) = near {
            text.extend_from_slice(b" near ");
            text.extend_from_slice(near);
        }
        SyntaxError(text)
    }

    fn error(&self, message: &str) -> SyntaxError {
        let near = [b"'", self.text((self.start, self.at)), b"'"].concat();
        self.error_at(self.line, message, Some(&near))
    }

    fn error_at_end(&self, message: &str) -> SyntaxError {
        self.error_at(self.line, message, Some(b"<eof>"))
    }

    /// The next token.
    pub fn next(&mut self, heap: &mut Heap) -> Result<Token, SyntaxError> {
        self.skip_blanks()?;
        self.start = self.at;
        let Some(byte) = self.peek() else { return Ok(Token::Eof) };
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Ok(self.word(heap)),
            b'0'..=b'9' => self.numeral(),
            b'.' if self.peek_at(1).is_some_and(|it| it.is_ascii_digit()) => self.numeral(),
            b'"' | b'\'' => self.string(byte, heap),
            b'[' if matches!(self.peek_at(1), Some(b'[' | b'=')) => self.open_bracket(heap),
            _ => Ok(self.symbol(byte)),
        }
    }

    fn skip_blanks(&mut self) -> Result<(), SyntaxError> {
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' | b'\r' => self.newline(),
                b' ' | b'\t' | 0x0b | 0x0c => self.at += 1,
                b'-' if self.peek_at(1) == Some(b'-') => self.comment()?,
                _ => break,
            }
        }
        Ok(())
    }

    /// `\n`, `\r`, `\r\n` and `\n\r` are one line break each.
    fn newline(&mut self) {
        let first = self.peek();
        self.at += 1;
        if matches!(self.peek(), Some(b'\n' | b'\r')) && self.peek() != first {
            self.at += 1;
        }
        self.line += 1;
    }

    fn comment(&mut self) -> Result<(), SyntaxError> {
        self.at += 2;
        self.start = self.at;
        if self.peek() == Some(b'[')
            && let Some(level) = self.long_bracket_level()
        {
            self.long_bracket(level, "comment")?;
            return Ok(());
        }
        while self.peek().is_some_and(|it| it != b'\n' && it != b'\r') {
            self.at += 1;
        }
        Ok(())
    }

    fn word(&mut self, heap: &mut Heap) -> Token {
        while self.peek().is_some_and(|it| it.is_ascii_alphanumeric() || it == b'_') {
            self.at += 1;
        }
        let text = &self.source[self.start..self.at];
        let keyword = Keyword::ALL.iter().find(|it| it.text().as_bytes() == text);
        match keyword {
            Some(&keyword) => Token::Keyword(keyword),
            None => Token::Name(heap.pinned(text)),
        }
    }

    fn symbol(&mut self, byte: u8) -> Token {
        let rest = &self.source[self.at..];
        match Symbol::ALL.iter().find(|it| rest.starts_with(it.text().as_bytes())) {
            Some(&symbol) => {
                self.at += symbol.text().len();
                Token::Symbol(symbol)
            }
            None => {
                self.at += 1;
                Token::Other(byte)
            }
        }
    }

    fn numeral(&mut self) -> Result<Token, SyntaxError> {
        let is_hex = self.peek() == Some(b'0') && matches!(self.peek_at(1), Some(b'x' | b'X'));
        let marks: &[u8] = if is_hex { b"pP" } else { b"eE" };
        while let Some(byte) = self.peek() {
            if marks.contains(&byte) {
                self.at += 1;
                if matches!(self.peek(), Some(b'+' | b'-')) {
                    self.at += 1;
                }
            } else if byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_' {
                self.at += 1;
            } else {
                break;
            }
        }
        match number::parse(&self.source[self.start..self.at]) {
            Some(Number::Int(it)) => Ok(Token::Int(it)),
            Some(Number::Float(it)) => Ok(Token::Float(it)),
            None => Err(self.error("malformed number")),
        }
    }

    fn open_bracket(&mut self, heap: &mut Heap) -> Result<Token, SyntaxError> {
        match self.long_bracket_level() {
            Some(level) => {
                let text = self.long_bracket(level, "string")?;
                Ok(Token::String(heap.pinned(&text)))
            }
            None if self.peek_at(1) == Some(b'=') => {
                self.at += 1;
                while self.peek() == Some(b'=') {
                    self.at += 1;
                }
                Err(self.error("invalid long string delimiter"))
            }
            None => Ok(self.symbol(b'[')),
        }
    }

    /// How many `=` are in the long bracket that starts here, if one does.
    fn long_bracket_level(&self) -> Option<usize> {
        let level = self.source[self.at + 1..].iter().take_while(|it| **it == b'=').count();
        (self.peek_at(level + 1) == Some(b'[')).then_some(level)
    }

    fn long_bracket(&mut self, level: usize, what: &str) -> Result<Vec<u8>, SyntaxError> {
        let first_line = self.line;
        let mut end = vec![b'='; level];
        end.insert(0, b']');
        end.push(b']');
        self.at += level + 2;
        let mut text = Vec::new();
        if matches!(self.peek(), Some(b'\n' | b'\r')) {
            self.newline();
        }
        loop {
            if self.source[self.at..].starts_with(&end) {
                self.at += end.len();
                return Ok(text);
            }
            match self.peek() {
                None => {
                    let message = format!("unfinished long {what} (starting at line {first_line})");
                    return Err(self.error_at_end(&message));
                }
                Some(b'\n' | b'\r') => {
                    self.newline();
                    text.push(b'\n');
                }
                Some(byte) => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    fn string(&mut self, quote: u8, heap: &mut Heap) -> Result<Token, SyntaxError> {
        self.at += 1;
        let mut text = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.error_at_end("unfinished string")),
                Some(b'\n' | b'\r') => return Err(self.error("unfinished string")),
                Some(b'\\') => self.escape(&mut text)?,
                Some(byte) => {
                    self.at += 1;
                    if byte == quote {
                        return Ok(Token::String(heap.pinned(&text)));
                    }
                    text.push(byte);
                }
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), SyntaxError> {
        self.at += 1;
        let Some(byte) = self.peek() else { return Ok(()) };
        let simple = match byte {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\\' | b'"' | b'\'' => byte,
            b'\n' | b'\r' => {
                self.newline();
                text.push(b'\n');
                return Ok(());
            }
            b'x' => return self.hex_escape(text),
            b'u' => return self.utf8_escape(text),
            b'z' => {
                self.at += 1;
                self.skip_space();
                return Ok(());
            }
            b'0'..=b'9' => return self.decimal_escape(text),
            _ => return Err(self.bad_escape("invalid escape sequence")),
        };
        self.at += 1;
        text.push(simple);
        Ok(())
    }

    /// An error that shows the string up to and with the current character.
    fn bad_escape(&mut self, message: &str) -> SyntaxError {
        if self.peek().is_some() {
            self.at += 1;
        }
        self.error(message)
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' | b'\r' => self.newline(),
                b' ' | b'\t' | 0x0b | 0x0c => self.at += 1,
                _ => break,
            }
        }
    }

    fn hex_digit(&mut self) -> Result<u32, SyntaxError> {
        match self.peek().and_then(|it| (it as char).to_digit(16)) {
            Some(digit) => {
                self.at += 1;
                Ok(digit)
            }
            None => Err(self.bad_escape("hexadecimal digit expected")),
        }
    }

    fn hex_escape(&mut self, text: &mut Vec<u8>) -> Result<(), SyntaxError> {
        self.at += 1;
        let high = self.hex_digit()?;
        let low = self.hex_digit()?;
        text.push((high << 4 | low) as u8);
        Ok(())
    }

    fn utf8_escape(&mut self, text: &mut Vec<u8>) -> Result<(), SyntaxError> {
        self.at += 1;
        if self.peek() != Some(b'{') {
            return Err(self.bad_escape("missing '{' in \\u{xxxx}"));
        }
        self.at += 1;
        let mut code = self.hex_digit()?;
        while let Some(digit) = self.peek().and_then(|it| (it as char).to_digit(16)) {
            self.at += 1;
            if code > (0x7FFF_FFFF >> 4) {
                self.at -= 1;
                return Err(self.bad_escape("UTF-8 value too large"));
            }
            code = code << 4 | digit;
        }
        if self.peek() != Some(b'}') {
            return Err(self.bad_escape("missing '}' in \\u{xxxx}"));
        }
        self.at += 1;
        encode_utf8(code, text);
        Ok(())
    }

    fn decimal_escape(&mut self, text: &mut Vec<u8>) -> Result<(), SyntaxError> {
        let mut code = 0u32;
        for _ in 0..3 {
            let Some(digit) = self.peek().filter(u8::is_ascii_digit) else { break };
            code = code * 10 + u32::from(digit - b'0');
            self.at += 1;
        }
        match u8::try_from(code) {
            Ok(byte) => text.push(byte),
            Err(_) => return Err(self.bad_escape("decimal escape too large")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(source: &str) -> Result<Vec<Token>, String> {
        let mut heap = Heap::new();
        let mut lexer = Lexer::new(source.as_bytes(), b"=test");
        let mut tokens = Vec::new();
        loop {
            match lexer.next(&mut heap).map_err(|it| it.to_string())? {
                Token::Eof => return Ok(tokens),
                Token::String(it) => tokens.push(Token::Int(it.len() as i64)),
                token => tokens.push(token),
            }
        }
    }

    #[test]
    fn numbers_strings_and_symbols() {
        use Token::{Float, Int, Symbol as S};
        assert_eq!(
            tokens("3 0x10 1e2 .5 --[[ x\n]] 7 -- y"),
            Ok(vec![Int(3), Int(16), Float(100.0), Float(0.5), Int(7)])
        );
        assert_eq!(tokens(r#" "a\65\x41\u{48}\z  b" [==[ ]] ]==] "#), Ok(vec![Int(5), Int(4)]));
        assert_eq!(
            tokens("<<= ..."),
            Ok(vec![S(Symbol::ShiftLeft), S(Symbol::Assign), S(Symbol::Ellipsis)])
        );
    }

    #[test]
    fn errors_name_line_and_token() {
        let error = |source| tokens(source).unwrap_err();
        assert_eq!(error("\n3x"), "test:2: malformed number near '3x'");
        assert_eq!(error("'ab\n"), "test:1: unfinished string near ''ab'");
        assert_eq!(error("'a\\q"), "test:1: invalid escape sequence near ''a\\q'");
        assert_eq!(
            error("\n[[x"),
            "test:2: unfinished long string (starting at line 2) near <eof>"
        );
    }
}

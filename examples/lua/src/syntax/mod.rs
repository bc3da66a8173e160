//! From text to a syntax tree in which names are resolved.

pub mod ast;
mod expressions;
mod lexer;
mod parser;
mod scope;
mod token;

pub use parser::parse;

use std::fmt;

/// What is wrong with a program's text: `chunk:line: message near 'token'`.
#[derive(Debug)]
pub struct SyntaxError(pub Vec<u8>);

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// A chunk's name as messages show it: a file's name, or the first line of a string.
pub fn chunk_id(name: &[u8]) -> Vec<u8> {
    /// Room for the name in the reference implementation, without the final zero.
    const MAX: usize = 59;
    match name {
        [b'=', rest @ ..] => rest[..rest.len().min(MAX)].to_vec(),
        [b'@', rest @ ..] if rest.len() <= MAX => rest.to_vec(),
        [b'@', rest @ ..] => [b"...", &rest[rest.len() - (MAX - 3)..]].concat(),
        _ => {
            let first_line = name.split(|&it| it == b'\n').next().unwrap_or(name);
            let room = MAX - b"[string \"...\"]".len();
            let is_whole = first_line.len() == name.len() && name.len() <= room;
            let shown = &first_line[..first_line.len().min(room)];
            let dots: &[u8] = if is_whole { b"" } else { b"..." };
            [b"[string \"", shown, dots, b"\"]"].concat()
        }
    }
}

//! What goes wrong in a program, and where.

use std::fmt;

/// A place in a source text; lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// An error of a program.
#[jitdriver::jit]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// None as long as only a procedure knows of it that does not know who called it.
    position: Option<Position>,
    message: String,
    is_incomplete: bool,
}

impl Error {
    /// An error without a position yet.
    pub fn new(message: impl Into<String>) -> Error {
        Error { position: None, message: message.into(), is_incomplete: false }
    }

    /// The text ends before it is complete: more of it may help.
    pub fn incomplete(message: impl Into<String>) -> Error {
        Error { is_incomplete: true, ..Error::new(message) }
    }

    /// The same at this position, if it has none.
    pub fn at(self, position: Position) -> Error {
        Error { position: self.position.or(Some(position)), ..self }
    }

    /// Where it happened.
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// Whether the text ended before it was complete.
    pub fn is_incomplete(&self) -> bool {
        self.is_incomplete
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "{position}: {}", self.message),
            None => write!(f, "{}", self.message),
        }
    }
}

impl std::error::Error for Error {}

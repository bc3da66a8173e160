//! Tokens.

use crate::string::Str;

/// A word of the language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Token {
    Eof,
    Name(Str),
    String(Str),
    Int(i64),
    Float(f64),
    Keyword(Keyword),
    Symbol(Symbol),
    /// A character that starts no token.
    Other(u8),
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $text:literal)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = $text] $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// How it is written.
            pub fn text(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)*
                }
            }
        }
    };
}

words! {
    /// A reserved word.
    Keyword {
        And "and" Break "break" Do "do" Else "else" Elseif "elseif" End "end" False "false" For "for"
        Function "function" Goto "goto" If "if" In "in" Local "local" Nil "nil" Not "not" Or "or"
        Repeat "repeat" Return "return" Then "then" True "true" Until "until" While "while"
    }
}

words! {
    /// Punctuation. A longer symbol comes before those that it starts with.
    Symbol {
        Ellipsis "..." Concat ".." Dot "."
        Equal "==" Assign "=" LessEqual "<=" ShiftLeft "<<" Less "<"
        GreaterEqual ">=" ShiftRight ">>" Greater ">" NotEqual "~=" Tilde "~"
        DoubleColon "::" Colon ":" DoubleSlash "//" Slash "/"
        Plus "+" Minus "-" Star "*" Percent "%" Caret "^" Hash "#" Ampersand "&" Pipe "|"
        OpenParen "(" CloseParen ")" OpenBrace "{" CloseBrace "}" OpenBracket "[" CloseBracket "]"
        Semicolon ";" Comma ","
    }
}

//! Tokens to expressions.

use super::SyntaxError;
use super::ast::{BinaryOp, Expr, Item, UnaryOp};
use super::parser::Parser;
use super::scope::Variable;
use super::token::{Keyword, Symbol, Token};
use crate::string::Str;

type Parsed<T> = Result<T, SyntaxError>;

/// How long a chain such as `a.b.c` or `1 + 2 + 3` may be: it is a tree that deep.
const MAX_CHAIN: usize = 4000;

/// An operator between two operands.
#[derive(Clone, Copy)]
enum Infix {
    Binary(BinaryOp),
    Concat,
    And,
    Or,
}

/// How strongly unary operators bind.
const UNARY_PRIORITY: u8 = 12;

impl Infix {
    fn of(token: Token) -> Option<Infix> {
        use BinaryOp as B;
        Some(match token {
            Token::Keyword(Keyword::And) => Infix::And,
            Token::Keyword(Keyword::Or) => Infix::Or,
            Token::Symbol(symbol) => match symbol {
                Symbol::Concat => Infix::Concat,
                Symbol::Plus => Infix::Binary(B::Add),
                Symbol::Minus => Infix::Binary(B::Sub),
                Symbol::Star => Infix::Binary(B::Mul),
                Symbol::Slash => Infix::Binary(B::Div),
                Symbol::Percent => Infix::Binary(B::Mod),
                Symbol::Caret => Infix::Binary(B::Pow),
                Symbol::DoubleSlash => Infix::Binary(B::IntDiv),
                Symbol::Ampersand => Infix::Binary(B::BitAnd),
                Symbol::Pipe => Infix::Binary(B::BitOr),
                Symbol::Tilde => Infix::Binary(B::BitXor),
                Symbol::ShiftLeft => Infix::Binary(B::ShiftLeft),
                Symbol::ShiftRight => Infix::Binary(B::ShiftRight),
                Symbol::Equal => Infix::Binary(B::Equal),
                Symbol::NotEqual => Infix::Binary(B::NotEqual),
                Symbol::Less => Infix::Binary(B::Less),
                Symbol::LessEqual => Infix::Binary(B::LessEqual),
                Symbol::Greater => Infix::Binary(B::Greater),
                Symbol::GreaterEqual => Infix::Binary(B::GreaterEqual),
                _ => return None,
            },
            _ => return None,
        })
    }

    /// How strongly it binds to the left and to the right.
    fn priority(self) -> (u8, u8) {
        use BinaryOp as B;
        match self {
            Infix::Or => (1, 1),
            Infix::And => (2, 2),
            Infix::Concat => (9, 8),
            Infix::Binary(op) => match op {
                B::Equal | B::NotEqual | B::Less | B::LessEqual | B::Greater | B::GreaterEqual => {
                    (3, 3)
                }
                B::BitOr => (4, 4),
                B::BitXor => (5, 5),
                B::BitAnd => (6, 6),
                B::ShiftLeft | B::ShiftRight => (7, 7),
                B::Add | B::Sub => (10, 10),
                B::Mul | B::Div | B::Mod | B::IntDiv => (11, 11),
                B::Pow => (14, 13),
            },
        }
    }
}

impl Parser<'_> {
    pub(super) fn expressions(&mut self) -> Parsed<Vec<Expr>> {
        let mut list = vec![self.expression()?];
        while self.accept(Symbol::Comma)? {
            list.push(self.expression()?);
        }
        Ok(list)
    }

    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.operators(0)
    }

    /// An expression whose operators bind more strongly than `limit`.
    fn operators(&mut self, limit: u8) -> Parsed<Expr> {
        self.nested(|parser| parser.operators_inside(limit))
    }

    fn operators_inside(&mut self, limit: u8) -> Parsed<Expr> {
        let mut lhs = self.unary_or_simple()?;
        for _ in 0..MAX_CHAIN {
            let Some(infix) = Infix::of(self.token) else { return Ok(lhs) };
            let (left, right) = infix.priority();
            if left <= limit {
                return Ok(lhs);
            }
            let line = self.line;
            self.advance()?;
            let rhs = self.operators(right)?;
            lhs = combine(infix, lhs, rhs, line);
        }
        Err(self.error("expression too long"))
    }

    fn unary_or_simple(&mut self) -> Parsed<Expr> {
        let op = match self.token {
            Token::Keyword(Keyword::Not) => UnaryOp::Not,
            Token::Symbol(Symbol::Minus) => UnaryOp::Neg,
            Token::Symbol(Symbol::Tilde) => UnaryOp::BitNot,
            Token::Symbol(Symbol::Hash) => UnaryOp::Len,
            _ => return self.simple_expression(),
        };
        let line = self.line;
        self.advance()?;
        let operand = Box::new(self.operators(UNARY_PRIORITY)?);
        Ok(Expr::Unary { op, operand, line })
    }

    fn simple_expression(&mut self) -> Parsed<Expr> {
        let expr = match self.token {
            Token::Int(it) => Expr::Int(it),
            Token::Float(it) => Expr::Float(it),
            Token::String(it) => Expr::Str(it),
            Token::Keyword(Keyword::Nil) => Expr::Nil,
            Token::Keyword(Keyword::True) => Expr::Bool(true),
            Token::Keyword(Keyword::False) => Expr::Bool(false),
            Token::Symbol(Symbol::Ellipsis) => {
                if !self.scope().is_vararg {
                    return Err(self.error("cannot use '...' outside a vararg function"));
                }
                Expr::Vararg
            }
            Token::Symbol(Symbol::OpenBrace) => return self.table(),
            Token::Keyword(Keyword::Function) => {
                let line = self.line;
                self.advance()?;
                return Ok(Expr::Function(Box::new(self.function_body(false, line)?)));
            }
            _ => return self.suffixed_expression(),
        };
        self.advance()?;
        Ok(expr)
    }

    pub(super) fn variable(&mut self, name: Str) -> Expr {
        match self.resolve(name) {
            Variable::Local(local) => Expr::Local(local),
            Variable::Upvalue(index) => Expr::Upvalue(index),
            Variable::Global => {
                let env = self.variable(self.env_name);
                self.field(env, name)
            }
        }
    }

    pub(super) fn field(&self, object: Expr, key: Str) -> Expr {
        let (object, key) = (Box::new(object), Box::new(Expr::Str(key)));
        Expr::Index { object, key, line: self.last_line }
    }

    fn primary_expression(&mut self) -> Parsed<Expr> {
        match self.token {
            Token::Name(name) => {
                self.advance()?;
                Ok(self.variable(name))
            }
            Token::Symbol(Symbol::OpenParen) => {
                let line = self.line;
                self.advance()?;
                let inner = self.expression()?;
                self.expect_close(Token::Symbol(Symbol::CloseParen), "(", line)?;
                Ok(Expr::Paren(Box::new(inner)))
            }
            _ => Err(self.error("unexpected symbol")),
        }
    }

    pub(super) fn suffixed_expression(&mut self) -> Parsed<Expr> {
        let mut expr = self.primary_expression()?;
        for _ in 0..MAX_CHAIN {
            let line = self.line;
            match self.token {
                Token::Symbol(Symbol::Dot) => {
                    self.advance()?;
                    let key = self.name()?;
                    expr = self.field(expr, key);
                }
                Token::Symbol(Symbol::OpenBracket) => {
                    self.advance()?;
                    let key = Box::new(self.expression()?);
                    self.expect(Symbol::CloseBracket)?;
                    let line = self.last_line;
                    expr = Expr::Index { object: Box::new(expr), key, line };
                }
                Token::Symbol(Symbol::Colon) => {
                    self.advance()?;
                    let name = self.name()?;
                    let line = self.line;
                    let args = self.arguments()?;
                    expr = Expr::MethodCall { object: Box::new(expr), name, args, line };
                }
                Token::Symbol(Symbol::OpenParen | Symbol::OpenBrace) | Token::String(_) => {
                    let args = self.arguments()?;
                    expr = Expr::Call { callee: Box::new(expr), args, line };
                }
                _ => return Ok(expr),
            }
        }
        Err(self.error("expression too long"))
    }

    fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        match self.token {
            Token::String(text) => {
                self.advance()?;
                Ok(vec![Expr::Str(text)])
            }
            Token::Symbol(Symbol::OpenBrace) => Ok(vec![self.table()?]),
            Token::Symbol(Symbol::OpenParen) => {
                let line = self.line;
                self.advance()?;
                if self.accept(Symbol::CloseParen)? {
                    return Ok(Vec::new());
                }
                let args = self.expressions()?;
                self.expect_close(Token::Symbol(Symbol::CloseParen), "(", line)?;
                Ok(args)
            }
            _ => Err(self.error("function arguments expected")),
        }
    }

    fn table(&mut self) -> Parsed<Expr> {
        let line = self.line;
        self.expect(Symbol::OpenBrace)?;
        let mut items = Vec::new();
        while !self.is_symbol(Symbol::CloseBrace) {
            items.push(self.table_item()?);
            if !self.accept(Symbol::Comma)? && !self.accept(Symbol::Semicolon)? {
                break;
            }
        }
        self.expect_close(Token::Symbol(Symbol::CloseBrace), "{", line)?;
        Ok(Expr::Table { items, line })
    }

    fn table_item(&mut self) -> Parsed<Item> {
        let token = self.token;
        match token {
            Token::Name(name) if self.peek()? == Token::Symbol(Symbol::Assign) => {
                self.advance()?;
                self.advance()?;
                Ok(Item::Keyed(Expr::Str(name), self.expression()?))
            }
            Token::Symbol(Symbol::OpenBracket) => {
                self.advance()?;
                let key = self.expression()?;
                self.expect(Symbol::CloseBracket)?;
                self.expect(Symbol::Assign)?;
                Ok(Item::Keyed(key, self.expression()?))
            }
            _ => Ok(Item::Positional(self.expression()?)),
        }
    }
}

fn combine(infix: Infix, lhs: Expr, rhs: Expr, line: u32) -> Expr {
    match (infix, rhs) {
        (Infix::And, rhs) => Expr::And(Box::new(lhs), Box::new(rhs)),
        (Infix::Or, rhs) => Expr::Or(Box::new(lhs), Box::new(rhs)),
        (Infix::Binary(op), rhs) => {
            Expr::Binary { op, lhs: Box::new(lhs), rhs: Box::new(rhs), line }
        }
        // `..` binds to the right, so what follows is one list.
        (Infix::Concat, Expr::Concat { mut operands, .. }) => {
            operands.insert(0, lhs);
            Expr::Concat { operands, line }
        }
        (Infix::Concat, rhs) => Expr::Concat { operands: vec![lhs, rhs], line },
    }
}

//! Tokens to statements.
//!
//! A recursive-descent parser with one token of lookahead. It resolves names on the way, so it knows at
//! the end of a function which of its locals inner functions use, and which are assigned to.

use super::SyntaxError;
use super::ast::{Attribute, Block, Expr, Function, LocalId, Statement, StatementKind};
use super::ast::{Upvalue, UpvalueSource};
use super::lexer::Lexer;
use super::scope::{FunctionScope, Variable, origin, resolve};
use super::token::{Keyword, Symbol, Token};
use crate::gc::Heap;
use crate::string::Str;

/// How deep statements and expressions may nest; the reference implementation's limit.
const MAX_NESTING: usize = 195;

/// A function may have as many locals in scope.
const MAX_LOCALS: usize = 200;

/// Parses a chunk: a function with any number of arguments and the one upvalue `_ENV`.
pub fn parse(source: &[u8], chunk_name: &[u8], heap: &mut Heap) -> Result<Function, SyntaxError> {
    let mut parser = Parser::new(Lexer::new(source, chunk_name), heap)?;
    let env = parser.env_name;
    let mut scope = FunctionScope { is_vararg: true, ..FunctionScope::default() };
    scope.upvalues.push(Upvalue { name: env, source: UpvalueSource::Upvalue(0) });
    parser.scopes.push(scope);
    let body = parser.block()?;
    if parser.token != Token::Eof {
        return Err(parser.error_expected("<eof>"));
    }
    Ok(parser.finish_function(body, 0))
}

pub struct Parser<'a> {
    lexer: Lexer<'a>,
    pub(super) heap: &'a mut Heap,
    pub(super) token: Token,
    /// The line where `token` ends.
    pub(super) line: u32,
    span: (usize, usize),
    /// The token behind, if it has been read already.
    ahead: Option<(Token, u32, (usize, usize))>,
    /// The line of the token before `token`.
    pub(super) last_line: u32,
    pub(super) scopes: Vec<FunctionScope>,
    nesting: usize,
    pub(super) env_name: Str,
    pub(super) self_name: Str,
    is_env_assigned: bool,
}

type Parsed<T> = Result<T, SyntaxError>;

impl<'a> Parser<'a> {
    fn new(lexer: Lexer<'a>, heap: &'a mut Heap) -> Parsed<Parser<'a>> {
        let env_name = heap.pinned(b"_ENV");
        let self_name = heap.pinned(b"self");
        let mut parser = Parser {
            lexer,
            heap,
            token: Token::Eof,
            line: 1,
            span: (0, 0),
            ahead: None,
            last_line: 1,
            scopes: Vec::new(),
            nesting: 0,
            env_name,
            self_name,
            is_env_assigned: false,
        };
        parser.advance()?;
        Ok(parser)
    }

    pub(super) fn advance(&mut self) -> Parsed<()> {
        self.last_line = self.line;
        let (token, line, span) = match self.ahead.take() {
            Some(ahead) => ahead,
            None => self.read()?,
        };
        (self.token, self.line, self.span) = (token, line, span);
        Ok(())
    }

    fn read(&mut self) -> Parsed<(Token, u32, (usize, usize))> {
        let token = self.lexer.next(self.heap)?;
        Ok((token, self.lexer.line(), self.lexer.span()))
    }

    /// The token behind the current one.
    pub(super) fn peek(&mut self) -> Parsed<Token> {
        if self.ahead.is_none() {
            self.ahead = Some(self.read()?);
        }
        Ok(self.ahead.map_or(Token::Eof, |it| it.0))
    }

    pub(super) fn error(&self, message: &str) -> SyntaxError {
        let near = match self.token {
            Token::Eof => b"<eof>".to_vec(),
            Token::Other(byte) if !(0x20..0x7f).contains(&byte) => {
                format!("'<\\{byte}>'").into_bytes()
            }
            _ => [b"'", self.lexer.text(self.span), b"'"].concat(),
        };
        self.lexer.error_at(self.line, message, Some(&near))
    }

    /// An error that shows no token.
    fn plain_error(&self, message: &str) -> SyntaxError {
        self.lexer.error_at(self.line, message, None)
    }

    pub(super) fn error_expected(&self, what: &str) -> SyntaxError {
        let quoted = if what.starts_with('<') { what.to_string() } else { format!("'{what}'") };
        self.error(&format!("{quoted} expected"))
    }

    pub(super) fn is_symbol(&self, symbol: Symbol) -> bool {
        self.token == Token::Symbol(symbol)
    }

    pub(super) fn is_keyword(&self, keyword: Keyword) -> bool {
        self.token == Token::Keyword(keyword)
    }

    pub(super) fn accept(&mut self, symbol: Symbol) -> Parsed<bool> {
        let is_there = self.is_symbol(symbol);
        if is_there {
            self.advance()?;
        }
        Ok(is_there)
    }

    fn accept_keyword(&mut self, keyword: Keyword) -> Parsed<bool> {
        let is_there = self.is_keyword(keyword);
        if is_there {
            self.advance()?;
        }
        Ok(is_there)
    }

    pub(super) fn expect(&mut self, symbol: Symbol) -> Parsed<()> {
        if self.accept(symbol)? { Ok(()) } else { Err(self.error_expected(symbol.text())) }
    }

    fn expect_keyword(&mut self, keyword: Keyword) -> Parsed<()> {
        if self.accept_keyword(keyword)? {
            Ok(())
        } else {
            Err(self.error_expected(keyword.text()))
        }
    }

    /// What closes something that was opened at `line`.
    pub(super) fn expect_close(&mut self, close: Token, open: &str, line: u32) -> Parsed<()> {
        if self.token == close {
            return self.advance();
        }
        let what = match close {
            Token::Symbol(it) => it.text(),
            Token::Keyword(it) => it.text(),
            _ => "<eof>",
        };
        if line == self.line {
            return Err(self.error_expected(what));
        }
        Err(self.error(&format!("'{what}' expected (to close '{open}' at line {line})")))
    }

    pub(super) fn name(&mut self) -> Parsed<Str> {
        match self.token {
            Token::Name(name) => {
                self.advance()?;
                Ok(name)
            }
            _ => Err(self.error_expected("<name>")),
        }
    }

    /// Runs `parse` one level deeper.
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(self.plain_error("C stack overflow"));
        }
        let parsed = parse(self)?;
        self.nesting -= 1;
        Ok(parsed)
    }

    pub(super) fn scope(&mut self) -> &mut FunctionScope {
        self.scopes.last_mut().expect("inside of a function")
    }

    pub(super) fn resolve(&mut self, name: Str) -> Variable {
        resolve(&mut self.scopes, name)
    }

    fn declare(&mut self, name: Str, attribute: Attribute) -> LocalId {
        self.scope().declare(name, attribute)
    }

    /// Brings a local into scope.
    fn activate(&mut self, local: LocalId) -> Parsed<()> {
        if self.scope().active.len() >= MAX_LOCALS {
            let line = self.scope().line;
            let place = match line {
                0 => "main function".to_string(),
                _ => format!("function at line {line}"),
            };
            let message = format!("too many local variables (limit is {MAX_LOCALS}) in {place}");
            return Err(self.error(&message));
        }
        self.scope().active.push(local);
        Ok(())
    }

    fn scoped<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let n_active = self.scope().active.len();
        let parsed = parse(self)?;
        self.scope().active.truncate(n_active);
        Ok(parsed)
    }

    fn is_block_end(&self) -> bool {
        matches!(
            self.token,
            Token::Eof
                | Token::Keyword(Keyword::End | Keyword::Else | Keyword::Elseif | Keyword::Until)
        )
    }

    fn block(&mut self) -> Parsed<Block> {
        self.scoped(|parser| parser.statements())
    }

    fn statements(&mut self) -> Parsed<Block> {
        let mut statements = Vec::new();
        while !self.is_block_end() {
            let line = self.line;
            if self.accept(Symbol::Semicolon)? {
                continue;
            }
            if self.is_keyword(Keyword::Return) {
                statements.push(Statement { line, kind: self.return_statement()? });
                break;
            }
            let kind = self.nested(|parser| parser.statement())?;
            statements.push(Statement { line, kind });
        }
        Ok(Block { statements })
    }

    fn return_statement(&mut self) -> Parsed<StatementKind> {
        self.advance()?;
        let values = match self.is_block_end() || self.is_symbol(Symbol::Semicolon) {
            true => Vec::new(),
            false => self.expressions()?,
        };
        self.accept(Symbol::Semicolon)?;
        Ok(StatementKind::Return(values))
    }

    fn statement(&mut self) -> Parsed<StatementKind> {
        let line = self.line;
        match self.token {
            Token::Keyword(Keyword::If) => self.if_statement(line),
            Token::Keyword(Keyword::While) => self.while_statement(line),
            Token::Keyword(Keyword::Do) => {
                self.advance()?;
                let body = self.block()?;
                self.expect_close(Token::Keyword(Keyword::End), "do", line)?;
                Ok(StatementKind::Do(body))
            }
            Token::Keyword(Keyword::For) => self.for_statement(line),
            Token::Keyword(Keyword::Repeat) => self.repeat_statement(line),
            Token::Keyword(Keyword::Function) => self.function_statement(line),
            Token::Keyword(Keyword::Local) => {
                self.advance()?;
                match self.accept_keyword(Keyword::Function)? {
                    true => self.local_function(line),
                    false => self.local_statement(),
                }
            }
            Token::Symbol(Symbol::DoubleColon) => {
                self.advance()?;
                let name = self.name()?;
                self.expect(Symbol::DoubleColon)?;
                Ok(StatementKind::Label(name))
            }
            Token::Keyword(Keyword::Break) => {
                self.advance()?;
                Ok(StatementKind::Break)
            }
            Token::Keyword(Keyword::Goto) => {
                self.advance()?;
                Ok(StatementKind::Goto(self.name()?))
            }
            _ => self.expression_statement(),
        }
    }

    fn if_statement(&mut self, line: u32) -> Parsed<StatementKind> {
        let mut arms = Vec::new();
        let mut otherwise = None;
        loop {
            self.advance()?;
            let condition = self.expression()?;
            self.expect_keyword(Keyword::Then)?;
            arms.push((condition, self.block()?));
            if !self.is_keyword(Keyword::Elseif) {
                break;
            }
        }
        if self.accept_keyword(Keyword::Else)? {
            otherwise = Some(self.block()?);
        }
        self.expect_close(Token::Keyword(Keyword::End), "if", line)?;
        Ok(StatementKind::If { arms, otherwise })
    }

    fn while_statement(&mut self, line: u32) -> Parsed<StatementKind> {
        self.advance()?;
        let condition = self.expression()?;
        self.expect_keyword(Keyword::Do)?;
        let body = self.block()?;
        self.expect_close(Token::Keyword(Keyword::End), "while", line)?;
        Ok(StatementKind::While { condition, body })
    }

    fn repeat_statement(&mut self, line: u32) -> Parsed<StatementKind> {
        self.advance()?;
        self.scoped(|parser| {
            let body = parser.statements()?;
            parser.expect_close(Token::Keyword(Keyword::Until), "repeat", line)?;
            let condition = parser.expression()?;
            Ok(StatementKind::Repeat { body, condition })
        })
    }

    fn for_statement(&mut self, line: u32) -> Parsed<StatementKind> {
        self.advance()?;
        let first = self.name()?;
        match self.token {
            Token::Symbol(Symbol::Assign) => self.numeric_for(first, line),
            Token::Symbol(Symbol::Comma) | Token::Keyword(Keyword::In) => {
                self.generic_for(first, line)
            }
            _ => Err(self.error("'=' or 'in' expected")),
        }
    }

    fn numeric_for(&mut self, name: Str, line: u32) -> Parsed<StatementKind> {
        self.advance()?;
        let start = self.expression()?;
        self.expect(Symbol::Comma)?;
        let limit = self.expression()?;
        let step = match self.accept(Symbol::Comma)? {
            true => Some(self.expression()?),
            false => None,
        };
        let var = self.declare(name, Attribute::Regular);
        let body = self.loop_body(&[var], line)?;
        Ok(StatementKind::NumericFor { var, start, limit, step, body })
    }

    fn generic_for(&mut self, first: Str, line: u32) -> Parsed<StatementKind> {
        let mut names = vec![first];
        while self.accept(Symbol::Comma)? {
            names.push(self.name()?);
        }
        self.expect_keyword(Keyword::In)?;
        let values = self.expressions()?;
        let vars: Vec<LocalId> =
            names.into_iter().map(|it| self.declare(it, Attribute::Regular)).collect();
        let body = self.loop_body(&vars, line)?;
        Ok(StatementKind::GenericFor { vars, values, body })
    }

    fn loop_body(&mut self, vars: &[LocalId], line: u32) -> Parsed<Block> {
        self.expect_keyword(Keyword::Do)?;
        let body = self.scoped(|parser| {
            for &var in vars {
                parser.activate(var)?;
            }
            parser.statements()
        })?;
        self.expect_close(Token::Keyword(Keyword::End), "for", line)?;
        Ok(body)
    }

    fn function_statement(&mut self, line: u32) -> Parsed<StatementKind> {
        self.advance()?;
        let name = self.name()?;
        let mut target = self.variable(name);
        while self.is_symbol(Symbol::Dot) {
            self.advance()?;
            let key = self.name()?;
            target = self.field(target, key);
        }
        let is_method = self.accept(Symbol::Colon)?;
        if is_method {
            let key = self.name()?;
            target = self.field(target, key);
        }
        self.note_assignment(&target)?;
        let function = self.function_body(is_method, line)?;
        let values = vec![Expr::Function(Box::new(function))];
        Ok(StatementKind::Assign { targets: vec![target], values })
    }

    fn local_function(&mut self, line: u32) -> Parsed<StatementKind> {
        let name = self.name()?;
        let local = self.declare(name, Attribute::Regular);
        self.activate(local)?;
        let function = Box::new(self.function_body(false, line)?);
        Ok(StatementKind::LocalFunction { local, function })
    }

    fn local_statement(&mut self) -> Parsed<StatementKind> {
        let mut locals = Vec::new();
        let mut has_close = false;
        loop {
            let name = self.name()?;
            let attribute = self.attribute()?;
            if attribute == Attribute::Close {
                if has_close {
                    let message = "multiple to-be-closed variables in local list";
                    return Err(self.plain_error(message));
                }
                has_close = true;
            }
            locals.push(self.declare(name, attribute));
            if !self.accept(Symbol::Comma)? {
                break;
            }
        }
        let values = match self.accept(Symbol::Assign)? {
            true => self.expressions()?,
            false => Vec::new(),
        };
        for &local in &locals {
            self.activate(local)?;
        }
        Ok(StatementKind::Local { locals, values })
    }

    fn attribute(&mut self) -> Parsed<Attribute> {
        if !self.accept(Symbol::Less)? {
            return Ok(Attribute::Regular);
        }
        let name = self.name()?;
        self.expect(Symbol::Greater)?;
        match name.as_bytes() {
            b"const" => Ok(Attribute::Const),
            b"close" => Ok(Attribute::Close),
            _ => Err(self.plain_error(&format!("unknown attribute '{}'", name.to_text()))),
        }
    }

    fn expression_statement(&mut self) -> Parsed<StatementKind> {
        let first = self.suffixed_expression()?;
        if !self.is_symbol(Symbol::Assign) && !self.is_symbol(Symbol::Comma) {
            return match first {
                Expr::Call { .. } | Expr::MethodCall { .. } => Ok(StatementKind::Call(first)),
                _ => Err(self.error("syntax error")),
            };
        }
        let mut targets = vec![first];
        while self.accept(Symbol::Comma)? {
            let target = self.nested(|parser| parser.suffixed_expression())?;
            targets.push(target);
        }
        for target in &targets {
            self.note_assignment(target)?;
        }
        self.expect(Symbol::Assign)?;
        let values = self.expressions()?;
        Ok(StatementKind::Assign { targets, values })
    }

    /// Checks that `target` may be assigned to, and notes that it is.
    fn note_assignment(&mut self, target: &Expr) -> Parsed<()> {
        let variable = match *target {
            Expr::Local(local) => Variable::Local(local),
            Expr::Upvalue(index) => Variable::Upvalue(index),
            Expr::Index { .. } => return Ok(()),
            _ => return Err(self.error("syntax error")),
        };
        let Some(local) = origin(&mut self.scopes, variable) else {
            self.is_env_assigned = true;
            return Ok(());
        };
        local.is_assigned = true;
        if local.attribute == Attribute::Regular {
            return Ok(());
        }
        let name = local.name.to_text();
        Err(self.plain_error(&format!("attempt to assign to const variable '{name}'")))
    }

    /// Parameters, body and `end`.
    pub(super) fn function_body(&mut self, is_method: bool, line: u32) -> Parsed<Function> {
        self.scopes.push(FunctionScope { line, ..FunctionScope::default() });
        self.parameters(is_method)?;
        let n_params = self.scope().locals.len();
        let body = self.statements()?;
        let end_line = self.line;
        self.expect_close(Token::Keyword(Keyword::End), "function", line)?;
        let mut function = self.finish_function(body, n_params);
        function.end_line = end_line;
        Ok(function)
    }

    fn parameters(&mut self, is_method: bool) -> Parsed<()> {
        if is_method {
            let name = self.self_name;
            let local = self.declare(name, Attribute::Regular);
            self.activate(local)?;
        }
        self.expect(Symbol::OpenParen)?;
        if !self.is_symbol(Symbol::CloseParen) {
            loop {
                if self.accept(Symbol::Ellipsis)? {
                    self.scope().is_vararg = true;
                    break;
                }
                let name = self.name()?;
                let local = self.declare(name, Attribute::Regular);
                self.activate(local)?;
                if !self.accept(Symbol::Comma)? {
                    break;
                }
            }
        }
        self.expect(Symbol::CloseParen)
    }

    fn finish_function(&mut self, body: Block, n_params: usize) -> Function {
        let scope = self.scopes.pop().expect("pushed when the function started");
        Function {
            n_params,
            is_vararg: scope.is_vararg,
            body,
            locals: scope.locals,
            upvalues: scope.upvalues,
            line: scope.line,
            end_line: self.line,
            is_env_assigned: self.is_env_assigned,
        }
    }
}

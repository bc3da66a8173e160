//! The syntax tree. Names are resolved: an expression says which local or upvalue it means.

use crate::string::Str;

/// A local variable, by its number in its function.
pub type LocalId = usize;

/// A function with all that its compilation needs.
pub struct Function {
    /// The first of `locals` are the parameters.
    pub n_params: usize,
    pub is_vararg: bool,
    pub body: Block,
    pub locals: Vec<Local>,
    pub upvalues: Vec<Upvalue>,
    pub line: u32,
    pub end_line: u32,
    /// In a chunk: it assigns to `_ENV` itself, so that variable is shared by its functions.
    pub is_env_assigned: bool,
}

/// A local variable.
pub struct Local {
    pub name: Str,
    pub attribute: Attribute,
    /// An inner function uses it.
    pub is_captured: bool,
    /// It is assigned to after its declaration.
    pub is_assigned: bool,
}

impl Local {
    /// Whether it lives in a box, so that functions can share it. One that keeps its first value is
    /// copied into closures instead.
    pub fn is_boxed(&self) -> bool {
        self.is_captured && self.is_assigned
    }
}

/// `<const>` and `<close>`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    Regular,
    Const,
    Close,
}

/// A variable of an enclosing function.
#[derive(Clone, Copy)]
pub struct Upvalue {
    pub name: Str,
    pub source: UpvalueSource,
}

/// Where a closure finds a variable when it is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum UpvalueSource {
    /// A local of the function directly around.
    Local(LocalId),
    /// An upvalue of that function.
    Upvalue(usize),
}

/// Statements with a scope of their own.
pub struct Block {
    pub statements: Vec<Statement>,
}

/// A statement and the line where it starts.
pub struct Statement {
    pub line: u32,
    pub kind: StatementKind,
}

pub enum StatementKind {
    Local { locals: Vec<LocalId>, values: Vec<Expr> },
    LocalFunction { local: LocalId, function: Box<Function> },
    Assign { targets: Vec<Expr>, values: Vec<Expr> },
    Call(Expr),
    Do(Block),
    While { condition: Expr, body: Block },
    Repeat { body: Block, condition: Expr },
    If { arms: Vec<(Expr, Block)>, otherwise: Option<Block> },
    NumericFor { var: LocalId, start: Expr, limit: Expr, step: Option<Expr>, body: Block },
    GenericFor { vars: Vec<LocalId>, values: Vec<Expr>, body: Block },
    Return(Vec<Expr>),
    Break,
    Goto(Str),
    Label(Str),
}

pub enum Expr {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Str),
    Vararg,
    Function(Box<Function>),
    Local(LocalId),
    Upvalue(usize),
    Index {
        object: Box<Expr>,
        key: Box<Expr>,
        line: u32,
    },
    Call {
        callee: Box<Expr>,
        args: Vec<Expr>,
        line: u32,
    },
    MethodCall {
        object: Box<Expr>,
        name: Str,
        args: Vec<Expr>,
        line: u32,
    },
    Unary {
        op: UnaryOp,
        operand: Box<Expr>,
        line: u32,
    },
    Binary {
        op: BinaryOp,
        lhs: Box<Expr>,
        rhs: Box<Expr>,
        line: u32,
    },
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    /// `a .. b .. c`, with the line of the last operator.
    Concat {
        operands: Vec<Expr>,
        line: u32,
    },
    /// Parentheses, which cut multiple results to one.
    Paren(Box<Expr>),
    Table {
        items: Vec<Item>,
        line: u32,
    },
}

impl Expr {
    /// Whether it can have any number of values.
    pub fn is_multiple(&self) -> bool {
        matches!(self, Expr::Call { .. } | Expr::MethodCall { .. } | Expr::Vararg)
    }
}

/// An entry of a table constructor.
pub enum Item {
    Positional(Expr),
    Keyed(Expr, Expr),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnaryOp {
    Neg,
    Not,
    Len,
    BitNot,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    IntDiv,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

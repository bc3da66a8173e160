//! Instructions.
//!
//! A function has up to 255 registers, which are numbered from its base. An instruction is an enum of
//! eight bytes: its operands are registers, constants, and targets of jumps as positions in the code.

/// The number of a register.
pub type Reg = u8;

/// An instruction. `R` are the registers, `K` the constants, `U` the upvalues.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// `R[dst]` = `R[src]`
    Move {
        dst: Reg,
        src: Reg,
    },
    /// `R[first]`, …, `R[first + count - 1]` = nil
    LoadNil {
        first: Reg,
        count: u8,
    },
    LoadBool {
        dst: Reg,
        value: bool,
    },
    LoadInt {
        dst: Reg,
        value: i32,
    },
    LoadK {
        dst: Reg,
        k: u32,
    },

    /// `R[dst]` = `U[index]`, a variable that never changes
    GetUpvalue {
        dst: Reg,
        index: u8,
    },
    /// `R[dst]` = content of the box `U[index]`
    GetShared {
        dst: Reg,
        index: u8,
    },
    SetShared {
        index: u8,
        src: Reg,
    },
    /// `R[reg]` = a new box with `R[reg]` in it
    NewBox {
        reg: Reg,
    },
    GetBox {
        dst: Reg,
        src: Reg,
    },
    SetBox {
        boxed: Reg,
        src: Reg,
    },

    /// `R[dst]` = `U[upvalue][K[key]]`, for globals
    GetGlobal {
        dst: Reg,
        upvalue: u8,
        key: u16,
    },
    SetGlobal {
        upvalue: u8,
        src: Reg,
        key: u16,
    },
    GetField {
        dst: Reg,
        obj: Reg,
        key: u16,
    },
    SetField {
        obj: Reg,
        src: Reg,
        key: u16,
    },
    GetIndex {
        dst: Reg,
        obj: Reg,
        key: Reg,
    },
    SetIndex {
        obj: Reg,
        key: Reg,
        src: Reg,
    },
    /// `R[dst]` = `R[obj][index]`
    GetInt {
        dst: Reg,
        obj: Reg,
        index: u8,
    },
    SetInt {
        obj: Reg,
        index: u8,
        src: Reg,
    },
    /// `R[dst + 1]` = `R[obj]`; `R[dst]` = `R[obj][K[key]]`
    Method {
        dst: Reg,
        obj: Reg,
        key: u16,
    },
    /// `R[dst]` = {}, with room for elements and fields
    NewTable {
        dst: Reg,
        n_fields: u8,
        n_array: u16,
    },
    /// `R[table][offset + i]` = `R[table + i]` for i in 1..=count, or up to the top if count is `OPEN`
    SetList {
        table: Reg,
        count: u8,
        offset: u32,
    },

    Add {
        dst: Reg,
        lhs: Reg,
        rhs: Reg,
    },
    Sub {
        dst: Reg,
        lhs: Reg,
        rhs: Reg,
    },
    Mul {
        dst: Reg,
        lhs: Reg,
        rhs: Reg,
    },
    Div {
        dst: Reg,
        lhs: Reg,
        rhs: Reg,
    },
    Mod {
        dst: Reg,
        lhs: Reg,
        rhs: Reg,
    },
    Pow {
        dst: Reg,
        lhs: Reg,
        rhs: Reg,
    },
    IntDiv {
        dst: Reg,
        lhs: Reg,
        rhs: Reg,
    },
    BitAnd {
        dst: Reg,
        lhs: Reg,
        rhs: Reg,
    },
    BitOr {
        dst: Reg,
        lhs: Reg,
        rhs: Reg,
    },
    BitXor {
        dst: Reg,
        lhs: Reg,
        rhs: Reg,
    },
    ShiftLeft {
        dst: Reg,
        lhs: Reg,
        rhs: Reg,
    },
    ShiftRight {
        dst: Reg,
        lhs: Reg,
        rhs: Reg,
    },
    /// `R[dst]` = `R[lhs]` + `K[k]`; with `flip` the constant was on the left
    AddK {
        dst: Reg,
        lhs: Reg,
        k: u8,
        flip: bool,
    },
    SubK {
        dst: Reg,
        lhs: Reg,
        k: u8,
    },
    MulK {
        dst: Reg,
        lhs: Reg,
        k: u8,
        flip: bool,
    },
    DivK {
        dst: Reg,
        lhs: Reg,
        k: u8,
    },
    ModK {
        dst: Reg,
        lhs: Reg,
        k: u8,
    },
    PowK {
        dst: Reg,
        lhs: Reg,
        k: u8,
    },
    IntDivK {
        dst: Reg,
        lhs: Reg,
        k: u8,
    },
    BitAndK {
        dst: Reg,
        lhs: Reg,
        k: u8,
    },
    BitOrK {
        dst: Reg,
        lhs: Reg,
        k: u8,
    },
    BitXorK {
        dst: Reg,
        lhs: Reg,
        k: u8,
    },
    ShiftLeftK {
        dst: Reg,
        lhs: Reg,
        k: u8,
    },
    ShiftRightK {
        dst: Reg,
        lhs: Reg,
        k: u8,
    },
    Neg {
        dst: Reg,
        src: Reg,
    },
    Not {
        dst: Reg,
        src: Reg,
    },
    Len {
        dst: Reg,
        src: Reg,
    },
    BitNot {
        dst: Reg,
        src: Reg,
    },
    /// `R[dst]` = `R[first]` .. … .. `R[first + count - 1]`
    Concat {
        dst: Reg,
        first: Reg,
        count: u8,
    },

    Jump {
        target: u32,
    },
    /// Jumps if the truth of `R[reg]` is `expect`
    Test {
        reg: Reg,
        expect: bool,
        target: u32,
    },
    /// Jumps if the truth of `R[lhs]` == `R[rhs]` is `expect`
    Equal {
        lhs: Reg,
        rhs: Reg,
        expect: bool,
        target: u32,
    },
    Less {
        lhs: Reg,
        rhs: Reg,
        expect: bool,
        target: u32,
    },
    LessEqual {
        lhs: Reg,
        rhs: Reg,
        expect: bool,
        target: u32,
    },
    EqualK {
        lhs: Reg,
        k: u8,
        expect: bool,
        target: u32,
    },
    /// `R[lhs]` < `K[k]`
    LessK {
        lhs: Reg,
        k: u8,
        expect: bool,
        target: u32,
    },
    LessEqualK {
        lhs: Reg,
        k: u8,
        expect: bool,
        target: u32,
    },
    /// `K[k]` < `R[lhs]`
    GreaterK {
        lhs: Reg,
        k: u8,
        expect: bool,
        target: u32,
    },
    GreaterEqualK {
        lhs: Reg,
        k: u8,
        expect: bool,
        target: u32,
    },

    /// Calls `R[func]` with `args` arguments from `R[func + 1]` on, or all up to the top if `OPEN`. The
    /// results come to `R[func]` and behind: `results` of them, or all if `OPEN`.
    Call {
        func: Reg,
        args: u8,
        results: u8,
    },
    TailCall {
        func: Reg,
        args: u8,
    },
    /// Returns `count` values from `R[first]` on, or all up to the top if `OPEN`
    Return {
        first: Reg,
        count: u8,
    },
    ReturnOne {
        src: Reg,
    },
    ReturnNone,
    /// `R[dst]` and behind = `count` of the extra arguments, or all if `OPEN`
    Vararg {
        dst: Reg,
        count: u8,
    },
    /// `R[dst]` = a closure of the function's child
    Closure {
        dst: Reg,
        child: u32,
    },

    /// Prepares `R[base]` = start, `R[base + 1]` = limit, `R[base + 2]` = step; leaves if there is no lap
    ForPrep {
        base: Reg,
        target: u32,
    },
    /// Next lap with `R[base + 3]` as variable, if there is one
    ForLoop {
        base: Reg,
        target: u32,
    },
    /// Marks `R[base + 3]` to be closed and jumps to the `ForCall`
    GenericForPrep {
        base: Reg,
        target: u32,
    },
    /// `R[base + 4]`, … = `R[base]`(`R[base + 1]`, `R[base + 2]`)
    ForCall {
        base: Reg,
        n_vars: u8,
    },
    /// Next lap, if `R[base + 4]` is not nil, which is the new `R[base + 2]`
    GenericForLoop {
        base: Reg,
        target: u32,
    },

    /// Marks `R[reg]` to be closed at the end of its scope
    ToClose {
        reg: Reg,
    },
    /// Closes what is marked from `R[from]` on
    Close {
        from: Reg,
    },
}

/// "As many as there are", in a count.
pub const OPEN: u8 = u8::MAX;

const _: () = assert!(size_of::<Op>() == 8);

impl Op {
    /// Where it may jump to.
    pub fn target_mut(&mut self) -> Option<&mut u32> {
        match self {
            Op::Jump { target }
            | Op::Test { target, .. }
            | Op::Equal { target, .. }
            | Op::Less { target, .. }
            | Op::LessEqual { target, .. }
            | Op::EqualK { target, .. }
            | Op::LessK { target, .. }
            | Op::LessEqualK { target, .. }
            | Op::GreaterK { target, .. }
            | Op::GreaterEqualK { target, .. }
            | Op::ForPrep { target, .. }
            | Op::ForLoop { target, .. }
            | Op::GenericForPrep { target, .. }
            | Op::GenericForLoop { target, .. } => Some(target),
            _ => None,
        }
    }

    /// The register that it writes, if it is one; for the names in error messages.
    pub fn writes(self, reg: Reg) -> bool {
        match self {
            Op::Move { dst, .. }
            | Op::LoadBool { dst, .. }
            | Op::LoadInt { dst, .. }
            | Op::LoadK { dst, .. }
            | Op::GetUpvalue { dst, .. }
            | Op::GetShared { dst, .. }
            | Op::GetBox { dst, .. }
            | Op::GetGlobal { dst, .. }
            | Op::GetField { dst, .. }
            | Op::GetIndex { dst, .. }
            | Op::GetInt { dst, .. }
            | Op::NewTable { dst, .. }
            | Op::Add { dst, .. }
            | Op::Sub { dst, .. }
            | Op::Mul { dst, .. }
            | Op::Div { dst, .. }
            | Op::Mod { dst, .. }
            | Op::Pow { dst, .. }
            | Op::IntDiv { dst, .. }
            | Op::BitAnd { dst, .. }
            | Op::BitOr { dst, .. }
            | Op::BitXor { dst, .. }
            | Op::ShiftLeft { dst, .. }
            | Op::ShiftRight { dst, .. }
            | Op::AddK { dst, .. }
            | Op::SubK { dst, .. }
            | Op::MulK { dst, .. }
            | Op::DivK { dst, .. }
            | Op::ModK { dst, .. }
            | Op::PowK { dst, .. }
            | Op::IntDivK { dst, .. }
            | Op::BitAndK { dst, .. }
            | Op::BitOrK { dst, .. }
            | Op::BitXorK { dst, .. }
            | Op::ShiftLeftK { dst, .. }
            | Op::ShiftRightK { dst, .. }
            | Op::Neg { dst, .. }
            | Op::Not { dst, .. }
            | Op::Len { dst, .. }
            | Op::BitNot { dst, .. }
            | Op::Concat { dst, .. }
            | Op::Closure { dst, .. } => dst == reg,
            Op::Method { dst, .. } => dst == reg || dst + 1 == reg,
            Op::LoadNil { first, count } => first <= reg && reg - first < count,
            Op::Call { func, .. } | Op::TailCall { func, .. } => func <= reg,
            Op::Vararg { dst, .. } => dst <= reg,
            Op::ForCall { base, .. } => base + 4 <= reg,
            _ => false,
        }
    }
}

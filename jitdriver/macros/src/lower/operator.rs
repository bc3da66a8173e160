//! Operators of two operands.

use super::{call_at, start};
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::BinOp;
use syn::spanned::Spanned;

/// An operator of two operands that are always evaluated.
pub(super) enum Operator {
    Arith(&'static str),
    Bits(&'static str),
    Shift(&'static str),
    Compare(&'static str),
}

impl Operator {
    pub(super) fn apply(&self, e: &impl Spanned, a: TokenStream, b: TokenStream) -> TokenStream {
        match self {
            Operator::Arith(name) | Operator::Shift(name) => {
                let operands = quote!(&&&__p::ops::Operands(#a, #b));
                call_at(e.span(), operands, name, quote!(__rec, __JIT_CHECKS))
            }
            Operator::Bits(name) => {
                let name = Ident::new(name, start(e));
                quote_spanned!(start(e)=> (&&&__p::ops::Operands(#a, #b)).#name(__rec))
            }
            Operator::Compare(name) => {
                let name = Ident::new(name, start(e));
                quote_spanned!(start(e)=> (&&&__p::ops::Compared(#a, #b)).#name(__rec))
            }
        }
    }
}

impl Operator {
    /// The operands stay with their owners.
    pub(super) fn only_looks(&self) -> bool {
        matches!(self, Operator::Compare(_))
    }
}

pub(super) fn operator(op: &BinOp) -> Option<Operator> {
    Some(match op {
        BinOp::Add(_) | BinOp::AddAssign(_) => Operator::Arith("add"),
        BinOp::Sub(_) | BinOp::SubAssign(_) => Operator::Arith("sub"),
        BinOp::Mul(_) | BinOp::MulAssign(_) => Operator::Arith("mul"),
        BinOp::Div(_) | BinOp::DivAssign(_) => Operator::Arith("div"),
        BinOp::Rem(_) | BinOp::RemAssign(_) => Operator::Arith("rem"),
        BinOp::BitAnd(_) | BinOp::BitAndAssign(_) => Operator::Bits("and"),
        BinOp::BitOr(_) | BinOp::BitOrAssign(_) => Operator::Bits("or"),
        BinOp::BitXor(_) | BinOp::BitXorAssign(_) => Operator::Bits("xor"),
        BinOp::Shl(_) | BinOp::ShlAssign(_) => Operator::Shift("shl"),
        BinOp::Shr(_) | BinOp::ShrAssign(_) => Operator::Shift("shr"),
        BinOp::Eq(_) => Operator::Compare("eq"),
        BinOp::Ne(_) => Operator::Compare("ne"),
        BinOp::Lt(_) => Operator::Compare("lt"),
        BinOp::Le(_) => Operator::Compare("le"),
        BinOp::Gt(_) => Operator::Compare("gt"),
        BinOp::Ge(_) => Operator::Compare("ge"),
        _ => return None,
    })
}

pub(super) fn is_assignment(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

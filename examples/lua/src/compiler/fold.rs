//! Arithmetic on constants, where it cannot fail and gives what it would give at run time.

use crate::number::shift_left;
use crate::number::{float_floor_mod, float_to_int_exact, int_floor_div, int_floor_mod, pow};
use crate::syntax::ast::{BinaryOp, Expr, UnaryOp};

/// A number that is known before the program runs.
#[derive(Clone, Copy)]
pub enum Known {
    Int(i64),
    Float(f64),
}

impl Known {
    fn as_float(self) -> f64 {
        match self {
            Known::Int(it) => it as f64,
            Known::Float(it) => it,
        }
    }

    fn as_int(self) -> Option<i64> {
        match self {
            Known::Int(it) => Some(it),
            Known::Float(it) => float_to_int_exact(it),
        }
    }

    /// NaN and 0.0 are left to the program: a constant is found by its bits, and -0.0 is not 0.
    fn checked(self) -> Option<Known> {
        match self {
            Known::Float(it) if it.is_nan() || it == 0.0 => None,
            _ => Some(self),
        }
    }
}

/// The value of an expression of numbers.
pub fn fold(expr: &Expr) -> Option<Known> {
    match expr {
        Expr::Int(it) => Some(Known::Int(*it)),
        Expr::Float(it) => Some(Known::Float(*it)),
        Expr::Paren(inner) => fold(inner),
        Expr::Unary { op, operand, .. } => fold_unary(*op, fold(operand)?)?.checked(),
        Expr::Binary { op, lhs, rhs, .. } => fold_binary(*op, fold(lhs)?, fold(rhs)?)?.checked(),
        _ => None,
    }
}

fn fold_unary(op: UnaryOp, operand: Known) -> Option<Known> {
    match (op, operand) {
        (UnaryOp::Neg, Known::Int(it)) => Some(Known::Int(it.wrapping_neg())),
        (UnaryOp::Neg, Known::Float(it)) => Some(Known::Float(-it)),
        (UnaryOp::BitNot, it) => Some(Known::Int(!it.as_int()?)),
        _ => None,
    }
}

fn fold_binary(op: BinaryOp, lhs: Known, rhs: Known) -> Option<Known> {
    use BinaryOp as B;
    if let (B::BitAnd | B::BitOr | B::BitXor | B::ShiftLeft | B::ShiftRight, _) = (op, ()) {
        let (a, b) = (lhs.as_int()?, rhs.as_int()?);
        return Some(Known::Int(match op {
            B::BitAnd => a & b,
            B::BitOr => a | b,
            B::BitXor => a ^ b,
            B::ShiftLeft => shift_left(a, b),
            _ => shift_left(a, b.checked_neg()?),
        }));
    }
    if let (Known::Int(a), Known::Int(b)) = (lhs, rhs) {
        match op {
            B::Add => return Some(Known::Int(a.wrapping_add(b))),
            B::Sub => return Some(Known::Int(a.wrapping_sub(b))),
            B::Mul => return Some(Known::Int(a.wrapping_mul(b))),
            B::IntDiv if b != 0 => return Some(Known::Int(int_floor_div(a, b))),
            B::Mod if b != 0 => return Some(Known::Int(int_floor_mod(a, b))),
            B::IntDiv | B::Mod => return None,
            _ => {}
        }
    }
    let (a, b) = (lhs.as_float(), rhs.as_float());
    if b == 0.0 && matches!(op, B::Div | B::IntDiv | B::Mod) {
        return None;
    }
    Some(Known::Float(match op {
        B::Add => a + b,
        B::Sub => a - b,
        B::Mul => a * b,
        B::Div => a / b,
        B::Pow => pow(a, b),
        B::IntDiv => (a / b).floor(),
        B::Mod => float_floor_mod(a, b),
        _ => return None,
    }))
}

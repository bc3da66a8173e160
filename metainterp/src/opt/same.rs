//! Whether two traces are the same: operation by operation, but for the numbers of values, labels and exits.

use crate::ir::{Op, Opcode, Operand, Trace, ValueId};

/// Whether two loops compute and test the same in the same order. Where they go when a guard fails is not compared:
/// it follows from what has been computed.
pub fn is_same(a: &Trace, b: &Trace) -> bool {
    if a.types != b.types || a.ops.len() != b.ops.len() {
        return false;
    }
    let mut same = Same { a, b, of_a: vec![None; a.types.len()] };
    same.define(a.inputs().zip(b.inputs()));
    a.ops.iter().zip(&b.ops).all(|(of_a, of_b)| same.op(of_a, of_b))
}

struct Same<'t> {
    a: &'t Trace,
    b: &'t Trace,
    /// By the first trace's values: those of the second.
    of_a: Vec<Option<ValueId>>,
}

impl Same<'_> {
    fn define(&mut self, values: impl Iterator<Item = (ValueId, ValueId)>) {
        for (of_a, of_b) in values {
            self.of_a[of_a.index()] = Some(of_b);
        }
    }

    fn op(&mut self, of_a: &Op, of_b: &Op) -> bool {
        let (a, b) = (self.a, self.b);
        let (args, others) = (a.args(of_a), b.args(of_b));
        let is_same = of_a.opcode == of_b.opcode
            && args.len() == others.len()
            && args.iter().zip(others).all(|(&it, &other)| self.operand(it, other))
            && self.descr(of_a, of_b);
        self.define(a.results(of_a).zip(b.results(of_b)));
        is_same
    }

    fn operand(&self, of_a: Operand, of_b: Operand) -> bool {
        match (of_a.value(), of_b.value()) {
            (Some(of_a), Some(of_b)) => self.of_a[of_a.index()] == Some(of_b),
            (None, None) => self.a.as_const(of_a) == self.b.as_const(of_b),
            _ => false,
        }
    }

    fn descr(&self, of_a: &Op, of_b: &Op) -> bool {
        let (a, b) = (self.a, self.b);
        match of_a.opcode {
            Opcode::DebugMergePoint => {
                a.merge_points[of_a.descr as usize] == b.merge_points[of_b.descr as usize]
            }
            opcode if opcode.has_mem() => a.mem(of_a) == b.mem(of_b),
            opcode if opcode.is_call() => a.call(of_a) == b.call(of_b),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::parse;

    fn same(a: &str, b: &str) -> bool {
        let [a, b] =
            [a, b].map(|text| parse(text).unwrap_or_else(|error| panic!("{error}:\n{text}")));
        is_same(&a, &b)
    }

    const COUNT: &str = "\
[i0]
i1 = label(i0, target=0)
i2 = int_add(i1, 1)
i3 = int_lt(i2, 100)
guard_true(i3) [i1] exit=0 resume(rewind, reds=1)
jump(i2, target=0)
";

    #[test]
    fn numbers_of_labels_and_exits_do_not_matter() {
        assert!(same(COUNT, COUNT));
        assert!(same(COUNT, &COUNT.replace("target=0", "target=6").replace("exit=0", "exit=9")));
    }

    #[test]
    fn operations_and_operands_do() {
        assert!(!same(COUNT, &COUNT.replace("100", "101")));
        assert!(!same(COUNT, &COUNT.replace("int_add", "int_sub")));
        assert!(!same(COUNT, &COUNT.replace("jump(i2", "jump(i1")));
    }
}

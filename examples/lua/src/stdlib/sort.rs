//! `table.sort`: quicksort with the median of three, on the table itself, as comparison functions may
//! look at it, may be inconsistent, and may fail.

use super::table::{check_list, element, set_element};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::error::Result;
use crate::vm::event::Event;
use crate::vm::function::{Args, Outcome};

pub fn sort(vm: &mut Vm<'_>, args: Args) -> Result<Outcome> {
    const EVENTS: &[Event] = &[Event::Index, Event::NewIndex, Event::Len];
    let list = check_list(vm, args, 1, EVENTS)?;
    let n = vm.len_of(list)?;
    if n > 1 {
        if n >= i64::from(i32::MAX) {
            return Err(vm.arg_error(1, "array too big"));
        }
        let less = vm.arg(args, 2);
        if !less.is_nil() {
            vm.check_function(args, 2)?;
        }
        Sorter { list, less }.sort(vm, 1, n)?;
    }
    Ok(Outcome::Return(0))
}

struct Sorter {
    list: Value,
    /// Nil for `<`.
    less: Value,
}

impl Sorter {
    fn is_less(&self, vm: &mut Vm<'_>, a: Value, b: Value) -> Result<bool> {
        // The function may take them out of the table, and they are needed afterwards.
        let n_held = vm.held.len();
        vm.held.extend([a, b]);
        let result = match self.less {
            Value::Nil => vm.is_less(a, b),
            less => vm.call_for_one(less, &[a, b]).map(Value::is_truthy),
        };
        vm.held.truncate(n_held);
        result
    }

    /// Puts two elements in order.
    fn order(&self, vm: &mut Vm<'_>, low: i64, high: i64) -> Result<()> {
        let (a, b) = (element(vm, self.list, low)?, element(vm, self.list, high)?);
        if self.is_less(vm, b, a)? {
            set_element(vm, self.list, low, b)?;
            set_element(vm, self.list, high, a)?;
        }
        Ok(())
    }

    fn sort(&self, vm: &mut Vm<'_>, mut low: i64, mut high: i64) -> Result<()> {
        while low < high {
            self.order(vm, low, high)?;
            if high - low == 1 {
                return Ok(());
            }
            let middle = low + (high - low) / 2;
            self.order(vm, low, middle)?;
            self.order(vm, middle, high)?;
            if high - low == 2 {
                return Ok(());
            }
            let split = self.partition(vm, low, middle, high)?;
            // The shorter part by recursion, so that it is not deep.
            if split - low < high - split {
                self.sort(vm, low, split - 1)?;
                low = split + 1;
            } else {
                self.sort(vm, split + 1, high)?;
                high = split - 1;
            }
        }
        Ok(())
    }

    /// Moves what is less than the middle element before it, and the rest behind; its new place.
    fn partition(&self, vm: &mut Vm<'_>, low: i64, middle: i64, high: i64) -> Result<i64> {
        let pivot = element(vm, self.list, middle)?;
        self.swap(vm, middle, high - 1)?;
        let (mut up, mut down) = (low, high - 1);
        loop {
            up += 1;
            while self.is_less_than_pivot(vm, up, pivot, false)? {
                if up == high - 1 {
                    return Err(vm.error("invalid order function for sorting"));
                }
                up += 1;
            }
            down -= 1;
            while self.is_less_than_pivot(vm, down, pivot, true)? {
                if down < up {
                    return Err(vm.error("invalid order function for sorting"));
                }
                down -= 1;
            }
            if down < up {
                self.swap(vm, high - 1, up)?;
                return Ok(up);
            }
            self.swap(vm, up, down)?;
        }
    }

    /// Whether the element is on the wrong side: less than the pivot, or the pivot less than it.
    fn is_less_than_pivot(
        &self,
        vm: &mut Vm<'_>,
        at: i64,
        pivot: Value,
        flipped: bool,
    ) -> Result<bool> {
        let value = element(vm, self.list, at)?;
        if flipped { self.is_less(vm, pivot, value) } else { self.is_less(vm, value, pivot) }
    }

    fn swap(&self, vm: &mut Vm<'_>, a: i64, b: i64) -> Result<()> {
        let (x, y) = (element(vm, self.list, a)?, element(vm, self.list, b)?);
        set_element(vm, self.list, a, y)?;
        set_element(vm, self.list, b, x)
    }
}

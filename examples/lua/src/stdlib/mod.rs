//! The standard library, and what its functions share.

mod args;
mod base;
mod coroutine;
mod debug;
mod format;
pub mod io;
mod math;
mod os;
mod pack;
mod package;
mod pattern;
pub mod random;
mod sort;
mod string;
mod table;
pub mod utf8;

use crate::gc::Gc;
use crate::table::Table;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::function::NativeFn;

/// Puts the library into a new machine.
pub fn open(vm: &mut Vm<'_>) {
    base::open(vm);
    package::open(vm);
    coroutine::open(vm);
    table::open(vm);
    io::open(vm);
    os::open(vm);
    string::open(vm);
    math::open(vm);
    utf8::open(vm);
    debug::open(vm);
}

/// Makes a module of functions, a global and an entry of `package.loaded`.
fn module(vm: &mut Vm<'_>, name: &str, functions: &[(&'static str, NativeFn)]) -> Gc<Table> {
    let table = vm.heap.new_table(0, 0);
    let (globals, loaded) = (vm.globals, vm.loaded);
    vm.set_field(globals, name, Value::Table(table));
    vm.set_field(loaded, name, Value::Table(table));
    add_functions(vm, table, functions);
    table
}

fn add_functions(vm: &mut Vm<'_>, table: Gc<Table>, functions: &[(&'static str, NativeFn)]) {
    for &(name, function) in functions {
        let function = vm.native_function(function, Vec::new());
        vm.set_field(table, name, function);
    }
}

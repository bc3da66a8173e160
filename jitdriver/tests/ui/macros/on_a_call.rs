//! A macro is annotated where it is defined.

use jitdriver::jit;

macro_rules! functions {
    ($($name:ident)*) => { $(pub fn $name() {})* };
}

#[jit]
functions! { one two }

fn main() {}

//! `Option`, `Result`, conversions, clones.

mod and_then;
mod as_ref;
mod clone;
mod copied_cloned;
mod from_own;
mod into;
mod is_some;
mod map;
mod map_err;
mod mem_replace;
mod mem_swap_vec;
mod mem_take_vec;
mod ok_or;
mod rc_clone;
mod take;
mod to_string;
mod try_into;
mod unwrap_expect;
mod unwrap_or;

use crate::harness::rows;

rows! {
    unwrap_or: "`unwrap_or` and `unwrap_or_default`", 82, 1052;
    unwrap_expect: "`unwrap` and `expect`", 79, 684;
    map: "`map` on `Option` and `Result`", 82, 1052;
    and_then: "`and_then`", 82, 1052;
    ok_or: "`ok_or` and `ok_or_else`", 82, 1052;
    map_err: "`map_err`", 82, 1052;
    is_some: "`is_some`, `is_none`, `is_ok`", 82, 1052;
    take: "`take` on an `Option`", 82, 1052;
    as_ref: "`as_ref` and `as_mut`", 82, 1052;
    copied_cloned: "`copied` and `cloned`", 82, 907;
    clone: "`clone` of a struct", 82, 907;
    rc_clone: "`clone` of an `Rc`", 82, 907;
    into: "`into` and `from` between integers", 76, 1183;
    try_into: "`try_into` and `try_from`", 76, 1183;
    from_own: "`From` of a type of one's own", 76, 1183;
    mem_replace: "`mem::replace`, `take` and `swap`", 45, 37;
    mem_swap_vec: "`mem::swap` of two `Vec`s", 45, 37;
    mem_take_vec: "`mem::take` of a `Vec`", 45, 37;
    to_string: "`to_string` and `String` concatenation", 39, 15;
}

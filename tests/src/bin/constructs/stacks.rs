//! `Vec`, slices and maps.

mod clear;
mod contains;
mod copy_from_slice;
mod copy_within;
mod drain;
mod extend;
mod fill;
mod first;
mod get;
mod get_mut;
mod hash_map;
mod insert_remove;
mod last;
mod len;
mod map_entry;
mod map_of_green_key;
mod push_pop;
mod resize;
mod swap;
mod truncate;

use crate::harness::rows;

rows! {
    push_pop: "`Vec` as stack: `push` and `pop`", 92, 964;
    last: "`last` and `last_mut`", 92, 964;
    truncate: "`truncate`", 92, 964;
    insert_remove: "`insert` and `remove`", 92, 964;
    extend: "`extend` and `extend_from_slice`", 92, 964;
    len: "`len` and `is_empty`", 87, 617;
    get: "`get`", 87, 485;
    get_mut: "`get_mut`", 87, 485;
    first: "`first`", 92, 964;
    resize: "`resize`", 92, 964;
    swap: "`swap` of elements", 92, 964;
    clear: "`clear`", 92, 964;
    copy_from_slice: "`copy_from_slice`", 45, 63;
    copy_within: "`copy_within`", 45, 63;
    fill: "`fill`", 45, 63;
    contains: "`contains`", 32, 12;
    drain: "`split_off` and `drain`", 92, 964;
    hash_map: "`HashMap`: `get`, `insert`, `contains_key`", 45, 64;
    map_entry: "`entry`", 45, 64;
    map_of_green_key: "`HashMap` looked up by the program counter", 3, 1;
}

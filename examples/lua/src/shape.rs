//! Shapes: what fields a table that is used as an object has, and in which slot each of them is.
//!
//! Tables that got the same string keys in the same order share a shape. The shapes of a heap form a
//! tree: adding a key leads from a shape to a child of it. A table keeps its values in a vector of
//! slots, so reading a field is: look the key up in the shape, load the slot. Everything about a shape
//! but its children is immutable, and so is the answer of [`Shape::find`].
//!
//! Invariants
//! 1. A shape lives as long as its heap: it is owned by its parent, and the root by the heap.
//! 2. The keys of shapes are pinned strings.
//! 3. Shapes are bounded in number and in fields. A table that would go beyond that is a dictionary and
//!    uses its hash part instead, so a program that uses strings as data does not fill memory with shapes.

#![expect(unsafe_code, reason = "children are reached by pointers into the tree")]

use crate::string::Str;
use jitdriver::{Traceable, elidable};
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::ptr::NonNull;
use std::rc::Rc;

/// Objects with more fields than this are dictionaries.
pub const MAX_FIELDS: usize = 64;

/// How many shapes a heap may have.
const MAX_SHAPES: usize = 1 << 14;

/// A set of fields with their slots.
pub struct Shape {
    /// The key of each slot.
    keys: Vec<Str>,
    /// Open addressing by the keys' hashes; a power of two, at least twice as many as keys.
    index: Box<[Option<(Str, u32)>]>,
    /// The last child that was asked for.
    last: Cell<Option<(Str, ShapeRef)>>,
    children: RefCell<FxHashMap<usize, Box<Shape>>>,
    /// How many shapes the heap may still make.
    budget: Rc<Cell<usize>>,
}

/// A shape, as long as the heap that it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Traceable)]
pub struct ShapeRef(NonNull<Shape>);

impl Deref for ShapeRef {
    type Target = Shape;

    #[inline]
    fn deref(&self) -> &Shape {
        // SAFETY: boxed shapes do not move and live as long as the heap (invariant 1), as do tables.
        unsafe { self.0.as_ref() }
    }
}

/// The slot of `key` in a shape, always the same.
#[elidable]
pub fn slot_of(shape: ShapeRef, key: Str) -> Option<usize> {
    shape.find(key)
}

/// The shape with `key` added, which is not in `shape`; always the same. None if there are too many shapes or
/// fields, and that does not change any more.
#[elidable]
pub fn with_field(shape: ShapeRef, key: Str) -> Option<ShapeRef> {
    shape.with(key)
}

impl Shape {
    /// The shape without fields.
    pub fn root() -> Box<Shape> {
        Box::new(Shape::with_keys(Vec::new(), Rc::new(Cell::new(MAX_SHAPES))))
    }

    fn with_keys(keys: Vec<Str>, budget: Rc<Cell<usize>>) -> Shape {
        let mut index = vec![None; (keys.len() * 2).next_power_of_two().max(2)].into_boxed_slice();
        let mask = index.len() - 1;
        for (slot, &key) in keys.iter().enumerate() {
            let mut at = key.hash() as usize & mask;
            while index[at].is_some() {
                at = (at + 1) & mask;
            }
            index[at] = Some((key, slot as u32));
        }
        Shape { keys, index, last: Cell::new(None), children: RefCell::default(), budget }
    }

    /// A handle to this shape.
    pub fn handle(&self) -> ShapeRef {
        ShapeRef(NonNull::from(self))
    }

    /// The keys, by slot.
    pub fn keys(&self) -> &[Str] {
        &self.keys
    }

    /// The slot of `key`.
    #[inline(always)]
    pub fn find(&self, key: Str) -> Option<usize> {
        let mask = self.index.len() - 1;
        let mut at = key.hash() as usize & mask;
        while let Some((found, slot)) = self.index[at] {
            if found.is_same(key) {
                return Some(slot as usize);
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// The shape with `key` added, which is not in this one, unless there are too many.
    #[inline]
    pub fn with(&self, key: Str) -> Option<ShapeRef> {
        match self.last.get() {
            Some((last, child)) if last.is_same(key) => Some(child),
            _ => self.find_or_make_child(key),
        }
    }

    fn find_or_make_child(&self, key: Str) -> Option<ShapeRef> {
        let known = self.children.borrow().get(&key.address()).map(|it| it.handle());
        let child = match known {
            Some(child) => child,
            None => self.make_child(key)?,
        };
        self.last.set(Some((key, child)));
        Some(child)
    }

    fn make_child(&self, key: Str) -> Option<ShapeRef> {
        if self.keys.len() >= MAX_FIELDS || self.budget.get() == 0 || !key.is_short() {
            return None;
        }
        self.budget.set(self.budget.get() - 1);
        key.pin();
        let mut keys = self.keys.clone();
        keys.push(key);
        let child = Box::new(Shape::with_keys(keys, Rc::clone(&self.budget)));
        let handle = child.handle();
        self.children.borrow_mut().insert(key.address(), child);
        Some(handle)
    }
}

#[cfg(test)]
mod tests {
    use crate::gc::Heap;

    #[test]
    fn the_same_keys_in_the_same_order_share_a_shape() {
        let mut heap = Heap::new();
        let (x, y) = (heap.str(b"x"), heap.str(b"y"));
        let root = heap.root_shape();
        let xy = root.with(x).unwrap().with(y).unwrap();
        assert_eq!(root.with(x).unwrap().with(y), Some(xy));
        assert_ne!(root.with(y).unwrap().with(x), Some(xy));
        assert_eq!((xy.find(x), xy.find(y)), (Some(0), Some(1)));
        assert_eq!(root.find(x), None);
    }

    #[test]
    fn there_is_an_end_to_fields() {
        let mut heap = Heap::new();
        let mut shape = heap.root_shape();
        for n in 0..super::MAX_FIELDS {
            let key = heap.str(format!("k{n}").as_bytes());
            shape = shape.with(key).unwrap();
            assert_eq!(shape.find(key), Some(n));
        }
        let one_more = heap.str(b"one more");
        assert_eq!(shape.with(one_more), None);
    }
}

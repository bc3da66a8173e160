//! Tables: an array part, fields by shape, and a hash part.
//!
//! - Values under 1, 2, …, n are in `array`.
//! - Values under short strings are in `slots`, where the table's shape says (see [`crate::shape`]),
//!   unless the table is a dictionary: then it has no shape, and they are in the hash part.
//! - All else is in the hash part.
//!
//! Invariants
//! 1. The last element of `array` is not nil, and the hash part has no value under `array.len() + 1`.
//!    So `array.len()` is a border, and `#` is a load.
//! 2. A key is in one place only; a float with an integral value is stored as the integer.

use crate::gc::{Gc, Gray, Heap, Marker, Object};
use crate::hash_part::HashPart;
use crate::number::float_to_int_exact;
use crate::shape::{ShapeRef, slot_of, with_field};
use crate::string::Str;
use crate::value::Value;
use jitdriver::{jit, promote};
use std::cell::Cell;

/// A traversal cannot go on from a key that is not there.
#[derive(Debug)]
pub struct NoSuchKey;

/// Arrays of this size may be filled less than small ones, which behave exactly like those of the
/// reference implementation: there, programs can see it in what `#` gives.
const LARGE: usize = 1024;

/// A table of the language.
pub struct Table {
    array: Vec<Value>,
    slots: Vec<Value>,
    /// None in a dictionary.
    shape: Option<ShapeRef>,
    hash: HashPart,
    metatable: Option<Gc<Table>>,
    /// Metamethods that are known not to be here, as bits by event. Setting any string key clears it.
    absent: Cell<u32>,
}

impl Table {
    /// An empty table with room for elements and fields.
    pub fn new(root: ShapeRef, n_array: usize, n_fields: usize) -> Table {
        Table {
            array: Vec::with_capacity(n_array),
            slots: Vec::with_capacity(n_fields),
            shape: Some(root),
            hash: HashPart::default(),
            metatable: None,
            absent: Cell::new(0),
        }
    }
}

#[jit]
impl Table {
    /// Its metatable.
    #[inline]
    pub fn metatable(&self) -> Option<Gc<Table>> {
        self.metatable
    }

    /// Gives it a metatable, or takes it away.
    pub fn set_metatable(&mut self, metatable: Option<Gc<Table>>) {
        self.metatable = metatable;
    }

    /// Whether the metamethod with this number is known not to be a field here.
    #[inline]
    pub fn lacks(&self, event: u32) -> bool {
        self.absent.get() >> event & 1 != 0
    }

    /// Remembers that there is no such metamethod here.
    pub fn note_absent(&self, event: u32) {
        self.absent.set(self.absent.get() | 1 << event);
    }

    /// A border: what `#` gives.
    #[inline]
    pub fn len(&self) -> usize {
        self.array.len()
    }

    /// The value under any key, or nil.
    #[inline]
    pub fn get(&self, key: Value) -> Value {
        match key {
            Value::Int(it) => self.get_int(it),
            Value::Str(it) => self.get_str(it),
            Value::Float(it) => match float_to_int_exact(it.get()) {
                Some(int) => self.get_int(int),
                None => self.hash.get(key),
            },
            Value::Nil => Value::Nil,
            _ => self.hash.get(key),
        }
    }

    /// The value under an integer.
    #[inline(always)]
    pub fn get_int(&self, key: i64) -> Value {
        let at = (key as usize).wrapping_sub(1);
        if at < self.array.len() {
            self.array[at]
        } else if self.hash.is_empty() {
            Value::Nil
        } else {
            self.hash.get_int(key)
        }
    }

    /// The value under a string.
    #[inline(always)]
    pub fn get_str(&self, key: Str) -> Value {
        let Some(shape) = promote(self.shape) else { return self.hash.get_str(key) };
        match slot_of(shape, key) {
            Some(slot) => self.slots[slot],
            // Long strings are never in a shape.
            None if !key.is_short() => self.hash.get_str(key),
            None => Value::Nil,
        }
    }

    /// Replaces the value under an integer if there is one that is not nil, and says whether there was.
    #[inline]
    pub fn replace_int(&mut self, key: i64, value: Value) -> bool {
        let at = (key as usize).wrapping_sub(1);
        if at < self.array.len() && !self.array[at].is_nil() {
            self.array[at] = value;
            if value.is_nil() {
                self.trim();
            }
            return true;
        }
        if self.hash.is_empty() { false } else { self.replace_hashed(Value::Int(key), value) }
    }

    /// Replaces the value under a string if there is one that is not nil, and says whether there was.
    #[inline]
    pub fn replace_str(&mut self, key: Str, value: Value) -> bool {
        let Some(shape) = promote(self.shape) else {
            return self.replace_hashed(Value::Str(key), value);
        };
        match slot_of(shape, key) {
            Some(slot) if self.slots[slot].is_nil() => false,
            Some(slot) => {
                self.slots[slot] = value;
                true
            }
            None if key.is_short() => false,
            None => self.replace_hashed(Value::Str(key), value),
        }
    }

    /// Stores a field where the shape says, or behind the last one if there is room; whether it did.
    #[inline]
    pub fn put_field(&mut self, key: Str, value: Value) -> bool {
        let Some(shape) = promote(self.shape) else { return false };
        match slot_of(shape, key) {
            Some(slot) => self.slots[slot] = value,
            None => {
                if value.is_nil() || self.slots.len() == self.slots.capacity() {
                    return false;
                }
                let Some(child) = with_field(shape, key) else { return false };
                self.shape = Some(child);
                self.slots.push(value);
            }
        }
        self.absent.set(0);
        true
    }

    /// Appends to the array part if `key` is the next element and this needs no new memory.
    #[inline]
    pub fn append(&mut self, key: i64, value: Value) -> bool {
        let len = self.array.len();
        let fits = key == len as i64 + 1
            && len < self.array.capacity()
            && self.hash.is_empty()
            && !value.is_nil();
        if fits {
            self.array.push(value);
        }
        fits
    }
}

impl Table {
    fn replace_hashed(&mut self, key: Value, value: Value) -> bool {
        let found = match key {
            Value::Int(it) => self.hash.find_int(it),
            _ => self.hash.find(key),
        };
        match found {
            Some(at) if !self.hash.value_at(at).is_nil() => {
                self.hash.set_at(at, value);
                true
            }
            _ => false,
        }
    }

    /// Stores `value` under `key`, which is neither nil nor NaN. The heap's `table_set` accounts for
    /// the memory, too.
    pub fn set(&mut self, key: Value, value: Value) {
        match key {
            Value::Int(it) => self.set_int(it, value),
            Value::Str(it) => self.set_str(it, value),
            Value::Float(it) => match float_to_int_exact(it.get()) {
                Some(int) => self.set_int(int, value),
                None => self.set_hashed(key, value),
            },
            _ => self.set_hashed(key, value),
        }
    }

    fn set_int(&mut self, key: i64, value: Value) {
        let at = (key as usize).wrapping_sub(1);
        let len = self.array.len();
        if at < len {
            self.array[at] = value;
            if value.is_nil() {
                self.trim();
            }
        } else if (at == len || (at == len + 1 && len >= LARGE)) && !value.is_nil() {
            // A large array goes on over gaps of one.
            self.array.resize(at, Value::Nil);
            self.array.push(value);
            if !self.hash.is_empty() {
                if let Some(at) = self.hash.find_int(key) {
                    self.hash.set_at(at, Value::Nil);
                }
                self.migrate();
            }
        } else {
            self.set_hashed(Value::Int(key), value);
        }
    }

    /// Stores elements from `offset + 1` on, as a constructor does.
    pub fn extend(&mut self, offset: usize, values: &[Value]) {
        let n = values.iter().rposition(|it| !it.is_nil()).map_or(0, |it| it + 1);
        if !self.hash.is_empty() || offset < self.array.len() {
            for (at, &value) in values.iter().enumerate() {
                self.set_int((offset + at) as i64 + 1, value);
            }
        } else if n > 0 {
            self.array.resize(offset, Value::Nil);
            self.array.extend_from_slice(&values[..n]);
        }
    }

    /// Keeps the last element from being nil.
    fn trim(&mut self) {
        while let Some(Value::Nil) = self.array.last() {
            self.array.pop();
        }
    }

    /// Moves what follows the array part from the hash part into it.
    fn migrate(&mut self) {
        while let Some(at) = self.hash.find_int(self.array.len() as i64 + 1) {
            let value = self.hash.value_at(at);
            if value.is_nil() {
                return;
            }
            self.hash.set_at(at, Value::Nil);
            self.array.push(value);
        }
    }

    fn set_str(&mut self, key: Str, value: Value) {
        self.absent.set(0);
        let Some(shape) = self.shape.filter(|_| key.is_short()) else {
            return self.set_hashed(Value::Str(key), value);
        };
        if let Some(slot) = shape.find(key) {
            self.slots[slot] = value;
        } else if value.is_nil() {
            // Nothing is there, and nothing shall be.
        } else if let Some(child) = shape.with(key) {
            self.shape = Some(child);
            self.slots.push(value);
        } else {
            self.become_dictionary();
            self.set_hashed(Value::Str(key), value);
        }
    }

    /// Moves the fields into the hash part.
    fn become_dictionary(&mut self) {
        let Some(shape) = self.shape.take() else { return };
        let slots = std::mem::take(&mut self.slots);
        self.hash.rebuild(slots.len() * 2, |_, _| false);
        for (&key, value) in shape.keys().iter().zip(slots) {
            // A removed field keeps its place in the order of `next`.
            self.hash.insert_new(Value::Str(key), value);
        }
    }

    fn set_hashed(&mut self, key: Value, value: Value) {
        let found = match key {
            Value::Int(it) => self.hash.find_int(it),
            _ => self.hash.find(key),
        };
        if let Some(at) = found {
            return self.hash.set_at(at, value);
        }
        if value.is_nil() {
            return;
        }
        if self.hash.has_room() {
            return self.hash.insert_new(key, value);
        }
        let n_array = self.rehash(key);
        match key {
            Value::Int(it) if (it as usize).wrapping_sub(1) < n_array => {
                if self.array.len() < it as usize {
                    self.array.resize(it as usize - 1, Value::Nil);
                }
                self.set_int(it, value);
            }
            _ => self.hash.insert_new(key, value),
        }
    }

    /// Makes room in the hash part for `key`, and gives the array part what belongs there: up to the
    /// largest power of two of which more than half would be in use, or three eighths if it is large. A node of the hash part is
    /// twice as large as an element, and a quarter of the nodes is empty, so this costs no memory. Answers that number, or the
    /// array's length.
    fn rehash(&mut self, key: Value) -> usize {
        let n = self.best_array_len(key);
        if n <= self.array.len() {
            self.hash.rebuild(1, |_, _| false);
            return self.array.len();
        }
        let mut moved = Vec::new();
        self.hash.rebuild(1, |key, value| match key {
            Value::Int(it) if 1 <= it && it as usize <= n => {
                moved.push((it as usize, value));
                true
            }
            _ => false,
        });
        let last = moved.iter().map(|it| it.0).max().unwrap_or(0);
        if self.array.len() < last {
            self.array.resize(last, Value::Nil);
        }
        for (at, value) in moved {
            self.array[at - 1] = value;
        }
        self.migrate();
        n
    }

    fn best_array_len(&self, key: Value) -> usize {
        // counts[i]: keys k with 2^(i-1) < k <= 2^i.
        let mut counts = [0usize; 64];
        let mut n_ints = 0;
        let mut count = |key: i64| {
            if key >= 1 {
                counts[(64 - (key as u64 - 1).leading_zeros()) as usize % 64] += 1;
                n_ints += 1;
            }
        };
        self.hash.for_each(|key, value| match key {
            Value::Int(it) if !value.is_nil() => count(it),
            _ => {}
        });
        if let Value::Int(it) = key {
            count(it);
        }
        for (at, value) in self.array.iter().enumerate() {
            if !value.is_nil() {
                count(at as i64 + 1);
            }
        }
        let (mut best, mut total) = (0, 0);
        for (power, n) in counts.iter().enumerate().take(48) {
            total += n;
            let size = 1usize << power;
            if total > if size < LARGE { size / 2 } else { size * 3 / 8 } {
                best = 1 << power;
            }
            if total == n_ints {
                break;
            }
        }
        best
    }

    /// The entry behind `key` in the order of traversal, or none at the end; an error if there is no
    /// such key.
    pub fn next(&self, key: Value) -> Result<Option<(Value, Value)>, NoSuchKey> {
        let position = self.position_behind(key).ok_or(NoSuchKey)?;
        Ok(self.entry_from(position))
    }

    /// Positions count through array, slots and hash part.
    fn position_behind(&self, key: Value) -> Option<usize> {
        let (n_array, n_slots) = (self.array.len(), self.slots.len());
        let key = match key {
            Value::Nil => return Some(0),
            Value::Float(it) => float_to_int_exact(it.get()).map_or(key, Value::Int),
            _ => key,
        };
        match key {
            Value::Int(it) if 1 <= it && it as usize <= n_array => return Some(it as usize),
            Value::Str(it) if it.is_short() && self.shape.is_some() => {
                return Some(n_array + self.shape?.find(it)? + 1);
            }
            _ => {}
        }
        match (self.hash.find(key), key) {
            (Some(at), _) => Some(n_array + n_slots + at + 1),
            // Clearing the last elements has shortened the array part.
            (None, Value::Int(it)) if 1 <= it && it as usize <= self.array.capacity() => {
                Some(n_array)
            }
            _ => None,
        }
    }

    fn entry_from(&self, position: usize) -> Option<(Value, Value)> {
        let (n_array, n_slots) = (self.array.len(), self.slots.len());
        for at in position..n_array {
            if !self.array[at].is_nil() {
                return Some((Value::Int(at as i64 + 1), self.array[at]));
            }
        }
        let position = position.saturating_sub(n_array);
        if let Some(shape) = self.shape {
            for slot in position..n_slots {
                if !self.slots[slot].is_nil() {
                    return Some((Value::Str(shape.keys()[slot]), self.slots[slot]));
                }
            }
        }
        let (_, key, value) = self.hash.next_from(position.saturating_sub(n_slots))?;
        Some((key, value))
    }

    /// Inserts `value` before element `at` (from 1 on), moving up what is there.
    pub fn insert_shifting(&mut self, at: usize, value: Value) -> bool {
        let fits = 1 <= at && at <= self.array.len() && self.hash.is_empty() && !value.is_nil();
        if fits {
            self.array.insert(at - 1, value);
        }
        fits
    }

    /// Removes element `at` of the array part, moving down what follows.
    pub fn remove_shifting(&mut self, at: usize) -> Option<Value> {
        if at < 1 || self.array.len() < at {
            return None;
        }
        let value = self.array.remove(at - 1);
        self.trim();
        Some(value)
    }

    /// Calls `f` with each key and value; of removed entries the value is nil.
    pub fn for_each(&self, mut f: impl FnMut(Value, Value)) {
        for (at, &value) in self.array.iter().enumerate() {
            f(Value::Int(at as i64 + 1), value);
        }
        if let Some(shape) = self.shape {
            for (&key, &value) in shape.keys().iter().zip(&self.slots) {
                f(Value::Str(key), value);
            }
        }
        self.hash.for_each(f);
    }

    /// Removes the entries that `keep` does not want.
    pub fn retain(&mut self, mut keep: impl FnMut(Value, Value) -> bool) {
        for (at, value) in self.array.iter_mut().enumerate() {
            if !keep(Value::Int(at as i64 + 1), *value) {
                *value = Value::Nil;
            }
        }
        self.trim();
        for value in &mut self.slots {
            if !keep(Value::Nil, *value) {
                *value = Value::Nil;
            }
        }
        self.hash.retain(keep);
    }
}

impl Object for Table {
    fn trace(&self, marker: &mut Marker) {
        if let Some(metatable) = self.metatable {
            marker.mark_object(metatable);
        }
        for &value in self.array.iter().chain(&self.slots) {
            marker.mark(value);
        }
        self.hash.for_each(|key, value| {
            marker.mark(key);
            marker.mark(value);
        });
    }

    fn size(&self) -> usize {
        size_of::<Table>()
            + (self.array.capacity() + self.slots.capacity()) * size_of::<Value>()
            + self.hash.size()
    }

    fn list(heap: &mut Heap) -> &mut Vec<Gc<Table>> {
        &mut heap.tables
    }

    fn gray(handle: Gc<Table>) -> Gray {
        Gray::Table(handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(heap: &Heap) -> Table {
        Table::new(heap.root_shape(), 0, 0)
    }

    fn ints(table: &Table) -> Vec<i64> {
        let mut keys = Vec::new();
        let mut key = Value::Nil;
        while let Some((next, _)) = table.next(key).unwrap() {
            match next {
                Value::Int(it) => keys.push(it),
                other => panic!("{other:?}"),
            }
            key = next;
        }
        keys.sort_unstable();
        keys
    }

    #[test]
    fn elements_come_into_the_array_from_either_end() {
        let heap = Heap::new();
        let mut up = new(&heap);
        let mut down = new(&heap);
        for key in 1..=100 {
            up.set(Value::Int(key), Value::Int(key));
            down.set(Value::Int(101 - key), Value::Int(key));
        }
        assert_eq!((up.len(), down.len()), (100, 100));
        assert_eq!(ints(&down), (1..=100).collect::<Vec<_>>());
    }

    #[test]
    fn an_array_that_starts_at_two_is_an_array() {
        let heap = Heap::new();
        let mut table = new(&heap);
        for key in 2..=1000 {
            table.set(Value::Int(key), Value::from(true));
        }
        assert_eq!(table.len(), 1000);
        assert!(table.hash.size() < 2000, "{}", table.hash.size());
    }

    #[test]
    fn clearing_while_walking_reaches_everything() {
        let mut heap = Heap::new();
        let mut table = new(&heap);
        for key in 1..=50 {
            table.set(Value::Int(key), Value::from(true));
            table.set(Value::Int(-key), Value::from(true));
            let field = heap.str(format!("f{key}").as_bytes());
            table.set(Value::Str(field), Value::from(true));
        }
        let (mut key, mut n) = (Value::Nil, 0);
        while let Some((next, _)) = table.next(key).unwrap() {
            table.set(next, Value::Nil);
            (key, n) = (next, n + 1);
        }
        assert_eq!(n, 150);
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn the_border_follows_the_last_element() {
        let heap = Heap::new();
        let mut table = new(&heap);
        for key in 1..=4 {
            table.set(Value::Int(key), Value::from(true));
        }
        table.set(Value::Int(3), Value::Nil);
        assert_eq!(table.len(), 4);
        table.set(Value::Int(4), Value::Nil);
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn integral_floats_are_integers() {
        let heap = Heap::new();
        let mut table = new(&heap);
        table.set(Value::float(1.0), Value::from(true));
        table.set(Value::float(1.5), Value::from(false));
        assert!(table.get(Value::Int(1)).is_truthy());
        assert!(!table.get(Value::float(1.5)).is_nil());
        assert_eq!(table.len(), 1);
    }
}

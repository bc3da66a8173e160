//! The hash part of a table: open addressing with linear probing, in one array of nodes.
//!
//! A removed entry keeps its key with the value nil until the part is rebuilt, and it is rebuilt only
//! when a new key is inserted. So positions stand still while a program walks through a table and
//! clears fields, which is what `next` promises.
//!
//! Why not a crate? Those that are kept well either cannot go on from a key (hashbrown), or move entries
//! when one is removed (indexmap).

use crate::string::Str;
use crate::value::Value;
use jitdriver::jit;

/// A map from values to values.
#[derive(Default)]
pub struct HashPart {
    /// A power of two of nodes, or none at all.
    nodes: Box<[Node]>,
    /// Nodes with a key, also those whose value is nil.
    n_used: usize,
}

#[derive(Clone, Copy, Default)]
struct Node {
    /// Nil in a node that was never used.
    key: Value,
    value: Value,
}

/// Marks a node whose key was collected: no key is equal to it.
const TOMBSTONE: Value = Value::float(f64::NAN);

/// The golden ratio's fraction in 64 bits, as for multiplicative hashing.
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

fn scramble(word: u64) -> usize {
    (word.wrapping_mul(MULTIPLIER) >> 32) as usize
}

/// Where to look for a key first.
fn hash(key: Value, mask: usize) -> usize {
    mask & match key {
        Value::Str(it) => it.hash() as usize,
        Value::Int(it) => scramble(it as u64),
        Value::Float(it) => scramble(it.get().to_bits()),
        Value::False => 0,
        Value::True => 1,
        other => scramble(other.address().unwrap_or(0) as u64),
    }
}

#[jit]
impl HashPart {
    /// Whether no node was ever used.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.n_used == 0
    }
}

impl HashPart {
    /// An empty part with room for `n` entries.
    pub fn with_capacity(n: usize) -> HashPart {
        if n == 0 {
            return HashPart::default();
        }
        let n_nodes = (n + n.div_ceil(3)).next_power_of_two().max(4);
        HashPart { nodes: vec![Node::default(); n_nodes].into_boxed_slice(), n_used: 0 }
    }

    /// Bytes that the nodes take.
    pub fn size(&self) -> usize {
        self.nodes.len() * size_of::<Node>()
    }

    /// The value of a string key, or nil.
    #[inline(never)]
    pub fn get_str(&self, key: Str) -> Value {
        if self.nodes.is_empty() {
            return Value::Nil;
        }
        let mask = self.nodes.len() - 1;
        let mut at = key.hash() as usize & mask;
        loop {
            let node = &self.nodes[at & mask];
            match node.key {
                Value::Str(it) if it.is_same(key) => return node.value,
                Value::Nil => return Value::Nil,
                Value::Str(it) if !key.is_short() && it == key => return node.value,
                _ => at += 1,
            }
        }
    }

    /// The value of an integer key, or nil.
    #[inline(never)]
    pub fn get_int(&self, key: i64) -> Value {
        match self.find_int(key) {
            Some(at) => self.nodes[at].value,
            None => Value::Nil,
        }
    }

    /// The position of an integer key, whatever its value.
    pub fn find_int(&self, key: i64) -> Option<usize> {
        if self.nodes.is_empty() {
            return None;
        }
        let mask = self.nodes.len() - 1;
        let mut at = scramble(key as u64);
        loop {
            match self.nodes[at & mask].key {
                Value::Int(it) if it == key => return Some(at & mask),
                Value::Nil => return None,
                _ => at += 1,
            }
        }
    }

    /// The value of a key, or nil. Floats with integral values are not keys.
    #[inline]
    pub fn get(&self, key: Value) -> Value {
        match self.find(key) {
            Some(at) => self.nodes[at].value,
            None => Value::Nil,
        }
    }

    /// The position of a key, whatever its value.
    pub fn find(&self, key: Value) -> Option<usize> {
        if self.nodes.is_empty() {
            return None;
        }
        let mask = self.nodes.len() - 1;
        let mut at = hash(key, mask);
        loop {
            let found = self.nodes[at].key;
            if found.is_nil() {
                return None;
            }
            if found.raw_equals(key) {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    /// The first entry at `from` or behind it, with its position.
    pub fn next_from(&self, from: usize) -> Option<(usize, Value, Value)> {
        let nodes = self.nodes.get(from..)?;
        let offset = nodes.iter().position(|it| !it.value.is_nil())?;
        let node = nodes[offset];
        Some((from + offset, node.key, node.value))
    }

    /// Replaces the value at a position.
    #[inline]
    pub fn set_at(&mut self, at: usize, value: Value) {
        self.nodes[at].value = value;
    }

    /// The value at a position.
    #[inline]
    pub fn value_at(&self, at: usize) -> Value {
        self.nodes[at].value
    }

    /// Whether another key can be inserted as things are.
    pub fn has_room(&self) -> bool {
        self.n_used + self.n_used / 3 < self.nodes.len().saturating_sub(1)
    }

    /// Puts in a key that is not there; there is room.
    pub fn insert_new(&mut self, key: Value, value: Value) {
        let mask = self.nodes.len() - 1;
        let mut at = hash(key, mask);
        while !self.nodes[at].key.is_nil() {
            at = (at + 1) & mask;
        }
        self.nodes[at] = Node { key, value };
        self.n_used += 1;
    }

    /// Rebuilds the part without removed entries, with room for `extra` more, leaving out what `moves`
    /// takes.
    pub fn rebuild(&mut self, extra: usize, mut moves: impl FnMut(Value, Value) -> bool) {
        let old = std::mem::take(self);
        let kept: Vec<Node> = old
            .nodes
            .iter()
            .filter(|it| !it.value.is_nil() && !moves(it.key, it.value))
            .copied()
            .collect();
        *self = HashPart::with_capacity((kept.len() + extra).max(kept.len() * 4 / 3));
        for node in kept {
            self.insert_new(node.key, node.value);
        }
    }

    /// Calls `f` with each key and value; the values of removed entries are nil.
    pub fn for_each(&self, mut f: impl FnMut(Value, Value)) {
        for node in self.nodes.iter().filter(|it| !it.key.is_nil()) {
            f(node.key, node.value);
        }
    }

    /// Removes the entries that `keep` does not want, and forgets their keys.
    pub fn retain(&mut self, mut keep: impl FnMut(Value, Value) -> bool) {
        for node in self.nodes.iter_mut().filter(|it| !it.key.is_nil()) {
            if !keep(node.key, node.value) {
                *node = Node { key: TOMBSTONE, value: Value::Nil };
            }
        }
    }
}

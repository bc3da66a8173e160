//! Places that are more than a field or an element of a slice: an `Index` of one's own, what a `NonNull`
//! points to, and several at once on the left of an assignment.
//!
//! Each program runs plain and under every backend, with thresholds 1, 2, 3 and the default.
#![expect(unsafe_code, reason = "an arena of `NonNull`s, as interpreters have them")]

use jit_tests::oracle::{self, THRESHOLDS};
use jitdriver::{JitDriver, Stats, Traceable, jit, jit_merge_point};
use std::fmt::Debug;
use std::ops::{Index, IndexMut};
use std::ptr::NonNull;

/// Runs in all modes and compares; the statistics of the compiled runs at threshold 2.
#[track_caller]
fn check<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) -> Vec<Stats> {
    let runs = oracle::check(THRESHOLDS, program);
    let of_two = runs.into_iter().filter(|run| run.params.starts_with("threshold=2,"));
    of_two.map(|run| run.stats).collect()
}

fn assert_traced(all: &[Stats]) {
    for stats in all {
        assert!(stats.loops >= 1, "nothing was compiled:\n{stats}");
        assert_eq!((stats.aborted(), stats.residual_calls), (0, 0), "{stats}");
    }
}

/// A handle to an object of a type.
#[derive(Traceable)]
struct Handle<T> {
    ptr: NonNull<T>,
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

trait Object {
    fn keep(self, heap: &mut Heap) -> Handle<Self>
    where
        Self: Sized;
}

struct Pair {
    left: i64,
    right: i64,
}

struct Counter(u32);

/// Owns the objects behind handles.
#[derive(Default)]
struct Heap {
    pairs: Vec<NonNull<Pair>>,
    counters: Vec<NonNull<Counter>>,
}

fn leak<T>(value: T) -> NonNull<T> {
    NonNull::from(Box::leak(Box::new(value)))
}

impl Object for Pair {
    fn keep(self, heap: &mut Heap) -> Handle<Pair> {
        let ptr = leak(self);
        heap.pairs.push(ptr);
        Handle { ptr }
    }
}

impl Object for Counter {
    fn keep(self, heap: &mut Heap) -> Handle<Counter> {
        let ptr = leak(self);
        heap.counters.push(ptr);
        Handle { ptr }
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: `leak` made them from boxes, and each is in one list.
        self.pairs.drain(..).for_each(|it| drop(unsafe { Box::from_raw(it.as_ptr()) }));
        // SAFETY: as above.
        self.counters.drain(..).for_each(|it| drop(unsafe { Box::from_raw(it.as_ptr()) }));
    }
}

#[jit]
impl<T: Object> Index<Handle<T>> for Heap {
    type Output = T;

    fn index(&self, handle: Handle<T>) -> &Self::Output {
        // SAFETY: the heap owns the object, and changes it through `&mut self` only.
        unsafe { &*handle.ptr.as_ptr() }
    }
}

impl<T: Object> IndexMut<Handle<T>> for Heap {
    fn index_mut(&mut self, handle: Handle<T>) -> &mut T {
        // SAFETY: as in `index`.
        unsafe { &mut *handle.ptr.as_ptr() }
    }
}

#[jit]
impl Pair {
    fn sum(&self) -> i64 {
        self.left.wrapping_add(self.right)
    }

    fn swap(&mut self) {
        (self.left, self.right) = (self.right, self.left);
    }
}

#[jit]
fn objects(driver: &JitDriver<'_>, heap: &mut Heap, n: u32) -> (i64, i64, u32) {
    let pair = Pair { left: 1, right: 2 }.keep(heap);
    let counter = Counter(0).keep(heap);
    let mut i = 0;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [heap, pair, counter, i, n]);
        heap[pair].left = heap[pair].sum() + i64::from(i);
        heap[pair].swap();
        let seen = &mut heap[counter];
        seen.0 += 2;
        i += 1;
    }
    (heap[pair].left, heap[pair].right, heap[counter].0)
}

#[test]
fn an_index_of_ones_own_leads_to_a_place() {
    let all = check(|driver| objects(driver, &mut Heap::default(), 40));
    assert_traced(&all);
}

#[jit]
fn fibonacci(driver: &JitDriver<'_>, n: u32) -> (u64, [u64; 2], u32) {
    let (mut a, mut b) = (0, 1);
    let mut last = [0, 0];
    let mut i = 0;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [a, b, last, i, n]);
        (a, b) = (b, a + b);
        ((last[0], _), (last[1], i)) = ((a, b), (b, i + 1));
    }
    (a, last, i)
}

#[test]
fn tuples_are_assigned_part_by_part() {
    let all = check(|driver| fibonacci(driver, 60));
    assert_traced(&all);
}

#[jit]
fn pointers(driver: &JitDriver<'_>, n: u32) -> i64 {
    let mut pair = Pair { left: 3, right: 4 };
    let ptr = NonNull::from(&mut pair);
    let mut i = 0;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [ptr, i, n]);
        let mut this = ptr;
        // SAFETY: nobody else refers to the pair.
        unsafe {
            let right = this.as_ref().right;
            this.as_mut().left += right;
            (*this.as_ptr()).right -= 1;
        }
        i += 1;
    }
    // SAFETY: as above.
    unsafe { ptr.as_ref() }.sum()
}

#[test]
fn a_non_null_is_a_pointer() {
    let all = check(|driver| pointers(driver, 50));
    assert_traced(&all);
}

#[jit]
fn names(driver: &JitDriver<'_>, name: Option<i64>, n: usize) -> usize {
    let mut i = 0;
    let mut len = 0;
    while i < n {
        jit_merge_point!(driver, greens = [], reds = [name, i, n, len]);
        len += name.map_or_else(String::new, |it| it.to_string()).len();
        i += 1;
    }
    len
}

#[test]
fn a_function_may_stand_among_closures() {
    for name in [None, Some(1234)] {
        for stats in check(|driver| names(driver, name, 30)) {
            assert!(stats.loops >= 1 && stats.degraded_expressions >= 1, "{stats}");
        }
    }
}

//! `*` of types with a `Deref` of their own: it is called as often, and as mutably, as in the plain function.
#![allow(clippy::explicit_auto_deref, reason = "constructs are traced as authors may write them")]

use jit_tests::opcode;
use jit_tests::oracle::{self, THRESHOLDS, outcome};
use jitdriver::{JitDriver, can_enter_jit, dont_look_inside, jit, jit_merge_point};
use std::cell::RefCell;
use std::fmt::Debug;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::sync::{Mutex, RwLock};

thread_local! {
    static LOG: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

#[dont_look_inside]
fn tell(what: &'static str) {
    LOG.with_borrow_mut(|log| log.push(what));
}

/// Tells how it is looked through.
struct Wrapped<T>(T);

impl<T> Deref for Wrapped<T> {
    type Target = T;
    fn deref(&self) -> &T {
        tell("deref");
        &self.0
    }
}

impl<T> DerefMut for Wrapped<T> {
    fn deref_mut(&mut self) -> &mut T {
        tell("deref_mut");
        &mut self.0
    }
}

/// Runs the program in all modes, with the log; something is compiled, and nothing given up.
#[track_caller]
fn check<T: PartialEq + Debug>(program: impl Fn(&JitDriver<'static>) -> T) {
    for run in oracle::check(THRESHOLDS, |driver| {
        LOG.take();
        (outcome(|| program(driver)), LOG.take())
    }) {
        if run.params.starts_with("threshold=2,") {
            let stats = run.stats;
            assert!(stats.loops >= 1, "nothing was compiled:\n{stats}");
            assert_eq!((stats.aborted(), stats.degraded_statements), (0, 0), "{stats}");
        }
    }
}

opcode! {
    reads_and_writes(i; number: Wrapped<i64>, sum: i64) -> i64 {
        sum += *number & 7;
        *number += i;
        if i % 16 == 0 {
            *number = sum;
        }
        let shared = &*number;
        sum ^= *shared;
        let exclusive = &mut *number;
        *exclusive -= 3;
    } => sum + number.0
}

#[test]
fn reading_calls_deref_and_writing_deref_mut() {
    check(|d| reads_and_writes(d, 60, Wrapped(5), 0));
}

opcode! {
    nested(i; number: Wrapped<Wrapped<i64>>, list: Wrapped<[i64; 4]>, sum: i64) -> i64 {
        **number += i;
        sum += **number;
        (*list)[(i & 3) as usize] += 1;
        sum += (*list)[1];
    } => sum
}

#[test]
fn what_lies_behind_is_reached_as_mutably() {
    check(|d| nested(d, 60, Wrapped(Wrapped(1)), Wrapped([1, 2, 3, 4]), 0));
}

opcode! {
    patterns(i; of: Wrapped<Option<i64>>, sum: i64) -> i64 {
        match *of {
            Some(ref mut n) => *n += i,
            None => sum += 1,
        }
        if let Some(n) = *of {
            sum += n;
        }
        if let Some(n) = &mut *of && i % 2 == 0 {
            *n -= 1;
        }
    } => sum
}

#[test]
fn patterns_that_borrow_mutably_call_deref_mut() {
    check(|d| patterns(d, 60, Wrapped(Some(3)), 0));
}

opcode! {
    methods(i; list: Wrapped<Vec<i64>>, sum: i64) -> i64 {
        (*list).push(i);
        sum += (*list).len() as i64;
        list.push(1);
        sum += list.len() as i64;
    } => sum
}

#[test]
fn methods_say_what_they_need() {
    check(|d| methods(d, 60, Wrapped(Vec::new()), 0));
}

opcode! {
    locks(i; mutex: Rc<Mutex<i64>>, lock: &RwLock<i64>, sum: i64) -> i64 {
        *mutex.lock().unwrap() += i;
        sum += *mutex.lock().unwrap() & 7;
        let mut guard = lock.write().unwrap();
        *guard ^= sum;
        drop(guard);
        sum += *lock.read().unwrap();
    } => sum
}

#[test]
fn guards_of_locks_are_released_where_the_plain_function_does() {
    check(|d| {
        let (mutex, lock) = (Rc::new(Mutex::new(3)), RwLock::new(4));
        let sum = locks(d, 60, Rc::clone(&mutex), &lock, 0);
        // A guard that was leaked would lock it for ever.
        (sum, mutex.try_lock().map(|it| *it).ok(), lock.try_write().map(|it| *it).ok())
    });
}

opcode! {
    poisoned(i; mutex: &Mutex<Vec<i64>>, at: usize) -> i64 {
        let mut guard = mutex.lock().unwrap();
        (*guard)[at + (i == 40) as usize] += i;
    } => 0
}

#[test]
fn a_panic_poisons_the_lock() {
    check(|d| {
        let mutex = Mutex::new(vec![0; 4]);
        let left = outcome(|| poisoned(d, 60, &mutex, 3));
        (left, mutex.is_poisoned(), mutex.into_inner().unwrap_or_else(|it| it.into_inner()))
    });
}

//! The adaptors and consumers of `Iterator`, over traced items.
//!
//! Each asks for items in the order in which std's does, and stops where std's does.

use super::super::ops::{self, Checks};
use super::super::place::Local;
use super::super::rec::Rec;
use super::super::value::Traced;
use super::super::{Parts, cut};
use super::{Items, ItemsBack, ItemsLen};
use std::cell::Cell;

type Next<I> = Option<Traced<<I as Items>::Item>>;

macro_rules! adaptors {
    ($($(#[$doc:meta])* $function:ident $name:ident { $($field:ident: $param:ident),* } { $($own:ident: $own_ty:ty = $start:expr),* };)*) => {$(
        $(#[$doc])*
        pub struct $name<I $(, $param)*> {
            items: I,
            $($field: $param,)*
            $($own: $own_ty,)*
        }

        $(#[$doc])*
        pub fn $function<I $(, $param)*>(items: I $(, $field: $param)*) -> $name<I $(, $param)*> {
            $name { items, $($field,)* $($own: $start,)* }
        }
    )*};
}

adaptors! {
    /// `rev`.
    rev Rev {} {};
    /// `enumerate`.
    enumerate Enumerate {} { front: usize = 0 };
    /// `copied`.
    copied Copied {} {};
    /// `zip`.
    zip Zip { other: J } {};
    /// `chain`.
    chain Chain { other: J } { first_is_done: bool = false };
    /// `take_while`, of which the function is given by [`take_while`].
    take_while_of TakeWhile { holds: F } { done: bool = false };
}

impl<I: ItemsBack> Items for Rev<I> {
    type Item = I::Item;
    fn next(&mut self, rec: Rec) -> Next<I> {
        self.items.next_back(rec)
    }
}

impl<I: ItemsBack> ItemsBack for Rev<I> {
    fn next_back(&mut self, rec: Rec) -> Next<I> {
        self.items.next(rec)
    }
}

impl<I: Items> Items for Enumerate<I> {
    type Item = (usize, I::Item);
    fn next(&mut self, rec: Rec) -> Next<Self> {
        let item = self.items.next(rec)?;
        self.front += 1;
        Some((Traced::constant(self.front - 1), item).join())
    }
}

impl<I: ItemsBack + ItemsLen> ItemsBack for Enumerate<I> {
    fn next_back(&mut self, rec: Rec) -> Next<Self> {
        let item = self.items.next_back(rec)?;
        let front = Traced::constant(self.front);
        let number = ops::wrapping(rec, ops::OvfOp::Add, &self.items.len(rec), &front);
        Some((number, item).join())
    }
}

/// References to what can be copied.
pub trait CopyOf {
    /// What they refer to.
    type Value;
    /// Copies it.
    fn copy(rec: Rec, reference: Traced<Self>) -> Traced<Self::Value>
    where
        Self: Sized;
}

impl<T: Copy> CopyOf for &T {
    type Value = T;
    fn copy(rec: Rec, reference: Traced<Self>) -> Traced<T> {
        reference.place(rec).read_any(rec)
    }
}

impl<I: Items> Items for Copied<I>
where
    I::Item: CopyOf,
{
    type Item = <I::Item as CopyOf>::Value;
    fn next(&mut self, rec: Rec) -> Next<Self> {
        Some(CopyOf::copy(rec, self.items.next(rec)?))
    }
}

impl<I: ItemsBack> ItemsBack for Copied<I>
where
    I::Item: CopyOf,
{
    fn next_back(&mut self, rec: Rec) -> Next<Self> {
        Some(CopyOf::copy(rec, self.items.next_back(rec)?))
    }
}

impl<I: Items, J: Items> Items for Zip<I, J> {
    type Item = (I::Item, J::Item);
    fn next(&mut self, rec: Rec) -> Next<Self> {
        let a = self.items.next(rec)?;
        Some((a, self.other.next(rec)?).join())
    }
}

impl<I: Items, J: Items<Item = I::Item>> Items for Chain<I, J> {
    type Item = I::Item;
    fn next(&mut self, rec: Rec) -> Next<I> {
        if !self.first_is_done {
            if let Some(item) = self.items.next(rec) {
                return Some(item);
            }
            self.first_is_done = true;
        }
        self.other.next(rec)
    }
}

/// `take`.
pub struct Take<I> {
    items: I,
    limit: Traced<usize>,
    n_taken: usize,
}

/// `take`.
pub fn take<I>(items: I, limit: Traced<usize>) -> Take<I> {
    Take { items, limit, n_taken: 0 }
}

impl<I: Items> Items for Take<I> {
    type Item = I::Item;
    fn next(&mut self, rec: Rec) -> Next<I> {
        let n_taken = Traced::constant(self.n_taken);
        if !ops::branch(rec, ops::lt(rec, n_taken, self.limit.dup())) {
            return None;
        }
        self.n_taken += 1;
        self.items.next(rec)
    }
}

/// `skip`.
pub struct Skip<I> {
    items: I,
    n: Option<Traced<usize>>,
}

/// `skip`.
pub fn skip<I>(items: I, n: Traced<usize>) -> Skip<I> {
    Skip { items, n: Some(n) }
}

impl<I: Items> Items for Skip<I> {
    type Item = I::Item;
    fn next(&mut self, rec: Rec) -> Next<I> {
        if let Some(n) = self.n.take() {
            let mut n_skipped = 0;
            while ops::branch(rec, ops::lt(rec, Traced::constant(n_skipped), n.dup())) {
                self.items.next(rec)?;
                n_skipped += 1;
            }
        }
        self.items.next(rec)
    }
}

/// `step_by`.
pub struct StepBy<I> {
    items: I,
    step: Traced<usize>,
    is_first: bool,
}

/// `step_by`.
pub fn step_by<I>(items: I, step: Traced<usize>) -> StepBy<I> {
    assert!(step.get() != 0, "assertion failed: step != 0");
    StepBy { items, step, is_first: true }
}

impl<I: Items> Items for StepBy<I> {
    type Item = I::Item;
    fn next(&mut self, rec: Rec) -> Next<I> {
        if std::mem::take(&mut self.is_first) {
            rec.step();
            rec.guard_value(self.step.arg());
            return self.items.next(rec);
        }
        for _ in 1..self.step.get() {
            self.items.next(rec)?;
        }
        self.items.next(rec)
    }
}

/// `map`.
pub struct Map<I, F>(I, F);

/// `map`.
pub fn map<I: Items, R, F>(items: I, function: F) -> Map<I, F>
where
    F: FnMut(Rec, Traced<I::Item>) -> Traced<R>,
{
    Map(items, function)
}

impl<I: Items, R, F: FnMut(Rec, Traced<I::Item>) -> Traced<R>> Items for Map<I, F> {
    type Item = R;
    fn next(&mut self, rec: Rec) -> Option<Traced<R>> {
        let item = self.0.next(rec)?;
        Some((self.1)(rec, item))
    }
}

impl<I: ItemsBack, R, F: FnMut(Rec, Traced<I::Item>) -> Traced<R>> ItemsBack for Map<I, F> {
    fn next_back(&mut self, rec: Rec) -> Option<Traced<R>> {
        let item = self.0.next_back(rec)?;
        Some((self.1)(rec, item))
    }
}

/// Whether a function holds of an item, which it is given by reference.
fn holds<T, F>(rec: Rec, item: &mut Traced<T>, function: &mut F) -> bool
where
    F: for<'x> FnMut(Rec, Traced<&'x T>) -> Traced<bool>,
{
    let holds = function(rec, item.as_place().shared(rec));
    ops::branch(rec, holds)
}

/// `filter`.
pub struct Filter<I, F>(I, F);

/// `filter`.
pub fn filter<I: Items, F>(items: I, function: F) -> Filter<I, F>
where
    F: for<'x> FnMut(Rec, Traced<&'x I::Item>) -> Traced<bool>,
{
    Filter(items, function)
}

impl<I: Items, F> Items for Filter<I, F>
where
    F: for<'x> FnMut(Rec, Traced<&'x I::Item>) -> Traced<bool>,
{
    type Item = I::Item;
    fn next(&mut self, rec: Rec) -> Next<I> {
        loop {
            let mut item = self.0.next(rec)?;
            if holds(rec, &mut item, &mut self.1) {
                return Some(item.take());
            }
        }
    }
}

impl<I: ItemsBack, F> ItemsBack for Filter<I, F>
where
    F: for<'x> FnMut(Rec, Traced<&'x I::Item>) -> Traced<bool>,
{
    fn next_back(&mut self, rec: Rec) -> Next<I> {
        loop {
            let mut item = self.0.next_back(rec)?;
            if holds(rec, &mut item, &mut self.1) {
                return Some(item.take());
            }
        }
    }
}

/// `take_while`.
pub fn take_while<I: Items, F>(items: I, function: F) -> TakeWhile<I, F>
where
    F: for<'x> FnMut(Rec, Traced<&'x I::Item>) -> Traced<bool>,
{
    take_while_of(items, function)
}

impl<I: Items, F> Items for TakeWhile<I, F>
where
    F: for<'x> FnMut(Rec, Traced<&'x I::Item>) -> Traced<bool>,
{
    type Item = I::Item;
    fn next(&mut self, rec: Rec) -> Next<I> {
        if self.done {
            return None;
        }
        let mut item = self.items.next(rec)?;
        if holds(rec, &mut item, &mut self.holds) {
            return Some(item.take());
        }
        self.done = true;
        None
    }
}

/// `fold`.
pub fn fold<I: Items, A>(
    rec: Rec,
    mut items: I,
    start: Traced<A>,
    mut function: impl FnMut(Rec, Traced<A>, Traced<I::Item>) -> Traced<A>,
) -> Traced<A> {
    let mut all = start;
    while let Some(item) = items.next(rec) {
        all = function(rec, all, item);
    }
    all
}

/// `for_each`.
pub fn for_each<I: Items>(
    rec: Rec,
    mut items: I,
    mut function: impl FnMut(Rec, Traced<I::Item>) -> Traced<()>,
) -> Traced<()> {
    while let Some(item) = items.next(rec) {
        function(rec, item);
    }
    Traced::constant(())
}

/// `any`.
pub fn any<I: Items>(
    rec: Rec,
    mut items: I,
    mut function: impl FnMut(Rec, Traced<I::Item>) -> Traced<bool>,
) -> Traced<bool> {
    while let Some(item) = items.next(rec) {
        if ops::branch(rec, function(rec, item)) {
            return Traced::constant(true);
        }
    }
    Traced::constant(false)
}

/// `all`.
pub fn all<I: Items>(
    rec: Rec,
    mut items: I,
    mut function: impl FnMut(Rec, Traced<I::Item>) -> Traced<bool>,
) -> Traced<bool> {
    while let Some(item) = items.next(rec) {
        if !ops::branch(rec, function(rec, item)) {
            return Traced::constant(false);
        }
    }
    Traced::constant(true)
}

/// `position`.
pub fn position<I: Items>(
    rec: Rec,
    mut items: I,
    mut function: impl FnMut(Rec, Traced<I::Item>) -> Traced<bool>,
) -> Traced<Option<usize>> {
    let mut at = 0;
    while let Some(item) = items.next(rec) {
        if ops::branch(rec, function(rec, item)) {
            return Traced::constant(Some(at));
        }
        at += 1;
    }
    Traced::constant(None)
}

/// `find`.
pub fn find<I: Items>(
    rec: Rec,
    mut items: I,
    mut function: impl for<'x> FnMut(Rec, Traced<&'x I::Item>) -> Traced<bool>,
) -> Traced<Option<I::Item>> {
    while let Some(mut item) = items.next(rec) {
        if holds(rec, &mut item, &mut function) {
            return Traced::some(item.take());
        }
    }
    Traced::constant(None)
}

/// `count`.
pub fn count<I: Items>(rec: Rec, mut items: I) -> Traced<usize> {
    let mut n = 0;
    while items.next(rec).is_some() {
        n += 1;
    }
    Traced::constant(n)
}

/// `last`.
pub fn last<I: Items>(rec: Rec, mut items: I) -> Traced<Option<I::Item>> {
    let mut last = None;
    while let Some(item) = items.next(rec) {
        last = Some(item);
    }
    last.map_or_else(|| Traced::constant(None), Traced::some)
}

/// Items that are added up or multiplied.
pub struct Consumed<I>(Cell<Option<I>>);

/// The items of a chain whose end depends on their type.
pub fn consumed<I: Items>(items: I) -> Consumed<I> {
    Consumed(Cell::new(Some(items)))
}

impl<I> Consumed<I> {
    fn items(&self) -> I {
        self.0.take().expect("consumed once")
    }
}

/// Numbers, and references to them.
pub trait Summand: Sized {
    /// The number.
    type Number: ops::Arith;
    /// The sum of no numbers.
    const ZERO: Self::Number;
    /// The product of no numbers.
    const ONE: Self::Number;
    /// The number.
    fn number(rec: Rec, item: Traced<Self>) -> Traced<Self::Number>;
}

macro_rules! summands {
    ($($ty:ident $zero:literal $one:literal;)*) => {$(
        impl Summand for $ty {
            type Number = $ty;
            const ZERO: $ty = $zero;
            const ONE: $ty = $one;
            fn number(_: Rec, item: Traced<$ty>) -> Traced<$ty> {
                item
            }
        }

        impl Summand for &$ty {
            type Number = $ty;
            const ZERO: $ty = $zero;
            const ONE: $ty = $one;
            fn number(rec: Rec, item: Traced<Self>) -> Traced<$ty> {
                item.place(rec).read(rec)
            }
        }
    )*};
}

summands! {
    i8 0 1; i16 0 1; i32 0 1; i64 0 1; isize 0 1;
    u8 0 1; u16 0 1; u32 0 1; u64 0 1; usize 0 1;
    f32 -0.0 1.0; f64 -0.0 1.0;
}

/// Sums and products of numbers.
pub trait Sums<N> {
    /// `sum`.
    fn sum(&self, rec: Rec, checks: Checks) -> Traced<N>;
    /// `product`.
    fn product(&self, rec: Rec, checks: Checks) -> Traced<N>;
}

impl<I: Items<Item: Summand>> Sums<<I::Item as Summand>::Number> for &Consumed<I> {
    #[track_caller]
    fn sum(&self, rec: Rec, checks: Checks) -> Traced<<I::Item as Summand>::Number> {
        use ops::Arith;
        let mut items = self.items();
        let mut sum = Traced::constant(I::Item::ZERO);
        while let Some(item) = items.next(rec) {
            sum = Arith::add(rec, checks, sum, I::Item::number(rec, item));
        }
        sum
    }
    #[track_caller]
    fn product(&self, rec: Rec, checks: Checks) -> Traced<<I::Item as Summand>::Number> {
        use ops::Arith;
        let mut items = self.items();
        let mut product = Traced::constant(I::Item::ONE);
        while let Some(item) = items.next(rec) {
            product = Arith::mul(rec, checks, product, I::Item::number(rec, item));
        }
        product
    }
}

/// Sums and products of anything else, which end the recording: they may stop at any item.
pub trait AnySums<I: Items> {
    /// `sum`.
    fn sum<R: std::iter::Sum<I::Item>>(&self, rec: Rec, checks: Checks) -> Traced<R>;
    /// `product`.
    fn product<R: std::iter::Product<I::Item>>(&self, rec: Rec, checks: Checks) -> Traced<R>;
}

impl<I: Items> AnySums<I> for Consumed<I> {
    fn sum<R: std::iter::Sum<I::Item>>(&self, rec: Rec, _: Checks) -> Traced<R> {
        Traced::constant(plain(rec, self.items()).sum())
    }
    fn product<R: std::iter::Product<I::Item>>(&self, rec: Rec, _: Checks) -> Traced<R> {
        Traced::constant(plain(rec, self.items()).product())
    }
}

/// The plain items, from where the recording ends.
fn plain<I: Items>(rec: Rec, mut items: I) -> impl Iterator<Item = I::Item> {
    rec.step();
    cut(rec);
    std::iter::from_fn(move || Some(items.next(rec)?.into_plain()))
}

//! Calls of a trait's functions where the type is not known: the trait has `#[jit]`, and the twin is that of the
//! implementation.

use jit_tests::oracle::{Run, THRESHOLDS, check};
use jitdriver::{JitDriver, can_enter_jit, dont_look_inside, jit, jit_merge_point, traced};

/// A portal with a `$step` in each lap, for a machine of one type, or of a type parameter.
macro_rules! laps {
    ($name:ident<$param:ident: $bound:path>($machine:ident, $n:ident) $step:expr) => {
        laps!(@ $name[$param: $bound]($machine: $param, $n) $step);
    };
    ($name:ident($machine:ident: $of:ty, $n:ident) $step:expr) => {
        laps!(@ $name[]($machine: $of, $n) $step);
    };
    (@ $name:ident[$($generics:tt)*]($machine:ident: $of:ty, $n:ident) $step:expr) => {
        #[jit]
        fn $name<$($generics)*>(driver: &JitDriver<'_>, $machine: &mut $of, laps: i64) -> i64 {
            let mut $n = laps;
            let mut acc = 0_i64;
            loop {
                jit_merge_point!(driver, greens = [], reds = [$machine, $n, acc]);
                acc = acc.wrapping_mul(3) ^ $step;
                $n -= 1;
                if $n == 0 {
                    return acc;
                }
                can_enter_jit!(driver, greens = [], reds = [$machine, $n, acc]);
            }
        }
    };
}

/// Asserts that a loop was compiled, and that this many calls are in its traces.
#[track_caller]
fn calls(run: &Run, expected: u64) {
    assert_eq!((run.stats.loops, run.stats.aborted()), (1, 0), "{run}");
    assert_eq!(run.stats.residual_calls, expected, "{run}");
}

#[jit]
trait Memory {
    const MASK: i64;

    fn load(&self, at: usize) -> i64;

    fn store(&mut self, at: usize, value: i64);

    fn word(n: i64) -> i64;

    /// A body of its own is called.
    fn first(&self) -> i64 {
        self.load(0)
    }

    fn with<R>(&self, look: impl Fn(i64) -> R) -> R
    where
        Self: Sized,
    {
        look(self.load(0))
    }

    fn last(&self) -> i64
    where
        Self: Sized;

    #[cfg(not(all()))]
    fn nowhere(&self) -> i64;
}

struct Flat {
    words: [i64; 4],
}

#[jit]
impl Memory for Flat {
    const MASK: i64 = 0xff;

    fn load(&self, at: usize) -> i64 {
        self.words[at]
    }

    fn store(&mut self, at: usize, value: i64) {
        self.words[at] = value;
    }

    fn word(n: i64) -> i64 {
        n & Self::MASK
    }

    fn last(&self) -> i64 {
        self.words[3]
    }
}

/// A reference in it, and other names of lifetimes.
struct Banked<'a> {
    banks: [&'a mut [i64]; 2],
    bank: usize,
}

#[jit]
impl<'b> Memory for Banked<'b> {
    const MASK: i64 = 0xfff;

    fn load(&self, at: usize) -> i64 {
        self.banks[self.bank][at]
    }

    fn store(&mut self, at: usize, value: i64) {
        self.banks[self.bank][at] = value;
        self.bank ^= 1;
    }

    fn word(n: i64) -> i64 {
        n & 0xfff
    }

    fn last(&self) -> i64 {
        *self.banks[1].last().expect("four words")
    }
}

/// Nobody has told of its twins.
struct Unknown(i64);

impl Memory for Unknown {
    const MASK: i64 = 1;

    fn load(&self, at: usize) -> i64 {
        self.0 + at as i64
    }

    fn store(&mut self, at: usize, value: i64) {
        self.0 = value - at as i64;
    }

    fn word(n: i64) -> i64 {
        n
    }

    fn last(&self) -> i64 {
        self.0
    }
}

/// As many types, of which a twin in an `impl` with parameters cannot be told.
struct Of<T>(T);

#[jit]
impl<T: Copy + Into<i64> + From<i64>> Memory for Of<T> {
    const MASK: i64 = 3;

    fn load(&self, at: usize) -> i64 {
        self.0.into() * at as i64
    }

    fn store(&mut self, _: usize, value: i64) {
        self.0 = T::from(value);
    }

    fn word(n: i64) -> i64 {
        n
    }

    fn last(&self) -> i64 {
        self.0.into()
    }
}

laps!(moves<M: Memory>(memory, n) {
    let sum = memory.load(1) + memory.load(2) + memory.last();
    memory.store(2, M::word(sum + n));
    memory.store(1, sum & M::MASK);
    sum
});

#[test]
fn methods_of_a_type_parameter_are_traced() {
    for run in check(THRESHOLDS, |d| moves(d, &mut Flat { words: [1, 2, 3, 4] }, 3000)) {
        calls(&run, 0);
    }
    for run in check(THRESHOLDS, |d| {
        let (mut one, mut other) = ([1, 2, 3, 4], [5, 6, 7, 8]);
        let mut memory = Banked { banks: [&mut one, &mut other], bank: 0 };
        let sum = moves(d, &mut memory, 3000);
        (sum, memory.bank, one, other)
    }) {
        assert_eq!(run.stats.residual_calls, 0, "{run}");
    }
}

#[test]
fn what_nobody_has_told_of_is_called() {
    for run in check(THRESHOLDS, |d| moves(d, &mut Unknown(3), 3000)) {
        calls(&run, 6);
    }
    for run in check(THRESHOLDS, |d| moves(d, &mut Of(3_i64), 3000)) {
        calls(&run, 6);
    }
}

laps!(goes_through_functions<M: Memory>(memory, n) bump(memory, n) + twice(memory));

#[jit]
fn bump<M: Memory>(memory: &mut M, n: i64) -> i64 {
    let old = memory.load(3);
    memory.store(3, M::word(old + n));
    old
}

#[jit]
fn twice(memory: &mut impl Memory) -> i64 {
    memory.load(3) * 2
}

#[test]
fn a_type_parameter_is_handed_on() {
    for run in
        check(THRESHOLDS, |d| goes_through_functions(d, &mut Flat { words: [1, 2, 3, 4] }, 3000))
    {
        // `impl Memory` has no name, so a function that takes it is called.
        calls(&run, 1);
    }
}

laps!(has_bodies<M: Memory>(memory, n) memory.first() + memory.with(|it| it + 1) + n);

#[test]
fn bodies_of_the_trait_and_generic_methods_are_called() {
    for run in check(THRESHOLDS, |d| has_bodies(d, &mut Flat { words: [1, 2, 3, 4] }, 3000)) {
        assert!(run.stats.residual_calls >= 1, "{run}");
        assert_eq!(run.stats.loops, 1, "{run}");
    }
}

// Panics come out, from where they are.
laps!(panics<M: Memory>(memory, n) memory.load((3000 - n) as usize / 640));

#[test]
fn panics_are_those_of_the_plain_method() {
    for run in check(THRESHOLDS, |d| {
        let mut memory = Flat { words: [1, 2, 3, 4] };
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            panics(d, &mut memory, 3000);
        }));
        let text = panic.expect_err("index 4 of 4");
        text.downcast_ref::<String>().expect("it is formatted").clone()
    }) {
        assert_eq!(run.stats.residual_calls, 0, "{run}");
    }
}

mod devices {
    use super::{dont_look_inside, jit};

    #[jit]
    pub trait Device<A> {
        fn tick(&mut self, by: A) -> i64;
        fn slow(&self) -> i64;
    }

    pub struct Timer(pub i64);

    #[jit]
    impl Device<i64> for Timer {
        fn tick(&mut self, by: i64) -> i64 {
            self.0 += by;
            self.0 & 7
        }

        #[dont_look_inside]
        fn slow(&self) -> i64 {
            self.0
        }
    }

    /// The same method for another argument.
    impl Device<bool> for Timer {
        fn tick(&mut self, by: bool) -> i64 {
            self.0 -= i64::from(by);
            self.0 & 3
        }

        fn slow(&self) -> i64 {
            -self.0
        }
    }

    #[jit]
    pub trait Both: Device<i64> + Device<bool> {
        fn both(&mut self, n: i64) -> i64;
    }

    #[jit]
    impl Both for Timer {
        fn both(&mut self, n: i64) -> i64 {
            let by = <Self as Device<i64>>::tick(self, n);
            by * 10 + <Self as Device<bool>>::tick(self, n & 1 == 0)
        }
    }
}

laps!(ticks<D: devices::Device<i64>>(device, n) device.tick(n) + device.slow());
laps!(ticks_both<D: devices::Both>(device, n) device.both(n));

#[test]
fn traits_may_have_parameters_and_supertraits() {
    for run in check(THRESHOLDS, |d| {
        let mut timer = devices::Timer(3);
        (ticks(d, &mut timer, 3000), timer.0)
    }) {
        calls(&run, 1);
    }
    for run in check(THRESHOLDS, |d| {
        let mut timer = devices::Timer(3);
        (ticks_both(d, &mut timer, 3000), timer.0)
    }) {
        assert_eq!(run.stats.loops, 1, "{run}");
    }
}

/// Two types in one trace: each call has the twin of its own.
#[jit]
fn copies<A: Memory, B: Memory>(from: &A, to: &mut B) -> i64 {
    to.store(0, from.load(0) + 1);
    to.load(0)
}

laps!(pairs<M: Memory>(memory, n) {
    let mut other = Flat { words: [n, 0, 0, 0] };
    let there = copies(memory, &mut other);
    there + copies(&other, memory)
});

#[test]
fn each_type_has_its_own_twin() {
    for run in check(THRESHOLDS, |d| pairs(d, &mut Flat { words: [1, 2, 3, 4] }, 3000)) {
        calls(&run, 0);
    }
    for run in check(THRESHOLDS, |d| {
        let (mut one, mut two) = ([1, 2, 3, 4], [5, 6, 7, 8]);
        pairs(d, &mut Banked { banks: [&mut one, &mut two], bank: 0 }, 3000)
    }) {
        assert_eq!(run.stats.residual_calls, 0, "{run}");
    }
}

/// A trait object is no type parameter: what it has is called.
#[jit]
fn through_dyn(device: &mut dyn devices::Device<i64>, n: i64) -> i64 {
    device.tick(n)
}

laps!(dynamic<D: AsDevice>(device, n) through_dyn(device.as_device(), n));

trait AsDevice {
    fn as_device(&mut self) -> &mut dyn devices::Device<i64>;
}

impl AsDevice for devices::Timer {
    fn as_device(&mut self) -> &mut dyn devices::Device<i64> {
        self
    }
}

#[test]
fn trait_objects_work_on() {
    for run in check(THRESHOLDS, |d| {
        let mut timer = devices::Timer(3);
        (dynamic(d, &mut timer, 3000), timer.0)
    }) {
        assert!(run.stats.residual_calls >= 1, "{run}");
    }
}

/// Recursion through a type parameter is followed as far as any other.
#[jit]
trait Node {
    fn depth(&self, left: i64) -> i64;
}

struct Leaf;

#[jit]
impl Node for Leaf {
    fn depth(&self, left: i64) -> i64 {
        if left == 0 { 1 } else { below(self, left - 1) + 1 }
    }
}

#[jit]
fn below<N: Node>(node: &N, left: i64) -> i64 {
    node.depth(left)
}

laps!(recurses<N: Node>(node, n) below(node, n & 15));

#[test]
fn recursion_ends_in_calls() {
    for run in check(THRESHOLDS, |d| recurses(d, &mut Leaf, 3000)) {
        assert_eq!(run.stats.loops, 1, "{run}");
    }
}

traced! {
    #[jit]
    trait Shape {
        fn area(&self) -> i64;
    }

    struct Square(i64);

    #[jit]
    impl Shape for Square {
        fn area(&self) -> i64 {
            self.0 * self.0
        }
    }
}

laps!(areas<S: Shape>(shape, n) shape.area() + n);

#[test]
fn traits_among_traced_items() {
    for run in check(THRESHOLDS, |d| areas(d, &mut Square(3), 3000)) {
        calls(&run, 0);
    }
}

/// Functions called by their paths, with and without the trait's name.
mod by_path {
    use super::jit;

    pub trait Wide {
        fn wrap(n: i64) -> i64;
        fn turn(&mut self, n: i64) -> i64;
    }

    pub trait Narrow {
        /// Whatever is turned into a number, and where.
        #[track_caller]
        fn place<T: Into<i64>>(n: T) -> i64 {
            i64::from(std::panic::Location::caller().line()) ^ n.into()
        }

        fn wrap(n: i64) -> i64;
        fn turn(&mut self, n: i64) -> i64;
    }

    pub struct Register(pub i64);

    #[jit]
    impl Wide for Register {
        fn wrap(n: i64) -> i64 {
            n & 0xffff
        }

        fn turn(&mut self, n: i64) -> i64 {
            self.0 ^= n;
            self.0
        }
    }

    /// The same names, of which no twins are told.
    impl Narrow for Register {
        fn wrap(n: i64) -> i64 {
            n & 0xf
        }

        fn turn(&mut self, n: i64) -> i64 {
            self.0 += n;
            self.0 & 0xff
        }
    }

    #[jit]
    impl Wide for i64 {
        fn wrap(n: i64) -> i64 {
            n & 0xff
        }

        fn turn(&mut self, n: i64) -> i64 {
            *self -= n;
            *self & 0xff
        }
    }

    #[jit]
    impl Register {
        fn add(&mut self, n: i64) -> &mut Self {
            self.0 += n;
            self
        }

        fn into_inner(self) -> i64 {
            self.0
        }

        pub fn step(&mut self, n: i64) -> i64 {
            let mut number = n;
            let turned = <i64 as Wide>::turn(&mut number, 3) + <i64 as Wide>::wrap(n);
            Self::add(self, 1);
            Register::add(self, turned).add(1);
            Register::into_inner(Register(self.0 & 0xff)) + number
        }

        pub fn mixed(&mut self, n: i64) -> i64 {
            <Register as Wide>::turn(self, n)
                + <Self as Narrow>::turn(self, 2) * 3
                + <Register as Wide>::wrap(n) * 5
                + <Self as Narrow>::wrap(n) * 7
                + <Self as Narrow>::place(n as i32)
        }
    }
}

laps!(steps(register: by_path::Register, n) register.step(n));
laps!(mixed(register: by_path::Register, n) register.mixed(n));

#[test]
fn methods_may_be_called_by_their_paths() {
    for run in check(THRESHOLDS, |d| {
        let mut register = by_path::Register(3);
        (steps(d, &mut register, 3000), register.0)
    }) {
        calls(&run, 0);
    }
}

#[test]
fn the_trait_that_is_named_says_which_function_it_is() {
    for run in check(THRESHOLDS, |d| {
        let mut register = by_path::Register(3);
        (mixed(d, &mut register, 3000), register.0)
    }) {
        // Those of the trait of which nothing is told.
        calls(&run, 3);
    }
}

/// The type's own method, and the trait's, which is made of it.
mod shadowed {
    use super::jit;

    #[jit]
    pub trait Bus {
        fn read(&mut self, at: usize) -> i64;
        fn kind() -> i64;
    }

    pub struct Ram(pub i64);

    impl Ram {
        pub fn read(&mut self, at: usize) -> i64 {
            self.0 += 1;
            at as i64
        }

        fn kind() -> i64 {
            3
        }
    }

    #[jit]
    impl Bus for Ram {
        fn read(&mut self, at: usize) -> i64 {
            self.0 += 10;
            self.read(at + 1) + Ram::read(self, at + 2) * 2
        }

        fn kind() -> i64 {
            Ram::kind() + 1
        }
    }

    #[jit]
    pub fn own(ram: &mut Ram, at: usize) -> i64 {
        ram.read(at) + Ram::kind()
    }

    #[jit]
    pub fn of_bus<B: Bus>(bus: &mut B, at: usize) -> i64 {
        bus.read(at) + B::kind()
    }
}

laps!(reads(ram: shadowed::Ram, n) {
    let own = shadowed::own(ram, n as usize);
    own.wrapping_mul(3) ^ shadowed::of_bus(ram, n as usize)
});

#[test]
fn a_types_own_method_is_not_the_traits() {
    for run in check(THRESHOLDS, |d| {
        let mut ram = shadowed::Ram(3);
        (reads(d, &mut ram, 3000), ram.0)
    }) {
        // Its own are called: from here, and from the trait's.
        calls(&run, 5);
    }
}

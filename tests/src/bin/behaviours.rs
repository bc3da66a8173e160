//! Prints the table of behaviours: what is checked by which test, and what is open.
#![forbid(unsafe_code)]

use jit_tests::behaviours::{BEHAVIOURS, State};

fn main() {
    let mut counts = [0; 3];
    for (numbers, state) in BEHAVIOURS {
        let (which, word, text) = match state {
            State::Tested(test) => (0, "tested", test),
            State::Later(what) => (1, "later", what),
            State::Absent(why) => (2, "absent", why),
        };
        let range = match numbers.start() == numbers.end() {
            true => format!("B{:03}", numbers.start()),
            false => format!("B{:03}-B{:03}", numbers.start(), numbers.end()),
        };
        println!("{range:<10} {word:<7} {text}");
        counts[which] += numbers.clone().count();
    }
    let [tested, later, absent] = counts;
    println!("{tested} tested, {later} later, {absent} not applicable");
}

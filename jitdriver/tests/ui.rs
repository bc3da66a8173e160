//! Each mistake an author can make, and the error it gets.
//!
//! A fixture is a program with one mistake, with a first line that says what rule it breaks; beside it
//! is the compiler's answer. `TRYBUILD=overwrite cargo test -p jitdriver --test ui` rewrites the
//! answers; the diff is read in review.

// The errors are the same with each backend; once is enough.
#[cfg_attr(not(feature = "cranelift"), ignore = "as with the default features")]
#[test]
fn mistakes_are_reported_where_they_are() {
    trybuild::TestCases::new().compile_fail("tests/ui/*/*.rs");
}

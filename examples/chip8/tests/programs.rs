//! The programs of the folder `programs`: their last screens are kept beside them.

use chip8::{Chip8, KeyScript, assemble, run};
use expect_test::expect_file;
use jitdriver::JitDriver;
use std::fs;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/programs"))
}

/// The last screen of a program, and how it ended.
fn play(name: &str, keys: &str, seed: u32, limit: u64) -> String {
    let source = fs::read_to_string(folder().join(format!("{name}.8s"))).expect(name);
    let image = assemble(&source).unwrap_or_else(|error| panic!("{name}.8s:{error}"));
    let mut vm = Chip8::new(&image, seed).expect("the program fits");
    let keys = KeyScript::parse(keys).expect("a script");
    let end = match run(&JitDriver::new(), &mut vm, &keys, limit) {
        Ok(stop) => stop.to_string(),
        Err(fault) => fault.to_string(),
    };
    format!("{}{end}\n", vm.screen())
}

/// Keys with which three of the five balls are caught.
const CATCH_KEYS: &str = "8=4 33= 85=6 110= 160=6 225= 230=4";

macro_rules! programs {
    ($($name:ident: $keys:expr, $seed:literal;)*) => {
        $(#[test]
        fn $name() {
            let name = stringify!($name);
            let shown = play(name, $keys, $seed, 10_000_000);
            expect_file![folder().join(format!("{name}.out"))].assert_eq(&shown);
        })*

        const PROGRAMS: &[&str] = &[$(stringify!($name)),*];
    };
}

programs! {
    catch: CATCH_KEYS, 0;
    count: "", 0;
    font: "", 0;
    maze: "", 1;
    selfmod: "", 0;
    sieve: "", 0;
    sort: "", 0;
}

#[test]
fn every_program_is_tested() {
    for file in fs::read_dir(folder()).expect("the folder") {
        let path = file.expect("a file").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        let is_program = path.extension().is_some_and(|extension| extension == "8s");
        assert!(!is_program || PROGRAMS.contains(&name), "{name} is not in the list");
    }
}

#[test]
fn the_sieve_finds_the_primes() {
    let shown = play("sieve", "", 0, 10_000_000);
    let pixels: Vec<char> = shown.lines().take(32).flat_map(str::chars).collect();
    for (n, &pixel) in pixels.iter().enumerate() {
        let is_prime = n >= 2 && (2..n).take_while(|d| d * d <= n).all(|d| n % d != 0);
        assert_eq!(pixel == '#', is_prime, "{n}");
    }
}

#[test]
fn the_checksum_of_the_counting_program_is_right() {
    let (mut v3, mut v4, mut v5) = (0u8, 0u8, 0u8);
    for _ in 0..37 {
        for v1 in 0..=255u8 {
            for v0 in v1..=255u8 {
                v3 ^= v0;
                v4 = v4.wrapping_add(v3);
            }
            v3 = v3.wrapping_add(v5);
            v5 = v5.wrapping_add(v4);
            v4 ^= v1;
        }
    }
    let source = fs::read_to_string(folder().join("count.8s")).expect("the program");
    let mut vm = Chip8::new(&assemble(&source).expect("it is right"), 0).expect("it fits");
    run(&JitDriver::new(), &mut vm, &KeyScript::default(), 10_000_000).expect("no fault");
    assert_eq!(vm.registers()[3..6], [v3, v4, v5]);
}

#[test]
fn runs_depend_on_the_seed_and_can_be_repeated() {
    let maze = |seed| play("maze", "", seed, 10_000);
    assert_eq!(maze(7), maze(7));
    assert_ne!(maze(7), maze(8));
}

#[test]
fn the_keys_matter() {
    assert_ne!(play("catch", CATCH_KEYS, 0, 100_000), play("catch", "", 0, 100_000));
}

#[test]
fn a_limit_stops_a_run() {
    let shown = play("count", "", 0, 1000);
    assert!(shown.ends_with("\nstopped after 1000 cycles\n"), "{shown}");
}

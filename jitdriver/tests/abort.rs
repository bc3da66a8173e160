//! A crate that is built with `panic = "abort"`: what would be left by unwinding is called, and in a
//! portal it is a compile error.

use std::path::Path;
use std::process::{Command, Output};

fn cargo(command: &str, more: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("abort");
    // Its dependencies are those of the workspace, as they are locked there.
    let locked = target.join("crate");
    std::fs::create_dir_all(locked.join("src")).expect("a folder");
    let fixture = root.join("tests/abort");
    let manifest = std::fs::read_to_string(fixture.join("Cargo.toml")).expect("the manifest");
    let path = root.display().to_string();
    let manifest = manifest.replace("\"../..\"", &format!("{path:?}"));
    std::fs::write(locked.join("Cargo.toml"), manifest).expect("the manifest is written");
    for (from, to) in
        [(root.join("../Cargo.lock"), "Cargo.lock"), (fixture.join("src/main.rs"), "src/main.rs")]
    {
        std::fs::copy(from, locked.join(to)).expect("the file is copied");
    }
    Command::new(env!("CARGO"))
        .args([command, "--quiet", "--offline", "--manifest-path"])
        .arg(locked.join("Cargo.toml"))
        .args(more)
        .env("CARGO_TARGET_DIR", target.join("target"))
        .output()
        .expect("cargo runs")
}

// The crate that is built here has no Cranelift whatever the features of this test are.
#[cfg_attr(not(feature = "cranelift"), ignore = "as with the default features")]
#[test]
fn nothing_unwinds_where_panics_abort() {
    let ran = cargo("run", &[]);
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && out.contains("the same"), "{out}{err}");

    let refused = cargo("check", &["--features", "portal"]);
    let err = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "a portal cannot be left by unwinding");
    assert!(err.contains("the macro `fail_if!` is left by unwinding"), "{err}");
    assert!(err.contains("src/main.rs:45:9"), "{err}");
    assert_eq!(err.matches("error: ").count(), 2, "one mistake, one error: {err}");
}

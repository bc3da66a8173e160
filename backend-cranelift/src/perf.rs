//! Names for profilers: `perf` reads `/tmp/perf-PID.map`, one line per function.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};

/// The map of this process.
#[derive(Debug)]
pub(crate) struct PerfMap(File);

impl PerfMap {
    /// Opens the file, which several backends may share.
    pub fn open() -> io::Result<PerfMap> {
        let path = format!("/tmp/perf-{}.map", std::process::id());
        Ok(PerfMap(OpenOptions::new().create(true).append(true).open(path)?))
    }

    /// Names a stretch of code. Later lines win, so addresses may be used again.
    pub fn add(&mut self, address: usize, len: usize, name: &str) {
        if let Err(error) = self.0.write_all(line(address, len, name).as_bytes()) {
            log::warn!("perf map: {error}");
        }
    }
}

fn line(address: usize, len: usize, name: &str) -> String {
    let mut line = String::new();
    let name = name.replace(['\n', '\r'], " ");
    writeln!(line, "{address:x} {len:x} jit: {name}").expect("a string takes everything");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(line(0x1000, 0x20, "loop\n3"), "1000 20 jit: loop 3\n");
    }
}

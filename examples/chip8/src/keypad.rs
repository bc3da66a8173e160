//! The keypad, and scripts that press its keys.
//!
//! A script is a list of `FRAME=KEYS`: from this frame on, these keys are down, each a hexadecimal
//! digit, and no others. `60=4 90= 120=46` holds key 4 for half a second, and presses 4 and 6 together
//! a second after it was let go.

use std::fmt;

/// Which of the sixteen keys are down.
pub type Keys = [bool; 16];

/// What is pressed when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyScript {
    /// Frames in ascending order, and the keys that are down from there on.
    changes: Vec<(u64, Keys)>,
}

/// A part of a script that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyScriptError {
    item: String,
    problem: &'static str,
}

impl fmt::Display for KeyScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keys: `{}`: {}", self.item, self.problem)
    }
}

impl std::error::Error for KeyScriptError {}

impl KeyScript {
    /// Reads a script; white space and commas separate its parts.
    pub fn parse(text: &str) -> Result<KeyScript, KeyScriptError> {
        let mut script = KeyScript::default();
        let separator = |c: char| c.is_whitespace() || c == ',';
        for item in text.split(separator).filter(|item| !item.is_empty()) {
            let error = |problem| KeyScriptError { item: item.into(), problem };
            let change = parse_change(item).map_err(error)?;
            if script.changes.last().is_some_and(|last| change.0 <= last.0) {
                return Err(error("this frame comes before, or is, the one that was named last"));
            }
            script.changes.push(change);
        }
        Ok(script)
    }

    /// The keys that are down in `frame`.
    pub fn keys(&self, frame: u64) -> Keys {
        let n_passed = self.changes.partition_point(|change| change.0 <= frame);
        match n_passed {
            0 => Keys::default(),
            n => self.changes[n - 1].1,
        }
    }
}

fn parse_change(item: &str) -> Result<(u64, Keys), &'static str> {
    let (frame, digits) = item.split_once('=').ok_or("expected FRAME=KEYS")?;
    let frame = frame.parse().map_err(|_| "the frame is not a number")?;
    let mut keys = Keys::default();
    for digit in digits.chars() {
        let key = digit.to_digit(16).ok_or("a key is a hexadecimal digit")?;
        keys[key as usize] = true;
    }
    Ok((frame, keys))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down(script: &str, frame: u64) -> Vec<usize> {
        let keys = KeyScript::parse(script).expect("a script").keys(frame);
        (0..16).filter(|&key| keys[key]).collect()
    }

    #[test]
    fn keys_stay_down_until_the_next_change() {
        let script = "2=4, 5= 7=aF0";
        let expected: [&[usize]; 9] =
            [&[], &[], &[4], &[4], &[4], &[], &[], &[0, 10, 15], &[0, 10, 15]];
        for (frame, keys) in expected.iter().enumerate() {
            assert_eq!(down(script, frame as u64), *keys, "frame {frame}");
        }
        assert!(down("", 3).is_empty());
    }

    #[test]
    fn mistakes_are_named() {
        let error = |script| KeyScript::parse(script).unwrap_err().to_string();
        assert_eq!(error("1=2 7"), "keys: `7`: expected FRAME=KEYS");
        assert_eq!(error("x=2"), "keys: `x=2`: the frame is not a number");
        assert_eq!(error("1=g"), "keys: `1=g`: a key is a hexadecimal digit");
        assert_eq!(
            error("3=1 3=2"),
            "keys: `3=2`: this frame comes before, or is, the one that was named last"
        );
    }
}

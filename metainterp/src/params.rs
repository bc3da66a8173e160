//! The table of parameters, with RPython's names, defaults and meanings where RPython has them.

use std::fmt;
use std::str::FromStr;

macro_rules! params {
    ($($(#[doc = $doc:literal])+ $name:ident: $ty:ty = $default:expr;)*) => {
        /// Parameters of a driver. Text form: `threshold=3,trace_eagerness=2,enable_opts=fold:cse`.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Params { $($(#[doc = $doc])+ pub $name: $ty,)* }

        impl Default for Params {
            fn default() -> Params {
                Params { $($name: $default.into(),)* }
            }
        }

        impl Params {
            /// Name, default and meaning of every parameter.
            pub fn table() -> Vec<(&'static str, String, &'static str)> {
                let defaults = Params::default();
                vec![$((stringify!($name), defaults.$name.to_string(), concat!($($doc),+).trim_ascii_start()),)*]
            }

            /// Sets one parameter from its name and the text of its value.
            pub fn set(&mut self, name: &str, value: &str) -> Result<(), ParamError> {
                let invalid = || ParamError::invalid(name, value);
                match name {
                    $(stringify!($name) => self.$name = <$ty>::from_str(value).map_err(|_| invalid())?,)*
                    _ => return Err(ParamError(format!("there is no parameter `{name}`"))),
                }
                if self.trace_limit > MAX_TRACE_LIMIT {
                    return Err(invalid());
                }
                Ok(())
            }
        }
    };
}

/// RPython refuses more; operand numbers are 31 bits.
const MAX_TRACE_LIMIT: u32 = 100_000_000;

params! {
    /// Times a loop must run before it is recorded.
    threshold: u32 = 1039u32; // PyPy's value: prime, just above 1024
    /// The same for code of the program that is called, or returned to, where there is no `can_enter_jit!` and the
    /// greens tell; at most twice `threshold`. Loops go first, and take in what they call. 0 for never.
    function_threshold: u32 = 1619u32; // PyPy's value, too
    /// Recorded operations that entering compiled code and leaving it is as much as. What starts where code of the
    /// program is called, as above, and returns with fewer of them, is left to the interpreter.
    entry_cost: u32 = 300u32;
    /// Times a guard must fail before a bridge is recorded from it; an eighth of that, but as many as 25, if the
    /// interpreter cannot go on at a merge point and each failure runs the twin from there.
    trace_eagerness: u32 = 200u32;
    /// Operations that a recording may have before it is given up.
    trace_limit: u32 = 16_000u32;
    /// How much of every counter is forgotten when a recording starts, in thousandths.
    decay: u32 = 40u32;
    /// How deep a recording follows calls of one traced function into itself; deeper ones are residual.
    max_unroll_recursion: u32 = 7u32;
    /// Whether a recording follows calls of a portal: 1, or 0 if they are residual.
    inlining: u32 = 1u32;
    /// Values that an exit may save; more, and the recording is given up.
    failargs_limit: u32 = 1000u32;
    /// Recordings from one place that may be given up before the place is left to the interpreter for good.
    max_aborts: u32 = 8u32;
    /// Values of one promoted expression that get code of their own; for further ones there is code in which it
    /// varies.
    max_promoted_values: u32 = 16u32;
    /// How often a loop is recorded once more for data that its preheader is not for, so that these have a loop of
    /// their own.
    retrace_limit: u32 = 5u32;
    /// Times a compiled trace must be entered before it is compiled again, together with those that it
    /// leads to and comes from, as a region; 0 for never.
    region_threshold: u32 = 20_000u32; // of 5,000 to 80,000 best for Brainfuck's Mandelbrot set
    /// Operations that a region may have.
    region_limit: u32 = 4_000u32;
    /// Traces that may be compiled while a loop is not entered before it is freed, with its bridges; 0 for
    /// any number.
    loop_longevity: u32 = 1000u32;
    /// Bytes of machine code and data that are held at most; when there are more, what has not been
    /// entered for longest is freed.
    max_code_bytes: u32 = 256_000_000u32;
    /// Traces that are held at most; as above.
    max_traces: u32 = 50_000u32;
    /// Whether traces are optimized and compiled on a thread of the driver's own while the interpreter goes on: 1,
    /// or 0 if it waits for them.
    background: u32 = 0u32;
    /// The optimizer's passes: `all`, or names joined by `:`, possibly none.
    enable_opts: String = "all";
}

/// A parameter that does not exist, or a value that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamError(String);

impl ParamError {
    /// A value that does not fit its parameter.
    pub(crate) fn invalid(name: &str, value: &str) -> ParamError {
        ParamError(format!("`{value}` is not a value for the parameter `{name}`"))
    }
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParamError {}

impl Params {
    /// Applies `name=value` pairs joined by commas.
    pub fn apply(&mut self, text: &str) -> Result<(), ParamError> {
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| ParamError(format!("`{pair}` is not of the form name=value")))?;
            self.set(name.trim(), value.trim())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_applied_in_order() {
        let mut params = Params::default();
        params.apply("threshold=3, trace_eagerness=2,enable_opts=fold:cse").unwrap();
        assert_eq!((params.threshold, params.trace_eagerness), (3, 2));
        assert_eq!(params.enable_opts, "fold:cse");
    }

    #[test]
    fn mistakes_name_the_parameter() {
        let mut params = Params::default();
        let error = |result: Result<(), ParamError>| result.unwrap_err().to_string();
        assert_eq!(error(params.apply("treshold=3")), "there is no parameter `treshold`");
        assert_eq!(
            error(params.apply("threshold=x")),
            "`x` is not a value for the parameter `threshold`"
        );
        assert_eq!(error(params.apply("threshold")), "`threshold` is not of the form name=value");
        // B071: a trace limit above 100,000,000 is refused.
        assert!(params.apply("trace_limit=100000001").is_err());
    }
}

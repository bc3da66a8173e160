//! The table of passes, and sets of them as RPython's `enable_opts` writes them.

use std::fmt;
use std::str::FromStr;

macro_rules! passes {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal;)*) => {
        /// A pass of the optimizer.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Pass { $($(#[doc = $doc])+ $variant,)* }

        impl Pass {
            /// Every pass, in table order.
            pub const ALL: &'static [Pass] = &[$(Pass::$variant,)*];

            /// The name in `enable_opts`.
            pub fn name(self) -> &'static str {
                match self { $(Pass::$variant => $name,)* }
            }

            /// What it does, in one line.
            pub fn doc(self) -> &'static str {
                match self { $(Pass::$variant => concat!($($doc),+).trim_ascii_start(),)* }
            }
        }
    };
}

passes! {
    /// Does not allocate what does not escape.
    Virtuals "virtuals";
    /// Computes operations on constants, and decides guards on constants.
    Fold    "fold";
    /// Rewrites operations by algebraic identities.
    Algebra "algebra";
    /// Uses what passed guards prove: values become constants, implied guards disappear.
    Guards  "guards";
    /// Bounds integers: decides comparisons, and drops overflow checks that cannot fail.
    Ranges  "ranges";
    /// Reuses the results of equal operations and of elidable calls.
    Cse     "cse";
    /// Reuses loaded and stored values, and removes stores that nobody sees.
    Heap    "heap";
    /// Puts stores off, past guards too, until something can see them.
    Delay   "delay";
    /// Does once, before a loop, what need not be done in each lap, and keeps memory in registers.
    Preheader "preheader";
    /// Computes what laps that only count leave, instead of counting.
    Counted "counted";
    /// Removes operations whose results nobody uses.
    Dce     "dce";
}

const _: () = assert!(Pass::ALL.len() <= 32, "Passes has 32 bits");

/// A set of passes. Text form: `all`, or names joined by commas or colons, possibly none.
///
/// ```
/// use metainterp::opt::{Pass, Passes};
///
/// let passes: Passes = "fold,cse".parse().unwrap();
/// assert!(passes.has(Pass::Cse) && !passes.has(Pass::Heap));
/// assert_eq!(passes.to_string(), "fold:cse");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Passes(u32);

impl Passes {
    /// No pass: traces stay as they are.
    pub const NONE: Passes = Passes(0);
    /// Every pass.
    pub const ALL: Passes = Passes(u32::MAX >> (32 - Pass::ALL.len()));

    /// Whether `pass` is in the set.
    pub fn has(self, pass: Pass) -> bool {
        self.0 & 1 << pass as u32 != 0
    }

    /// The set with `pass`.
    pub fn with(self, pass: Pass) -> Passes {
        Passes(self.0 | 1 << pass as u32)
    }

    /// The set without `pass`.
    pub fn without(self, pass: Pass) -> Passes {
        Passes(self.0 & !(1 << pass as u32))
    }

    /// The passes of the set, in table order.
    pub fn iter(self) -> impl Iterator<Item = Pass> {
        Pass::ALL.iter().copied().filter(move |&pass| self.has(pass))
    }
}

impl Default for Passes {
    fn default() -> Passes {
        Passes::ALL
    }
}

impl fmt::Display for Passes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Passes::ALL {
            return f.write_str("all");
        }
        let names: Vec<_> = self.iter().map(Pass::name).collect();
        f.write_str(&names.join(":"))
    }
}

/// A name in `enable_opts` that no pass has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPass(String);

impl fmt::Display for UnknownPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Pass::ALL.iter().map(|pass| pass.name()).collect();
        write!(f, "there is no pass `{}`; there are `{}`", self.0, names.join("`, `"))
    }
}

impl std::error::Error for UnknownPass {}

impl FromStr for Passes {
    type Err = UnknownPass;

    fn from_str(text: &str) -> Result<Passes, UnknownPass> {
        if text.trim() == "all" {
            return Ok(Passes::ALL);
        }
        let names = text.split([',', ':']).map(str::trim).filter(|name| !name.is_empty());
        names.into_iter().try_fold(Passes::NONE, |passes, name| {
            let pass = Pass::ALL.iter().find(|pass| pass.name() == name);
            pass.map(|&pass| passes.with(pass)).ok_or_else(|| UnknownPass(name.into()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_print_and_parse_back() {
        assert_eq!("all".parse(), Ok(Passes::ALL));
        assert_eq!("".parse(), Ok(Passes::NONE));
        for &pass in Pass::ALL {
            for passes in [Passes::NONE.with(pass), Passes::ALL.without(pass)] {
                assert_eq!(passes.to_string().parse(), Ok(passes));
            }
        }
        let every_name: Vec<_> = Pass::ALL.iter().map(|pass| pass.name()).collect();
        assert_eq!(every_name.join(", ").parse(), Ok(Passes::ALL));
    }

    #[test]
    fn unknown_names_are_refused() {
        let error = "fold,unroll".parse::<Passes>().unwrap_err().to_string();
        assert!(
            error.starts_with("there is no pass `unroll`; there are `virtuals`, `fold`, `algebra`"),
            "{error}"
        );
    }
}

//! What a driver counts. Printed as text and as JSON; the fields are one table.

use crate::abort::Abort;
use crate::opt::{Pass, Size, Tally};
use std::fmt;
use std::time::Duration;

macro_rules! stats {
    ($($(#[doc = $doc:literal])+ $name:ident: $ty:ty;)*) => {
        /// Counters of one driver since it was made.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Stats {
            $($(#[doc = $doc])+ pub $name: $ty,)*
            /// Recordings given up, by reason (index: position in [`Abort::ALL`]).
            pub aborts: [u64; Abort::ALL.len()],
            /// What each of the optimizer's passes has made of all traces.
            pub passes: Tally,
        }

        impl Stats {
            fn rows(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.number()),)*]
            }
        }
    };
}

stats! {
    /// Recordings started, of loops and bridges.
    tracings: u64;
    /// Loops compiled: traces that start at a merge point of the interpreter.
    loops: u64;
    /// Bridges compiled.
    bridges: u64;
    /// Traces freed: their program is gone, they were not entered for long, what they took for constant
    /// has changed, or there was no room.
    freed: u64;
    /// Traces among them that a change of a quasi-immutable value has made invalid.
    invalidated: u64;
    /// Operations recorded, in traces that were compiled.
    recorded_ops: u64;
    /// Guards among them.
    recorded_guards: u64;
    /// Operations left by the optimizer.
    optimized_ops: u64;
    /// Guards among them.
    optimized_guards: u64;
    /// Residual calls among them.
    residual_calls: u64;
    /// Operations recorded for the laps of loops.
    recorded_lap_ops: u64;
    /// Guards among them.
    recorded_lap_guards: u64;
    /// Operations left in these laps, behind the preheader if there is one.
    lap_ops: u64;
    /// Guards among them.
    lap_guards: u64;
    /// Machine instructions of these laps, if the backend has counted them.
    lap_instructions: u64;
    /// Bytes of these instructions.
    lap_bytes: u64;
    /// Expressions that were recorded as residual calls because the frontend cannot take them apart.
    degraded_expressions: u64;
    /// Recordings that ended at a statement or an arm that the frontend cannot take apart.
    degraded_statements: u64;
    /// Times compiled code was entered, from the interpreter or by a call of the portal in compiled code.
    entered: u64;
    /// Calls of the portal in compiled code that other compiled code has answered.
    assembler_calls: u64;
    /// Times compiled code was left through a failing guard.
    guard_failures: u64;
    /// Failing guards that were left by rewinding to the merge point.
    rewinds: u64;
    /// Failing guards that were left by replaying the twin.
    replays: u64;
    /// Regions compiled: traces that were compiled again, together.
    regions: u64;
    /// Operations in them.
    region_ops: u64;
    /// Bytes of machine code and data held now.
    code_bytes: u64;
    /// Time in recording twins, in nanoseconds.
    recording_ns: Nanos;
    /// Time in the optimizer, in nanoseconds.
    optimizing_ns: Nanos;
    /// Time in the backend's compiler, in nanoseconds.
    backend_ns: Nanos;
    /// Time in the backend's compiler for regions, in nanoseconds.
    region_ns: Nanos;
    /// Of these two, time in the code generator that the backend uses, in nanoseconds.
    codegen_ns: Nanos;
}

/// A sum of times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Nanos(pub u64);

impl std::ops::AddAssign<Duration> for Nanos {
    fn add_assign(&mut self, time: Duration) {
        self.0 += time.as_nanos() as u64;
    }
}

trait Number {
    fn number(&self) -> u64;
}

impl Number for u64 {
    fn number(&self) -> u64 {
        *self
    }
}

impl Number for Nanos {
    fn number(&self) -> u64 {
        self.0
    }
}

impl Stats {
    /// Counts an abort.
    pub fn count_abort(&mut self, abort: Abort) {
        self.aborts[abort as usize] += 1;
    }

    /// Recordings given up, of all reasons.
    pub fn aborted(&self) -> u64 {
        self.aborts.iter().sum()
    }

    /// Operations and guards that are left after a pass, those before it in the table included.
    pub fn left_after(&self, pass: Pass) -> Size {
        let mut left = Size { ops: self.recorded_ops as i64, guards: self.recorded_guards as i64 };
        let passes = Pass::ALL.iter().take_while(|&&it| it != pass).chain([&pass]);
        passes.for_each(|&pass| left += self.passes.of(pass));
        left
    }

    fn aborts_by_reason(&self) -> impl Iterator<Item = (Abort, u64)> + '_ {
        Abort::ALL.iter().copied().zip(self.aborts).filter(|&(_, count)| count > 0)
    }

    /// Nanoseconds of optimizing and compiling, regions included, per recorded operation; 0 if nothing was recorded.
    pub fn compile_ns_per_op(&self) -> u64 {
        (self.optimizing_ns.0 + self.backend_ns.0 + self.region_ns.0)
            .checked_div(self.recorded_ops)
            .unwrap_or(0)
    }

    /// One JSON object on one line.
    pub fn to_json(&self) -> String {
        let mut object = serde_json::Map::new();
        for (name, value) in self.rows() {
            object.insert(name.into(), value.into());
        }
        let aborts: serde_json::Map<_, _> =
            self.aborts_by_reason().map(|(abort, n)| (abort.name().into(), n.into())).collect();
        object.insert("aborted".into(), self.aborted().into());
        object.insert("aborts".into(), aborts.into());
        object.insert("compile_ns_per_op".into(), self.compile_ns_per_op().into());
        let after = |&pass: &Pass| {
            let left = self.left_after(pass);
            (pass.name().into(), serde_json::json!({ "ops": left.ops, "guards": left.guards }))
        };
        let after: serde_json::Map<_, _> = Pass::ALL.iter().map(after).collect();
        object.insert("left_after".into(), after.into());
        serde_json::Value::Object(object).to_string()
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.rows() {
            writeln!(f, "{name:>20}  {value}")?;
        }
        writeln!(f, "{:>20}  {}", "compile_ns_per_op", self.compile_ns_per_op())?;
        for &pass in Pass::ALL {
            let left = self.left_after(pass);
            let name = format!("left after {}", pass.name());
            writeln!(f, "{name:>20}  {} operations, {} guards", left.ops, left.guards)?;
        }
        writeln!(f, "{:>20}  {}", "aborted", self.aborted())?;
        for (abort, count) in self.aborts_by_reason() {
            writeln!(f, "{:>20}    {count} because {abort}", "")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_added_up() {
        let mut stats = Stats { recorded_ops: 10, recorded_guards: 4, ..Stats::default() };
        stats.passes.add(Pass::Fold, Size { ops: -3, guards: -1 });
        stats.passes.add(Pass::Preheader, Size { ops: 2, guards: 0 });
        assert_eq!(stats.left_after(Pass::Virtuals), Size { ops: 10, guards: 4 });
        assert_eq!(stats.left_after(Pass::Fold), Size { ops: 7, guards: 3 });
        assert_eq!(stats.left_after(Pass::Dce), Size { ops: 9, guards: 3 });
    }

    #[test]
    fn json_has_every_row_and_the_aborts() {
        let mut stats = Stats { loops: 2, recorded_ops: 4, ..Stats::default() };
        stats.backend_ns += Duration::from_nanos(100);
        stats.count_abort(Abort::TooLong);
        let json: serde_json::Value = serde_json::from_str(&stats.to_json()).unwrap();
        assert_eq!(json["loops"], 2);
        assert_eq!(json["aborts"]["TooLong"], 1);
        assert_eq!(json["aborted"], 1);
        assert_eq!(json["compile_ns_per_op"], 25);
        for pass in Pass::ALL {
            assert_eq!(json["left_after"][pass.name()]["ops"], 4, "{pass:?}");
        }
        for (name, _) in stats.rows() {
            assert!(json.get(name).is_some(), "{name} is missing");
        }
    }
}

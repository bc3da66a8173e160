//! The table of behaviours: which of RPython's are checked here, and by what.
//!
//! The numbers are those of the project's catalogue of behaviours, which says in its own words what
//! RPython's tests check. `cargo run -p jit-tests --bin behaviours` prints the table and what is open.
//!
//! Invariants, each a test at the end of this file
//! 1. Every number has exactly one row.
//! 2. Every test that a row names exists.
//! 3. Every test that has a number in its name belongs to a row that says it is tested.

use std::ops::RangeInclusive;

/// What is done about a behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A test checks it: `file#name`, where [`FILES`] says which file.
    Tested(&'static str),
    /// It waits for something that is not built: for what.
    Later(&'static str),
    /// It does not apply here: why.
    Absent(&'static str),
}

use State::{Absent, Later, Tested};

/// The number of behaviours in the catalogue.
pub const N_BEHAVIOURS: u32 = 304;

/// Where tests are. For a folder, the name is that of a file in it.
pub const FILES: &[(&str, &str)] = &[
    ("entering", "tests/tests/behaviours_entering.rs"),
    ("loops", "tests/tests/behaviours_loops.rs"),
    ("limits", "tests/tests/behaviours_limits.rs"),
    ("merge_points", "tests/tests/merge_points.rs"),
    ("heapcache", "metainterp/src/record/heapcache.rs"),
    ("examples", "tests/tests/examples.rs"),
    ("frontend", "tests/tests/frontend.rs"),
    ("random", "tests/tests/random_programs.rs"),
    ("cranelift", "tests/tests/cranelift.rs"),
    ("optimizer", "tests/tests/optimizer.rs"),
    ("suite", "tests/src/suite.rs"),
    ("cell", "metainterp/src/warm/cell.rs"),
    ("stats", "metainterp/src/stats.rs"),
    ("opcode", "metainterp/src/ir/opcode.rs"),
    ("text", "metainterp/src/ir/text/tests.rs"),
    ("opt", "metainterp/tests/opt"),
    ("ui", "jitdriver/tests/ui"),
];

/// The table, by ranges of numbers.
#[rustfmt::skip]
pub const BEHAVIOURS: &[(RangeInclusive<u32>, State)] = &[
    // A. Entering, counting, leaving
    (1..=1, Tested("entering#b001_fewer_laps_than_the_threshold")),
    (2..=2, Tested("entering#b002_the_threshold_is_the_number")),
    (3..=3, Tested("entering#b001_b003_other_greens_are_other_loops")),
    (4..=4, Tested("entering#b004_references_are_green_by_identity")),
    (5..=5, Tested("merge_points#b005_a_merge_point_alone")),
    (6..=6, Later("function_threshold")),
    (7..=7, Tested("merge_points#b007_the_loop_may_be_in_code")),
    (8..=8, Later("loop_header")),
    (9..=9, Later("function_threshold")),
    (10..=10, Tested("entering#b010_off_counts_nothing")),
    (11..=11, Later("confirm_enter_jit")),
    (12..=12, Tested("entering#b012_b022_a_second_call")),
    (13..=13, Tested("entering#b013_another_way_into_a_loop")),
    (14..=14, Tested("entering#b014_we_are_jitted")),
    (15..=15, Tested("entering#b015_reds_may_be_unused_or_none")),
    (16..=16, Tested("ui#lives/several.rs")),
    (17..=17, Tested("ui#place/two_merge_points.rs")),
    (18..=18, Tested("ui#between/statement_after.rs")),
    (19..=19, Tested("merge_points#b019_a_raw_pointer_is_green")),
    (20..=20, Tested("entering#b020_a_red_may_be_constant")),
    (21..=21, Tested("entering#b021_exit_panics_keep_their_payload")),
    (22..=22, Tested("entering#b012_b022_a_second_call")),
    (23..=23, Tested("entering#b022_b023_a_callback")),
    (24..=24, Later("protection of the native stack")),
    // B. Counters and cells
    (25..=25, Tested("cell#fires_at_the_threshold")),
    (26..=26, Tested("cell#keys_do_not_collide")),
    (27..=27, Absent("keys are compared whole, there is no table of hashes")),
    (28..=28, Absent("guards count by themselves, there is no table of hashes")),
    (29..=29, Absent("RPython's aid for its own tests")),
    (30..=30, Absent("cells are in a map, there are no chains")),
    (31..=31, Later("get_jitcell_at_key, trace_next_iteration")),
    (32..=32, Later("dont_trace_here")),
    (33..=33, Later("trace_next_iteration_hash")),
    (34..=34, Tested("cell#decay_delays_the_others")),
    // C. Loops and bridges
    (35..=35, Tested("loops#b035_two_ways")),
    (36..=36, Tested("loops#b036_alternating_ways")),
    (37..=37, Tested("loops#b037_many_ways")),
    (38..=38, Tested("loops#b038_dispatch_on_greens")),
    (39..=39, Tested("loops#b039_nested_loops_are_found_from_inside")),
    (40..=40, Tested("loops#b040_b042_two_loops")),
    (41..=41, Tested("loops#b041_what_comes_before_the_loop")),
    (42..=42, Tested("loops#b040_b042_two_loops")),
    (43..=43, Tested("loops#b043_a_guard_gets_one_bridge")),
    (44..=44, Tested("loops#b044_a_guard_that_fails_at_every_level")),
    (45..=45, Tested("loops#b045_a_promoted_value_that_always_changes")),
    (46..=46, Tested("loops#b046_a_promoted_value_with_few_values")),
    (47..=47, Tested("suite#exits_with_holes")),
    (48..=48, Tested("loops#b048_a_bridge_may_leave_the_portal")),
    (49..=49, Later("loop peeling and retracing")),
    (50..=50, Later("loop peeling: what is recorded does not contradict itself before")),
    (51..=57, Later("loop peeling and retracing")),
    (58..=58, Later("bridges start with what their guard knows")),
    (59..=59, Later("invalidation")),
    (60..=60, Tested("entering#b060_parameters_take_effect")),
    (61..=61, Tested("loops#b061_without_passes")),
    (62..=62, Tested("loops#b062_any_pass_can_be_left_out")),
    // D. Tracing limits
    (63..=63, Tested("limits#b063_a_trace_that_is_too_long")),
    (64..=64, Tested("limits#b064_a_panic_while_a_recording")),
    (65..=65, Later("call_assembler: a helper that is too big is not called instead")),
    (66..=66, Tested("limits#b066_two_drivers")),
    (67..=67, Tested("limits#b063_b069_b070_a_huge_loop")),
    (68..=68, Later("virtualizables")),
    (69..=69, Tested("limits#b069_a_huge_bridge")),
    (70..=70, Tested("limits#b063_b069_b070_a_huge_loop")),
    (71..=71, Tested("limits#b071_a_trace_limit")),
    (72..=72, Tested("limits#b072_more_values_than_failargs_limit")),
    (73..=73, Tested("limits#b073_a_local_of_a_thousand_slots")),
    (74..=74, Tested("limits#b074_deep_recursion")),
    (75..=75, Later("current_trace_length")),
    (76..=76, Tested("limits#b076_a_loop_is_unrolled_only")),
    // E. Inlining, recursion, call_assembler
    (77..=77, Later("inlining of portals")),
    (78..=78, Tested("loops#b044_a_guard_that_fails_at_every_level")),
    (79..=84, Later("inlining of portals and call_assembler")),
    (85..=86, Later("inlining of portals")),
    (87..=87, Tested("entering#b022_b023_a_callback")),
    (88..=92, Later("inlining of portals and call_assembler")),
    (93..=93, Tested("entering#b093_a_loop_before_the_portals_loop")),
    (94..=94, Tested("limits#b066_two_drivers")),
    (95..=95, Later("enter_portal_frame, leave_portal_frame")),
    (96..=96, Later("virtuals and call_assembler")),
    // F. Integers, floats, strings of ops
    (97..=97, Tested("frontend#wrapping(")),
    (98..=98, Tested("frontend#shifting_until_it_panics")),
    (99..=99, Tested("frontend#adding_until_it_panics")),
    (100..=100, Tested("frontend#dividing_by_zero")),
    (101..=101, Tested("frontend#negating")),
    (102..=102, Tested("frontend#floating")),
    (103..=103, Tested("suite#between_floats")),
    (104..=104, Tested("opt#algebra/compare_itself.trace")),
    (105..=105, Tested("loops#b037_many_ways")),
    (106..=106, Tested("frontend#characters")),
    (107..=107, Tested("opt#cse/overflow_twice.trace")),
    // G. Objects, classes, dispatch
    (108..=115, Later("enums and trait objects in traces")),
    (116..=118, Later("owned values in traces")),
    // H. Virtual objects
    (119..=140, Later("virtuals")),
    // I. Lists, dicts, strings
    (141..=142, Later("virtuals")),
    (143..=143, Later("twins of Vec's methods")),
    (144..=145, Later("maps in traces")),
    (146..=152, Later("strings in traces")),
    // J. Calls, elidable, hints
    (153..=153, Tested("frontend#residual_calls")),
    (154..=154, Tested("frontend#elidable_calls")),
    (155..=155, Later("elidable_promote")),
    (156..=156, Later("loop_invariant")),
    (157..=157, Tested("limits#b076_a_loop_is_unrolled_only")),
    (158..=158, Later("look_inside_iff")),
    (159..=160, Later("conditional_call")),
    (161..=161, Later("record_known_result, record_exact_value")),
    (162..=162, Later("not_in_trace")),
    (163..=163, Later("assert_green, jit_debug")),
    (164..=164, Later("effects of calls: a residual call may do anything")),
    (165..=165, Tested("entering#b022_b023_a_callback")),
    (166..=166, Absent("a thread-local variable is reached by a residual call")),
    (167..=167, Absent("reading a clock is a residual call")),
    (168..=168, Tested("suite#fields_of_every_type")),
    // K. Exceptions
    (169..=172, Later("`Result` and `?` in traces")),
    (173..=173, Tested("entering#b021_exit_panics_keep_their_payload")),
    (174..=174, Tested("frontend#bad opcode")),
    (175..=175, Tested("frontend#multiplying_until_it_panics")),
    (176..=176, Absent("no panic is pending while the interpreter runs")),
    (177..=177, Tested("random#b299_b303_random_programs")),
    (178..=178, Tested("limits#b064_a_panic_while_a_recording")),
    (179..=179, Absent("Rust ends the process when memory is exhausted")),
    // L. Heap optimizations
    (180..=180, Tested("heapcache#stores_change_what_they_may_reach")),
    (181..=183, Later("what is known of memory while recording")),
    (184..=184, Later("lengths and copies in traces")),
    (185..=185, Tested("heapcache#promotion_reaches_values_and_addresses")),
    (186..=186, Later("what is known of memory while recording")),
    (187..=187, Tested("opt#heap/store_what_is_there.trace")),
    (188..=188, Absent("there is no global lock")),
    (189..=189, Tested("opt#heap/load_twice.trace")),
    (190..=190, Tested("opt#heap/store_guard.trace")),
    (191..=191, Tested("opt#heap/alias_class.trace")),
    (192..=192, Tested("opt#heap/alias_index.trace")),
    (193..=193, Tested("opt#heap/call.trace")),
    (194..=194, Later("loop peeling")),
    (195..=195, Tested("entering#b019_prebuilt_data_can_be_green")),
    (196..=196, Absent("what a green refers to is borrowed and cannot be written")),
    (197..=197, Later("virtuals")),
    (198..=198, Tested("opt#heap/alias_class_0.trace")),
    (199..=199, Later("strings in traces")),
    // M. Quasi-immutables
    (200..=211, Later("QuasiImmutable and invalidation")),
    // N. Virtualizables and virtualrefs
    (212..=214, Later("register promotion over the loop")),
    (215..=228, Absent("frames need no declaration and nothing is forced from outside: a residual call sees memory as it is")),
    // O. Unrolling and virtual state
    (229..=242, Later("loop peeling")),
    // P. Integer optimizer
    (243..=243, Later("integer ranges and known bits")),
    (244..=244, Tested("opt#guards/repeated.trace")),
    (245..=245, Later("integer ranges and known bits")),
    (246..=246, Later("a count of the rules that fire")),
    (247..=247, Later("integer ranges and known bits")),
    (248..=248, Tested("optimizer#all_passes_keep_what_traces_do")),
    (249..=249, Tested("suite#division_by_constants")),
    (250..=250, Tested("opt#guards/not.trace")),
    // Q. Guards, resume, blackhole, encoding
    (251..=251, Later("guards are not strengthened")),
    (252..=252, Tested("opt#guards/value_of_bool.trace")),
    (253..=253, Later("virtuals")),
    (254..=258, Later("resume data is not encoded yet")),
    (259..=259, Tested("random#b299_b303_random_programs")),
    (260..=260, Absent("a replay is the twin itself, there are no interpreters to pool")),
    (261..=261, Later("resume data is not encoded yet")),
    (262..=262, Tested("suite#binary_of_values")),
    (263..=263, Tested("opcode#names_are_distinct")),
    (264..=264, Tested("suite#value_of_floats_is_by_bits")),
    (265..=265, Tested("text#fn ")),
    (266..=266, Tested("text#fn ")),
    // R. Memory, invalidation, statistics
    (267..=270, Later("compiled code is kept as long as its driver")),
    (271..=271, Tested("suite#code_is_freed_and_its_memory_reused")),
    (272..=272, Tested("stats#json_has_every_row_and_the_aborts")),
    (273..=273, Later("hooks")),
    (274..=274, Tested("loops#b048_a_bridge_may_leave_the_portal")),
    (275..=275, Later("a log file")),
    // S. Backend contract
    (276..=276, Tested("suite#linear_loop")),
    (277..=277, Tested("suite#from_a_guard")),
    (278..=278, Tested("suite#overflow_of_values")),
    (279..=279, Tested("suite#compare_with_flags_clobbered")),
    (280..=280, Tested("suite#function_pointer_in_a_value")),
    (281..=281, Tested("suite#arrays_of_every_type")),
    (282..=282, Later("allocation in traces")),
    (283..=283, Tested("suite#passing_and_failing")),
    (284..=284, Tested("suite#panics_leave")),
    (285..=285, Later("conditional_call")),
    (286..=286, Absent("nothing is forced from outside")),
    (287..=287, Later("invalidation")),
    (288..=288, Later("call_assembler")),
    (289..=289, Tested("suite#attached_while_running")),
    (290..=290, Tested("suite#jump_between_traces")),
    (291..=291, Tested("suite#unused_results_and_debug_operations")),
    (292..=292, Tested("suite#random_signatures")),
    (293..=293, Tested("suite#rounding")),
    (294..=294, Tested("suite#size_is_reported")),
    (295..=295, Tested("suite#compare_and_guard")),
    (296..=296, Absent("there is no garbage collector")),
    (297..=297, Tested("suite#code_is_freed_and_its_memory_reused")),
    (298..=298, Tested("suite#jump_between_traces")),
    // T. Random and whole-system
    (299..=299, Tested("cranelift#random_traces_as_in_llgraph")),
    (300..=300, Tested("examples#b300_the_posts_program")),
    (301..=301, Tested("examples#brainfuck_self")),
    (302..=302, Later("a language for patterns of traces")),
    (303..=303, Tested("random#b299_b303_random_programs")),
    (304..=304, Tested("examples#b304_the_same_program")),
];

/// What is done about one behaviour.
pub fn state(number: u32) -> Option<State> {
    let row = BEHAVIOURS.iter().find(|(numbers, _)| numbers.contains(&number));
    row.map(|&(_, state)| state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::{Path, PathBuf};

    fn path_of(file: &str) -> PathBuf {
        let (_, path) = FILES.iter().find(|(name, _)| *name == file).expect("a row of FILES");
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
    }

    #[test]
    fn every_number_has_one_row() {
        let mut next = 1;
        for (numbers, state) in BEHAVIOURS {
            assert_eq!(*numbers.start(), next, "{state:?}");
            assert!(numbers.end() >= numbers.start());
            next = numbers.end() + 1;
        }
        assert_eq!(next, N_BEHAVIOURS + 1);
    }

    #[test]
    fn every_test_exists() {
        for (numbers, state) in BEHAVIOURS {
            let Tested(test) = state else { continue };
            let (file, name) = test.split_once('#').expect("file#name");
            let path = path_of(file);
            let exists = match path.is_dir() {
                true => path.join(name).exists(),
                false => fs::read_to_string(&path).expect(file).contains(name),
            };
            assert!(exists, "{numbers:?}: {test} does not exist");
        }
    }

    /// The numbers in `b039_b042_name`.
    fn numbers_in(name: &str) -> impl Iterator<Item = u32> {
        let number = |part: &str| -> Option<u32> {
            let digits = part.strip_prefix('b').filter(|digits| digits.len() == 3)?;
            digits.parse().ok()
        };
        name.split('_').map_while(number)
    }

    #[test]
    fn every_numbered_test_is_in_the_table() {
        let mut n_tests = 0;
        for (file, path) in FILES.iter().filter(|(_, path)| path.starts_with("tests/tests/")) {
            let source = fs::read_to_string(path_of(file)).expect(path);
            for line in source.lines().filter_map(|line| line.strip_prefix("fn b")) {
                for number in numbers_in(&format!("b{line}")) {
                    n_tests += 1;
                    let state = state(number);
                    assert!(matches!(state, Some(Tested(_))), "{line} checks B{number}: {state:?}");
                }
            }
        }
        assert!(n_tests > 40, "only {n_tests} tests have a number");
    }
}

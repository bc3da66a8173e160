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

use State::{Absent, Tested};

/// The number of behaviours in the catalogue.
pub const N_BEHAVIOURS: u32 = 304;

/// Where tests are. For a folder, the name is that of a file in it.
pub const FILES: &[(&str, &str)] = &[
    ("entering", "tests/tests/behaviours_entering.rs"),
    ("loops", "tests/tests/behaviours_loops.rs"),
    ("limits", "tests/tests/behaviours_limits.rs"),
    ("objects", "tests/tests/behaviours_objects.rs"),
    ("memory", "tests/tests/behaviours_memory.rs"),
    ("calls", "tests/tests/behaviours_calls.rs"),
    ("unroll", "tests/tests/behaviours_unroll.rs"),
    ("hints", "tests/tests/behaviours_hints.rs"),
    ("log", "tests/tests/behaviours_log.rs"),
    ("merge_points", "tests/tests/merge_points.rs"),
    ("tree_walkers", "tests/tests/tree_walkers.rs"),
    ("assembler", "tests/tests/assembler.rs"),
    ("host_recursion", "tests/tests/host_recursion.rs"),
    ("heapcache", "metainterp/src/record/heapcache.rs"),
    ("owned", "tests/tests/owned.rs"),
    ("ranges", "metainterp/src/opt/tests/ranges.rs"),
    ("algebra", "metainterp/src/opt/tests/algebra.rs"),
    ("exits", "metainterp/src/opt/tests/exits.rs"),
    ("rules", "metainterp/src/opt/tests/files.rs"),
    ("quasi", "metainterp/src/quasi.rs"),
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
    (6..=6, Tested("host_recursion#b006_a_portal_without_a_loop")),
    (7..=7, Tested("merge_points#b007_the_loop_may_be_in_code")),
    (8..=8, Absent("`can_enter_jit!` itself says where a loop closes; where it is left out, jumps back do")),
    (9..=9, Tested("merge_points#b009_loops_go_before")),
    (10..=10, Tested("entering#b010_off_counts_nothing")),
    (11..=11, Tested("hints#b011_only_what_is_confirmed")),
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
    (24..=24, Tested("calls#b024_deep_recursion")),
    // B. Counters and cells
    (25..=25, Tested("cell#fires_at_the_threshold")),
    (26..=26, Tested("cell#keys_do_not_collide")),
    (27..=27, Absent("keys are compared whole, there is no table of hashes")),
    (28..=28, Absent("guards count by themselves, there is no table of hashes")),
    (29..=29, Absent("RPython's aid for its own tests")),
    (30..=30, Tested("cell#counters_of_ever_new_keys")),
    (31..=31, Tested("hints#b031_keys_have_code")),
    (32..=32, Tested("hints#b032_where_no_trace_shall_start")),
    (33..=33, Tested("hints#b033_a_guard_can_be_told")),
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
    (49..=49, Tested("unroll#b049_b054_a_recording_may_end")),
    (50..=50, Tested("opt#fold/contradiction.trace")),
    (51..=51, Tested("cell#aborts_back_off_and_end")),
    (52..=52, Tested("unroll#b052_a_loop_has_as_many_versions_as_the_limit_allows")),
    (53..=53, Absent("the number of versions is limited by retrace_limit alone: one costs no more than a loop of its own")),
    (54..=54, Tested("unroll#b049_b054_a_recording_may_end")),
    (55..=55, Tested("unroll#b055_a_recording_for_one_more_version")),
    (56..=56, Tested("objects#b109_receivers_of_three_classes")),
    (57..=57, Tested("unroll#b057_b236_a_guard_of_the_lap")),
    (58..=58, Tested("unroll#b058_b240_a_bridge_knows")),
    (59..=59, Tested("hints#b059_b287_an_invalid_loop")),
    (60..=60, Tested("entering#b060_parameters_take_effect")),
    (61..=61, Tested("loops#b061_without_passes")),
    (62..=62, Tested("loops#b062_any_pass_can_be_left_out")),
    // D. Tracing limits
    (63..=63, Tested("limits#b063_a_trace_that_is_too_long")),
    (64..=64, Tested("limits#b064_a_panic_while_a_recording")),
    (65..=65, Tested("assembler#b065_what_is_too_large_to_be_inlined")),
    (66..=66, Tested("limits#b066_two_drivers")),
    (67..=67, Tested("limits#b063_b069_b070_a_huge_loop")),
    (68..=68, Tested("unroll#b068_a_huge_loop_over_a_frame")),
    (69..=69, Tested("limits#b069_a_huge_bridge")),
    (70..=70, Tested("limits#b063_b069_b070_a_huge_loop")),
    (71..=71, Tested("limits#b071_a_trace_limit")),
    (72..=72, Tested("limits#b072_more_values_than_failargs_limit")),
    (73..=73, Tested("limits#b073_a_local_of_a_thousand_slots")),
    (74..=74, Tested("limits#b074_deep_recursion")),
    (75..=75, Absent("a replay takes the way that the recording took, so a program cannot ask what the recorder knows")),
    (76..=76, Tested("limits#b076_a_loop_is_unrolled_only")),
    // E. Inlining, recursion, call_assembler
    (77..=77, Tested("tree_walkers#b077_calls_of_the_portal")),
    (78..=78, Tested("loops#b044_a_guard_that_fails_at_every_level")),
    (79..=79, Tested("limits#b074_deep_recursion")),
    (80..=80, Tested("calls#b080_a_call_of_the_portal")),
    (81..=81, Tested("tree_walkers#b081_one_lap")),
    (82..=83, Tested("calls#b082_b083_a_recursive_call")),
    (84..=84, Tested("calls#b084_b088_a_frame_goes_down")),
    (85..=85, Tested("calls#b085_a_guard_that_fails_inside_helpers")),
    (86..=86, Tested("calls#b169_errors_are_handled")),
    (87..=87, Tested("entering#b022_b023_a_callback")),
    (88..=88, Tested("calls#b082_b088_a_panic_comes_through")),
    (89..=89, Tested("calls#b089_b091_reds_of_all_types")),
    (90..=90, Tested("calls#b090_a_recursive_call_that_returns")),
    (91..=91, Tested("calls#b089_b091_reds_of_all_types")),
    (92..=92, Tested("assembler#b092_what_is_compiled_is_inlined")),
    (93..=93, Tested("entering#b093_a_loop_before_the_portals_loop")),
    (94..=94, Tested("limits#b066_two_drivers")),
    (95..=95, Absent("it is how vmprof walks frames, and nothing here does: `perf` is told of each trace by its name")),
    (96..=96, Tested("assembler#b096_what_a_portal_is_called_with")),
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
    (108..=108, Tested("objects#b108_a_method_of_a_green")),
    (109..=109, Tested("objects#b109_receivers_of_three_classes")),
    (110..=110, Tested("objects#b110_dispatch_fails")),
    (111..=111, Tested("objects#b111_calls_of_unknown_objects")),
    (112..=112, Tested("objects#b112_b113_a_class_is_asked")),
    (113..=113, Tested("objects#b113_no_guard_follows")),
    (114..=114, Tested("objects#b114_a_promised_class_leaves_no_guard")),
    (115..=115, Tested("objects#b115_pointers_compare")),
    (116..=116, Tested("objects#b116_defaults_and_destructors")),
    (117..=117, Absent("a value has no identity; one that has an address is in memory, there")),
    (118..=118, Tested("objects#b118_weak_references")),
    // H. Virtual objects
    (119..=119, Tested("objects#b119_a_value_that_is_replaced")),
    (120..=120, Tested("objects#b120_values_in_values")),
    (121..=121, Tested("objects#b121_what_escapes")),
    (122..=122, Tested("objects#b122_values_are_put_together")),
    (123..=123, Tested("objects#b123_another_first_lap")),
    (124..=124, Tested("objects#b124_a_bridge_changes")),
    (125..=125, Tested("objects#b125_a_value_that_is_new")),
    (126..=126, Tested("objects#b126_a_bridge_lets")),
    (127..=127, Tested("objects#b127_constant_fields")),
    (128..=128, Tested("objects#b128_a_bridge_goes_back")),
    (129..=129, Tested("objects#b129_one_value_in_two")),
    (130..=130, Tested("objects#b130_arrays_of_constant")),
    (131..=131, Absent("safe Rust does not read what was not written")),
    (132..=132, Tested("limits#b073_a_local_of_a_thousand_slots")),
    (133..=133, Tested("objects#b133_copies_of_arrays")),
    (134..=134, Absent("memory is allocated by calls, so none is virtual")),
    (135..=135, Absent("a map owns memory that a call allocates, so none is virtual")),
    (136..=136, Tested("objects#b136_an_item_that_never")),
    (137..=137, Tested("objects#b137_effects_keep")),
    (138..=138, Tested("objects#b138_zeros_are_written")),
    (139..=139, Tested("objects#b139_a_promoted_part")),
    (140..=140, Tested("objects#b140_stores_that_are_put_off")),
    // I. Lists, dicts, strings
    (141..=141, Tested("objects#b141_literals_of_lists")),
    (142..=142, Tested("objects#b142_a_list_grows")),
    (143..=143, Tested("objects#b143_a_store_into_one_list")),
    (144..=145, Tested("objects#b144_b145_maps_are_asked")),
    (146..=146, Tested("objects#b146_a_text_is_compared_with_a_known_one")),
    (147..=147, Tested("objects#b147_b149_b151_strings")),
    (148..=148, Tested("objects#b148_texts_that_stay")),
    (149..=149, Tested("objects#b147_b149_b151_strings")),
    (150..=150, Tested("hints#b150_a_string_is_promoted_by_value")),
    (151..=151, Tested("objects#b147_b149_b151_strings")),
    (152..=152, Tested("objects#b152_byte_arrays")),
    // J. Calls, elidable, hints
    (153..=153, Tested("frontend#residual_calls")),
    (154..=154, Tested("frontend#elidable_calls")),
    (155..=155, Tested("hints#b155_arguments_are_promoted")),
    (156..=156, Tested("hints#b156_what_a_loop_does_not_change")),
    (157..=157, Tested("limits#b076_a_loop_is_unrolled_only")),
    (158..=158, Tested("hints#b158_a_condition_decides")),
    (159..=159, Tested("calls#b159_a_conditional_call")),
    (160..=160, Tested("calls#b160_a_value_is_computed")),
    (161..=161, Tested("hints#b161_a_promise")),
    (162..=162, Tested("hints#b162_what_is_not_in_the_trace")),
    (163..=163, Tested("hints#b163_what_should_be_green")),
    (164..=164, Tested("memory#b182_a_call_changes")),
    (165..=165, Tested("entering#b022_b023_a_callback")),
    (166..=166, Absent("a thread-local variable is reached by a residual call")),
    (167..=167, Tested("objects#b167_a_clock")),
    (168..=168, Tested("suite#fields_of_every_type")),
    // K. Exceptions
    (169..=169, Tested("calls#b169_errors_are_handled")),
    (170..=170, Tested("calls#b170_no_error_costs")),
    (171..=171, Tested("calls#b171_b174_an_error_of_a_known_class")),
    (172..=172, Tested("calls#b172_two_and_four_kinds")),
    (173..=173, Tested("entering#b021_exit_panics_keep_their_payload")),
    (174..=174, Tested("frontend#bad opcode")),
    (175..=175, Tested("frontend#multiplying_until_it_panics")),
    (176..=176, Tested("calls#b176_an_error_may_be_pending")),
    (177..=177, Tested("random#b299_b303_random_programs")),
    (178..=178, Tested("limits#b064_a_panic_while_a_recording")),
    (179..=179, Absent("Rust ends the process when memory is exhausted")),
    // L. Heap optimizations
    (180..=180, Tested("heapcache#stores_change_what_they_may_reach")),
    (181..=181, Tested("memory#b181_what_is_known_of_memory")),
    (182..=182, Tested("memory#b182_a_call_changes")),
    (183..=183, Absent("whether a value is in memory follows from its type, nothing has to be guessed")),
    (184..=184, Tested("memory#b184_a_length_is_read_once")),
    (185..=185, Tested("heapcache#promotion_reaches_values_and_addresses")),
    (186..=186, Tested("memory#b186_fields_of_items")),
    (187..=187, Tested("opt#heap/store_what_is_there.trace")),
    (188..=188, Absent("there is no global lock")),
    (189..=189, Tested("opt#heap/load_twice.trace")),
    (190..=190, Tested("opt#heap/store_guard.trace")),
    (191..=191, Tested("opt#heap/alias_class.trace")),
    (192..=192, Tested("opt#heap/alias_index.trace")),
    (193..=193, Tested("opt#heap/call.trace")),
    (194..=194, Tested("memory#b194_what_a_lap_stores")),
    (195..=195, Tested("entering#b019_prebuilt_data_can_be_green")),
    (196..=196, Absent("what a green refers to is borrowed and cannot be written")),
    (197..=197, Absent("memory is allocated by calls, which answer it initialized")),
    (198..=198, Tested("opt#heap/alias_class_0.trace")),
    (199..=199, Absent("there is no operation that copies the content of strings")),
    // M. Quasi-immutables
    (200..=200, Tested("hints#b200_a_read_of_a_green")),
    (201..=201, Tested("hints#b201_it_folds_without")),
    (202..=202, Tested("hints#b202_of_something_red")),
    (203..=203, Tested("hints#b203_b205_a_change_makes")),
    (204..=204, Tested("hints#b204_a_change_during")),
    (205..=205, Tested("hints#b205_b207_a_change_while")),
    (206..=206, Tested("hints#b206_b210_bridges_become")),
    (207..=207, Tested("hints#b205_b207_a_change_while")),
    (208..=208, Tested("hints#b208_lists_of_values")),
    (209..=209, Tested("hints#b209_one_test_for_each_call")),
    (210..=210, Tested("hints#b206_b210_bridges_become")),
    (211..=211, Tested("quasi#the_list_does_not_grow")),
    // N. Virtualizables and virtualrefs
    (212..=212, Tested("memory#b212_b214_fields_and_items")),
    (213..=213, Tested("memory#b213_a_frame_is_written_back")),
    (214..=214, Tested("memory#b214_a_promoted_depth")),
    (215..=215, Tested("memory#b215_a_call_that_looks")),
    (216..=218, Tested("memory#b216_b217_b218_a_rare_look")),
    (219..=219, Tested("memory#b219_a_second_frame")),
    (220..=220, Tested("memory#b220_b222_a_guard_fails")),
    (221..=221, Absent("frames need no declaration, so there is no access that ignores it")),
    (222..=222, Tested("memory#b220_b222_a_guard_fails")),
    (223..=223, Tested("memory#b223_two_invocations")),
    (224..=224, Tested("memory#b224_a_reference_that_does_not_escape")),
    (225..=225, Tested("memory#b225_b228_a_reference_escapes")),
    (226..=226, Absent("the borrow checker does not let a reference outlive its frame")),
    (227..=227, Tested("memory#b227_a_chain_of_frames")),
    (228..=228, Tested("memory#b225_b228_a_reference_escapes")),
    // O. Unrolling and virtual state
    (229..=229, Tested("unroll#b229_what_stays_the_same")),
    (230..=230, Tested("unroll#b230_a_bridge_changes")),
    (231..=231, Tested("unroll#b231_two_arrays")),
    (232..=232, Tested("unroll#b232_b239_bounds")),
    (233..=233, Tested("unroll#b233_reds_that_become_equal")),
    (234..=234, Tested("unroll#b234_the_loop_reads_nothing")),
    (235..=235, Tested("unroll#b235_b241_values_that_change_places")),
    (236..=236, Tested("unroll#b057_b236_a_guard_of_the_lap")),
    (237..=238, Absent("labels have no virtual states: the preheader's takes anything")),
    (239..=239, Tested("unroll#b232_b239_bounds")),
    (240..=240, Tested("unroll#b058_b240_a_bridge_knows")),
    (241..=241, Tested("unroll#b241_values_that_swap")),
    (242..=242, Tested("unroll#b242_one_value_in_many_reds")),
    // P. Integer optimizer
    (243..=243, Tested("ranges#decided_comparisons_are_right_on_bytes")),
    (244..=244, Tested("opt#guards/repeated.trace")),
    (245..=245, Tested("opt#ranges/overflow.trace")),
    (246..=246, Tested("rules#b246_every_rule_applies_in_a_file")),
    (247..=247, Tested("ranges#decided_comparisons_are_right_on_bytes")),
    (248..=248, Tested("optimizer#all_passes_keep_what_traces_do")),
    (249..=249, Tested("suite#division_by_constants")),
    (250..=250, Tested("opt#guards/not.trace")),
    // Q. Guards, resume, blackhole, encoding
    (251..=251, Tested("opt#ranges/walk_stronger.trace")),
    (252..=252, Tested("opt#guards/value_of_bool.trace")),
    (253..=253, Absent("nothing is forced from outside")),
    (254..=254, Tested("exits#arguments_are_distinct_values_and_can_be_rebuilt")),
    (255..=255, Absent("an exit has the reds of one merge point, not frames")),
    (256..=256, Tested("objects#b140_stores_that_are_put_off")),
    (257..=257, Absent("strings are in memory, exits have none to rebuild")),
    (258..=258, Absent("exits are not numbered together, they share nothing")),
    (259..=259, Tested("random#b299_b303_random_programs")),
    (260..=260, Absent("a replay is the twin itself, there are no interpreters to pool")),
    (261..=261, Absent("a trace is a list of operations in memory, and not encoded")),
    (262..=262, Tested("suite#binary_of_values")),
    (263..=263, Tested("opcode#names_are_distinct")),
    (264..=264, Tested("suite#value_of_floats_is_by_bits")),
    (265..=265, Tested("text#fn ")),
    (266..=266, Tested("text#fn ")),
    // R. Memory, invalidation, statistics
    (267..=267, Tested("hints#b267_loops_that_are_not_entered")),
    (268..=269, Tested("hints#b268_b269_a_freed_loop")),
    (270..=270, Tested("hints#b270_all_code_can_be_freed")),
    (271..=271, Tested("suite#code_is_freed_and_its_memory_reused")),
    (272..=272, Tested("stats#json_has_every_row_and_the_aborts")),
    (273..=273, Tested("hints#b273_hooks_are_called_in_order")),
    (274..=274, Tested("loops#b048_a_bridge_may_leave_the_portal")),
    (275..=275, Tested("log#b275_the_log")),
    // S. Backend contract
    (276..=276, Tested("suite#linear_loop")),
    (277..=277, Tested("suite#from_a_guard")),
    (278..=278, Tested("suite#overflow_of_values")),
    (279..=279, Tested("suite#compare_with_flags_clobbered")),
    (280..=280, Tested("suite#function_pointer_in_a_value")),
    (281..=281, Tested("suite#arrays_of_every_type")),
    (282..=282, Absent("memory is allocated by calls, which answer it initialized")),
    (283..=283, Tested("suite#passing_and_failing")),
    (284..=284, Tested("suite#panics_leave")),
    (285..=285, Absent("a condition is tested by a guard, or inside of what is called")),
    (286..=286, Absent("nothing is forced from outside")),
    (287..=287, Tested("hints#b059_b287_an_invalid_loop")),
    (288..=288, Tested("assembler#b288_results_of_several_types")),
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
    (302..=302, Tested("log#b302_traces_follow")),
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
        assert!(n_tests > 150, "only {n_tests} tests have a number");
    }
}

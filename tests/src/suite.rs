//! The conformance suite: the cases that every backend passes.
//!
//! [`CASES`] is the table, one row a case, with what it covers by the numbers of the behaviour catalogue.
//! `backend_tests!(MyBackend::new())` makes one test of each. A group is a file beside this one.

pub mod bridges;
pub mod calls;
pub mod casts;
pub mod control;
pub mod floats;
pub mod guards;
pub mod ints;
pub mod memory;
pub mod regions;

use crate::bench::Make;

/// One row of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    /// The file.
    pub group: &'static str,
    /// The function.
    pub name: &'static str,
    /// Numbers of the behaviour catalogue.
    pub covers: &'static str,
    /// Panics if the backend is wrong.
    pub run: fn(Make<'_>),
}

// `$d` is a dollar sign, which the inner macro needs.
macro_rules! suite {
    (($d:tt) $($group:ident { $($name:ident $covers:literal;)* })*) => {
        /// Every case.
        pub const CASES: &[Case] = &[$($(Case {
            group: stringify!($group),
            name: stringify!($name),
            covers: $covers,
            run: $group::$name,
        },)*)*];

        /// Makes a test of each case, in modules named as the groups; the argument is a new backend.
        #[macro_export]
        macro_rules! backend_tests {
            ($d make:expr) => {
                $(mod $group {
                    #[allow(unused_imports)]
                    use super::*;
                    $(#[test]
                    fn $name() {
                        $crate::suite::$group::$name(&|| Box::new($d make));
                    })*
                })*
            };
        }
    };
}

suite! {
    ($)
    control {
        linear_loop "B276";
        float_loop "B276";
        jump_to_label_behind_the_start "B276";
        label_in_the_middle "B276";
        loop_in_a_loop "B276";
        finish_of_every_type "B276";
        jump_permutes_values "B276";
        jump_and_label_take_constants "B276";
        unused_results_and_debug_operations "B291";
        inputs_of_all_types "B292";
        random_signatures "B292";
        many_inputs "B292";
        every_word_is_zero_extended "B277";
        jump_between_traces "B290 B298";
        jump_between_traces_needs_no_stack "B290";
        entering_behind_other_labels "B290";
        unknown_target_is_refused "B290";
        code_is_freed_and_its_memory_reused "B271 B297";
        size_is_reported "B294";
    }
    guards {
        passing_and_failing "B283";
        value_of_every_type "B283";
        value_of_floats_is_by_bits "B283";
        constant_conditions "B283";
        exits_with_holes "B277";
        exits_in_any_order "B277";
        exits_in_a_row_share_values "B277";
        many_values_live "B277";
        condition_used_again "B279";
        condition_computed_long_before "B279";
        hundreds_in_one_trace "B277";
        failure_after_many_laps "B277";
    }
    ints {
        binary_of_values "B278";
        binary_with_constant_right "B278";
        binary_with_constant_left "B278";
        binary_of_one_value "B278";
        division "B278";
        division_by_constants "B278";
        unary "B278 B293";
        overflow_of_values "B278";
        overflow_with_constants "B278";
        overflow_guard_expects_overflow "B278";
        overflow_result_is_saved_at_its_guard "B278";
        compare_and_guard "B279";
        compare_with_constant_and_guard "B279";
        compare_as_value "B279";
        compare_with_flags_clobbered "B279";
        bools "B278";
        pointers "B278";
    }
    floats {
        arithmetic "B278 B293";
        arithmetic_with_constants "B278 B280";
        compare_and_guard "B279 B295";
        compare_with_constant_and_guard "B279 B295";
        compare_as_value "B295";
        signs_of_zeros_and_nans "B278";
        rounding "B293";
    }
    casts {
        widen_and_narrow "B293";
        bool_to_int "B278";
        int_to_float "B278";
        float_to_int_saturates "B278";
        between_floats "B278";
        bits "B278";
        same_as "B291";
    }
    memory {
        fields_of_every_type "B281";
        arrays_of_every_type "B281";
        offsets_far_and_negative "B281";
        scales "B281";
        constant_addresses_and_indices "B281";
        stores_of_constants "B281";
        neighbours_stay "B281";
        loaded_bools_decide "B281";
        store_then_load "B281";
        loop_sums_an_array "B276 B281";
    }
    calls {
        no_arguments_and_no_result "B280";
        arguments_of_every_type "B280";
        forty_words "B280";
        results_of_every_type "B280";
        several_results "B280";
        function_pointer_in_a_value "B280";
        values_live_across "B280";
        panics_leave "B284";
        panics_among_results "B284";
        pure_calls "B280";
        unused_results "B291";
        in_a_loop "B280";
        execute_inside_execute "B280 B289";
        inside_a_bridge "B280";
    }
    bridges {
        from_a_guard "B277";
        on_a_bridge "B277";
        back_to_the_loop "B290";
        to_another_loop "B290 B298";
        with_floats "B277";
        big_out_of_a_small_loop "B277 B298";
        from_an_overflow_guard "B277";
        from_a_call_guard "B277 B284";
        from_a_value_guard "B277";
        attached_while_running "B289";
        attached_below_a_nested_run "B289";
        loop_compiled_while_running "B289";
        two_on_one_loop "B277";
        crossed_often "B277";
        freed_with_its_loop "B271";
    }
    regions {
        a_loop_with_its_bridges "B277 B290";
        loops_that_jump_to_each_other "B290 B298";
        every_trace_can_be_entered "B290";
        exits_keep_their_numbers "B277";
        growing "B277 B290";
        in_any_order "B290";
        values_change_places "B277 B290";
        values_of_every_type "B277 B292";
        calls_and_memory "B280 B281";
        compiled_while_running "B289";
        compiled_below_a_nested_run "B289";
        members_are_freed "B271 B297";
        bridges_are_replaced "B277";
        entries_are_counted "B289";
    }
}

//! RFC 9293, Appendix B: every requirement, in the RFC's order, and the test that shows it. A test below checks that each
//! test named here exists. A dash says why there is nothing to show.

/// Requirement, what it asks, and the test or the reason.
const REQUIREMENTS: &[(&str, &str, &str)] = &[
    // PUSH flag
    (
        "MAY-16",
        "aggregate un-pushed data",
        "nagle_holds_a_second_short_segment_until_the_first_is_acknowledged",
    ),
    (
        "SHLD-27",
        "collapse successive PSH bits",
        "segments_are_as_large_as_the_peer_takes_and_the_last_is_pushed",
    ),
    ("MAY-15", "SEND can specify PUSH", "- every write is pushed"),
    (
        "MUST-60",
        "not buffer indefinitely",
        "a_silly_window_that_stays_is_used_within_a_second",
    ),
    (
        "MUST-61",
        "PSH on the last segment",
        "segments_are_as_large_as_the_peer_takes_and_the_last_is_pushed",
    ),
    (
        "MAY-17",
        "notify the receiver of PSH",
        "- data is told as it comes",
    ),
    (
        "SHLD-28",
        "send segments of the largest size",
        "segments_are_as_large_as_the_peer_takes_and_the_last_is_pushed",
    ),
    // Window
    (
        "MUST-1",
        "the window is unsigned",
        "the_peers_window_counts_as_unsigned",
    ),
    (
        "REC-1",
        "the window has 32 bits",
        "a_scaled_window_is_used_by_both_sides_or_by_none",
    ),
    (
        "SHLD-14",
        "do not shrink the window",
        "the_right_edge_never_moves_back_and_never_passes_the_buffer",
    ),
    (
        "SHLD-15",
        "no new data when the peer shrinks it",
        "a_window_that_shrinks_stops_new_data_and_is_probed",
    ),
    (
        "SHLD-16",
        "repeat old data within it",
        "a_window_that_shrinks_stops_new_data_and_is_probed",
    ),
    (
        "SHLD-17",
        "no timeout for data past its edge",
        "a_window_that_shrinks_stops_new_data_and_is_probed",
    ),
    (
        "MUST-34",
        "be robust when it shrinks",
        "a_window_that_shrinks_stops_new_data_and_is_probed",
    ),
    (
        "MAY-8",
        "our window may stay closed",
        "the_window_says_what_the_buffer_can_take_and_never_creeps",
    ),
    (
        "MUST-35",
        "probe as usual",
        "a_closed_window_is_probed_after_one_timeout_and_then_ever_more_rarely",
    ),
    (
        "MUST-36",
        "probe a closed window",
        "a_closed_window_is_probed_after_one_timeout_and_then_ever_more_rarely",
    ),
    (
        "SHLD-29",
        "first probe after one timeout",
        "a_closed_window_is_probed_after_one_timeout_and_then_ever_more_rarely",
    ),
    (
        "SHLD-30",
        "back off exponentially",
        "a_closed_window_is_probed_after_one_timeout_and_then_ever_more_rarely",
    ),
    (
        "MUST-37",
        "it may stay closed indefinitely",
        "a_connection_outlives_a_window_that_stays_closed_while_probes_are_answered",
    ),
    ("MAY-7", "repeat data beyond its edge", "- we do not"),
    (
        "MUST-66",
        "RST and URG with a closed window",
        "a_closed_window_lets_acknowledgements_resets_and_urgent_pointers_in",
    ),
    // Urgent data
    (
        "MUST-30",
        "support the urgent pointer",
        "urgent_data_is_pointed_at",
    ),
    (
        "MUST-62",
        "it points behind the last urgent byte",
        "urgent_data_is_pointed_at",
    ),
    (
        "MUST-31",
        "urgent data of any length",
        "urgent_data_may_be_of_any_length",
    ),
    (
        "MUST-32",
        "tell the program at once",
        "urgent_data_is_announced_and_measured",
    ),
    (
        "MUST-33",
        "tell the program how much",
        "urgent_data_is_announced_and_measured",
    ),
    (
        "SHLD-13",
        "programs should not use it",
        "- said where it is offered",
    ),
    // TCP options
    (
        "MUST-4",
        "support the mandatory options",
        "what_was_emitted_is_parsed",
    ),
    (
        "MUST-5",
        "take options on any segment",
        "options_on_any_segment_and_of_any_kind_do_no_harm",
    ),
    (
        "MUST-6",
        "ignore unknown options",
        "unknown_options_are_skipped",
    ),
    (
        "MUST-68",
        "options have lengths",
        "unknown_options_are_skipped",
    ),
    (
        "MUST-7",
        "cope with impossible lengths",
        "an_impossible_length_ends_the_options_and_keeps_what_came_before",
    ),
    (
        "MUST-64",
        "options of any alignment",
        "unknown_options_are_skipped",
    ),
    (
        "MUST-14",
        "send and take the MSS option",
        "a_connect_is_three_segments",
    ),
    (
        "SHLD-5",
        "send it unless it is the default",
        "a_connect_is_three_segments",
    ),
    ("MAY-3", "send it always", "a_connect_is_three_segments"),
    (
        "MUST-15",
        "the default is 536 or 1,220",
        "a_peer_that_does_not_say_gets_536_bytes",
    ),
    (
        "MUST-16",
        "the effective segment size",
        "segments_are_no_larger_than_the_path_takes",
    ),
    (
        "SHLD-6",
        "the MSS follows the MTU",
        "segments_are_no_larger_than_the_path_takes",
    ),
    (
        "MUST-65",
        "no MSS option but on SYNs",
        "the_mss_option_is_on_syns_only",
    ),
    (
        "MUST-67",
        "the MSS is what we can take in",
        "segments_are_no_larger_than_the_path_takes",
    ),
    ("MUST-69", "pad with zeros", "what_was_emitted_is_parsed"),
    // Checksums
    (
        "MUST-2",
        "compute the checksum",
        "a_connect_is_three_segments",
    ),
    (
        "MUST-3",
        "verify the checksum",
        "a_damaged_segment_is_dropped_and_counted",
    ),
    // Initial sequence numbers
    (
        "MUST-8",
        "they follow a clock",
        "a_connection_begins_later_the_second_time",
    ),
    (
        "SHLD-1",
        "and a secret function",
        "connections_and_secrets_have_their_own_numbers",
    ),
    (
        "MUST-9",
        "that nobody outside computes",
        "initial_numbers_cannot_be_guessed_from_others",
    ),
    // Opening
    (
        "MUST-10",
        "both may open at once",
        "both_may_open_at_once_and_either_acknowledgement_completes_it",
    ),
    (
        "MUST-11",
        "SYN-RECEIVED knows where it came from",
        "a_reset_or_a_new_syn_in_syn_received_goes_back_to_listening",
    ),
    (
        "MUST-41",
        "a listener disturbs nobody",
        "a_port_can_be_listened_at_while_connections_from_it_are_open_or_opening",
    ),
    (
        "MUST-42",
        "listen beside connections of the port",
        "a_port_can_be_listened_at_while_connections_from_it_are_open_or_opening",
    ),
    (
        "MUST-44",
        "ask IP for the source address",
        "- Stack::tcp_connect asks the route",
    ),
    (
        "MUST-45",
        "and keep it",
        "bytes_written_before_the_handshake_leave_with_its_last_segment",
    ),
    (
        "MUST-46",
        "no connect to many",
        "a_connect_needs_a_destination_that_can_be_one",
    ),
    (
        "MUST-57",
        "drop what was sent to many",
        "segments_to_many_or_from_nobody_are_dropped_in_silence",
    ),
    // Closing
    ("SHLD-2", "an RST may carry data", "a_reset_may_carry_data"),
    (
        "MUST-12",
        "tell the program of an abort",
        "a_reset_at_exactly_the_awaited_number_ends_the_connection",
    ),
    (
        "MAY-1",
        "close both halves at once",
        "data_for_a_program_that_is_gone_resets_the_connection",
    ),
    (
        "SHLD-3",
        "RST says that data was lost",
        "giving_back_a_connection_with_unread_data_resets_it",
    ),
    (
        "MUST-13",
        "TIME-WAIT lasts 2 MSL",
        "time_wait_lasts_its_time_and_answers_a_repeated_fin",
    ),
    (
        "MAY-2",
        "a SYN may end it",
        "a_syn_with_a_higher_number_opens_a_connection_again_from_time_wait",
    ),
    (
        "SHLD-4",
        "timestamps may shorten it",
        "- sequence numbers decide",
    ),
    // Retransmission
    (
        "MUST-19",
        "back-off, slow start, avoidance",
        "after_a_timeout_the_window_is_one_segment_and_grows_again",
    ),
    (
        "MAY-4",
        "repeat with the same IP identity",
        "- RFC 6864: DF packets need none",
    ),
    (
        "MUST-18",
        "Karn's algorithm",
        "a_segment_that_was_repeated_is_not_measured",
    ),
    // Acknowledgements
    (
        "MUST-58",
        "aggregate them",
        "all_that_arrived_is_processed_before_one_acknowledgement_is_sent",
    ),
    (
        "SHLD-31",
        "hold what is out of order",
        "segments_out_of_order_are_held_and_acknowledged_at_once",
    ),
    (
        "MUST-59",
        "process all before acknowledging",
        "all_that_arrived_is_processed_before_one_acknowledgement_is_sent",
    ),
    (
        "MAY-13",
        "acknowledge what is out of order",
        "segments_out_of_order_are_held_and_acknowledged_at_once",
    ),
    (
        "SHLD-18",
        "delay them",
        "a_single_segment_is_acknowledged_after_forty_milliseconds",
    ),
    (
        "MUST-40",
        "by less than half a second",
        "no_delay_reaches_half_a_second",
    ),
    (
        "SHLD-19",
        "but not every second one",
        "every_second_full_segment_is_acknowledged_at_once",
    ),
    (
        "MUST-39",
        "no silly windows from us",
        "the_window_says_what_the_buffer_can_take_and_never_creeps",
    ),
    // Sending
    ("MUST-49", "the TTL is configurable", "- Config::hop_limit"),
    (
        "MUST-38",
        "no silly segments from us",
        "no_silly_window_is_filled",
    ),
    (
        "SHLD-7",
        "Nagle's algorithm",
        "nagle_holds_a_second_short_segment_until_the_first_is_acknowledged",
    ),
    (
        "MUST-17",
        "which can be turned off",
        "nagle_can_be_turned_off",
    ),
    // Failures
    (
        "MUST-20",
        "advice to IP at R1",
        "a_host_that_leaves_three_repetitions_unanswered_is_put_in_doubt_once",
    ),
    (
        "MUST-20",
        "close at R2",
        "data_that_is_never_acknowledged_ends_the_connection_at_the_user_timeout",
    ),
    (
        "MUST-21",
        "the program sets R2",
        "the_program_can_change_the_user_timeout",
    ),
    (
        "SHLD-9",
        "tell the program between R1 and R2",
        "the_program_can_see_that_nothing_is_acknowledged",
    ),
    (
        "SHLD-10",
        "R1 is three repetitions",
        "data_that_is_never_acknowledged_ends_the_connection_at_the_user_timeout",
    ),
    (
        "SHLD-11",
        "R2 is at least 100 s",
        "the_defaults_are_as_patient_as_the_rfc_asks",
    ),
    (
        "MUST-22",
        "SYNs alike",
        "a_syn_is_repeated_with_doubling_gaps_and_given_up_after_three_minutes",
    ),
    (
        "MUST-23",
        "for at least three minutes",
        "a_syn_is_repeated_with_doubling_gaps_and_given_up_after_three_minutes",
    ),
    // Keep-alive
    (
        "MAY-5",
        "keep-alive",
        "an_idle_peer_is_probed_with_an_empty_segment_that_it_must_answer",
    ),
    (
        "MUST-24",
        "on request",
        "keep_alive_can_be_set_and_stopped_at_any_time",
    ),
    (
        "MUST-25",
        "off by default",
        "without_being_asked_nobody_is_probed",
    ),
    (
        "MUST-26",
        "only when idle",
        "anything_that_is_heard_counts_as_a_sign_of_life",
    ),
    (
        "MUST-27",
        "with an interval to choose",
        "keep_alive_can_be_set_and_stopped_at_any_time",
    ),
    (
        "MUST-28",
        "of two hours by default",
        "- there is no default: who asks says how long",
    ),
    (
        "MUST-29",
        "tolerant of losses",
        "many_probes_without_an_answer_end_the_connection_and_a_few_do_not",
    ),
    (
        "SHLD-12",
        "without data",
        "an_idle_peer_is_probed_with_an_empty_segment_that_it_must_answer",
    ),
    (
        "MAY-6",
        "or with a garbage byte",
        "- not needed since RFC 1122",
    ),
    // IP options
    (
        "MUST-50",
        "ignore those that TCP does not know",
        "- internet skips all",
    ),
    ("MAY-10", "timestamp", "- no"),
    ("MAY-11", "record route", "- no"),
    (
        "MUST-51",
        "source route",
        "- Deviation: source-routed packets are dropped everywhere (RFC 7126 §4.3)",
    ),
    (
        "MUST-52",
        "of the program's over the packet's",
        "- as above",
    ),
    ("MUST-53", "and back", "- as above"),
    ("SHLD-24", "the later one", "- as above"),
    // ICMP
    (
        "MUST-54",
        "act on ICMP",
        "an_error_about_the_syn_ends_the_connect_and_says_why",
    ),
    (
        "SHLD-25",
        "unreachable 0, 1, 5: tell",
        "no_error_ends_an_established_connection",
    ),
    (
        "MUST-56",
        "and do not abort",
        "no_error_ends_an_established_connection",
    ),
    (
        "SHLD-26",
        "unreachable 2 to 4: abort",
        "an_error_about_the_syn_ends_the_connect_and_says_why",
    ),
    ("MUST-55", "ignore source quench", "- internet drops it"),
    (
        "MUST-56",
        "time exceeded does not abort",
        "time_exceeded_and_parameter_problems_do_not_end_a_connect_but_explain_its_timeout",
    ),
    (
        "MUST-56",
        "nor does a parameter problem",
        "time_exceeded_and_parameter_problems_do_not_end_a_connect_but_explain_its_timeout",
    ),
    // Addresses
    (
        "MUST-46",
        "no connect to what is no host",
        "a_connect_needs_a_destination_that_can_be_one",
    ),
    (
        "MUST-63",
        "no SYN from what is no host",
        "segments_to_many_or_from_nobody_are_dropped_in_silence",
    ),
    (
        "MUST-57",
        "no SYN to many",
        "segments_to_many_or_from_nobody_are_dropped_in_silence",
    ),
    // Interface to the program
    (
        "MUST-47",
        "report soft errors",
        "no_error_ends_an_established_connection",
    ),
    (
        "SHLD-20",
        "which can be turned off",
        "- they are asked for, not told",
    ),
    (
        "MUST-48",
        "the program sets the codepoint",
        "the_program_sets_the_differentiated_services_codepoint",
    ),
    (
        "SHLD-22",
        "which passes unchanged",
        "the_program_sets_the_differentiated_services_codepoint",
    ),
    (
        "SHLD-21",
        "at any time",
        "the_program_sets_the_differentiated_services_codepoint",
    ),
    (
        "SHLD-23",
        "though it should not",
        "- the program's business",
    ),
    ("MAY-9", "pass the codepoint up", "- no"),
    (
        "MAY-14",
        "FLUSH",
        "flushed_waits_for_the_last_byte_and_the_fin",
    ),
    (
        "MUST-43",
        "the local address can be chosen",
        "two_listeners_of_one_port_need_two_addresses",
    ),
    // Extensions
    (
        "MAY-12",
        "RFC 5961",
        "an_acknowledgement_older_than_any_window_is_answered_and_dropped",
    ),
    (
        "SHLD-8",
        "ECN",
        "an_echo_slows_down_once_a_round_trip_and_sends_nothing_again",
    ),
    (
        "MAY-18",
        "other congestion control",
        "the_curve_agrees_with_the_formula_of_rfc_9438",
    ),
];

/// Where the tests are.
const SOURCES: &[&str] = &[
    include_str!("acking.rs"),
    include_str!("closing.rs"),
    include_str!("handshake.rs"),
    include_str!("listening.rs"),
    include_str!("liveness.rs"),
    include_str!("loss.rs"),
    include_str!("marking.rs"),
    include_str!("receiving.rs"),
    include_str!("sack.rs"),
    include_str!("sending.rs"),
    include_str!("../acknowledge.rs"),
    include_str!("../congestion/cubic.rs"),
    include_str!("../isn.rs"),
    include_str!("../window.rs"),
    include_str!("../../../wire/tcp_options.rs"),
];

#[test]
fn every_requirement_of_appendix_b_has_a_test_or_a_reason() {
    for (requirement, feature, shown_by) in REQUIREMENTS {
        let definition = alloc::format!("fn {shown_by}(");
        let is_shown = SOURCES.iter().any(|source| source.contains(&definition));
        assert!(
            is_shown || shown_by.starts_with("- "),
            "{requirement}, {feature}: {shown_by}"
        );
    }
}

#[test]
fn no_requirement_is_left_out() {
    for (kind, last) in [("MUST", 69), ("SHLD", 31), ("MAY", 18)] {
        for number in 1..=last {
            let name = alloc::format!("{kind}-{number}");
            let is_listed = REQUIREMENTS.iter().any(|(listed, ..)| *listed == name);
            assert!(is_listed, "{name}");
        }
    }
}

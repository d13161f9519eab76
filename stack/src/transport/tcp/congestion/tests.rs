use super::*;
use proptest::prelude::*;

const SEGMENT: usize = 1_000;

fn fresh(algorithm: CongestionAlgorithm) -> Congestion {
    Congestion::new(algorithm, SEGMENT)
}

/// Acknowledges `bytes` of a flight that had filled the window.
fn acknowledge(congestion: &mut Congestion, bytes: usize, now: Instant) {
    congestion.on_sent(congestion.window(), now);
    congestion.on_ack(Acknowledged {
        bytes,
        smoothed_round_trip: Some(Duration::from_millis(100)),
        now,
    });
}

#[test]
fn the_initial_window_is_that_of_rfc_6928() {
    for (segment, window) in [
        (536, 5_360),
        (1_000, 10_000),
        (1_460, 14_600),
        (9_000, 18_000),
    ] {
        assert_eq!(
            Congestion::new(CongestionAlgorithm::Cubic, segment).window(),
            window
        );
    }
}

#[test]
fn the_segment_size_of_the_handshake_sets_the_initial_window_and_later_ones_do_not() {
    let mut congestion = fresh(CongestionAlgorithm::Cubic);
    congestion.set_maximum_segment(500);
    assert_eq!(congestion.window(), 5_000);
    congestion.on_sent(500, Instant::ZERO);
    congestion.set_maximum_segment(400);
    assert_eq!(congestion.window(), 5_000);
}

#[test]
fn a_lost_syn_leaves_one_segment() {
    let mut congestion = fresh(CongestionAlgorithm::NewReno);
    congestion.on_handshake_loss();
    congestion.set_maximum_segment(SEGMENT);
    assert_eq!(congestion.window(), SEGMENT);
}

#[test]
fn slow_start_doubles_the_window_each_round_trip() {
    let mut congestion = fresh(CongestionAlgorithm::Cubic);
    for round in 1..5_u64 {
        let window = congestion.window();
        for _ in 0..window / (2 * SEGMENT) {
            acknowledge(
                &mut congestion,
                2 * SEGMENT,
                Instant::from_millis(100 * round),
            );
        }
        assert_eq!(congestion.window(), 2 * window);
    }
}

#[test]
fn slow_start_doubles_the_window_too_when_one_acknowledgement_answers_a_frame_of_many_segments() {
    let mut congestion = fresh(CongestionAlgorithm::Cubic);
    let round_trip = |congestion: &mut Congestion| {
        let window = congestion.window();
        let frames = window.div_ceil(40 * SEGMENT);
        for _ in 0..frames {
            congestion.on_frame(window / frames);
            acknowledge(congestion, window / frames, Instant::ZERO);
        }
        assert_eq!(congestion.window(), window + window / frames * frames);
    };
    (0..8).for_each(|_| round_trip(&mut congestion));
    congestion.on_timeout(congestion.window(), false);
    // What was sent before may be acknowledged at one blow: that says nothing about the path now.
    congestion.on_frame(SEGMENT);
    acknowledge(&mut congestion, 100 * SEGMENT, Instant::ZERO);
    assert_eq!(congestion.window(), 2 * SEGMENT);
    (0..6).for_each(|_| round_trip(&mut congestion));
}

#[test]
fn a_window_that_is_not_used_does_not_grow() {
    for algorithm in [CongestionAlgorithm::Cubic, CongestionAlgorithm::NewReno] {
        let mut congestion = fresh(algorithm);
        for round in 0..1_000 {
            congestion.on_sent(2 * SEGMENT, Instant::from_millis(round));
            congestion.on_ack(Acknowledged {
                bytes: 2 * SEGMENT,
                smoothed_round_trip: None,
                now: Instant::from_millis(round),
            });
        }
        assert_eq!(congestion.window(), 10 * SEGMENT);
    }
}

#[test]
fn reno_halves_on_loss_and_recovers_as_rfc_6582_says() {
    let mut congestion = fresh(CongestionAlgorithm::NewReno);
    (0..10).for_each(|_| acknowledge(&mut congestion, SEGMENT, Instant::ZERO));
    assert_eq!(congestion.window(), 20 * SEGMENT);
    congestion.on_loss(20 * SEGMENT);
    assert_eq!(congestion.slow_start_threshold(), 10 * SEGMENT);
    congestion.inflate(3);
    assert_eq!(congestion.window(), 13 * SEGMENT);
    congestion.inflate(1);
    assert_eq!(congestion.window(), 14 * SEGMENT);
    congestion.on_partial_ack(4 * SEGMENT);
    assert_eq!(congestion.window(), 11 * SEGMENT);
    congestion.on_partial_ack(100);
    assert_eq!(congestion.window(), 11 * SEGMENT - 100);
    congestion.on_recovery_exit(4 * SEGMENT);
    assert_eq!(congestion.window(), 5 * SEGMENT);
    assert!(!congestion.in_recovery());
}

#[test]
fn reno_adds_one_segment_a_window_in_congestion_avoidance() {
    let mut congestion = fresh(CongestionAlgorithm::NewReno);
    congestion.on_loss(20 * SEGMENT);
    congestion.on_recovery_exit(20 * SEGMENT);
    assert_eq!(congestion.window(), 10 * SEGMENT);
    (0..10).for_each(|_| acknowledge(&mut congestion, SEGMENT, Instant::ZERO));
    assert_eq!(congestion.window(), 11 * SEGMENT);
}

#[test]
fn a_timeout_leaves_one_segment_and_a_second_one_keeps_the_threshold() {
    for (algorithm, threshold) in [
        (CongestionAlgorithm::NewReno, 5 * SEGMENT),
        (CongestionAlgorithm::Cubic, 7 * SEGMENT),
    ] {
        let mut congestion = fresh(algorithm);
        congestion.on_loss(10 * SEGMENT);
        congestion.on_timeout(10 * SEGMENT, false);
        assert_eq!(congestion.window(), SEGMENT);
        assert_eq!(congestion.slow_start_threshold(), threshold);
        congestion.on_timeout(SEGMENT, true);
        assert_eq!(congestion.slow_start_threshold(), threshold);
        // RFC 3465 §2.3: one segment an acknowledgement after a timeout, however much it covers.
        acknowledge(&mut congestion, 5 * SEGMENT, Instant::ZERO);
        assert_eq!(congestion.window(), 2 * SEGMENT);
    }
}

#[test]
fn a_timeout_in_recovery_does_not_raise_the_threshold() {
    for (algorithm, threshold) in [
        (CongestionAlgorithm::NewReno, 5 * SEGMENT),
        (CongestionAlgorithm::Cubic, 7 * SEGMENT),
    ] {
        let mut congestion = fresh(algorithm);
        congestion.on_loss(10 * SEGMENT);
        // Every duplicate let another segment out.
        congestion.inflate(30);
        congestion.on_timeout(40 * SEGMENT, false);
        assert_eq!(congestion.slow_start_threshold(), threshold);
    }
}

#[test]
fn the_threshold_is_never_below_two_segments() {
    let mut congestion = fresh(CongestionAlgorithm::NewReno);
    congestion.on_loss(0);
    assert_eq!(congestion.slow_start_threshold(), 2 * SEGMENT);
}

#[test]
fn an_idle_connection_starts_again_with_the_initial_window() {
    let mut congestion = fresh(CongestionAlgorithm::Cubic);
    (0..90).for_each(|_| acknowledge(&mut congestion, SEGMENT, Instant::ZERO));
    assert_eq!(congestion.window(), 100 * SEGMENT);
    let timeout = Duration::from_millis(300);
    congestion.before_send(SEGMENT, timeout, Instant::from_millis(400));
    congestion.before_send(0, timeout, Instant::from_millis(300));
    assert_eq!(congestion.window(), 100 * SEGMENT);
    congestion.before_send(0, timeout, Instant::from_millis(301));
    assert_eq!(congestion.window(), 10 * SEGMENT);
}

#[test]
fn after_an_idle_time_slow_start_leads_most_of_the_way_back_and_no_further() {
    let mut congestion = cubic_after_loss(100);
    run(&mut congestion, 0, 10_000);
    let before = congestion.window();
    assert!(before > 120 * SEGMENT);
    let later = Instant::from_millis(60_000);
    congestion.before_send(0, Duration::from_secs(1), later);
    assert_eq!(congestion.window(), 10 * SEGMENT);
    let threshold = congestion.slow_start_threshold();
    assert!((before - before / 4).abs_diff(threshold) < SEGMENT);
    while congestion.window() < threshold {
        acknowledge(&mut congestion, SEGMENT, later);
    }
    assert_eq!(congestion.window(), threshold);
    acknowledge(&mut congestion, SEGMENT, later);
    assert!(congestion.window() < threshold + SEGMENT);
}

#[test]
fn without_congestion_control_nothing_limits() {
    let mut congestion = fresh(CongestionAlgorithm::None);
    congestion.on_loss(SEGMENT);
    congestion.on_timeout(SEGMENT, false);
    acknowledge(&mut congestion, SEGMENT, Instant::ZERO);
    assert_eq!(congestion.window(), usize::MAX);
}

/// A CUBIC connection that lost a segment with `segments` in flight, just out of recovery.
fn cubic_after_loss(segments: usize) -> Congestion {
    let mut congestion = fresh(CongestionAlgorithm::Cubic);
    for _ in 10..segments {
        acknowledge(&mut congestion, SEGMENT, Instant::ZERO);
    }
    assert_eq!(congestion.window(), segments * SEGMENT);
    congestion.on_loss(segments * SEGMENT);
    congestion.on_recovery_exit(segments * SEGMENT);
    congestion
}

/// Runs whole windows of acknowledgements, one each round trip of 100 ms, until `end`.
fn run(congestion: &mut Congestion, from: u64, end: u64) {
    for round in from / 100..end / 100 {
        for _ in 0..congestion.window() / SEGMENT {
            acknowledge(congestion, SEGMENT, Instant::from_millis(100 * round));
        }
    }
}

#[test]
fn cubic_returns_to_its_plateau_after_k_seconds_and_then_probes() {
    let mut congestion = cubic_after_loss(1_000);
    assert_eq!(congestion.window(), 700 * SEGMENT);
    // K = ∛(300 / 0.4) = 9.09 s
    run(&mut congestion, 0, 5_000);
    let concave = congestion.window() as f64 / SEGMENT as f64;
    let expected = 1_000.0 + 0.4 * (5.0_f64 - 9.086).powi(3);
    assert!((concave - expected).abs() < 10.0, "{concave} {expected}");
    run(&mut congestion, 5_000, 9_100);
    let plateau = congestion.window() as f64 / SEGMENT as f64;
    assert!((plateau - 1_000.0).abs() < 5.0, "{plateau}");
    run(&mut congestion, 9_100, 14_000);
    let convex = congestion.window() as f64 / SEGMENT as f64;
    let expected = 1_000.0 + 0.4 * (14.0_f64 - 9.086).powi(3);
    assert!((convex - expected).abs() < 15.0, "{convex} {expected}");
}

#[test]
fn cubic_is_never_slower_than_reno_on_a_short_path() {
    let mut congestion = cubic_after_loss(20);
    assert_eq!(congestion.window(), 14 * SEGMENT);
    // 1 ms round trips: the cubic curve hardly moves, Reno would add 9/17 segments in each.
    for round in 0..10_u64 {
        for _ in 0..congestion.window() / SEGMENT {
            congestion.on_sent(congestion.window(), Instant::from_millis(round));
            congestion.on_ack(Acknowledged {
                bytes: SEGMENT,
                smoothed_round_trip: Some(Duration::from_millis(1)),
                now: Instant::from_millis(round),
            });
        }
    }
    let grown = congestion.window() - 14 * SEGMENT;
    assert!((4_500..=5_800).contains(&grown), "{grown}");
}

#[test]
fn cubic_gives_room_to_others_when_it_loses_below_its_old_plateau() {
    let mut congestion = cubic_after_loss(1_000);
    congestion.on_loss(700 * SEGMENT);
    congestion.on_recovery_exit(700 * SEGMENT);
    assert_eq!(congestion.window(), 490 * SEGMENT);
    // The plateau is now at 595 and not at 700: K = ∛(105 / 0.4) = 6.4 s.
    run(&mut congestion, 0, 6_400);
    let plateau = congestion.window() / SEGMENT;
    assert!((590..=600).contains(&plateau), "{plateau}");
}

#[test]
fn cubic_does_not_count_the_time_in_which_the_window_was_not_used() {
    let (mut idle, mut busy) = (cubic_after_loss(1_000), cubic_after_loss(1_000));
    run(&mut idle, 0, 1_000);
    run(&mut busy, 0, 1_000);
    idle.before_send(0, Duration::from_secs(100), Instant::from_millis(61_000));
    run(&mut idle, 61_000, 62_000);
    run(&mut busy, 1_000, 2_000);
    assert!(idle.window().abs_diff(busy.window()) <= 30 * SEGMENT);
}

#[derive(Clone, Debug)]
enum Step {
    Ack(usize, u64),
    Sent(usize, u64),
    BeforeSend(usize, u64),
    Loss(usize),
    Inflate(usize),
    PartialAck(usize),
    Exit(usize),
    Timeout(usize, bool),
    Segment(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let size = || prop_oneof![8 => 0_usize..1_000_000, 1 => any::<usize>()];
    let time = || prop_oneof![8 => 0_u64..1_000_000, 1 => 0_u64..1 << 50];
    prop_oneof![
        8 => (size(), time()).prop_map(|(bytes, later)| Step::Ack(bytes, later)),
        8 => (size(), time()).prop_map(|(flight, later)| Step::Sent(flight, later)),
        1 => (size(), time()).prop_map(|(flight, later)| Step::BeforeSend(flight, later)),
        1 => size().prop_map(Step::Loss),
        1 => size().prop_map(Step::Inflate),
        1 => size().prop_map(Step::PartialAck),
        1 => size().prop_map(Step::Exit),
        1 => (size(), any::<bool>()).prop_map(|(flight, repeated)| Step::Timeout(flight, repeated)),
        1 => size().prop_map(Step::Segment),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_the_window_holds_a_segment_and_stays_below_its_limit(
        cubic: bool,
        segment in 1_usize..70_000,
        steps in proptest::collection::vec(step(), 1..300),
    ) {
        let algorithm = if cubic { CongestionAlgorithm::Cubic } else { CongestionAlgorithm::NewReno };
        let mut congestion = Congestion::new(algorithm, segment);
        let mut now = Instant::ZERO;
        for step in steps {
            match step {
                Step::Ack(bytes, later) => {
                    now += Duration::from_micros(later);
                    let smoothed_round_trip = Some(Duration::from_micros(later));
                    congestion.on_ack(Acknowledged { bytes, smoothed_round_trip, now });
                }
                Step::Sent(flight, later) => {
                    now += Duration::from_micros(later);
                    congestion.on_sent(flight, now);
                }
                Step::BeforeSend(flight, later) => {
                    now += Duration::from_micros(later);
                    congestion.before_send(flight, Duration::from_secs(1), now);
                }
                Step::Loss(flight) => congestion.on_loss(flight),
                Step::Inflate(segments) => congestion.inflate(segments),
                Step::PartialAck(bytes) => congestion.on_partial_ack(bytes),
                Step::Exit(flight) => congestion.on_recovery_exit(flight),
                Step::Timeout(flight, repeated) => congestion.on_timeout(flight, repeated),
                Step::Segment(size) => congestion.set_maximum_segment(size),
            }
            prop_assert!(congestion.window() >= congestion.maximum_segment);
            prop_assert!(congestion.window() <= LARGEST_WINDOW);
        }
    }
}

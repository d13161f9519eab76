use super::*;
use std::future::{Future, pending, ready as at_once};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

/// Counts how often it was called.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether a session has its turn now, and keeps it.
fn has_turn(turn: &mut Turn<'_>) -> bool {
    rings(turn, &Arc::default())
}

fn rings(turn: &mut Turn<'_>, bell: &Arc<Bell>) -> bool {
    let waker = Waker::from(Arc::clone(bell));
    let take = pin!(turn.take(at_once(())));
    take.poll(&mut Context::from_waker(&waker)).is_ready()
}

fn spend(turn: &mut Turn<'_>, bytes: u64) {
    let spend = pin!(turn.spend(bytes as usize));
    let _ = spend.poll(&mut Context::from_waker(Waker::noop()));
}

#[test]
fn nobody_waits_while_there_is_a_place() {
    let turns = Turns::new(2);
    let [mut one, mut other, mut third] = [turns.turn(), turns.turn(), turns.turn()];
    for _ in 0..100 {
        assert!(has_turn(&mut one) && has_turn(&mut other));
        spend(&mut one, QUANTUM);
    }
    assert!(!has_turn(&mut third));
}

#[test]
fn a_turn_ends_when_it_is_used_up_and_not_before() {
    let turns = Turns::new(1);
    let [mut one, mut other] = [turns.turn(), turns.turn()];
    assert!(has_turn(&mut one) && !has_turn(&mut other));
    spend(&mut one, QUANTUM - 1);
    assert!(!has_turn(&mut other));
    spend(&mut one, 1);
    assert!(has_turn(&mut other) && !has_turn(&mut one));
}

#[test]
fn who_got_least_goes_first_and_is_called() {
    let turns = Turns::new(1);
    let mut sessions: Vec<Turn<'_>> = (0..4).map(|_| turns.turn()).collect();
    let bells: Vec<Arc<Bell>> = (0..4).map(|_| Arc::default()).collect();
    let bytes = [2, 3, 1, 2];
    for (session, bytes) in sessions.iter_mut().zip(bytes) {
        assert!(has_turn(session));
        spend(session, bytes * 1_000);
        session.leave();
    }
    let mut first = turns.turn();
    assert!(has_turn(&mut first));
    for (session, bell) in sessions.iter_mut().zip(&bells) {
        assert!(!rings(session, bell));
    }
    drop(first);
    for expected in [2, 0, 3, 1] {
        let called: Vec<bool> = (bells.iter())
            .map(|bell| bell.0.swap(0, Ordering::Relaxed) > 0)
            .collect();
        let alone: Vec<bool> = (0..4).map(|number| number == expected).collect();
        assert_eq!(called, alone);
        assert!(has_turn(&mut sessions[expected]));
        sessions[expected].leave();
    }
}

#[test]
fn who_was_quiet_is_ahead_by_the_leeway_and_no_more() {
    let turns = Turns::new(1);
    let [mut busy, mut quiet] = [turns.turn(), turns.turn()];
    assert!(has_turn(&mut busy));
    for _ in 0..1_000 {
        spend(&mut busy, QUANTUM);
    }
    busy.leave();
    assert!(has_turn(&mut busy));
    let mut rounds = 0;
    assert!(!has_turn(&mut quiet));
    spend(&mut busy, QUANTUM);
    assert!(!has_turn(&mut busy));
    while has_turn(&mut quiet) {
        spend(&mut quiet, QUANTUM);
        rounds += 1;
    }
    assert_eq!(rounds, LEEWAY / QUANTUM + 1);
    assert!(has_turn(&mut busy));
}

#[test]
fn a_session_that_waits_for_its_client_gives_up_its_place() {
    let turns = Turns::new(1);
    let [mut one, mut other] = [turns.turn(), turns.turn()];
    let mut waiting = pin!(one.take(pending::<()>()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    assert!(has_turn(&mut other));
}

#[test]
fn a_session_that_ends_leaves_no_gap() {
    let turns = Turns::new(1);
    let [mut holds, mut waits, mut called, mut last] =
        [turns.turn(), turns.turn(), turns.turn(), turns.turn()];
    assert!(has_turn(&mut holds));
    for turn in [&mut waits, &mut called, &mut last] {
        assert!(!has_turn(turn));
    }
    drop(waits);
    drop(holds);
    // It was called, and ends before it hears of it.
    assert!(!has_turn(&mut last));
    drop(called);
    assert!(has_turn(&mut last));
    drop(last);
    assert_eq!(turns.lock().free, 1);
}

/// Runs a thousand sessions by a scheduler that mostly picks who woke last.
#[test]
fn an_unfair_scheduler_serves_all_alike() {
    struct Task {
        number: usize,
        woken: Arc<Mutex<Vec<usize>>>,
    }
    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.woken.lock().unwrap().push(self.number);
        }
    }
    const SESSIONS: usize = 1_000;
    let turns = Turns::new(4);
    let woken = Arc::new(Mutex::new((0..SESSIONS).collect::<Vec<_>>()));
    let taken: Vec<AtomicUsize> = (0..SESSIONS).map(|_| AtomicUsize::new(0)).collect();
    let session = |number: usize| {
        let (turns, taken) = (&turns, &taken);
        async move {
            let mut turn = turns.turn();
            // Some say all in messages of one frame, and some find less than a turn's worth ready at times.
            let length = if number.is_multiple_of(3) {
                1_514
            } else {
                65_000
            };
            for message in 0.. {
                let mut late = number.is_multiple_of(2) && message % 5 == 0;
                let arrives = poll_fn(|context| {
                    if std::mem::take(&mut late) {
                        context.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    Poll::Ready(())
                });
                turn.take(arrives).await;
                taken[number].fetch_add(length, Ordering::Relaxed);
                turn.spend(length).await;
            }
        }
    };
    let mut sessions: Vec<Pin<Box<dyn Future<Output = ()> + '_>>> = (0..SESSIONS)
        .map(|number| Box::pin(session(number)) as Pin<Box<_>>)
        .collect();
    let shares =
        || -> Vec<usize> { (taken.iter().map(|bytes| bytes.load(Ordering::Relaxed))).collect() };
    let mut seed = 1_u64;
    let mut run = || {
        for _ in 0..SESSIONS {
            let number = {
                let mut woken = woken.lock().unwrap();
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let other = (seed >> 33) as usize % (8 * woken.len());
                let last = woken.len() - 1;
                woken.swap_remove(other.min(last))
            };
            let task = Task {
                number,
                woken: Arc::clone(&woken),
            };
            let waker = Waker::from(Arc::new(task));
            let _ = sessions[number]
                .as_mut()
                .poll(&mut Context::from_waker(&waker));
        }
    };
    let mut run_until = |bytes: usize| {
        while shares().iter().sum::<usize>() < bytes * SESSIONS {
            run();
        }
        shares()
    };
    // Until all have come, and those who came first have waited for the others.
    let before = run_until(10_000_000);
    let after = run_until(15_000_000);
    let taken = after.iter().zip(&before);
    for share in taken.map(|(after, before)| after - before) {
        assert!((4_750_000..=5_250_000).contains(&share), "{share}");
    }
}

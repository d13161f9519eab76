//! The queue of deadlines: finds who is due first without looking at everybody.

use crate::time::Instant;
use alloc::vec::Vec;

const ABSENT: u32 = u32::MAX;

/// Which owner is due next: a binary heap that knows where each owner stands in it. Owners are small numbers that are used
/// again, as the indices of a table are.
///
/// One entry an owner. [`enter`](Self::enter) only ever moves it forward in time: a deadline that moves away is found out when
/// the entry comes up, or needs
/// [`remove`](Self::remove) first.
#[derive(Debug, Default)]
pub(crate) struct TimerQueue {
    heap: Vec<(Instant, u32)>,
    /// By owner: its index in the heap, or [`ABSENT`].
    places: Vec<u32>,
}

impl TimerQueue {
    /// When to look again, at the latest.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.first().map(|&(at, _)| at)
    }

    /// Makes sure that `owner` comes up at `at` or before.
    #[inline]
    pub(crate) fn enter(&mut self, owner: u32, at: Instant) {
        let slot = owner as usize;
        if self.places.len() <= slot {
            self.places.resize(slot + 1, ABSENT);
        }
        let place = self.places[slot];
        if place == ABSENT {
            self.heap.push((at, owner));
            self.rise(self.heap.len() - 1);
        } else if at < self.heap[place as usize].0 {
            self.heap[place as usize].0 = at;
            self.rise(place as usize);
        }
    }

    /// Takes out the first owner whose entry is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<u32> {
        let &(at, owner) = self.heap.first()?;
        if at > now {
            return None;
        }
        self.remove(owner);
        Some(owner)
    }

    /// Takes out an owner that is gone.
    pub(crate) fn remove(&mut self, owner: u32) {
        let Some(place) = self.places.get_mut(owner as usize) else {
            return;
        };
        let place = core::mem::replace(place, ABSENT);
        if place == ABSENT {
            return;
        }
        let place = place as usize;
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            self.places[self.heap[place].1 as usize] = place as u32;
            self.rise(place);
            self.sink(place);
        }
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 && self.heap[place].0 < self.heap[(place - 1) / 2].0 {
            self.swap(place, (place - 1) / 2);
            place = (place - 1) / 2;
        }
        self.places[self.heap[place].1 as usize] = place as u32;
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let mut child = 2 * place + 1;
            if let [left, right, ..] = self.heap.get(child..).unwrap_or_default()
                && right.0 < left.0
            {
                child += 1;
            }
            match self.heap.get(child) {
                Some(&(at, _)) if at < self.heap[place].0 => self.swap(place, child),
                _ => return,
            }
            place = child;
        }
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.heap.swap(one, other);
        self.places[self.heap[one].1 as usize] = one as u32;
        self.places[self.heap[other].1 as usize] = other as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn an_owner_comes_up_at_its_earliest_setting() {
        let mut queue = TimerQueue::default();
        queue.enter(3, at(50));
        queue.enter(3, at(20));
        queue.enter(3, at(90));
        assert_eq!(queue.next(), Some(at(20)));
        assert_eq!(queue.pop_due(at(19)), None);
        assert_eq!(queue.pop_due(at(20)), Some(3));
        assert_eq!(queue.pop_due(at(1_000)), None, "one entry an owner");
    }

    #[test]
    fn an_owner_that_was_removed_comes_up_when_it_is_entered_again() {
        let mut queue = TimerQueue::default();
        queue.enter(3, at(20));
        queue.remove(3);
        assert_eq!(queue.next(), None);
        queue.enter(3, at(90));
        assert_eq!(queue.pop_due(at(89)), None);
        assert_eq!(queue.pop_due(at(90)), Some(3));
    }

    proptest! {
        #[test]
        fn the_queue_agrees_with_a_sorted_map(
            steps in proptest::collection::vec((0_u8..4, 0_u32..12, 0_u64..100), 1..200),
        ) {
            let mut queue = TimerQueue::default();
            let mut model: BTreeMap<u32, u64> = BTreeMap::new();
            for (kind, owner, when) in steps {
                match kind {
                    0 | 1 => {
                        queue.enter(owner, at(when));
                        let due = model.entry(owner).or_insert(when);
                        *due = when.min(*due);
                    }
                    2 => {
                        queue.remove(owner);
                        model.remove(&owner);
                    }
                    _ => {
                        let first = model.values().copied().min().filter(|&due| due <= when);
                        let popped = queue.pop_due(at(when));
                        prop_assert_eq!(popped.is_some(), first.is_some());
                        if let Some(popped) = popped {
                            prop_assert_eq!(model.remove(&popped), first);
                        }
                    }
                }
                prop_assert_eq!(queue.next(), model.values().min().map(|&due| at(due)));
            }
        }
    }
}

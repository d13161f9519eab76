//! Tables that leave little code for each kind of thing they hold: what a page loads counts the copies of generic ones.

use alloc::boxed::Box;
use alloc::vec::{IntoIter, Vec};
use core::iter::Flatten;
use core::ops::Range;
use hashbrown::HashTable;

/// Numbers that are found by a hash. What a number stands for, the owner knows; it says whether one is meant, and what its hash is.
#[derive(Debug, Default)]
pub(crate) struct Index(HashTable<u32>);

impl Index {
    /// How many numbers there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The number with this hash that is meant.
    pub(crate) fn find(&self, hash: u64, is_meant: &dyn Fn(u32) -> bool) -> Option<u32> {
        self.0.find(hash, |&number| is_meant(number)).copied()
    }

    /// Adds a number that is not in the table.
    pub(crate) fn insert(&mut self, hash: u64, number: u32, hash_of: &dyn Fn(u32) -> u64) {
        self.0
            .insert_unique(hash, number, |&number| hash_of(number));
    }

    /// Takes a number out, if it is there.
    pub(crate) fn remove(&mut self, hash: u64, number: u32) {
        if let Ok(entry) = self.0.find_entry(hash, |&other| other == number) {
            entry.remove();
        }
    }
}

/// Things by numbers that are used again.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Slots<T> {
        Slots {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slots<T> {
    /// Every number that was ever used.
    pub(crate) fn numbers(&self) -> Range<u32> {
        0..self.slots.len() as u32
    }

    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        self.slots.get(number as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.slots.get_mut(number as usize)?.as_mut()
    }

    /// All there are, each with its number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let all = self.slots.iter().enumerate();
        all.filter_map(|(number, slot)| Some((number as u32, slot.as_ref()?)))
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().flatten()
    }

    /// Takes a thing in; returns its number.
    pub(crate) fn insert(&mut self, value: T) -> u32 {
        let number = self.free.pop().unwrap_or(self.slots.len() as u32);
        match self.slots.get_mut(number as usize) {
            Some(free) => *free = Some(value),
            None => self.slots.push(Some(value)),
        }
        number
    }

    pub(crate) fn remove(&mut self, number: u32) -> Option<T> {
        let value = self.slots.get_mut(number as usize)?.take()?;
        self.free.push(number);
        Some(value)
    }
}

impl<T> IntoIterator for Slots<T> {
    type Item = T;
    type IntoIter = Flatten<IntoIter<Option<T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.slots.into_iter().flatten()
    }
}

/// What numbers stand for, in the order of the numbers: for those that are given out in order, or few.
#[derive(Debug)]
pub(crate) struct Sorted<T>(Vec<(u32, Box<T>)>);

impl<T> Default for Sorted<T> {
    fn default() -> Sorted<T> {
        Sorted(Vec::new())
    }
}

impl<T> Sorted<T> {
    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        let at = self.find(number).ok()?;
        self.0.get(at).map(|(_, value)| &**value)
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        let at = self.find(number).ok()?;
        self.0.get_mut(at).map(|(_, value)| &mut **value)
    }

    /// All numbers, each with what it stands for.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        self.0
            .iter_mut()
            .map(|(number, value)| (*number, &mut **value))
    }

    /// Enters a value; what the number stood for before is gone.
    pub(crate) fn insert(&mut self, number: u32, value: T) {
        let entry = (number, Box::new(value));
        match self.find(number) {
            Ok(at) => self.0[at] = entry,
            Err(at) => self.0.insert(at, entry),
        }
    }

    pub(crate) fn remove(&mut self, number: u32) {
        if let Ok(at) = self.find(number) {
            self.0.remove(at);
        }
    }

    fn find(&self, number: u32) -> Result<usize, usize> {
        // Most numbers are the newest.
        match self.0.last() {
            Some(&(last, _)) if last < number => Err(self.0.len()),
            _ => self.0.binary_search_by_key(&number, |&(number, _)| number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_one_hash_are_told_apart() {
        let mut index = Index::default();
        for number in 0..100 {
            index.insert(u64::from(number % 3), number, &|number| {
                u64::from(number % 3)
            });
        }
        assert_eq!(index.find(1, &|number| number == 40), Some(40));
        assert_eq!(index.find(1, &|number| number == 100), None);
        index.remove(1, 40);
        index.remove(1, 40);
        assert_eq!(index.find(1, &|number| number == 40), None);
        assert_eq!(index.find(1, &|number| number == 43), Some(43));
        assert_eq!(index.len(), 99);
    }

    #[test]
    fn a_number_is_used_again_once_its_thing_is_gone() {
        let mut slots = Slots::default();
        let [a, b, c] = ["a", "b", "c"].map(|name| slots.insert(name));
        assert_eq!(slots.remove(b), Some("b"));
        assert_eq!(slots.remove(b), None, "once");
        assert_eq!(slots.get(b), None);
        assert!(slots.iter().eq([(a, &"a"), (c, &"c")]));
        assert_eq!(slots.insert("d"), b);
        assert_eq!(slots.insert("e"), 3);
        assert_eq!(slots.numbers(), 0..4);
        assert!(slots.into_iter().eq(["a", "d", "c", "e"]));
    }

    #[test]
    fn a_number_stands_for_the_last_that_was_entered_until_it_is_removed() {
        let mut sorted = Sorted::default();
        for number in [5, 1, 9, 3, 5] {
            sorted.insert(number, number * 10 + sorted.len() as u32);
        }
        assert_eq!(sorted.len(), 4);
        assert_eq!(sorted.get(5), Some(&54));
        assert_eq!(sorted.get(1), Some(&11));
        assert_eq!(sorted.get_mut(9), Some(&mut 92));
        sorted.remove(1);
        sorted.remove(2);
        assert_eq!(
            [1, 2, 3, 5, 9, 10].map(|number| sorted.get(number).is_some()),
            [false, false, true, true, true, false]
        );
    }
}

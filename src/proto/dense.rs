//! A map for keys that count up and are taken out in about their order, as those of operations are: a window over the keys
//! in use, where looking one up is no search.

use std::collections::{BTreeMap, VecDeque};

/// So many empty places cost nothing.
const SLACK: usize = 64;
/// How much longer a window may be than what is in it.
const FACTOR: usize = 4;

/// A map in the order of its keys. Any key may be put in, those that are larger than all before them cheaply.
#[derive(Debug)]
pub struct Dense<T> {
    /// What is so much older than the rest that it would hold the window open. All of it is before `first`.
    stragglers: BTreeMap<u64, T>,
    /// From `first` on; not empty at its beginning.
    window: VecDeque<Option<T>>,
    first: u64,
    /// How many there are in the window.
    in_window: usize,
}

impl<T> Default for Dense<T> {
    fn default() -> Self {
        Self { stragglers: BTreeMap::new(), window: VecDeque::new(), first: 0, in_window: 0 }
    }
}

impl<T> Dense<T> {
    /// The place of a key in the window; beyond its end, too.
    fn place(&self, key: u64) -> Option<usize> {
        usize::try_from(key.checked_sub(self.first)?).ok()
    }

    /// The value with that key.
    pub fn get(&self, key: u64) -> Option<&T> {
        match self.place(key) {
            Some(place) => self.window.get(place)?.as_ref(),
            None => self.stragglers.get(&key),
        }
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, key: u64) -> Option<&mut T> {
        match self.place(key) {
            Some(place) => self.window.get_mut(place)?.as_mut(),
            None => self.stragglers.get_mut(&key),
        }
    }

    /// Puts a value in, in place of the one with that key.
    pub fn insert(&mut self, key: u64, value: T) {
        if self.window.is_empty() && self.stragglers.last_key_value().is_none_or(|(last, _)| *last < key) {
            self.first = key;
        }
        let Some(place) = self.place(key) else {
            self.stragglers.insert(key, value);
            return;
        };
        if place > self.window.len() + SLACK {
            // Far behind all there is: nothing is to be gained by a window over both.
            while !self.window.is_empty() {
                self.leave_behind();
            }
            self.first = key;
            return self.insert(key, value);
        }
        while self.window.len() <= place {
            self.window.push_back(None);
        }
        if let Some(slot) = self.window.get_mut(place)
            && slot.replace(value).is_none()
        {
            self.in_window += 1;
        }
        while self.window.len() > SLACK + FACTOR * self.in_window {
            self.leave_behind();
        }
    }

    /// Takes the value with that key out.
    pub fn remove(&mut self, key: u64) -> Option<T> {
        let Some(place) = self.place(key) else { return self.stragglers.remove(&key) };
        let value = self.window.get_mut(place)?.take()?;
        self.in_window -= 1;
        self.trim();
        Some(value)
    }

    /// The oldest of the window is no longer part of it.
    fn leave_behind(&mut self) {
        if let Some(Some(value)) = self.window.pop_front() {
            self.stragglers.insert(self.first, value);
            self.in_window -= 1;
        }
        self.first += 1;
        self.trim();
    }

    fn trim(&mut self) {
        while self.window.pop_front_if(|slot| slot.is_none()).is_some() {
            self.first += 1;
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.in_window == 0 && self.stragglers.is_empty()
    }

    /// All of it, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let window = (self.first..).zip(&self.window).filter_map(|(key, slot)| Some((key, slot.as_ref()?)));
        self.stragglers.iter().map(|(key, value)| (*key, value)).chain(window)
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut T)> {
        let window = (self.first..).zip(&mut self.window).filter_map(|(key, slot)| Some((key, slot.as_mut()?)));
        self.stragglers.iter_mut().map(|(key, value)| (*key, value)).chain(window)
    }

    /// All values, in the order of the keys.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.iter().map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.iter_mut().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_stays_long_does_not_hold_the_window_open() {
        let mut dense = Dense::default();
        dense.insert(7, 7);
        for key in 8..10_000 {
            dense.insert(key, key);
            assert_eq!(dense.remove(key), Some(key));
            assert!(dense.window.len() <= SLACK + 2 * FACTOR);
        }
        assert_eq!(dense.iter().collect::<Vec<_>>(), [(7, &7)]);
    }

    proptest! {
        #[test]
        fn it_is_a_map(steps in proptest::collection::vec((0u8..5, 0u64..400, any::<bool>()), 0..600)) {
            let (mut dense, mut map) = (Dense::default(), BTreeMap::new());
            let mut next = 0;
            for (step, key, leaps) in steps {
                let some = map.keys().copied().nth(key as usize % map.len().max(1)).unwrap_or(key);
                match step {
                    0..3 => {
                        let key = if step == 2 && key < 20 { key } else { next };
                        next += if leaps && step == 1 { 1 + key % 150 } else { 1 };
                        dense.insert(key, next);
                        map.insert(key, next);
                    }
                    _ => prop_assert_eq!(dense.remove(some), map.remove(&some)),
                }
                prop_assert_eq!(dense.get(some), map.get(&some));
                prop_assert_eq!(dense.get_mut(key), map.get_mut(&key));
                prop_assert_eq!(dense.is_empty(), map.is_empty());
                prop_assert!(dense.iter().eq(map.iter().map(|(key, value)| (*key, value))));
                prop_assert!(dense.values_mut().eq(map.values_mut()));
            }
        }
    }
}

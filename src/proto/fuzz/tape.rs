//! Bytes, read as the choices that make a vector of inputs: one that is a little different makes a vector that is a little
//! different. Behind the end all choices are the first one.

use std::time::Duration;

pub(super) struct Tape<'a>(&'a [u8]);

impl<'a> Tape<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(super) fn below(&mut self, bound: u8) -> u8 {
        self.byte() % bound
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(super) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }

    /// A number that is mostly small, and sometimes at the edge of a range.
    pub(super) fn number(&mut self) -> u64 {
        match self.byte() {
            byte @ ..=239 => u64::from(byte),
            240..=243 => u64::MAX,
            244..=246 => u64::MAX - 1,
            247..=249 => i64::MAX as u64,
            250..=252 => u64::from(u32::MAX),
            253.. => u64::from(self.byte()) << 8,
        }
    }

    /// From nothing to two minutes.
    pub(super) fn time(&mut self) -> Duration {
        let factor = self.of(&[1, 50, 500]);
        Duration::from_millis(u64::from(self.byte()) * factor)
    }

    /// Sometimes as long as can be.
    pub(super) fn limit(&mut self) -> Duration {
        match self.byte() {
            255 => Duration::MAX,
            254 => Duration::from_secs(u64::MAX),
            byte => Duration::from_millis(1 + u64::from(byte) * 250),
        }
    }

    /// So many bytes as the next one says.
    pub(super) fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }
}

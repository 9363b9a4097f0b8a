//! The secrets of this process, known again wherever others repeat them, whole or cut, in their own words.
//!
//! What is kept of a secret are numbers: a hash of each [`WINDOW`] bytes of it. A text is looked through once, in time
//! that neither the number of secrets nor their length changes, and whatever has so many bytes in common with one of
//! them is taken out.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many bytes in common with a secret are no accident; fewer of one are little worth.
const WINDOW: usize = 12;
/// Anything shorter would redact words.
const SHORTEST: usize = 6;
/// Of longer ones the beginning is known.
const LONGEST: usize = 16 * 1024;
/// A recovered connection brings a new token each time; the last ones are those that can still be repeated.
const MOST_PASSING: usize = 64;

static MEMORY: Mutex<Option<Memory>> = Mutex::new(None);

/// Takes this text out of all that others say, whatever it looks like, percent-encoded too: a secret that the user gave.
pub fn remember(text: &str) {
    with(|memory| memory.add(text, true));
}

/// The same for one that is replaced in time, such as the service's tokens: of these the last ones are known.
pub fn remember_passing(text: &str) {
    with(|memory| memory.add(text, false));
}

/// Where `text` repeats a secret, in bytes and perhaps within a character. With `cut`, also what may be the beginning of
/// one at its end.
pub(super) fn spans(text: &str, cut: bool) -> Vec<(usize, usize)> {
    with(|memory| memory.spans(text.as_bytes(), cut))
}

fn with<T>(act: impl FnOnce(&mut Memory) -> T) -> T {
    let mut memory: MutexGuard<'_, Option<Memory>> = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    act(memory.get_or_insert_with(Memory::new))
}

/// Hashes of pieces of one length, and how many secrets have each.
type Pieces = HashMap<u64, u32, BuildHasherDefault<Hashed>>;

/// The keys are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        // The lowest bits of a product of odd numbers say little.
        self.0 ^ self.0.rotate_left(32)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

struct Memory {
    /// Unlike in any other process, so that no service can make a text that is taken for a secret.
    base: u64,
    /// By the length of the pieces.
    pieces: BTreeMap<usize, Pieces>,
    /// Beginnings of secrets that are longer, by their length.
    beginnings: BTreeMap<usize, Pieces>,
    /// Hashes of whole secrets: those that stay, those that pass, the latter with their texts' hashes, oldest first.
    given: HashSet<u64>,
    passing: VecDeque<(u64, Prints)>,
}

/// What is known of one secret.
#[derive(Default)]
struct Prints {
    pieces: Vec<(usize, u64)>,
    beginnings: Vec<(usize, u64)>,
}

impl Memory {
    fn new() -> Self {
        Self {
            base: RandomState::new().build_hasher().finish() | 1,
            pieces: BTreeMap::new(),
            beginnings: BTreeMap::new(),
            given: HashSet::new(),
            passing: VecDeque::new(),
        }
    }

    fn add(&mut self, text: &str, given: bool) {
        if text.len() < SHORTEST {
            return;
        }
        let whole = self.hash(text.as_bytes());
        if self.given.contains(&whole) || self.passing.iter().any(|(known, _)| *known == whole) {
            return;
        }
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        let upper = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let mut prints = Prints::default();
        self.print(text, &mut prints);
        if upper != text {
            self.print(&upper, &mut prints);
            self.print(&lower_escapes(&upper), &mut prints);
        }
        for (of, known) in [(&prints.pieces, &mut self.pieces), (&prints.beginnings, &mut self.beginnings)] {
            for (length, hash) in of {
                *known.entry(*length).or_default().entry(*hash).or_default() += 1;
            }
        }
        if given {
            self.given.insert(whole);
            return;
        }
        self.passing.push_back((whole, prints));
        if self.passing.len() > MOST_PASSING {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((_, prints)) = self.passing.pop_front() else { return };
        for (of, known) in [(&prints.pieces, &mut self.pieces), (&prints.beginnings, &mut self.beginnings)] {
            for (length, hash) in of {
                let Some(pieces) = known.get_mut(length) else { continue };
                if let Some(count) = pieces.get_mut(hash) {
                    *count -= 1;
                    if *count == 0 {
                        pieces.remove(hash);
                    }
                }
                if pieces.is_empty() {
                    known.remove(length);
                }
            }
        }
    }

    fn print(&self, text: &str, prints: &mut Prints) {
        let bytes = text.as_bytes();
        let window = bytes.len().min(WINDOW);
        self.roll(bytes, window, |_, hash| prints.pieces.push((window, hash)));
        prints.beginnings.extend((SHORTEST..window).map(|length| (length, self.hash(&bytes[..length]))));
    }

    fn spans(&self, bytes: &[u8], cut: bool) -> Vec<(usize, usize)> {
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for (window, pieces) in &self.pieces {
            self.roll(bytes, *window, |start, hash| {
                if !pieces.contains_key(&hash) {
                    return;
                }
                match spans.last_mut() {
                    Some((from, end)) if *from <= start && start <= *end => *end = (*end).max(start + window),
                    _ => spans.push((start, start + window)),
                }
            });
        }
        for (length, beginnings) in self.beginnings.iter().rev().filter(|(length, _)| cut && **length <= bytes.len()) {
            let start = bytes.len() - length;
            if beginnings.contains_key(&self.hash(&bytes[start..])) {
                spans.push((start, bytes.len()));
                break;
            }
        }
        spans
    }

    /// Hands over the hash of each piece of that length, with where it begins: each from the one before it.
    fn roll(&self, bytes: &[u8], window: usize, mut piece: impl FnMut(usize, u64)) {
        if bytes.len() < window {
            return;
        }
        let weight = (1..window).fold(1_u64, |weight, _| weight.wrapping_mul(self.base));
        let mut hash = self.hash(&bytes[..window]);
        piece(0, hash);
        for (start, (left, come)) in bytes.iter().zip(&bytes[window..]).enumerate() {
            hash = self.step(hash.wrapping_sub(weight.wrapping_mul(digit(*left))), *come);
            piece(start + 1, hash);
        }
    }

    fn hash(&self, bytes: &[u8]) -> u64 {
        bytes.iter().fold(0, |hash, byte| self.step(hash, *byte))
    }

    fn step(&self, hash: u64, byte: u8) -> u64 {
        hash.wrapping_mul(self.base).wrapping_add(digit(byte))
    }
}

fn digit(byte: u8) -> u64 {
    u64::from(byte) + 1
}

/// `%2F` as `%2f`.
fn lower_escapes(text: &str) -> String {
    let mut escaped = 0;
    let lower = |c: char| {
        if c == '%' {
            escaped = 2;
            return c;
        }
        if escaped == 0 {
            return c;
        }
        escaped -= 1;
        c.to_ascii_lowercase()
    };
    text.chars().map(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a text, each secret as a `*`.
    fn left(memory: &Memory, text: &str, cut: bool) -> String {
        let mut spans = memory.spans(text.as_bytes(), cut);
        spans.sort_unstable();
        let (mut out, mut done) = (String::new(), 0);
        for (start, end) in spans {
            if start >= done {
                out.push_str(&text[done..start]);
                out.push('*');
            }
            done = done.max(end);
        }
        out + &text[done..]
    }

    #[test]
    fn a_secret_is_known_whole_in_pieces_and_encoded() {
        let mut memory = Memory::new();
        memory.add("open sesame", true);
        memory.add("sesame/0123456789+abcdefghij==", true);
        for (text, expected) in [
            ("say open sesame, a word", "say *, a word"),
            ("open sesam", "open sesam"),
            ("the sesame/0123456789+abcdefghij== is bad", "the * is bad"),
            ("begins sesame/01234567…", "begins *…"),
            ("ends …+abcdefghij== here", "ends …* here"),
            ("sesame%2F0123456789%2Babcdefghij%3D%3D", "*"),
            ("sesame%2f0123456789%2babcdefghij%3d%3d!", "*!"),
            ("sesame/0123", "sesame/0123"),
            ("", ""),
        ] {
            assert_eq!(left(&memory, text, false), expected, "{text}");
        }
    }

    #[test]
    fn of_a_text_that_was_cut_the_end_may_be_a_beginning() {
        let mut memory = Memory::new();
        memory.add("sesame-0123456789", true);
        assert_eq!(left(&memory, "it is sesame-01", true), "it is *");
        assert_eq!(left(&memory, "it is sesame", true), "it is *");
        assert_eq!(left(&memory, "it is sesam", true), "it is sesam");
        assert_eq!(left(&memory, "it is sesame-01", false), "it is sesame-01");
    }

    #[test]
    fn what_passes_is_forgotten_in_time_and_what_was_given_is_not() {
        let mut memory = Memory::new();
        memory.add("a secret that was given", true);
        memory.add("a token of the service, the first", false);
        for number in 0..MOST_PASSING {
            memory.add(&format!("{number:020}-{}", number * 7919), false);
        }
        assert_eq!(left(&memory, "a secret that was given", false), "*");
        assert_eq!(left(&memory, "a token of the service, the first", false), "a token of the service, the first");
        assert_eq!(left(&memory, &format!("{:020}-{}", 1, 7919), false), "*");
        (0..MOST_PASSING).for_each(|_| memory.forget_oldest());
        assert_eq!(memory.passing.len(), 0);
        assert_eq!(left(&memory, &format!("{:020}-{}", 1, 7919), false), format!("{:020}-{}", 1, 7919));
    }

    #[test]
    fn a_secret_is_kept_once_and_only_its_beginning_if_it_is_endless() {
        let mut memory = Memory::new();
        memory.add("abcdefghijklmnop", false);
        memory.add("abcdefghijklmnop", false);
        assert_eq!(memory.passing.len(), 1);
        memory.add(&"é".repeat(LONGEST), false);
        assert!(memory.passing[1].1.pieces.len() < 8 * LONGEST);
        memory.add("short", true);
        assert!(memory.given.is_empty());
    }
}

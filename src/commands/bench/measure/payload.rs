//! What a message carries, so that whoever receives it knows which one it is: `wps-bench RUN PUBLISHER NUMBER TIME …`.
//!
//! The number counts the messages of a publisher from 0. The time is when the message was due, in nanoseconds since 1970.
//! What follows fills the message up to its size; it comes from the seed.

use super::super::args::SMALLEST;
use std::fmt::Write as _;
use std::sync::Arc;

/// How every message begins.
const BEGIN: &str = "wps-bench ";
/// Where in the filling a message may begin.
const STARTS: u64 = 4096;
/// What messages are filled with: letters that no encoding has to escape.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What a message says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageHeader<'a> {
    /// The run that it belongs to.
    pub run: &'a str,
    /// Who published it, over all machines of a run.
    pub publisher: u64,
    /// Which one of that publisher it is, from 0.
    pub number: u64,
    /// When it was due: nanoseconds since 1970.
    pub due: u64,
}

impl<'a> MessageHeader<'a> {
    /// Of a received message; `None`: it is of somebody else.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut fields = text.strip_prefix(BEGIN)?.splitn(5, ' ');
        let run = fields.next()?;
        let mut number = || fields.next()?.parse().ok();
        Some(Self { run, publisher: number()?, number: number()?, due: number()? })
    }
}

/// Makes messages.
#[derive(Clone, Debug)]
pub struct Payloads {
    run: Arc<str>,
    /// Sizes in bytes, from the one to the other.
    sizes: (usize, usize),
    seed: u64,
    filling: Arc<str>,
}

impl Payloads {
    /// Of sizes from the one to the other, in bytes. The same seed makes the same sizes and fillings.
    pub fn new(run: &str, sizes: (usize, usize), seed: u64) -> Self {
        let length = sizes.1 + usize::try_from(STARTS).unwrap_or_default();
        let letter = |at| char::from(LETTERS[(mixed(seed ^ at) % 64) as usize]);
        let filling: String = (0..length as u64).map(letter).collect();
        Self { run: run.into(), sizes, seed, filling: filling.into() }
    }

    /// The message of that number.
    pub fn make(&self, publisher: u64, number: u64, due: u64) -> String {
        let drawn = mixed(self.seed ^ mixed(publisher) ^ number);
        let (least, most) = self.sizes;
        let size = least + (drawn % (most - least + 1) as u64) as usize;
        let mut text = String::with_capacity(size.max(SMALLEST));
        // Writing to a string cannot fail.
        let _ = write!(text, "{BEGIN}{} {publisher} {number} {due} ", self.run);
        let start = (mixed(drawn) % STARTS) as usize;
        text.push_str(&self.filling[start..start + size.saturating_sub(text.len())]);
        text
    }
}

/// A number that looks drawn (SplitMix64).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::super::super::args::is_run_id;
    use super::*;

    #[test]
    fn a_message_says_which_one_it_is() {
        let payloads = Payloads::new("r1", (100, 200), 7);
        for number in 0..1000 {
            let text = payloads.make(3, number, 1_790_000_000_123_456_789);
            assert!((100..=200).contains(&text.len()), "{}", text.len());
            let header = MessageHeader::parse(&text).unwrap();
            assert_eq!(header, MessageHeader { run: "r1", publisher: 3, number, due: 1_790_000_000_123_456_789 });
        }
        for other in
            ["", "hello", "wps-bench", "wps-bench r", "wps-bench r 1 2 x ", "wps-ping 1 2", "wps-bench r 1 -2 3 "]
        {
            assert_eq!(MessageHeader::parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_longest_header_fits_into_the_smallest_message() {
        let payloads = Payloads::new("0123456789abcdef", (SMALLEST, SMALLEST), 7);
        let text = payloads.make(9_999_999, 9_999_999_999_999, u64::MAX);
        assert_eq!(text.len(), SMALLEST);
        assert!(MessageHeader::parse(&text).is_some());
    }

    #[test]
    fn a_seed_decides_sizes_and_fillings() {
        let of = |seed| -> Vec<String> {
            let payloads = Payloads::new("r", (80, 300), seed);
            (0..50).map(|number| payloads.make(0, number, 1)).collect()
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        let sizes: std::collections::BTreeSet<usize> = of(1).iter().map(String::len).collect();
        assert!(sizes.len() > 20, "{sizes:?}");
    }

    #[test]
    fn ids_of_runs_are_short_and_plain() {
        for (id, fine) in
            [("a", true), ("run-1_b.2", true), ("", false), ("a b", false), ("é", false), ("0123456789abcdefg", false)]
        {
            assert_eq!(is_run_id(id), fine, "{id}");
        }
    }
}

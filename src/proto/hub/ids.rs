//! Connection ids and reconnection tokens, drawn from a seed: the same seed gives the same ids, and without the seed
//! no id or token tells anything about another.

use std::fmt::Write as _;

use ring::hmac;

/// A keyed generator: HMAC of a counter.
#[derive(Debug)]
pub struct Ids {
    key: hmac::Key,
    drawn: u64,
}

impl Ids {
    /// A generator that the seed decides.
    pub fn new(seed: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, seed), drawn: 0 }
    }

    /// 32 hex characters, as the official emulator's connection ids (PROTOCOL §1.3).
    pub fn draw(&mut self) -> String {
        self.drawn += 1;
        let tag = hmac::sign(&self.key, &self.drawn.to_be_bytes());
        let mut out = String::with_capacity(32);
        for byte in &tag.as_ref()[..16] {
            // Writing into a String cannot fail.
            let _ = write!(out, "{byte:02x}");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_32_hex_characters_determined_by_the_seed_and_never_repeat() {
        let mut ids = Ids::new(&[7; 32]);
        let (first, second) = (ids.draw(), ids.draw());
        assert!(first.len() == 32 && first.chars().all(|c| c.is_ascii_hexdigit()));
        assert_ne!(first, second);
        assert_eq!(Ids::new(&[7; 32]).draw(), first);
        assert_ne!(Ids::new(&[8; 32]).draw(), first);
    }
}

//! What the surroundings of a run give by themselves: the time of day, and chance.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::rand::SecureRandom as _;

/// A seed for the jitter. Predictable jitter would do no harm, so a failing source of randomness is no error.
pub fn seed() -> u64 {
    let mut bytes = [0; 8];
    match ring::rand::SystemRandom::new().fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => u64::from(std::process::id()),
    }
}

/// Seconds since 1970.
pub fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

//! Inputs for tests that are nearly right: good ones, spoiled in a few places. Such get further into a parser than bytes
//! that are drawn at random.
//!
//! A test over them has `spoiled` in its name, so that all of them can be run for longer than a test run has time for:
//! `PROPTEST_CASES=100000 cargo test spoiled`.

use proptest::prelude::*;

/// For a test whose cases take long: one of so many that are asked for, and 64 at least.
pub fn one_of(so_many: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { cases: (asked.cases / so_many).max(64), ..asked }
}

/// Places where an input may be spoiled.
const PLACES: usize = 4096;

/// What stands in other inputs, or at the edge of a range.
const PIECES: [&str; 24] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    "null",
    "-1",
    "0",
    "18446744073709551616",
    "1e999",
    "\\ud83d",
    "\u{0}",
    "\u{1e}",
    "\n",
    ",",
    ":",
    ";",
    "=",
    "'",
    "%",
    "😀",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "                                                                                                                                ",
];

#[derive(Clone, Debug)]
enum Spoil {
    Set(usize, u8),
    Insert(usize, u8),
    Piece(usize, &'static str),
    Remove(usize, usize),
    Cut(usize),
    Double(usize),
    /// What another input has from there on.
    Other(usize, usize, usize),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let at = || 0..PLACES;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Spoil::Set(at, byte)),
        (at(), any::<u8>()).prop_map(|(at, byte)| Spoil::Insert(at, byte)),
        (at(), proptest::sample::select(&PIECES[..])).prop_map(|(at, piece)| Spoil::Piece(at, piece)),
        (at(), 1..20_usize).prop_map(|(at, count)| Spoil::Remove(at, count)),
        at().prop_map(Spoil::Cut),
        at().prop_map(Spoil::Double),
        (at(), at(), at()).prop_map(|(at, which, from)| Spoil::Other(at, which, from)),
    ]
}

/// One of these, spoiled in up to six places, and sometimes not at all.
pub fn spoiled(good: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let which = 0..good.len();
    (which, proptest::collection::vec(spoil(), 0..6)).prop_map(move |(which, spoils)| {
        let mut bytes = good.get(which).cloned().unwrap_or_default();
        for spoil in &spoils {
            apply(&mut bytes, spoil, &good);
        }
        bytes
    })
}

/// The same of texts. What is no text any more has replacement characters.
pub fn spoiled_text(good: &[&str]) -> impl Strategy<Value = String> {
    let good = good.iter().map(|text| text.as_bytes().to_vec()).collect();
    spoiled(good).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn apply(bytes: &mut Vec<u8>, spoil: &Spoil, good: &[Vec<u8>]) {
    let length = bytes.len();
    let place = |at: usize| at % (length + 1);
    match *spoil {
        Spoil::Set(at, byte) => {
            if let Some(old) = bytes.get_mut(at % length.max(1)) {
                *old = byte;
            }
        }
        Spoil::Insert(at, byte) => bytes.insert(place(at), byte),
        Spoil::Piece(at, piece) => drop(bytes.splice(place(at)..place(at), piece.bytes())),
        Spoil::Remove(at, count) => drop(bytes.drain(place(at)..(place(at) + count).min(length))),
        Spoil::Cut(at) => bytes.truncate(place(at)),
        Spoil::Double(at) => bytes.extend_from_within(place(at)..),
        Spoil::Other(at, which, from) => {
            let other = good.get(which % good.len().max(1)).map(Vec::as_slice).unwrap_or_default();
            bytes.truncate(place(at));
            bytes.extend_from_slice(&other[from % (other.len() + 1)..]);
        }
    }
}

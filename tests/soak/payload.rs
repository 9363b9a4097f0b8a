//! What is published: a stream's name, a number, and filler that follows from both, so that a message that came damaged
//! or cut is seen as well as one that is missing.

/// The data of a message. Those of a stream whose name begins with `t` are all tiny.
pub fn text(stream: &str, number: u64) -> String {
    let mut text = format!("{stream} {number} ");
    text.extend(std::iter::repeat_n(letter(number), filler_length(stream, number)));
    text
}

/// Which message this is, when it is whole.
pub fn read(text: &str) -> Option<(&str, u64)> {
    let mut parts = text.splitn(3, ' ');
    let (stream, number, filler) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
    let whole = filler.len() == filler_length(stream, number) && filler.chars().all(|c| c == letter(number));
    whole.then_some((stream, number))
}

/// The most that a message of a stream has on the wire.
pub fn largest(stream: &str) -> u64 {
    if tiny(stream) { 500 } else { 141_000 }
}

fn tiny(stream: &str) -> bool {
    stream.starts_with('t')
}

fn letter(number: u64) -> char {
    char::from(b'a' + (number % 26) as u8)
}

/// Mostly short; some larger than a read of a socket, a few larger than its buffers.
fn filler_length(stream: &str, number: u64) -> usize {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let length = match mixed % 1000 {
        0 if !tiny(stream) => 40_000 + mixed % 100_000,
        1..20 if !tiny(stream) => 2_000 + mixed % 10_000,
        _ => mixed % 200,
    };
    length as usize
}

#[test]
fn a_payload_is_read_back_and_a_damaged_one_is_not() {
    for (stream, number) in (1..2000).map(|number| (if number % 2 == 0 { "s1" } else { "t1" }, number)) {
        let text = text(stream, number);
        assert_eq!(read(&text), Some((stream, number)));
        assert!((text.len() as u64) < largest(stream));
        if !text.ends_with(' ') {
            assert_eq!(read(&text[..text.len() - 1]), None);
        }
    }
    assert_eq!(read("s1 12"), None);
}

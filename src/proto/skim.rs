//! JSON looked at without making values of it: where a value ends, and whether all of it is one.
//!
//! For texts [without control characters](has_control_characters), which are looked for once in all of a text instead of
//! in each string. `None` says that there is no value, or one that is nested deeper than is followed here; it is for a
//! real parser to say which.

/// How deep values are followed: one bit a level.
const DEEPEST: u32 = 60;

/// Whether there is a control character anywhere in a text: in a JSON string it would be wrong, and outside of one it is white
/// space other than blanks.
pub fn has_control_characters(bytes: &[u8]) -> bool {
    let least = |bytes: &[u8]| bytes.iter().fold(u8::MAX, |least, byte| least.min(*byte));
    let (chunks, rest) = bytes.as_chunks::<16>();
    let mut all = [u8::MAX; 16];
    for chunk in chunks {
        for (all, byte) in all.iter_mut().zip(chunk) {
            *all = (*all).min(*byte);
        }
    }
    // The last sixteen again instead of the rest one by one.
    let rest = match bytes.last_chunk::<16>() {
        Some(last) => least(last),
        None => least(rest),
    };
    rest.min(least(&all)) < b' '
}

/// Whether a text stands in a JSON string as it is: nothing in it has to be escaped.
pub fn is_plain(bytes: &[u8]) -> bool {
    // 0 of what is special, so that the least of many at once says whether there is any.
    let rank = |byte: u8| byte.saturating_sub(b' ' - 1).min(byte ^ b'"').min(byte ^ b'\\');
    bytes.iter().fold(u8::MAX, |least, byte| least.min(rank(*byte))) > 0
}

/// Where the quote stands that ends a string begun before `at`; `None` when there is an escape in it.
pub fn end_of_plain(bytes: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    // The lowest bit that is set belongs to the first byte that is zero; what stands above it may be a borrow.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    while let Some(chunk) = bytes.get(at..)?.first_chunk() {
        let word = u64::from_le_bytes(*chunk);
        let hits = zeros(word ^ u64::from_le_bytes([b'"'; 8])) | zeros(word ^ u64::from_le_bytes([b'\\'; 8]));
        if hits != 0 {
            at += (hits.trailing_zeros() / 8) as usize;
            return (bytes.get(at)? == &b'"').then_some(at);
        }
        at += 8;
    }
    let hit = bytes.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    (bytes.get(at + hit)? == &b'"').then_some(at + hit)
}

/// Where what follows a string begins that was begun before `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at)? == &b'"' {
            return Some(at + 1);
        }
        at += match bytes.get(at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' if bytes.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return None,
        };
    }
}

/// Where what follows the JSON value at `at` begins.
pub fn end_of_value(bytes: &[u8], mut at: usize) -> Option<usize> {
    // Below a leading one, a bit for each level: set in an object.
    let mut nesting: u64 = 1;
    'value: loop {
        let opened = *bytes.get(at)?;
        match opened {
            b'"' => at = end_of_string(bytes, at + 1)?,
            b'{' | b'[' => {
                at = behind_blanks(bytes, at + 1);
                let (is_object, close) = if opened == b'{' { (true, b'}') } else { (false, b']') };
                if bytes.get(at)? == &close {
                    at += 1;
                } else {
                    if nesting.ilog2() >= DEEPEST {
                        return None;
                    }
                    nesting = nesting << 1 | u64::from(is_object);
                    if is_object {
                        at = behind_key(bytes, at)?;
                    }
                    continue 'value;
                }
            }
            b't' | b'n' | b'f' => {
                let rest = bytes.get(at..)?;
                let literal = [&b"true"[..], b"null", b"false"].into_iter().find(|word| rest.starts_with(word))?;
                at += literal.len();
            }
            _ => at = end_of_number(bytes, at)?,
        }
        loop {
            if nesting == 1 {
                return Some(at);
            }
            at = behind_blanks(bytes, at);
            let in_object = nesting & 1 == 1;
            match *bytes.get(at)? {
                b',' => {
                    at = behind_blanks(bytes, at + 1);
                    if in_object {
                        at = behind_key(bytes, at)?;
                    }
                    continue 'value;
                }
                b'}' if in_object => {}
                b']' if !in_object => {}
                _ => return None,
            }
            nesting >>= 1;
            at += 1;
        }
    }
}

/// Behind the name of a property, its colon and blanks.
fn behind_key(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at)? != &b'"' {
        return None;
    }
    let at = match end_of_plain(bytes, at + 1) {
        Some(quote) => quote + 1,
        None => end_of_string(bytes, at + 1)?,
    };
    let at = behind_blanks(bytes, at);
    (bytes.get(at)? == &b':').then(|| behind_blanks(bytes, at + 1))
}

/// Other white space is a control character.
pub fn behind_blanks(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

fn end_of_number(bytes: &[u8], mut at: usize) -> Option<usize> {
    let digits = |mut at: usize| {
        let start = at;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        (at > start).then_some(at)
    };
    if bytes.get(at)? == &b'-' {
        at += 1;
    }
    at = if bytes.get(at)? == &b'0' { at + 1 } else { digits(at)? };
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(bytes.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        at = digits(at)?;
    }
    Some(at)
}

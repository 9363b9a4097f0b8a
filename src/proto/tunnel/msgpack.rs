//! As much of MessagePack as the tunnel's frames have: an array of an integer, a string and bytes or nil. What is read may
//! have any width, what is written has the shortest.

/// Reads values from the front of some bytes. `None` where they are not there, or not of that kind.
#[derive(Debug)]
pub(super) struct MsgpackReader<'a>(pub(super) &'a [u8]);

impl<'a> MsgpackReader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A big-endian number of so many bytes, at most eight.
    fn number(&mut self, width: usize) -> Option<u64> {
        Some(self.take(width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A string or bytes whose length has so many bytes.
    fn sized(&mut self, width: usize) -> Option<&'a [u8]> {
        let length = self.number(width)?;
        self.take(usize::try_from(length).ok()?)
    }

    /// The number of an array's elements.
    pub(super) fn array(&mut self) -> Option<u64> {
        match self.byte()? {
            short @ 0x90..=0x9f => Some(u64::from(short & 0x0f)),
            0xdc => self.number(2),
            0xdd => self.number(4),
            _ => None,
        }
    }

    /// An integer.
    pub(super) fn integer(&mut self) -> Option<i64> {
        match self.byte()? {
            positive @ 0x00..=0x7f => Some(i64::from(positive)),
            negative @ 0xe0..=0xff => Some(i64::from(negative as i8)),
            0xcc => self.number(1)?.try_into().ok(),
            0xcd => self.number(2)?.try_into().ok(),
            0xce => self.number(4)?.try_into().ok(),
            0xcf => self.number(8)?.try_into().ok(),
            0xd0 => Some(i64::from(self.number(1)? as i8)),
            0xd1 => Some(i64::from(self.number(2)? as i16)),
            0xd2 => Some(i64::from(self.number(4)? as i32)),
            0xd3 => Some(self.number(8)? as i64),
            _ => None,
        }
    }

    /// A string.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        let bytes = match self.byte()? {
            short @ 0xa0..=0xbf => self.take(usize::from(short & 0x1f)),
            0xd9 => self.sized(1),
            0xda => self.sized(2),
            0xdb => self.sized(4),
            _ => None,
        };
        std::str::from_utf8(bytes?).ok()
    }

    /// Bytes; `Some(None)` is nil.
    pub(super) fn bytes(&mut self) -> Option<Option<&'a [u8]>> {
        match self.byte()? {
            0xc0 => Some(None),
            0xc4 => self.sized(1).map(Some),
            0xc5 => self.sized(2).map(Some),
            0xc6 => self.sized(4).map(Some),
            _ => None,
        }
    }
}

/// An array of three begins.
pub(super) fn put_array_of_three(out: &mut Vec<u8>) {
    out.push(0x93);
}

/// A small number.
pub(super) fn put_small(out: &mut Vec<u8>, number: u8) {
    if number > 0x7f {
        out.push(0xcc);
    }
    out.push(number);
}

/// A string of less than 4 GiB.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    match text.len() {
        short @ 0..=0x1f => out.push(0xa0 | short as u8),
        length => put_length(out, length, [0xd9, 0xda, 0xdb]),
    }
    out.extend_from_slice(text.as_bytes());
}

/// Less than 4 GiB of bytes, or nil.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => out.push(0xc0),
        Some(bytes) => {
            put_length(out, bytes.len(), [0xc4, 0xc5, 0xc6]);
            out.extend_from_slice(bytes);
        }
    }
}

fn put_length(out: &mut Vec<u8>, length: usize, [one, two, four]: [u8; 3]) {
    match length {
        0..=0xff => out.extend_from_slice(&[one, length as u8]),
        0x100..=0xffff => {
            out.push(two);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(four);
            out.extend_from_slice(&(length as u32).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_of_an_integer_is_read() {
        for (bytes, number) in [
            (&[0x05][..], 5),
            (&[0xff], -1),
            (&[0xcc, 0xff], 255),
            (&[0xcd, 1, 0], 256),
            (&[0xce, 0, 1, 0, 0], 65_536),
            (&[0xcf, 0, 0, 0, 1, 0, 0, 0, 0], 1 << 32),
            (&[0xd0, 0x80], -128),
            (&[0xd1, 0xff, 0xfe], -2),
            (&[0xd2, 0xff, 0xff, 0xff, 0xfd], -3),
            (&[0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc], -4),
        ] {
            let mut reader = MsgpackReader(bytes);
            assert_eq!((reader.integer(), reader.0.len()), (Some(number), 0), "{bytes:02x?}");
            assert_eq!(MsgpackReader(&bytes[..bytes.len() - 1]).integer(), None, "{bytes:02x?}");
        }
        // Larger than any type, and no integers at all.
        for bytes in [&[0xcf, 0xff, 0, 0, 0, 0, 0, 0, 0][..], &[0xc0], &[0xa1, b'a'], &[]] {
            assert_eq!(MsgpackReader(bytes).integer(), None, "{bytes:02x?}");
        }
    }

    #[test]
    fn every_width_of_strings_bytes_and_arrays_is_read() {
        for bytes in [&[0xa1, b'a'][..], &[0xd9, 1, b'a'], &[0xda, 0, 1, b'a'], &[0xdb, 0, 0, 0, 1, b'a']] {
            assert_eq!(MsgpackReader(bytes).text(), Some("a"), "{bytes:02x?}");
        }
        for bytes in [&[0xc4, 1, 7][..], &[0xc5, 0, 1, 7], &[0xc6, 0, 0, 0, 1, 7]] {
            assert_eq!(MsgpackReader(bytes).bytes(), Some(Some(&[7][..])), "{bytes:02x?}");
        }
        for bytes in [&[0x93][..], &[0xdc, 0, 3], &[0xdd, 0, 0, 0, 3]] {
            assert_eq!(MsgpackReader(bytes).array(), Some(3), "{bytes:02x?}");
        }
        // More is announced than there is.
        assert_eq!(MsgpackReader(&[0xc6, 0xff, 0xff, 0xff, 0xff]).bytes(), None);
        assert_eq!(MsgpackReader(&[0xa2, 0xc3, 0x28]).text(), None);
    }

    #[test]
    fn what_is_written_is_read_back_at_every_length() {
        for length in [0, 1, 31, 32, 255, 256, 65_535, 65_536] {
            let text = "x".repeat(length);
            let mut out = Vec::new();
            put_text(&mut out, &text);
            put_bytes(&mut out, Some(text.as_bytes()));
            put_bytes(&mut out, None);
            let mut reader = MsgpackReader(&out);
            assert_eq!(reader.text(), Some(text.as_str()));
            assert_eq!(reader.bytes(), Some(Some(text.as_bytes())));
            assert_eq!((reader.bytes(), reader.0.len()), (Some(None), 0));
        }
    }
}

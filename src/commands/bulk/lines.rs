//! Bytes as they come, cut into lines.
//!
//! A line ends with LF or CRLF, which is not part of it; the last one may end with the input. Of a line over the limit
//! no more than the limit is ever kept. The reader of standard input is the caller.

/// A line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputLine<'a> {
    /// Without its end.
    Whole(&'a [u8]),
    /// It has more bytes than the limit.
    TooLong,
}

/// Cuts chunks of any size into lines.
#[derive(Debug)]
pub struct LineCutter {
    /// What has come of the current line, unless it is too long.
    partial: Vec<u8>,
    /// The current line is over the limit, and the rest of it is passed over.
    too_long: bool,
    /// Most bytes of a line, its end not counted.
    limit: usize,
    /// Lines that have ended.
    lines: u64,
}

impl LineCutter {
    pub fn new(limit: usize) -> Self {
        Self { partial: Vec::new(), too_long: false, limit, lines: 0 }
    }

    /// Hands out each line that ends in this chunk with its number, from 1. `take` answers whether it wants more.
    pub fn cut(&mut self, mut chunk: &[u8], mut take: impl FnMut(u64, InputLine<'_>) -> bool) -> bool {
        while let Some(end) = memchr::memchr(b'\n', chunk) {
            let (head, rest) = (&chunk[..end], &chunk[end + 1..]);
            chunk = rest;
            self.lines += 1;
            let number = self.lines;
            let more = if self.partial.is_empty() && !self.too_long {
                take(number, self.judge(without_return(head)))
            } else {
                self.keep(head);
                let line = std::mem::take(&mut self.partial);
                let too_long = std::mem::take(&mut self.too_long);
                let more = take(number, if too_long { InputLine::TooLong } else { self.judge(without_return(&line)) });
                // A large one is rare, and not worth keeping room for.
                if line.capacity() <= 64 * 1024 {
                    self.partial = line;
                    self.partial.clear();
                }
                more
            };
            if !more {
                return false;
            }
        }
        self.keep(chunk);
        true
    }

    /// Hands out the last line, if it has no end.
    pub fn finish(&mut self, mut take: impl FnMut(u64, InputLine<'_>) -> bool) {
        if self.too_long {
            take(self.lines + 1, InputLine::TooLong);
        } else if !self.partial.is_empty() {
            take(self.lines + 1, self.judge(&self.partial));
        }
    }

    fn judge<'a>(&self, line: &'a [u8]) -> InputLine<'a> {
        if line.len() > self.limit { InputLine::TooLong } else { InputLine::Whole(line) }
    }

    /// Keeps the beginning of a line. One byte more may turn out to be the CR of its end.
    fn keep(&mut self, part: &[u8]) {
        if self.too_long {
            return;
        }
        if self.partial.len() + part.len() > self.limit + 1 {
            self.too_long = true;
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(part);
        }
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of `input`, read in chunks of that size.
    fn lines(input: &[u8], chunk: usize, limit: usize) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut cutter = LineCutter::new(limit);
        let mut seen = Vec::new();
        let mut take = |number, line: InputLine<'_>| {
            seen.push((
                number,
                match line {
                    InputLine::Whole(line) => Some(line.to_vec()),
                    InputLine::TooLong => None,
                },
            ));
            true
        };
        for part in input.chunks(chunk) {
            assert!(cutter.cut(part, &mut take));
        }
        cutter.finish(&mut take);
        seen
    }

    #[test]
    fn lines_end_with_lf_or_crlf_and_the_last_one_may_go_without() {
        let cases: [(&[u8], &[&[u8]]); 10] = [
            (b"", &[]),
            (b"\n", &[b""]),
            (b"a", &[b"a"]),
            (b"a\n", &[b"a"]),
            (b"a\nb", &[b"a", b"b"]),
            (b"a\r\n\r\nb\r\n", &[b"a", b"", b"b"]),
            (b"\n\n", &[b"", b""]),
            (b"a\rb\n", &[b"a\rb"]),
            (b"a\r\r\n", &[b"a\r"]),
            (b"a\r", &[b"a\r"]),
        ];
        for (input, expected) in cases {
            for chunk in 1..=3 {
                let expected: Vec<_> =
                    expected.iter().enumerate().map(|(at, line)| (at as u64 + 1, Some(line.to_vec()))).collect();
                assert_eq!(lines(input, chunk, 100), expected, "{input:?} in chunks of {chunk}");
            }
        }
    }

    #[test]
    fn a_line_over_the_limit_is_passed_over_and_those_after_it_are_not() {
        for chunk in 1..20 {
            let seen = lines(b"12345\n123456\r\n12345\r\nxxxxxxxxxxxxxxxxxx\nok\n1234567", chunk, 5);
            let expected: Vec<_> = [Some("12345"), None, Some("12345"), None, Some("ok"), None]
                .into_iter()
                .enumerate()
                .map(|(at, line)| (at as u64 + 1, line.map(|line| line.as_bytes().to_vec())))
                .collect();
            assert_eq!(seen, expected, "in chunks of {chunk}");
        }
    }

    #[test]
    fn no_more_of_a_line_is_kept_than_the_limit() {
        let mut cutter = LineCutter::new(1000);
        for _ in 0..1000 {
            cutter.cut(&[b'x'; 100], |_, _| true);
            assert!(cutter.partial.capacity() <= 4096);
        }
    }

    #[test]
    fn whoever_has_enough_gets_no_more() {
        let mut cutter = LineCutter::new(10);
        let mut seen = 0;
        assert!(!cutter.cut(b"a\nb\nc\n", |number, _| {
            seen = number;
            number < 2
        }));
        assert_eq!(seen, 2);
    }
}

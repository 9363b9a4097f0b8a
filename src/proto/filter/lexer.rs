//! The words of a filter.

use super::FilterFault;

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lexeme<'a> {
    /// A keyword, an identifier or the name of a function, as written.
    Word(&'a str),
    /// A string, its doubled quotes made single.
    Text(String),
    /// A whole number.
    Number(i64),
    Open,
    Close,
    Comma,
    /// The end of the filter.
    End,
}

/// Reads one word after the other. Every word comes with the byte where it begins.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The byte behind the last word.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn next(&mut self) -> Result<(usize, Lexeme<'a>), FilterFault> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        let start = self.at;
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else { return Ok((start, Lexeme::End)) };
        let token = match first {
            '(' => self.take(1, Lexeme::Open),
            ')' => self.take(1, Lexeme::Close),
            ',' => self.take(1, Lexeme::Comma),
            '\'' => self.string(rest)?,
            '-' | '0'..='9' => {
                let digits = rest[1..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
                let word = &rest[..digits.map_or(rest.len(), |end| end + 1)];
                let number =
                    word.parse().map_err(|_| FilterFault::new(start, format_args!("`{word}` is no whole number")))?;
                self.take(word.len(), Lexeme::Number(number))
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                self.take(end, Lexeme::Word(&rest[..end]))
            }
            '"' => return Err(FilterFault::new(start, "strings stand in single quotes")),
            other => {
                return Err(FilterFault::new(start, format_args!("`{}` means nothing here", other.escape_debug())));
            }
        };
        Ok((start, token))
    }

    fn take(&mut self, bytes: usize, token: Lexeme<'a>) -> Lexeme<'a> {
        self.at += bytes;
        token
    }

    /// `'it''s'`.
    fn string(&mut self, rest: &str) -> Result<Lexeme<'a>, FilterFault> {
        let mut text = String::new();
        let mut from = 1;
        while let Some(length) = rest[from..].find('\'') {
            text.push_str(&rest[from..from + length]);
            from += length + 1;
            if !rest[from..].starts_with('\'') {
                return Ok(self.take(from, Lexeme::Text(text)));
            }
            text.push('\'');
            from += 1;
        }
        Err(FilterFault::new(self.at, "this string has no closing quote"))
    }
}

//! The words of a filter.

use super::Fault;

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
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

    pub(super) fn next(&mut self) -> Result<(usize, Token<'a>), Fault> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        let start = self.at;
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else { return Ok((start, Token::End)) };
        let token = match first {
            '(' => self.take(1, Token::Open),
            ')' => self.take(1, Token::Close),
            ',' => self.take(1, Token::Comma),
            '\'' => self.string(rest)?,
            '-' | '0'..='9' => {
                let digits = rest[1..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
                let word = &rest[..digits.map_or(rest.len(), |end| end + 1)];
                let number =
                    word.parse().map_err(|_| Fault::new(start, format_args!("`{word}` is no whole number")))?;
                self.take(word.len(), Token::Number(number))
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                self.take(end, Token::Word(&rest[..end]))
            }
            '"' => return Err(Fault::new(start, "strings stand in single quotes")),
            other => return Err(Fault::new(start, format_args!("`{}` means nothing here", other.escape_debug()))),
        };
        Ok((start, token))
    }

    fn take(&mut self, bytes: usize, token: Token<'a>) -> Token<'a> {
        self.at += bytes;
        token
    }

    /// `'it''s'`.
    fn string(&mut self, rest: &str) -> Result<Token<'a>, Fault> {
        let mut text = String::new();
        let mut from = 1;
        while let Some(length) = rest[from..].find('\'') {
            text.push_str(&rest[from..from + length]);
            from += length + 1;
            if !rest[from..].starts_with('\'') {
                return Ok(self.take(from, Token::Text(text)));
            }
            text.push('\'');
            from += 1;
        }
        Err(Fault::new(self.at, "this string has no closing quote"))
    }
}

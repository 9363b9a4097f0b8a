//! JSON as values.
//!
//! All that is printed can be read: half a surrogate pair, which JSON may hold and no text, becomes U+FFFD, as `jq` does
//! it, and of a name that is there twice the last value counts.

use std::borrow::Cow;
use std::rc::Rc;

use super::limits::{level, spend, spend_bytes};
use super::number::Num;
use super::value::{Array, Fields, Key, Object, Text, Val};

/// Reads one value. Fails with what is wrong, and where.
pub fn parse(json: &[u8]) -> Result<Val, String> {
    let mut reader = JsonReader { json, at: 0, depth: 0 };
    let value = reader.value().and_then(|value| {
        reader.skip_space();
        if reader.at == json.len() { Ok(value) } else { Err("something follows the value") }
    });
    value.map_err(|what| format!("{what}, at byte {}", reader.at))
}

struct JsonReader<'a> {
    json: &'a [u8],
    at: usize,
    depth: u32,
}

type ReadResult<T> = Result<T, &'static str>;

impl<'a> JsonReader<'a> {
    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Passes this byte, if it comes next.
    fn pass(&mut self, byte: u8) -> bool {
        let comes = self.peek() == Some(byte);
        self.at += usize::from(comes);
        comes
    }

    fn word(&mut self, word: &str, value: Val) -> ReadResult<Val> {
        if self.json[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            Err("not a value")
        }
    }

    fn value(&mut self) -> ReadResult<Val> {
        spend(1);
        self.skip_space();
        match self.peek() {
            Some(b'"') => self.string().map(Val::Str),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Val::Bool(true)),
            Some(b'f') => self.word("false", Val::Bool(false)),
            Some(b'n') if self.json[self.at..].starts_with(b"nan") => self.word("nan", Val::from(f64::NAN)),
            Some(b'n') => self.word("null", Val::Null),
            Some(b'N') => self.word("NaN", Val::from(f64::NAN)),
            Some(_) => Err("not a value"),
            None => Err("a value is missing"),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> ReadResult<Val>) -> ReadResult<Val> {
        self.at += 1;
        self.depth += 1;
        level(self.depth);
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn array(&mut self) -> ReadResult<Val> {
        let mut failed = None;
        let mut first = true;
        let items = std::iter::from_fn(|| {
            self.skip_space();
            if self.pass(b']') {
                return None;
            }
            let value = match (std::mem::replace(&mut first, false), self.pass(b',')) {
                (true, false) | (false, true) => self.value(),
                (true, true) | (false, false) => Err("a comma or the end of the array is expected"),
            };
            value.map_err(|what| failed = Some(what)).ok()
        });
        let array = Array::collect(items);
        failed.map_or(Ok(Val::Arr(array)), Err)
    }

    fn object(&mut self) -> ReadResult<Val> {
        let mut object = Object::new(Fields::default());
        let mut first = true;
        loop {
            self.skip_space();
            if first && self.pass(b'}') {
                break;
            }
            if !std::mem::replace(&mut first, false) && !self.pass(b',') {
                if self.pass(b'}') {
                    break;
                }
                return Err("a comma or the end of the object is expected");
            }
            self.skip_space();
            let key = Key(self.string()?);
            self.skip_space();
            if !self.pass(b':') {
                return Err("a colon is expected");
            }
            let value = self.value()?;
            object.insert(key, value);
        }
        Ok(Val::Obj(object))
    }

    fn number(&mut self) -> ReadResult<Val> {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        let digits = std::str::from_utf8(&self.json[start..self.at]).unwrap_or_default();
        spend_bytes(digits.len());
        let whole = digits.strip_prefix('-').unwrap_or(digits);
        // What may be a number elsewhere.
        let loose = whole.len() > 1 && whole.starts_with('0') && whole.as_bytes()[1].is_ascii_digit();
        match Num::parse(digits) {
            Some(number @ (Num::Int(_) | Num::Big(_) | Num::Written(_))) if !loose => Ok(Val::Num(number)),
            _ => Err("not a number"),
        }
    }

    fn string(&mut self) -> ReadResult<Rc<Text>> {
        if !self.pass(b'"') {
            return Err("a string is expected");
        }
        let rest = &self.json[self.at..];
        let plain = memchr::memchr2(b'"', b'\\', rest).ok_or("a string has no end")?;
        spend_bytes(plain);
        if rest[plain] == b'"' {
            let text = self.plain(plain)?;
            self.at += 1;
            return Ok(Text::new(text.into_owned()));
        }
        let mut text = String::new();
        loop {
            let rest = &self.json[self.at..];
            let plain = memchr::memchr2(b'"', b'\\', rest).ok_or("a string has no end")?;
            spend_bytes(plain);
            text.push_str(&self.plain(plain)?);
            if self.pass(b'"') {
                return Ok(Text::new(text));
            }
            self.at += 1;
            text.push(self.escaped()?);
        }
    }

    /// So many bytes of a string that have no escapes.
    fn plain(&mut self, length: usize) -> ReadResult<Cow<'a, str>> {
        let bytes = &self.json[self.at..self.at + length];
        if bytes.iter().any(|byte| *byte < b' ') {
            return Err("a control character in a string");
        }
        self.at += length;
        Ok(String::from_utf8_lossy(bytes))
    }

    /// The character of an escape, behind its backslash.
    fn escaped(&mut self) -> ReadResult<char> {
        let kind = self.peek().ok_or("a string has no end")?;
        self.at += 1;
        Ok(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                if (0xd800..0xdc00).contains(&first) && self.json[self.at..].starts_with(b"\\u") {
                    let behind = self.at;
                    self.at += 2;
                    let second = self.hex()?;
                    if (0xdc00..0xe000).contains(&second) {
                        let scalar = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                        return Ok(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    self.at = behind;
                }
                char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err("an unknown escape"),
        })
    }

    fn hex(&mut self) -> ReadResult<u32> {
        let digits = self.json.get(self.at..self.at + 4).ok_or("a string has no end")?;
        let text = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'));
        let value = text.and_then(|text| u32::from_str_radix(text, 16).ok()).ok_or("an escape without four digits")?;
        self.at += 4;
        Ok(value)
    }
}

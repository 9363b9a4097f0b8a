//! The functions that are not written in jq: those of the interpreter that may stay as they are, those that are checked
//! before, and ours instead of those that take what they like.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use jaq_core::Exn;
use jaq_core::native::{Fun, bome, run, unary, v};
use jaq_std::ValT as _;

use super::access::indices;
use super::limits::{BoundedTypes, Evaluation, room, spend, spend_bytes};
use super::number::Num;
use super::read;
use super::regex;
use super::value::{Array, Error, Key, Val, ValR};
use super::write::write_json;

/// Functions of jaq-std that are ours, or that the log takes.
const OURS: &[&str] = &[
    "env",
    "debug_empty",
    "stderr_empty",
    "matches",
    "split_matches",
    "split_",
    "implode",
    "escape_sh",
    "escape_html",
    "unescape_html",
    "encode_uri",
    "decode_uri",
    "encode_base64",
    "decode_base64",
];

/// Those that are called by these names only by definitions of ours, which look at their arguments before.
const CHECKED: &[(&str, &str)] = &[
    ("ltrimstr", "_ltrimstr"),
    ("rtrimstr", "_rtrimstr"),
    ("strftime", "_strftime"),
    ("strflocaltime", "_strflocaltime"),
    ("strptime", "_strptime"),
    ("jn", "_jn"),
    ("yn", "_yn"),
];

/// All functions.
pub(super) fn functions() -> impl Iterator<Item = Fun<BoundedTypes>> {
    let core = jaq_core::funs::<BoundedTypes>().filter(|(name, ..)| *name != "range");
    let std =
        jaq_std::funs::<BoundedTypes>().filter(|(name, ..)| !OURS.contains(name)).map(|(name, arguments, native)| {
            let checked = CHECKED.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, ours)| ours);
            (checked, arguments, native)
        });
    core.chain(std).chain(own()).chain(regex::functions()).chain(super::log::functions())
}

/// The text of a value, or why not.
pub(super) fn text_of(value: &Val) -> Result<&str, Error> {
    value.as_str().ok_or_else(|| Error::typ(value.clone(), "string"))
}

/// What becomes of a text, which grows by that factor at most.
fn map_text(value: &Val, factor: usize, map: impl FnOnce(&str) -> String) -> ValR {
    let text = text_of(value)?;
    spend_bytes(text.len().saturating_mul(factor));
    room(text.len().saturating_mul(factor));
    Ok(Val::text(map(text)))
}

fn own() -> impl Iterator<Item = Fun<BoundedTypes>> {
    [
        range(),
        run(("env", v(0), |_| bome(Ok(super::environment())))),
        run(("tojson", v(0), |cv| {
            let mut json = Vec::new();
            write_json(&mut json, &cv.1);
            bome(Ok(Val::text(String::from_utf8(json).unwrap_or_default())))
        })),
        run(("fromjson", v(0), |cv| {
            bome(text_of(&cv.1).and_then(|text| {
                read::parse(text.as_bytes()).map_err(|error| Error::str(format_args!("{} is not JSON: {error}", cv.1)))
            }))
        })),
        run(("tonumber", v(0), |cv| bome(number(cv.1)))),
        run(("length", v(0), |cv| bome(length(&cv.1)))),
        run(("contains", v(1), |cv| unary(cv, |a, b| Ok(Val::Bool(contains(&a, &b)))))),
        run(("has", v(1), |cv| unary(cv, |value, key| has(&value, &key).map(Val::Bool)))),
        run(("indices", v(1), |cv| unary(cv, |value, part| indices(&value, &part)))),
        run(("bsearch", v(1), |cv| {
            unary(cv, |value, wanted| match &value {
                Val::Arr(array) => Ok(match array.items().binary_search(&wanted) {
                    Ok(at) => Val::from(at),
                    Err(at) => Val::Num(Num::Int(-1 - i64::try_from(at).unwrap_or(i64::MAX))),
                }),
                _ => Err(Error::typ(value, "array")),
            })
        })),
        run(("implode", v(0), |cv| bome(implode(&cv.1)))),
        run(("escape_sh", v(0), |cv| bome(map_text(&cv.1, 4, |text| text.replace('\'', "'\\''"))))),
        run(("escape_html", v(0), |cv| bome(map_text(&cv.1, 6, escape_html)))),
        run(("unescape_html", v(0), |cv| bome(map_text(&cv.1, 4, unescape_html)))),
        run(("encode_uri", v(0), |cv| bome(map_text(&cv.1, 3, encode_uri)))),
        run(("decode_uri", v(0), |cv| {
            let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
            bome(map_text(&cv.1, 3, decode))
        })),
        run(("encode_base64", v(0), |cv| bome(map_text(&cv.1, 2, |text| STANDARD.encode(text))))),
        run(("decode_base64", v(0), |cv| {
            bome(decoded(&cv.1, |text| STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok(), "base64"))
        })),
        run(("encode_base32", v(0), |cv| bome(map_text(&cv.1, 2, encode_base32)))),
        run(("decode_base32", v(0), |cv| bome(decoded(&cv.1, decode_base32, "base32")))),
    ]
    .into_iter()
}

/// `range/3` a step at a time: the interpreter's own would not come by the bounds.
fn range() -> Fun<BoundedTypes> {
    run(("range", v(3), |mut cv| {
        let (by, to, from) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
        let data: &Evaluation<'_> = cv.0.data();
        let zero = Val::from(0usize);
        let mut next = Some(Ok(from));
        Box::new(std::iter::from_fn(move || {
            data.step();
            let value: Val = match next.take()? {
                Ok(value) => value,
                Err(error) => return Some(Err(Exn::from(error))),
            };
            let goes_on = match by.cmp(&zero) {
                std::cmp::Ordering::Greater => value < to,
                std::cmp::Ordering::Less => value > to,
                std::cmp::Ordering::Equal => value != to,
            };
            if !goes_on {
                return None;
            }
            next = Some(value.clone() + by.clone());
            Some(Ok(value))
        }))
    }))
}

fn number(value: Val) -> ValR {
    let digits = match &value {
        Val::Num(_) => return Ok(value),
        Val::Str(text) => text.as_str(),
        Val::Null | Val::Bool(_) | Val::Arr(_) | Val::Obj(_) => return Err(Error::typ(value, "number")),
    };
    let plain = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'+' | b'-' | b'e' | b'E'));
    let number = if plain { Num::parse(digits) } else { (digits == "nan").then_some(Num::Float(f64::NAN)) };
    number.map(Val::Num).ok_or_else(|| Error::str(format_args!("{value} cannot be parsed as a number")))
}

fn length(value: &Val) -> ValR {
    Ok(match value {
        Val::Null => Val::from(0usize),
        Val::Bool(_) => return Err(Error::str(format_args!("{value} has no length"))),
        Val::Num(number) => Val::Num(number.magnitude()),
        Val::Str(text) => {
            spend_bytes(text.as_str().len());
            Val::from(text.as_str().chars().count())
        }
        Val::Arr(array) => Val::from(array.items().len()),
        Val::Obj(object) => Val::from(object.fields().len()),
    })
}

/// Whether a value has a part like that, at any depth of it.
fn contains(value: &Val, part: &Val) -> bool {
    spend(1);
    match (value, part) {
        (Val::Str(text), Val::Str(part)) => {
            spend_bytes(text.as_str().len());
            memchr::memmem::find(text.as_str().as_bytes(), part.as_str().as_bytes()).is_some()
        }
        (Val::Arr(array), Val::Arr(parts)) => {
            let is_in = |part: &Val| array.items().iter().any(|item| contains(item, part));
            parts.items().iter().all(is_in)
        }
        (Val::Obj(object), Val::Obj(parts)) => {
            let is_in = |(key, part): (&Key, &Val)| object.fields().get(key).is_some_and(|value| contains(value, part));
            parts.fields().iter().all(is_in)
        }
        _ => value == part,
    }
}

fn has(value: &Val, key: &Val) -> Result<bool, Error> {
    match (value, key) {
        (Val::Obj(object), Val::Str(key)) => Ok(object.fields().contains_key(key.as_str())),
        (Val::Arr(array), Val::Num(number)) => {
            let at = number.as_f64();
            Ok(at >= 0.0 && at < array.items().len() as f64)
        }
        _ => Err(Error::index(value.clone(), key.clone())),
    }
}

fn implode(value: &Val) -> ValR {
    let Val::Arr(array) = value else { return Err(Error::typ(value.clone(), "array")) };
    room(array.items().len() * 4);
    let mut text = String::with_capacity(array.items().len());
    for item in array.items() {
        spend(1);
        let code = item.as_isize().and_then(|code| u32::try_from(code).ok());
        let Some(code) = code else { return Err(Error::typ(item.clone(), "code of a character")) };
        // As `jq` does it with half a surrogate pair, and with what is no character at all.
        text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    Ok(Val::text(text))
}

const HTML: [(char, &str); 5] = [('<', "&lt;"), ('>', "&gt;"), ('&', "&amp;"), ('\'', "&#39;"), ('"', "&quot;")];

fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match HTML.iter().find(|(plain, _)| *plain == c) {
            Some((_, entity)) => escaped.push_str(entity),
            None => escaped.push(c),
        }
    }
    escaped
}

fn unescape_html(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = HTML.iter().copied().chain([('\'', "&apos;")]);
        let (c, length) = known
            .filter(|(_, entity)| rest.starts_with(entity))
            .map(|(c, entity)| (c, entity.len()))
            .next()
            .unwrap_or(('&', 1));
        plain.push(c);
        rest = &rest[length..];
    }
    plain.push_str(rest);
    plain
}

fn encode_uri(text: &str) -> String {
    const RESERVED: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    percent_encoding::utf8_percent_encode(text, RESERVED).to_string()
}

/// What a text stands for, as text.
fn decoded(value: &Val, decode: impl FnOnce(&str) -> Option<Vec<u8>>, format: &str) -> ValR {
    let text = text_of(value)?;
    spend_bytes(text.len());
    room(text.len() * 4);
    let bytes = decode(text).ok_or_else(|| Error::str(format_args!("{value} is not valid {format} data")))?;
    Ok(Val::text(String::from_utf8_lossy(&bytes)))
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn encode_base32(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len().div_ceil(5) * 8);
    for chunk in text.as_bytes().chunks(5) {
        let bits = chunk.iter().chain([0; 5].iter()).take(5).fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        let used = (chunk.len() * 8).div_ceil(5);
        for position in 0..8 {
            let digit = (bits >> (35 - 5 * position)) as usize & 31;
            encoded.push(if position < used { char::from(BASE32[digit]) } else { '=' });
        }
    }
    encoded
}

fn decode_base32(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut decoded = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes() {
        let digit = BASE32.iter().position(|digit| *digit == byte)?;
        bits = (bits << 5 | u32::try_from(digit).ok()?) & 0xffff;
        count += 5;
        if count >= 8 {
            count -= 8;
            decoded.push((bits >> count) as u8);
        }
    }
    Some(decoded)
}

/// An array of these.
pub(super) fn array(values: Vec<Val>) -> Val {
    Val::Arr(Array::new(values))
}

//! How the interpreter makes values, looks into them and changes what is in them.

use std::rc::Rc;

use jaq_core::box_iter::box_once;
use jaq_core::path::Opt;
use jaq_core::val::Range;
use jaq_core::{Exn, ValT, ValX};

use super::limits::{spend, spend_bytes};
use super::number::Num;
use super::value::{Array, Error, Fields, Key, Object, Text, Val, ValR};
use super::write::write_json;

impl From<bool> for Val {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<isize> for Val {
    fn from(value: isize) -> Self {
        i64::try_from(value).map_or(Self::Num(Num::Float(value as f64)), |int| Self::Num(Num::Int(int)))
    }
}

impl From<usize> for Val {
    fn from(value: usize) -> Self {
        i64::try_from(value).map_or(Self::Num(Num::Float(value as f64)), |int| Self::Num(Num::Int(int)))
    }
}

impl From<f64> for Val {
    fn from(value: f64) -> Self {
        Self::Num(Num::Float(value))
    }
}

impl From<String> for Val {
    fn from(value: String) -> Self {
        Self::text(value)
    }
}

/// A slice as it stands in a path.
impl From<Range<Self>> for Val {
    fn from(range: Range<Self>) -> Self {
        let mut object = Object::new(Fields::default());
        for (name, bound) in [("start", range.start), ("end", range.end)] {
            object.insert(Key(Text::new(name.to_owned())), bound.unwrap_or_default());
        }
        Self::Obj(object)
    }
}

impl FromIterator<Self> for Val {
    fn from_iter<T: IntoIterator<Item = Self>>(values: T) -> Self {
        Self::Arr(Array::collect(values))
    }
}

/// Where a number points to in an array of that length; `None`: nowhere, or before its beginning.
fn position(number: &Num, length: usize) -> Option<usize> {
    let at = number.as_f64().floor();
    if at.is_nan() {
        return None;
    }
    // What is larger than any array points behind its end.
    if at >= 0.0 { Some(at as usize) } else { length.checked_sub((-at) as usize) }
}

/// The bounds of a slice, of something with that length.
fn bounds(range: Range<&Val>, length: usize) -> Result<std::ops::Range<usize>, Error> {
    let bound = |bound: Option<&Val>, default: usize, round: fn(f64) -> f64| match bound {
        None | Some(Val::Null) => Ok(default),
        Some(Val::Num(number)) => {
            let at = round(number.as_f64());
            let at = if at < 0.0 { length as f64 + at } else { at };
            Ok((at.max(0.0) as usize).min(length))
        }
        Some(other) => Err(Error::typ(other.clone(), "number")),
    };
    let start = bound(range.start, 0, f64::floor)?;
    let end = bound(range.end, length, f64::ceil)?;
    Ok(start..end.max(start))
}

/// A slice of a text, in characters.
fn slice(text: &str, range: Range<&Val>) -> ValR {
    spend_bytes(text.len());
    let range = bounds(range, text.chars().count())?;
    Ok(Val::text(text.chars().skip(range.start).take(range.len()).collect::<String>()))
}

/// The bounds of a slice that stands in a path.
fn slice_of(object: &Object) -> Range<&Val> {
    object.fields().get("start")..object.fields().get("end")
}

/// Where one array, or text, is in another.
pub(super) fn indices(value: &Val, part: &Val) -> Result<Val, Error> {
    let found = match (value, part) {
        (Val::Null, _) => return Ok(Val::Null),
        (Val::Str(_), Val::Str(part)) if part.as_str().is_empty() => return Ok(Val::Null),
        (Val::Str(text), Val::Str(part)) => {
            let (text, part) = (text.as_str(), part.as_str());
            let found = text.char_indices().zip(0usize..).filter(|((at, _), _)| {
                spend(1 + part.len() / 16);
                text[*at..].starts_with(part)
            });
            Array::collect(found.map(|(_, number)| Val::from(number)))
        }
        (Val::Arr(_), Val::Arr(part)) if part.items().is_empty() => return Ok(Val::Null),
        (Val::Arr(array), Val::Arr(part)) => {
            let windows = array.items().windows(part.items().len()).zip(0usize..);
            Array::collect(windows.filter(|(window, _)| *window == part.items()).map(|(_, at)| Val::from(at)))
        }
        (Val::Arr(array), part) => {
            let items = array.items().iter().zip(0usize..);
            Array::collect(items.filter(|(item, _)| *item == part).map(|(_, at)| Val::from(at)))
        }
        (value, part) => return Err(Error::index(value.clone(), part.clone())),
    };
    Ok(Val::Arr(found))
}

impl ValT for Val {
    fn from_num(number: &str) -> ValR {
        Num::parse(number).map(Self::Num).ok_or_else(|| Error::str(format_args!("cannot use {number} as a number")))
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(fields: I) -> ValR {
        let mut object = Object::new(Fields::default());
        for (key, value) in fields {
            let key = match key {
                Self::Str(text) => text,
                Self::Null | Self::Bool(_) | Self::Num(_) => Text::new(key.to_string()),
                Self::Arr(_) | Self::Obj(_) => return Err(Error::typ(key, "name of a field")),
            };
            object.insert(Key(key), value);
        }
        Ok(Self::Obj(object))
    }

    fn key_values(self) -> Box<dyn Iterator<Item = Result<(Self, Self), Error>>> {
        match self {
            Self::Arr(array) => Box::new((0..array.items().len()).map(move |at| {
                spend(1);
                Ok((Self::from(at), array.items()[at].clone()))
            })),
            Self::Obj(object) => Box::new((0..object.fields().len()).map(move |at| {
                spend(1);
                let field = object.fields().get_index(at);
                Ok(field.map(|(key, value)| (Self::Str(key.0.clone()), value.clone())).unwrap_or_default())
            })),
            other => box_once(Err(not_iterable(other))),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR>> {
        match self {
            Self::Arr(array) => Box::new((0..array.items().len()).map(move |at| {
                spend(1);
                Ok(array.items()[at].clone())
            })),
            Self::Obj(object) => Box::new((0..object.fields().len()).map(move |at| {
                spend(1);
                Ok(object.fields()[at].clone())
            })),
            other => box_once(Err(not_iterable(other))),
        }
    }

    fn index(self, index: &Self) -> ValR {
        match (&self, index) {
            (Self::Null, _) => Ok(Self::Null),
            (Self::Obj(object), Self::Str(key)) => Ok(object.fields().get(key.as_str()).cloned().unwrap_or_default()),
            (Self::Arr(array), Self::Num(number)) => {
                let at = position(number, array.items().len());
                Ok(at.and_then(|at| array.items().get(at)).cloned().unwrap_or_default())
            }
            (Self::Arr(_), Self::Arr(_)) => indices(&self, index),
            (Self::Arr(_) | Self::Str(_), Self::Obj(range)) => {
                let range = range.clone();
                self.range(slice_of(&range))
            }
            _ => Err(Error::index(self, index.clone())),
        }
    }

    fn range(self, range: Range<&Self>) -> ValR {
        match self {
            Self::Null => Ok(Self::Null),
            Self::Str(text) => slice(text.as_str(), range),
            Self::Arr(array) => {
                let range = bounds(range, array.items().len())?;
                Ok(Self::Arr(Array::collect(array.items()[range].iter().cloned())))
            }
            other => Err(Error::typ(other, "array or string")),
        }
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(self, opt: Opt, f: impl Fn(Self) -> I) -> ValX<'a, Self> {
        match self {
            Self::Arr(array) => array.into_items().into_iter().flat_map(f).collect(),
            Self::Obj(object) => {
                let mut mapped = Object::new(Fields::default());
                for (key, value) in object.into_fields() {
                    if let Some(value) = f(value).next() {
                        mapped.insert(key, value?);
                    }
                }
                Ok(Self::Obj(mapped))
            }
            other => opt.fail(other, |other| Exn::from(not_iterable(other))),
        }
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        index: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        match (self, index) {
            (value @ (Self::Null | Self::Str(_) | Self::Arr(_)), Self::Obj(range)) => {
                value.map_range(slice_of(range), opt, f)
            }
            (Self::Obj(mut object), Self::Str(key)) => {
                let old = object.take(key.as_str());
                let was_there = old.is_some();
                match f(old.unwrap_or_default()).next().transpose()? {
                    Some(new) => object.insert(Key(Rc::clone(key)), new),
                    None if was_there => object.remove(key.as_str()),
                    None => {}
                }
                Ok(Self::Obj(object))
            }
            (Self::Null, Self::Str(key)) => {
                let Some(new) = f(Self::Null).next().transpose()? else { return Ok(Self::Null) };
                let mut object = Object::new(Fields::default());
                object.insert(Key(Rc::clone(key)), new);
                Ok(Self::Obj(object))
            }
            (Self::Arr(mut array), Self::Num(number)) => {
                let Some(at) = position(number, array.items().len()) else {
                    return opt.fail(Self::Arr(array), |_| Exn::from(before_the_beginning(number)));
                };
                let is_there = at < array.items().len();
                let old = if is_there { array.take(at) } else { Self::Null };
                match f(old).next().transpose()? {
                    Some(new) => array.put(at, new),
                    None if is_there => array.remove(at),
                    None => {}
                }
                Ok(Self::Arr(array))
            }
            (Self::Null, Self::Num(number)) => {
                let Some(at) = position(number, 0) else {
                    return opt.fail(Self::Null, |_| Exn::from(before_the_beginning(number)));
                };
                let Some(new) = f(Self::Null).next().transpose()? else { return Ok(Self::Null) };
                let mut array = Array::new(Vec::new());
                array.put(at, new);
                Ok(Self::Arr(array))
            }
            (value, index) => opt.fail(value, |value| Exn::from(Error::index(value, index.clone()))),
        }
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<&Self>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        let (mut array, was_null) = match self {
            Self::Arr(array) => (array, false),
            Self::Null => (Array::new(Vec::new()), true),
            other => return opt.fail(other, |other| Exn::from(Error::typ(other, "array"))),
        };
        let range = match bounds(range, array.items().len()) {
            Ok(range) => range,
            Err(error) => return opt.fail(Self::Arr(array), |_| Exn::from(error)),
        };
        let part = Self::Arr(Array::collect(array.items()[range.clone()].iter().cloned()));
        match f(part).next().transpose()? {
            Some(Self::Arr(new)) => array.splice(range, new.items()),
            Some(other) => return Err(Exn::from(Error::typ(other, "array"))),
            None if was_null => return Ok(Self::Null),
            None => array.splice(range, &[]),
        }
        Ok(Self::Arr(array))
    }

    fn as_bool(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    fn into_string(self) -> Self {
        match self {
            Self::Str(text) => Self::Str(text),
            other => {
                let mut json = Vec::new();
                write_json(&mut json, &other);
                Self::text(String::from_utf8(json).unwrap_or_default())
            }
        }
    }
}

fn not_iterable(value: Val) -> Error {
    Error::typ(value, "iterable (array or object)")
}

fn before_the_beginning(number: &Num) -> Error {
    Error::str(format_args!("there is no place {} in the array", number.as_f64()))
}

impl jaq_std::ValT for Val {
    fn into_seq<S: FromIterator<Self>>(self) -> Result<S, Self> {
        match self {
            Self::Arr(array) => Ok(array.into_items().into_iter().collect()),
            other => Err(other),
        }
    }

    fn is_int(&self) -> bool {
        matches!(self, Self::Num(Num::Int(_) | Num::Big(_)))
    }

    fn as_isize(&self) -> Option<isize> {
        match self {
            Self::Num(number) => number.as_int().and_then(|int| int.try_into().ok()),
            Self::Null | Self::Bool(_) | Self::Str(_) | Self::Arr(_) | Self::Obj(_) => None,
        }
    }

    fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Num(number) => Some(number.as_f64()),
            Self::Null | Self::Bool(_) | Self::Str(_) | Self::Arr(_) | Self::Obj(_) => None,
        }
    }

    fn is_utf8_str(&self) -> bool {
        self.as_str().is_some()
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        self.as_str().map(str::as_bytes)
    }

    fn as_sub_str(&self, sub: &[u8]) -> Self {
        Self::text(String::from_utf8_lossy(sub))
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self::text(String::from_utf8_lossy(bytes.as_ref()))
    }
}

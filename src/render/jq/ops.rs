//! Arithmetic of values.

use std::borrow::Borrow as _;
use std::collections::BTreeSet;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::rc::Rc;

use jaq_core::ops::Math;

use super::limits::{EvaluationFailure, give_up, room, spend, spend_bytes};
use super::value::{Array, Error, Object, Text, Val, ValR};

impl Add for Val {
    type Output = ValR;
    fn add(self, other: Self) -> ValR {
        match (self, other) {
            (Val::Null, value) | (value, Val::Null) => Ok(value),
            (Val::Num(a), Val::Num(b)) => Ok(Val::Num(a + b)),
            (Val::Str(mut a), Val::Str(b)) => {
                a.push(b.as_str());
                Ok(Val::Str(a))
            }
            (Val::Arr(mut a), Val::Arr(b)) => {
                a.extend(b.items());
                Ok(Val::Arr(a))
            }
            (Val::Obj(mut a), Val::Obj(b)) => {
                for (key, value) in b.fields() {
                    a.insert(key.clone(), value.clone());
                }
                Ok(Val::Obj(a))
            }
            (a, b) => Err(Error::math(a, Math::Add, b)),
        }
    }
}

impl Sub for Val {
    type Output = ValR;
    fn sub(self, other: Self) -> ValR {
        match (self, other) {
            (Val::Num(a), Val::Num(b)) => Ok(Val::Num(a - b)),
            (Val::Arr(mut a), Val::Arr(b)) => {
                room(b.items().len() * 4 * size_of::<Val>());
                let gone: BTreeSet<&Val> = b.items().iter().collect();
                a.retain(|value| !gone.contains(value));
                Ok(Val::Arr(a))
            }
            (a, b) => Err(Error::math(a, Math::Sub, b)),
        }
    }
}

impl Mul for Val {
    type Output = ValR;
    fn mul(self, other: Self) -> ValR {
        match (self, other) {
            (Val::Num(a), Val::Num(b)) => Ok(Val::Num(a * b)),
            (Val::Str(text), Val::Num(times)) | (Val::Num(times), Val::Str(text)) => {
                Ok(repeated(&text, times.as_f64()).map_or(Val::Null, Val::text))
            }
            (Val::Obj(mut a), Val::Obj(b)) => {
                merge(&mut a, &b);
                Ok(Val::Obj(a))
            }
            (a, b) => Err(Error::math(a, Math::Mul, b)),
        }
    }
}

/// A text so many times; nothing for none at all.
fn repeated(text: &Text, times: f64) -> Option<String> {
    if times.is_nan() || times <= 0.0 {
        return None;
    }
    // Larger than any number of bytes becomes the largest.
    let times = times.max(1.0) as usize;
    let Some(bytes) = text.as_str().len().checked_mul(times) else { give_up(EvaluationFailure::Memory) };
    room(bytes);
    spend_bytes(bytes);
    Some(text.as_str().repeat(if bytes == 0 { 0 } else { times }))
}

/// Puts the fields of another object in, those of objects in both likewise.
fn merge(into: &mut Rc<Object>, from: &Object) {
    for (key, value) in from.fields() {
        let name: &str = key.borrow();
        let merged = match (into.fields().get(name), value) {
            (Some(Val::Obj(_)), Val::Obj(from)) => match into.take(name) {
                Some(Val::Obj(mut object)) => {
                    merge(&mut object, from);
                    Val::Obj(object)
                }
                _ => value.clone(),
            },
            _ => value.clone(),
        };
        into.insert(key.clone(), merged);
    }
}

impl Div for Val {
    type Output = ValR;
    fn div(self, other: Self) -> ValR {
        match (self, other) {
            (Val::Num(a), Val::Num(b)) => Ok(Val::Num(a / b)),
            (Val::Str(text), Val::Str(separator)) => {
                let (text, separator) = (text.as_str(), separator.as_str());
                spend_bytes(text.len());
                let part = |part: &str| Val::text(part);
                Ok(Val::Arr(match (text, separator) {
                    ("", _) => Array::new(Vec::new()),
                    (_, "") => Array::collect(text.chars().map(Val::text)),
                    _ => Array::collect(text.split(separator).map(part)),
                }))
            }
            (a, b) => Err(Error::math(a, Math::Div, b)),
        }
    }
}

impl Rem for Val {
    type Output = ValR;
    fn rem(self, other: Self) -> ValR {
        match (self, other) {
            (Val::Num(a), Val::Num(b)) if a.as_int().is_none() || b.as_int() != Some(0) => Ok(Val::Num(a % b)),
            (a, b) => Err(Error::math(a, Math::Rem, b)),
        }
    }
}

impl Neg for Val {
    type Output = ValR;
    fn neg(self) -> ValR {
        spend(1);
        match self {
            Val::Num(number) => Ok(Val::Num(-number)),
            other => Err(Error::typ(other, "number")),
        }
    }
}

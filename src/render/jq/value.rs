//! Values of the interpreter as JSON: also those that JSON has no word for, as `jq` writes them.

use jaq_json::{Num, Val};
use serde_json::value::RawValue;

/// Appends a value as one line of JSON, without white space. Digits of numbers that were not calculated with stay as
/// they are; what is not a number is `null`, and what is infinite the largest number.
pub fn write_json(out: &mut Vec<u8>, value: &Val) {
    match value {
        Val::Null => out.extend_from_slice(b"null"),
        Val::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Val::Num(number) => write_number(out, number),
        Val::TStr(bytes) | Val::BStr(bytes) => write_string(out, bytes),
        Val::Arr(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_json(out, value);
            }
            out.push(b']');
        }
        Val::Obj(fields) => {
            out.push(b'{');
            for (index, (key, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                match key {
                    Val::TStr(bytes) | Val::BStr(bytes) => write_string(out, bytes),
                    other => {
                        let mut text = Vec::new();
                        write_json(&mut text, other);
                        write_string(out, &text);
                    }
                }
                out.push(b':');
                write_json(out, value);
            }
            out.push(b'}');
        }
    }
}

/// The bytes of a string.
pub fn is_text(value: &Val) -> Option<&[u8]> {
    match value {
        Val::TStr(bytes) | Val::BStr(bytes) => Some(bytes),
        Val::Null | Val::Bool(_) | Val::Num(_) | Val::Arr(_) | Val::Obj(_) => None,
    }
}

fn write_string(out: &mut Vec<u8>, bytes: &[u8]) {
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(out, &String::from_utf8_lossy(bytes));
}

fn write_number(out: &mut Vec<u8>, number: &Num) {
    match number {
        Num::Int(_) | Num::BigInt(_) => out.extend_from_slice(number.to_string().as_bytes()),
        Num::Float(value) => write_float(out, *value),
        // As it was written; an expression may write what JSON does not allow, such as `.5`.
        Num::Dec(digits) if serde_json::from_str::<&RawValue>(digits).is_ok() => {
            out.extend_from_slice(digits.as_bytes());
        }
        Num::Dec(digits) => write_float(out, digits.parse().unwrap_or(f64::NAN)),
    }
}

fn write_float(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        out.extend_from_slice(b"null");
    } else {
        let value = value.clamp(f64::MIN, f64::MAX);
        out.extend_from_slice(Num::Float(value).to_string().as_bytes());
    }
}

//! Values as JSON: also those that JSON has no word for, as `jq` writes them.

use super::limits::{room, spend, spend_bytes};
use super::number::Num;
use super::value::Val;

/// Appends a value as one line of JSON, without white space. Digits of numbers that were not calculated with stay as
/// they are; what is not a number is `null`, and what is infinite the largest number.
pub fn write_json(out: &mut Vec<u8>, value: &Val) {
    write_some(out, value, usize::MAX);
}

/// The same, as long as there are no more than so many bytes. Returns whether it is all.
pub(super) fn write_some(out: &mut Vec<u8>, value: &Val, most: usize) -> bool {
    spend(1);
    if out.len() > most {
        return false;
    }
    match value {
        Val::Null => out.extend_from_slice(b"null"),
        Val::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Val::Num(number) => write_number(out, number),
        Val::Str(text) => write_string(out, text.as_str(), most),
        Val::Arr(array) => {
            out.push(b'[');
            for (index, value) in array.items().iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                if !write_some(out, value, most) {
                    return false;
                }
            }
            out.push(b']');
        }
        Val::Obj(object) => {
            out.push(b'{');
            for (index, (key, value)) in object.fields().iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(out, key.0.as_str(), most);
                out.push(b':');
                if !write_some(out, value, most) {
                    return false;
                }
            }
            out.push(b'}');
        }
    }
    room(out.len());
    out.len() <= most
}

fn write_string(out: &mut Vec<u8>, text: &str, most: usize) {
    let end = text.floor_char_boundary(most);
    spend_bytes(end);
    // Each byte may need an escape.
    room(out.len() + end);
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(out, &text[..end]);
}

fn write_number(out: &mut Vec<u8>, number: &Num) {
    match number {
        Num::Int(int) => out.extend_from_slice(int.to_string().as_bytes()),
        Num::Big(int) => out.extend_from_slice(int.to_string().as_bytes()),
        Num::Float(float) if float.is_nan() => out.extend_from_slice(b"null"),
        Num::Float(float) if *float == 0.0 && float.is_sign_negative() => out.extend_from_slice(b"-0"),
        Num::Float(float) => {
            let _ = serde_json::to_writer(out, &float.clamp(f64::MIN, f64::MAX));
        }
        Num::Written(digits) => {
            spend_bytes(digits.as_str().len());
            room(out.len() + digits.as_str().len());
            out.extend_from_slice(digits.as_str().as_bytes());
        }
    }
}

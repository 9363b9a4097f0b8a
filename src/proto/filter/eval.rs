//! Asking a checked filter about a connection. What the parser rules out gives `null` here, never a panic.

use std::borrow::Cow;

use super::Subject;
use super::parser::{Comparison, Expr, Function};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value<'a> {
    Null,
    Bool(bool),
    Number(i64),
    Text(Cow<'a, str>),
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(Cow::Borrowed(text)))
    }
}

/// Whether the expression is true of the connection.
pub(super) fn is_true(expr: &Expr, subject: &impl Subject) -> bool {
    value(expr, subject) == Value::Bool(true)
}

fn value<'a>(expr: &'a Expr, subject: &'a impl Subject) -> Value<'a> {
    match expr {
        Expr::Null => Value::Null,
        Expr::Bool(bool) => Value::Bool(*bool),
        Expr::Number(number) => Value::Number(*number),
        Expr::Text(text) => Value::Text(Cow::Borrowed(text)),
        Expr::UserId => subject.user_id().into(),
        Expr::ConnectionId => Some(subject.connection_id()).into(),
        Expr::Protocol => subject.protocol().into(),
        Expr::Not(inner) => Value::Bool(!is_true(inner, subject)),
        Expr::All(parts) => Value::Bool(parts.iter().all(|part| is_true(part, subject))),
        Expr::Any(parts) => Value::Bool(parts.iter().any(|part| is_true(part, subject))),
        Expr::Compare(left, comparison, right) => {
            Value::Bool(compare(&value(left, subject), *comparison, &value(right, subject)))
        }
        Expr::InGroups(group) => {
            Value::Bool(matches!(value(group, subject), Value::Text(group) if subject.is_in_group(&group)))
        }
        Expr::InList(needle, list) => {
            let needle = value(needle, subject);
            Value::Bool(list.iter().any(|item| value(item, subject) == needle))
        }
        Expr::Call(function, arguments) => {
            let arguments: Vec<_> = arguments.iter().map(|argument| value(argument, subject)).collect();
            call(*function, &arguments)
        }
    }
}

fn compare(left: &Value<'_>, comparison: Comparison, right: &Value<'_>) -> bool {
    let numbers = match (left, right) {
        (Value::Number(left), Value::Number(right)) => Some((left, right)),
        _ => None,
    };
    match comparison {
        Comparison::Eq => left == right,
        Comparison::Ne => left != right,
        Comparison::Gt => numbers.is_some_and(|(left, right)| left > right),
        Comparison::Ge => numbers.is_some_and(|(left, right)| left >= right),
        Comparison::Lt => numbers.is_some_and(|(left, right)| left < right),
        Comparison::Le => numbers.is_some_and(|(left, right)| left <= right),
    }
}

fn call(function: Function, arguments: &[Value<'_>]) -> Value<'static> {
    let text = |text: String| Value::Text(Cow::Owned(text));
    let number = |number: usize| Value::Number(i64::try_from(number).unwrap_or(i64::MAX));
    match (function, arguments) {
        (Function::ToLower, [Value::Text(of)]) => text(of.to_lowercase()),
        (Function::ToUpper, [Value::Text(of)]) => text(of.to_uppercase()),
        (Function::Trim, [Value::Text(of)]) => text(of.trim().to_owned()),
        (Function::Substring, [Value::Text(of), Value::Number(from)]) => text(substring(of, *from, i64::MAX)),
        (Function::Substring, [Value::Text(of), Value::Number(from), Value::Number(length)]) => {
            text(substring(of, *from, *length))
        }
        (Function::StartsWith, [Value::Text(of), Value::Text(start)]) => Value::Bool(of.starts_with(&**start)),
        (Function::EndsWith, [Value::Text(of), Value::Text(end)]) => Value::Bool(of.ends_with(&**end)),
        (Function::Contains, [Value::Text(of), Value::Text(part)]) => Value::Bool(of.contains(&**part)),
        (Function::IndexOf, [Value::Text(of), Value::Text(part)]) => match of.find(&**part) {
            Some(byte) => number(of[..byte].chars().count()),
            None => Value::Number(-1),
        },
        (Function::Length, [Value::Text(of)]) => number(of.chars().count()),
        (Function::Concat, [Value::Text(first), Value::Text(second)]) => text(format!("{first}{second}")),
        // An argument is null.
        _ => Value::Null,
    }
}

/// What lies beyond the text is empty.
fn substring(of: &str, from: i64, length: i64) -> String {
    let count = |number: i64| usize::try_from(number.max(0)).unwrap_or(usize::MAX);
    of.chars().skip(count(from)).take(count(length)).collect()
}

//! Asking a checked filter about a connection. What the parser rules out gives `null` here, never a panic.

use std::borrow::Cow;

use super::Subject;
use super::parser::{Expr, FilterOperator, Function};

#[derive(Clone, Debug, PartialEq, Eq)]
enum FilterValue<'a> {
    Null,
    Bool(bool),
    Number(i64),
    Text(Cow<'a, str>),
}

impl<'a> From<Option<&'a str>> for FilterValue<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(Cow::Borrowed(text)))
    }
}

/// Whether the expression is true of the connection.
pub(super) fn is_true(expr: &Expr, subject: &impl Subject) -> bool {
    value(expr, subject) == FilterValue::Bool(true)
}

fn value<'a>(expr: &'a Expr, subject: &'a impl Subject) -> FilterValue<'a> {
    match expr {
        Expr::Null => FilterValue::Null,
        Expr::Bool(bool) => FilterValue::Bool(*bool),
        Expr::Number(number) => FilterValue::Number(*number),
        Expr::Text(text) => FilterValue::Text(Cow::Borrowed(text)),
        Expr::UserId => subject.user_id().into(),
        Expr::ConnectionId => Some(subject.connection_id()).into(),
        Expr::Protocol => subject.protocol().into(),
        Expr::Not(inner) => FilterValue::Bool(!is_true(inner, subject)),
        Expr::All(parts) => FilterValue::Bool(parts.iter().all(|part| is_true(part, subject))),
        Expr::Any(parts) => FilterValue::Bool(parts.iter().any(|part| is_true(part, subject))),
        Expr::Compare(left, comparison, right) => {
            FilterValue::Bool(compare(&value(left, subject), *comparison, &value(right, subject)))
        }
        Expr::InGroups(group) => {
            FilterValue::Bool(matches!(value(group, subject), FilterValue::Text(group) if subject.is_in_group(&group)))
        }
        Expr::InList(needle, list) => {
            let needle = value(needle, subject);
            FilterValue::Bool(list.iter().any(|item| value(item, subject) == needle))
        }
        Expr::Call(function, arguments) => {
            let arguments: Vec<_> = arguments.iter().map(|argument| value(argument, subject)).collect();
            call(*function, &arguments)
        }
    }
}

fn compare(left: &FilterValue<'_>, comparison: FilterOperator, right: &FilterValue<'_>) -> bool {
    let numbers = match (left, right) {
        (FilterValue::Number(left), FilterValue::Number(right)) => Some((left, right)),
        _ => None,
    };
    match comparison {
        FilterOperator::Eq => left == right,
        FilterOperator::Ne => left != right,
        FilterOperator::Gt => numbers.is_some_and(|(left, right)| left > right),
        FilterOperator::Ge => numbers.is_some_and(|(left, right)| left >= right),
        FilterOperator::Lt => numbers.is_some_and(|(left, right)| left < right),
        FilterOperator::Le => numbers.is_some_and(|(left, right)| left <= right),
    }
}

fn call(function: Function, arguments: &[FilterValue<'_>]) -> FilterValue<'static> {
    let text = |text: String| FilterValue::Text(Cow::Owned(text));
    let number = |number: usize| FilterValue::Number(i64::try_from(number).unwrap_or(i64::MAX));
    match (function, arguments) {
        (Function::ToLower, [FilterValue::Text(of)]) => text(of.to_lowercase()),
        (Function::ToUpper, [FilterValue::Text(of)]) => text(of.to_uppercase()),
        (Function::Trim, [FilterValue::Text(of)]) => text(of.trim().to_owned()),
        (Function::Substring, [FilterValue::Text(of), FilterValue::Number(from)]) => {
            text(substring(of, *from, i64::MAX))
        }
        (Function::Substring, [FilterValue::Text(of), FilterValue::Number(from), FilterValue::Number(length)]) => {
            text(substring(of, *from, *length))
        }
        (Function::StartsWith, [FilterValue::Text(of), FilterValue::Text(start)]) => {
            FilterValue::Bool(of.starts_with(&**start))
        }
        (Function::EndsWith, [FilterValue::Text(of), FilterValue::Text(end)]) => {
            FilterValue::Bool(of.ends_with(&**end))
        }
        (Function::Contains, [FilterValue::Text(of), FilterValue::Text(part)]) => {
            FilterValue::Bool(of.contains(&**part))
        }
        (Function::IndexOf, [FilterValue::Text(of), FilterValue::Text(part)]) => match of.find(&**part) {
            Some(byte) => number(of[..byte].chars().count()),
            None => FilterValue::Number(-1),
        },
        (Function::Length, [FilterValue::Text(of)]) => number(of.chars().count()),
        (Function::Concat, [FilterValue::Text(first), FilterValue::Text(second)]) => text(format!("{first}{second}")),
        // An argument is null.
        _ => FilterValue::Null,
    }
}

/// What lies beyond the text is empty.
fn substring(of: &str, from: i64, length: i64) -> String {
    let count = |number: i64| usize::try_from(number.max(0)).unwrap_or(usize::MAX);
    of.chars().skip(count(from)).take(count(length)).collect()
}

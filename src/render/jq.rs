//! jq expressions over records (CLI contract, *Data out*): compiled once, run on the JSON of each record.
//!
//! A bad expression is told with the place where it goes wrong. What fails while it runs is an error of that record.
//! Integers keep their digits, also beyond 2^53.

use std::fmt;

use jaq_core::load::{Arena, File, Loader, lex, parse};
use jaq_core::{Compiler, Ctx, Native, Vars, compile, data, load};
use jaq_json::{Val, read};

type Data = data::JustLut<Val>;

/// A compiled expression.
pub struct Jq {
    filter: compile::Filter<Native<Data>>,
}

impl fmt::Debug for Jq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jq").finish_non_exhaustive()
    }
}

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at column {column}{near}")]
pub struct BadExpression {
    /// What was not understood.
    what: String,
    /// Where, in characters from 1.
    column: usize,
    /// What stands there.
    near: String,
}

impl Jq {
    /// Compiles an expression.
    pub fn compile(expression: &str) -> Result<Self, BadExpression> {
        let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let functions = jaq_core::funs::<Data>().chain(jaq_std::funs()).chain(jaq_json::funs());
        let arena = Arena::default();
        let modules = Loader::new(definitions)
            .load(&arena, File { code: expression, path: () })
            .map_err(|errors| first_load(expression, errors))?;
        let filter = Compiler::default()
            .with_funs(functions)
            .compile(modules)
            .map_err(|errors| first_compile(expression, errors))?;
        Ok(Self { filter })
    }

    /// The results for one record, up to the first error.
    fn results(&self, record: &[u8]) -> Result<Vec<Val>, String> {
        let input = read::parse_single(record).map_err(|error| error.to_string())?;
        let context = Ctx::<Data>::new(&self.filter.lut, Vars::new([]));
        let results = self.filter.id.run((context, input));
        let error = |exception: jaq_core::Exn<'_, Val>| match exception.get_err() {
            Ok(error) => error.to_string(),
            Err(_) => "the expression halts".to_owned(),
        };
        results.map(|result| result.map_err(error)).collect()
    }

    /// Whether one of the results for a record is neither `false` nor `null`. Fails with what went wrong.
    pub fn is_true(&self, record: &[u8]) -> Result<bool, String> {
        Ok(self.results(record)?.iter().any(|value| !matches!(value, Val::Null | Val::Bool(false))))
    }
}

fn first_load(expression: &str, errors: load::Errors<&str, ()>) -> BadExpression {
    let first = errors.into_iter().next().map(|(_, error)| error);
    match first {
        Some(load::Error::Lex(errors)) => match errors.into_iter().next() {
            Some((expected, found)) => expected_lexeme(expression, &expected, found),
            None => unknown(expression),
        },
        Some(load::Error::Parse(errors)) => match errors.into_iter().next() {
            Some((expected, found)) => expected_term(expression, &expected, found),
            None => unknown(expression),
        },
        Some(load::Error::Io(errors)) => match errors.into_iter().next() {
            Some((path, error)) => at(expression, format!("modules cannot be loaded ({error})"), path),
            None => unknown(expression),
        },
        None => unknown(expression),
    }
}

fn expected_lexeme(expression: &str, expected: &lex::Expect<&str>, found: &str) -> BadExpression {
    at(expression, format!("expected {}", expected.as_str()), found)
}

fn expected_term(expression: &str, expected: &parse::Expect<&str>, found: &str) -> BadExpression {
    at(expression, format!("expected {}", expected.as_str()), found)
}

fn first_compile(expression: &str, errors: compile::Errors<&str, ()>) -> BadExpression {
    match errors.into_iter().flat_map(|(_, errors)| errors).next() {
        Some((found, undefined)) => {
            let arity = match undefined {
                compile::Undefined::Filter(arity) => format!(" with {arity} argument(s)"),
                _ => String::new(),
            };
            at(expression, format!("there is no {} `{found}`{arity}", undefined.as_str()), found)
        }
        None => unknown(expression),
    }
}

fn unknown(expression: &str) -> BadExpression {
    at(expression, "not understood".into(), expression)
}

/// `found` is a part of the expression, or stands for its end.
fn at(expression: &str, what: String, found: &str) -> BadExpression {
    let start = expression.as_ptr() as usize;
    let offset = (found.as_ptr() as usize).checked_sub(start).filter(|offset| *offset <= expression.len());
    let offset = offset.filter(|offset| expression.is_char_boundary(*offset)).unwrap_or(expression.len());
    let rest: String = expression[offset..].chars().take(20).collect();
    let near = if rest.is_empty() { ", the end".into() } else { format!(": `{rest}`") };
    BadExpression { what, column: expression[..offset].chars().count() + 1, near }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_true(expression: &str, record: &str) -> Result<bool, String> {
        Jq::compile(expression).unwrap().is_true(record.as_bytes())
    }

    #[test]
    fn an_expression_is_true_when_a_result_is() {
        let record = r#"{"type":"group-message","group":"g","data":{"a":[1,2]}}"#;
        for (expression, expected) in [
            (".type == \"group-message\"", true),
            (".type == \"ack\"", false),
            ("select(.group == \"g\")", true),
            ("select(.group == \"h\")", false),
            (".data.a[] == 2", true),
            (".missing", false),
            ("0", true),
            ("empty", false),
            (".data.a | length == 2 and (.[0] | . == 1)", true),
            (".group | test(\"^g$\")", true),
        ] {
            assert_eq!(is_true(expression, record), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn large_integers_keep_their_digits() {
        assert_eq!(is_true(".a == 9007199254740993", "{\"a\":9007199254740993}"), Ok(true));
        assert_eq!(is_true(".a == 9007199254740993", "{\"a\":9007199254740992}"), Ok(false));
        assert_eq!(is_true(".a == 18446744073709551615", "{\"a\":18446744073709551615}"), Ok(true));
    }

    #[test]
    fn what_goes_wrong_with_a_record_is_said() {
        assert!(is_true(".a + 1", "{\"a\":{}}").is_err());
        assert!(is_true("error(\"no\")", "{}").is_err());
        assert_eq!(is_true("halt(3)", "{}"), Err("the expression halts".into()));
    }

    #[test]
    fn a_bad_expression_is_told_with_its_place() {
        for (expression, place) in
            [(".a ==", "column 6"), ("foo", "column 1: `foo`"), (".a | $x", "column 6: `$x`"), ("(.a", "column")]
        {
            let error = Jq::compile(expression).unwrap_err().to_string();
            assert!(error.contains(place), "{expression}: {error}");
        }
    }
}

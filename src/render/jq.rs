//! jq expressions over records (CLI contract, *Data out*): compiled once, run on the JSON of each record.
//!
//! A bad expression is told with the place where it goes wrong. What fails while it runs is an error of that record, and
//! so is what does not come to an end, or goes too deep: see [`Limits`]. Numbers keep their digits, and objects the order
//! of their keys.

mod limits;
mod log;
mod value;

use std::fmt;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jaq_core::load::{Arena, File, Loader, lex, parse};
use jaq_core::{Compiler, Ctx, Native, Vars, compile, load};
use jaq_json::{Val, read};

pub use jaq_json::Val as Value;
use limits::{Bounded, GaveUp, Run, nesting_within};
pub use limits::{Hurry, Limits};
pub use value::{is_text, write_json};

/// The stack that compiling and running may use, in bytes; it costs address space only. Whoever runs expressions with
/// [`Limits::own_thread`] has a thread with so much of it.
#[cfg(target_pointer_width = "64")]
pub const STACK: usize = 1024 * 1024 * 1024;
/// The same where there is less of it.
#[cfg(not(target_pointer_width = "64"))]
pub const STACK: usize = 64 * 1024 * 1024;

/// The variable with the environment.
const ENVIRONMENT: &str = "$ENV";

/// A compiled expression.
pub struct Jq {
    filter: compile::Filter<Native<Bounded>>,
    /// It names `$ENV`.
    wants_environment: bool,
}

impl fmt::Debug for Jq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jq").finish_non_exhaustive()
    }
}

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at {place}{near}")]
pub struct BadExpression {
    /// What was not understood.
    what: String,
    /// Where: the column, in characters from 1, and the line if there are several.
    place: String,
    /// What stands there.
    near: String,
}

impl Jq {
    /// Compiles an expression.
    pub fn compile(expression: &str) -> Result<Self, BadExpression> {
        // However deep it is nested; where there is no such thread to be had, as deep as it goes here.
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("jq".into()).stack_size(STACK);
            match thread.spawn_scoped(scope, || Self::compile_here(expression)) {
                Ok(thread) => thread.join().unwrap_or_else(|_| Err(unknown(expression))),
                Err(_) => Self::compile_here(expression),
            }
        })
    }

    fn compile_here(expression: &str) -> Result<Self, BadExpression> {
        let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let core = jaq_core::funs::<Bounded>().filter(|(name, ..)| *name != "range");
        let std = jaq_std::funs().filter(|(name, ..)| !["debug_empty", "stderr_empty"].contains(name));
        let own = [limits::range()].into_iter().chain(log::functions());
        let functions = core.chain(own).chain(std).chain(jaq_json::funs());
        let arena = Arena::default();
        let modules = Loader::new(definitions)
            .load(&arena, File { code: expression, path: () })
            .map_err(|errors| first_load(expression, errors))?;
        let filter = Compiler::default()
            .with_funs(functions)
            .with_global_vars([ENVIRONMENT])
            .compile(modules)
            .map_err(|errors| first_compile(expression, errors))?;
        Ok(Self { filter, wants_environment: expression.contains(ENVIRONMENT) })
    }

    /// Hands over each result for one record, until `take` wants no more. Fails with what went wrong, after the results
    /// that came before.
    pub fn each(
        &self,
        record: &[u8],
        limits: &Limits<'_>,
        mut take: impl FnMut(&Val) -> ControlFlow<()>,
    ) -> Result<(), String> {
        if !nesting_within(limits.nesting, record) {
            return Err(GaveUp::Nested(limits.nesting).to_string());
        }
        let evaluated = catch_unwind(AssertUnwindSafe(|| {
            let input = read::parse_single(record).map_err(|error| error.to_string())?;
            let run = Run::new(&self.filter.lut, limits);
            let environment = if self.wants_environment { environment() } else { Val::Null };
            let context = Ctx::<Bounded>::new(&run, Vars::new([environment]));
            for result in self.filter.id.run((context, input)) {
                match result {
                    Ok(value) if take(&value).is_break() => break,
                    Ok(_) => {}
                    Err(exception) => {
                        return Err(match exception.get_err() {
                            Ok(error) => in_words(error.into_val()),
                            Err(_) => "the expression halts".to_owned(),
                        });
                    }
                }
            }
            Ok(())
        }));
        evaluated.unwrap_or_else(|payload| match payload.downcast_ref::<GaveUp>() {
            Some(why) => Err(why.to_string()),
            None => Err("the expression cannot be carried out".to_owned()),
        })
    }

    /// Whether one of the results for a record is neither `false` nor `null`. Fails with what went wrong before such a
    /// one.
    pub fn is_true(&self, record: &[u8], limits: &Limits<'_>) -> Result<bool, String> {
        let mut found = false;
        self.each(record, limits, |value| {
            found = !matches!(value, Val::Null | Val::Bool(false));
            if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(found)
    }
}

/// What an expression failed with: mostly a string.
fn in_words(value: Val) -> String {
    let mut json = Vec::new();
    match is_text(&value) {
        Some(text) => json.extend_from_slice(text),
        None => write_json(&mut json, &value),
    }
    String::from_utf8_lossy(&json).into_owned()
}

/// The variables of this process, as far as they are text.
fn environment() -> Val {
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        Some((Val::from(name), Val::from(value)))
    });
    Val::obj(variables.collect())
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
    let rest: String = expression[offset..].chars().take_while(|c| *c != '\n').take(20).collect();
    let near = if expression[offset..].is_empty() { ", the end".into() } else { format!(": `{rest}`") };
    let before = &expression[..offset];
    let line = before.rsplit_once('\n').map(|(above, _)| above.matches('\n').count() + 2);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let place = line.map_or_else(|| format!("column {column}"), |line| format!("line {line}, column {column}"));
    BadExpression { what, place, near }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_true(expression: &str, record: &str) -> Result<bool, String> {
        Jq::compile(expression).unwrap().is_true(record.as_bytes(), &Limits::shared_thread())
    }

    fn results(expression: &str, record: &str) -> String {
        let mut out = Vec::new();
        let jq = Jq::compile(expression).unwrap();
        let end = jq.each(record.as_bytes(), &Limits::shared_thread(), |value| {
            write_json(&mut out, value);
            out.push(b' ');
            ControlFlow::Continue(())
        });
        if let Err(error) = end {
            out.extend_from_slice(format!("!{error}").as_bytes());
        }
        String::from_utf8(out).unwrap().trim_end().to_owned()
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
        assert_eq!(is_true("true, error(\"no\")", "{}"), Ok(true), "it was true before it failed");
        assert_eq!(is_true("halt(3)", "{}"), Err("the expression halts".into()));
    }

    #[test]
    fn a_bad_expression_is_told_with_its_place() {
        for (expression, place) in [
            (".a ==", "column 6"),
            ("foo", "column 1: `foo`"),
            (".a | $x", "column 6: `$x`"),
            ("(.a", "column"),
            (".a\n| nope", "line 2, column 3: `nope`"),
            ("input", "no filter `input`"),
        ] {
            let error = Jq::compile(expression).unwrap_err().to_string();
            assert!(error.contains(place), "{expression}: {error}");
        }
    }

    #[test]
    fn what_an_expression_does_not_touch_comes_out_as_it_went_in() {
        for json in [
            "12345678901234567890.10",
            "123456789012345678901234567890",
            "9007199254740993",
            "1.0",
            "1e400",
            "-1E-7",
            r#"{"b":1,"a":{"z":1.10,"y":[null,true,"\u0001\n\"é"]}}"#,
        ] {
            assert_eq!(results(".data", &format!("{{\"data\":{json}}}")), json);
        }
    }

    #[test]
    fn results_are_json_also_where_the_values_are_not() {
        for (expression, expected) in [
            ("nan, infinite, -infinite", "null 1.7976931348623157e308 -1.7976931348623157e308"),
            ("1.50e3, 1 + 0.5", "1.50e3 1.5"),
            ("{(1): 2}", r#"{"1":2}"#),
            ("\"a\", error(\"no\"), 3", "\"a\" !no"),
            ("empty", ""),
            ("1, halt, 2", "1 !the expression halts"),
            ("[range(5; 0; -2)], [range(2)], [range(0; 1; 0.5)]", "[5,3,1] [0,1] [0,0.5]"),
            ("$ENV | type", "\"object\""),
            ("env | has(\"PATH\")", "true"),
            ("now > 0", "true"),
            ("debug, 1", "{} 1"),
        ] {
            assert_eq!(results(expression, "{}"), expected, "{expression}");
        }
    }

    #[test]
    fn what_has_no_end_is_given_up() {
        for expression in ["def f: f; f", "last(repeat(1))", "[range(0; 1; 0)] | length", "until(false; .)"] {
            let mut limits = Limits::shared_thread();
            limits.time = std::time::Duration::from_millis(20);
            let error = Jq::compile(expression).unwrap().is_true(b"{}", &limits).unwrap_err();
            assert!(error.contains("takes longer than"), "{expression}: {error}");
        }
    }

    #[test]
    fn what_goes_too_deep_is_given_up() {
        for expression in ["def f: 1 + f; f", "def f: [f]; f", "def f: f | 1; f"] {
            let error = is_true(expression, "{}").unwrap_err();
            assert!(error.contains("too deep") || error.contains("takes longer"), "{expression}: {error}");
        }
        let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
        let error = is_true(".", &deep).unwrap_err();
        assert!(error.contains("nested deeper"), "{error}");
        let quoted = format!("{{\"a\":\"{}\"}}", "[{\\\"".repeat(20_000));
        assert_eq!(is_true(".a", &quoted), Ok(true), "brackets in a string are none");
    }

    #[test]
    fn what_takes_too_much_memory_is_given_up_and_however_deep_it_was_nested_is_freed() {
        // On a thread as those of the program are: an overflow of its stack would end all tests.
        let thread = std::thread::Builder::new().stack_size(STACK);
        let evaluate = || {
            for expression in [
                "def f(g): f(g | g); f(.)",
                "[recurse([.])]",
                "reduce repeat(1) as $i (null; [.])",
                "reduce repeat(1) as $i (null; {a: .})",
                "[range(1e12)]",
                "reduce range(60) as $i ([1]; . + .)",
            ] {
                let mut limits = Limits::own_thread(None);
                limits.memory /= 4;
                let error = Jq::compile(expression).unwrap().is_true(b"{}", &limits).unwrap_err();
                // On a very busy machine the time may be over first.
                assert!(error.contains("too much memory") || error.contains("longer than"), "{expression}: {error}");
            }
        };
        thread.spawn(evaluate).unwrap().join().unwrap();
    }

    #[test]
    fn an_expression_that_is_nested_deep_is_no_end_of_the_program() {
        let deep = format!("{}1{}", "(".repeat(20_000), ")".repeat(20_000));
        assert!(Jq::compile(&deep).is_ok());
        assert!(Jq::compile(&"[".repeat(60_000)).is_err());
    }
}

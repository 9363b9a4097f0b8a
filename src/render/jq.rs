//! jq expressions over records (CLI contract, *Data out*): compiled once, run on the JSON of each record.
//!
//! A bad expression is told with the place where it goes wrong. What fails while it runs is an error of that record, and
//! so is what does not come to an end, or goes too deep: see [`Limits`]. Numbers keep their digits, and objects the order
//! of their keys.

mod access;
mod limits;
mod log;
mod natives;
mod number;
mod ops;
mod plain;
mod read;
mod regex;
mod value;
mod write;

use std::fmt;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use jaq_core::load::{Arena, File, Loader, lex, parse};
use jaq_core::{Compiler, Ctx, Native, Vars, compile, load};

use super::text::counted;
use limits::{BoundedTypes, Evaluation, EvaluationFailure, MeterScope};
pub use limits::{EvaluationDeadline, Limits, is_evaluating};
use plain::PlainExpression;
pub use value::Val;
use value::{Fields, Key, Object, Text};
pub use write::write_json;
use write::write_some;

/// The stack that compiling and running may use, in bytes; it costs address space only. Whoever runs expressions with
/// [`Limits::own_thread`] has a thread with so much of it.
#[cfg(target_pointer_width = "64")]
pub const STACK: usize = 1024 * 1024 * 1024;
/// The same where there is less of it.
#[cfg(not(target_pointer_width = "64"))]
pub const STACK: usize = 64 * 1024 * 1024;

/// The variable with the environment.
const ENVIRONMENT: &str = "$ENV";
/// What is written in jq.
const DEFINITIONS: &str = include_str!("jq/defs.jq");
/// The largest record of which a plain expression takes no time, in bytes.
const QUICK_RECORD: usize = 64 * 1024;
/// The most of what an expression fails with, in bytes.
const LONGEST_ERROR: usize = 2000;

/// A compiled expression.
pub struct Jq {
    expression: String,
    /// What can be done without the interpreter.
    plain: Option<PlainExpression>,
    /// What the interpreter runs; of a plain expression it is compiled when it is needed, which few records do.
    filter: OnceLock<Filter>,
    /// It names `$ENV`.
    wants_environment: bool,
}

type Filter = compile::Filter<Native<BoundedTypes>>;

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
        let (plain, filter) = (PlainExpression::read(expression), OnceLock::new());
        if plain.is_none() {
            let _ = filter.set(compiled(expression)?);
        }
        let wants_environment = expression.contains(ENVIRONMENT);
        Ok(Self { expression: expression.to_owned(), plain, filter, wants_environment })
    }

    fn filter(&self) -> Result<&Filter, String> {
        if let Some(filter) = self.filter.get() {
            return Ok(filter);
        }
        let filter = compiled(&self.expression).map_err(|error| error.to_string())?;
        Ok(self.filter.get_or_init(|| filter))
    }

    /// What it gives for a record, one value or none, where that can be found without the interpreter and in so little time
    /// that it needs no bounds. `None`: [`Self::each`] is to say.
    pub fn quick(&self, record: &[u8]) -> Option<Option<Val>> {
        self.plain.as_ref().filter(|_| record.len() <= QUICK_RECORD)?.evaluate(record)
    }

    /// Hands over each result for one record, until `take` wants no more. Fails with what went wrong, after the results
    /// that came before.
    pub fn each(
        &self,
        record: &[u8],
        limits: &Limits<'_>,
        mut take: impl FnMut(&Val) -> ControlFlow<()>,
    ) -> Result<(), String> {
        if let Some(plain) = &self.plain {
            let _metered = MeterScope::begin(limits);
            let evaluated = caught(|| {
                let Some(value) = plain.evaluate(record) else { return Ok(false) };
                if let Some(value) = value {
                    // Nothing follows it, whatever is wanted.
                    let _ = take(&value);
                }
                Ok(true)
            });
            match evaluated {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => return Err(error),
            }
        }
        let filter = self.filter()?;
        let _metered = MeterScope::begin(limits);
        caught(|| {
            let input = read::parse(record)?;
            let run = Evaluation::new(&filter.lut, limits);
            let environment = if self.wants_environment { environment() } else { Val::Null };
            let context = Ctx::<BoundedTypes>::new(&run, Vars::new([environment]));
            for result in filter.id.run((context, input)) {
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
        })
    }

    /// Whether one of the results for a record is neither `false` nor `null`. Fails with what went wrong before such a
    /// one.
    pub fn is_true(&self, record: &[u8], limits: &Limits<'_>) -> Result<bool, String> {
        let mut found = false;
        self.each(record, limits, |value| {
            found = is_true(value);
            if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(found)
    }
}

/// Whether a value is neither `false` nor `null`.
pub fn is_true(value: &Val) -> bool {
    !matches!(value, Val::Null | Val::Bool(false))
}

/// The result of an evaluation, also when it is given up.
fn caught<T>(evaluate: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(evaluate)).unwrap_or_else(|payload| {
        match payload.downcast_ref::<EvaluationFailure>() {
            Some(why) => Err(why.to_string()),
            None => Err("the expression cannot be carried out".to_owned()),
        }
    })
}

/// What the interpreter runs for an expression.
fn compiled(expression: &str) -> Result<Filter, BadExpression> {
    // However deep it is nested; where there is no such thread to be had, as deep as it goes here.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("jq".into()).stack_size(STACK);
        match thread.spawn_scoped(scope, || compiled_here(expression)) {
            Ok(thread) => thread.join().unwrap_or_else(|_| Err(unknown(expression))),
            Err(_) => compiled_here(expression),
        }
    })
}

fn compiled_here(expression: &str) -> Result<Filter, BadExpression> {
    // Ours come last: they count where there are two of a name.
    let own = load::parse(DEFINITIONS, |parser| parser.defs()).unwrap_or_default();
    let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(own);
    let arena = Arena::default();
    let modules = Loader::new(definitions)
        .load(&arena, File { code: expression, path: () })
        .map_err(|errors| first_load(expression, errors))?;
    Compiler::default()
        .with_funs(natives::functions())
        .with_global_vars([ENVIRONMENT])
        .compile(modules)
        .map_err(|errors| first_compile(expression, errors))
}

/// What an expression failed with: mostly a string.
fn in_words(value: Val) -> String {
    let mut json = Vec::new();
    match value.as_str() {
        Some(text) => json.extend_from_slice(text.as_bytes()),
        None => drop(write_some(&mut json, &value, LONGEST_ERROR)),
    }
    json.truncate(LONGEST_ERROR);
    String::from_utf8_lossy(&json).into_owned()
}

/// The variables of this process, as far as they are text.
fn environment() -> Val {
    let mut object = Object::new(Fields::default());
    for (name, value) in std::env::vars_os() {
        if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
            object.insert(Key(Text::new(name)), Val::text(value));
        }
    }
    Val::Obj(object)
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
                compile::Undefined::Filter(arity) => format!(" with {}", counted(arity as u64, "argument")),
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
mod tests;

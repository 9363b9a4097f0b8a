//! `--fail-if`: what must not be true of the results.

use crate::failure::{Failure, Kind};
use crate::render::{Jq, Limits};

/// Compiled expressions.
#[derive(Debug)]
pub struct Expectations(Vec<(String, Jq)>);

impl Expectations {
    /// Compiles them. Fails with a usage error that points at the place.
    pub fn compile(expressions: &[String]) -> Result<Self, Failure> {
        let compile = |text: &String| match Jq::compile(text) {
            Ok(jq) => Ok((text.clone(), jq)),
            Err(error) => {
                let context = "the expression in `--fail-if` is not jq";
                let failure = Failure::new(Kind::Usage, error).context(context);
                Err(failure.blame("--fail-if").hint("an example: `--fail-if '.p99Ms > 50'`"))
            }
        };
        expressions.iter().map(compile).collect::<Result<_, _>>().map(Self)
    }

    /// Looks at a `bench` record. Fails (exit 12) with the first expression that is true, or cannot be evaluated: an
    /// expectation that says nothing is not met.
    pub fn check(&self, record: &[u8]) -> Result<(), Failure> {
        for (text, jq) in &self.0 {
            match jq.is_true(record, &Limits::shared_thread()) {
                Ok(false) => {}
                Ok(true) => {
                    let what = format!("`{text}` (`--fail-if`) is true of the results");
                    return Err(Failure::message(Kind::Expectation, what));
                }
                Err(error) => {
                    let what = format!("`{text}` (`--fail-if`) cannot be evaluated");
                    return Err(Failure::new(Kind::Expectation, anyhow::anyhow!("{error}").context(what)));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_true_fails() {
        let check = |expressions: &[&str]| {
            let expressions: Vec<String> = expressions.iter().map(|text| (*text).to_owned()).collect();
            Expectations::compile(&expressions).and_then(|it| it.check(br#"{"p99Ms": 20, "lost": 0}"#))
        };
        assert!(check(&[]).is_ok() && check(&[".p99Ms > 50", ".lost > 0"]).is_ok());
        // What does not apply is no more than anything.
        assert!(check(&[".ackP99Ms > 50"]).is_ok());
        for (expressions, code) in
            [(&[".lost > 0", ".p99Ms > 10"][..], 12), (&[".p99Ms | error"], 12), (&[".p99Ms >"], 2)]
        {
            assert_eq!(check(expressions).unwrap_err().kind.exit_code(), code, "{expressions:?}");
        }
    }
}

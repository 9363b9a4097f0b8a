//! The expressions of a run: compiled before anything is tried, and what it means when a condition is met.

use super::verdict::Verdict;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::options::output::settings::OutputSettings;
use crate::render::{Conditions, Console, EndCondition, ExpressionTexts, Expressions, MetCondition};

/// Compiles what `output` has. Fails with a usage error that points at the place.
pub fn compile(output: &OutputSettings) -> Result<Option<Expressions>, Failure> {
    let given = &output.expressions;
    let given = ExpressionTexts {
        jq: given.jq.as_deref(),
        raw: given.raw,
        until: given.until.as_deref(),
        fail_on: given.fail_on.as_deref(),
    };
    Expressions::compile(&given).map_err(|(flag, error)| {
        let hint = match flag {
            "--jq" => "an example: `--jq '.data.price' --only messages`",
            _ => "an example: `.type == \"group-message\" and .data == \"pong\"`",
        };
        let context = format!("the expression in `{flag}` is not jq");
        Failure::new(Kind::Usage, error).context(context).hint(hint)
    })
}

/// Opens the console, with the expressions before stdout if there are any. With `outlives`, they go on when the reader
/// of stdout has gone.
pub fn open(output: &OutputSettings, outlives: bool) -> Result<(Console, Option<Conditions>), Failure> {
    let color = |terminal| output.color.enabled(terminal);
    let builder = Console::builder(color);
    let builder = match compile(output)? {
        None => builder,
        Some(expressions) => builder.filtered(expressions, output.quiet, outlives),
    };
    builder.open().or_internal()
}

/// How a run ends by a condition.
pub fn verdict(met: &MetCondition, output: &OutputSettings) -> Verdict {
    match met.condition {
        EndCondition::Until => Verdict::Done("until"),
        EndCondition::FailOn => {
            let expression = output.expressions.fail_on.as_deref().unwrap_or_default();
            let what = format!("a record came for which `{expression}` (`--fail-on`) is true");
            Verdict::Failed(Failure::new(Kind::Expectation, anyhow::anyhow!("{}", met.record).context(what)))
        }
    }
}

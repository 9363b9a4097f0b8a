//! What the emulator does wrong, as typed.

use crate::commands::emulator::args::FaultArgs;
use crate::failure::{Failure, Kind};
use webpubsub_proto::fault::Fault;

/// What goes wrong from the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultSettings {
    /// Print what there is, and do nothing else.
    pub help: bool,
    /// In the order they were given.
    pub faults: Vec<Fault>,
    /// Decides everything that is left to chance; `None`: chance does.
    pub seed: Option<u64>,
}

/// Reads the faults.
pub(super) fn faults(args: FaultArgs) -> Result<FaultSettings, Failure> {
    if args.faults.iter().any(|text| text == "help") {
        return Ok(FaultSettings { help: true, ..FaultSettings::default() });
    }
    let read = |text: &String| {
        text.parse::<Fault>().map_err(|error| {
            let failure = Failure::message(Kind::Usage, format!("`--fault`: {error}")).blame("--fault");
            let failure = error.hints.into_iter().fold(failure, |failure, hint| failure.hint(hint));
            failure.hint("`wps emulator --fault help` lists all faults, each with an example")
        })
    };
    let faults = args.faults.iter().map(read).collect::<Result<_, _>>()?;
    Ok(FaultSettings { help: false, faults, seed: args.seed })
}

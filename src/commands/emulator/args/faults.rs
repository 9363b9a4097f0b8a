//! The flags of `wps emulator` that make it misbehave.

use clap::Args;

/// What goes wrong on request.
#[expect(rustdoc::broken_intra_doc_links, reason = "the brackets are the grammar that help shows")]
#[derive(Debug, Args)]
pub struct FaultArgs {
    /// Fault to inject, e.g. `nack=InternalServerError,op=sendToGroup,times=2`; `help` lists them all
    ///
    /// ACTION[=VALUE][,KEY=VALUE]…, repeatable. See Faults below; `--fault help` prints every action with an example.
    /// While the emulator runs, faults can be added and cleared at /emulator/faults.
    #[arg(long = "fault", value_name = "FAULT", help_heading = "Faults")]
    pub faults: Vec<String>,

    /// Seed for random choices: those of faults, connection ids and reconnection tokens
    ///
    /// The same seed and the same requests in the same order give the same faults, ids and tokens. Anyone who knows the
    /// seed knows the tokens, so do not use it on an emulator that others can reach.
    #[arg(long, value_name = "N", help_heading = "Faults")]
    pub seed: Option<u64>,
}

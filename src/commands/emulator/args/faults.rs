//! The flags of `wps emulator` that make it misbehave.

use clap::Args;

/// What goes wrong on request.
#[expect(rustdoc::broken_intra_doc_links, reason = "the brackets are the grammar that help shows")]
#[derive(Debug, Args)]
pub struct FaultArgs {
    /// Something that goes wrong, e.g. `nack=InternalServerError,op=sendToGroup,times=2`; `help` lists what there is
    ///
    /// ACTION[=VALUE][,KEY=VALUE]…, any number of them. See Faults below; `--fault help` prints every action with an
    /// example. While it runs, faults are added and cleared at /emulator/faults.
    #[arg(long = "fault", value_name = "FAULT", help_heading = "Faults")]
    pub faults: Vec<String>,

    /// Makes chance repeatable: what faults leave to it, connection ids and reconnection tokens
    ///
    /// The same seed and the same requests in the same order give the same faults, ids and tokens. Whoever knows the
    /// seed knows the tokens, so it is not for an emulator that others can reach.
    #[arg(long, value_name = "N", help_heading = "Faults")]
    pub seed: Option<u64>,
}

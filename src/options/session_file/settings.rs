//! `--session`: the file, and what a command does with the connection in it.

use std::path::PathBuf;

use super::args::SessionFileArgs;
use crate::failure::{Failure, Kind};
use crate::options::operation::settings::AckRequest;

/// A connection that outlives the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFileSettings {
    /// Where it is kept.
    pub path: PathBuf,
    /// The command, as in `wps listen`, for others who want the file.
    pub command: &'static str,
    /// The groups it is to be in: any other of an earlier run is left. `None`: none is left.
    pub groups: Option<Vec<String>>,
    /// Every message is this command's, printed or not. Otherwise those that it does not print wait at the service, for
    /// a run that does.
    pub takes_messages: bool,
    /// It sends a stream, whose position is kept.
    pub stream: Option<LinesTemplate>,
}

/// A stream whose position is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinesTemplate {
    /// ackId of its first line, if that is given.
    pub first_id: Option<u64>,
    /// All that makes a message besides its line: another run has to have the same.
    pub template: String,
}

impl SessionFileSettings {
    /// Of a command that takes the messages and is in these groups only.
    pub fn listening(args: SessionFileArgs, groups: &[String]) -> Option<Self> {
        let path = args.session?;
        Some(Self { path, command: "wps listen", groups: Some(groups.to_vec()), takes_messages: true, stream: None })
    }

    /// Of a command that is in further groups. One that stays would leave too much waiting at the service.
    pub fn joining(args: SessionFileArgs, stays: bool) -> Option<Self> {
        Some(Self { path: args.session?, command: "wps join", groups: None, takes_messages: stays, stream: None })
    }

    /// Of a command that calls the application server. Of calls nothing is kept: none is made again.
    pub fn invoking(args: SessionFileArgs) -> Option<Self> {
        let path = args.session?;
        Some(Self { path, command: "wps invoke", groups: None, takes_messages: false, stream: None })
    }

    /// Of a command that sends. Fails with a usage error where there would be nothing to go on with.
    pub fn sending(args: SessionFileArgs, command: &'static str, ack: AckRequest) -> Result<Option<Self>, Failure> {
        let Some(path) = args.session else { return Ok(None) };
        if ack == AckRequest::None {
            let failure = Failure::message(Kind::Usage, "`--session` and `--no-ack` do not go together")
                .blame("--session")
                .blame("--no-ack");
            return Err(failure.hint("without an ack, another run cannot know what arrived: leave `--no-ack` away"));
        }
        Ok(Some(Self { path, command, groups: None, takes_messages: false, stream: None }))
    }
}

impl SessionFileSettings {
    /// Of a command that sends a stream: with its position.
    pub fn streaming(self, ack: AckRequest, template: String) -> Self {
        let first_id = match ack {
            AckRequest::Id(id) => Some(id),
            AckRequest::Automatic | AckRequest::None => None,
        };
        Self { stream: Some(LinesTemplate { first_id, template }), ..self }
    }
}

//! What a tunnel's driver has to do, and what there is to tell.

use std::time::Duration;

use crate::session::{EndKind, LossCause};
use crate::tunnel::codec::TunnelMalformed;
use crate::tunnel::frame::{TunnelFrame, TunnelRequest};

/// A socket, from its dial to its end. No two have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TunnelSocket(pub u64);

/// A request, from when it came until it is settled. No two have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey(pub u64);

/// Where a connection goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TunnelDestination {
    /// An http(s) URL, as the service named it; `None`: where the first connection goes.
    pub endpoint: Option<String>,
    /// `target` of the URL.
    pub target: Option<String>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TunnelOutput {
    /// Dial with a fresh token, and answer with [`handle_opened`](super::TunnelClient::handle_opened) or
    /// [`handle_dial_failed`](super::TunnelClient::handle_dial_failed).
    Dial {
        /// Names the socket from now on.
        socket: TunnelSocket,
        /// Where.
        place: TunnelDestination,
    },
    /// Send a frame.
    Send {
        /// Where.
        socket: TunnelSocket,
        /// What.
        frame: TunnelFrame,
    },
    /// Bring [`handle_written`](super::TunnelClient::handle_written) when all that was sent there until now is with the
    /// system; never when it cannot be any more.
    Mark {
        /// Where.
        socket: TunnelSocket,
        /// Whose answer was sent last.
        key: RequestKey,
    },
    /// Send a ping of the WebSocket.
    Ping {
        /// Where.
        socket: TunnelSocket,
    },
    /// Send a close frame with 1000, behind all that was sent.
    Close {
        /// Which.
        socket: TunnelSocket,
    },
    /// Drop the socket, or the dial. Nothing more is to be said of it.
    Abort {
        /// Which.
        socket: TunnelSocket,
    },
    /// Ask the application, and bring its answer with [`handle_answer`](super::TunnelClient::handle_answer).
    Ask(KeyedRequest),
    /// Something to tell.
    Event(TunnelEvent),
    /// It is over; nothing follows.
    Ended(TunnelEnd),
}

/// A request to the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Names it in the answer.
    pub key: RequestKey,
    /// What came.
    pub request: TunnelRequest,
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TunnelEvent {
    /// A connection is up.
    Connected {
        /// Which.
        socket: TunnelSocket,
        /// As the service has it.
        connection_id: String,
        /// How many are up with it.
        connections: usize,
    },
    /// A connection was lost; another is made in its place.
    Lost {
        /// Which.
        socket: TunnelSocket,
        /// Why.
        cause: LossCause,
    },
    /// An attempt has failed; another follows.
    Waiting {
        /// How many have failed, in a row.
        attempt: u32,
        /// How long it is until then.
        delay: Duration,
        /// What was wrong.
        error: String,
    },
    /// A connection will not be made again, and others are there.
    GivenUp {
        /// What was wrong.
        error: String,
    },
    /// A text of the service's.
    Told {
        /// Where it came.
        socket: TunnelSocket,
        /// The text.
        message: String,
    },
    /// The service wants another connection: in place of this one, or beside it.
    Moved {
        /// Where it said so.
        socket: TunnelSocket,
        /// Its text.
        message: String,
        /// This one leaves.
        leaves: bool,
    },
    /// The service wants this connection to end, for good.
    Dismissed {
        /// Which.
        socket: TunnelSocket,
        /// Its text.
        message: String,
    },
    /// Something came that is no frame, and was ignored.
    Malformed {
        /// Where.
        socket: TunnelSocket,
        /// Why it is none.
        problem: TunnelMalformed,
    },
    /// The answer to a request was written, or could not be: its connection is gone.
    Settled {
        /// Which.
        key: RequestKey,
        /// All of it was written. Nobody can know here whether the service has read it.
        delivered: bool,
    },
    /// A request came while the run ends: it is not asked, and is answered with this status. It is settled like one that
    /// was asked.
    Refused {
        /// Names it from now on.
        key: RequestKey,
        /// What it was.
        request: TunnelRequest,
        /// HTTP status.
        status: u16,
    },
    /// A request was not asked at all, nor answered.
    NotAsked {
        /// What it was.
        request: TunnelRequest,
        /// Why.
        cause: LostCause,
    },
}

/// Why a request was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostCause {
    /// Its connection went before its turn came.
    Gone,
    /// Its connection was closing already.
    Closing,
    /// The same id is on its way on the same connection.
    Doubled,
}

/// Why it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TunnelEnd {
    /// It was told to stop.
    Stopped,
    /// The service has closed the last connection for good.
    Dismissed {
        /// Its text.
        message: String,
    },
    /// No connection could be made, or made again.
    Failed {
        /// What it means.
        kind: EndKind,
        /// The last failure.
        message: String,
    },
}

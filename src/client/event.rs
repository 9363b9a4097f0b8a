//! What comes out of a client, and the trait of whoever takes it.
//!
//! Messages are many: they are handed to an [`EventSink`] borrowed from the frame they came in, without a channel or an
//! allocation between. The sink says when it has no room; the driver then stops reading. This is the lower level beside
//! [`driver`](crate::driver); what a [`Client`](crate::Client) tells is an [`Event`](crate::Event).

use std::task::{Context, Poll};

pub use webpubsub_proto::WireFrame;
pub use webpubsub_proto::session::{
    AckReport, FailedAttempt, InvokeOutcome, Invoked, Lifecycle, Loss, Mark, Nack, OperationKind, Received,
    StateChange, StateChanges,
};

/// Whether a sink wants more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Enough: end the session as if asked to stop. Nothing more is handed over.
    Stop,
}

impl Flow {
    /// Goes on while both do.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Continue, Self::Continue) => Self::Continue,
            (Self::Stop, _) | (_, Self::Stop) => Self::Stop,
        }
    }
}

/// Takes everything a user may want to see, in order.
pub trait EventSink {
    /// Something other than a message happened.
    fn lifecycle(&mut self, event: &Lifecycle) -> Flow;

    /// An invocation has ended.
    fn invoked(&mut self, _invoked: &Invoked) -> Flow {
        Flow::Continue
    }

    /// A frame came, with what it is.
    fn frame(&mut self, frame: WireFrame<'_>, received: &Received<'_>) -> Flow;

    /// The frame that comes next, and everything before it, is up to this mark. Only where the connection is to outlive
    /// the process.
    fn mark(&mut self, _mark: Mark) {}

    /// Ready when more was put out, and recorded as such, than at the last time: up to which mark. Registers the waker
    /// otherwise.
    fn poll_written(&mut self, _cx: &mut Context<'_>) -> Poll<Mark> {
        Poll::Pending
    }

    /// Nothing more is waiting: put out what was gathered.
    fn flush(&mut self);

    /// Ready while the sink has room. Registers the waker when it has not.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// Sees everything that goes over the wire, whoever else does. Must not wait.
pub trait Wiretap: Send {
    /// A connection is being made, or recovered.
    fn dialling(&mut self, recovery: bool);

    /// There is a WebSocket.
    fn opened(&mut self);

    /// There is none, and why.
    fn failed(&mut self, error: &str);

    /// A frame was sent.
    fn sent(&mut self, frame: WireFrame<'_>);

    /// A frame came, with what it is.
    fn received(&mut self, frame: WireFrame<'_>, received: &Received<'_>);

    /// A close frame was sent.
    fn closing(&mut self, code: u16);

    /// The WebSocket is over: the code and reason of the peer's close frame, or what broke it.
    fn closed(&mut self, code: Option<u16>, reason: &str, error: Option<&str>);

    /// Nothing more is waiting.
    fn flush(&mut self);
}

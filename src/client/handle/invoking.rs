//! An invocation under way. Dropping it calls it off: the service is told that nobody waits any more.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::{DriverCommand, Handle, Stop};
use webpubsub_proto::session::{Invocation, InvocationKey, InvokeOutcome, Invoked, OutcomeCause};

/// Invocations of all handles, so that each has a name of its own.
static STARTED: AtomicU64 = AtomicU64::new(0);

/// A future of how an invocation ended.
#[must_use = "dropping it calls the invocation off"]
pub struct Invoking {
    state: InvokingState,
    key: InvocationKey,
    event: String,
    stop: mpsc::UnboundedSender<Stop>,
}

enum InvokingState {
    /// The driver has not taken it yet.
    Handing(Pin<Box<dyn Future<Output = bool> + Send>>, oneshot::Receiver<Invoked>),
    Waiting(oneshot::Receiver<Invoked>),
    Done,
}

impl std::fmt::Debug for Invoking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invoking").field("key", &self.key).field("event", &self.event).finish_non_exhaustive()
    }
}

impl Handle {
    /// Invokes: resolves when that has ended. Nothing is sent before the first poll. `line`: the line of input that it
    /// comes from.
    pub fn invoke(&self, invocation: Invocation, line: Option<u64>) -> Invoking {
        let key = InvocationKey(STARTED.fetch_add(1, Ordering::Relaxed));
        let event = invocation.event.clone();
        let (reply, settled) = oneshot::channel();
        let commands = self.commands.clone();
        let handing =
            Box::pin(
                async move { commands.send(DriverCommand::Invoke { key, invocation, line, reply }).await.is_ok() },
            );
        Invoking { state: InvokingState::Handing(handing, settled), key, event, stop: self.stop.clone() }
    }
}

impl Invoking {
    /// The session is over.
    fn ended(&mut self) -> Invoked {
        self.state = InvokingState::Done;
        let event = std::mem::take(&mut self.event);
        let outcome = InvokeOutcome::NotSent { cause: OutcomeCause::Ended };
        Invoked { event, invocation_id: None, line: None, outcome, elapsed: Duration::ZERO }
    }
}

impl Future for Invoking {
    type Output = Invoked;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Invoked> {
        loop {
            match &mut self.state {
                InvokingState::Handing(handing, _) => {
                    let taken = ready!(handing.as_mut().poll(cx));
                    match std::mem::replace(&mut self.state, InvokingState::Done) {
                        InvokingState::Handing(_, settled) if taken => self.state = InvokingState::Waiting(settled),
                        InvokingState::Handing(..) | InvokingState::Waiting(_) | InvokingState::Done => {
                            return Poll::Ready(self.ended());
                        }
                    }
                }
                InvokingState::Waiting(settled) => {
                    let invoked = ready!(Pin::new(settled).poll(cx));
                    return Poll::Ready(match invoked {
                        Ok(invoked) => {
                            self.state = InvokingState::Done;
                            invoked
                        }
                        Err(_) => self.ended(),
                    });
                }
                // Its answer has been given.
                InvokingState::Done => return Poll::Pending,
            }
        }
    }
}

impl Drop for Invoking {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.state, InvokingState::Done) {
            InvokingState::Done => {}
            // The driver looks at this end before it takes it: so it goes first.
            InvokingState::Handing(handing, settled) => {
                drop(settled);
                drop(handing);
            }
            InvokingState::Waiting(settled) => {
                drop(settled);
                // A driver that is gone has called everything off.
                let _ = self.stop.send(Stop::CallOff(self.key));
            }
        }
    }
}

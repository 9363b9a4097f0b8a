//! How applications reach a hub: REST requests and the control endpoint. None of this makes a hub that does not exist.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Hubs;
use webpubsub_proto::hub::{Hub, Sent};

impl Hubs {
    /// Asks a hub something, or gives it an input; what it has to do then is done. `None` when nobody is connected to a
    /// hub of that name. The name is in lower case.
    pub(in crate::server) fn enter_named<R>(
        self: &Arc<Self>,
        hub: &str,
        question: impl FnOnce(&mut Hub, Duration) -> R,
    ) -> Option<R> {
        let cell = self.table().hubs.get(hub).cloned()?;
        let mut answer = None;
        self.enter(&cell, |state, now| answer = Some(question(&mut state.hub, now)));
        // It may have been the last connection, and one without a socket.
        self.sweep(&cell);
        answer
    }

    /// Sends something. While a receiver is near a limit, the sender waits for it as publishing clients do, but not
    /// longer than the hub's patience: then `attempt` is called with `true`, and has to insist. Gives the number of
    /// receivers.
    pub(in crate::server) async fn send_with_backpressure(
        self: &Arc<Self>,
        hub: &str,
        attempt: impl Fn(&mut Hub, Duration, bool) -> Sent,
    ) -> usize {
        let Some(cell) = self.table().hubs.get(hub).cloned() else { return 0 };
        let deadline = Instant::now() + self.config.patience;
        let mut insist = false;
        loop {
            let mut released = std::pin::pin!(cell.released.notified());
            // Before the attempt, so that nothing is missed between it and the waiting.
            released.as_mut().enable();
            match self.enter_named(hub, |hub, now| attempt(hub, now, insist)) {
                Some(Sent::To(receivers)) => return receivers,
                // The last connection has left.
                None => return 0,
                Some(Sent::Busy) => insist = timeout_at(deadline, released).await.is_err(),
            }
        }
    }
}

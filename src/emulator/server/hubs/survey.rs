//! Looking at all hubs of a server, and moving things in them by hand: for the control endpoint.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{HubCell, Hubs};
use webpubsub_proto::fault::DropKind;
use webpubsub_proto::hub::{ConnectionInfo, GroupInfo};

impl Hubs {
    /// The hubs, by name.
    fn cells(&self) -> Vec<Arc<HubCell>> {
        let mut cells: Vec<_> = self.table().hubs.values().cloned().collect();
        cells.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        cells
    }

    /// All connections, each with the name of its hub.
    pub(in crate::server) fn connections(&self) -> Vec<(String, ConnectionInfo)> {
        let of = |cell: Arc<HubCell>| {
            let connections = cell.lock().hub.connections();
            connections.into_iter().map(move |info| (cell.name.clone(), info))
        };
        self.cells().into_iter().flat_map(of).collect()
    }

    /// How many connections all hubs hold, those that wait to be recovered included.
    pub(in crate::server) fn connection_count(&self) -> usize {
        self.cells().iter().map(|cell| cell.lock().hub.connection_count()).sum()
    }

    /// A connection with the name of its hub.
    pub(in crate::server) fn connection(&self, id: &str) -> Option<(String, ConnectionInfo)> {
        self.cells().into_iter().find_map(|cell| {
            let info = cell.lock().hub.connection(id)?;
            Some((cell.name.clone(), info))
        })
    }

    /// All groups, each with the name of its hub.
    pub(in crate::server) fn groups(&self) -> Vec<(String, GroupInfo)> {
        let of = |cell: Arc<HubCell>| {
            let groups = cell.lock().hub.groups();
            groups.into_iter().map(move |info| (cell.name.clone(), info))
        };
        self.cells().into_iter().flat_map(of).collect()
    }

    /// The hubs that have connections. One without may still have sockets, which say goodbye.
    pub(in crate::server) fn names(&self) -> Vec<String> {
        let cells = self.cells().into_iter().filter(|cell| cell.lock().hub.connection_count() > 0);
        cells.map(|cell| cell.name.clone()).collect()
    }

    /// Drops a connection's socket. `false` when it has none.
    pub(in crate::server) fn drop_connection(self: &Arc<Self>, id: &str, how: &DropKind) -> bool {
        let mut dropped = false;
        for cell in self.cells() {
            self.enter(&cell, |state, now| dropped |= state.hub.handle_drop(now, id, how));
            if dropped {
                break;
            }
        }
        dropped
    }

    /// Moves the end of recovery windows nearer. Tells how many.
    pub(in crate::server) fn advance_windows(
        self: &Arc<Self>,
        connection: Option<&str>,
        by: Option<Duration>,
    ) -> usize {
        let mut moved = 0;
        for cell in self.cells() {
            self.enter(&cell, |state, now| moved += state.hub.handle_window_advanced(now, connection, by));
            self.sweep(&cell);
        }
        moved
    }

    /// Faults came into force.
    pub(in crate::server) fn faults_changed(self: &Arc<Self>) {
        for cell in self.cells() {
            self.enter(&cell, |state, now| state.hub.handle_faults_changed(now));
        }
    }

    /// When something happened, or will, by the clock on the wall.
    pub(in crate::server) fn on_the_wall(&self, at: Duration) -> SystemTime {
        let (now, wall) = (self.now(), SystemTime::now());
        match at.checked_sub(now) {
            Some(ahead) => wall + ahead,
            None => wall - (now - at),
        }
    }
}

//! What has to be true at the end of a schedule, when the network is well again and everything has come to rest.

use super::*;

impl World {
    /// At rest, every promise is kept.
    pub(super) fn check_rest(&mut self) {
        let seed = self.seed;
        let published: BTreeSet<u64> = self.published.iter().copied().collect();
        assert_eq!(published.len(), self.published.len(), "seed {seed}: doubled in the group: {:?}", self.published);
        assert!(self.published.is_sorted(), "seed {seed}: out of order: {:?}", self.published);
        let publisher = &self.clients[PUBLISHER];
        for number in 1..self.next_number {
            match publisher.settled.get(&number) {
                Some(Outcome::Acked { .. }) => assert!(published.contains(&number), "seed {seed}: {number} lost"),
                Some(outcome @ Outcome::Unknown { .. }) => {
                    // None costs sockets here: only faults are so hostile that one may seem to.
                    assert!(
                        if is_given_up(outcome) { self.tally.faults > 0 } else { publisher.losses > 0 },
                        "seed {seed}: {number} unknown on a connection that was never lost: {outcome:?}"
                    );
                }
                other => panic!("seed {seed}: {number} ended as {other:?}"),
            }
        }
        let listener = &self.clients[LISTENER];
        assert_eq!(listener.gaps, 0, "seed {seed}: sequence gaps");
        // What costs too many connections is given up, and the group left as it is: only faults are as hostile as that.
        let given_up = listener.settled.values().filter(|outcome| is_given_up(outcome)).count();
        let given_up = given_up + listener.failed_rejoins;
        self.tally.given_up += given_up;
        if given_up == 0 {
            let joined = matches!(listener.settled.get(&0), Some(Outcome::Acked { .. } | Outcome::AlreadyJoined));
            assert!(joined, "seed {seed}: not joined");
            let came: BTreeSet<&str> = listener.side.iter().map(String::as_str).collect();
            assert_eq!(came, self.wanted, "seed {seed}: not in the groups that are wanted");
        } else {
            assert!(self.tally.faults > 0, "seed {seed}: an operation was given up");
        }
        self.tally.published = self.published.len();
        for outcome in publisher.settled.values() {
            self.tally.duplicates += usize::from(matches!(outcome, Outcome::Acked { duplicate: true, .. }));
            self.tally.unknown += usize::from(matches!(outcome, Outcome::Unknown { .. }));
        }
        for client in &self.clients {
            self.tally.recoveries += client.recoveries.1;
            self.tally.losses += client.losses;
            assert!(client.recoveries.1 <= client.recoveries.0, "seed {seed}: more recovered than recovering");
            for (group, wanted, joined) in client.session.groups() {
                let left = wanted && client.failed_rejoins > 0;
                assert!(wanted == joined || left, "seed {seed}: `{group}` wanted {wanted}, joined {joined}");
            }
            // A pause of half a second at least lies between two dials.
            assert!(client.dials < 800, "seed {seed}: {} dials", client.dials);
        }
        for run in &listener.runs {
            let Some(first) = run.first() else { continue };
            let start = self.published.iter().position(|number| number == first).unwrap();
            let slice = self.published.get(start..start + run.len());
            assert_eq!(slice, Some(run.as_slice()), "seed {seed}: a connection missed or doubled something");
        }
        // The last connection is alive, and what was published last has come.
        if let (Some(run), Some(last)) = (listener.runs.last(), self.published.last())
            && !run.is_empty()
        {
            assert_eq!(run.last(), Some(last), "seed {seed}: the end is missing");
        }
    }
}

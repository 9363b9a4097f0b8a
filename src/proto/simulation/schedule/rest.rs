//! What has to be true at the end of a schedule, when the network is well again and everything has come to rest.

use super::*;

impl Schedule {
    /// At rest, every promise is kept.
    pub(super) fn check_rest(&mut self) {
        let seed = self.seed;
        let published: BTreeSet<u64> = self.ledger.published.iter().copied().collect();
        assert_eq!(
            published.len(),
            self.ledger.published.len(),
            "seed {seed}: doubled in the group: {:?}",
            self.ledger.published
        );
        assert!(self.ledger.published.is_sorted(), "seed {seed}: out of order: {:?}", self.ledger.published);
        let (publisher, tally) = (&self.ledger.clients[PUBLISHER], &mut self.ledger.tally);
        // None costs sockets here. Only faults are so hostile that one may seem to; and once in some thousand schedules a
        // network that ends each socket after a few frames, with a word that accuses.
        let (faulty, hostile) = (tally.faults > 0, tally.faults + u64::from(tally.steps) > 0);
        for number in 1..self.next_number {
            match publisher.settled.get(&number) {
                Some(Outcome::Acked { .. }) => assert!(published.contains(&number), "seed {seed}: {number} lost"),
                Some(outcome @ Outcome::Unknown { .. }) => {
                    let given_up = is_given_up(outcome);
                    tally.misjudged += usize::from(given_up && !faulty);
                    assert!(
                        if given_up { hostile } else { publisher.losses > 0 },
                        "seed {seed}: {number} unknown on a connection that was never lost: {outcome:?}"
                    );
                }
                other => panic!("seed {seed}: {number} ended as {other:?}"),
            }
        }
        let listener = &self.ledger.clients[LISTENER];
        assert_eq!(listener.gaps, 0, "seed {seed}: sequence gaps");
        // What costs too many connections is given up, and the group left as it is.
        let given_up = listener.settled.values().filter(|outcome| is_given_up(outcome)).count();
        let given_up = given_up + listener.failed_rejoins;
        self.ledger.tally.given_up += given_up;
        if given_up == 0 {
            let joined = matches!(listener.settled.get(&0), Some(Outcome::Acked { .. } | Outcome::AlreadyJoined));
            assert!(joined, "seed {seed}: not joined");
            let came: BTreeSet<&str> = listener.side.iter().map(String::as_str).collect();
            assert_eq!(came, self.wanted, "seed {seed}: not in the groups that are wanted");
        } else {
            self.ledger.tally.misjudged += if faulty { 0 } else { given_up };
            assert!(hostile, "seed {seed}: an operation was given up");
        }
        self.ledger.tally.published = self.ledger.published.len();
        for outcome in publisher.settled.values() {
            self.ledger.tally.duplicates += usize::from(matches!(outcome, Outcome::Acked { duplicate: true, .. }));
            self.ledger.tally.unknown += usize::from(matches!(outcome, Outcome::Unknown { .. }));
        }
        for (client, peer) in self.ledger.clients.iter().zip(&self.pair.peers) {
            self.ledger.tally.recoveries += client.recoveries.1;
            self.ledger.tally.losses += client.losses;
            assert!(client.recoveries.1 <= client.recoveries.0, "seed {seed}: more recovered than recovering");
            for (group, wanted, joined) in peer.session.groups() {
                let left = wanted && client.failed_rejoins > 0;
                assert!(wanted == joined || left, "seed {seed}: `{group}` wanted {wanted}, joined {joined}");
            }
            // A pause of half a second at least lies between two dials.
            assert!(client.dials < 800, "seed {seed}: {} dials", client.dials);
        }
        for run in &listener.runs {
            let Some(first) = run.first() else { continue };
            let start = self.ledger.published.iter().position(|number| number == first).unwrap();
            let slice = self.ledger.published.get(start..start + run.len());
            assert_eq!(slice, Some(run.as_slice()), "seed {seed}: a connection missed or doubled something");
        }
        // The last connection is alive, and what was published last has come.
        if let (Some(run), Some(last)) = (listener.runs.last(), self.ledger.published.last())
            && !run.is_empty()
        {
            assert_eq!(run.last(), Some(last), "seed {seed}: the end is missing");
        }
    }
}

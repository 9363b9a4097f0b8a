//! What the network does to connections while it fails.

use super::*;

impl Schedule {
    /// Strikes one client's connection, or all of them.
    pub(super) fn trouble(&mut self) {
        self.trouble_at = self.pair.now + self.ledger.rng.millis(1, 15_000);
        let index = self.ledger.rng.below(2) as usize;
        if self.ledger.rng.percent(30) {
            self.die();
        }
        match self.ledger.rng.below(10) {
            0..3 => self.cut(index, LossCause::Broken("reset".into())),
            // Somebody on the way has garbled what was sent.
            3 => self.cut(index, LossCause::Framing("reserved bits".into())),
            4 => self.cut(index, LossCause::Close { code: 1001, reason: String::new() }),
            5 => self.pair.silence(index, true, true),
            6 => self.pair.silence(index, true, false),
            7 => self.pair.silence(index, false, true),
            8 => {
                let until = self.pair.now + self.ledger.rng.millis(10, 40_000);
                self.pair.stall(index, until);
            }
            _ => {
                self.ledger.outage_until = self.pair.now + self.ledger.rng.millis(100, 45_000);
                for index in 0..self.pair.peers.len() {
                    self.cut(index, LossCause::Broken("outage".into()));
                }
            }
        }
    }

    fn cut(&mut self, index: usize, cause: LossCause) {
        let latency = Duration::from_millis(self.ledger.rng.below(3));
        self.pair.cut(index, latency, cause);
    }
}

impl Ledger {
    /// A frame has come: perhaps the last one that this socket is allowed.
    pub(super) fn ends_here(&mut self, now: Duration, index: usize, delivered: u64) -> Option<LossCause> {
        if now >= TROUBLE || self.step != Some((index, delivered)) {
            return None;
        }
        self.tally.steps += 1;
        // Whatever is said for a reason, it is none to give anything up.
        Some(match self.tally.steps % 3 {
            0 => LossCause::Broken("no more than that".into()),
            1 => LossCause::Close { code: 1014, reason: "upstream".into() },
            _ => LossCause::Close { code: 1009, reason: String::new() },
        })
    }
}

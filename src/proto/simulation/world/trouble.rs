//! What the network does to connections while it fails.

use super::*;

impl World {
    /// Strikes one client's connection, or all of them.
    pub(super) fn trouble(&mut self) {
        self.trouble_at = self.now + self.rng.millis(1, 15_000);
        let index = self.rng.below(2) as usize;
        if self.rng.percent(30) {
            self.die();
        }
        match self.rng.below(10) {
            0..4 => self.cut(index, LossCause::Broken("reset".into())),
            4 => self.cut(index, LossCause::Close { code: 1001, reason: String::new() }),
            5 => self.silence(index, true, true),
            6 => self.silence(index, true, false),
            7 => self.silence(index, false, true),
            8 => {
                let client = &mut self.clients[index];
                if client.stalled_until.is_none() {
                    client.stalled_until = Some(self.now + self.rng.millis(10, 40_000));
                    client.session.handle_stalled(self.now, true);
                }
            }
            _ => {
                self.outage_until = self.now + self.rng.millis(100, 45_000);
                for index in 0..self.clients.len() {
                    self.cut(index, LossCause::Broken("outage".into()));
                }
            }
        }
    }

    /// Both ends lose the socket; what was on its way is lost. A reader that has stopped notices when it reads again.
    pub(super) fn cut(&mut self, index: usize, cause: LossCause) {
        let Some(wire) = &mut self.clients[index].wire else { return };
        wire.down.clear();
        wire.up.clear();
        let latency = Duration::from_millis(self.rng.below(3));
        wire.send_down(self.now, latency, Down::End(cause));
        wire.up_silent = true;
        wire.down_silent = true;
        if !wire.hub_done {
            wire.hub_done = true;
            self.hub.handle_closed(self.now, wire.socket, CloseKind::Dropped);
        }
    }

    /// A frame has come: perhaps the last one that this socket is allowed.
    pub(super) fn count_step(&mut self, index: usize) {
        let Some(wire) = &mut self.clients[index].wire else { return };
        wire.delivered += 1;
        if self.now < TROUBLE && self.step == Some((index, wire.delivered)) {
            self.tally.steps += 1;
            // Whatever is said for a reason, it is none to give anything up.
            let cause = match self.tally.steps % 3 {
                0 => LossCause::Broken("no more than that".into()),
                1 => LossCause::Close { code: 1014, reason: "upstream".into() },
                _ => LossCause::Close { code: 1009, reason: String::new() },
            };
            self.cut(index, cause);
        }
    }

    pub(super) fn silence(&mut self, index: usize, down: bool, up: bool) {
        let Some(wire) = &mut self.clients[index].wire else { return };
        wire.down_silent |= down;
        wire.up_silent |= up;
        if down {
            wire.down.clear();
        }
        if up {
            wire.up.clear();
        }
    }
}

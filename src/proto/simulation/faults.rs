//! What the hub of a schedule does wrong on request, besides what the network does.

use super::network::Rng;
use crate::fault::Faults;

/// Faults that take no promise away: operations are still carried out in their order, once, and acknowledged in the end.
/// Those that refuse or lose single operations have them sent again behind later ones, so they are not here.
const FAULTS: [&str; 17] = [
    "swallow-ack,probability=0.03",
    "duplicate-ack,probability=0.2",
    "delay-ack=0s..3s,probability=0.2",
    "execute-then-drop,probability=0.03",
    "execute-then-drop=silence,probability=0.01",
    "drop=reset,op=sendToGroup,probability=0.03",
    "drop=eof,op=message,probability=0.03",
    "drop=1001,op=joinGroup|leaveGroup|sequenceAck,probability=0.1",
    "drop=silence,op=message|ping,probability=0.01",
    "drop=reset,after=1s..20s,probability=0.3",
    "drop=1008,after=10s..60s,probability=0.1",
    "no-connected,op=connect|recover,probability=0.1",
    "refuse-recovery,probability=0.1",
    "refuse-recovery=1011,probability=0.2",
    "latency=0s..3s,probability=0.05",
    "no-pong,probability=0.2",
    "garbage=unknown-type,probability=0.05",
];

/// The users they are aimed at: the observer sees what really happens.
const USERS: [&str; 2] = ["user0", "user1"];

/// The faults of a schedule: none in three of four, else any of them.
pub(super) fn of(seed: u64) -> Faults {
    let mut rng = Rng(seed ^ 0x0fau64.rotate_left(40));
    let faults = Faults::new(rng.next());
    if rng.percent(25) {
        for text in FAULTS.iter().flat_map(|fault| USERS.map(|user| format!("{fault},user={user}"))) {
            if rng.percent(25) {
                faults.add(text.parse().unwrap()).unwrap();
            }
        }
    }
    faults
}

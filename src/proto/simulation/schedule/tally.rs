//! What happened in schedules, counted, so that a test can tell that it happened at all.

/// What happened in a schedule, to see that schedules are worth playing.
#[derive(Debug, Default)]
pub(in crate::simulation) struct Tally {
    pub(in crate::simulation) recoveries: u32,
    pub(in crate::simulation) losses: u32,
    pub(in crate::simulation) published: usize,
    pub(in crate::simulation) duplicates: usize,
    pub(in crate::simulation) unknown: usize,
    pub(in crate::simulation) replayed: u32,
    pub(in crate::simulation) overflows: u32,
    pub(in crate::simulation) deaths: u32,
    pub(in crate::simulation) redelivered: u32,
    /// How often a fault of the hub happened.
    pub(in crate::simulation) faults: u64,
    /// Sockets that were cut after a number of frames.
    pub(in crate::simulation) steps: u32,
    /// Operations of the listener that cost too many connections.
    pub(in crate::simulation) given_up: usize,
    /// Invocations that were answered.
    pub(in crate::simulation) answered: usize,
    /// Those that were carried out, and whose answer was lost.
    pub(in crate::simulation) lost_answers: usize,
    /// Operations that were given up without any fault.
    pub(in crate::simulation) misjudged: usize,
    /// States that were set or cleared.
    pub(in crate::simulation) states_set: usize,
    /// What the listener was told of states.
    pub(in crate::simulation) state_changes: usize,
    /// Schedules in which states were compared at their end.
    pub(in crate::simulation) states_compared: usize,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.recoveries += other.recoveries;
        self.losses += other.losses;
        self.published += other.published;
        self.duplicates += other.duplicates;
        self.unknown += other.unknown;
        self.replayed += other.replayed;
        self.overflows += other.overflows;
        self.deaths += other.deaths;
        self.redelivered += other.redelivered;
        self.faults += other.faults;
        self.steps += other.steps;
        self.given_up += other.given_up;
        self.misjudged += other.misjudged;
        self.answered += other.answered;
        self.lost_answers += other.lost_answers;
        self.states_set += other.states_set;
        self.state_changes += other.state_changes;
        self.states_compared += other.states_compared;
    }
}

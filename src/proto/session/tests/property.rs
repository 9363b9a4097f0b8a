//! Any inputs in any order, at any time: nothing panics, spins, is sent into the void or settles twice; and whatever
//! happened, a service that behaves brings everything to rest. What is asked of the session stands where it is fuzzed.

use proptest::prelude::*;

use crate::fuzz::{session_left_alone, session_told_to_stop};

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn told_to_stop_at_any_time_it_ends_in_two_seconds_with_everything_settled(
        steps in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        session_told_to_stop(&steps);
    }

    #[test]
    fn left_to_a_service_that_behaves_it_comes_to_rest_in_the_groups_that_are_wanted(
        steps in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        session_left_alone(&steps);
    }
}

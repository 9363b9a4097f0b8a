//! The vectors of a session and of a hub, on the stable toolchain and without guidance.

use proptest::prelude::*;

proptest! {
    #![proptest_config(webpubsub_spoil::one_of(50))]

    #[test]
    fn spoiled_vectors_bring_a_session_to_its_end(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        super::session(&bytes);
    }

    #[test]
    fn spoiled_vectors_leave_nothing_in_a_hub(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        super::hub(&bytes);
    }
}

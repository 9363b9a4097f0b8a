//! The scanner and serde, held to say the same: for tests.

use std::fmt::Debug;

use super::{parse_downstream, parse_upstream, scan};

/// Holds both readers equal for a text, to the letter. Returns how often the scanner took it.
pub(crate) fn agree(text: &str) -> usize {
    fn same<T: PartialEq + Debug>(text: &str, scanned: Option<T>, parsed: Option<T>) -> usize {
        let Some(scanned) = scanned else { return 0 };
        assert_eq!(Some(&scanned), parsed.as_ref(), "{text}");
        // Payloads that mean the same are equal; here they have to be spelled the same.
        assert_eq!(format!("{:?}", Some(scanned)), format!("{parsed:?}"), "{text}");
        1
    }
    same(text, scan::downstream(text), Some(parse_downstream(text)))
        + same(text, scan::upstream(text), parse_upstream(text).ok())
}

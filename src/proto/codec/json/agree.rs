//! The scanner and serde, held to say the same: for tests.

use std::fmt::Debug;

use super::{Envelopes, parse_downstream, parse_upstream, scan};

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

/// Holds a reader that remembers equal to serde for texts that come one after the other. Returns how many were like one
/// before.
pub(crate) fn agree_in_turn<'t>(texts: impl IntoIterator<Item = &'t str>) -> usize {
    let (mut envelopes, mut like) = (Envelopes::default(), 0);
    for text in texts {
        like += usize::from(envelopes.know(text));
        let (decoded, parsed) = (envelopes.decode(text), parse_downstream(text));
        assert_eq!(decoded, parsed, "{text}");
        // Spelled the same, too.
        assert_eq!(format!("{decoded:?}"), format!("{parsed:?}"), "{text}");
    }
    like
}

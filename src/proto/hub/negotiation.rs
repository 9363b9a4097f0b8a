//! Which subprotocol a client gets (PROTOCOL §1.4).

use crate::Subprotocol;

/// The first offered subprotocol that is known, and the spelling in which it was offered, which the answer repeats.
/// `offers` are the values of the request's `Sec-WebSocket-Protocol` headers, each a comma-separated list.
pub fn negotiate<'a>(offers: impl IntoIterator<Item = &'a str>) -> Option<(Subprotocol, &'a str)> {
    offers
        .into_iter()
        .flat_map(|header| header.split(','))
        .map(str::trim)
        .find_map(|offer| Subprotocol::from_name(offer).map(|subprotocol| (subprotocol, offer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_offer_wins_in_the_spelling_offered() {
        let offer = |headers: &[&'static str]| negotiate(headers.iter().copied());
        assert_eq!(offer(&[]), None);
        assert_eq!(offer(&["", "mqtt, graphql-ws"]), None);
        assert_eq!(
            offer(&["mqtt, protobuf.webpubsub.azure.v1"]),
            Some((Subprotocol::Protobuf, "protobuf.webpubsub.azure.v1"))
        );
        assert_eq!(
            offer(&["mqtt , JSON.webpubsub.azure.v1,json.reliable.webpubsub.azure.v1"]),
            Some((Subprotocol::Json, "JSON.webpubsub.azure.v1"))
        );
        assert_eq!(
            offer(&["x", "json.reliable.webpubsub.azure.v1"]),
            Some((Subprotocol::JsonReliable, "json.reliable.webpubsub.azure.v1"))
        );
    }
}

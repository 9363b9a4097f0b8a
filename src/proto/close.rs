//! What WebSocket close codes mean on a Web PubSub connection (PROTOCOL §8.2).

/// A close code in words a person can act on, whatever was written into the frame; `None` for the codes that are free for
/// anybody's use, and whose meaning is known to whoever chose them.
pub fn explain_close_code(code: u16) -> Option<&'static str> {
    Some(match code {
        1000 => "closed normally",
        1001 => "the service is going away (a restart, a reload or a scale operation)",
        1002 => "the service saw a WebSocket framing error",
        1003 => "the service does not accept this kind of frame on this subprotocol",
        1005 => "closed without a code",
        // No frame may hold it, but there are peers that write what they have themselves been told.
        1006 => "the connection behind it broke without a close frame",
        1007 => "the service could not parse a message that was sent to it",
        1008 => "refused by policy: recovery refused, permission missing, or too far behind",
        1009 => "a message was larger than the service accepts",
        1010 => "a WebSocket extension is missing",
        1011 => "the service or its event handler failed",
        1012 => "the service is restarting",
        1013 => "the service is overloaded, try again later",
        1014 => "a gateway on the way got no valid answer from the service",
        1015 => "the TLS handshake failed",
        1004 | 1016..=2999 => "a code that WebSocket does not define",
        0..=999 | 5000.. => "not a code that WebSocket allows",
        3000..=4999 => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_but_those_that_anybody_may_choose() {
        for code in 0..=u16::MAX {
            assert_eq!(explain_close_code(code).is_none(), (3000..5000).contains(&code), "{code}");
        }
    }
}

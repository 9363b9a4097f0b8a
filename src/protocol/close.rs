//! What WebSocket close codes mean on a Web PubSub connection (PROTOCOL §8.2).

/// A close code in words a person can act on; `None` for codes that neither RFC 6455 nor the service defines.
pub fn explain_close_code(code: u16) -> Option<&'static str> {
    Some(match code {
        1000 => "closed normally",
        1001 => "the service is going away (a restart, a reload or a scale operation)",
        1002 => "the service saw a WebSocket framing error",
        1003 => "the service does not accept this kind of frame on this subprotocol",
        1005 => "closed without a code",
        1006 => "the connection broke without a close frame",
        1007 => "the service could not parse a message that was sent to it",
        1008 => "refused by policy: recovery refused, permission missing, or too far behind",
        1009 => "a message was larger than the service accepts",
        1011 => "the service or its event handler failed",
        1012 => "the service is restarting",
        1013 => "the service is overloaded, try again later",
        1015 => "the TLS handshake failed",
        _ => return None,
    })
}

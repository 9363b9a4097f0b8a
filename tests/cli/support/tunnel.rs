//! The service's end of a tunnel that the test plays: it sends requests and takes answers, or does not.

use bytes::Bytes;
use webpubsub_proto::tunnel::{Tracing, TunnelFrame, TunnelRequest, TunnelResponse, decode_tunnel, encode_tunnel};

use super::service::{Peer, Service};
use super::{Setup, wps};

/// A key that is nobody's.
const KEY: &str = "c2VzYW1lLW9wZW4tdGhlLWRvb3ItdGhhdC1ub2JvZHkta25vd3M=";

/// The tunnel of that service, with pauses that nobody notices.
pub fn tunnel(service: &Service, upstream: &str, more: &[&str]) -> Setup {
    let string = format!("Endpoint=http://127.0.0.1:{};AccessKey={KEY};Version=1.0;", service.port());
    let args = ["tunnel", "-o", "ndjson", "--no-check", "--reconnect-delay", "1ms", "--hub", "hub1"];
    wps(args).args(["--upstream", upstream, "--connection-string", &string]).args(more)
}

/// A connection of a tunnel.
pub struct Line {
    /// Beneath.
    pub peer: Peer,
}

impl Line {
    /// Takes the next connection, and says that it is up.
    pub fn take(service: &Service) -> Self {
        let request = service.request();
        assert_eq!((request.path.as_str(), request.query("hub")), ("/server/tunnel", Some("hub1")));
        let mut line = Self { peer: request.upgrade_with(None) };
        line.send(&TunnelFrame::Connected {
            connection_id: "c1".to_owned(),
            user_id: None,
            reconnection_token: None,
            tracing: Tracing::Null,
        });
        line
    }

    /// Sends a frame.
    pub fn send(&mut self, frame: &TunnelFrame) {
        self.peer.send_binary(encode_tunnel(frame).to_vec());
    }

    /// Sends a request.
    pub fn ask(&mut self, ack_id: i64, path: &str) {
        self.send(&TunnelFrame::Request(request(ack_id, path)));
    }

    /// The next answer, or a piece of one; `None` when the client closes or goes.
    pub fn answer(&mut self) -> Option<TunnelResponse> {
        let message = Bytes::from(self.peer.next_binary()?);
        match decode_tunnel(&message) {
            Ok(Some(TunnelFrame::Response(response))) => Some(response),
            other => panic!("an answer was to come: {other:?}"),
        }
    }
}

/// A request of a service.
pub fn request(ack_id: i64, path: &str) -> TunnelRequest {
    TunnelRequest {
        ack_id,
        method: "POST".to_owned(),
        url: format!("http://service.example{path}"),
        headers: Some(vec![("ce-eventName".to_owned(), vec!["vote".to_owned()])]),
        body: Some(Bytes::from_static(b"x")),
        tracing: Tracing::Null,
        ..TunnelRequest::default()
    }
}

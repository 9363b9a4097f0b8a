//! Answers in pieces: taken apart where they are larger than a frame, joined where they come so (PROTOCOL §20.5).

use bytes::{Bytes, BytesMut};

use super::codec::{MAX_TUNNEL_FRAME_BYTES, encode_tunnel};
use super::frame::{TunnelFrame, TunnelHeaders, TunnelResponse};

/// The least of a body that goes into a frame, whatever its headers take.
const LEAST_PIECE: usize = 64 * 1024;
/// What MessagePack adds to JSON and content, and a little more.
const ENVELOPE: usize = 64;

/// The frames of a response, whose body may be of any size: all but the last say that more follows. Headers stand in the
/// first alone.
pub fn pieces(response: TunnelResponse) -> Vec<TunnelFrame> {
    let TunnelResponse { body, .. } = response;
    let head = TunnelResponse { body: None, ..response };
    let Some(mut body) = body else { return vec![TunnelFrame::Response(head)] };
    let taken = encode_tunnel(&TunnelFrame::Response(head.clone())).len() + ENVELOPE;
    let most = MAX_TUNNEL_FRAME_BYTES.saturating_sub(taken).max(LEAST_PIECE);
    let mut frames = Vec::new();
    loop {
        let piece = body.split_to(body.len().min(most));
        let not_completed = !body.is_empty();
        let headers = if frames.is_empty() { head.headers.clone() } else { Some(TunnelHeaders::new()) };
        frames.push(TunnelFrame::Response(TunnelResponse {
            headers,
            not_completed,
            body: Some(piece),
            ..head.clone()
        }));
        if !not_completed {
            return frames;
        }
    }
}

/// A response whose pieces come one after another.
#[derive(Debug, Default)]
pub struct PartialResponse {
    /// Of the first piece.
    first: Option<(u16, Option<TunnelHeaders>)>,
    body: BytesMut,
}

/// What a piece has made of a response.
#[derive(Debug, PartialEq, Eq)]
pub enum JoinResult {
    /// Others are to follow.
    More,
    /// It is whole.
    Whole {
        /// HTTP status.
        status: u16,
        /// Empty where there were none.
        headers: TunnelHeaders,
        /// All of it.
        body: Bytes,
    },
    /// It is larger than it may be.
    TooLarge,
}

impl PartialResponse {
    /// Another piece. `most` is the limit of the body, in bytes; once it is passed, nothing more is kept.
    pub fn add(&mut self, piece: TunnelResponse, most: usize) -> JoinResult {
        let (status, headers) = self.first.take().unwrap_or((piece.status, piece.headers));
        let body = piece.body.unwrap_or_default();
        if self.body.len() + body.len() > most {
            self.body = BytesMut::new();
            return JoinResult::TooLarge;
        }
        if !piece.not_completed && self.body.is_empty() {
            return JoinResult::Whole { status, headers: headers.unwrap_or_default(), body };
        }
        self.body.extend_from_slice(&body);
        if piece.not_completed {
            self.first = Some((status, headers));
            return JoinResult::More;
        }
        let body = std::mem::take(&mut self.body).freeze();
        JoinResult::Whole { status, headers: headers.unwrap_or_default(), body }
    }
}

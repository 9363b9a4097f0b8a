//! Answers that are larger than a frame.

use bytes::Bytes;

use crate::tunnel::{
    JoinResult, MAX_TUNNEL_FRAME_BYTES, PartialResponse, TunnelFrame, TunnelResponse, encode_tunnel, pieces,
};

const MOST: usize = 16 * 1024 * 1024;

fn response(body: Option<Bytes>) -> TunnelResponse {
    let headers = Some(vec![("content-type".to_owned(), vec!["text/plain".to_owned()])]);
    TunnelResponse { ack_id: 3, status: 201, headers, channel_name: "ch".into(), body, ..TunnelResponse::default() }
}

fn parts(frames: Vec<TunnelFrame>) -> Vec<TunnelResponse> {
    let part = |frame| match frame {
        TunnelFrame::Response(response) => response,
        other => panic!("{other:?}"),
    };
    frames.into_iter().map(part).collect()
}

#[test]
fn a_small_answer_is_one_frame_with_its_body_or_none() {
    for body in [None, Some(Bytes::new()), Some(Bytes::from_static(b"x"))] {
        assert_eq!(parts(pieces(response(body.clone()))), [response(body)]);
    }
}

#[test]
fn a_large_answer_goes_in_frames_of_a_mebibyte_at_the_most_and_is_joined_again() {
    for size in [MAX_TUNNEL_FRAME_BYTES - 1, MAX_TUNNEL_FRAME_BYTES, 3 * MAX_TUNNEL_FRAME_BYTES + 17] {
        let body: Bytes = (0..size).map(|at| (at % 251) as u8).collect::<Vec<_>>().into();
        let frames = pieces(response(Some(body.clone())));
        assert!(frames.iter().all(|frame| encode_tunnel(frame).len() <= MAX_TUNNEL_FRAME_BYTES), "{size}");
        let parts = parts(frames);
        let (last, rest) = parts.split_last().unwrap();
        assert!(!last.not_completed && rest.iter().all(|part| part.not_completed) && !rest.is_empty(), "{size}");
        assert!(parts.iter().all(|part| (part.ack_id, part.status, part.channel_name.as_str()) == (3, 201, "ch")));
        let mut joining = PartialResponse::default();
        for part in rest {
            assert_eq!(joining.add(part.clone(), MOST), JoinResult::More);
        }
        let headers = response(None).headers.unwrap();
        assert_eq!(joining.add(last.clone(), MOST), JoinResult::Whole { status: 201, headers, body });
    }
}

#[test]
fn the_first_status_counts_and_the_last_piece_may_be_nothing() {
    let piece = |status, not_completed, body: Option<&'static [u8]>| TunnelResponse {
        status,
        not_completed,
        body: body.map(Bytes::from_static),
        ..TunnelResponse::default()
    };
    let mut joining = PartialResponse::default();
    assert_eq!(joining.add(piece(202, true, Some(b"a")), MOST), JoinResult::More);
    assert_eq!(joining.add(piece(500, true, None), MOST), JoinResult::More);
    let whole = joining.add(piece(0, false, None), MOST);
    assert_eq!(whole, JoinResult::Whole { status: 202, headers: Vec::new(), body: Bytes::from_static(b"a") });
}

#[test]
fn an_answer_without_end_is_not_kept() {
    let mut joining = PartialResponse::default();
    let piece =
        || TunnelResponse { not_completed: true, body: Some(Bytes::from(vec![0; 700])), ..TunnelResponse::default() };
    assert_eq!(joining.add(piece(), 1000), JoinResult::More);
    assert_eq!(joining.add(piece(), 1000), JoinResult::TooLarge);
}

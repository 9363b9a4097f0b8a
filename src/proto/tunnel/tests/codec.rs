//! The bytes of frames: the vectors of PROTOCOL §20.7, what else may come, and what is none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use proptest::prelude::*;

use crate::tunnel::{
    Tracing, TunnelFrame, TunnelMalformed, TunnelMove, TunnelRequest, TunnelResponse, decode_tunnel, encode_tunnel,
};

fn text(text: &str) -> String {
    text.to_owned()
}

fn headers() -> Option<Vec<(String, Vec<String>)>> {
    Some(vec![(text("a"), vec![text("b")])])
}

/// The service's frames name a tracing id of `null`.
fn abc() -> TunnelMove {
    TunnelMove { target_id: text("a"), endpoint: text("b"), message: text("c"), tracing: Tracing::Null }
}

#[test]
fn the_vectors_of_the_service_are_read_and_written_byte_for_byte() {
    let tracing = Tracing::Null;
    for (frame, base64) in [
        (
            TunnelFrame::Connected {
                connection_id: text("a"),
                user_id: Some(text("b")),
                reconnection_token: Some(text("c")),
                tracing,
            },
            "WQAAAJMK2VR7IlR5cGUiOjEwLCJDb25uZWN0aW9uSWQiOiJhIiwiVXNlcklkIjoiYiIsIlJlY29ubmVjdGlvblRva2VuIjoiYyIsIlRyYWNpbmdJZCI6bnVsbH3A",
        ),
        (
            TunnelFrame::Rebalance(abc()),
            "TAAAAJMI2Ud7IlR5cGUiOjgsIlRhcmdldElkIjoiYSIsIkVuZHBvaW50IjoiYiIsIk1lc3NhZ2UiOiJjIiwiVHJhY2luZ0lkIjpudWxsfcA=",
        ),
        (
            TunnelFrame::Reconnect(abc()),
            "TAAAAJMG2Ud7IlR5cGUiOjYsIlRhcmdldElkIjoiYSIsIkVuZHBvaW50IjoiYiIsIk1lc3NhZ2UiOiJjIiwiVHJhY2luZ0lkIjpudWxsfcA=",
        ),
        (
            TunnelFrame::Status { message: text("a"), tracing },
            "LgAAAJMF2Sl7IlR5cGUiOjUsIk1lc3NhZ2UiOiJhIiwiVHJhY2luZ0lkIjpudWxsfcA=",
        ),
        (
            TunnelFrame::Close { message: text("a"), tracing },
            "LgAAAJMH2Sl7IlR5cGUiOjcsIk1lc3NhZ2UiOiJhIiwiVHJhY2luZ0lkIjpudWxsfcA=",
        ),
        (
            TunnelFrame::Request(TunnelRequest {
                ack_id: 1,
                method: text("HEAD"),
                url: text("a"),
                headers: headers(),
                local_routing: true,
                channel_name: text("a"),
                tracing,
                body: Some(Bytes::from_static(b"Hello")),
            }),
            "igAAAJMB2X97IlR5cGUiOjEsIkFja0lkIjoxLCJIdHRwTWV0aG9kIjoiSEVBRCIsIlVybCI6ImEiLCJIZWFkZXJzIjp7ImEiOlsiYiJdfSwiTG9jYWxSb3V0aW5nIjp0cnVlLCJDaGFubmVsTmFtZSI6ImEiLCJUcmFjaW5nSWQiOm51bGx9xAVIZWxsbw==",
        ),
        (
            TunnelFrame::Response(TunnelResponse {
                ack_id: 1,
                status: 200,
                headers: headers(),
                local_routing: true,
                channel_name: text("a"),
                not_completed: false,
                tracing,
                body: Some(Bytes::from_static(b"Hello")),
            }),
            "kgAAAJMC2Yd7IlR5cGUiOjIsIkFja0lkIjoxLCJTdGF0dXNDb2RlIjoyMDAsIkhlYWRlcnMiOnsiYSI6WyJiIl19LCJMb2NhbFJvdXRpbmciOnRydWUsIkNoYW5uZWxOYW1lIjoiYSIsIk5vdENvbXBsZXRlZCI6ZmFsc2UsIlRyYWNpbmdJZCI6bnVsbH3EBUhlbGxv",
        ),
        (
            TunnelFrame::Response(TunnelResponse {
                ack_id: 7,
                status: 204,
                headers: Some(Vec::new()),
                body: Some(Bytes::new()),
                ..TunnelResponse::default()
            }),
            "cwAAAJMC2W17IlR5cGUiOjIsIkFja0lkIjo3LCJTdGF0dXNDb2RlIjoyMDQsIkhlYWRlcnMiOnt9LCJMb2NhbFJvdXRpbmciOmZhbHNlLCJDaGFubmVsTmFtZSI6IiIsIk5vdENvbXBsZXRlZCI6ZmFsc2V9xAA=",
        ),
    ] {
        let bytes = Bytes::from(STANDARD.decode(base64).unwrap());
        assert_eq!(decode_tunnel(&bytes).unwrap().as_ref(), Some(&frame), "{frame:?}");
        assert_eq!(STANDARD.encode(encode_tunnel(&frame)), base64, "{frame:?}");
    }
}

/// A message of this type with this JSON and, after it, these bytes of MessagePack.
fn message(kind: &[u8], json: &str, content: &[u8]) -> Bytes {
    let mut rest = vec![0x93];
    rest.extend_from_slice(kind);
    rest.extend_from_slice(&[0xdb]);
    rest.extend_from_slice(&(json.len() as u32).to_be_bytes());
    rest.extend_from_slice(json.as_bytes());
    rest.extend_from_slice(content);
    let mut message = (rest.len() as u32).to_le_bytes().to_vec();
    message.extend_from_slice(&rest);
    message.into()
}

#[test]
fn names_come_in_any_order_unknown_ones_are_ignored_and_widths_do_not_matter() {
    let json = r#"{"TracingId":18446744073709551615,"Later":{"x":[1]},"Headers":null,"Url":"https://h/p?q=1","HttpMethod":"POST","AckId":9007199254740993,"ChannelName":null}"#;
    let Ok(Some(TunnelFrame::Request(request))) = decode_tunnel(&message(&[0xcd, 0, 1], json, &[0xc6, 0, 0, 0, 1, 7]))
    else {
        panic!("no request")
    };
    assert_eq!((request.ack_id, request.tracing), (9_007_199_254_740_993, Tracing::Id(u64::MAX)));
    assert_eq!((request.headers, request.channel_name.as_str()), (None, ""));
    assert_eq!(request.body.as_deref(), Some(&[7][..]));
}

#[test]
fn nil_is_no_content_and_an_empty_one_is_an_empty_body() {
    let body = |content: &[u8]| match decode_tunnel(&message(&[2], r#"{"AckId":1,"StatusCode":200}"#, content)) {
        Ok(Some(TunnelFrame::Response(response))) => response.body,
        other => panic!("{other:?}"),
    };
    assert_eq!(body(&[0xc0]), None);
    assert_eq!(body(&[0xc4, 0]), Some(Bytes::new()));
}

#[test]
fn several_values_and_repeated_names_of_headers_stay_in_their_order() {
    let json = r#"{"AckId":1,"StatusCode":200,"Headers":{"b":["1","2"],"a":[],"b":["3"]}}"#;
    let Ok(Some(TunnelFrame::Response(response))) = decode_tunnel(&message(&[2], json, &[0xc0])) else {
        panic!("no response")
    };
    let expected = [("b", vec!["1", "2"]), ("a", vec![]), ("b", vec!["3"])];
    let expected = expected.map(|(name, values)| (text(name), values.into_iter().map(text).collect::<Vec<_>>()));
    assert_eq!(response.headers.unwrap(), expected);
}

#[test]
fn of_a_url_path_and_query_count() {
    for (url, path) in [
        ("https://h/a/b?x=1", "/a/b?x=1"),
        ("http://h:80?x=/y", "/?x=/y"),
        ("http://h", "/"),
        ("http://h/a#f", "/a"),
        ("/a?b", "/a?b"),
        ("a", "/a"),
        ("", "/"),
    ] {
        assert_eq!(TunnelRequest { url: text(url), ..TunnelRequest::default() }.path_and_query(), path, "{url}");
    }
    let request = TunnelRequest { headers: headers(), ..TunnelRequest::default() };
    assert_eq!((request.header("A"), request.header("b")), (Some("b"), None));
}

#[test]
fn a_type_that_is_not_known_is_no_error() {
    assert_eq!(decode_tunnel(&message(&[99], "not JSON", &[0xc0])), Ok(None));
    assert_eq!(decode_tunnel(&Bytes::from_static(&[2, 0, 0, 0, 0x91, 42])), Ok(None));
}

#[test]
fn what_is_no_frame_is_refused_with_the_reason() {
    let malformed = |bytes: &[u8]| decode_tunnel(&Bytes::copy_from_slice(bytes)).unwrap_err();
    assert_eq!(malformed(&[]), TunnelMalformed::Length { said: 0, has: 0 });
    assert_eq!(malformed(&[5, 0, 0, 0, 0x93]), TunnelMalformed::Length { said: 5, has: 1 });
    let whole = message(&[5], r#"{"Message":"a"}"#, &[0xc0]);
    let mut longer = whole.to_vec();
    longer.push(0);
    assert!(matches!(malformed(&longer), TunnelMalformed::Length { .. }));
    for bytes in [&[1, 0, 0, 0, 0xc0][..], &[1, 0, 0, 0, 0x90], &[3, 0, 0, 0, 0x92, 5, 0xa0]] {
        assert_eq!(malformed(bytes), TunnelMalformed::MessagePack, "{bytes:02x?}");
    }
    // Something behind it, within the length.
    assert_eq!(malformed(&message(&[5], "{}", &[0xc0, 0xc0])), TunnelMalformed::MessagePack);
    for (kind, json) in [
        (5, "[]"),
        (5, r#"{"Message":1}"#),
        (1, r#"{"AckId":1,"HttpMethod":"GET"}"#),
        (1, r#"{"AckId":"1","HttpMethod":"GET","Url":"a"}"#),
        (2, r#"{"AckId":1,"StatusCode":70000}"#),
        (2, r#"{"AckId":1,"StatusCode":200,"Headers":{"a":"b"}}"#),
        (10, "{}"),
    ] {
        let problem = malformed(&message(&[kind], json, &[0xc0]));
        assert!(matches!(problem, TunnelMalformed::Json { kind: k, .. } if k == i64::from(kind)), "{json}: {problem}");
    }
}

proptest! {
    /// Whatever comes is refused or is a frame, and a frame is written as it is read.
    #[test]
    fn any_bytes_are_refused_or_read_as_what_writes_the_same(
        mut bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..64),
            (any::<u8>(), ".{0,40}", proptest::collection::vec(any::<u8>(), 0..8))
                .prop_map(|(kind, json, content)| message(&[kind % 12], &json, &content).to_vec()),
            (0..12u8, json_of_frames(), proptest::sample::select(vec![vec![0xc0], vec![0xc4, 1, 7], vec![0xc4, 2]]))
                .prop_map(|(kind, json, content)| message(&[kind], &json, &content).to_vec()),
        ],
        honest in any::<bool>(),
    ) {
        if honest && bytes.len() > 4 {
            let length = (bytes.len() - 4) as u32;
            bytes[..4].copy_from_slice(&length.to_le_bytes());
        }
        if let Ok(Some(frame)) = decode_tunnel(&bytes.into()) {
            let again = encode_tunnel(&frame);
            prop_assert_eq!(decode_tunnel(&again), Ok(Some(frame)));
        }
    }

    #[test]
    fn a_cut_frame_is_refused_at_every_place(at in 0usize..100) {
        let whole = STANDARD.decode("cwAAAJMC2W17IlR5cGUiOjIsIkFja0lkIjo3LCJTdGF0dXNDb2RlIjoyMDQsIkhlYWRlcnMiOnt9LCJMb2NhbFJvdXRpbmciOmZhbHNlLCJDaGFubmVsTmFtZSI6IiIsIk5vdENvbXBsZXRlZCI6ZmFsc2V9xAA=").unwrap();
        let mut cut = whole[..at.min(whole.len() - 1)].to_vec();
        prop_assert!(decode_tunnel(&Bytes::copy_from_slice(&cut)).is_err());
        // Also where the length knows of it.
        if cut.len() > 4 {
            let length = (cut.len() - 4) as u32;
            cut[..4].copy_from_slice(&length.to_le_bytes());
            prop_assert!(decode_tunnel(&cut.into()).is_err());
        }
    }
}

/// JSON that frames have, with values that they may have or not.
fn json_of_frames() -> impl Strategy<Value = String> {
    let names = [
        "Type",
        "AckId",
        "HttpMethod",
        "Url",
        "StatusCode",
        "Headers",
        "LocalRouting",
        "ChannelName",
        "NotCompleted",
        "Message",
        "TargetId",
        "Endpoint",
        "ConnectionId",
        "UserId",
        "ReconnectionToken",
        "TracingId",
        "Other",
    ];
    let values = [
        "1",
        "-7",
        "200",
        "70000",
        "null",
        "true",
        "\"x\"",
        "\"é\\u0000\"",
        "{}",
        "{\"a\":[\"b\"]}",
        "{\"a\":null}",
        "[]",
        "18446744073709551615",
        "1.5",
    ];
    let pair = (proptest::sample::select(names.to_vec()), proptest::sample::select(values.to_vec()));
    proptest::collection::vec(pair, 0..12).prop_map(|pairs| {
        // What most frames need, so that some of them are whole.
        let mut fields =
            vec![r#""AckId":1,"HttpMethod":"GET","Url":"u","StatusCode":200,"ConnectionId":"c""#.to_owned()];
        fields.extend(pairs.into_iter().map(|(name, value)| format!("\"{name}\":{value}")));
        format!("{{{}}}", fields.join(","))
    })
}

proptest::proptest! {
    #[test]
    fn spoiled_messages_are_frames_or_errors(bytes in webpubsub_spoil::spoiled(vec![
        STANDARD.decode("igAAAJMB2X97IlR5cGUiOjEsIkFja0lkIjoxLCJIdHRwTWV0aG9kIjoiSEVBRCIsIlVybCI6ImEiLCJIZWFkZXJzIjp7ImEiOlsiYiJdfSwiTG9jYWxSb3V0aW5nIjp0cnVlLCJDaGFubmVsTmFtZSI6ImEiLCJUcmFjaW5nSWQiOm51bGx9xAVIZWxsbw==").unwrap(),
        STANDARD.decode("cwAAAJMC2W17IlR5cGUiOjIsIkFja0lkIjo3LCJTdGF0dXNDb2RlIjoyMDQsIkhlYWRlcnMiOnt9LCJMb2NhbFJvdXRpbmciOmZhbHNlLCJDaGFubmVsTmFtZSI6IiIsIk5vdENvbXBsZXRlZCI6ZmFsc2V9xAA=").unwrap(),
    ])) {
        crate::fuzz::tunnel(&bytes);
    }
}

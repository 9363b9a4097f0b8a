//! The bytes of RFC 6455 both ways: tables, any cut of the stream, and tungstenite as the other end.

use std::future::poll_fn;
use std::io::{self, Cursor};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt as _, StreamExt as _};
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{self, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message as Theirs};

use super::header::{FrameHeader, Opcode, apply_mask};
use super::*;

const LIMIT: usize = 100_000;

/// A frame: `first` has the final bit and the opcode.
fn frame(first: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(masked | length as u8),
        length @ 126..=0xffff => {
            frame.push(masked | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(masked | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    let Some(mask) = mask else {
        frame.extend(payload);
        return frame;
    };
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Everything that a decoder makes of pieces.
fn decode<'a>(
    decoder: &mut Decoder,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<SocketMessage>, Option<Breach>, usize) {
    let (mut buffer, mut messages) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.next(&mut buffer) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(breach) => return (messages, Some(breach), buffer.len()),
            }
        }
    }
    (messages, None, buffer.len())
}

fn client() -> Decoder {
    Decoder::new(SocketRole::Client, LIMIT)
}

fn server() -> Decoder {
    Decoder::new(SocketRole::Server, LIMIT)
}

fn text(text: &str) -> SocketMessage {
    SocketMessage::Text(text.into())
}

fn close(code: Option<u16>, reason: &str, defect: Option<CloseDefect>) -> SocketMessage {
    SocketMessage::Close(CloseFrame { code, reason: reason.to_owned(), defect })
}

#[test]
fn frames_become_messages() {
    let long = "ü".repeat(40_000);
    for (bytes, expected) in [
        (frame(0x81, None, b""), vec![text("")]),
        (frame(0x81, None, "é€😀".as_bytes()), vec![text("é€😀")]),
        (frame(0x82, None, b"\0\xff"), vec![SocketMessage::Binary(Bytes::from_static(b"\0\xff"))]),
        (frame(0x81, None, &[b'x'; 125]), vec![text(&"x".repeat(125))]),
        (frame(0x81, None, &[b'x'; 126]), vec![text(&"x".repeat(126))]),
        (frame(0x81, None, &[b'x'; 0xffff]), vec![text(&"x".repeat(0xffff))]),
        (frame(0x81, None, long.as_bytes()), vec![text(&long)]),
        (frame(0x89, None, &[7; 125]), vec![SocketMessage::Ping(Bytes::from_static(&[7; 125]))]),
        (frame(0x8a, None, b"x"), vec![SocketMessage::Pong]),
        // Fragments may be empty, cut a character, and stand around control frames.
        (
            [
                frame(0x01, None, b""),
                frame(0x00, None, &[0xe2]),
                frame(0x89, None, b"1"),
                frame(0x00, None, b""),
                frame(0x00, None, &[0x82]),
                frame(0x8a, None, b""),
                frame(0x80, None, &[0xac]),
                frame(0x81, None, b"next"),
            ]
            .concat(),
            vec![SocketMessage::Ping(Bytes::from_static(b"1")), SocketMessage::Pong, text("€"), text("next")],
        ),
        (
            [frame(0x02, None, &[0xff]), frame(0x80, None, b"")].concat(),
            vec![SocketMessage::Binary(Bytes::from_static(&[0xff]))],
        ),
    ] {
        let (messages, breach, left) = decode(&mut client(), [&bytes[..]]);
        assert_eq!((breach, left), (None, 0), "{messages:?}");
        assert!(messages == expected, "{messages:?}");
    }
    let masked = [frame(0x81, Some([1, 2, 3, 4]), b"masked text"), frame(0x89, Some([9, 8, 7, 6]), b"ping")].concat();
    let expected = vec![text("masked text"), SocketMessage::Ping(Bytes::from_static(b"ping"))];
    assert_eq!(decode(&mut server(), [&masked[..]]), (expected, None, 0));
}

#[test]
fn what_breaks_the_rules_is_a_breach_as_soon_as_it_is_seen() {
    let mask = Some([1, 2, 3, 4]);
    let size = LIMIT as u64 + 1;
    for (bytes, breach) in [
        (vec![0xc1, 0], Breach::ReservedBits),
        (vec![0xa1, 0], Breach::ReservedBits),
        (vec![0x91, 0], Breach::ReservedBits),
        (vec![0x83, 0], Breach::Opcode(3)),
        (vec![0x87, 0], Breach::Opcode(7)),
        (vec![0x8b, 0], Breach::Opcode(11)),
        (vec![0x8f, 0], Breach::Opcode(15)),
        (vec![0x09, 0], Breach::FragmentedControl),
        (vec![0x08, 0], Breach::FragmentedControl),
        (vec![0x89, 126], Breach::LongControl),
        (vec![0x88, 127], Breach::LongControl),
        (vec![0x81, 126, 0, 125], Breach::Length),
        (vec![0x81, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff], Breach::Length),
        (vec![0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], Breach::Length),
        (frame(0x81, mask, b"x"), Breach::Masked),
        (frame(0x80, None, b"x"), Breach::Continuation),
        ([frame(0x01, None, b"x"), frame(0x81, None, b"x")].concat(), Breach::Interrupted),
        ([frame(0x01, None, b"x"), frame(0x02, None, b"x")].concat(), Breach::Interrupted),
        ([&[0x81, 127][..], &size.to_be_bytes()].concat(), Breach::TooBig { size, limit: LIMIT }),
        (
            [frame(0x01, None, &[b'x'; LIMIT]), frame(0x00, None, b"x")[..2].to_vec()].concat(),
            Breach::TooBig { size, limit: LIMIT },
        ),
        (frame(0x81, None, &[0xff]), Breach::InvalidUtf8),
        (frame(0x81, None, "é".as_bytes()[..1].as_ref()), Breach::InvalidUtf8),
        (frame(0x81, None, &[0xed, 0xa0, 0x80]), Breach::InvalidUtf8),
        ([frame(0x01, None, &[0xe2]), frame(0x80, None, &[0x82])].concat(), Breach::InvalidUtf8),
    ] {
        let stream = [frame(0x81, None, b"before"), bytes].concat();
        let (messages, found, _) = decode(&mut client(), [&stream[..]]);
        assert_eq!((messages, found), (vec![text("before")], Some(breach)), "{stream:?}");
    }
    let (messages, found, _) = decode(&mut server(), [&frame(0x81, None, b"x")[..]]);
    assert_eq!((messages, found), (vec![], Some(Breach::Unmasked)));
    // At the limit, not over it.
    let stream = [frame(0x01, None, &[b'x'; LIMIT]), frame(0x80, None, b"")].concat();
    assert_eq!(decode(&mut client(), [&stream[..]]).0, [text(&"x".repeat(LIMIT))]);
}

#[test]
fn a_close_frame_is_reported_as_it_was_sent_and_answered_as_it_may_be() {
    for (payload, code, reason, defect, answer) in [
        (&[][..], None, "", None, None),
        (&[3], None, "", Some(CloseDefect::HalfCode), Some(1002)),
        (b"\x03\xe8", Some(1000), "", None, Some(1000)),
        (b"\x03\xf6upstream", Some(1014), "upstream", None, Some(1014)),
        (b"\x00\x00", Some(0), "", Some(CloseDefect::Code), Some(1002)),
        (b"\x03\xe7x", Some(999), "x", Some(CloseDefect::Code), Some(1002)),
        (b"\x03\xec", Some(1004), "", Some(CloseDefect::Code), Some(1002)),
        (b"\x03\xed", Some(1005), "", Some(CloseDefect::Code), Some(1002)),
        (b"\x03\xee", Some(1006), "", Some(CloseDefect::Code), Some(1002)),
        (b"\x03\xf7", Some(1015), "", Some(CloseDefect::Code), Some(1002)),
        (b"\x07\xd0", Some(2000), "", Some(CloseDefect::Code), Some(1002)),
        (b"\x0b\xb8", Some(3000), "", None, Some(3000)),
        (b"\x13\x87", Some(4999), "", None, Some(4999)),
        (b"\x13\x88", Some(5000), "", Some(CloseDefect::Code), Some(1002)),
        (b"\xff\xff", Some(65535), "", Some(CloseDefect::Code), Some(1002)),
        (b"\x03\xe9a\xffb", Some(1001), "a\u{fffd}b", Some(CloseDefect::Reason), Some(1007)),
    ] {
        let stream = [frame(0x81, None, b"due"), frame(0x88, None, payload)].concat();
        let (messages, breach, _) = decode(&mut client(), [&stream[..]]);
        assert_eq!((&messages[..], breach), (&[text("due"), close(code, reason, defect)][..], None));
        let Some(SocketMessage::Close(frame)) = messages.last() else { unreachable!() };
        assert_eq!(frame.answer(), answer, "{code:?}");
    }
}

#[test]
fn a_mask_is_the_same_at_every_length_and_comes_off_again() {
    for length in 0..40 {
        let plain: Vec<u8> = (0..length).collect();
        let mut masked = plain.clone();
        apply_mask(&mut masked, [0x12, 0x34, 0x56, 0x78]);
        let expected: Vec<u8> =
            plain.iter().zip([0x12, 0x34, 0x56, 0x78].iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        assert_eq!(masked, expected);
        apply_mask(&mut masked, [0x12, 0x34, 0x56, 0x78]);
        assert_eq!(masked, plain);
    }
}

#[test]
fn headers_are_written_as_they_are_read() {
    for length in [0, 1, 125, 126, 127, 0xffff, 0x1_0000, u64::MAX >> 1] {
        for mask in [None, Some([1, 2, 3, 4])] {
            for opcode in [Opcode::Continuation, Opcode::Text, Opcode::Binary] {
                for last in [false, true] {
                    let header = FrameHeader { last, opcode, mask, length };
                    let mut bytes = Vec::new();
                    header.write(&mut bytes);
                    assert_eq!(FrameHeader::parse(&bytes), Ok(Some((header, bytes.len()))));
                    for short in 0..bytes.len() {
                        assert_eq!(FrameHeader::parse(&bytes[..short]), Ok(None));
                    }
                }
            }
        }
    }
}

/// A message in fragments, with control frames among them.
fn message() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let text = prop_oneof![4 => "\\PC{0,20}", 1 => "é{150}", 1 => Just("x".repeat(70_000))];
    let payload = prop_oneof![
        4 => text.prop_map(|text| (1_u8, text.into_bytes())),
        1 => prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| (2, bytes)),
        1 => prop::collection::vec(any::<u8>(), 0..10).prop_map(|bytes| (1, bytes)),
    ];
    let cuts = prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(0_u8..2)), 0..4);
    (payload, cuts).prop_map(|((opcode, payload), cuts)| {
        let mut cuts: Vec<_> = cuts.into_iter().map(|(at, control)| (at.index(payload.len() + 1), control)).collect();
        cuts.sort();
        let (mut frames, mut start, mut opcode) = (Vec::new(), 0, opcode);
        for (at, control) in cuts {
            frames.push((opcode, payload[start..at].to_vec()));
            frames.extend(control.map(|control| (0x89 + control, b"control".to_vec())));
            (start, opcode) = (at, 0);
        }
        frames.push((0x80 | opcode, payload[start..].to_vec()));
        frames
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_cut_of_the_stream_gives_the_same_messages_as_tungstenite(
        messages in prop::collection::vec(message(), 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        mask in any::<[u8; 4]>(),
        masked in any::<bool>(),
    ) {
        let mask = masked.then_some(mask);
        let stream: Vec<u8> =
            messages.iter().flatten().flat_map(|(first, payload)| frame(*first, mask, payload)).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut start = 0;
        for cut in cuts.into_iter().chain([stream.len()]) {
            pieces.push(&stream[start..cut]);
            start = cut;
        }
        let decoder = || if masked { server() } else { client() };
        let whole = decode(&mut decoder(), [&stream[..]]);
        let cut = decode(&mut decoder(), pieces);
        prop_assert_eq!((&whole.0, whole.1), (&cut.0, cut.1));
        // And byte by byte.
        let bytes = decode(&mut decoder(), stream.chunks(1));
        prop_assert_eq!((&whole.0, whole.1), (&bytes.0, bytes.1));
        let theirs = tungstenite(stream, masked);
        let mut ours: Vec<Theirs> = whole.0.into_iter().map(theirs_of).collect();
        if whole.1.is_some() {
            // It looks at each fragment of a text, and so may stop before the control frames among them.
            ours.truncate(theirs.len());
        }
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), masked in any::<bool>()) {
        let mut decoder = if masked { server() } else { client() };
        decode(&mut decoder, bytes.chunks(7));
    }
}

fn theirs_of(message: SocketMessage) -> Theirs {
    match message {
        SocketMessage::Text(text) => Theirs::Text(text),
        SocketMessage::Binary(bytes) => Theirs::Binary(bytes),
        SocketMessage::Ping(bytes) => Theirs::Ping(bytes),
        SocketMessage::Pong => Theirs::Pong(Bytes::from_static(b"control")),
        SocketMessage::Close(_) => Theirs::Close(None),
    }
}

/// What tungstenite reads of a stream, up to an error or its end.
fn tungstenite(stream: Vec<u8>, masked: bool) -> Vec<Theirs> {
    struct RecordedStream(Cursor<Vec<u8>>);
    impl io::Read for RecordedStream {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl io::Write for RecordedStream {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let role = if masked { protocol::Role::Server } else { protocol::Role::Client };
    let config = WebSocketConfig::default().max_message_size(Some(LIMIT)).max_frame_size(Some(LIMIT));
    let mut socket = tungstenite::WebSocket::from_raw_socket(RecordedStream(Cursor::new(stream)), role, Some(config));
    std::iter::from_fn(|| socket.read().ok()).collect()
}

/// Ours at one end of a pipe, tungstenite at the other.
async fn against_tungstenite(role: SocketRole) -> (WebSocket<DuplexStream>, WebSocketStream<DuplexStream>) {
    let (ours, theirs) = duplex(1000);
    let other = match role {
        SocketRole::Client => protocol::Role::Server,
        SocketRole::Server => protocol::Role::Client,
    };
    let theirs = WebSocketStream::from_raw_socket(theirs, other, None).await;
    (WebSocket::new(ours, &[], role, LIMIT, 4096), theirs)
}

async fn next<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocket<S>) -> Result<SocketMessage, SocketError> {
    poll_fn(|cx| {
        let _ = socket.poll_flush(cx);
        socket.poll_next(cx, &mut usize::MAX.clone())
    })
    .await
}

async fn flush<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocket<S>) {
    poll_fn(|cx| socket.poll_flush(cx)).await;
}

#[tokio::test]
async fn another_implementation_understands_us_and_we_it() {
    for role in [SocketRole::Client, SocketRole::Server] {
        let (mut ours, mut theirs) = against_tungstenite(role).await;
        let texts: Vec<String> =
            [0, 1, 125, 126, 65_535, 65_536, 99_999].iter().map(|length| "x".repeat(*length)).collect();
        let sending = async {
            for text in &texts {
                poll_fn(|cx| ours.poll_room(cx)).await;
                ours.send_text(text.as_bytes());
                ours.send_binary(text.as_bytes());
            }
            ours.send_ping();
            flush(&mut ours).await;
        };
        let receiving = async {
            for text in &texts {
                assert_eq!(theirs.next().await.unwrap().unwrap(), Theirs::text(text));
                assert_eq!(theirs.next().await.unwrap().unwrap(), Theirs::binary(text.clone()));
            }
            assert_eq!(theirs.next().await.unwrap().unwrap(), Theirs::Ping(Bytes::new()));
        };
        tokio::join!(sending, receiving);
        let sending = async {
            for text in &texts {
                theirs.send(Theirs::text(text)).await.unwrap();
            }
            theirs.send(Theirs::Ping(Bytes::from_static(b"beat"))).await.unwrap();
            // The pong to ours, and the one to theirs.
            assert_eq!(theirs.next().await.unwrap().unwrap(), Theirs::Pong(Bytes::from_static(b"beat")));
            theirs.close(None).await.unwrap();
        };
        let receiving = async {
            let mut expected: Vec<SocketMessage> = texts.iter().map(|text| self::text(text)).collect();
            expected.insert(1, SocketMessage::Pong);
            expected.push(SocketMessage::Ping(Bytes::from_static(b"beat")));
            for expected in expected {
                assert!(next(&mut ours).await.unwrap() == expected);
            }
            let SocketMessage::Close(frame) = next(&mut ours).await.unwrap() else { panic!("no close frame") };
            ours.send_close(frame.answer(), "");
            flush(&mut ours).await;
        };
        tokio::join!(sending, receiving);
    }
}

#[tokio::test]
async fn any_code_can_be_sent_and_nothing_follows_it() {
    let (ours, theirs) = duplex(1000);
    let mut ours = WebSocket::new(ours, &[], SocketRole::Server, LIMIT, 4096);
    let mut theirs = WebSocket::new(theirs, &[], SocketRole::Client, LIMIT, 4096);
    ours.send_close(Some(1015), "why not");
    ours.send_text(b"never");
    flush(&mut ours).await;
    assert_eq!(next(&mut theirs).await.unwrap(), close(Some(1015), "why not", Some(CloseDefect::Code)));
    drop(ours);
    assert!(matches!(next(&mut theirs).await, Err(SocketError::End)));
}

#[tokio::test]
async fn of_pings_that_nobody_could_answer_the_last_is_answered() {
    let (ours, mut theirs) = duplex(1 << 20);
    let mut ours = WebSocket::new(ours, &[], SocketRole::Server, LIMIT, 4096);
    for index in 0..10_000_u32 {
        theirs.write_all(&frame(0x89, Some([1, 2, 3, 4]), &index.to_be_bytes())).await.unwrap();
    }
    for _ in 0..10_000 {
        assert!(matches!(poll_fn(|cx| ours.poll_next(cx, &mut usize::MAX.clone())).await, Ok(SocketMessage::Ping(_))));
    }
    flush(&mut ours).await;
    let mut theirs = WebSocket::new(theirs, &[], SocketRole::Client, LIMIT, 4096);
    drop(ours);
    assert_eq!(next(&mut theirs).await.unwrap(), SocketMessage::Pong);
    assert!(matches!(next(&mut theirs).await, Err(SocketError::End)));
}

/// Sends pings for ever, and takes nothing.
struct PingFlood;

impl AsyncRead for PingFlood {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let ping = frame(0x89, None, &[b'x'; 125]);
        while buffer.remaining() >= ping.len() {
            buffer.put_slice(&ping);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for PingFlood {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn what_waits_for_a_peer_that_reads_nothing_is_bounded_pongs_included() {
    let mut socket = WebSocket::new(PingFlood, &[], SocketRole::Client, LIMIT, 4096);
    for _ in 0..100_000 {
        poll_fn(|cx| {
            assert!(socket.poll_flush(cx).is_pending() || socket.waiting() == 0);
            let mut budget = 4096;
            assert!(matches!(socket.poll_next(cx, &mut budget), Poll::Ready(Ok(SocketMessage::Ping(_)))));
            Poll::Ready(())
        })
        .await;
    }
    assert!(socket.waiting() < 65 * 1024, "{}", socket.waiting());
}

#[tokio::test]
async fn endless_fragments_end_with_the_budget() {
    /// Sends empty continuations for ever.
    struct FragmentSource(bool);
    impl AsyncRead for FragmentSource {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            if !std::mem::replace(&mut self.0, true) {
                buffer.put_slice(&frame(0x01, None, b""));
            }
            while buffer.remaining() >= 2 {
                buffer.put_slice(&frame(0x00, None, b""));
            }
            Poll::Ready(Ok(()))
        }
    }
    impl AsyncWrite for FragmentSource {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
    let mut socket = WebSocket::new(FragmentSource(false), &[], SocketRole::Client, LIMIT, 4096);
    for _ in 0..3 {
        let mut budget = 100_000;
        let read = poll_fn(|cx| Poll::Ready(socket.poll_next(cx, &mut budget).is_ready())).await;
        assert_eq!((read, budget), (false, 0));
        assert!(socket.take_moved());
    }
}

#[tokio::test]
async fn only_what_goes_out_after_a_full_buffer_says_that_somebody_reads() {
    let (ours, mut theirs) = duplex(1000);
    let mut ours = WebSocket::new(ours, &[], SocketRole::Server, LIMIT, 4096);
    ours.send_text(&[b'x'; 500]);
    flush(&mut ours).await;
    assert!(!ours.take_moved());
    ours.send_text(&[b'x'; 5000]);
    assert!(poll_fn(|cx| Poll::Ready(ours.poll_flush(cx).is_pending())).await);
    assert!(poll_fn(|cx| Poll::Ready(ours.poll_flush(cx).is_pending())).await);
    assert!(!ours.take_moved());
    tokio::io::AsyncReadExt::read_exact(&mut theirs, &mut [0; 600]).await.unwrap();
    assert!(poll_fn(|cx| Poll::Ready(ours.poll_flush(cx).is_pending())).await);
    assert!(ours.take_moved());
    assert!(!ours.take_moved());
}

#[tokio::test]
async fn the_buffer_of_a_large_message_is_not_kept() {
    let (ours, mut theirs) = duplex(1 << 20);
    let mut ours = WebSocket::new(ours, &[], SocketRole::Client, 64 << 20, 4096);
    let large = frame(0x82, None, &vec![0; 8 << 20]);
    let sending = async {
        theirs.write_all(&large).await.unwrap();
        for _ in 0..10 {
            theirs.write_all(&frame(0x81, None, b"small")).await.unwrap();
        }
    };
    let receiving = async {
        assert!(matches!(next(&mut ours).await, Ok(SocketMessage::Binary(bytes)) if bytes.len() == 8 << 20));
        for _ in 0..10 {
            assert_eq!(next(&mut ours).await.unwrap(), text("small"));
        }
    };
    tokio::join!(sending, receiving);
    assert!(ours.input.capacity() <= 2 << 20, "{}", ours.input.capacity());
}

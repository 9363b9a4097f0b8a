//! Links against peers in memory and on the loopback.

use std::future::poll_fn;
use std::task::Poll;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::TcpStream;

use super::{listener, within};
use crate::wire::link::{MAX_BATCH_BYTES, MAX_BATCH_FRAMES};
use crate::wire::{Cause, Closed, Incoming, Link};

/// A frame as a server sends it: `first` has the final bit and the opcode.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        0..=125 => frame.push(payload.len() as u8),
        126..=0xffff => {
            frame.push(126);
            frame.extend((payload.len() as u16).to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    frame(0x88, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

/// The first byte and the payload of a frame that a client sent.
async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> (u8, Vec<u8>) {
    let first = stream.read_u8().await.unwrap();
    let second = stream.read_u8().await.unwrap();
    assert!(second & 0x80 != 0, "a client masks");
    let len = match second & 0x7f {
        126 => u64::from(stream.read_u16().await.unwrap()),
        127 => stream.read_u64().await.unwrap(),
        short => u64::from(short),
    };
    let mut mask = [0; 4];
    stream.read_exact(&mut mask).await.unwrap();
    let mut payload = vec![0; usize::try_from(len).unwrap()];
    stream.read_exact(&mut payload).await.unwrap();
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    (first, payload)
}

/// A client's link in memory, and the bare stream of its server.
async fn pair(capacity: usize) -> (Link<DuplexStream>, DuplexStream) {
    let (ours, theirs) = duplex(capacity);
    (Link::client(ours, &[]), theirs)
}

/// A client's link on the loopback, and the bare stream of its server.
async fn tcp_pair() -> (Link<TcpStream>, TcpStream) {
    let (listener, port) = listener().await;
    let (ours, accepted) =
        within(async { tokio::join!(TcpStream::connect(("127.0.0.1", port)), listener.accept()) }).await;
    (Link::client(ours.unwrap(), &[]), accepted.unwrap().0)
}

async fn batch<S: AsyncRead + AsyncWrite + Unpin>(link: &mut Link<S>) -> Vec<Incoming> {
    let mut batch = Vec::new();
    while batch.is_empty() {
        within(poll_fn(|cx| link.poll(cx, true, &mut batch))).await;
        assert!(!batch.is_empty());
        batch.retain(|incoming| *incoming != Incoming::Progress);
    }
    batch
}

/// One poll, whatever comes of it.
async fn poll_once<S: AsyncRead + AsyncWrite + Unpin>(link: &mut Link<S>, read: bool) -> Vec<Incoming> {
    let mut batch = Vec::new();
    poll_fn(|cx| {
        let ready = link.poll(cx, read, &mut batch).is_ready();
        assert_eq!(ready, !batch.is_empty());
        Poll::Ready(())
    })
    .await;
    batch.retain(|incoming| *incoming != Incoming::Progress);
    batch
}

/// Everything up to the end.
async fn all<S: AsyncRead + AsyncWrite + Unpin>(link: &mut Link<S>) -> Vec<Incoming> {
    let mut all = Vec::new();
    while !matches!(all.last(), Some(Incoming::Closed(_))) {
        all.extend(batch(link).await);
    }
    // A link is silent after its end.
    link.send_text("late".into());
    assert_eq!(poll_once(link, true).await, []);
    all
}

fn text(text: &str) -> Incoming {
    Incoming::Text(text.into())
}

fn closed(incoming: Option<&Incoming>) -> &Closed {
    match incoming {
        Some(Incoming::Closed(closed)) => closed,
        other => panic!("not the end: {other:?}"),
    }
}

#[tokio::test]
async fn what_has_come_is_read_in_one_batch_and_pings_are_answered() {
    let (mut link, mut server) = pair(1024).await;
    let frames =
        [frame(0x81, "é".as_bytes()), frame(0x82, b"\0\xff"), frame(0x89, b"beat"), frame(0x8a, b""), frame(0x81, b"")];
    server.write_all(&frames.concat()).await.unwrap();
    let expected =
        [text("é"), Incoming::Binary(Bytes::from_static(b"\0\xff")), Incoming::Ping, Incoming::Pong, text("")];
    assert_eq!(batch(&mut link).await, expected);
    assert_eq!(within(read_frame(&mut server)).await, (0x8a, b"beat".to_vec()));
}

#[tokio::test]
async fn a_fragmented_message_is_one_message_even_around_a_ping() {
    let (mut link, mut server) = pair(1024).await;
    let euro = "€".as_bytes();
    let frames = [frame(0x01, &euro[..1]), frame(0x89, b""), frame(0x00, &euro[1..2]), frame(0x80, &euro[2..])];
    server.write_all(&frames.concat()).await.unwrap();
    assert_eq!(batch(&mut link).await, [Incoming::Ping, text("€")]);
}

#[tokio::test]
async fn a_batch_is_bounded_and_the_next_goes_on() {
    let (mut link, mut server) = pair(1 << 22).await;
    server.write_all(&frame(0x81, b"x").repeat(MAX_BATCH_FRAMES + 1)).await.unwrap();
    assert_eq!(batch(&mut link).await.len(), MAX_BATCH_FRAMES);
    assert_eq!(batch(&mut link).await.len(), 1);
    let big = "y".repeat(MAX_BATCH_BYTES);
    server.write_all(&frame(0x81, big.as_bytes()).repeat(2)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(batch(&mut link).await, [text(&big)]);
    }
}

#[tokio::test]
async fn without_reading_the_peers_data_stay_where_they_are() {
    let (mut link, mut server) = pair(1024).await;
    let data = frame(0x81, b"0123456789").repeat(1000);
    link.send_text("out".into());
    let (wrote, ()) = within(async {
        tokio::join!(
            async {
                let mut wrote = 0;
                // As long as something can be written without the client's help.
                loop {
                    let mut write = std::pin::pin!(server.write(&data[wrote..]));
                    let step = poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx))).await;
                    let Poll::Ready(more) = step else { return wrote };
                    wrote += more.unwrap();
                }
            },
            async {
                for _ in 0..3 {
                    assert_eq!(poll_once(&mut link, false).await, []);
                }
            }
        )
    })
    .await;
    assert_eq!(wrote, 1024);
    // What we send goes out all the same.
    assert_eq!(within(read_frame(&mut server)).await, (0x81, b"out".to_vec()));
    let rest = async { server.write_all(&data[wrote..]).await.unwrap() };
    let read = async {
        let mut count = 0;
        while count < 1000 {
            count += batch(&mut link).await.len();
        }
        count
    };
    assert_eq!(within(async { tokio::join!(read, rest).0 }).await, 1000);
}

#[tokio::test]
async fn sending_never_waits_and_a_slow_peer_gets_everything_in_order() {
    let (mut link, server) = tcp_pair().await;
    let payload = |index: usize| format!("{index}:").repeat(8192);
    let count = 640;
    let mut total = 0;
    for index in 0..count {
        total += payload(index).len();
        link.send_text(payload(index).into());
        assert_eq!(poll_once(&mut link, true).await, []);
    }
    assert!(total > 10 << 20 && link.queued_bytes() > 0, "{total} {}", link.queued_bytes());
    // Reading is not held up by it.
    let mut server = server;
    server.write_all(&frame(0x81, b"meanwhile")).await.unwrap();
    assert_eq!(batch(&mut link).await, [text("meanwhile")]);
    let mut server = Link::server(server, &[], 1 << 20);
    let receive = async {
        let mut received = 0;
        while received < count {
            for incoming in batch(&mut server).await {
                assert_eq!(incoming, text(&payload(received)));
                received += 1;
            }
        }
    };
    within(async { tokio::join!(receive, poll_fn(|cx| link.poll_flush(cx))) }).await;
    assert_eq!(link.queued_bytes(), 0);
}

#[tokio::test]
async fn a_mark_is_passed_when_all_before_it_has_gone_out_and_never_when_it_has_not() {
    let (mut link, mut server) = pair(64 * 1024).await;
    link.mark(0);
    link.send_binary(Bytes::from(vec![1; 40 * 1024]));
    link.mark(1);
    link.send_binary(Bytes::from(vec![2; 40 * 1024]));
    link.mark(2);
    assert_eq!(link.take_written(), None, "nothing is written before a poll");
    poll_once(&mut link, true).await;
    assert_eq!((link.take_written(), link.take_written(), link.take_written()), (Some(0), Some(1), None));
    within(read_frame(&mut server)).await;
    poll_once(&mut link, true).await;
    assert_eq!((link.take_written(), link.take_written()), (Some(2), None));
    link.send_binary(Bytes::from(vec![3; 200 * 1024]));
    link.mark(3);
    poll_once(&mut link, true).await;
    drop(server);
    // What cannot go out any more, and what is sent after that, has not gone out.
    link.send_binary(Bytes::from_static(b"late"));
    link.mark(4);
    all(&mut link).await;
    assert_eq!(link.take_written(), None);
}

#[tokio::test]
async fn marks_are_passed_one_by_one_where_there_is_always_more_to_write() {
    let (mut link, mut server) = pair(64 * 1024).await;
    for name in 0..64 {
        link.send_binary(Bytes::from(vec![0; 32 * 1024]));
        link.mark(name);
    }
    let mut passed = 0;
    poll_once(&mut link, true).await;
    for read in 1..=32 {
        within(read_frame(&mut server)).await;
        poll_once(&mut link, true).await;
        while link.take_written().is_some() {
            passed += 1;
        }
        assert!((read - 1..=read + 4).contains(&passed), "{passed} were passed, {read} were read");
    }
}

#[tokio::test]
async fn a_message_larger_than_every_buffer_goes_through_both_ways() {
    let (ours, theirs) = duplex(4096);
    let mut client = Link::client(ours, &[]);
    let mut server = Link::server(theirs, &[], 1 << 21);
    let big = "ü".repeat(1 << 19);
    client.send_text(big.clone().into());
    server.send_text(big.clone().into());
    let (at_client, at_server) = within(async { tokio::join!(batch(&mut client), batch(&mut server)) }).await;
    assert_eq!(at_client, [text(&big)]);
    // The client was not polled after its message came, and the server's need not be complete by then.
    assert_eq!(at_server, [text(&big)]);
}

#[tokio::test]
async fn our_close_comes_last_and_is_answered() {
    let (mut link, mut server) = pair(1024).await;
    link.send_text("first".into());
    link.send_ping();
    link.close(1000, &"é".repeat(100));
    link.send_text("never".into());
    link.close(1001, "never");
    assert_eq!(poll_once(&mut link, true).await, []);
    assert_eq!(within(read_frame(&mut server)).await, (0x81, b"first".to_vec()));
    assert_eq!(within(read_frame(&mut server)).await, (0x89, Vec::new()));
    let (first, payload) = within(read_frame(&mut server)).await;
    // 61 whole characters of two bytes fit into 123.
    assert_eq!((first, &payload[..2], payload.len()), (0x88, &[0x03, 0xe8][..], 2 + 122));
    // What was under way still comes.
    server.write_all(&[frame(0x81, b"crossed"), close_frame(1000, "bye")].concat()).await.unwrap();
    let end = Closed { code: Some(1000), reason: "bye".to_owned(), error: None, cause: Cause::Clean };
    assert_eq!(all(&mut link).await, [text("crossed"), Incoming::Closed(end)]);
}

#[tokio::test]
async fn the_peers_close_is_reported_with_code_and_reason_and_answered() {
    for (code, reason, shown) in
        [(1008, "bad token=x", "bad token=x"), (4321, "access_token=abc", "access_token=[redacted]")]
    {
        let (mut link, mut server) = pair(1024).await;
        server.write_all(&close_frame(code, reason)).await.unwrap();
        let end = Closed { code: Some(code), reason: shown.to_owned(), error: None, cause: Cause::Clean };
        assert_eq!(all(&mut link).await, [Incoming::Closed(end)]);
        let (first, payload) = within(read_frame(&mut server)).await;
        assert_eq!((first, &payload[..2]), (0x88, &code.to_be_bytes()[..]));
    }
    let (mut link, mut server) = pair(1024).await;
    server.write_all(&frame(0x88, b"")).await.unwrap();
    let end = Closed { code: None, reason: String::new(), error: None, cause: Cause::Clean };
    assert_eq!(all(&mut link).await, [Incoming::Closed(end)]);
}

#[tokio::test]
async fn a_close_frame_that_breaks_the_rules_is_a_close_frame_and_what_came_before_it_is_not_lost() {
    let codes = [0, 1, 999, 1004, 1005, 1006, 1014, 1015, 1016, 2999, 5000, 65535];
    let close = |code: u16| (close_frame(code, "upstream"), Some(code), "upstream", code_of_answer(code));
    fn code_of_answer(code: u16) -> u16 {
        if code == 1014 { code } else { 1002 }
    }
    let unreadable =
        [(frame(0x88, b"\x03"), None, "", 1002), (frame(0x88, b"\x03\xe9not \xff"), Some(1001), "not \u{fffd}", 1007)];
    for (bytes, code, reason, answer) in codes.map(close).into_iter().chain(unreadable) {
        let (mut link, mut server) = pair(1024).await;
        server.write_all(&[frame(0x81, b"one"), frame(0x81, b"two"), bytes].concat()).await.unwrap();
        let end = Closed { code, reason: reason.to_owned(), error: None, cause: Cause::Clean };
        assert_eq!(all(&mut link).await, [text("one"), text("two"), Incoming::Closed(end)]);
        let (first, payload) = within(read_frame(&mut server)).await;
        assert_eq!((first, &payload[..]), (0x88, &u16::to_be_bytes(answer)[..]), "{code:?}");
    }
}

#[tokio::test]
async fn what_breaks_the_protocol_ends_the_link_and_the_peer_is_told_why() {
    let many = frame(0x81, &[b'x'; 65]);
    let cases: [(Vec<u8>, Cause, u16); 6] = [
        (frame(0x81, b"a\xff"), Cause::InvalidUtf8, 1007),
        ([frame(0x01, b"\xe2"), frame(0x80, b"\x82")].concat(), Cause::InvalidUtf8, 1007),
        (frame(0x83, b""), Cause::Framing, 1002),
        (frame(0xc1, b"compressed?"), Cause::Framing, 1002),
        (frame(0x80, b"continues what?"), Cause::Framing, 1002),
        ([&[0x81, 127][..], &(65_u64 << 20).to_be_bytes(), &many].concat(), Cause::TooBig, 1009),
    ];
    for (bad, cause, code) in cases {
        let (mut link, mut server) = pair(1024).await;
        link.send_text("before".into());
        server.write_all(&[frame(0x81, b"good"), bad].concat()).await.unwrap();
        let read = all(&mut link).await;
        assert_eq!(read[0], text("good"));
        let end = closed(read.last());
        assert_eq!((end.cause, end.code, end.error.is_some(), read.len()), (cause, None, true, 2), "{end:?}");
        assert_eq!(within(read_frame(&mut server)).await, (0x81, b"before".to_vec()));
        let (first, payload) = within(read_frame(&mut server)).await;
        assert_eq!((first, &payload[..2]), (0x88, &code.to_be_bytes()[..]), "{end:?}");
    }
}

#[tokio::test]
async fn a_server_takes_no_message_over_its_limit() {
    let (ours, theirs) = duplex(1024);
    let mut client = Link::client(ours, &[]);
    let mut server = Link::server(theirs, &[], 100);
    client.send_text("x".repeat(100).into());
    client.send_text("x".repeat(101).into());
    assert_eq!(poll_once(&mut client, true).await, []);
    let read = all(&mut server).await;
    assert_eq!((read.len(), closed(read.last()).cause), (2, Cause::TooBig));
    let read = all(&mut client).await;
    assert_eq!(closed(read.last()).code, Some(1009));
}

#[tokio::test]
async fn an_end_without_a_close_frame_is_a_drop() {
    // Between frames, and within one.
    for last in [frame(0x81, b"whole"), [frame(0x81, b"whole"), frame(0x81, b"half")[..3].to_vec()].concat()] {
        let (mut link, mut server) = pair(1024).await;
        server.write_all(&last).await.unwrap();
        drop(server);
        let read = all(&mut link).await;
        assert_eq!(read[0], text("whole"));
        let end = closed(read.last());
        assert_eq!((end.cause, end.code), (Cause::Dropped, None));
        assert_eq!(end.error.as_deref(), Some("the connection ended without a close frame"));
    }
}

#[tokio::test]
async fn a_reset_is_a_drop_with_the_reason() {
    let (mut link, mut server) = tcp_pair().await;
    server.write_all(&frame(0x81, b"half")[..3]).await.unwrap();
    server.set_zero_linger().unwrap();
    drop(server);
    let read = all(&mut link).await;
    let end = closed(read.last());
    assert_eq!((end.cause, end.error.as_deref()), (Cause::Dropped, Some("connection reset")));
}

#[tokio::test]
async fn a_failed_write_is_reported_without_reading() {
    let (mut link, server) = pair(16).await;
    drop(server);
    assert_eq!(poll_once(&mut link, false).await, []);
    link.send_text("into the void".into());
    let mut batch = Vec::new();
    within(poll_fn(|cx| link.poll(cx, false, &mut batch))).await;
    let end = closed(batch.last());
    assert_eq!((end.cause, end.error.as_deref()), (Cause::Dropped, Some("broken pipe")));
}

/// The kernel keeps what came before a reset readable; not every kernel does.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_last_words_before_a_reset_are_read_though_a_write_failed_first() {
    let (mut link, mut server) = tcp_pair().await;
    // A socket that is closed with unread data resets the connection.
    link.send_text("never read".into());
    within(poll_fn(|cx| link.poll_flush(cx))).await;
    server.readable().await.unwrap();
    server.write_all(&[frame(0x81, b"last"), close_frame(1008, "too slow")].concat()).await.unwrap();
    drop(server);
    let mut batch = Vec::new();
    within(poll_fn(|cx| {
        link.send_text("more".into());
        let read = link.poll(cx, false, &mut batch);
        if read.is_pending() {
            cx.waker().wake_by_ref();
        }
        read
    }))
    .await;
    while !matches!(batch.last(), Some(Incoming::Closed(_))) {
        within(poll_fn(|cx| link.poll(cx, false, &mut batch))).await;
    }
    let end = Closed { code: Some(1008), reason: "too slow".to_owned(), error: None, cause: Cause::Clean };
    assert_eq!(batch, [text("last"), Incoming::Closed(end)]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_cannot_be_written_and_stays_silent_is_given_up() {
    /// Reads nothing, ever, and fails every write.
    struct Dead;
    impl AsyncRead for Dead {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            Poll::Pending
        }
    }
    impl AsyncWrite for Dead {
        fn poll_write(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &[u8],
        ) -> Poll<std::io::Result<usize>> {
            Poll::Ready(Err(std::io::ErrorKind::TimedOut.into()))
        }
        fn poll_flush(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
    let mut link = Link::client(Dead, &[]);
    link.send_text("hello?".into());
    let read = batch(&mut link).await;
    let end = closed(read.last());
    assert_eq!((end.cause, end.error.as_deref()), (Cause::Dropped, Some("timed out")));
}

#[tokio::test]
async fn aborting_says_nothing_to_the_peer() {
    let (mut link, mut server) = pair(1024).await;
    assert_eq!(poll_once(&mut link, true).await, []);
    drop(link);
    let mut rest = Vec::new();
    within(server.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.is_empty(), "{rest:?}");
}

#[tokio::test]
async fn a_link_in_a_select_loses_nothing_to_the_other_branch() {
    let (mut link, mut server) = pair(64).await;
    let count = 10_000;
    let write = async {
        for index in 0..count {
            server.write_all(&frame(0x81, index.to_string().as_bytes())).await.unwrap();
        }
    };
    let read = async {
        let (mut next, mut batch) = (0, Vec::new());
        while next < count {
            tokio::select! {
                () = poll_fn(|cx| link.poll(cx, true, &mut batch)) => {}
                () = tokio::task::yield_now() => {}
            }
            for incoming in batch.drain(..) {
                assert_eq!(incoming, text(&next.to_string()));
                next += 1;
            }
        }
    };
    within(async { tokio::join!(write, read) }).await;
}

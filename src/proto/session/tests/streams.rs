//! Group streams: those that are published (PROTOCOL §19.20–26) and those that are received (§19.27, §19.28).

use super::*;
use crate::StreamInfo;

const KEY: StreamKey = StreamKey(1);

fn start(id: &str) -> String {
    format!(r#"→ {{"type":"sendToGroup","group":"g","stream":{{"streamId":"{id}"}}}}"#)
}

fn fragment(number: u64, text: &str) -> String {
    format!(r#"→ {{"type":"streamData","streamId":"s","streamSequenceId":{number},"dataType":"text","data":"{text}"}}"#)
}

const KEEPALIVE: &str = r#"→ {"type":"streamData","streamId":"s"}"#;
const END: &str = r#"→ {"type":"streamEnd","streamId":"s"}"#;
const ABORTED: &str = r#"→ {"type":"streamEnd","streamId":"s","error":{"message":"the publisher has broken off","userErrorCode":"Aborted"}}"#;

impl SessionBench {
    fn open_stream(&mut self) {
        let open = StreamOpen { group: "g".into(), stream_id: "s".into(), no_echo: false, idle_timeout: None };
        self.session.handle_stream_open(self.now, KEY, open);
    }

    fn write(&mut self, text: &str) {
        self.session.handle_stream_write(self.now, KEY, &OwnedData::text(text), 10);
    }

    fn end(&mut self) {
        self.session.handle_stream_end(self.now, KEY, None);
    }

    fn stream_ack(&mut self, expected: u64) {
        self.control(&format!(r#"{{"type":"streamAck","streamId":"s","expectedSequenceId":{expected}}}"#));
    }

    fn stream_nack(&mut self, expected: u64, name: &str) {
        self.control(&format!(
            r#"{{"type":"streamNack","streamId":"s","expectedSequenceId":{expected},"name":"{name}","message":"m"}}"#
        ));
    }

    fn stream_closed(&mut self, error: Option<&str>) {
        let error = error.map(|name| format!(r#","error":{{"name":"{name}","message":"m"}}"#)).unwrap_or_default();
        self.control(&format!(r#"{{"type":"streamClosed","streamId":"s"{error}}}"#));
    }

    /// How the stream ended, which is all that was put out but for the event that says the same.
    #[track_caller]
    fn over(&mut self) -> String {
        let said = self.take();
        let [event, over] = &said[..] else { panic!("{said:?}") };
        assert!(event.starts_with("stream s to g ended: "), "{said:?}");
        over.strip_prefix("stream 1 over: ").unwrap().to_owned()
    }
}

/// Connected, with the stream open.
#[track_caller]
fn publishing() -> SessionBench {
    let mut b = SessionBench::live(config());
    b.open_stream();
    b.says(&[&start("s")]);
    b.stream_ack(1);
    b.says(&["stream s to g started", "stream 1 opened"]);
    b
}

#[test]
fn nothing_is_sent_before_the_start_is_acknowledged_and_then_all_of_it_in_order() {
    let mut b = SessionBench::live(config());
    b.open_stream();
    b.write("a");
    b.write("b");
    b.says(&[&start("s")]);
    b.stream_ack(1);
    b.says(&["stream s to g started", "stream 1 opened", &fragment(1, "a"), &fragment(2, "b")]);
    b.stream_ack(3);
    b.says(&["stream 1 released 20"]);
    b.end();
    b.says(&[END]);
    b.stream_closed(None);
    assert_eq!(b.over(), "2 of 2, 2 bytes, Completed, end sent");
}

#[test]
fn a_start_waits_for_a_connection_and_survives_attempts_to_make_one() {
    let mut b = SessionBench::dialing(config());
    b.open_stream();
    b.dial_failed(DialClass::Unreachable);
    b.take();
    b.pass(s(1));
    b.take();
    b.open();
    b.control(CONNECTED);
    b.says(&[r#"connected c1 Some("alice")"#, &start("s")]);
}

#[test]
fn a_start_is_refused_lost_with_its_socket_or_not_answered() {
    let mut b = SessionBench::live(config());
    b.open_stream();
    b.take();
    b.stream_closed(Some("Forbidden"));
    assert_eq!(b.over(), r#"0 of 0, 0 bytes, Closed(Nack { name: "Forbidden", message: "m" })"#);

    let mut b = SessionBench::live(config());
    b.open_stream();
    b.take();
    b.cut();
    let said = b.take();
    assert!(said.iter().any(|line| line.starts_with("stream 1 over: 0 of 0, 0 bytes, Lost")), "{said:?}");
    // Nothing resumes it.
    b.recover();
    b.says(&["recovered c1, attempts 1, down 0ns"]);

    let mut b = SessionBench::live(Config { ping_interval: None, ping_timeout: None, ..config() });
    b.open_stream();
    b.take();
    b.pass(s(30));
    assert_eq!(b.over(), "0 of 0, 0 bytes, Unanswered");

    let mut b = SessionBench::live(config());
    b.open_stream();
    b.take();
    b.stream_ack(2);
    let said = b.take();
    assert!(said[0].contains(r#""userErrorCode":"Aborted""#) && said[2].contains("Broken"), "{said:?}");
}

#[test]
fn an_id_has_one_stream_at_a_time() {
    let mut b = publishing();
    let open = || StreamOpen { group: "g".into(), stream_id: "s".into(), no_echo: false, idle_timeout: None };
    b.session.handle_stream_open(b.now, StreamKey(2), open());
    b.says(&["stream s to g ended: 0 of 0, 0 bytes, IdInUse", "stream 2 over: 0 of 0, 0 bytes, IdInUse"]);
    // The open one is left alone, and the id is free when it is over.
    b.write("a");
    b.says(&[&fragment(1, "a")]);
    b.stream_closed(Some("InternalServerError"));
    b.take();
    b.session.handle_stream_open(b.now, StreamKey(3), open());
    b.says(&[&start("s")]);
}

#[test]
fn the_service_sends_back_and_the_rest_follows_in_order() {
    let mut b = publishing();
    for text in ["a", "b", "c"] {
        b.write(text);
    }
    b.says(&[&fragment(1, "a"), &fragment(2, "b"), &fragment(3, "c")]);
    b.stream_nack(2, "InvalidSequenceId");
    b.says(&["stream 1 released 10", &fragment(2, "b"), &fragment(3, "c")]);
    // The refusal of what was under way at the first one says nothing new.
    b.stream_nack(2, "InvalidSequenceId");
    b.says(&[]);
    b.stream_ack(4);
    b.says(&["stream 1 released 20"]);
    b.quiet(s(9));
}

#[test]
fn a_refusal_that_comes_again_is_followed_once_more() {
    let mut b = publishing();
    b.write("a");
    b.says(&[&fragment(1, "a")]);
    b.stream_nack(1, "InvalidSequenceId");
    b.says(&[&fragment(1, "a")]);
    b.stream_nack(1, "InvalidSequenceId");
    b.says(&[]);
    b.pass(ms(500));
    b.says(&[&fragment(1, "a")]);
}

#[test]
fn a_passing_reason_is_waited_for_twice_as_long_each_time() {
    let mut b = publishing();
    b.write("a");
    b.says(&[&fragment(1, "a")]);
    b.stream_nack(1, "TransientError");
    b.write("b");
    b.quiet(ms(199));
    b.pass(ms(1));
    b.says(&[&fragment(1, "a"), &fragment(2, "b")]);
    b.pass(ms(500));
    b.stream_nack(1, "TransientError");
    b.quiet(ms(399));
    b.pass(ms(1));
    b.says(&[&fragment(1, "a"), &fragment(2, "b")]);
    b.stream_ack(2);
    b.says(&["stream 1 released 10"]);
    b.stream_nack(2, "TransientError");
    b.quiet(ms(199));
    b.pass(ms(1));
    b.says(&[&fragment(2, "b")]);
}

#[test]
fn the_end_waits_for_what_is_before_it_and_asks_after_it() {
    let mut b = publishing();
    b.write("a");
    b.end();
    b.says(&[&fragment(1, "a")]);
    // It was lost. The service ended a stream without it otherwise.
    b.pass(s(1));
    b.says(&[&fragment(1, "a")]);
    b.write("late");
    b.stream_ack(2);
    b.says(&["stream 1 released 10", END]);
    b.stream_closed(None);
    assert_eq!(b.over(), "1 of 1, 1 bytes, Completed, end sent");
}

#[test]
fn a_service_that_says_nothing_is_asked_and_then_given_up() {
    let mut b = SessionBench::live(Config { ping_interval: None, ping_timeout: None, ..config() });
    b.open_stream();
    b.stream_ack(1);
    b.write("a");
    b.take();
    for _ in 0..5 {
        b.pass(s(5));
        b.says(&[&fragment(1, "a")]);
    }
    b.pass(s(5));
    assert_eq!(b.over(), "0 of 1, 0 bytes, Unanswered");
}

#[test]
fn acknowledgements_of_what_was_not_sent_end_it_with_an_error() {
    let mut b = publishing();
    b.write("a");
    b.take();
    b.stream_ack(3);
    let said = b.take();
    assert_eq!(
        said[0],
        r#"→ {"type":"streamEnd","streamId":"s","error":{"message":"the service acknowledged what was not sent","userErrorCode":"Aborted"}}"#
    );
    assert!(said[2].contains("Broken(StreamBreach { expected: 3, accepted: 0, sent: 1 })"), "{said:?}");

    let mut b = publishing();
    b.write("a");
    b.stream_ack(2);
    b.take();
    b.stream_nack(1, "InvalidSequenceId");
    assert!(b.take()[2].contains("Broken"));
    // Old news is none.
    let mut b = publishing();
    b.write("a");
    b.stream_ack(2);
    b.take();
    b.stream_ack(1);
    b.says(&[]);
}

#[test]
fn after_a_recovery_what_is_not_acknowledged_goes_out_again_and_then_the_end() {
    let mut b = publishing();
    for text in ["a", "b", "c"] {
        b.write(text);
    }
    b.stream_ack(2);
    b.take();
    b.pass(s(2));
    b.cut();
    b.says(&["recovering c1: reset", "recover c1 with t1 by 7s"]);
    b.write("d");
    b.end();
    b.recover();
    b.says(&["recovered c1, attempts 1, down 0ns", &fragment(2, "b"), &fragment(3, "c"), &fragment(4, "d")]);
    b.stream_ack(5);
    b.says(&["stream 1 released 30", END]);
    b.cut();
    b.take();
    b.recover();
    b.says(&["recovered c1, attempts 1, down 0ns", END]);
    b.stream_closed(Some("StreamNotFound"));
    assert_eq!(b.over(), "4 of 4, 4 bytes, Unconfirmed, end sent");
}

#[test]
fn a_stream_that_is_only_open_says_so_after_a_recovery() {
    let mut b = publishing();
    b.pass(s(2));
    b.cut();
    b.take();
    b.recover();
    b.says(&["recovered c1, attempts 1, down 0ns", KEEPALIVE]);
    // It was idle for too long meanwhile.
    b.stream_closed(Some("StreamNotFound"));
    assert!(b.over().contains("Closed"));
}

#[test]
fn a_fresh_connection_has_no_streams_and_says_how_far_they_came() {
    let mut b = publishing();
    b.write("a");
    b.write("b");
    b.stream_ack(2);
    b.take();
    b.close(1008);
    let said = b.take();
    assert!(
        said.iter().any(|line| line.starts_with("stream 1 over: 1 of 2, 1 bytes, Lost(ConnectionLost(")),
        "{said:?}"
    );
    b.write("c");
    b.end();
    b.says(&[]);
}

#[test]
fn an_open_stream_is_kept_alive_well_inside_its_idle_timeout() {
    let mut b = SessionBench::live(Config { ping_interval: None, ping_timeout: None, ..config() });
    let idle_timeout = Some(s(30));
    let open = StreamOpen { group: "g".into(), stream_id: "s".into(), no_echo: true, idle_timeout };
    b.session.handle_stream_open(b.now, KEY, open);
    b.says(&[r#"→ {"type":"sendToGroup","group":"g","noEcho":true,"stream":{"streamId":"s","idleTimeoutMs":30000}}"#]);
    b.stream_ack(1);
    b.take();
    b.quiet(ms(9999));
    b.pass(ms(1));
    b.says(&[KEEPALIVE]);
    b.pass(s(5));
    b.write("a");
    b.stream_ack(2);
    b.take();
    b.quiet(ms(9999));
    b.pass(ms(1));
    b.says(&[KEEPALIVE]);
    // Behind the end there is nothing to keep alive.
    b.end();
    b.says(&[END]);
    b.quiet(ms(29_999));
    b.pass(ms(1));
    assert_eq!(b.over(), "1 of 1, 1 bytes, Unanswered, end sent");
}

#[test]
fn a_closed_stream_is_over_and_answers_to_unknown_ones_are_counted() {
    let mut b = publishing();
    b.stream_closed(Some("IdleTimeout"));
    assert!(b.over().contains("IdleTimeout"));
    b.stream_ack(7);
    b.control(r#"{"type":"streamClosed","streamId":"other"}"#);
    b.says(&[]);
    assert_eq!(b.session.counts().unexpected, 2);
}

#[test]
fn stopping_ends_every_stream_once() {
    let mut b = publishing();
    b.write("a");
    b.take();
    b.stop();
    // Its readers are told, though the service may have refused what was sent last.
    b.says(&[
        ABORTED,
        "stream s to g ended: 0 of 1, 0 bytes, Lost(Stopped), end sent (Aborted)",
        "stream 1 over: 0 of 1, 0 bytes, Lost(Stopped), end sent (Aborted)",
        "close 1000",
    ]);
    b.open_stream();
    assert_eq!(b.over(), "0 of 0, 0 bytes, Lost(Ended)");
}

#[test]
fn stopping_never_says_of_a_stream_that_it_is_whole_unless_it_is() {
    // The end that was asked for waits for a fragment, and would say so.
    let mut b = publishing();
    b.write("a");
    b.end();
    b.take();
    b.stop();
    assert_eq!(b.take()[0], ABORTED);
    // One that is under way is not sent again, and an error of the publisher's own is kept.
    let mut b = publishing();
    b.end();
    b.says(&[END]);
    b.stop();
    assert!(b.take()[0].ends_with("0 of 0, 0 bytes, Lost(Stopped), end sent"));
    let mut b = publishing();
    b.write("a");
    b.session.handle_stream_end(b.now, KEY, Some(StreamAbort { code: Some("E7".into()), message: None }));
    b.take();
    b.stop();
    assert_eq!(b.take()[0], r#"→ {"type":"streamEnd","streamId":"s","error":{"userErrorCode":"E7"}}"#);
    // What the service has not taken on it is told nothing of, and neither is one that cannot be reached.
    let mut b = SessionBench::live(config());
    b.open_stream();
    b.take();
    b.stop();
    assert!(b.take()[0].starts_with("stream s to g ended: "));
    let mut b = publishing();
    b.pass(s(2));
    b.cut();
    b.take();
    b.stop();
    assert!(b.take().iter().all(|line| !line.contains("streamEnd")));
}

// ---- received -----------------------------------------------------------------------------------------------------

impl SessionBench {
    /// A fragment comes, or the end; what is said of it.
    #[track_caller]
    fn hears(&mut self, id: &str, number: u64, is_end: bool) -> Vec<String> {
        let info = StreamInfo {
            stream_id: id.into(),
            stream_sequence_id: number,
            end_of_stream: is_end.then_some(true),
            error: None,
        };
        let stream = info.to_json();
        let text = format!(
            r#"{{"type":"message","from":"group","group":"g","fromUserId":"u","dataType":"text","data":"x","stream":{stream}}}"#
        );
        // Whatever is said, it is handed on.
        assert!(matches!(self.text(&text), Received::Message(message) if message.stream == Some(&stream)));
        self.take()
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn fragments_in_order_are_messages_and_nothing_more() {
    let mut b = SessionBench::live(config());
    for number in 1..4 {
        assert_eq!(b.hears("s", number, false), NOTHING);
        assert_eq!(b.hears("t", number, false), NOTHING);
    }
    assert_eq!(b.hears("s", 4, true), NOTHING);
    // The id begins anew.
    assert_eq!(b.hears("s", 1, false), NOTHING);
}

#[test]
fn late_missing_and_repeated_fragments_are_said_and_handed_on() {
    let mut b = SessionBench::live(config());
    assert_eq!(b.hears("s", 3, false), [r#"stream s in g of Some("u"): JoinedLate { first: 3 }"#]);
    assert_eq!(b.hears("s", 4, false), NOTHING);
    assert_eq!(b.hears("s", 7, false), [r#"stream s in g of Some("u"): Gap { expected: 5, number: 7 }"#]);
    assert_eq!(b.hears("s", 6, false), [r#"stream s in g of Some("u"): Repeated { expected: 8, number: 6 }"#]);
    assert_eq!(b.hears("s", 8, true), NOTHING);
}

#[test]
fn a_stream_that_falls_silent_has_ended_and_one_goes_with_its_connection() {
    let mut b =
        SessionBench::live(Config { ping_interval: None, ping_timeout: None, stream_idle_timeout: s(10), ..config() });
    b.hears("s", 1, false);
    b.pass(s(5));
    b.hears("s", 2, false);
    b.quiet(ms(9999));
    b.pass(ms(1));
    b.says(&[r#"stream s in g of Some("u"): IdleTimeout"#]);
    b.quiet(s(100));
    b.hears("t", 1, false);
    b.close(1008);
    let said = b.take();
    assert!(said.contains(&r#"stream t in g of Some("u"): Cut"#.to_owned()), "{said:?}");
}

#[test]
fn a_stream_is_not_silent_while_nothing_could_be_heard() {
    let mut b =
        SessionBench::live(Config { ping_interval: None, ping_timeout: None, stream_idle_timeout: s(2), ..config() });
    b.hears("s", 1, false);
    b.stall();
    b.quiet(s(10));
    b.unstall();
    b.pass(ms(1999));
    b.says(&[]);
    b.pass(ms(1));
    assert_eq!(b.take().len(), 1);
}

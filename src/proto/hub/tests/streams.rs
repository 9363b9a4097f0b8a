//! Streams to groups (PROTOCOL §9.1): what publishers are told, and what subscribers get.

use super::*;
use crate::fault::{Fault, Faults};

fn start(id: &str) -> String {
    format!(r#"{{"type":"sendToGroup","group":"g","stream":{{"streamId":"{id}"}}}}"#)
}

fn fragment(id: &str, number: u64, text: &str) -> String {
    format!(
        r#"{{"type":"streamData","streamId":"{id}","streamSequenceId":{number},"dataType":"text","data":"{text}"}}"#
    )
}

fn keepalive(id: &str) -> String {
    format!(r#"{{"type":"streamData","streamId":"{id}"}}"#)
}

fn end(id: &str) -> String {
    format!(r#"{{"type":"streamEnd","streamId":"{id}"}}"#)
}

// What comes out, each at its socket.

fn acked(socket: u64, id: &str, expected: u64) -> String {
    format!(r#"{socket} <- {{"type":"streamAck","streamId":"{id}","expectedSequenceId":{expected}}}"#)
}

fn got(socket: u64, id: &str, number: u64, text: &str) -> String {
    format!(
        r#"{socket} <- {{"type":"message","from":"group","group":"g","fromUserId":"u1","dataType":"text","data":"{text}","stream":{{"streamId":"{id}","streamSequenceId":{number}}}}}"#
    )
}

/// The last message of a stream, with what stands behind `endOfStream`.
fn ended(socket: u64, id: &str, number: u64, error: &str) -> String {
    format!(
        r#"{socket} <- {{"type":"message","from":"group","group":"g","fromUserId":"u1","dataType":"text","data":"","stream":{{"streamId":"{id}","streamSequenceId":{number},"endOfStream":true{error}}}}}"#
    )
}

fn closed(socket: u64, id: &str) -> String {
    format!(r#"{socket} <- {{"type":"streamClosed","streamId":"{id}"}}"#)
}

/// The name of the error in a `streamClosed`, which is all that came.
fn failure(outputs: &[String]) -> String {
    let [line] = outputs else { panic!("{outputs:?}") };
    let (_, json) = line.split_once(" <- ").unwrap();
    let frame: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(frame["type"], "streamClosed", "{line}");
    frame["error"]["name"].as_str().unwrap().to_owned()
}

/// A publisher on socket 1 with stream `s` open, and a subscriber on socket 2.
fn open() -> Rig {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    rig.json(2, &["g"]);
    assert_eq!(rig.text(1, &start("s")), [acked(1, "s", 1)]);
    rig
}

#[test]
fn fragments_are_messages_of_the_group_and_the_end_is_one_more() {
    let mut rig = open();
    assert_eq!(rig.text(1, &fragment("s", 1, "a")), [got(2, "s", 1, "a"), acked(1, "s", 2)]);
    assert_eq!(rig.text(1, &fragment("s", 2, "b")), [got(2, "s", 2, "b"), acked(1, "s", 3)]);
    assert_eq!(rig.text(1, &end("s")), [ended(2, "s", 3, ""), closed(1, "s")]);
    // The id may begin anew.
    assert_eq!(rig.text(1, &start("s")), [acked(1, "s", 1)]);
}

#[test]
fn an_end_with_an_error_is_the_users_error_to_subscribers() {
    let mut rig = open();
    let failed =
        r#"{"type":"streamEnd","streamId":"s","error":{"name":"IdleTimeout","message":"m","userErrorCode":"c"}}"#;
    let error = r#","error":{"name":"UserError","message":"m","userErrorCode":"c"}"#;
    assert_eq!(rig.text(1, failed), [ended(2, "s", 1, error), closed(1, "s")]);
}

#[test]
fn a_lower_number_is_a_duplicate_and_a_higher_one_is_refused_and_both_say_what_is_due() {
    let mut rig = open();
    rig.text(1, &fragment("s", 1, "a"));
    assert_eq!(rig.text(1, &fragment("s", 1, "a")), [acked(1, "s", 2)]);
    assert_eq!(rig.text(1, &fragment("s", 0, "a")), [acked(1, "s", 2)]);
    let nack = r#"1 <- {"type":"streamNack","streamId":"s","expectedSequenceId":2,"name":"InvalidSequenceId","message":"The next fragment is 2, not 4."}"#;
    assert_eq!(rig.text(1, &fragment("s", 4, "d")), [nack]);
    // It stays open.
    assert_eq!(rig.text(1, &fragment("s", 2, "b")), [got(2, "s", 2, "b"), acked(1, "s", 3)]);
}

#[test]
fn a_stream_that_is_not_open_is_not_found_for_anything() {
    let mut rig = open();
    for text in [fragment("t", 1, "a"), keepalive("t"), end("t")] {
        assert_eq!(failure(&rig.text(1, &text)), "StreamNotFound", "{text}");
    }
    // Another connection's is none of its own.
    assert_eq!(failure(&rig.text(2, &fragment("s", 1, "a"))), "StreamNotFound");
}

#[test]
fn a_start_is_refused_without_the_role_for_no_time_and_when_it_is_open() {
    let mut rig = open();
    assert_eq!(failure(&rig.text(1, &start("s"))), "BadRequest");
    // The second start has left it alone.
    assert_eq!(rig.text(1, &fragment("s", 1, "a")), [got(2, "s", 1, "a"), acked(1, "s", 2)]);
    let hasty = r#"{"type":"sendToGroup","group":"g","stream":{"streamId":"t","idleTimeoutMs":0}}"#;
    assert_eq!(failure(&rig.text(1, hasty)), "BadRequest");
    let event = r#"{"type":"event","event":"e","stream":{"streamId":"t"}}"#;
    assert_eq!(failure(&rig.text(1, event)), "BadRequest");
    let invoke = r#"{"type":"invoke","invocationId":"1","target":"event","event":"e","stream":{"streamId":"t"}}"#;
    assert_eq!(failure(&rig.text(1, invoke)), "BadRequest");
    rig.open(3, Subprotocol::Json, &[JOIN], &[]);
    assert_eq!(failure(&rig.text(3, &start("s"))), "Forbidden");
}

#[test]
fn no_echo_keeps_fragments_and_end_from_the_publisher_alone() {
    let mut rig = Rig::new();
    rig.json(1, &["g"]);
    let quiet = r#"{"type":"sendToGroup","group":"g","noEcho":true,"stream":{"streamId":"q"}}"#;
    assert_eq!(rig.text(1, quiet), [acked(1, "q", 1)]);
    assert_eq!(rig.text(1, &fragment("q", 1, "a")), [acked(1, "q", 2)]);
    assert_eq!(rig.text(1, &end("q")), [closed(1, "q")]);
    rig.text(1, &start("l"));
    assert_eq!(rig.text(1, &fragment("l", 1, "a")), [got(1, "l", 1, "a"), acked(1, "l", 2)]);
}

#[test]
fn a_stream_is_idle_without_fragments_and_keepalives_and_then_both_sides_are_told() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    rig.json(2, &["g"]);
    rig.text(1, r#"{"type":"sendToGroup","group":"g","stream":{"streamId":"s","idleTimeoutMs":3000}}"#);
    assert_eq!(rig.pass(2 * SECOND), nothing());
    assert_eq!(rig.text(1, &keepalive("s")), nothing());
    assert_eq!(rig.pass(2 * SECOND), nothing());
    rig.text(1, &fragment("s", 1, "a"));
    assert_eq!(rig.pass(2 * SECOND), nothing());
    let outputs = rig.pass(SECOND);
    let words = "Nothing has come for the stream within its idle timeout.";
    let error = format!(r#","error":{{"name":"IdleTimeout","message":"{words}"}}"#);
    let closed = format!(
        r#"7s 1 <- {{"type":"streamClosed","streamId":"s","error":{{"name":"IdleTimeout","message":"{words}"}}}}"#
    );
    assert_eq!(outputs, [format!("7s {}", ended(2, "s", 2, &error)), closed]);
    assert_eq!(failure(&rig.text(1, &keepalive("s"))), "StreamNotFound");
}

#[test]
fn a_stream_survives_a_recovery_and_ends_with_its_connection() {
    let mut rig = Rig::new();
    let connected = rig.reliable(1, &[]);
    rig.json(2, &["g"]);
    rig.text(1, &start("s"));
    rig.text(1, &fragment("s", 1, "a"));
    rig.closed(1, CloseKind::Dropped);
    rig.recover(3, &connected.connection_id, connected.token.as_deref().unwrap());
    // Nothing is acknowledged anew; what is sent again is not published again.
    assert_eq!(rig.text(3, &fragment("s", 1, "a")), [acked(3, "s", 2)]);
    assert_eq!(rig.text(3, &fragment("s", 2, "b")), [got(2, "s", 2, "b"), acked(3, "s", 3)]);
    rig.closed(3, CloseKind::Dropped);
    let outputs = rig.pass(31 * SECOND);
    let cancelled: Vec<_> = outputs.iter().filter(|line| line.contains("Cancelled")).collect();
    assert!(
        matches!(cancelled[..], [line] if line.contains(r#""streamSequenceId":3,"endOfStream":true"#)),
        "{outputs:?}"
    );
}

#[test]
fn a_drop_ends_the_streams_of_a_connection_that_cannot_be_recovered() {
    let mut rig = open();
    let outputs = rig.closed(1, CloseKind::Dropped);
    assert!(matches!(&outputs[..], [line] if line.starts_with("2 <- ") && line.contains("Cancelled")), "{outputs:?}");
}

#[test]
fn a_stream_whose_publisher_has_lost_the_role_is_closed_at_its_next_fragment() {
    let mut rig = Rig::new();
    let connected = rig.open(1, Subprotocol::Json, &["webpubsub.sendToGroup.g"], &[]);
    rig.json(2, &["g"]);
    rig.text(1, &start("s"));
    rig.hub.handle_revoke(rig.now, &connected.connection_id, Permission::SendToGroup, Some("g"));
    let outputs = rig.text(1, &fragment("s", 1, "a"));
    let [end, told] = &outputs[..] else { panic!("{outputs:?}") };
    assert!(end.starts_with("2 <- ") && end.contains(r#""endOfStream":true,"error":{"name":"Forbidden""#), "{end}");
    assert_eq!(failure(std::slice::from_ref(told)), "Forbidden");
}

#[test]
fn a_simple_client_gets_the_payloads_of_fragments_and_nothing_for_the_end() {
    let mut rig = open();
    rig.closed(2, CloseKind::Clean);
    rig.open_as(3, ClientKind::Simple(SimpleMode::SendEvent), &[], &["g"]);
    assert_eq!(rig.text(1, &fragment("s", 1, "a")), ["3 <- a".to_owned(), acked(1, "s", 2)]);
    assert_eq!(rig.text(1, &end("s")), [closed(1, "s")]);
}

#[test]
fn fragments_wait_for_a_slow_receiver_and_keep_their_stream_alive_meanwhile() {
    let config = HubConfig { max_unacked_messages: 4, patience: 1000 * SECOND, ..HubConfig::default() };
    let mut rig = Rig::with(config);
    rig.json(1, &[]);
    rig.reliable(2, &["g"]);
    rig.text(1, r#"{"type":"sendToGroup","group":"g","stream":{"streamId":"s","idleTimeoutMs":10000}}"#);
    for number in 1..=3 {
        assert_eq!(rig.text(1, &fragment("s", number, "a")).len(), 2);
    }
    assert_eq!(rig.text(1, &fragment("s", 4, "a")), nothing());
    // Both stay where they are; only pings come.
    for _ in 0..6 {
        rig.pass(5 * SECOND);
        for socket in [1, 2] {
            rig.hub.handle_life(rig.now, SocketId(socket));
        }
    }
    let outputs = rig.text(2, r#"{"type":"sequenceAck","sequenceId":3}"#);
    assert_eq!(outputs.last(), Some(&acked(1, "s", 5)), "{outputs:?}");
}

/// The stream of [`open`] under a fault.
fn under(fault: &str) -> Rig {
    let mut rig = open();
    let faults = Faults::new(1);
    faults.add(fault.parse::<Fault>().unwrap());
    rig.hub.set_faults(faults, "hub");
    rig
}

#[test]
fn faults_refuse_lose_delay_and_close() {
    let mut rig = under("nack=TransientError,op=streamData,nth=2");
    rig.text(1, &fragment("s", 1, "a"));
    let nack = r#"1 <- {"type":"streamNack","streamId":"s","expectedSequenceId":2,"name":"TransientError","message":"A fault of the emulator."}"#;
    assert_eq!(rig.text(1, &fragment("s", 2, "b")), [nack]);
    assert_eq!(rig.text(1, &fragment("s", 2, "b")), [got(2, "s", 2, "b"), acked(1, "s", 3)]);

    let mut rig = under("nack=Forbidden,op=streamStart");
    assert_eq!(failure(&rig.text(1, &start("t"))), "Forbidden");

    let mut rig = under("ignore,op=streamData,times=1");
    assert_eq!(rig.text(1, &fragment("s", 1, "a")), nothing());
    assert!(rig.text(1, &fragment("s", 2, "b"))[0].contains("InvalidSequenceId"));

    let mut rig = under("delay-ack=2s,op=streamData");
    assert_eq!(rig.text(1, &fragment("s", 1, "a")), [got(2, "s", 1, "a")]);
    assert_eq!(rig.pass(2 * SECOND), [format!("2s {}", acked(1, "s", 2))]);

    let mut rig = under("swallow-ack,op=streamEnd");
    assert_eq!(rig.text(1, &end("s")), [ended(2, "s", 1, "")]);

    let mut rig = under("close-stream=InternalServerError,nth=2,message=m");
    rig.text(1, &fragment("s", 1, "a"));
    let outputs = rig.text(1, &fragment("s", 2, "b"));
    let error = r#","error":{"name":"InternalServerError","message":"m"}"#;
    assert_eq!(outputs[0], ended(2, "s", 2, error));
    assert_eq!(failure(&outputs[1..]), "InternalServerError");

    let mut rig = under("drop=reset,op=streamData,group=g");
    let outputs = rig.text(1, &fragment("s", 1, "a"));
    assert!(outputs.iter().any(|line| line == "1 cut Reset"), "{outputs:?}");
}

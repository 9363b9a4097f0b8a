use super::*;
use crate::fault::{ACTIONS, DropKind, Faults, Point};

const MS: Duration = Duration::from_millis(1);

fn rig(faults: &[&str]) -> (Rig, Faults) {
    let mut rig = Rig::new();
    let plan = Faults::new(7);
    for fault in faults {
        plan.add(fault.parse().unwrap()).unwrap();
    }
    rig.hub.set_faults(plan.clone(), "hub1");
    (rig, plan)
}

fn send(id: u64) -> String {
    format!(r#"{{"type":"sendToGroup","group":"g","dataType":"text","data":"m{id}","ackId":{id}}}"#)
}

fn acked(socket: u64, id: u64) -> String {
    format!(r#"{socket} <- {{"type":"ack","ackId":{id},"success":true}}"#)
}

fn delivered(socket: u64, user: u64, text: &str) -> String {
    let rest = message("g", text).replace("u1", &format!("u{user}"));
    format!("{socket} <- {{{rest}")
}

#[test]
fn a_nack_is_sent_in_place_of_carrying_the_operation_out() {
    let (mut rig, plan) = rig(&["nack=Busy,message=later,op=sendToGroup,times=1"]);
    rig.json(1, &[]);
    rig.json(2, &["g"]);
    let nack = r#"1 <- {"type":"ack","ackId":1,"success":false,"error":{"name":"Busy","message":"later"}}"#;
    assert_eq!(rig.text(1, &send(1)), [nack]);
    assert_eq!(rig.text(1, &send(1)), [delivered(2, 1, "m1"), acked(1, 1)]);
    assert_eq!(plan.list()[0].fired, 1);
}

#[test]
fn a_swallowed_ack_leaves_the_operation_done() {
    let (mut rig, _) = rig(&["swallow-ack,times=1"]);
    rig.json(1, &[]);
    rig.json(2, &["g"]);
    assert_eq!(rig.text(1, &send(1)), [delivered(2, 1, "m1")]);
    assert!(rig.text(1, &send(1))[0].contains("Duplicate"));
}

#[test]
fn the_ack_of_an_event_is_swallowed_when_the_handler_has_answered() {
    let (mut rig, _) = rig(&["swallow-ack,op=event,times=1"]);
    rig.json(1, &[]);
    let event = r#"{"type":"event","event":"e","data":1,"ackId":2}"#;
    assert_eq!(rig.text(1, event), ["event 1 u1 e json 1"]);
    assert_eq!(rig.answer(1, &EventAnswer::NoContent), nothing());
    assert!(rig.text(1, event)[0].contains("Duplicate"));
}

#[test]
fn delayed_acks_are_passed_by_others() {
    let (mut rig, _) = rig(&["delay-ack=200ms,times=1", "duplicate-ack,nth=2"]);
    rig.json(1, &[]);
    assert_eq!(rig.text(1, &send(1)), nothing());
    assert_eq!(rig.text(1, &send(2)), [acked(1, 2), acked(1, 2)]);
    assert_eq!(rig.pass(199 * MS), nothing());
    assert_eq!(rig.pass(MS), [format!("0.2s {}", acked(1, 1))]);
}

#[test]
fn a_delayed_ack_is_lost_with_its_socket() {
    let (mut rig, _) = rig(&["delay-ack=200ms"]);
    let Connected { connection_id, token } = rig.reliable(1, &[]);
    rig.text(1, &send(1));
    rig.closed(1, CloseKind::Dropped);
    rig.recover(2, &connection_id, &token.unwrap());
    assert_eq!(rig.pass(SECOND), nothing());
}

#[test]
fn a_drop_at_an_operation_leaves_it_undone_and_the_connection_recoverable() {
    for (how, line) in [
        ("reset", "1 cut Reset"),
        ("eof", "1 cut Eof"),
        ("silence", "1 cut Silence"),
        ("1001,reason=reload", "1 close 1001 reload"),
    ] {
        let (mut rig, _) = rig(&[&format!("drop={how},op=sendToGroup,times=1")]);
        let Connected { connection_id, token } = rig.reliable(1, &[]);
        assert_eq!(rig.text(1, &send(1)), [line]);
        // Nobody listens there any more.
        assert_eq!(rig.text(1, &send(2)), nothing());
        assert_eq!(rig.recover(2, &connection_id, &token.unwrap()).len(), 1);
        assert_eq!(rig.text(2, &send(1)), [acked(2, 1)]);
    }
}

#[test]
fn a_drop_with_1000_or_1008_is_for_good() {
    for code in [1000, 1008] {
        let (mut rig, _) = rig(&[&format!("drop={code},op=ping")]);
        let Connected { connection_id, token } = rig.reliable(1, &[]);
        assert_eq!(rig.text(1, r#"{"type":"ping"}"#), [format!("1 close {code} ")]);
        assert!(rig.hub.is_empty());
        assert_eq!(rig.recover(2, &connection_id, &token.unwrap()).len(), 1);
    }
}

#[test]
fn executed_then_dropped_is_a_duplicate_afterwards() {
    let (mut rig, _) = rig(&["execute-then-drop,times=1"]);
    let Connected { connection_id, token } = rig.reliable(1, &[]);
    rig.json(2, &["g"]);
    assert_eq!(rig.text(1, &send(1)), [delivered(2, 1, "m1"), "1 cut Reset".to_owned()]);
    rig.recover(3, &connection_id, &token.unwrap());
    let again = rig.text(3, &send(1));
    assert!(again.len() == 1 && again[0].contains("Duplicate"), "{again:?}");
}

#[test]
fn the_message_a_drop_is_aimed_at_is_sent_before_and_nothing_behind_it() {
    let (mut rig, _) = rig(&["drop=reset,op=message,nth=2,user=u2"]);
    rig.json(1, &[]);
    let Connected { connection_id, token } = rig.reliable(2, &["g"]);
    assert_eq!(rig.text(1, &send(1)).len(), 2);
    let outputs = rig.text(1, &send(2));
    assert_eq!(outputs.len(), 3, "{outputs:?}");
    assert!(outputs[0].starts_with("2 <- ") && outputs.contains(&"2 cut Reset".to_owned()));
    assert_eq!(rig.recover(3, &connection_id, &token.unwrap()).len(), 3, "both are replayed");
}

#[test]
fn frames_are_counted_both_ways() {
    let (mut rig, _) = rig(&["drop=reset,frames=3,times=1"]);
    rig.json(1, &[]);
    // The ping is the second, the pong the third.
    assert_eq!(rig.text(1, r#"{"type":"ping"}"#), [r#"1 <- {"type":"pong"}"#, "1 cut Reset"]);
}

#[test]
fn a_drop_after_a_time_meets_sockets_of_before_and_of_later_once() {
    let (mut rig, plan) = rig(&["drop=eof,after=2s"]);
    rig.json(1, &[]);
    assert_eq!(rig.pass(SECOND), nothing());
    rig.json(2, &[]);
    plan.add("drop=reset,after=500ms,user=u2".parse().unwrap());
    rig.hub.handle_faults_changed(rig.now);
    assert_eq!(rig.pass(SECOND * 3), ["1.5s 2 cut Reset", "2s 1 cut Eof"]);
    assert_eq!(plan.list().iter().map(|fault| fault.fired).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(rig.hub.poll_timeout(), None);
}

#[test]
fn the_connected_frame_is_left_out_and_all_else_works() {
    let (mut rig, _) = rig(&["no-connected,times=1"]);
    let client = ClientKind::PubSub(Subprotocol::Json);
    assert_eq!(rig.open_as(1, client.clone(), &[JOIN, SEND], &["g"]), nothing());
    assert_eq!(rig.text(1, &send(1)).len(), 2);
    assert_eq!(rig.open_as(2, client, &[], &[]).len(), 1);
}

#[test]
fn a_refused_recovery_with_1008_loses_the_connection_and_with_another_code_does_not() {
    let (mut rig, _) = rig(&["refuse-recovery=1011,times=1", "refuse-recovery,nth=2"]);
    let Connected { connection_id, token } = rig.reliable(1, &["g"]);
    let token = token.unwrap();
    rig.closed(1, CloseKind::Dropped);
    assert_eq!(rig.recover(2, &connection_id, &token), ["2 close 1011 The connection could not be recovered."]);
    assert!(!rig.hub.is_empty());
    assert_eq!(rig.recover(3, &connection_id, &token), ["3 close 1008 The connection could not be recovered."]);
    assert!(rig.hub.is_empty());
    // A token that is wrong is no opportunity.
    assert_eq!(rig.recover(4, &connection_id, &token), ["4 close 1008 The connection could not be recovered."]);
}

#[test]
fn latency_delays_and_keeps_the_order_of_everything_on_the_socket() {
    let (mut rig, _) = rig(&["latency=100ms,op=message,nth=1"]);
    rig.json(1, &[]);
    rig.json(2, &["g"]);
    assert_eq!(rig.text(1, &send(1)), [acked(1, 1)]);
    assert_eq!(rig.text(2, r#"{"type":"ping"}"#), nothing(), "behind the message");
    assert_eq!(
        rig.pass(100 * MS),
        [format!("0.1s {}", delivered(2, 1, "m1")), r#"0.1s 2 <- {"type":"pong"}"#.to_owned()]
    );
    assert_eq!(rig.text(2, r#"{"type":"ping"}"#).len(), 1, "nothing is held back any more");
}

#[test]
fn bandwidth_takes_its_time_for_each_byte() {
    let (mut rig, _) = rig(&["bandwidth=1000,user=u2"]);
    rig.json(1, &[]);
    rig.open_as(2, ClientKind::PubSub(Subprotocol::Json), &[], &["g"]);
    rig.pass(SECOND);
    let long = "x".repeat(1000);
    rig.send(1, "g", &long);
    rig.send(1, "g", &long);
    let times: Vec<f64> =
        rig.pass(SECOND * 5).iter().map(|line| line.split('s').next().unwrap().parse().unwrap()).collect();
    assert!(times.len() == 2 && (2.0..2.3).contains(&times[0]) && (3.1..3.5).contains(&times[1]), "{times:?}");
}

#[test]
fn a_close_waits_for_what_is_held_back_and_a_socket_that_is_gone_for_nothing() {
    let (mut rig, _) = rig(&["latency=100ms"]);
    rig.open_as(1, ClientKind::PubSub(Subprotocol::Json), &[JOIN, SEND], &["g"]);
    rig.open_as(2, ClientKind::PubSub(Subprotocol::Json), &[JOIN, SEND], &["g"]);
    assert_eq!(rig.text(1, "no JSON"), nothing());
    rig.closed(2, CloseKind::Dropped);
    let outputs = rig.pass(SECOND);
    assert_eq!(outputs.len(), 3, "{outputs:?}");
    assert!(outputs[2].starts_with("0.1s 1 close 1007"), "{outputs:?}");
    assert_eq!(rig.hub.poll_timeout(), None);
}

#[test]
fn a_hub_is_not_empty_before_what_is_held_back_has_gone_out() {
    let (mut rig, _) = rig(&["latency=100ms"]);
    rig.open_as(1, ClientKind::PubSub(Subprotocol::Json), &[JOIN, SEND], &["g"]);
    assert_eq!(rig.text(1, "no JSON"), nothing());
    assert!(rig.hub.connection_count() == 0 && !rig.hub.is_empty());
    assert_eq!(rig.pass(SECOND).len(), 3);
    assert!(rig.hub.is_empty());
}

#[test]
fn what_is_held_back_goes_out_before_the_farewell_when_the_service_stops() {
    let (mut rig, _) = rig(&["latency=100ms"]);
    rig.open_as(1, ClientKind::PubSub(Subprotocol::Json), &[JOIN, SEND], &["g"]);
    rig.pass(SECOND);
    assert_eq!(rig.send(1, "g", "m1"), nothing());
    rig.hub.handle_shutdown(rig.now);
    let outputs = rig.outputs();
    assert_eq!(outputs.len(), 3, "{outputs:?}");
    assert_eq!(outputs[0], delivered(1, 1, "m1"));
    assert!(outputs[1].contains("disconnected") && outputs[2].starts_with("1 close 1001"), "{outputs:?}");
    assert_eq!(rig.hub.poll_timeout(), None);
}

#[test]
fn garbage_is_sent_before_what_it_is_aimed_at() {
    let (mut rig, _) =
        rig(&["garbage=text,op=message,times=1", "garbage=binary,op=ping", "garbage=huge,size=5k,op=connect"]);
    let outputs = rig.open_as(1, ClientKind::PubSub(Subprotocol::Json), &[JOIN, SEND], &["g"]);
    assert!(outputs.len() == 2 && outputs[1].len() == 5 * 1024 + "1 <- ".len(), "{outputs:?}");
    assert_eq!(rig.text(1, &send(1)), ["1 <- this is not JSON {".to_owned(), delivered(1, 1, "m1"), acked(1, 1)]);
    assert_eq!(rig.text(1, r#"{"type":"ping"}"#).len(), 2);
}

#[test]
fn pings_go_unanswered() {
    let (mut rig, _) = rig(&["no-pong,times=1"]);
    rig.json(1, &[]);
    assert_eq!(rig.text(1, r#"{"type":"ping"}"#), nothing());
    assert_eq!(rig.text(1, r#"{"type":"ping"}"#), [r#"1 <- {"type":"pong"}"#]);
}

#[test]
fn an_expired_connection_ends_wherever_it_is() {
    let (mut rig, _) = rig(&[]);
    rig.json(1, &[]);
    let Connected { connection_id, token } = rig.reliable(2, &[]);
    rig.hub.handle_expiry(rig.now, SocketId(1), SECOND);
    rig.hub.handle_expiry(rig.now, SocketId(2), SECOND);
    rig.closed(2, CloseKind::Dropped);
    let outputs = rig.pass(SECOND);
    assert!(outputs[0].contains("The access token has expired."), "{outputs:?}");
    assert_eq!(outputs[1], "1s 1 close 1008 The access token has expired.");
    assert!(rig.hub.is_empty());
    assert_eq!(rig.recover(3, &connection_id, &token.unwrap()).len(), 1);
}

#[test]
fn sockets_left_in_silence_are_let_go_when_the_service_stops() {
    let (mut rig, _) = rig(&["drop=silence,op=ping"]);
    rig.json(1, &[]);
    assert_eq!(rig.text(1, r#"{"type":"ping"}"#), ["1 cut Silence"]);
    assert!(!rig.hub.is_empty());
    rig.hub.handle_shutdown(rig.now);
    assert_eq!(rig.outputs(), ["1 abort"]);
    assert!(rig.hub.is_empty());
}

#[test]
fn a_connection_is_dropped_and_a_window_ended_by_hand() {
    let (mut rig, _) = rig(&[]);
    let Connected { connection_id, .. } = rig.reliable(1, &["g"]);
    assert_eq!(rig.hub.groups()[0].members[0].as_ref(), connection_id);
    assert!(rig.hub.handle_drop(rig.now, &connection_id, &DropKind::Reset));
    assert_eq!(rig.outputs(), ["1 cut Reset"]);
    assert!(!rig.hub.handle_drop(rig.now, &connection_id, &DropKind::Reset), "it has no socket");
    assert!(!rig.hub.handle_drop(rig.now, "nobody", &DropKind::Reset));
    let until = |rig: &Rig| rig.hub.connection(&connection_id).map(|info| info.recoverable_until);
    assert_eq!(until(&rig), Some(Some(SECOND * 30)));
    assert_eq!(rig.hub.handle_window_advanced(rig.now, Some("nobody"), None), 0);
    assert_eq!(rig.hub.handle_window_advanced(rig.now, None, Some(SECOND * 10)), 1);
    assert_eq!(until(&rig), Some(Some(SECOND * 20)));
    assert_eq!(rig.hub.handle_window_advanced(rig.now, Some(&connection_id), None), 1);
    assert_eq!(until(&rig), None);
}

/// Everything that comes out while a reliable client opens, does one of everything, loses its socket and comes back.
fn whole_life(faults: &[&str]) -> (Vec<String>, Faults) {
    let (mut rig, plan) = rig(faults);
    let client = ClientKind::PubSub(Subprotocol::JsonReliable);
    let roles = [JOIN, SEND, "webpubsub.setGroupState", "webpubsub.getGroupState"];
    let mut all = rig.open_as(1, client, &roles, &["g"]);
    let token = all.iter().find_map(|line| line.split("\"reconnectionToken\":\"").nth(1)?.split('"').next());
    let token = token.unwrap_or_default().to_owned();
    let connection = rig.hub.connections().first().map(|info| info.id.to_string());
    for frame in [
        r#"{"type":"joinGroup","group":"h","ackId":1}"#,
        r#"{"type":"sendToGroup","group":"g","dataType":"text","data":"m","ackId":2}"#,
        r#"{"type":"leaveGroup","group":"h","ackId":3}"#,
        r#"{"type":"setGroupState","group":"g","state":{},"ackId":5}"#,
        r#"{"type":"subscribeGroupState","group":"g","ackId":6}"#,
        r#"{"type":"unsubscribeGroupState","group":"g","ackId":7}"#,
        r#"{"type":"event","event":"e","data":1,"ackId":4}"#,
        r#"{"type":"invoke","event":"e","invocationId":"1"}"#,
        r#"{"type":"invoke","event":"e","invocationId":"2"}"#,
        r#"{"type":"cancelInvocation","invocationId":"2"}"#,
        r#"{"type":"sendToGroup","group":"g","stream":{"streamId":"s","idleTimeoutMs":300}}"#,
        r#"{"type":"streamData","streamId":"s","streamSequenceId":1,"dataType":"text","data":"f"}"#,
    ] {
        all.extend(rig.text(1, frame));
    }
    // The keep-alive keeps it from its end.
    all.extend(rig.pass(SECOND / 5));
    all.extend(rig.text(1, r#"{"type":"streamData","streamId":"s"}"#));
    all.extend(rig.pass(SECOND / 5));
    all.extend(rig.text(1, r#"{"type":"streamEnd","streamId":"s"}"#));
    for event in 1..=3 {
        all.extend(rig.answer(event, &EventAnswer::NoContent));
    }
    all.extend(rig.text(1, r#"{"type":"ping"}"#));
    all.extend(rig.text(1, r#"{"type":"sequenceAck","sequenceId":1}"#));
    all.extend(rig.closed(1, CloseKind::Dropped));
    all.extend(rig.recover(2, &connection.unwrap_or_default(), &token));
    all.extend(rig.pass(SECOND));
    (all, plan)
}

#[test]
fn every_action_does_something_at_every_operation_the_catalogue_names_for_it() {
    let (untroubled, _) = whole_life(&[]);
    for entry in ACTIONS {
        for (word, point) in entry.operations {
            // Handshakes and tunnels are the server's.
            if matches!(point, Point::Connect | Point::Recover | Point::Tunnel) {
                continue;
            }
            let action = entry.example.split(',').next().unwrap();
            let fault = format!("{action},op={word}");
            let (troubled, plan) = whole_life(&[&fault]);
            assert!(plan.list()[0].fired > 0, "{fault} never happens");
            assert_ne!(troubled, untroubled, "{fault} changes nothing");
        }
    }
}

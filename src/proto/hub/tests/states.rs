//! What members of groups say of themselves (PROTOCOL §9.3), and who is told of groups (§14.5).

use super::*;

const SET: &str = "webpubsub.setGroupState";
const GET: &str = "webpubsub.getGroupState";

/// The clock of the hub begins at this time.
const EPOCH: Duration = Duration::from_secs(1_760_000_000);

fn rig() -> Rig {
    Rig::with(HubConfig { epoch: EPOCH, patience: Duration::ZERO, ..HubConfig::default() })
}

impl Rig {
    /// Opens socket N as connection cN of user uN, in the group `g`.
    fn member_of(&mut self, socket: u64, subprotocol: Subprotocol, roles: &[&str], groups: &[&str]) -> Connected {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let fresh = Fresh {
            connection_id: Some(format!("c{socket}")),
            client: ClientKind::PubSub(subprotocol),
            user: Some(format!("u{socket}")),
            roles: own(roles),
            groups: own(groups),
        };
        self.hub.handle_open(self.now, SocketId(socket), Open::Fresh(fresh));
        let outputs = self.outputs();
        parse_connected(socket, &outputs[0].replace("<~", "<-"))
    }

    fn member(&mut self, socket: u64) -> Connected {
        self.member_of(socket, Subprotocol::Json, &[SET, GET], &["g"])
    }

    fn reliable_member(&mut self, socket: u64) -> Connected {
        self.member_of(socket, Subprotocol::JsonReliable, &[SET, GET], &["g"])
    }

    fn set(&mut self, socket: u64, state: &str) -> Vec<String> {
        self.text(socket, &format!(r#"{{"type":"setGroupState","group":"g","state":{state}}}"#))
    }

    fn subscribe_to_states(&mut self, socket: u64) -> Vec<String> {
        self.text(socket, r#"{"type":"subscribeGroupState","group":"g"}"#)
    }

    fn leave(&mut self, socket: u64) -> Vec<String> {
        self.hub.handle_remove_from_groups(
            self.now,
            &Selection::all(Target::Connection(&format!("c{socket}"))),
            Some(&["g".to_owned()]),
        );
        self.outputs()
    }
}

/// A frame to socket N about connection cM of user uM, changed so many milliseconds after the beginning.
fn told(to: u64, kind: &str, of: u64, state: Option<&str>, at: u64) -> String {
    let state = state.map(|state| format!(r#""state":{state},"#)).unwrap_or_default();
    let at = 1_760_000_000_000_u64 + at;
    format!(
        r#"{to} <- {{"type":"{kind}","group":"g","items":[{{"connectionId":"c{of}","userId":"u{of}",{state}"updatedAt":{at}}}]}}"#
    )
}

fn update(to: u64, of: u64, state: Option<&str>, at: u64) -> String {
    told(to, "groupStateUpdate", of, state, at)
}

fn empty_snapshot(to: u64) -> String {
    format!(r#"{to} <- {{"type":"groupStateSnapshot","group":"g","items":[]}}"#)
}

#[test]
fn a_subscriber_gets_its_ack_then_what_there_is_then_what_changes() {
    let mut rig = rig();
    rig.member(1);
    rig.member(2);
    assert_eq!(rig.set(1, r#"{"status":"typing"}"#), nothing());
    let subscribe = r#"{"type":"subscribeGroupState","group":"g","ackId":8}"#;
    assert_eq!(
        rig.text(2, subscribe),
        [
            r#"2 <- {"type":"ack","ackId":8,"success":true}"#.to_owned(),
            told(2, "groupStateSnapshot", 1, Some(r#"{"status":"typing"}"#), 0),
        ]
    );
    rig.now += SECOND;
    // The setter's own, and before its ack.
    rig.subscribe_to_states(1);
    assert_eq!(
        rig.text(1, r#"{"type":"setGroupState","group":"g","ackId":3,"state":{}}"#),
        [
            update(1, 1, Some("{}"), 1000),
            update(2, 1, Some("{}"), 1000),
            r#"1 <- {"type":"ack","ackId":3,"success":true}"#.to_owned(),
        ]
    );
    // Again: what there is comes again.
    assert_eq!(rig.subscribe_to_states(2), [told(2, "groupStateSnapshot", 1, Some("{}"), 1000)]);
    assert_eq!(
        rig.text(2, r#"{"type":"unsubscribeGroupState","group":"g","ackId":9}"#),
        [r#"2 <- {"type":"ack","ackId":9,"success":true}"#]
    );
    assert_eq!(rig.set(1, r#"{"a":"b"}"#), [update(1, 1, Some(r#"{"a":"b"}"#), 1001)]);
}

#[test]
fn a_clear_is_told_also_when_there_was_nothing() {
    let mut rig = rig();
    rig.member(1);
    assert_eq!(rig.subscribe_to_states(1), [empty_snapshot(1)]);
    assert_eq!(rig.text(1, r#"{"type":"setGroupState","group":"g"}"#), [update(1, 1, None, 0)]);
    rig.set(1, "{}");
    assert_eq!(rig.set(1, "null"), [update(1, 1, None, 2)]);
    assert_eq!(rig.subscribe_to_states(1), [empty_snapshot(1)]);
}

#[test]
fn time_goes_on_with_each_change_of_a_connection_whatever_the_clock_says() {
    let mut rig = rig();
    rig.now = SECOND;
    rig.member(1);
    rig.subscribe_to_states(1);
    for at in [1000, 1001, 1002] {
        assert_eq!(rig.set(1, "{}"), [update(1, 1, Some("{}"), at)]);
    }
    rig.now += SECOND * 2;
    assert_eq!(rig.set(1, "{}"), [update(1, 1, Some("{}"), 3000)]);
}

fn refused(socket: u64, ack_id: u64, name: &str, message: &str) -> Vec<String> {
    let error = format!(r#"{{"name":"{name}","message":"{message}"}}"#);
    vec![format!(r#"{socket} <- {{"type":"ack","ackId":{ack_id},"success":false,"error":{error}}}"#)]
}

#[test]
fn what_is_refused_is_looked_for_in_order_and_without_an_ack_id_in_silence() {
    let big = format!(r#"{{"k":"{}"}}"#, "x".repeat(512));
    let set = |state: &str| format!(r#"{{"type":"setGroupState","group":"g","ackId":1,"state":{state}}}"#);
    let subscribe = r#"{"type":"subscribeGroupState","group":"g","ackId":1}"#;
    let mut rig = rig();
    // Neither a role nor a member.
    rig.member_of(1, Subprotocol::Json, &[JOIN, SEND], &[]);
    assert_eq!(rig.text(1, &set(&big)), refused(1, 1, "Forbidden", "Permission denied."));
    assert_eq!(rig.text(1, subscribe), refused(1, 1, "Forbidden", "No permission to get states of group g."));
    // A role, and no member.
    rig.member_of(2, Subprotocol::Json, &[SET, GET], &[]);
    let too_big = "State payload exceeds maximum size 512 bytes.";
    assert_eq!(rig.text(2, &set(&big)), refused(2, 1, "BadRequest", too_big));
    assert_eq!(rig.text(2, &set("{}")), refused(2, 1, "Forbidden", "Not a member of group."));
    assert_eq!(rig.text(2, subscribe), refused(2, 1, "Forbidden", "Not a member of group g."));
    assert_eq!(rig.set(2, "{}"), nothing());
    assert_eq!(rig.subscribe_to_states(2), nothing());
    // A clear needs as much.
    let clear = r#"{"type":"setGroupState","group":"g","ackId":2}"#;
    assert_eq!(rig.text(2, clear), refused(2, 2, "Forbidden", "Not a member of group."));
    // 512 bytes are not too many, and nobody needs a role to unsubscribe.
    rig.member_of(3, Subprotocol::Json, &["webpubsub.setGroupState.?"], &["g"]);
    let full = format!(r#"{{"k":"{}"}}"#, "x".repeat(511));
    assert_eq!(rig.text(3, &set(&full)), [r#"3 <- {"type":"ack","ackId":1,"success":true}"#]);
    let unsubscribe = r#"{"type":"unsubscribeGroupState","group":"g","ackId":2}"#;
    assert_eq!(rig.text(3, unsubscribe), [r#"3 <- {"type":"ack","ackId":2,"success":true}"#]);
    // An id that has succeeded is not used again.
    let duplicate = "Message with ack-id: 2 has been processed";
    assert_eq!(rig.text(3, unsubscribe), refused(3, 2, "Duplicate", duplicate));
}

#[test]
fn a_snapshot_has_the_first_200_by_their_ids() {
    let mut rig = rig();
    for socket in 1000..1250 {
        rig.member(socket);
        rig.set(socket, "{}");
    }
    // By characters, not by numbers.
    rig.member(10_000);
    rig.set(10_000, "{}");
    let outputs = rig.subscribe_to_states(1000);
    let frame: serde_json::Value = serde_json::from_str(outputs[0].strip_prefix("1000 <- ").unwrap()).unwrap();
    let ids: Vec<&str> =
        frame["items"].as_array().unwrap().iter().map(|item| item["connectionId"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids[0], ids[1], ids[199]), (200, "c1000", "c10000", "c1198"));
    assert!(ids.is_sorted());
}

#[test]
fn whoever_leaves_is_told_nothing_more_and_its_state_is_cleared() {
    let mut rig = rig();
    rig.member(1);
    rig.member(2);
    rig.subscribe_to_states(1);
    rig.subscribe_to_states(2);
    rig.set(1, "{}");
    // By REST; and one without a state leaves without a word.
    assert_eq!(rig.leave(1), [update(2, 1, None, 1)]);
    assert_eq!(rig.set(2, "{}"), [update(2, 2, Some("{}"), 0)]);
    assert_eq!(rig.leave(2), nothing());
    assert!(rig.hub.states.is_empty());
    // By its own wish, and it comes back without it.
    rig.member_of(3, Subprotocol::Json, &[JOIN, SET, GET], &["g"]);
    rig.member(4);
    rig.subscribe_to_states(4);
    rig.set(3, "{}");
    assert_eq!(rig.text(3, r#"{"type":"leaveGroup","group":"g"}"#), [update(4, 3, None, 1)]);
    rig.text(3, r#"{"type":"joinGroup","group":"g"}"#);
    assert_eq!(rig.subscribe_to_states(4), [empty_snapshot(4)]);
}

#[test]
fn a_state_ends_with_its_connection_and_not_with_its_socket() {
    let mut rig = rig();
    let holder = rig.reliable_member(1);
    rig.member(2);
    rig.subscribe_to_states(2);
    rig.set(1, "{}");
    assert_eq!(rig.closed(1, CloseKind::Dropped), nothing());
    rig.now += SECOND * 29;
    assert_eq!(rig.subscribe_to_states(2), [told(2, "groupStateSnapshot", 1, Some("{}"), 0)]);
    // Recovered, it has it still.
    rig.recover(3, "c1", holder.token.as_deref().unwrap());
    assert_eq!(rig.closed(3, CloseKind::Dropped), nothing());
    // Its last change was long ago; this one is at the end of the window.
    let ended = rig.pass(SECOND * 31);
    assert_eq!(ended, ["49s 2 ping".to_owned(), format!("59s {}", update(2, 1, None, 59_000))]);
    // One that cannot be recovered ends at once, and so does one that says goodbye.
    for (socket, kind) in [(4, CloseKind::Dropped), (5, CloseKind::Clean)] {
        if socket == 4 {
            rig.member(socket)
        } else {
            rig.reliable_member(socket)
        };
        rig.set(socket, "{}");
        let at = u64::try_from(rig.now.as_millis()).unwrap() + 1;
        assert_eq!(rig.closed(socket, kind), [update(2, socket, None, at)]);
    }
}

#[test]
fn what_is_told_of_states_is_sequenced_kept_and_replayed_like_messages() {
    let mut rig = rig();
    let watcher = rig.reliable_member(1);
    rig.member_of(2, Subprotocol::ProtobufReliable, &[SEND, GET], &["g"]);
    rig.member(3);
    rig.subscribe_to_states(1);
    let subscribe =
        Codec::Protobuf.encode_upstream(&crate::Upstream::SubscribeGroupState { group: "g".into(), ack_id: None });
    let snapshot = r#"2 <~ {"sequenceId":1,"type":"groupStateSnapshot","group":"g","items":[]}"#;
    assert_eq!(rig.binary(2, subscribe.as_wire().bytes()), [snapshot]);
    rig.closed(1, CloseKind::Dropped);
    let seq = |to: &str, id: u64, state: &str, at: u64| {
        update(0, 3, Some(state), at).replace("0 <- {", &format!("{to} {{\"sequenceId\":{id},"))
    };
    assert_eq!(rig.set(3, "{}"), [seq("2 <~", 2, "{}", 0)]);
    let outputs = rig.recover(4, "c1", watcher.token.as_deref().unwrap());
    let snapshot = r#"4 <- {"sequenceId":1,"type":"groupStateSnapshot","group":"g","items":[]}"#;
    assert_eq!(outputs[1..], [snapshot.to_owned(), seq("4 <-", 2, "{}", 0)]);
    rig.text(4, r#"{"type":"sequenceAck","sequenceId":2}"#);
    assert_eq!(rig.set(3, r#"{"a":"b"}"#), [seq("4 <-", 3, r#"{"a":"b"}"#, 1), seq("2 <~", 3, r#"{"a":"b"}"#, 1)]);
}

#[test]
fn a_subscriber_that_does_not_take_what_it_is_told_is_closed_and_others_are_told_of_that() {
    let config = HubConfig { epoch: EPOCH, patience: Duration::ZERO, max_unacked_messages: 2, ..HubConfig::default() };
    let mut rig = Rig::with(config);
    rig.reliable_member(1);
    rig.member(2);
    rig.member(3);
    rig.set(1, "{}");
    rig.subscribe_to_states(1);
    rig.subscribe_to_states(2);
    assert_eq!(rig.set(3, "{}").len(), 2);
    let outputs = rig.set(3, "{}");
    assert_eq!(outputs[1], update(2, 3, Some("{}"), 1));
    assert!(outputs[3].starts_with("1 close 1008"), "{outputs:?}");
    assert_eq!(outputs[4..], [update(2, 1, None, 1)]);
}

#[test]
fn who_tells_too_much_waits_for_those_who_are_told() {
    let config = HubConfig { epoch: EPOCH, max_unacked_messages: 4, ..HubConfig::default() };
    let mut rig = Rig::with(config);
    rig.reliable_member(1);
    rig.member(2);
    rig.subscribe_to_states(1);
    rig.set(2, "{}");
    rig.set(2, "{}");
    assert_eq!(rig.set(2, "{}"), nothing());
    let outputs = rig.text(1, r#"{"type":"sequenceAck","sequenceId":3}"#);
    assert!(outputs[0].starts_with(r#"1 <- {"sequenceId":4,"type":"groupStateUpdate""#), "{outputs:?}");
}

#[test]
fn when_the_service_stops_nobody_is_told_of_the_others() {
    let mut rig = rig();
    for socket in 1..4 {
        rig.member(socket);
        rig.set(socket, "{}");
        rig.subscribe_to_states(socket);
    }
    rig.hub.handle_shutdown(rig.now);
    assert!(rig.outputs().iter().all(|line| !line.contains("groupState")));
    assert!(rig.hub.states.is_empty());
}

#[test]
fn the_application_is_told_who_comes_into_groups_and_out_of_them() {
    let config = HubConfig {
        announces_connections: true,
        announces_groups: true,
        patience: Duration::ZERO,
        ..HubConfig::default()
    };
    let mut rig = Rig::with(config);
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let fresh = Fresh {
        connection_id: Some("c1".to_owned()),
        client: ClientKind::PubSub(Subprotocol::JsonReliable),
        user: None,
        roles: own(&[JOIN]),
        groups: own(&["a", "b"]),
    };
    rig.hub.handle_open(rig.now, SocketId(1), Open::Fresh(fresh));
    assert_eq!(rig.outputs()[1..], ["connected c1", "joined c1 a", "joined c1 b"]);
    // Once, however often it joins; and not for groups that it is not in.
    assert_eq!(rig.text(1, r#"{"type":"joinGroup","group":"a"}"#), nothing());
    assert_eq!(rig.text(1, r#"{"type":"joinGroup","group":"c"}"#), ["joined c1 c"]);
    assert_eq!(rig.text(1, r#"{"type":"leaveGroup","group":"x"}"#), nothing());
    assert_eq!(rig.text(1, r#"{"type":"leaveGroup","group":"a"}"#), ["left c1 a"]);
    let one = Selection::all(Target::Connection("c1"));
    rig.hub.handle_add_to_groups(rig.now, &one, &own(&["d"]));
    assert_eq!(rig.outputs(), ["joined c1 d"]);
    rig.hub.handle_remove_from_groups(rig.now, &one, Some(&own(&["d", "e"])));
    assert_eq!(rig.outputs(), ["left c1 d"]);
    // A drop is not an end.
    assert_eq!(rig.closed(1, CloseKind::Dropped), nothing());
    let ended = rig.pass(SECOND * 31);
    assert_eq!(ended[..2], ["30s left c1 b", "30s left c1 c"]);
    assert!(ended[2].starts_with("30s disconnected c1"), "{ended:?}");
}

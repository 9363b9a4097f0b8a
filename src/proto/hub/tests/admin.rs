use super::*;
use crate::Data;

fn everyone() -> Selection<'static> {
    Selection::all(Target::Everyone)
}

impl Rig {
    fn post(&mut self, selection: &Selection<'_>, text: &str) -> Vec<String> {
        self.post_with(selection, text, Duration::ZERO)
    }

    fn post_with(&mut self, selection: &Selection<'_>, text: &str, ttl: Duration) -> Vec<String> {
        let data = OwnedData::text(text);
        let outgoing = Outgoing { data: data.as_data(), metadata: None, ttl };
        assert!(matches!(self.hub.handle_send(self.now, selection, &outgoing, false), Sent::To(_)));
        self.outputs()
    }

    fn close_all(&mut self, selection: &Selection<'_>, reason: Option<&str>) -> Vec<String> {
        self.hub.handle_close(self.now, selection, reason);
        self.outputs()
    }
}

fn from_server(socket: u64, sequence_id: Option<u64>, text: &str) -> String {
    let sequence_id = sequence_id.map(|id| format!(r#""sequenceId":{id},"#)).unwrap_or_default();
    format!(r#"{socket} <- {{{sequence_id}"type":"message","from":"server","dataType":"text","data":"{text}"}}"#)
}

fn simple() -> ClientKind {
    ClientKind::Simple(SimpleMode::SendEvent)
}

#[test]
fn a_send_to_all_is_from_the_server_sequenced_for_reliable_clients_and_bare_for_simple_ones() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    rig.reliable(2, &[]);
    rig.open_as(3, simple(), &[], &[]);
    assert_eq!(
        rig.post(&everyone(), "hi"),
        [from_server(1, None, "hi"), from_server(2, Some(1), "hi"), "3 <- hi".to_owned()]
    );
}

#[test]
fn a_send_to_a_group_is_from_the_group_and_from_nobody() {
    let mut rig = Rig::new();
    rig.json(1, &["g"]);
    rig.json(2, &[]);
    let sent = rig.post(&Selection::all(Target::Group("g")), "hi");
    assert_eq!(sent, [r#"1 <- {"type":"message","from":"group","group":"g","dataType":"text","data":"hi"}"#]);
    assert_eq!(rig.post(&Selection::all(Target::Group("nobody")), "hi"), nothing());
}

#[test]
fn a_user_has_several_connections_and_a_connection_one_id() {
    let mut rig = Rig::new();
    let first = rig.json(1, &[]);
    rig.json(2, &[]);
    let fresh =
        Fresh { connection_id: None, client: simple(), user: Some("u1".to_owned()), roles: vec![], groups: vec![] };
    rig.hub.handle_open(rig.now, SocketId(3), Open::Fresh(fresh));
    rig.outputs();
    assert_eq!(rig.post(&Selection::all(Target::User("u1")), "x"), [from_server(1, None, "x"), "3 <- x".to_owned()]);
    let own = Selection::all(Target::Connection(&first.connection_id));
    assert_eq!(rig.post(&own, "y"), [from_server(1, None, "y")]);
    assert!(rig.hub.has_any(&own) && rig.hub.has_any(&Selection::all(Target::User("u2"))));
    assert!(!rig.hub.has_any(&Selection::all(Target::User("u3"))));
    assert!(!rig.hub.has_any(&Selection::all(Target::Connection("c"))));
}

#[test]
fn excluded_connections_and_those_a_filter_rules_out_get_nothing() {
    let mut rig = Rig::new();
    let first = rig.json(1, &[]);
    rig.json(2, &["vip"]);
    rig.json(3, &[]);
    let excluded = [first.connection_id];
    let selection = Selection { excluded: &excluded, ..everyone() };
    assert_eq!(rig.post(&selection, "x").len(), 2);
    let filter = |who: &Recipient<'_>| who.is_in_group("vip") || who.user_id() == Some("u1");
    let selection = Selection { excluded: &excluded, filter: Some(&filter), ..everyone() };
    assert_eq!(rig.post(&selection, "x"), [from_server(2, None, "x")]);
}

#[test]
fn closing_tells_the_client_why_and_it_cannot_be_recovered() {
    let mut rig = Rig::new();
    let reliable = rig.reliable(1, &["g"]);
    rig.open_as(2, simple(), &[], &["g"]);
    let group = Selection::all(Target::Group("g"));
    assert_eq!(
        rig.close_all(&group, Some("rude \"words\"")),
        [
            r#"1 <- {"type":"system","event":"disconnected","message":"Application server closed the connection. Reason: rude \"words\""}"#,
            "1 close 1000 ",
            "2 close 1000 ",
        ]
    );
    assert!(rig.hub.is_empty());
    let refused = rig.recover(3, &reliable.connection_id, &reliable.token.unwrap());
    assert_eq!(refused, ["3 close 1008 The connection could not be recovered."]);
    rig.json(4, &[]);
    let message = r#""message":"Application server closed the connection."}"#;
    let closed = rig.close_all(&everyone(), None);
    assert!(closed[0].ends_with(message), "{closed:?}");
}

#[test]
fn a_connection_that_lost_its_socket_can_be_closed_too() {
    let mut rig = Rig::new();
    let gone = rig.reliable(1, &[]);
    rig.closed(1, CloseKind::Dropped);
    assert!(!rig.hub.connection(&gone.connection_id).unwrap().attached);
    assert_eq!(rig.close_all(&everyone(), None), nothing());
    assert!(rig.hub.is_empty());
    assert_eq!(rig.hub.poll_timeout(), None);
}

#[test]
fn groups_are_joined_and_left_without_a_role_and_hold_for_the_connection() {
    let mut rig = Rig::new();
    rig.open_as(1, ClientKind::PubSub(Subprotocol::Json), &[], &["old"]);
    rig.open_as(2, ClientKind::PubSub(Subprotocol::Json), &[], &[]);
    let user = Selection::all(Target::User("u1"));
    let joined = rig.hub.handle_add_to_groups(rig.now, &user, &["a".to_owned(), "b".to_owned()]);
    assert_eq!(joined, Joined { connections: 1, full: 0 });
    let groups = |rig: &Rig| {
        rig.hub.groups().into_iter().map(|group| format!("{} {}", group.name, group.members.len())).collect::<Vec<_>>()
    };
    assert_eq!(groups(&rig), ["a 1", "b 1", "old 1"]);
    assert_eq!(rig.post(&Selection::all(Target::Group("b")), "x").len(), 1);
    rig.hub.handle_remove_from_groups(rig.now, &user, Some(&["a".to_owned(), "never joined".to_owned()]));
    assert_eq!(groups(&rig), ["b 1", "old 1"]);
    rig.hub.handle_remove_from_groups(rig.now, &everyone(), None);
    assert_eq!(groups(&rig), nothing());
    assert!(rig.hub.connections().iter().all(|connection| connection.groups.is_empty()));
    let nobody = rig.hub.handle_add_to_groups(rig.now, &Selection::all(Target::User("x")), &["a".to_owned()]);
    assert_eq!((nobody.connections, groups(&rig)), (0, nothing()));
}

#[test]
fn a_connection_in_all_the_groups_it_can_be_in_joins_no_more() {
    let mut rig = Rig::with(HubConfig { max_groups: 1, ..HubConfig::default() });
    rig.json(1, &["a"]);
    rig.json(2, &[]);
    let joined = rig.hub.handle_add_to_groups(rig.now, &everyone(), &["b".to_owned()]);
    assert_eq!(joined, Joined { connections: 2, full: 1 });
    assert_eq!(
        rig.post(&Selection::all(Target::Group("b")), "x"),
        [r#"2 <- {"type":"message","from":"group","group":"b","dataType":"text","data":"x"}"#]
    );
}

#[test]
fn permissions_work_from_the_next_frame_on() {
    let mut rig = Rig::new();
    let outputs = rig.open_as(1, ClientKind::PubSub(Subprotocol::Json), &[], &[]);
    let id = parse_connected(1, &outputs[0]).connection_id;
    let mut ack = 0;
    let mut works = |rig: &mut Rig, operation: &str, group: &str| {
        ack += 1;
        let frame = format!(r#"{{"type":"{operation}","group":"{group}","data":1,"ackId":{ack}}}"#);
        rig.text(1, &frame).iter().any(|line| line.contains(r#""success":true"#))
    };
    assert!(!works(&mut rig, "sendToGroup", "g"));
    let now = rig.now;
    assert_eq!(rig.hub.handle_grant(now, &id, Permission::SendToGroup, Some("g")), Grant::Done);
    assert!(works(&mut rig, "sendToGroup", "g"));
    assert!(!works(&mut rig, "sendToGroup", "h") && !works(&mut rig, "joinGroup", "g"));
    assert_eq!(rig.hub.handle_grant(now, &id, Permission::JoinLeaveGroup, None), Grant::Done);
    assert!(works(&mut rig, "joinGroup", "anything"));
    let has = |rig: &Rig, permission, group| rig.hub.has_permission(&id, permission, group);
    assert_eq!(has(&rig, Permission::SendToGroup, Some("g")), Some(true));
    assert_eq!(has(&rig, Permission::SendToGroup, None), Some(false));
    assert_eq!(has(&rig, Permission::JoinLeaveGroup, None), Some(true));
    assert_eq!(has(&rig, Permission::JoinLeaveGroup, Some("g")), Some(true));
    assert_eq!(rig.hub.handle_revoke(now, &id, Permission::SendToGroup, Some("g")), Grant::Done);
    assert!(!works(&mut rig, "sendToGroup", "g"));
    // One group is denied, whatever is granted for all (PROTOCOL §13); without a group everything goes.
    assert!(works(&mut rig, "joinGroup", "g"));
    assert_eq!(rig.hub.handle_revoke(now, &id, Permission::JoinLeaveGroup, Some("g")), Grant::Done);
    assert!(!works(&mut rig, "joinGroup", "g") && works(&mut rig, "joinGroup", "other"));
    assert_eq!(has(&rig, Permission::JoinLeaveGroup, Some("g")), Some(false));
    assert_eq!(rig.hub.handle_revoke(now, &id, Permission::JoinLeaveGroup, None), Grant::Done);
    assert!(!works(&mut rig, "joinGroup", "other"));
    // Revoking evicts nobody (PROTOCOL §11).
    assert_eq!(rig.hub.connection(&id).unwrap().groups.len(), 3);
    assert_eq!(rig.hub.handle_grant(now, "nobody", Permission::SendToGroup, None), Grant::NoConnection);
    assert_eq!(rig.hub.handle_revoke(now, "nobody", Permission::SendToGroup, None), Grant::NoConnection);
    for n in 0..1000 {
        rig.hub.handle_grant(now, &id, Permission::SendToGroup, Some(&format!("g{n}")));
    }
    assert_eq!(rig.hub.handle_grant(now, &id, Permission::SendToGroup, Some("more")), Grant::TooMany);
    assert_eq!(rig.hub.handle_grant(now, &id, Permission::SendToGroup, Some("g7")), Grant::Done);
}

#[test]
fn members_come_in_pages_that_whoever_comes_or_goes_does_not_disturb() {
    let mut rig = Rig::new();
    for socket in 1..=5 {
        rig.json(socket, &["g"]);
    }
    let ids = |page: &MemberPage| page.members.iter().map(|member| member.id.to_string()).collect::<Vec<_>>();
    let all = rig.hub.members("g", None, 5);
    assert!(!all.more && all.members.iter().map(|member| &member.id).is_sorted(), "{all:?}");
    let all = ids(&all);
    let first = rig.hub.members("g", None, 2);
    assert!(first.more);
    assert_eq!(ids(&first), all[..2]);
    // The one that the next page begins behind has left.
    let socket = |id: &str| (1..=5).find(|socket| rig.hub.connection_of(SocketId(*socket)) == Some(id)).unwrap();
    let (gone, too) = (socket(&all[1]), socket(&all[2]));
    rig.closed(gone, CloseKind::Clean);
    rig.closed(too, CloseKind::Clean);
    let rest = rig.hub.members("g", Some(&all[1]), 2);
    assert_eq!((ids(&rest), rest.more), (all[3..].to_vec(), false));
    assert_eq!(rig.hub.members("nobody", None, 4), MemberPage { members: vec![], more: false });
}

#[test]
fn a_message_with_a_lifetime_is_not_replayed_after_it_and_leaves_a_gap() {
    let mut rig = Rig::new();
    let client = rig.reliable(1, &[]);
    rig.closed(1, CloseKind::Dropped);
    rig.post(&everyone(), "stays");
    rig.post_with(&everyone(), "passes", SECOND * 5);
    rig.post_with(&everyone(), "lasts", SECOND * 6);
    rig.pass(SECOND * 5);
    let token = client.token.unwrap();
    let replayed = rig.recover(2, &client.connection_id, &token);
    assert_eq!(replayed[1..], [from_server(2, Some(1), "stays"), from_server(2, Some(3), "lasts")]);
    // It does not matter that it was sent once: what is too old is not sent again.
    rig.closed(2, CloseKind::Dropped);
    rig.pass(SECOND);
    let replayed = rig.recover(3, &client.connection_id, &token);
    assert_eq!(replayed[1..], [from_server(3, Some(1), "stays")]);
    assert_eq!(rig.post(&everyone(), "next"), [from_server(3, Some(4), "next")]);
    rig.text(3, r#"{"type":"sequenceAck","sequenceId":4}"#);
    rig.closed(3, CloseKind::Dropped);
    assert_eq!(rig.recover(4, &client.connection_id, &token).len(), 1);
}

#[test]
fn a_client_gives_its_own_messages_a_lifetime() {
    let mut rig = Rig::new();
    let client = rig.reliable(1, &["g"]);
    rig.json(2, &[]);
    rig.closed(1, CloseKind::Dropped);
    let send = |rig: &mut Rig, ttl: u16| {
        rig.text(2, &format!(r#"{{"type":"sendToGroup","group":"g","ttlSeconds":{ttl},"data":{ttl}}}"#))
    };
    for ttl in [0, 5, 300] {
        assert_eq!(send(&mut rig, ttl), nothing());
    }
    rig.pass(SECOND * 5);
    let replayed = rig.recover(3, &client.connection_id, &client.token.unwrap());
    let from_group = |id: u64, data: u16| {
        let start = format!(r#"3 <- {{"sequenceId":{id},"type":"message","from":"group","group":"g","#);
        (start, format!(r#""data":{data}}}"#))
    };
    assert_eq!(replayed.len(), 3, "{replayed:?}");
    for (frame, (start, end)) in replayed[1..].iter().zip([from_group(1, 0), from_group(3, 300)]) {
        assert!(frame.starts_with(&start) && frame.ends_with(&end), "{frame}");
    }
    assert!(send(&mut rig, 301).iter().any(|frame| frame.contains("1007")), "it is over the limit");
}

#[test]
fn what_has_passed_counts_for_no_limit() {
    let mut rig = Rig::with(HubConfig { max_unacked_messages: 8, patience: Duration::ZERO, ..HubConfig::default() });
    let client = rig.reliable(1, &[]);
    rig.closed(1, CloseKind::Dropped);
    rig.post(&everyone(), "stays");
    for _ in 0..5 {
        for _ in 0..7 {
            rig.post_with(&everyone(), "passes", SECOND);
        }
        rig.pass(SECOND);
    }
    assert_eq!(rig.recover(2, &client.connection_id, &client.token.unwrap()).len(), 2);
    rig.closed(2, CloseKind::Clean);
    assert_eq!(rig.hub.poll_timeout(), None);
}

#[test]
fn a_sender_waits_for_a_slow_receiver_until_it_is_let_go_or_insists() {
    let mut rig = Rig::with(HubConfig { max_unacked_messages: 8, patience: SECOND * 2, ..HubConfig::default() });
    rig.reliable(1, &["g"]);
    rig.json(2, &[]);
    let text = OwnedData::text("x");
    let outgoing = Outgoing { data: text.as_data(), metadata: None, ttl: Duration::ZERO };
    let send = |rig: &mut Rig, insist| {
        let sent = rig.hub.handle_send(rig.now, &everyone(), &outgoing, insist);
        rig.outputs();
        sent
    };
    for _ in 1..=6 {
        assert_eq!(send(&mut rig, false), Sent::To(2));
    }
    assert_eq!(send(&mut rig, false), Sent::Busy);
    // Those who get nothing of it do not hold it up.
    assert_eq!(rig.post(&Selection::all(Target::User("u2")), "x").len(), 1);
    assert_eq!(send(&mut rig, true), Sent::To(2));
    assert!(!rig.hub.take_released());
    rig.text(1, r#"{"type":"sequenceAck","sequenceId":7}"#);
    assert!(rig.hub.take_released() && !rig.hub.take_released());
    for _ in 1..=6 {
        assert_eq!(send(&mut rig, false), Sent::To(2));
    }
    assert_eq!(send(&mut rig, false), Sent::Busy);
    rig.pass(SECOND * 2);
    assert!(rig.hub.take_released());
    assert_eq!(send(&mut rig, false), Sent::To(2));
}

#[test]
fn metadata_goes_with_the_message() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    let outgoing = Outgoing { data: Data::Json("[1]"), metadata: Some(r#"{"k":"v"}"#), ttl: Duration::ZERO };
    rig.hub.handle_send(rig.now, &everyone(), &outgoing, false);
    let outputs = rig.outputs();
    assert!(outputs[0].contains(r#""dataType":"json","data":[1]"#) && outputs[0].contains(r#""metadata":{"k":"v"}"#));
}

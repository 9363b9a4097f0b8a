//! What the application behind a hub sees: connections that begin and end, and no more events than it answers.

use super::*;

fn announcing() -> Rig {
    Rig::with(HubConfig { announces_connections: true, patience: Duration::ZERO, ..HubConfig::default() })
}

fn last(outputs: &[String]) -> &str {
    outputs.last().map_or("", String::as_str)
}

fn fresh(id: &str, client: ClientKind) -> Open {
    let (roles, groups) = (vec![], vec!["g".to_owned()]);
    Open::Fresh(Fresh { connection_id: Some(id.to_owned()), client, user: None, roles, groups })
}

#[test]
fn a_connection_has_the_id_it_was_given_before_it_existed() {
    let mut rig = Rig::new();
    rig.hub.handle_open(rig.now, SocketId(1), fresh("given", ClientKind::PubSub(Subprotocol::Json)));
    let outputs = rig.outputs();
    assert_eq!(parse_connected(1, &outputs[0]).connection_id, "given");
    assert_eq!(outputs.len(), 1);
}

#[test]
fn the_application_is_told_of_a_connection_after_its_client_and_once() {
    let mut rig = announcing();
    rig.hub.handle_open(rig.now, SocketId(1), fresh("c", ClientKind::PubSub(Subprotocol::JsonReliable)));
    let outputs = rig.outputs();
    let connected = parse_connected(1, &outputs[0]);
    assert_eq!(outputs[1..], ["connected c"]);
    rig.closed(1, CloseKind::Dropped);
    let outputs = rig.recover(2, "c", connected.token.as_deref().unwrap());
    assert!(outputs.iter().all(|line| !line.starts_with("connected")), "{outputs:?}");
}

#[test]
fn the_application_is_told_why_a_connection_ended() {
    let mut rig = announcing();
    let open = |rig: &mut Rig, socket: u64, client: ClientKind| {
        rig.hub.handle_open(rig.now, SocketId(socket), fresh(&format!("c{socket}"), client));
        rig.outputs();
    };
    open(&mut rig, 1, ClientKind::PubSub(Subprotocol::Json));
    assert_eq!(rig.closed(1, CloseKind::Clean), ["disconnected c1 The client closed the connection."]);
    open(&mut rig, 2, ClientKind::Simple(SimpleMode::SendEvent));
    assert_eq!(rig.closed(2, CloseKind::Dropped), ["disconnected c2 The connection was lost."]);
    open(&mut rig, 3, ClientKind::PubSub(Subprotocol::JsonReliable));
    assert_eq!(rig.closed(3, CloseKind::Dropped), nothing());
    let reason = "The connection was lost and not recovered in time.";
    assert_eq!(rig.pass(SECOND * 31), [format!("30s disconnected c3 {reason}")]);
    open(&mut rig, 4, ClientKind::PubSub(Subprotocol::Json));
    open(&mut rig, 6, ClientKind::PubSub(Subprotocol::Json));
    rig.hub.handle_farewell(rig.now, SocketId(6), CloseKind::Clean, "bye");
    assert_eq!(rig.outputs(), ["disconnected c6 bye"]);
    open(&mut rig, 7, ClientKind::PubSub(Subprotocol::JsonReliable));
    rig.hub.handle_farewell(rig.now, SocketId(7), CloseKind::Dropped, "see you");
    assert!(last(&rig.pass(SECOND * 31)).ends_with(" disconnected c7 see you"));
    let reason = "The client message is not a valid JSON protocol message.";
    assert_eq!(last(&rig.text(4, "garbage")), format!("disconnected c4 {reason}"));
    open(&mut rig, 5, ClientKind::PubSub(Subprotocol::Json));
    rig.hub.handle_shutdown(rig.now);
    assert_eq!(last(&rig.outputs()), "disconnected c5 The service is going away.");
}

#[test]
fn an_event_takes_its_metadata_along() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    rig.text_in(1, r#"{"type":"event","event":"e","data":1,"metadata":{"k":"v"}}"#);
    let Some(Output::UserEvent(event)) = rig.hub.poll_output() else { panic!() };
    assert_eq!(event.metadata.as_deref(), Some(r#"{"k":"v"}"#));
}

#[test]
fn an_event_nobody_takes_is_refused_with_a_message_that_says_so() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    rig.text(1, r#"{"type":"event","event":"vote","ackId":4,"data":1}"#);
    assert_eq!(
        rig.answer(1, &EventAnswer::Unhandled),
        [concat!(
            r#"1 <- {"type":"ack","ackId":4,"success":false,"error":{"name":"InternalServerError","#,
            r#""message":"There is no event handler that takes the event."}}"#
        )]
    );
}

const EVENT: &str = r#"{"type":"event","event":"e","data":1}"#;

#[test]
fn a_client_with_too_many_events_at_their_handler_waits_with_what_it_sends_next() {
    let config = HubConfig { max_pending_events: 2, patience: Duration::ZERO, ..HubConfig::default() };
    let mut rig = Rig::with(config);
    rig.json(1, &["g"]);
    assert_eq!(rig.text(1, EVENT).len() + rig.text(1, EVENT).len(), 2);
    assert_eq!(rig.text(1, EVENT), nothing());
    // In order: what comes behind a held event is held as well, but for what proves life.
    assert_eq!(rig.send(1, "g", "x"), nothing());
    assert_eq!(rig.text(1, r#"{"type":"ping"}"#), [r#"1 <- {"type":"pong"}"#]);
    let outputs = rig.answer(1, &EventAnswer::NoContent);
    assert_eq!(outputs, ["event 3 u1 e json 1".to_owned(), format!("1 <- {{{}", message("g", "x"))]);
    // Another client is none the worse.
    rig.json(2, &[]);
    assert_eq!(rig.text(2, EVENT), ["event 4 u2 e json 1"]);
}

#[test]
fn a_client_that_goes_on_sending_events_is_not_read_from_until_they_are_answered() {
    let config = HubConfig { max_pending_events: 1, patience: Duration::ZERO, ..HubConfig::default() };
    let mut rig = Rig::with(config);
    rig.json(1, &[]);
    let mut outputs = Vec::new();
    for _ in 0..4097 {
        outputs.extend(rig.text(1, EVENT));
    }
    assert_eq!(outputs, ["event 1 u1 e json 1", "1 pause"]);
    let mut outputs = Vec::new();
    for event in 1..=4097 {
        outputs.extend(rig.answer(event, &EventAnswer::NoContent));
    }
    assert_eq!(outputs.len(), 4097);
    assert_eq!(outputs.iter().filter(|line| *line == "1 resume").count(), 1);
    assert_eq!(rig.text(1, EVENT), ["event 4098 u1 e json 1"]);
}

#[test]
fn large_events_count_by_their_bytes_but_one_always_goes() {
    let config = HubConfig { max_pending_event_bytes: 10, patience: Duration::ZERO, ..HubConfig::default() };
    let mut rig = Rig::with(config);
    rig.json(1, &[]);
    let event = r#"{"type":"event","event":"e","data":"0123456789"}"#;
    assert_eq!(rig.text(1, event).len(), 1);
    assert_eq!(rig.text(1, event), nothing());
    assert_eq!(rig.answer(1, &EventAnswer::Failed), [r#"event 2 u1 e json "0123456789""#]);
}

#[test]
fn events_held_when_their_client_leaves_are_still_carried_out_before_it_has_ended() {
    let config = HubConfig { max_pending_events: 1, announces_connections: true, ..HubConfig::default() };
    let mut rig = Rig::with(config);
    rig.hub.handle_open(rig.now, SocketId(1), fresh("c", ClientKind::PubSub(Subprotocol::Json)));
    rig.outputs();
    rig.text(1, EVENT);
    rig.text(1, EVENT);
    assert_eq!(rig.closed(1, CloseKind::Clean), nothing());
    let reason = "The client closed the connection.";
    assert_eq!(
        rig.answer(1, &EventAnswer::NoContent),
        ["event 2 - e json 1".to_owned(), format!("disconnected c {reason}")]
    );
}

#[test]
fn of_too_many_clients_that_have_gone_nothing_waits() {
    let busy = HubConfig { max_pending_events: 1, announces_connections: true, ..HubConfig::default() };
    for (config, waiting) in [
        (HubConfig { max_leaving: 2, ..busy.clone() }, 2),
        (HubConfig { max_leaving_bytes: 3 * (EVENT.len() + 64 + 1 + 1024), ..busy }, 3),
    ] {
        let mut rig = Rig::with(config);
        for socket in 1..=5 {
            let fresh = fresh(&format!("c{socket}"), ClientKind::PubSub(Subprotocol::Json));
            rig.hub.handle_open(rig.now, SocketId(socket), fresh);
            rig.text(socket, EVENT);
            rig.text(socket, EVENT);
            rig.outputs();
            let ended = rig.closed(socket, CloseKind::Clean);
            let expected = format!("disconnected c{socket} The client closed the connection.");
            assert_eq!(ended, if socket <= waiting { nothing() } else { vec![expected] }, "{socket}");
        }
        // Those that wait are carried out all the same, and make room.
        assert_eq!(rig.answer(1, &EventAnswer::NoContent).len(), 2);
        assert_eq!(rig.answer(5, &EventAnswer::NoContent), nothing());
    }
}

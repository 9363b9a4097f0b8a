use super::*;

#[test]
fn clients_are_pinged_every_twenty_seconds() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    assert_eq!(rig.pass(SECOND * 20), ["20s 1 ping"]);
    rig.hub.handle_life(rig.now, SocketId(1));
    rig.pass(SECOND * 5);
    rig.text(1, r#"{"type":"ping"}"#);
    assert_eq!(rig.pass(SECOND * 36), ["40s 1 ping", "60s 1 ping"]);
}

#[test]
fn a_peer_silent_for_forty_seconds_is_dropped() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    rig.pass(SECOND * 5);
    rig.text(1, r#"{"type":"ping"}"#);
    assert_eq!(rig.pass(SECOND * 60), ["20s 1 ping", "40s 1 ping", "45s 1 abort"]);
    assert!(rig.hub.is_empty());
    assert_eq!(rig.hub.poll_timeout(), None);
}

#[test]
fn a_reliable_peer_that_was_dropped_for_silence_can_come_back() {
    let mut rig = Rig::new();
    let client = rig.reliable(1, &[]);
    assert_eq!(rig.pass(SECOND * 40), ["20s 1 ping", "40s 1 abort"]);
    rig.pass(SECOND * 29);
    assert_eq!(rig.recover(2, &client.connection_id, &client.token.unwrap()).len(), 1);
}

#[test]
fn at_shutdown_every_client_is_told_and_nobody_gets_in_any_more() {
    let mut rig = Rig::new();
    let client = rig.reliable(1, &["g"]);
    rig.json(2, &[]);
    let away = rig.reliable(3, &[]);
    rig.closed(3, CloseKind::Dropped);
    rig.hub.handle_shutdown(rig.now);
    let disconnected = r#"{"type":"system","event":"disconnected","message":"The service is going away."}"#;
    assert_eq!(
        rig.outputs(),
        [
            format!("1 <- {disconnected}"),
            "1 close 1001 The service is going away.".to_owned(),
            format!("2 <- {disconnected}"),
            "2 close 1001 The service is going away.".to_owned(),
        ]
    );
    assert!(rig.hub.is_empty());
    for (socket, client) in [(4, client), (5, away)] {
        let refused = rig.recover(socket, &client.connection_id, &client.token.unwrap());
        assert_eq!(refused, [format!("{socket} close 1001 The service is going away.")]);
    }
    let late = rig.open_as(6, ClientKind::PubSub(Subprotocol::Json), &[], &[]);
    assert_eq!(late, ["6 close 1001 The service is going away."]);
}

#[test]
fn a_message_to_many_is_shared_where_its_receivers_get_the_same_bytes() {
    let mut rig = Rig::new();
    rig.json(1, &["g"]);
    rig.json(2, &["g"]);
    rig.hub.handle_frame(rig.now, SocketId(1), WireFrame::Text(r#"{"type":"sendToGroup","group":"g","data":1}"#));
    let bytes: Vec<_> = std::iter::from_fn(|| rig.hub.poll_output())
        .map(|output| match output {
            Output::Send { frame: EncodedFrame::Text(bytes), .. } => bytes.as_ptr(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(bytes[0], bytes[1]);
}

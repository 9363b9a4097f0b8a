use super::*;

fn farewell(socket: u64, code: u16, message: &str) -> Vec<String> {
    vec![
        format!(r#"{socket} <- {{"type":"system","event":"disconnected","message":"{message}"}}"#),
        format!("{socket} close {code} {message}"),
    ]
}

#[test]
fn a_malformed_frame_is_answered_with_disconnected_and_1007() {
    for text in
        ["", "hello", r#"{"type":"nope"}"#, r#"{"type":"joinGroup"}"#, r#"{"type":"event","event":"9","data":1}"#]
    {
        let mut rig = Rig::new();
        let client = rig.reliable(1, &[]);
        let expected = farewell(1, 1007, "The client message is not a valid JSON protocol message.");
        assert_eq!(rig.text(1, text), expected, "{text}");
        assert!(rig.hub.is_empty());
        assert_eq!(rig.text(1, r#"{"type":"ping"}"#), nothing());
        let refused = rig.recover(2, &client.connection_id, &client.token.unwrap());
        assert_eq!(refused, ["2 close 1008 The connection could not be recovered."]);
    }
}

#[test]
fn a_binary_frame_is_answered_with_disconnected_and_1003() {
    let mut rig = Rig::new();
    rig.json(1, &[]);
    let expected = farewell(1, 1003, "The JSON subprotocol requires text messages.");
    assert_eq!(rig.binary(1, b"{}"), expected);
}

#[test]
fn what_the_websocket_layer_refuses_has_its_close_code_too() {
    for (violation, code, message) in [
        (Violation::InvalidUtf8, 1007, "The client message is not a valid JSON protocol message."),
        (Violation::TooBig, 1009, "The client message is larger than 1 MiB."),
        (Violation::Framing, 1002, "The client broke the WebSocket protocol."),
    ] {
        let mut rig = Rig::new();
        rig.json(1, &[]);
        rig.open_as(2, ClientKind::Simple(SimpleMode::SendEvent), &[], &[]);
        for socket in [1, 2] {
            rig.hub.handle_violation(rig.now, SocketId(socket), violation);
        }
        let mut expected = farewell(1, code, message);
        expected.push(format!("2 close {code} {message}"));
        assert_eq!(rig.outputs(), expected);
    }
}

#[test]
fn close_reasons_fit_into_a_close_frame() {
    let mut rig = Rig::new();
    for socket in 0.. {
        rig.json(socket, &[]);
        match socket {
            0 => rig.text_in(socket, "x"),
            1 => rig.hub.handle_frame(rig.now, SocketId(socket), WireFrame::Binary(b"x")),
            2 => rig.hub.handle_violation(rig.now, SocketId(socket), Violation::TooBig),
            3 => rig.hub.handle_violation(rig.now, SocketId(socket), Violation::Framing),
            _ => break,
        }
        let reason = std::iter::from_fn(|| rig.hub.poll_output())
            .find_map(|output| if let Output::Close { reason, .. } = output { Some(reason) } else { None });
        assert!(reason.unwrap().len() <= 123);
    }
}

proptest::proptest! {
    #[test]
    fn no_frame_breaks_the_hub(frames in proptest::collection::vec((0..3u64, ".*"), 0..20)) {
        let mut rig = Rig::new();
        rig.json(0, &["g"]);
        rig.reliable(1, &["g"]);
        rig.open_as(2, ClientKind::Simple(SimpleMode::SendEvent), &[], &["g"]);
        for (socket, text) in frames {
            rig.text(socket, &text);
        }
    }
}

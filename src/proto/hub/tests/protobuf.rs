//! Clients of the protobuf subprotocols (PROTOCOL §10.2, §10.3). Their frames are written here as the JSON that they would
//! be; `<~` stands before what went out as one of them.

use super::*;
use crate::Unpacked;

impl Rig {
    /// A client's frame, given as JSON.
    fn binary_of(&mut self, socket: u64, json: &str) -> Vec<String> {
        let mut unpacked = Unpacked::default();
        let frame = Codec::Json.decode_upstream(WireFrame::Text(json), &mut unpacked).unwrap();
        let frame = Codec::Protobuf.encode_upstream(&frame);
        self.binary(socket, frame.as_wire().bytes())
    }

    fn protobuf(&mut self, socket: u64, subprotocol: Subprotocol, groups: &[&str]) -> Connected {
        let outputs = self.open_as(socket, ClientKind::PubSub(subprotocol), &[JOIN, SEND], groups);
        let [connected] = outputs.as_slice() else { panic!("{outputs:?}") };
        parse_connected(socket, &connected.replace("<~", "<-"))
    }
}

#[test]
fn what_is_not_understood_ends_the_connection_with_the_code_of_its_kind() {
    let long = "The client message is not a valid protobuf.webpubsub.azure.v1 protocol message.";
    let kind = "The protobuf.webpubsub.azure.v1 subprotocol requires binary messages.";
    for (frame, code, message) in [
        (WireFrame::Binary(&[]), 1007, long),
        (WireFrame::Binary(b"\xff"), 1007, long),
        // A member that there is not, and a group without a name.
        (WireFrame::Binary(b"\x62\x00"), 1007, long),
        (WireFrame::Binary(b"\x32\x00"), 1007, long),
        (WireFrame::Text(r#"{"type":"ping"}"#), 1003, kind),
    ] {
        for subprotocol in [Subprotocol::Protobuf, Subprotocol::ProtobufReliable] {
            let mut rig = Rig::new();
            let client = rig.protobuf(1, subprotocol, &[]);
            rig.hub.handle_frame(rig.now, SocketId(1), frame);
            let farewell = format!(r#"1 <~ {{"type":"system","event":"disconnected","message":"{message}"}}"#);
            assert_eq!(rig.outputs(), [farewell, format!("1 close {code} {message}")], "{frame:?}");
            assert!(rig.hub.is_empty());
            if let Some(token) = client.token {
                let refused = rig.recover(2, &client.connection_id, &token);
                assert_eq!(refused, ["2 close 1008 The connection could not be recovered."]);
            }
        }
    }
}

#[test]
fn a_message_comes_to_everybody_in_their_own_form() {
    // `t/X` with the value 0801.
    let any = "CgN0L1gSAggB";
    for (given, json, simple) in [
        (r#""dataType":"text","data":"hi""#, r#""dataType":"text","data":"hi""#, "hi"),
        (r#""dataType":"json","data":[1.0]"#, r#""dataType":"json","data":[1.0]"#, "[1.0]"),
        (r#""dataType":"binary","data":"AP8=""#, r#""dataType":"binary","data":"AP8=""#, r#"b"\0\xff""#),
        (
            &format!(r#""dataType":"protobuf","data":"{any}""#),
            &format!(r#""dataType":"protobuf","data":"{any}""#),
            r#"b"\n\x03t/X\x12\x02\x08\x01""#,
        ),
        (
            r#""dataType":"text","data":"m","metadata":{"k":"v"}"#,
            r#""dataType":"text","data":"m","metadata":{"k":"v"}"#,
            "m",
        ),
    ] {
        let mut rig = Rig::new();
        rig.protobuf(1, Subprotocol::ProtobufReliable, &["g"]);
        rig.reliable(2, &["g"]);
        rig.protobuf(3, Subprotocol::Protobuf, &["g"]);
        rig.json(4, &["g"]);
        rig.open_as(5, ClientKind::Simple(SimpleMode::SendEvent), &[], &["g"]);
        // Sent by one of either family: only the sender's user id makes a difference, and is not told to all.
        for (sender, id) in [(1, 1), (2, 2)] {
            let frame = format!(r#"{{"type":"sendToGroup","group":"g","ackId":0,{given}}}"#);
            let outputs = if sender == 1 { rig.binary_of(1, &frame) } else { rig.text(2, &frame) };
            let from = r#""type":"message","from":"group","group":"g""#;
            let ack = format!(
                r#"{sender} {} {{"type":"ack","ackId":0,"success":true}}"#,
                if sender == 1 { "<~" } else { "<-" }
            );
            let expected = [
                format!(r#"1 <~ {{"sequenceId":{id},{from},{json}}}"#),
                format!(r#"2 <- {{"sequenceId":{id},{from},"fromUserId":"u{sender}",{json}}}"#),
                format!("3 <~ {{{from},{json}}}"),
                format!(r#"4 <- {{{from},"fromUserId":"u{sender}",{json}}}"#),
                format!("5 <- {simple}"),
                ack,
            ];
            assert_eq!(outputs, expected);
        }
    }
}

/// A receiver could not read the whole frame.
#[test]
fn what_a_client_calls_an_any_and_is_none_comes_as_bytes() {
    let mut rig = Rig::new();
    rig.protobuf(1, Subprotocol::Protobuf, &["g"]);
    rig.json(2, &[]);
    let outputs = rig.text(2, r#"{"type":"sendToGroup","group":"g","dataType":"protobuf","data":"AP8="}"#);
    let expected = r#"1 <~ {"type":"message","from":"group","group":"g","dataType":"binary","data":"AP8="}"#;
    assert_eq!(outputs, [expected]);
}

#[test]
fn a_recovered_connection_gets_its_messages_as_they_were() {
    let mut rig = Rig::new();
    let client = rig.protobuf(1, Subprotocol::ProtobufReliable, &["g"]);
    rig.json(2, &[]);
    rig.hub.handle_closed(rig.now, SocketId(1), CloseKind::Dropped);
    assert_eq!(rig.send(2, "g", "x"), nothing());
    let outputs = rig.recover(3, &client.connection_id, &client.token.unwrap());
    assert!(outputs[0].starts_with(r#"3 <~ {"type":"system","event":"connected","userId":"u1""#), "{outputs:?}");
    let message = r#"{"sequenceId":1,"type":"message","from":"group","group":"g","dataType":"text","data":"x"}"#;
    assert_eq!(outputs[1..], [format!("3 <~ {message}")]);
    assert_eq!(rig.binary_of(3, r#"{"type":"sequenceAck","sequenceId":1}"#), nothing());
    assert_eq!(rig.binary_of(3, r#"{"type":"ping"}"#), [r#"3 <~ {"type":"pong"}"#]);
}

//! PROTOCOL §9.2.

use super::*;
use crate::fault::Faults;

fn invoke(id: &str) -> String {
    format!(
        r#"{{"type":"invoke","invocationId":"{id}","target":"event","event":"sum","dataType":"json","data":[1,2]}}"#
    )
}

fn answered(socket: u64, id: &str) -> String {
    format!(
        r#"{socket} <- {{"type":"invokeResponse","invocationId":"{id}","success":true,"dataType":"json","data":3}}"#
    )
}

fn refused(id: &str, name: &str, message: &str) -> String {
    format!(
        r#"1 <- {{"type":"invokeResponse","invocationId":"{id}","success":false,"error":{{"name":"{name}","message":"{message}"}}}}"#
    )
}

fn three() -> EventAnswer {
    EventAnswer::reply(OwnedData::json("3").unwrap())
}

fn nothing() -> [String; 0] {
    []
}

/// A hub with a client that has no role, under faults.
fn faulty(faults: &[&str]) -> Rig {
    let mut rig = Rig::new();
    let plan = Faults::new(1);
    for fault in faults {
        plan.add(fault.parse().unwrap()).unwrap();
    }
    rig.hub.set_faults(plan, "hub");
    rig.open(1, Subprotocol::JsonReliable, &[], &[]);
    rig
}

#[test]
fn an_invocation_is_answered_by_its_handler_and_needs_no_role() {
    let mut rig = faulty(&[]);
    assert_eq!(rig.text(1, &invoke("1")), ["invocation 1 u1 sum json [1,2]"]);
    assert_eq!(rig.answer(1, &three()), [answered(1, "1")]);
    let bare = r#"{"type":"invoke","invocationId":"2","event":"sum"}"#;
    assert_eq!(rig.text(1, bare), ["invocation 2 u1 sum -"]);
    assert_eq!(
        rig.answer(2, &EventAnswer::NoContent),
        [r#"1 <- {"type":"invokeResponse","invocationId":"2","success":true}"#]
    );
}

#[test]
fn answers_come_in_any_order_and_hold_up_nothing() {
    let mut rig = faulty(&[]);
    rig.text(1, &invoke("a"));
    rig.text(1, &invoke("b"));
    assert_eq!(rig.text(1, r#"{"type":"ping"}"#), [r#"1 <- {"type":"pong"}"#]);
    assert_eq!(rig.answer(2, &three()), [answered(1, "b")]);
    assert_eq!(rig.answer(1, &three()), [answered(1, "a")]);
    assert_eq!(rig.answer(1, &three()), nothing());
}

#[test]
fn what_the_handler_does_decides_what_the_answer_is() {
    for (answer, expected) in [
        (
            EventAnswer::Refused { status: 404 },
            refused("1", "BadRequest", "The event handler answered with status 404."),
        ),
        (EventAnswer::Failed, refused("1", "InternalServerError", "Internal server error")),
        (
            EventAnswer::Unhandled,
            refused("1", "InternalServerError", "There is no event handler that takes the event."),
        ),
        (
            EventAnswer::reply(OwnedData::json("null").unwrap()),
            r#"1 <- {"type":"invokeResponse","invocationId":"1","success":true}"#.to_owned(),
        ),
        (
            EventAnswer::Reply { data: OwnedData::text("x"), metadata: Some(r#"{"k":"v"}"#.into()) },
            r#"1 <- {"type":"invokeResponse","invocationId":"1","success":true,"dataType":"text","data":"x","metadata":{"k":"v"}}"#.to_owned(),
        ),
    ] {
        let mut rig = faulty(&[]);
        rig.text(1, &invoke("1"));
        assert_eq!(rig.answer(1, &answer), [expected]);
    }
}

#[test]
fn a_pending_id_cannot_be_used_again_and_an_answered_one_can() {
    let mut rig = faulty(&[]);
    rig.text(1, &invoke("1"));
    let message = "An invocation with this invocationId waits for its answer.";
    assert_eq!(rig.text(1, &invoke("1")), [refused("1", "BadRequest", message)]);
    // The first is answered all the same.
    assert_eq!(rig.answer(1, &three()), [answered(1, "1")]);
    assert_eq!(rig.text(1, &invoke("1")), ["invocation 2 u1 sum json [1,2]"]);
}

#[test]
fn a_cancelled_invocation_is_not_answered_and_an_unknown_one_is_ignored() {
    let cancel = r#"{"type":"cancelInvocation","invocationId":"1"}"#;
    let mut rig = faulty(&[]);
    assert_eq!(rig.text(1, cancel), nothing());
    rig.text(1, &invoke("1"));
    assert_eq!(rig.text(1, cancel), nothing());
    // The id is free, and the answer to the first is not that to the second.
    assert_eq!(rig.text(1, &invoke("1")), ["invocation 2 u1 sum json [1,2]"]);
    assert_eq!(rig.answer(1, &three()), nothing());
    assert_eq!(rig.answer(2, &three()), [answered(1, "1")]);
}

#[test]
fn an_answer_without_a_socket_is_lost_and_one_after_the_recovery_is_not() {
    let mut rig = Rig::new();
    let connected = rig.reliable(1, &[]);
    rig.text(1, &invoke("1"));
    rig.text(1, &invoke("2"));
    rig.hub.handle_closed(rig.now, SocketId(1), CloseKind::Dropped);
    rig.outputs();
    assert_eq!(rig.answer(1, &three()), nothing());
    rig.recover(2, &connected.connection_id, &connected.token.unwrap());
    assert_eq!(rig.answer(2, &three()), [answered(2, "2")]);
    assert_eq!(rig.text(2, &invoke("2")).len(), 1);
}

#[test]
fn malformed_invocations_end_the_connection() {
    for text in [
        r#"{"type":"invoke","invocationId":"","event":"e"}"#,
        r#"{"type":"invoke","invocationId":"1","event":"9"}"#,
        r#"{"type":"invoke","invocationId":"1","event":"e","target":"group"}"#,
        r#"{"type":"cancelInvocation"}"#,
    ] {
        let outputs = faulty(&[]).text(1, text);
        assert!(outputs.iter().any(|output| output.contains("close 1007")), "{text}: {outputs:?}");
    }
}

#[test]
fn a_client_waits_with_invocations_as_with_events() {
    let mut rig = Rig::with(HubConfig { max_pending_events: 2, ..HubConfig::default() });
    rig.reliable(1, &[]);
    rig.text(1, &invoke("1"));
    rig.text(1, &invoke("2"));
    assert_eq!(rig.text(1, &invoke("3")), nothing());
    // One that is called off is at its handler still.
    assert_eq!(rig.text(1, r#"{"type":"cancelInvocation","invocationId":"1"}"#), nothing());
    assert_eq!(rig.answer(1, &three()), [answered(1, "1"), "invocation 3 u1 sum json [1,2]".to_owned()]);
}

#[test]
fn protobuf_clients_are_served_alike() {
    let mut rig = Rig::new();
    rig.open_as(1, ClientKind::PubSub(Subprotocol::ProtobufReliable), &[], &[]);
    let sent = crate::Upstream::Invoke {
        invocation_id: "1".into(),
        event: "sum".into(),
        data: Some(crate::Data::Json("[1,2]")),
        metadata: None,
    };
    let EncodedFrame::Binary(bytes) = Codec::Protobuf.encode_upstream(&sent) else { panic!() };
    assert_eq!(rig.binary(1, &bytes), ["invocation 1 u1 sum json [1,2]"]);
    assert_eq!(
        rig.answer(1, &three()),
        [r#"1 <~ {"type":"invokeResponse","invocationId":"1","success":true,"dataType":"json","data":3}"#]
    );
}

mod faults {
    use super::*;

    #[test]
    fn nack_refuses_it_and_nothing_is_asked() {
        let mut rig = faulty(&["nack=Odd,op=invoke,message=m,times=1"]);
        assert_eq!(rig.text(1, &invoke("1")), [refused("1", "Odd", "m")]);
        assert_eq!(rig.text(1, &invoke("1")), ["invocation 1 u1 sum json [1,2]"]);
    }

    #[test]
    fn an_event_of_another_name_is_spared() {
        let mut rig = faulty(&["nack=Odd,op=invoke,event=other"]);
        assert_eq!(rig.text(1, &invoke("1")), ["invocation 1 u1 sum json [1,2]"]);
    }

    #[test]
    fn a_swallowed_answer_never_comes_and_a_doubled_one_comes_twice() {
        let mut rig = faulty(&["swallow-ack,op=invoke,nth=1", "duplicate-ack,op=invoke,nth=2"]);
        rig.text(1, &invoke("1"));
        assert_eq!(rig.answer(1, &three()), nothing());
        rig.text(1, &invoke("2"));
        assert_eq!(rig.answer(2, &three()), [answered(1, "2"), answered(1, "2")]);
    }

    #[test]
    fn a_delayed_answer_lets_others_pass() {
        let mut rig = faulty(&["delay-ack=1s,op=invoke,nth=1"]);
        rig.text(1, &invoke("1"));
        rig.text(1, &invoke("2"));
        assert_eq!(rig.answer(1, &three()), nothing());
        assert_eq!(rig.answer(2, &three()), [answered(1, "2")]);
        rig.now += Duration::from_secs(1);
        rig.hub.handle_timeout(rig.now);
        assert_eq!(rig.outputs(), [answered(1, "1")]);
    }

    #[test]
    fn execute_then_drop_asks_the_handler_and_loses_the_answer() {
        let mut rig = faulty(&["execute-then-drop,op=invoke"]);
        assert_eq!(rig.text(1, &invoke("1")), ["invocation 1 u1 sum json [1,2]", "1 cut Reset"]);
        assert_eq!(rig.answer(1, &three()), nothing());
    }

    #[test]
    fn an_ignored_frame_has_no_effect() {
        let mut rig = faulty(&["ignore,op=invoke,times=1", "ignore,op=cancelInvocation"]);
        assert_eq!(rig.text(1, &invoke("1")), nothing());
        rig.text(1, &invoke("1"));
        rig.text(1, r#"{"type":"cancelInvocation","invocationId":"1"}"#);
        assert_eq!(rig.answer(1, &three()), [answered(1, "1")]);
    }

    #[test]
    fn an_answer_can_be_garbled() {
        for (kind, frame) in [
            ("null", r#"{"type":"invokeResponse","invocationId":"1","success":true,"dataType":"json","data":null}"#),
            ("shape", r#"{"type":"invokeResponse","invocationId":"1"}"#),
            ("truncated", r#"{"type":"invokeResponse","invocationId":"1""#),
        ] {
            let mut rig = faulty(&[&format!("garble-answer={kind}")]);
            rig.text(1, &invoke("1"));
            assert_eq!(rig.answer(1, &three()), [format!("1 <- {frame}")]);
        }
        assert!("garble-answer=odd".parse::<crate::fault::Fault>().is_err());
        assert!("garble-answer=null,op=event".parse::<crate::fault::Fault>().is_err());
    }
}

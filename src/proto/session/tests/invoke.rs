//! PROTOCOL §9.2, §19.16–19.

use super::*;

fn sum() -> Invocation {
    Invocation::new("sum".into(), Some(OwnedData::json("[1,2]").unwrap()))
}

fn invokes(id: &str) -> String {
    format!(
        r#"→ {{"type":"invoke","invocationId":"{id}","target":"event","event":"sum","dataType":"json","data":[1,2]}}"#
    )
}

fn cancels(id: &str) -> String {
    format!(r#"→ {{"type":"cancelInvocation","invocationId":"{id}"}}"#)
}

fn answer(id: &str) -> String {
    format!(r#"{{"type":"invokeResponse","invocationId":"{id}","success":true,"dataType":"json","data":3}}"#)
}

const LOST: &str = "recovering c1: reset";

#[test]
fn an_invocation_is_answered_once_and_answers_come_in_any_order() {
    let mut b = SessionBench::live(config());
    b.invoke(sum());
    b.invoke(Invocation {
        metadata: Some(crate::Metadata::new([("k", "v")]).unwrap()),
        ..Invocation::new("hi".into(), None)
    });
    b.says(&[
        &invokes("1"),
        r#"→ {"type":"invoke","invocationId":"2","target":"event","event":"hi","metadata":{"k":"v"}}"#,
    ]);
    b.pass(ms(5));
    b.control(r#"{"type":"invokeResponse","invocationId":"2","success":true,"metadata":{"a":"b"}}"#);
    b.says(&[r#"#2 invoked hi 2: answered - {"a":"b"}, 5ms"#]);
    b.control(&answer("1"));
    b.says(&["#1 invoked sum 1: answered json 3 -, 5ms"]);
    // Once more, and one that nobody asked for.
    b.control(&answer("1"));
    b.control(&answer("9"));
    b.says(&[]);
    let counts = b.session.counts();
    assert_eq!((counts.sent, counts.acked, counts.failed, counts.unexpected), (2, 2, 0, 2));
    assert!(b.session.is_idle());
}

#[test]
fn a_refusal_and_an_answer_that_is_not_understood_settle_the_call() {
    for (fields, outcome) in [
        (r#""success":false,"error":{"name":"BadRequest","message":"m"}"#, "refused BadRequest: m"),
        (r#""success":false"#, "refused : "),
        (r#""success":true,"dataType":"odd","data":1"#, "not understood: unknown `dataType`: `odd`"),
        (r#""data":1"#, "not understood: an `invokeResponse` without `success`"),
        (r#""success":true,"dataType":"json","data":null"#, "answered json null -"),
        (r#""success":true"#, "answered - -"),
    ] {
        let mut b = SessionBench::live(config());
        b.invoke(sum());
        b.says(&[&invokes("1")]);
        b.control(&format!(r#"{{"type":"invokeResponse","invocationId":"1",{fields}}}"#));
        b.says(&[&format!("#1 invoked sum 1: {outcome}, 0ns")]);
        assert_eq!(b.session.counts().acked, u64::from(outcome.starts_with("answered")));
    }
}

#[test]
fn the_outcome_is_unknown_at_a_drop_whether_or_not_the_connection_is_recovered() {
    let mut b = SessionBench::live(config());
    b.pass(s(2));
    b.invoke(sum());
    b.says(&[&invokes("1")]);
    b.cut();
    b.says(&[LOST, "#1 invoked sum 1: unknown: reset, 0ns", "recover c1 with t1 by 7s"]);
    b.recover();
    b.says(&["recovered c1, attempts 1, down 0ns"]);
    // Its answer comes all the same, and is nobody's.
    b.control(&answer("1"));
    b.says(&[]);
    assert_eq!(b.session.counts().unexpected, 1);
    // Nor is it taken for that of the next.
    b.invoke(sum());
    b.says(&[&invokes("2")]);
    b.control(&answer("1"));
    b.says(&[]);
    b.control(&answer("2"));
    b.says(&["#2 invoked sum 2: answered json 3 -, 0ns"]);
}

#[test]
fn without_recovery_a_drop_makes_the_outcome_unknown_too() {
    let mut b = SessionBench::live(Config { reliable: false, ..config() });
    b.invoke(sum());
    b.says(&[&invokes("1")]);
    b.cut();
    b.says(&[
        "session-lost c1: reset",
        "disconnected c1: reset",
        "#1 invoked sum 1: unknown: reset, 0ns",
        "reconnecting 1 in 1s: reset",
    ]);
}

/// PROTOCOL §19.15.
#[test]
fn what_is_asked_while_recovering_waits_for_it_until_its_own_deadline() {
    let mut b = SessionBench::recovering(config());
    b.invoke(Invocation { timeout: Some(s(1)), ..sum() });
    b.invoke(Invocation { timeout: Some(s(5)), ..sum() });
    b.says(&[]);
    b.pass(s(1));
    b.says(&["#1 invoked sum -: not sent: its time was over, 0ns"]);
    b.recover();
    b.says(&["recovered c1, attempts 1, down 1s", &invokes("1")]);
    // The wait for the connection was part of its time.
    b.pass(s(4));
    b.says(&[&cancels("1"), "#2 invoked sum 1: timed out, 4s"]);
}

#[test]
fn one_asked_before_the_connection_goes_out_with_it() {
    let mut b = SessionBench::dialing(config());
    b.invoke(sum());
    b.open();
    b.says(&[]);
    b.text(CONNECTED);
    b.says(&[r#"connected c1 Some("alice")"#, &invokes("1")]);
}

#[test]
fn timeout_cancellation_and_stop_tell_the_service_once_and_wait_for_nothing() {
    let mut b = SessionBench::live(config());
    b.invoke(Invocation { timeout: Some(s(1)), ..sum() });
    let second = b.invoke(sum());
    b.invoke(sum());
    b.says(&[&invokes("1"), &invokes("2"), &invokes("3")]);
    b.pass(s(1));
    b.says(&[&cancels("1"), "#1 invoked sum 1: timed out, 1s"]);
    b.session.handle_cancel(b.now, second);
    b.session.handle_cancel(b.now, second);
    b.says(&[&cancels("2"), "#2 invoked sum 2: cancelled, 1s"]);
    // Too late.
    b.control(&answer("1"));
    b.control(&answer("2"));
    b.says(&[]);
    b.stop();
    b.says(&[&cancels("3"), "#3 invoked sum 3: cancelled, 1s", "close 1000"]);
    b.invoke(sum());
    b.says(&["#4 invoked sum -: not sent: the session has ended, 0ns"]);
}

#[test]
fn a_cancelled_one_that_was_never_sent_is_not_sent() {
    let mut b = SessionBench::recovering(config());
    let id = b.invoke(sum());
    b.session.handle_cancel(b.now, id);
    b.says(&["#1 invoked sum -: not sent: it was called off, 0ns"]);
    b.invoke(sum());
    b.session.handle_withdrawal(b.now);
    b.says(&["#2 invoked sum -: not sent: what was asked for before it has failed, 0ns"]);
    b.invoke(sum());
    b.session.handle_abort();
    b.says(&["cancel the dial", "#3 invoked sum -: not sent: the session was stopped, 0ns", "ended: stopped"]);
}

#[test]
fn an_abort_leaves_the_outcome_unknown() {
    let mut b = SessionBench::live(config());
    b.invoke(sum());
    b.says(&[&invokes("1")]);
    b.session.handle_abort();
    b.says(&["abort", "#1 invoked sum 1: unknown: the session was stopped, 0ns", "ended: stopped"]);
}

#[test]
fn an_id_is_not_used_again_while_an_answer_to_it_may_come() {
    let given = |id: &str| Invocation { invocation_id: Some(id.into()), ..sum() };
    let mut b = SessionBench::live(config());
    b.invoke(given("2"));
    b.invoke(sum());
    b.invoke(given("2"));
    // The session leaves out what was given.
    b.invoke(sum());
    b.says(&[&invokes("2"), &invokes("1"), "#3 invoked sum -: id in use, 0ns", &invokes("3")]);
    b.control(&answer("2"));
    b.says(&["#1 invoked sum 2: answered json 3 -, 0ns"]);
    // It has been answered, and is free again.
    let again = b.invoke(given("2"));
    b.session.handle_cancel(b.now, again);
    b.says(&[&invokes("2"), &cancels("2"), "#5 invoked sum 2: cancelled, 0ns"]);
    // This one may still be answered.
    b.invoke(given("2"));
    b.says(&["#6 invoked sum -: id in use, 0ns"]);
}

/// CLI contract, `--on-unknown resend`.
#[test]
fn one_that_is_sent_again_on_request_has_another_id() {
    let mut b = SessionBench::live(Config { on_unknown: OnUnknown::Resend, ..config() });
    b.pass(s(2));
    b.invoke(Invocation { invocation_id: Some("mine".into()), ..sum() });
    b.says(&[&invokes("mine")]);
    b.cut();
    b.says(&[LOST, "recover c1 with t1 by 7s"]);
    b.recover();
    b.says(&["recovered c1, attempts 1, down 0ns", &invokes("1")]);
    b.control(&answer("mine"));
    b.says(&[]);
    b.control(&answer("1"));
    b.says(&["#1 invoked sum 1: answered json 3 -, 0ns"]);
}

#[test]
fn one_that_costs_every_socket_is_not_sent_for_ever() {
    let mut b = SessionBench::live(Config { on_unknown: OnUnknown::Resend, reliable: false, ..config() });
    b.invoke(sum());
    let mut sent = 0;
    for _ in 0..20 {
        let said = b.take();
        sent += said.iter().filter(|line| line.contains(r#""type":"invoke""#)).count();
        if said.iter().any(|line| line.starts_with("#1 invoked sum 10: unknown: the connection was lost 10 times")) {
            assert_eq!(sent, 10);
            return;
        }
        b.cut();
        b.pass(s(1));
        b.open();
        b.control(&connected("c2"));
    }
    panic!("sent {sent} times");
}

#[test]
fn time_in_which_nothing_is_read_does_not_count() {
    let mut b = SessionBench::live(config());
    b.invoke(Invocation { timeout: Some(s(2)), ..sum() });
    b.says(&[&invokes("1")]);
    b.pass(s(1));
    b.stall();
    b.quiet(s(5));
    b.unstall();
    b.control(&answer("1"));
    b.says(&["#1 invoked sum 1: answered json 3 -, 6s"]);
}

#[test]
fn what_the_service_hangs_up_for_while_an_invocation_waits_is_held_against_no_other() {
    let mut b = SessionBench::live(config());
    for _ in 0..2 {
        b.pass(s(2));
        b.invoke(sum());
        b.send("x");
        b.close(1009);
        let said = b.take();
        assert!(said.iter().any(|line| line.contains("unknown")), "{said:?}");
        b.open();
        b.control(PONG);
        // It would wait under suspicion, had the service meant it.
        let said = b.take();
        assert!(said.iter().any(|line| line.contains("sendToGroup")), "{said:?}");
    }
}

#[test]
fn a_connection_that_another_process_goes_on_with_has_ids_of_its_own() {
    let keep = Keep { resume: None, reserved: None };
    let mut b = SessionBench::live(Config { keep: Some(keep), seed: 0xab, ..config() });
    b.invoke(sum());
    assert!(b.take().contains(&invokes("00000000000000ab-1")));
}

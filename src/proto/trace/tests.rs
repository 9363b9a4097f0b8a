//! What a tracer does, step by step: after each input exactly these outputs.

use proptest::prelude::*;

use super::*;
use crate::session::{BackoffMode, DialClass};

const CONNECTED: Output = Output::News(News::Connected);

fn s(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn config() -> Config {
    Config {
        connect_timeout: s(30),
        retries_until_connected: Retries::Limited(1),
        retries_once_connected: Retries::Unlimited,
        backoff: Backoff { mode: BackoffMode::Fixed, delay: s(3), max_delay: s(10) },
        patience: PATIENCE,
        seed: 1,
    }
}

fn outputs(tracer: &mut Tracer) -> Vec<Output> {
    std::iter::from_fn(|| tracer.poll_output()).collect()
}

fn send(message: &str) -> Output {
    Output::Send(format!("{message}\u{1e}"))
}

fn ask(id: i64) -> Output {
    send(&format!("{{\"type\":1,\"target\":\"LogProperty\",\"arguments\":[{id}]}}"))
}

fn start() -> Output {
    send("{\"type\":1,\"invocationId\":\"0\",\"target\":\"startListeningToLogEvents\",\"arguments\":[]}")
}

fn event(id: i64, value: &str) -> String {
    format!(
        "{{\"type\":1,\"target\":\"logEvent\",\"arguments\":[{{\"eventId\":{id},\"values\":[\"{value}\"]}}]}}\u{1e}"
    )
}

fn template(id: i64, text: &str) -> String {
    format!(
        "{{\"type\":1,\"target\":\"LogProperty\",\"arguments\":[{{\"eventId\":{id},\"eventName\":\"E{id}\",\
         \"template\":\"{text}\",\"logLevel\":3}}]}}\u{1e}"
    )
}

fn messages(outputs: Vec<Output>) -> Vec<String> {
    let message = |output| match output {
        Output::Trace(trace) => trace.message,
        other => panic!("{other:?}"),
    };
    outputs.into_iter().map(message).collect()
}

/// One that is connected, since then.
fn live_with(config: Config, now: Duration) -> Tracer {
    let mut tracer = Tracer::new(config);
    tracer.handle_start(now);
    assert_eq!(outputs(&mut tracer), [Output::Dial { deadline: now + s(30) }]);
    greet(&mut tracer, now);
    tracer
}

fn greet(tracer: &mut Tracer, now: Duration) {
    tracer.handle_opened(now);
    assert_eq!(outputs(tracer), [send("{\"protocol\":\"json\",\"version\":1}")]);
    tracer.handle_text(now, "{}\u{1e}");
    assert_eq!(outputs(tracer), [start(), CONNECTED]);
}

fn live() -> Tracer {
    live_with(config(), s(0))
}

fn lost(error: &str) -> Output {
    Output::News(News::Lost(Loss { error: Some(error.to_owned()), ..Loss::default() }))
}

fn reconnecting(attempt: u32, error: &str) -> Output {
    Output::News(News::Reconnecting { attempt, delay: s(3), error: error.to_owned() })
}

fn failed(kind: EndKind, message: &str) -> Output {
    Output::Ended(End::Failed { kind, message: message.to_owned() })
}

#[test]
fn nothing_is_sent_before_the_answer_to_the_handshake_and_records_may_follow_it_at_once() {
    let mut tracer = Tracer::new(config());
    tracer.handle_start(s(0));
    tracer.handle_opened(s(1));
    assert_eq!(outputs(&mut tracer).len(), 2);
    tracer.handle_timeout(s(20));
    assert_eq!(outputs(&mut tracer), []);
    tracer.handle_text(s(21), &format!("{{}}\u{1e}{}", event(1, "a")));
    assert_eq!(outputs(&mut tracer), [start(), CONNECTED, ask(1)]);
}

#[test]
fn a_refused_handshake_and_something_else_in_its_place_end_it() {
    for (answer, kind, message) in [
        ("{\"error\":\"no\"}\u{1e}", EndKind::HandshakeRefused, "the service refused the handshake: no"),
        (
            "hello",
            EndKind::Protocol,
            "the first message is no answer to a handshake of SignalR: it does not end with 0x1E",
        ),
        ("", EndKind::Protocol, "the first message is no answer to a handshake of SignalR: it does not end with 0x1E"),
    ] {
        let mut tracer = Tracer::new(config());
        tracer.handle_start(s(0));
        tracer.handle_opened(s(0));
        outputs(&mut tracer);
        tracer.handle_text(s(0), answer);
        assert_eq!(outputs(&mut tracer)[1..], [failed(kind, message)], "{answer}");
    }
}

#[test]
fn a_connection_that_is_closed_by_policy_before_anything_came_is_refused_and_not_tried_again() {
    let refused = |code| LossCause::Close { code, reason: "no".to_owned() };
    // In place of the answer to the handshake.
    let mut tracer = Tracer::new(config());
    tracer.handle_start(s(0));
    tracer.handle_opened(s(0));
    outputs(&mut tracer);
    tracer.handle_closed(s(0), &refused(1008));
    let [Output::Ended(End::Failed { kind, message })] = &outputs(&mut tracer)[..] else { panic!() };
    assert_eq!(*kind, EndKind::HandshakeRefused);
    assert!(message.contains("1008") && message.contains("no"), "{message}");
    // Behind it.
    let mut tracer = live();
    tracer.handle_closed(s(1), &refused(1008));
    let ended = outputs(&mut tracer);
    assert!(matches!(&ended[..], [Output::Ended(End::Failed { kind: EndKind::HandshakeRefused, .. })]), "{ended:?}");
    // Another code, and a connection that was a good one, are made anew.
    let mut tracer = live();
    tracer.handle_closed(s(1), &refused(1012));
    assert!(matches!(outputs(&mut tracer)[1], Output::News(News::Reconnecting { .. })));
    let mut tracer = live();
    tracer.handle_closed(s(60), &refused(1008));
    assert!(matches!(outputs(&mut tracer)[1], Output::News(News::Reconnecting { .. })));
    tracer.handle_timeout(s(63));
    outputs(&mut tracer);
    greet(&mut tracer, s(63));
    tracer.handle_closed(s(64), &refused(1008));
    let ended = outputs(&mut tracer);
    assert!(matches!(&ended[..], [Output::Ended(End::Failed { kind: EndKind::Lost, .. })]), "{ended:?}");
}

#[test]
fn an_answer_to_the_handshake_that_does_not_come_is_a_failed_attempt() {
    let mut tracer = Tracer::new(config());
    tracer.handle_start(s(0));
    tracer.handle_opened(s(1));
    outputs(&mut tracer);
    assert_eq!(tracer.poll_timeout(), Some(s(30)));
    tracer.handle_timeout(s(30));
    let error = "timed out after 30 s waiting for the answer to the handshake";
    assert_eq!(outputs(&mut tracer), [Output::Abort, reconnecting(1, error)]);
    tracer.handle_timeout(s(33));
    assert_eq!(outputs(&mut tracer), [Output::Dial { deadline: s(63) }]);
    tracer.handle_opened(s(33));
    tracer.handle_timeout(s(63));
    let end = failed(EndKind::NotGreeted, error);
    assert_eq!(outputs(&mut tracer), [send("{\"protocol\":\"json\",\"version\":1}"), Output::Abort, end]);
}

#[test]
fn a_template_is_asked_for_once_and_fills_all_that_wait_in_their_order() {
    let mut tracer = live();
    tracer.handle_text(s(1), &event(1, "a"));
    tracer.handle_text(s(1), &event(2, "b"));
    tracer.handle_text(s(1), &event(1, "c"));
    assert_eq!(outputs(&mut tracer), [ask(1), ask(2)]);
    // The second waits behind the first, whose template comes later.
    tracer.handle_text(s(2), &template(2, "two {x}"));
    assert_eq!(outputs(&mut tracer), []);
    tracer.handle_text(s(2), &template(1, "one {x}"));
    assert_eq!(messages(outputs(&mut tracer)), ["one a", "two b", "one c"]);
    tracer.handle_text(s(2), &event(2, "d"));
    let trace = Trace {
        time: None,
        event_id: 2,
        event_name: Some("E2".into()),
        level: Some(Level::Warning),
        message: "two d".into(),
        exception: None,
        properties: Vec::new(),
    };
    assert_eq!(outputs(&mut tracer), [Output::Trace(trace)]);
}

#[test]
fn events_whose_template_does_not_come_are_shown_with_their_bare_values_and_later_ones_do_not_wait() {
    let mut tracer = live();
    tracer.handle_text(s(1), &event(1, "a"));
    assert_eq!(outputs(&mut tracer), [ask(1)]);
    assert_eq!(tracer.poll_timeout(), Some(s(1) + PATIENCE));
    tracer.handle_timeout(s(3));
    assert_eq!(messages(outputs(&mut tracer)), ["a"]);
    tracer.handle_text(s(4), &event(1, "b"));
    assert_eq!(messages(outputs(&mut tracer)), ["b"]);
    tracer.handle_text(s(5), &template(1, "one {x}"));
    tracer.handle_text(s(5), &event(1, "c"));
    assert_eq!(messages(outputs(&mut tracer)), ["one c"]);
}

#[test]
fn when_too_many_wait_the_first_are_shown_as_they_are() {
    let mut tracer = live();
    let mut shown = Vec::new();
    for number in 0..5_000 {
        tracer.handle_text(s(1), &event(1, &number.to_string()));
        shown.extend(outputs(&mut tracer));
    }
    assert_eq!(shown.remove(0), ask(1));
    assert_eq!(messages(shown).first().map(String::as_str), Some("0"));
    tracer.handle_text(s(1), &template(1, "{n}."));
    let shown = messages(outputs(&mut tracer));
    assert_eq!((shown.len(), shown.last().map(String::as_str)), (4096, Some("4999.")));
}

#[test]
fn large_events_that_wait_take_no_more_than_so_much_memory() {
    let mut tracer = live();
    let value = "x".repeat(100_000);
    let mut shown = 0;
    for _ in 0..100 {
        tracer.handle_text(s(1), &event(1, &value));
        shown += outputs(&mut tracer).iter().filter(|output| matches!(output, Output::Trace(_))).count();
    }
    assert!((50..100).contains(&shown), "{shown}");
}

#[test]
fn it_pings_when_it_has_sent_nothing_and_gives_up_when_it_has_received_nothing() {
    let mut tracer = live();
    assert_eq!(tracer.poll_timeout(), Some(s(15)));
    tracer.handle_timeout(s(15));
    assert_eq!(outputs(&mut tracer), [send("{\"type\":6}")]);
    tracer.handle_text(s(20), "{\"type\":6}\u{1e}");
    tracer.handle_timeout(s(30));
    assert_eq!(outputs(&mut tracer), [send("{\"type\":6}")]);
    tracer.handle_timeout(s(45));
    assert_eq!(outputs(&mut tracer), [send("{\"type\":6}")]);
    assert_eq!(tracer.poll_timeout(), Some(s(50)));
    tracer.handle_timeout(s(50));
    let error = "nothing was received for 30 s";
    assert_eq!(outputs(&mut tracer), [Output::Abort, lost(error), reconnecting(1, error)]);
}

#[test]
fn whoever_does_not_read_does_not_take_the_silence_for_the_services() {
    let mut tracer = live();
    tracer.handle_stalled(s(1), true);
    for at in [16, 31, 46, 61] {
        tracer.handle_timeout(s(at));
    }
    assert_eq!(outputs(&mut tracer), vec![send("{\"type\":6}"); 4]);
    tracer.handle_stalled(s(70), false);
    tracer.handle_timeout(s(99));
    assert_eq!(outputs(&mut tracer), [send("{\"type\":6}")]);
    tracer.handle_timeout(s(100));
    assert_eq!(outputs(&mut tracer)[0], Output::Abort);
}

#[test]
fn an_event_does_not_lose_its_template_to_the_time_in_which_nothing_is_read() {
    let mut tracer = live();
    tracer.handle_text(s(1), &event(1, "a"));
    assert_eq!(outputs(&mut tracer), [ask(1)]);
    tracer.handle_stalled(s(2), true);
    assert_eq!(tracer.poll_timeout(), Some(s(1) + PING_INTERVAL));
    tracer.handle_stalled(s(9), false);
    assert_eq!(tracer.poll_timeout(), Some(s(9) + PATIENCE));
    // What came meanwhile is read first, and waits with it.
    tracer.handle_text(s(9), &event(1, "b"));
    tracer.handle_text(s(10), &template(1, "one {x}"));
    assert_eq!(messages(outputs(&mut tracer)), ["one a", "one b"]);
}

#[test]
fn after_a_cut_it_dials_anew_and_starts_again_with_the_templates_it_knows() {
    let mut tracer = live();
    tracer.handle_text(s(1), &event(1, "a"));
    tracer.handle_text(s(1), &template(1, "one {x}"));
    tracer.handle_text(s(1), &event(2, "b"));
    outputs(&mut tracer);
    tracer.handle_closed(s(2), &LossCause::Broken("reset".into()));
    let shown = outputs(&mut tracer);
    // What waited for a template that will not come is shown before.
    assert_eq!(messages(shown[..1].to_vec()), ["b"]);
    assert_eq!(shown[1..], [lost("reset"), reconnecting(1, "reset")]);
    tracer.handle_timeout(s(5));
    assert_eq!(outputs(&mut tracer), [Output::Dial { deadline: s(35) }]);
    greet(&mut tracer, s(6));
    tracer.handle_text(s(6), &event(1, "c"));
    assert_eq!(messages(outputs(&mut tracer)), ["one c"]);
    // One that was asked for in vain is asked for again.
    tracer.handle_text(s(6), &event(2, "d"));
    assert_eq!(outputs(&mut tracer), [ask(2)]);
}

#[test]
fn a_close_that_allows_coming_back_is_followed_by_another_connection_and_one_that_does_not_by_none() {
    let mut tracer = live();
    tracer.handle_text(s(1), "{\"type\":7,\"error\":\"restart\",\"allowReconnect\":true}\u{1e}{\"type\":6}\u{1e}");
    let error = "the service closed the connection, saying `restart`";
    assert_eq!(outputs(&mut tracer), [Output::Abort, lost(error), reconnecting(1, error)]);
    for (close, message) in [
        ("{\"type\":7}", "the service closed the connection, and does not want it back"),
        (
            "{\"type\":7,\"error\":\"off\"}",
            "the service closed the connection, saying `off`, and does not want it back",
        ),
    ] {
        let mut tracer = live();
        tracer.handle_text(s(1), &format!("{close}\u{1e}"));
        assert_eq!(outputs(&mut tracer), [Output::Abort, failed(EndKind::Lost, message)]);
        assert_eq!(tracer.poll_timeout(), None);
    }
}

#[test]
fn a_refusal_to_start_ends_it() {
    let mut tracer = live();
    tracer.handle_text(s(1), "{\"type\":3,\"invocationId\":\"0\",\"error\":\"live trace is off\"}\u{1e}");
    let message = "the service refused to send traces: live trace is off";
    let expected = [Output::Close { code: 1000 }, failed(EndKind::HandshakeRefused, message)];
    assert_eq!(outputs(&mut tracer), expected);
    let mut tracer = live();
    tracer.handle_text(s(1), "{\"type\":3,\"invocationId\":\"0\",\"result\":null}\u{1e}{\"type\":3,\"invocationId\":\"9\",\"error\":\"x\"}\u{1e}");
    assert_eq!(outputs(&mut tracer), []);
}

#[test]
fn what_cannot_be_read_is_said_and_passed_over() {
    let mut tracer = live();
    tracer.handle_text(s(1), &format!("nonsense\u{1e}{{\"type\":1,\"target\":\"logEvent\"}}\u{1e}{}", event(1, "a")));
    tracer.handle_binary(s(1));
    let told = outputs(&mut tracer);
    let unreadable = |output: &Output| matches!(output, Output::News(News::Unreadable { .. }));
    assert_eq!(told.iter().map(unreadable).collect::<Vec<_>>(), [true, true, false, true], "{told:?}");
    assert_eq!(told[2], ask(1));
}

#[test]
fn calls_with_an_id_are_answered_and_the_case_of_their_names_does_not_matter() {
    let mut tracer = live();
    tracer.handle_text(s(1), "{\"type\":1,\"target\":\"doThis\",\"invocationId\":\"7\",\"arguments\":[]}\u{1e}");
    assert_eq!(
        outputs(&mut tracer),
        [send("{\"type\":3,\"invocationId\":\"7\",\"error\":\"The client has no result.\"}")]
    );
    tracer.handle_text(s(1), &event(1, "a").replace("logEvent", "LOGEVENT"));
    tracer.handle_text(s(1), &template(1, "one {x}").replace("LogProperty", "logProperty"));
    let told = outputs(&mut tracer);
    assert_eq!(messages(told[1..].to_vec()), ["one a"]);
}

#[test]
fn attempts_are_counted_until_a_connection_has_proved_itself() {
    let dial = |class| DialFailure { class, message: "m".into(), retry_after: None };
    let mut tracer = Tracer::new(config());
    tracer.handle_start(s(0));
    tracer.handle_dial_failed(s(0), dial(DialClass::Unreachable));
    tracer.handle_timeout(s(3));
    tracer.handle_dial_failed(s(3), dial(DialClass::Unreachable));
    let told = outputs(&mut tracer);
    assert_eq!(told[1], reconnecting(1, "m"));
    assert_eq!(told.last(), Some(&failed(EndKind::Unreachable, "m")));
    for (class, kind) in [
        (DialClass::Status(401), EndKind::Unauthorized),
        (DialClass::Status(404), EndKind::HandshakeRefused),
        (DialClass::Certificate, EndKind::Unreachable),
    ] {
        let mut tracer = Tracer::new(config());
        tracer.handle_start(s(0));
        tracer.handle_dial_failed(s(0), dial(class));
        assert_eq!(outputs(&mut tracer)[1..], [failed(kind, "m")]);
    }
    let limited = Config { retries_once_connected: Retries::Limited(1), ..config() };
    for (lived, expected) in [(1, None), (5, Some(reconnecting(1, "reset")))] {
        let mut tracer = live_with(limited.clone(), s(0));
        tracer.handle_closed(s(1), &LossCause::Broken("reset".into()));
        tracer.handle_timeout(s(4));
        outputs(&mut tracer);
        greet(&mut tracer, s(4));
        tracer.handle_closed(s(4 + lived), &LossCause::Broken("reset".into()));
        let last = outputs(&mut tracer).pop();
        assert_eq!(last, Some(expected.unwrap_or_else(|| failed(EndKind::Lost, "reset"))), "{lived}");
    }
}

#[test]
fn a_wait_that_is_asked_for_is_kept_unless_it_is_too_long() {
    let failure = |secs| DialFailure { class: DialClass::Status(503), message: "m".into(), retry_after: Some(s(secs)) };
    let mut tracer = Tracer::new(config());
    tracer.handle_start(s(0));
    tracer.handle_dial_failed(s(0), failure(7));
    assert_eq!(tracer.poll_timeout(), Some(s(7)));
    let mut tracer = Tracer::new(config());
    tracer.handle_start(s(0));
    tracer.handle_dial_failed(s(0), failure(11));
    let message = "m; asked to wait 11 s, more than the longest pause of 10 s";
    assert_eq!(outputs(&mut tracer)[1..], [failed(EndKind::Unreachable, message)]);
}

#[test]
fn it_ends_properly_wherever_it_stands() {
    let mut tracer = live();
    tracer.handle_text(s(1), &event(1, "a"));
    outputs(&mut tracer);
    tracer.handle_stop(s(1));
    let told = outputs(&mut tracer);
    assert_eq!(messages(told[..1].to_vec()), ["a"]);
    assert_eq!(told[1..], [Output::Close { code: 1000 }]);
    tracer.handle_text(s(1), &event(1, "b"));
    tracer.handle_closed(s(2), &LossCause::Close { code: 1000, reason: String::new() });
    assert_eq!(outputs(&mut tracer), [Output::Ended(End::Stopped)]);

    let mut tracer = live();
    tracer.handle_stop(s(1));
    tracer.handle_timeout(s(3));
    assert_eq!(outputs(&mut tracer), [Output::Close { code: 1000 }, Output::Abort, Output::Ended(End::Stopped)]);

    let mut tracer = Tracer::new(config());
    tracer.handle_start(s(0));
    tracer.handle_stop(s(1));
    assert_eq!(outputs(&mut tracer)[1..], [Output::CancelDial, Output::Ended(End::Stopped)]);
}

#[derive(Clone, Debug)]
enum TracerInput {
    Pass(u64),
    Opened,
    Failed,
    Text(String),
    Binary,
    Closed,
    Stalled(bool),
    Timeout,
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("{}\u{1e}".to_owned()),
        (0..4i64, "[a-z{}]{0,5}").prop_map(|(id, value)| event(id, &value)),
        (0..4i64, "[a-z{}]{0,9}").prop_map(|(id, text)| template(id, &text)),
        Just("{\"type\":6}\u{1e}".to_owned()),
        Just("{\"type\":7,\"allowReconnect\":true}\u{1e}".to_owned()),
        "\\PC{0,20}\u{1e}?",
    ]
}

fn inputs() -> impl Strategy<Value = TracerInput> {
    prop_oneof![
        3 => (0..40u64).prop_map(TracerInput::Pass),
        4 => Just(TracerInput::Opened),
        1 => Just(TracerInput::Failed),
        9 => texts().prop_map(TracerInput::Text),
        1 => Just(TracerInput::Binary),
        1 => Just(TracerInput::Closed),
        1 => any::<bool>().prop_map(TracerInput::Stalled),
        4 => Just(TracerInput::Timeout),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_every_event_is_shown_once_in_its_order_and_stopping_ends_it(
        inputs in proptest::collection::vec(inputs(), 0..60)
    ) {
        let mut tracer = Tracer::new(Config { retries_until_connected: Retries::Unlimited, ..config() });
        let (mut now, mut came, mut shown, mut ended) = (s(0), Vec::new(), Vec::new(), 0);
        let mut number = 0;
        tracer.handle_start(now);
        for input in inputs {
            match input {
                TracerInput::Pass(secs) => now += s(secs),
                TracerInput::Opened => tracer.handle_opened(now),
                TracerInput::Failed => tracer.handle_dial_failed(
                    now,
                    DialFailure { class: DialClass::Unreachable, message: "m".into(), retry_after: None },
                ),
                TracerInput::Text(text) => {
                    // Each event has a time of its own, by which it is known again.
                    let numbered = text.replace("\"values\"", &format!("\"time\":\"{number}\",\"values\""));
                    if numbered != text && matches!(tracer.phase, TracerPhase::Live(_)) {
                        came.push(number.to_string());
                    }
                    number += 1;
                    tracer.handle_text(now, &numbered);
                }
                TracerInput::Binary => tracer.handle_binary(now),
                TracerInput::Closed => tracer.handle_closed(now, &LossCause::Broken("b".into())),
                TracerInput::Stalled(stalled) => tracer.handle_stalled(now, stalled),
                TracerInput::Timeout => tracer.handle_timeout(now),
            }
            for output in outputs(&mut tracer) {
                match output {
                    Output::Trace(trace) => shown.push(trace.time.unwrap_or_default()),
                    Output::Ended(_) => ended += 1,
                    Output::Dial { .. } | Output::CancelDial | Output::Send(_) | Output::Close { .. } | Output::Abort
                    | Output::News(_) => {}
                }
            }
        }
        tracer.handle_stop(now);
        tracer.handle_timeout(now + s(2));
        for output in outputs(&mut tracer) {
            match output {
                Output::Trace(trace) => shown.push(trace.time.unwrap_or_default()),
                Output::Ended(_) => ended += 1,
                Output::Dial { .. } | Output::CancelDial | Output::Send(_) | Output::Close { .. } | Output::Abort
                | Output::News(_) => {}
            }
        }
        prop_assert_eq!(shown, came);
        prop_assert_eq!(ended, 1);
        prop_assert_eq!(tracer.poll_timeout(), None);
    }
}

//! Group states (PROTOCOL §9.3, §19.29–31).

use super::*;
use crate::GroupState;

fn set_request(value: Option<&str>) -> Request {
    let state = value.map(|value| GroupState::from_iter([("s", value)]));
    Request::SetState { group: "g".into(), state }
}

fn sets(value: &str, id: u64) -> String {
    format!(r#"→ {{"type":"setGroupState","group":"g","ackId":{id},"state":{{"s":"{value}"}}}}"#)
}

fn subscribes(id: u64) -> String {
    format!(r#"→ {{"type":"subscribeGroupState","group":"g","ackId":{id}}}"#)
}

fn item(id: &str, value: Option<&str>, at: i64) -> String {
    let state = value.map(|value| format!(r#""state":{{"s":"{value}"}},"#)).unwrap_or_default();
    format!(r#"{{"connectionId":"{id}",{state}"updatedAt":{at}}}"#)
}

fn frame(kind: &str, sequence_id: u64, items: &[String]) -> String {
    format!(r#"{{"sequenceId":{sequence_id},"type":"groupState{kind}","group":"g","items":[{}]}}"#, items.join(","))
}

impl SessionBench {
    fn set(&mut self, value: Option<&str>) {
        self.ask(set_request(value), AckMode::Automatic);
    }

    fn subscribe(&mut self) {
        self.ask(Request::SubscribeStates { group: "g".into() }, AckMode::Automatic);
    }

    /// What is told of states, as `c2=x` or `-c2`; `None`: nothing.
    fn states(&mut self, text: &str) -> Option<Vec<String>> {
        let text: &'static str = text.to_owned().leak();
        match self.text(text) {
            Received::States(StateChanges { group, changes, .. }) => {
                assert_eq!(group, "g");
                let shown = |change: StateChange| match change.state {
                    Some(state) => format!("{}={}", change.connection_id, state.entries["s"]),
                    None => format!("-{}", change.connection_id),
                };
                Some(changes.into_iter().map(shown).collect())
            }
            Received::Control => None,
            other => panic!("{other:?}"),
        }
    }

    /// The acks of what was asked, all of them.
    fn acks(&mut self, ids: std::ops::RangeInclusive<u64>) {
        ids.for_each(|id| self.ack(id));
    }

    /// Lost for good, and connected anew.
    fn is_made_anew_as(&mut self, id: &str) {
        self.pass(s(6));
        self.take();
        self.close(1008);
        self.take();
        self.reconnect(id);
    }
}

/// Connected, in the group, with a state and a subscription.
#[track_caller]
fn member() -> SessionBench {
    let mut b = SessionBench::live(config());
    b.join("g");
    b.ack(1);
    b.set(Some("a"));
    b.ack(2);
    b.subscribe();
    b.ack(3);
    let all = [item("c1", Some("a"), 1), item("c2", Some("x"), 1)];
    assert_eq!(b.states(&frame("Snapshot", 1, &all)), Some(vec!["c1=a".into(), "c2=x".into()]));
    b.take();
    b
}

#[test]
fn on_a_new_connection_the_group_is_joined_the_state_set_and_the_subscription_made_in_that_order() {
    let mut b = member();
    b.is_made_anew_as("c9");
    b.says(&["connected c9 None", &joins("g", 4)]);
    b.ack(4);
    b.says(&["rejoined g Some(4)", &sets("a", 5)]);
    b.ack(5);
    b.says(&[&subscribes(6)]);
    b.ack(6);
    b.says(&[]);
    // Only what is different: one is gone, one has come, one is the same.
    let all = [item("c2", Some("x"), 1), item("c3", Some("y"), 2), item("c9", Some("a"), 3)];
    let changes = b.states(&frame("Snapshot", 1, &all)).unwrap();
    assert_eq!(changes, ["c3=y", "c9=a", "-c1"]);
}

#[test]
fn what_waits_for_a_join_without_an_ack_follows_it_on_a_new_connection() {
    let mut b = member();
    b.pass(s(6));
    b.take();
    b.close(1008);
    b.take();
    b.ask(Request::Join { group: "g".into() }, AckMode::None);
    b.reconnect("c9");
    let said = b.take();
    let sent: Vec<&str> = said.iter().filter_map(|line| line.strip_prefix("→ ")).collect();
    assert_eq!(sent[0], r#"{"type":"joinGroup","group":"g"}"#, "{said:?}");
    assert!(said.contains(&sets("a", 4)), "{said:?}");
    b.ack(4);
    assert_eq!(b.take().last(), Some(&subscribes(5)));
}

#[test]
fn a_join_goes_out_although_a_subscription_before_it_waits_for_what_waits_for_the_join() {
    let mut b = member();
    b.pass(s(6));
    b.take();
    b.close(1008);
    b.take();
    b.subscribe();
    b.join("g");
    b.join("g");
    b.reconnect("c9");
    for id in [5, 6, 7, 4] {
        b.take();
        b.ack(id);
    }
    let settled: Vec<String> = b.take();
    assert!(settled.iter().any(|line| line.starts_with("#4 acked")), "{settled:?} {:?}", b.session);
    assert!(b.session.is_idle(), "{:?}", b.session);
}

#[test]
fn after_a_recovery_nothing_is_sent_again() {
    let mut b = member();
    b.pass(s(6));
    b.take();
    b.cut();
    b.take();
    b.open();
    b.says(&[PING, &acknowledges(1)]);
    b.control(PONG);
    b.says(&["recovered c1, attempts 1, down 0ns"]);
    assert_eq!(b.states(&frame("Update", 2, &[item("c2", None, 5)])), Some(vec!["-c2".into()]));
}

#[test]
fn what_was_cleared_is_not_set_again_and_what_was_left_is_forgotten() {
    let mut b = member();
    b.set(None);
    b.ack(4);
    b.ask(Request::UnsubscribeStates { group: "g".into() }, AckMode::Automatic);
    b.ack(5);
    b.take();
    assert_eq!(b.states(&frame("Update", 2, &[item("c2", Some("y"), 5)])), None);
    b.is_made_anew_as("c9");
    b.says(&["connected c9 None", &joins("g", 6)]);
    b.ack(6);
    b.says(&["rejoined g Some(6)"]);

    let mut b = member();
    b.leave("g");
    b.ack(4);
    b.join("g");
    b.ack(5);
    b.take();
    b.is_made_anew_as("c9");
    b.says(&["connected c9 None", &joins("g", 6)]);
    b.ack(6);
    b.says(&["rejoined g Some(6)"]);
}

#[test]
fn a_set_that_was_not_acknowledged_is_sent_again_on_the_new_connection_in_place_of_the_old_state() {
    let mut b = member();
    b.set(Some("b"));
    b.says(&[&sets("b", 4)]);
    b.is_made_anew_as("c9");
    b.says(&["connected c9 None", &joins("g", 5)]);
    b.ack(5);
    b.says(&["rejoined g Some(5)", &sets("b", 4), &subscribes(6)][..2]);
    b.ack(4);
    let said = b.take();
    assert_eq!(said.last().map(String::as_str), Some(subscribes(6).as_str()), "{said:?}");
}

#[test]
fn what_was_told_before_the_connection_was_lost_is_old_also_where_the_ack_was_still_to_come() {
    let mut b = SessionBench::live(config());
    b.subscribe();
    assert_eq!(b.states(&frame("Snapshot", 1, &[item("c2", Some("x"), 1)])), Some(vec!["c2=x".into()]));
    b.is_made_anew_as("c9");
    b.says(&["connected c9 None", &subscribes(1)]);
    b.ack(1);
    assert_eq!(b.states(&frame("Snapshot", 1, &[])), Some(vec!["-c2".into()]));
}

#[test]
fn operations_about_one_group_go_one_after_another_so_that_no_retry_undoes_a_later_one() {
    let mut b = SessionBench::live(config());
    b.join("g");
    b.set(Some("a"));
    b.set(Some("b"));
    b.says(&[&joins("g", 1)]);
    b.ack(1);
    let said = b.take();
    assert_eq!(said.last().map(String::as_str), Some(sets("a", 2).as_str()), "{said:?}");
    b.nack(2, "InternalServerError");
    b.pass(ms(800));
    b.says(&[&sets("a", 2)]);
    b.leave("g");
    b.ack(2);
    assert_eq!(b.take().last().map(String::as_str), Some(sets("b", 3).as_str()));
    b.ack(3);
    assert_eq!(b.take().last().map(String::as_str), Some(leaves("g", 4).as_str()));
    b.ack(4);
    assert!(b.session.is_idle());
}

#[test]
fn what_is_refused_for_its_content_is_final() {
    let mut b = SessionBench::live(config());
    b.set(Some("a"));
    b.says(&[&sets("a", 1)]);
    b.nack(1, "BadRequest");
    b.says(&["ack 1 setGroupState g BadRequest, attempts 1, 0ns", "#1 refused 1: BadRequest: m, attempts 1"]);
    b.quiet(s(5));
    // There is nothing to be set again.
    b.subscribe();
    b.nack(2, "Forbidden");
    b.take();
    b.is_made_anew_as("c9");
    b.says(&["connected c9 None"]);
}

#[test]
fn what_cannot_be_done_again_is_told_and_tried_again_on_the_next_connection() {
    let mut b = member();
    b.is_made_anew_as("c9");
    b.take();
    b.acks(4..=4);
    b.take();
    b.nack(5, "Forbidden");
    b.says(&["restate failed setGroupState g: Forbidden: m", &subscribes(6)]);
    b.ack(6);
    b.is_made_anew_as("c10");
    b.says(&["connected c10 None", &joins("g", 7)]);
    // Without the group neither is to be had.
    b.nack(7, "Forbidden");
    b.says(&["rejoin failed g: Forbidden: m"]);
    assert!(b.session.is_idle());
}

#[test]
fn nothing_is_done_again_when_rejoin_is_off() {
    let mut b = SessionBench::live(Config { rejoin: false, ..config() });
    b.set(Some("a"));
    b.ack(1);
    b.subscribe();
    b.ack(2);
    b.is_made_anew_as("c9");
    b.says(&["connected c9 None"]);
    assert_eq!(b.states(&frame("Update", 1, &[item("c2", Some("y"), 5)])), None);
}

#[test]
fn what_is_told_of_states_has_its_place_among_the_messages_and_comes_once() {
    let mut b = member();
    assert!(b.message(2));
    assert_eq!(b.states(&frame("Update", 3, &[item("c2", Some("y"), 2)])), Some(vec!["c2=y".into()]));
    assert_eq!(b.text(&frame("Update", 3, &[]).leak()[..]), Received::Duplicate);
    assert!(b.message(4));
    // No news is none, and neither is what is told of a group that nobody asked about.
    assert_eq!(b.states(&frame("Update", 5, &[item("c2", Some("x"), 1)])), None);
    assert_eq!(b.states(&frame("Update", 6, &[item("c2", Some("x"), 9)]).replace("\"g\"", "\"h\"")), None);
    assert!(b.message(7));
    assert_eq!(b.session.counts().received, 3);
}

#[test]
fn who_asks_again_gets_all_again() {
    let mut b = member();
    b.subscribe();
    b.says(&[&subscribes(4)]);
    b.ack(4);
    let all = [item("c1", Some("a"), 1), item("c2", Some("x"), 1)];
    assert_eq!(b.states(&frame("Snapshot", 2, &all)), Some(vec!["c1=a".into(), "c2=x".into()]));
    // An empty answer is one, too.
    b.subscribe();
    assert_eq!(b.states(&frame("Snapshot", 3, &[])), Some(vec!["-c1".into(), "-c2".into()]));
    assert_eq!(b.states(&frame("Snapshot", 4, &[])), Some(vec![]));
}

#[test]
fn a_subscription_that_is_withdrawn_changes_nothing_of_the_one_before_it() {
    let mut b = SessionBench::live(config());
    b.join("g");
    b.ack(1);
    b.subscribe();
    b.subscribe();
    b.session.handle_withdrawal(b.now);
    b.ack(2);
    b.take();
    assert_eq!(b.states(&frame("Snapshot", 1, &[item("c2", Some("x"), 1)])), Some(vec!["c2=x".to_owned()]));
}

/// The leave has taken the place of all that was to be done again for the group, in the order that the service needs.
#[test]
fn a_leave_that_is_withdrawn_during_a_recovery_leaves_what_is_said_and_told() {
    let mut b = member();
    b.is_made_anew_as("c2");
    b.pass(s(6));
    b.take();
    b.cut();
    b.take();
    b.ask(Request::Leave { group: "g".into() }, AckMode::Automatic);
    b.session.handle_withdrawal(b.now);
    b.take();
    b.recover();
    let mut sent = Vec::new();
    for id in 1..20 {
        b.ack(id);
        sent.extend(b.take().into_iter().filter(|said| said.starts_with('→')));
    }
    let kinds = ["joinGroup", "setGroupState", "subscribeGroupState"];
    assert_eq!(sent.len(), kinds.len(), "{sent:?}");
    assert!(sent.iter().zip(kinds).all(|(sent, kind)| sent.contains(kind)), "{sent:?}");
}

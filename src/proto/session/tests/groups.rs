//! Wanted groups and joined groups (PROTOCOL §19.4).

use super::*;

/// Connected as c1 and in `room`, then lost for good; what waits for the next connection is still to come.
#[track_caller]
fn joined_and_lost(config: Config) -> SessionBench {
    let mut b = SessionBench::live(config);
    b.join("room");
    b.ack(1);
    b.pass(s(6));
    b.take();
    assert_eq!(b.groups(), "room?!");
    b.close(1008);
    b.take();
    assert_eq!(b.groups(), "room?");
    b
}

#[test]
fn every_wanted_group_is_joined_again_before_anything_else_is_sent() {
    let mut b = SessionBench::live(config());
    for group in ["b", "a", "left"] {
        b.join(group);
    }
    b.leave("left");
    b.ack(3);
    for id in [1, 2, 4] {
        b.ack(id);
    }
    b.pass(s(6));
    b.take();
    b.close(1008);
    b.send("x");
    b.take();
    b.reconnect("c2");
    b.says(&["connected c2 None", &joins("a", 6), &joins("b", 7), &sends("x", 5)]);
    b.ack(6);
    b.ack(7);
    b.says(&["rejoined a Some(6)", "rejoined b Some(7)"]);
    // Rejoins are not the user's operations.
    assert_eq!(b.session.counts().acked, 4);
}

#[test]
fn nothing_is_joined_again_when_rejoin_is_off() {
    let mut b = joined_and_lost(Config { rejoin: false, ..config() });
    b.reconnect("c2");
    b.says(&["connected c2 None"]);
}

#[test]
fn nothing_is_joined_again_after_a_recovery() {
    let mut b = SessionBench::live(config());
    b.join("room");
    b.ack(1);
    b.pass(s(6));
    b.take();
    b.cut();
    b.take();
    b.recover();
    b.says(&["recovered c1, attempts 1, down 0ns"]);
    assert_eq!(b.groups(), "room?!");
}

#[test]
fn a_rejoin_that_fails_in_passing_is_retried() {
    let mut b = joined_and_lost(config());
    b.reconnect("c2");
    b.says(&["connected c2 None", &joins("room", 2)]);
    b.nack(2, "InternalServerError");
    b.quiet(ms(799));
    b.pass(ms(1));
    b.says(&[&joins("room", 2)]);
    b.ack(2);
    b.says(&["rejoined room Some(2)"]);
}

#[test]
fn a_rejoin_that_fails_is_reported_and_tried_again_on_the_next_connection() {
    let mut b = joined_and_lost(config());
    b.reconnect("c2");
    b.says(&["connected c2 None", &joins("room", 2)]);
    b.nack(2, "Forbidden");
    b.says(&["rejoin failed room: Forbidden: m"]);
    assert_eq!(b.groups(), "room?");
    b.pass(s(6));
    b.close(1008);
    b.take();
    b.reconnect("c3");
    b.says(&["connected c3 None", &joins("room", 3)]);
}

#[test]
fn a_rejoin_without_an_ack_is_reported() {
    let mut b = joined_and_lost(Config { operation_retries: 0, ..config() });
    b.reconnect("c2");
    b.says(&["connected c2 None", &joins("room", 2)]);
    for _ in 0..3 {
        b.pass(s(10));
        b.control(PONG);
    }
    let said: Vec<String> = b.take().into_iter().filter(|line| line != PING).collect();
    assert_eq!(said, ["rejoin failed room: : the service did not acknowledge the join"]);
}

#[test]
fn a_rejoin_in_flight_at_a_drop_is_sent_again_after_the_recovery() {
    let mut b = joined_and_lost(config());
    b.reconnect("c2");
    b.says(&["connected c2 None", &joins("room", 2)]);
    b.pass(s(2));
    b.cut();
    b.says(&["recovering c2: reset", "recover c2 with t-c2 by 14s"]);
    b.recover();
    b.says(&["recovered c2, attempts 1, down 0ns", &joins("room", 2)]);
    b.ack(2);
    b.says(&["rejoined room Some(2)"]);
}

#[test]
fn a_rejoin_in_flight_when_the_connection_is_lost_for_good_is_made_anew_without_a_report() {
    let mut b = joined_and_lost(config());
    b.reconnect("c2");
    b.says(&["connected c2 None", &joins("room", 2)]);
    b.close(1008);
    let said = b.take();
    assert_eq!(said.len(), 3, "{said:?}");
    b.reconnect("c3");
    b.says(&["connected c3 None", &joins("room", 3)]);
    b.ack(2);
    b.says(&[]);
    b.ack(3);
    b.says(&["rejoined room Some(3)"]);
}

#[test]
fn a_join_that_was_refused_is_not_wanted() {
    let mut b = joined_and_lost(config());
    b.join("secret");
    b.reconnect("c2");
    b.says(&["connected c2 None", &joins("room", 3), &joins("secret", 2)]);
    b.ack(3);
    b.nack(2, "Forbidden");
    b.take();
    assert_eq!(b.groups(), "room?!");
}

#[test]
fn a_leave_that_was_refused_leaves_the_group_wanted() {
    let mut b = SessionBench::live(config());
    b.join("room");
    b.ack(1);
    b.leave("room");
    assert_eq!(b.groups(), "room!");
    b.nack(2, "Forbidden");
    b.take();
    assert_eq!(b.groups(), "room?!");
}

#[test]
fn leaving_while_not_connected_holds_for_the_next_connection() {
    let mut b = joined_and_lost(config());
    b.leave("room");
    b.reconnect("c2");
    b.says(&["connected c2 None", &leaves("room", 2)]);
    b.ack(2);
    b.says(&["ack 2 leaveGroup room ok, attempts 1, 0ns", "left room Some(2)", "#2 acked 2, attempts 1, 0ns"]);
    assert_eq!(b.groups(), "");
}

#[test]
fn leaving_while_a_rejoin_is_pending_ends_outside() {
    // The rejoin is refused for a passing reason; when its retry would be due, the user wants out.
    let mut b = joined_and_lost(config());
    b.reconnect("c2");
    b.says(&["connected c2 None", &joins("room", 2)]);
    b.nack(2, "InternalServerError");
    b.leave("room");
    b.says(&[&leaves("room", 3)]);
    b.ack(3);
    b.says(&["ack 3 leaveGroup room ok, attempts 1, 0ns", "left room Some(3)", "#2 acked 3, attempts 1, 0ns"]);
    b.quiet(s(9));
    assert_eq!(b.groups(), "");
    // And with the rejoin in flight: the service takes both in order.
    let mut b = joined_and_lost(config());
    b.reconnect("c2");
    b.leave("room");
    b.says(&["connected c2 None", &joins("room", 2), &leaves("room", 3)]);
    b.ack(2);
    b.ack(3);
    assert_eq!(b.take().last().unwrap(), "#2 acked 3, attempts 1, 0ns");
    assert_eq!(b.groups(), "");
}

#[test]
fn join_and_leave_of_one_group_keep_their_order_through_retries() {
    let mut b = SessionBench::live(config());
    b.join("room");
    b.leave("room");
    b.join("hall");
    b.send("x");
    // What is about another group does not wait.
    b.says(&[&joins("room", 1), &joins("hall", 3), &sends("x", 4)]);
    b.nack(1, "InternalServerError");
    b.quiet(ms(799));
    b.pass(ms(1));
    b.says(&[&joins("room", 1)]);
    b.ack(1);
    b.says(&[
        "ack 1 joinGroup room ok, attempts 2, 800ms",
        "joined room Some(1)",
        "#1 acked 1, attempts 2, 800ms",
        &leaves("room", 2),
    ]);
    b.ack(2);
    b.says(&["ack 2 leaveGroup room ok, attempts 1, 0ns", "left room Some(2)", "#2 acked 2, attempts 1, 0ns"]);
    assert_eq!(b.groups(), "hall?");
}

#[test]
fn what_waits_for_another_operation_of_its_group_goes_on_when_that_one_fails() {
    let config = Config { operation_retries: 0, ack_timeout: s(3), ..config() };
    let mut b = SessionBench::live(config);
    b.join("room");
    b.leave("room");
    b.ask(Request::Join { group: "room".into() }, AckMode::None);
    b.says(&[&joins("room", 1)]);
    b.pass(s(3));
    b.says(&["#1 not acknowledged 1, attempts 1", &leaves("room", 2)]);
    b.nack(2, "Forbidden");
    b.says(&[
        "ack 2 leaveGroup room Forbidden, attempts 1, 0ns",
        "#2 refused 2: Forbidden: m, attempts 1",
        r#"→ {"type":"joinGroup","group":"room"}"#,
        "joined room None",
        "#3 sent",
    ]);
    assert_eq!(b.groups(), "room?!");
}

#[test]
fn the_order_within_a_group_survives_a_recovery_and_a_fresh_connection() {
    let mut b = SessionBench::live(config());
    b.join("room");
    b.leave("room");
    b.pass(s(2));
    b.says(&[&joins("room", 1)]);
    b.cut();
    b.take();
    b.recover();
    b.says(&["recovered c1, attempts 1, down 0ns", &joins("room", 1)]);
    b.close(1008);
    b.take();
    b.reconnect("c2");
    b.says(&["connected c2 None", &joins("room", 1)]);
    b.ack(1);
    assert_eq!(b.take().last().unwrap(), &leaves("room", 2));
    b.ack(2);
    b.take();
    assert_eq!(b.groups(), "");
}

/// A new connection takes up so many groups, and a line waits; the connection is cut before any ack.
#[test]
fn a_thousand_joins_again_push_nothing_out_of_the_memory_of_the_service() {
    const GROUPS: u64 = 1100;
    let mut b = SessionBench::live(config());
    for group in 0..GROUPS {
        b.join(&format!("g{group}"));
        b.ack(group + 1);
    }
    b.pass(s(6));
    b.take();
    b.close(1008);
    b.send("x");
    b.take();
    b.reconnect("c2");
    let joins = |said: Vec<String>| said.iter().filter(|said| said.contains(r#""type":"joinGroup""#)).count();
    let said = b.take();
    assert!(said.iter().all(|said| !said.contains("sendToGroup")), "groups come first");
    assert_eq!(joins(said), 900);
    b.cut();
    b.take();
    b.recover();
    assert_eq!(joins(b.take()), 900);
    let first = GROUPS + 2;
    (first..first + 451).for_each(|id| b.ack(id));
    let said = b.take();
    let line = said.iter().position(|said| said == &sends("x", GROUPS + 1)).expect("the line is sent");
    assert_eq!(said[line..].iter().filter(|said| said.contains(r#""type":"joinGroup""#)).count(), 0);
    assert_eq!(joins(said), 200);
}

/// What was asked for and never sent is as if it had not been asked for.
#[test]
fn a_join_or_leave_that_is_withdrawn_changes_nothing_of_what_is_wanted() {
    const WITHDRAWN: &str = "not sent: what was asked for before it has failed";
    // For the next connection.
    let mut b = joined_and_lost(config());
    b.leave("room");
    b.join("hall");
    assert_eq!(b.groups(), "hall?");
    b.session.handle_withdrawal(b.now);
    b.says(&[&format!("#2 {WITHDRAWN}"), &format!("#3 {WITHDRAWN}")]);
    assert_eq!(b.groups(), "room?");
    b.reconnect("c2");
    b.says(&["connected c2 None", &joins("room", 4)]);
    b.ack(4);
    b.says(&["rejoined room Some(4)"]);
    // Behind another of its group, whose end is what counts.
    b.leave("room");
    b.join("room");
    b.says(&[&leaves("room", 5)]);
    assert_eq!(b.groups(), "room?!");
    b.session.handle_withdrawal(b.now);
    b.says(&[&format!("#5 {WITHDRAWN}")]);
    assert_eq!(b.groups(), "room!");
    b.ack(5);
    b.take();
    assert_eq!(b.groups(), "");
}

/// A leave takes the place of a join of the session's own, which is made up for when the leave is withdrawn.
#[test]
fn a_leave_that_is_withdrawn_on_a_new_connection_leaves_its_group_joined() {
    let mut b = joined_and_lost(config());
    // As many as may be under way are, so that the leave waits.
    for group in 0..900 {
        b.join(&format!("g{group}"));
    }
    b.reconnect("c2");
    b.leave("room");
    let said = b.take();
    assert!(!said.iter().any(|said| said.contains("leaveGroup")), "{said:?}");
    b.session.handle_withdrawal(b.now);
    b.take();
    (2..=1200).for_each(|id| b.ack(id));
    b.take();
    assert_eq!(b.groups().split(' ').find(|group| group.starts_with("room")), Some("room?!"));
}

/// The same while the connection is being recovered: what was sent on the old socket may never have come.
#[test]
fn a_leave_that_is_withdrawn_during_a_recovery_leaves_its_group_joined() {
    let mut b = joined_and_lost(config());
    b.reconnect("c2");
    b.says(&["connected c2 None", &joins("room", 2)]);
    b.pass(s(6));
    b.take();
    b.cut();
    b.take();
    b.leave("room");
    b.session.handle_withdrawal(b.now);
    b.says(&["#2 not sent: what was asked for before it has failed"]);
    b.recover();
    b.says(&["recovered c2, attempts 1, down 0ns", &joins("room", 4)]);
    b.ack(4);
    b.says(&["rejoined room Some(4)"]);
    assert_eq!(b.groups(), "room?!");
}

//! Group states (PROTOCOL §9.3): `wps state`, `listen --states`, the repl, and what handlers hear of groups.

use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::emulator::Emulator;
use crate::support::webhook::Webhook;
use crate::support::{PATIENCE, Running, kinds, wps};

fn state<const N: usize>(emulator: &Emulator, args: [&str; N]) -> Running {
    wps(["state"]).args(args).args(["-o", "ndjson", &emulator.local()]).start()
}

/// The next change: whose it is, and what is said.
fn change(watcher: &mut Running) -> (Value, Value) {
    let record = watcher.skip_to("group-state");
    (record["userId"].clone(), record["state"].clone())
}

#[test]
fn what_is_set_is_watched_changed_and_gone_with_its_command_on_either_codec() {
    let emulator = Emulator::with(&[]);
    for protocol in ["json-reliable", "protobuf-reliable", "json", "protobuf"] {
        let mut holder = state(&emulator, ["set", "g", "status=typing", "=", "--user", "ann", "--protocol", protocol]);
        holder.skip_to("joined");
        let set = holder.skip_to("ack");
        assert_eq!(
            (&set["operation"], &set["group"], &set["success"]),
            (&json!("setGroupState"), &json!("g"), &json!(true))
        );
        let mut watcher = state(&emulator, ["watch", "g", "--protocol", protocol]);
        let first = watcher.skip_to("group-state");
        assert_eq!((&first["group"], &first["userId"], &first["snapshot"]), (&json!("g"), &json!("ann"), &json!(true)));
        assert_eq!(first["state"], json!({"status": "typing", "": ""}));
        assert!(first["updatedAt"].as_u64().is_some_and(|at| at > 1_700_000_000_000), "{first}");
        let mut other = state(&emulator, ["set", "g", "a=b", "--user", "bob"]);
        let next = watcher.skip_to("group-state");
        assert_eq!(
            (&next["userId"], &next["snapshot"], &next["state"]),
            (&json!("bob"), &Value::Null, &json!({"a": "b"}))
        );
        other.skip_to("ack");
        for (running, user) in [(holder, "ann"), (other, "bob")] {
            running.signal(Signal::INT);
            assert_eq!(running.end().code, 130);
            let gone = watcher.skip_to("group-state");
            assert_eq!((&gone["userId"], gone.get("state")), (&json!(user), None));
        }
        watcher.signal(Signal::INT);
        assert_eq!(watcher.end().code, 130);
    }
}

#[test]
fn a_list_is_what_there_is_and_no_more() {
    let emulator = Emulator::with(&[]);
    let empty = wps(["state", "list", "g", &emulator.local()]).run();
    empty.assert(0, "", "no member of `g` has a state\n");
    let mut holder = state(&emulator, ["set", "g", "status=in a meeting", "n=1", "--user", "ann"]);
    holder.skip_to("ack");
    holder.skip_to("ack");
    let text = wps(["state", "list", "g", &emulator.local()]).run();
    assert_eq!(text.code, 0, "{}", text.stderr);
    assert!(
        text.text().starts_with("[g] ann (") && text.text().ends_with("): n=1 status=\"in a meeting\"\n"),
        "{}",
        text.text()
    );
    let data = wps(["state", "list", "g", "-o", "data", &emulator.local()]).run();
    data.assert(0, "{\"n\":\"1\",\"status\":\"in a meeting\"}\n", "");
    let jq = wps(["state", "list", "g", "--jq", "select(.type == \"group-state\").state.n", "-r"])
        .arg(emulator.local())
        .run();
    jq.assert(0, "1\n", "");
}

#[test]
fn after_a_recovery_nothing_was_lost_and_on_a_new_connection_all_is_done_again() {
    let emulator = Emulator::with(&[]);
    let mut watcher = state(&emulator, ["watch", "g", "--user", "watcher", "--reconnect-delay", "20ms"]);
    watcher.skip_to("ack");
    watcher.skip_to("ack");
    let mut holder = state(&emulator, ["set", "g", "a=1", "--user", "holder", "--reconnect-delay", "20ms"]);
    assert_eq!(change(&mut watcher), (json!("holder"), json!({"a": "1"})));
    holder.skip_to("ack");
    // Both lose their sockets, and go on.
    emulator.add("drop=reset,after=0s,times=2");
    for running in [&mut watcher, &mut holder] {
        running.skip_to("recovered");
    }
    // The holder's connection ends for good: its state goes with it, and is set again on the new one.
    emulator.add("drop=1008,after=0s,user=holder,times=1");
    holder.skip_to("session-lost");
    assert_eq!(change(&mut watcher), (json!("holder"), Value::Null));
    assert_eq!(change(&mut watcher), (json!("holder"), json!({"a": "1"})));
    // So does the watcher's: it is told what is different, which is nothing, and what comes then.
    emulator.add("drop=1008,after=0s,user=watcher,times=1");
    watcher.skip_to("session-lost");
    let rejoined = watcher.skip_to("joined");
    assert_eq!(rejoined["rejoined"], true);
    holder.signal(Signal::INT);
    assert_eq!(holder.end().code, 130);
    assert_eq!(change(&mut watcher), (json!("holder"), Value::Null));
}

#[test]
fn a_killed_holder_is_gone_when_the_service_gives_its_connection_up() {
    let emulator = Emulator::with(&[]);
    let mut watcher = state(&emulator, ["watch", "g"]);
    watcher.skip_to("ack");
    watcher.skip_to("ack");
    let holder = state(&emulator, ["set", "g", "a=1", "--user", "holder"]);
    assert_eq!(change(&mut watcher), (json!("holder"), json!({"a": "1"})));
    holder.signal(Signal::KILL);
    drop(holder.end());
    // The window of 30 s, brought to its end. The emulator may not have noticed the death yet.
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "the emulator does not notice");
        let answer = emulator.control("POST", "/emulator/recovery", "{}");
        assert_eq!(answer.status, 200, "{answer:?}");
        if answer.body["advanced"] != json!(0) {
            break;
        }
    }
    assert_eq!(change(&mut watcher), (json!("holder"), Value::Null));
}

#[test]
fn another_run_goes_on_with_the_state_of_a_killed_one() {
    let emulator = Emulator::with(&[]);
    let mut watcher = state(&emulator, ["watch", "g"]);
    watcher.skip_to("ack");
    watcher.skip_to("ack");
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("session");
    let file = file.to_str().unwrap();
    let holder = state(&emulator, ["set", "g", "a=1", "--user", "holder", "--session", file]);
    assert_eq!(change(&mut watcher), (json!("holder"), json!({"a": "1"})));
    holder.signal(Signal::KILL);
    drop(holder.end());
    let mut again = state(&emulator, ["set", "g", "a=2", "--user", "holder", "--session", file]);
    again.skip_to("recovered");
    // It was never gone.
    assert_eq!(change(&mut watcher), (json!("holder"), json!({"a": "2"})));
}

#[test]
fn what_the_service_would_refuse_is_said_before_or_explained() {
    let emulator = Emulator::with(&[]);
    let long = format!("k={}", "é".repeat(256));
    let too_long = wps(["state", "set", "g", &long, &emulator.local()]).run();
    too_long.assert_failed(2, &["a state of 513 bytes: its names and values may have 512 together"]);
    let twice = wps(["state", "set", "g", "a=1", "a=2", &emulator.local()]).run();
    twice.assert_failed(2, &["`a` is given twice"]);
    wps(["state", "set", "g", "a", &emulator.local()]).run().assert_failed(2, &["`a` is not of the form `K=V`"]);
    wps(["state", "set", "g", &emulator.local()]).run().assert_failed(2, &["K=V"]);
    let role = ["--role", "webpubsub.joinLeaveGroup"];
    let set = wps(["state", "set", "g", "a=1", &emulator.local()]).args(role).run();
    set.assert_failed(8, &["to set the state in `g`", "`Forbidden`: Permission denied.", "webpubsub.setGroupState"]);
    let list = wps(["state", "list", "g", &emulator.local()]).args(role).run();
    list.assert_failed(8, &["to tell the states of `g`", "webpubsub.getGroupState"]);
    let pattern =
        wps(["state", "list", "g", &emulator.local()]).args(role).args(["--role", "webpubsub.getGroupState.h*"]).run();
    pattern.assert_failed(
        8,
        &["`webpubsub.getGroupState`, alone or with a dot and a pattern that `g` matches, is missing"],
    );
}

#[test]
fn a_listener_has_states_among_the_messages_where_it_wants_them() {
    let emulator = Emulator::with(&[]);
    let mut holder = state(&emulator, ["set", "g", "a=1", "--user", "ann"]);
    holder.skip_to("ack");
    holder.skip_to("ack");
    let listener = emulator.listen(&["--states", "--count", "1"]);
    let bystander = emulator.listen(&["--count", "1"]);
    emulator.send("x", &[]);
    let ended = listener.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let records = ended.records();
    let states: Vec<&Value> = records.iter().filter(|record| record["type"] == "group-state").collect();
    assert_eq!((states.len(), &states[0]["userId"], &states[0]["snapshot"]), (1, &json!("ann"), &json!(true)));
    let ended = bystander.end();
    assert!(!kinds(&ended.records()).contains(&"group-state"));
}

#[test]
fn the_repl_sets_lists_watches_and_clears() {
    let emulator = Emulator::with(&[]);
    let script = "state set g a=1 'b=two words'\n\
                  state list g\n\
                  expect .type == \"group-state\" and .snapshot and .state.b == \"two words\"\n\
                  state watch g\n\
                  expect .type == \"group-state\" and .snapshot\n\
                  state set g a=2\n\
                  expect .type == \"group-state\" and .state.a == \"2\"\n\
                  state clear g\n\
                  expect .type == \"group-state\" and (has(\"state\") | not)\n\
                  state unwatch g\n\
                  state set g a=3\n";
    let ended = wps(["repl", "-o", "ndjson", &emulator.local()]).stdin(script).run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let states: Vec<Value> = ended
        .records()
        .iter()
        .filter(|record| record["type"] == "group-state")
        .map(|record| record["state"]["a"].clone())
        .collect();
    assert_eq!(states, [json!("1"), json!("1"), json!("2"), Value::Null]);
}

#[test]
fn the_control_endpoint_shows_states_and_who_watches() {
    let emulator = Emulator::with(&[]);
    let mut holder = state(&emulator, ["set", "g", "a=1", "--user", "ann"]);
    holder.skip_to("ack");
    holder.skip_to("ack");
    let mut watcher = state(&emulator, ["watch", "g"]);
    watcher.skip_to("group-state");
    let answer = emulator.control("GET", "/emulator/groups", "");
    let group = &answer.body["groups"][0];
    assert_eq!((&group["states"][0]["userId"], &group["states"][0]["state"]), (&json!("ann"), &json!({"a": "1"})));
    assert_eq!(group["subscribers"].as_array().map(Vec::len), Some(1), "{group}");
}

#[test]
fn a_handler_that_wants_to_is_told_who_joins_groups_and_leaves_them() {
    let webhook = Webhook::start();
    let url = webhook.url("/{event}");
    let emulator = Emulator::start(&["--event-handler", &url, "--system-events", "joined,left,disconnected"]);
    let ended =
        wps(["repl", "--user", "ann", "--initial-group", "a", &emulator.local()]).stdin("join b\nleave a\n").start();
    webhook.agree();
    for (event, group) in [("joined", "a"), ("joined", "b"), ("left", "a"), ("left", "b")] {
        let asked = webhook.expect(event);
        assert_eq!(asked.header("ce-type"), Some(format!("azure.webpubsub.gp.{event}").as_str()));
        assert_eq!((asked.json(), asked.header("ce-userid")), (json!({"group": group}), Some("ann")));
        asked.accept();
    }
    webhook.expect("disconnected").accept();
    assert_eq!(ended.end().code, 0);
}

//! Connections that break and come back: nothing lost, nothing doubled, everything said.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::service::Request;
use crate::support::{Ended, FromClient, PATIENCE, Peer, Running, Service, Source, kinds, wps};

/// How often a listener's connection is cut.
const CUTS: usize = 10;

fn listener(service: &Service, more: &[&str]) -> Running {
    wps(["listen", "-o", "ndjson", "-g", "g", "--url", &service.url()]).args(more).start()
}

/// A stream of numbered messages, its connection cut ten times.
struct Stream {
    service: Service,
    source: Source,
    wps: Running,
    peer: Peer,
    /// From each cut to the request that recovers.
    delays: Vec<Duration>,
}

/// What was done to a connection.
enum Cut {
    /// It was ended, then.
    Ended(Instant),
    /// It was left open, and nothing more is said there.
    Silent(Box<Peer>),
}

/// Messages of a round: two before the cut, the second of them perhaps lost by it, and two while the client is away.
const ROUND: u64 = 4;

impl Stream {
    fn start(more: &[&str]) -> Self {
        let service = Service::start();
        let count = (ROUND * CUTS as u64 + 1).to_string();
        let wps = listener(&service, &[&["--count", &count], more].concat());
        let mut peer = service.connect();
        peer.grant_join("g");
        Self { service, source: Source::default(), wps, peer, delays: Vec::new() }
    }

    /// Runs it. `cut` is what happens to each connection.
    fn run(mut self, cut: impl Fn(Peer) -> Cut) -> (Ended, Vec<Duration>) {
        let mut records = Vec::new();
        let mut token = "reconnect-1".to_owned();
        for round in 0..CUTS {
            self.source.say(&mut self.peer);
            // It has arrived: this connection has been of use, so that recovery is tried at once.
            let number = self.source.total().to_string();
            while records.last().is_none_or(|record: &Value| record["data"].as_str() != Some(&number)) {
                records.push(self.wps.record());
            }
            self.source.say(&mut self.peer);
            let acknowledged = self.peer.acknowledged;
            let cut = cut(self.peer);
            self.source.miss();
            self.source.miss();
            let request = self.service.request();
            request.assert_recovers("c1", &token);
            match cut {
                Cut::Ended(at) => self.delays.push(request.at - at),
                Cut::Silent(silent) => silent.see_vanish(),
            }
            self.peer = request.upgrade();
            // Every other time the service gives a new token, which from then on is the one to use.
            if round % 2 == 0 {
                token = format!("renewed-{round}");
                self.peer.greet("c1", &token);
            }
            self.source.replay(acknowledged, &mut self.peer);
        }
        self.source.say(&mut self.peer);
        self.peer.see_off();
        (self.wps.end(), self.delays)
    }
}

fn assert_nothing_lost_or_doubled(ended: &Ended) {
    let records = ended.records();
    let numbers: Vec<u64> = of_kind(&records, "group-message")
        .map(|message| {
            assert_eq!(message["sequenceId"].to_string(), message["data"], "{message}");
            message["sequenceId"].as_u64().unwrap()
        })
        .collect();
    let total = ROUND * CUTS as u64 + 1;
    assert_eq!(numbers, (1..=total).collect::<Vec<_>>());
    let lifecycle: Vec<&str> = kinds(&records).into_iter().filter(|kind| *kind != "group-message").collect();
    let mut expected = vec!["connected", "ack", "joined"];
    expected.extend(["recovering", "recovered"].repeat(CUTS));
    expected.push("stopped");
    assert_eq!(lifecycle, expected);
    for recovered in of_kind(&records, "recovered") {
        assert_eq!((&recovered["connectionId"], &recovered["attempts"]), (&"c1".into(), &1.into()), "{recovered}");
    }
    let stopped = records.last().unwrap();
    assert_eq!((stopped["reason"].as_str(), stopped["received"].as_u64()), (Some("count"), Some(total)), "{stopped}");
    assert_eq!(ended.code, 0);
}

fn of_kind<'a>(records: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    records.iter().filter(move |record| record["type"] == kind)
}

/// Within 100 ms, as far as this machine, which runs other tests too, can be held to it.
fn assert_immediate(delays: &[Duration]) {
    assert_eq!(delays.len(), CUTS);
    let (least, most) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
    assert!(*least < Duration::from_millis(100) && *most < Duration::from_millis(500), "{delays:?}");
}

#[test]
fn ten_resets_lose_nothing_and_double_nothing() {
    let (ended, delays) = Stream::start(&[]).run(|peer| Cut::Ended(peer.reset()));
    assert_nothing_lost_or_doubled(&ended);
    assert_immediate(&delays);
    for recovering in of_kind(&ended.records(), "recovering") {
        assert!(recovering["error"].as_str().is_some_and(|error| error.contains("reset")), "{recovering}");
        assert_eq!(recovering["closeCode"], Value::Null, "{recovering}");
    }
}

#[test]
fn ten_closes_with_1001_lose_nothing_and_double_nothing() {
    let (ended, delays) = Stream::start(&[]).run(|peer| Cut::Ended(peer.close(1001, "Service reload")));
    assert_nothing_lost_or_doubled(&ended);
    assert_immediate(&delays);
    for recovering in of_kind(&ended.records(), "recovering") {
        assert_eq!(recovering["closeCode"], 1001, "{recovering}");
        assert_eq!(recovering["closeReason"], "Service reload", "{recovering}");
        assert!(recovering["explanation"].is_string(), "{recovering}");
    }
}

#[test]
fn whatever_code_ends_them_ten_connections_lose_nothing_and_double_nothing() {
    let codes = RefCell::new([0u16, 999, 1002, 1003, 1005, 1007, 1009, 1014, 1015, 5000].into_iter());
    let (ended, delays) = Stream::start(&[]).run(|mut peer| {
        let code = codes.borrow_mut().next().unwrap();
        let at = Instant::now();
        // Letter for letter: not every code is one that a library would write.
        peer.send_raw(&[&[0x88, 10], u16::to_be_bytes(code).as_slice(), b"upstream"].concat());
        while !matches!(peer.next(), FromClient::Close(_) | FromClient::Gone) {}
        Cut::Ended(at)
    });
    assert_nothing_lost_or_doubled(&ended);
    assert_immediate(&delays);
    let records = ended.records();
    let told: Vec<&Value> = of_kind(&records, "recovering").map(|recovering| &recovering["closeCode"]).collect();
    assert_eq!(told, [0, 999, 1002, 1003, 1005, 1007, 1009, 1014, 1015, 5000]);
    assert!(of_kind(&records, "recovering").all(|recovering| recovering["explanation"].is_string()));
}

#[test]
fn ten_silences_lose_nothing_and_double_nothing() {
    let times = ["--ping-interval", "100ms", "--ping-timeout", "300ms"];
    let (ended, _) = Stream::start(&times).run(|peer| Cut::Silent(Box::new(peer)));
    assert_nothing_lost_or_doubled(&ended);
    for recovering in of_kind(&ended.records(), "recovering") {
        assert!(
            recovering["error"].as_str().is_some_and(|error| error.contains("nothing was received")),
            "{recovering}"
        );
    }
}

#[test]
fn a_connection_that_ends_without_a_close_frame_is_recovered() {
    let (ended, delays) = Stream::start(&[]).run(|peer| Cut::Ended(peer.hang_up()));
    assert_nothing_lost_or_doubled(&ended);
    assert_immediate(&delays);
}

#[test]
fn a_refused_recovery_is_said_and_everything_is_made_anew() {
    let service = Service::start();
    let mut wps = listener(&service, &["-g", "h", "--reconnect-delay", "50ms", "--count", "2"]);
    let mut peer = service.connect_and_join(&["g", "h"]);
    peer.say(1, "before");
    wps.skip_to("group-message");
    peer.reset();

    service.recovery().close(1008, "The connection could not be recovered.");
    let request = service.request();
    assert_eq!(request.query("access_token"), Some(service.token.as_str()), "a fresh connection");
    assert_eq!(request.query("awps_connection_id"), None, "a fresh connection");
    let mut peer = request.upgrade();
    peer.greet("c2", "reconnect-2");
    peer.grant_join("g");
    peer.grant_join("h");
    // Sequence ids begin anew with the connection.
    peer.say(1, "after");
    peer.see_off();

    let ended = wps.end();
    let records = ended.records();
    assert_eq!(
        kinds(&records),
        [
            "connected",
            "ack",
            "joined",
            "ack",
            "joined",
            "group-message",
            "recovering",
            "session-lost",
            "disconnected",
            "reconnecting",
            "connected",
            "joined",
            "joined",
            "group-message",
            "stopped"
        ]
    );
    let [lost, disconnected, connected] = [7, 8, 10].map(|index: usize| &records[index]);
    assert_eq!(lost["connectionId"], "c1");
    assert!(lost["reason"].as_str().unwrap().contains("The connection could not be recovered."), "{lost}");
    assert_eq!(disconnected["connectionId"], "c1");
    assert_eq!(disconnected["closeCode"], 1008);
    assert_eq!(connected["connectionId"], "c2");
    for joined in &records[11..13] {
        assert_eq!(joined["rejoined"], true, "{joined}");
    }
    assert_eq!(ended.code, 0);
    service.assert_no_more_calls();
}

#[test]
fn a_service_that_takes_and_drops_every_connection_is_not_hammered() {
    let service = Service::start();
    let mut wps = listener(&service, &["--reconnect-delay", "150ms", "--reconnect-mode", "fixed"]);
    let mut calls = Vec::new();
    for _ in 0..5 {
        let peer = service.connect();
        calls.push(peer.at);
        peer.close(1008, "policy");
        assert_eq!(wps.skip_to("disconnected")["closeReason"], "policy");
        assert_eq!(wps.expect("reconnecting")["delayMs"], 150);
    }
    for pair in calls.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(150), "{calls:?}");
    }
}

#[test]
fn recovery_is_tried_every_second_while_the_service_is_undecided() {
    let service = Service::start();
    let mut wps = listener(&service, &["--count", "2"]);
    let mut peer = service.connect_and_join(&["g"]);
    peer.say(1, "1");
    wps.skip_to("group-message");
    let cut = peer.reset();

    let mut calls = Vec::new();
    let mut next = || {
        let request = service.request();
        request.assert_recovers("c1", "reconnect-1");
        calls.push(request.at - cut);
        request
    };
    next().refuse("503 Service Unavailable", &[], "busy");
    next().call.reset();
    let mut peer = next().upgrade();
    // Nothing is replayed: only the pong says that the connection is back.
    assert!(matches!(peer.attend(Instant::now() + Duration::from_millis(200)), FromClient::Silence));
    peer.say(2, "2");
    peer.see_off();

    let ended = wps.end();
    let records = ended.records();
    assert_eq!(
        kinds(&records),
        ["connected", "ack", "joined", "group-message", "recovering", "recovered", "group-message", "stopped"]
    );
    assert_eq!(records[5]["attempts"], 3);
    assert!(records[5]["downtimeMs"].as_u64().unwrap() >= 1990, "{}", records[5]);
    assert_eq!(ended.code, 0);
    ended.assert_stderr(&[
        "warning: could not recover yet",
        "503 Service Unavailable",
        "warning: could not recover yet",
    ]);
    assert!(calls[0] < Duration::from_millis(500), "{calls:?}");
    for pair in calls.windows(2) {
        let pause = pair[1] - pair[0];
        assert!(pause > Duration::from_millis(900) && pause < Duration::from_millis(1600), "{calls:?}");
    }
}

#[test]
fn a_recovery_attempt_that_hangs_has_a_deadline_of_its_own() {
    let service = Service::start();
    let mut wps = listener(&service, &["--count", "2", "--connect-timeout", "400ms"]);
    let mut peer = service.connect_and_join(&["g"]);
    peer.say(1, "1");
    wps.skip_to("group-message");
    peer.reset();

    // Takes the call and never answers.
    let hanging = service.accept();
    let mut peer = service.recovery();
    hanging.read_to_end();
    peer.say(2, "2");
    peer.see_off();
    let ended = wps.end();
    assert_eq!(ended.records().iter().filter(|record| record["type"] == "recovered").count(), 1);
    assert_eq!(ended.code, 0);
}

#[test]
fn a_connection_without_a_reconnection_token_is_made_anew() {
    let service = Service::start();
    let mut wps = listener(&service, &["--protocol", "json", "--reconnect-delay", "50ms", "--count", "1"]);
    let request = service.request();
    assert_eq!(request.header("sec-websocket-protocol"), Some("json.webpubsub.azure.v1"));
    let mut peer = request.upgrade();
    peer.send_text(r#"{"type":"system","event":"connected","connectionId":"c1"}"#);
    peer.grant_join("g");
    wps.skip_to("joined");
    peer.close(1001, "");

    let request = service.request();
    assert_eq!(request.query("awps_connection_id"), None, "it cannot be recovered");
    let mut peer = request.upgrade();
    peer.send_text(r#"{"type":"system","event":"connected","connectionId":"c2"}"#);
    peer.grant_join("g");
    peer.send_text(r#"{"type":"message","from":"server","dataType":"text","data":"hi"}"#);
    peer.see_off();
    let ended = wps.end();
    let records = ended.records();
    assert_eq!(
        kinds(&records),
        [
            "connected",
            "ack",
            "joined",
            "session-lost",
            "disconnected",
            "reconnecting",
            "connected",
            "joined",
            "server-message",
            "stopped"
        ]
    );
    assert_eq!(records[4]["closeCode"], 1001);
    assert_eq!(ended.code, 0);
}

#[test]
fn a_group_that_cannot_be_rejoined_is_reported_and_the_others_go_on() {
    let service = Service::start();
    let mut wps = listener(&service, &["-g", "h", "--reconnect-delay", "50ms", "--count", "1"]);
    let peer = service.connect_and_join(&["g", "h"]);
    wps.skip_to("joined");
    peer.close(1008, "");
    let mut peer = service.connect();
    for (group, granted) in [("g", false), ("h", true)] {
        let join = peer.operation();
        assert_eq!(join["group"], group, "{join}");
        if granted {
            peer.ack(&join["ackId"]);
        } else {
            peer.nack(&join["ackId"], "Forbidden", "no more");
        }
    }
    peer.say(1, "hi");
    peer.see_off();
    let ended = wps.end();
    let records = ended.records();
    let failed: Vec<&Value> = of_kind(&records, "rejoin-group-failed").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!((&failed[0]["group"], &failed[0]["error"]["name"]), (&"g".into(), &"Forbidden".into()));
    assert_eq!(ended.code, 0);
    ended.assert_stderr(&["could not rejoin `g`", "Forbidden"]);
}

#[test]
fn sequence_ids_are_acknowledged_in_time() {
    let service = Service::start();
    let wps = listener(&service, &[]);
    let mut peer = service.connect_and_join(&["g"]);
    peer.say(1, "1");
    let sent = Instant::now();
    peer.attend_ack(1);
    assert!(sent.elapsed() < Duration::from_millis(1500), "{:?}", sent.elapsed());
    drop(wps);
    assert_eq!(peer.attend(Instant::now() + PATIENCE), FromClient::Gone);
}

/// Listens with default settings and sees what the service sees: a request that says who asks.
#[test]
fn a_fresh_connection_asks_for_the_hub_with_the_token_and_the_subprotocol() {
    let service = Service::start();
    let _wps = listener(&service, &[]);
    let request: Request = service.request();
    assert_eq!(request.path, "/client/hubs/hub1");
    assert_eq!(request.query("access_token"), Some(service.token.as_str()));
    assert_eq!(request.header("sec-websocket-protocol"), Some("json.reliable.webpubsub.azure.v1"));
    assert_eq!(request.header("host"), Some(format!("127.0.0.1:{}", service.port()).as_str()));
    assert!(request.header("user-agent").unwrap().starts_with("wps/"));
}

/// Whoever is on the way lets so many messages through on each connection.
const LET_THROUGH: u64 = 3;

#[test]
fn a_backlog_drains_through_connections_that_are_cut_after_a_few_messages() {
    let service = Service::start();
    let total = 12;
    let wps = listener(&service, &["--count", &total.to_string()]);
    let mut source = Source::default();
    let mut peer = service.connect();
    peer.grant_join("g");
    (0..total).for_each(|_| drop(source.miss()));
    let mut acknowledged = 0;
    for sockets in 0.. {
        // Twice as many as needed: what is sent before it is known to have come is sent in vain.
        assert!(sockets <= 2 * total / LET_THROUGH, "only {acknowledged} of {total} are through");
        // All of them and the end are there together, before anything is heard.
        let (frames, rest) = (source.due(acknowledged, LET_THROUGH), acknowledged + LET_THROUGH >= total);
        peer.send_at_once(frames.iter());
        if rest {
            break;
        }
        peer.send_raw(&[0x88, 2, 0x03, 0xE9]);
        while let FromClient::Frame(_) = peer.next() {}
        acknowledged = acknowledged.max(peer.acknowledged);
        peer = service.recovery();
    }
    peer.see_off();
    let ended = wps.end();
    let records = ended.records();
    let numbers: Vec<&str> =
        of_kind(&records, "group-message").map(|message| message["data"].as_str().unwrap()).collect();
    assert_eq!(numbers, (1..=total).map(|number| number.to_string()).collect::<Vec<_>>());
    assert!(!kinds(&records).contains(&"session-lost"), "{}", ended.text());
}

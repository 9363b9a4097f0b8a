//! Names that take their time: the system's resolver asks a DNS server of the test's.
//!
//! A mount namespace of its own makes the binary's `/etc/resolv.conf` name that server. That takes the right to make
//! namespaces and to listen on port 53; where these are missing, the tests say so on stderr and are skipped, or fail
//! when `WPS_TESTS_SKIP_NOTHING` is set.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::process::BINARY;
use crate::support::{Ended, Service, Setup};

/// The name that is asked for.
const HOST: &str = "slow.wps.example";

/// How long a slow answer takes.
const SLOW: Duration = Duration::from_millis(700);

/// A DNS server on an address of its own, which knows every name as 127.0.0.1.
struct Names {
    address: Ipv4Addr,
}

impl Names {
    /// One that answers after `delay`, or never; `None` where that cannot be tested.
    fn start(delay: Option<Duration>) -> Option<Self> {
        static LAST: AtomicU8 = AtomicU8::new(53);
        // Several tests at once, and perhaps several runs of the tests.
        let process = u8::try_from(std::process::id() % 251).unwrap_or_default() + 1;
        let address = Ipv4Addr::new(127, 53, process, LAST.fetch_add(1, Ordering::Relaxed));
        let namespaces = Command::new("unshare").args(["-rm", "true"]).output();
        if !namespaces.is_ok_and(|output| output.status.success()) {
            return skipped("namespaces cannot be made (`unshare -rm`)");
        }
        let Ok(socket) = UdpSocket::bind(SocketAddr::new(IpAddr::V4(address), 53)) else {
            return skipped("nothing can listen on port 53");
        };
        thread::spawn(move || serve(&socket, delay));
        Some(Self { address })
    }

    /// A run of the binary that asks this server.
    fn wps(&self, args: &str) -> Setup {
        Setup::shell(
            "exec unshare -rm -- sh -c '
                 mount --bind \"$HOME/resolv.conf\" /etc/resolv.conf &&
                 mount --bind \"$HOME/nsswitch.conf\" /etc/nsswitch.conf &&
                 exec \"$WPS\" $ARGS'",
        )
        .env("ARGS", args)
        .file("resolv.conf", &format!("nameserver {}\noptions timeout:20 attempts:1\n", self.address))
        .file("nsswitch.conf", "hosts: dns\n")
    }
}

/// Tells that a test is skipped, past the capture of the test's output.
fn skipped(why: &str) -> Option<Names> {
    assert!(std::env::var_os("WPS_TESTS_SKIP_NOTHING").is_none(), "{why}");
    let _ = writeln!(std::io::stderr(), "SKIPPED: a test of slow DNS answers: {why}");
    None
}

fn serve(socket: &UdpSocket, delay: Option<Duration>) {
    let mut query = [0; 512];
    while let Ok((length, client)) = socket.recv_from(&mut query) {
        let Some(delay) = delay else { continue };
        let reply = answer(&query[..length]);
        let Ok(socket) = socket.try_clone() else { return };
        // The slowness is what is tested: nothing waits for this but the binary.
        thread::spawn(move || {
            thread::sleep(delay);
            let _ = socket.send_to(&reply, client);
        });
    }
}

/// The answer to a query of one question: 127.0.0.1 for an A record, nothing for any other.
fn answer(query: &[u8]) -> Vec<u8> {
    const A: [u8; 2] = [0, 1];
    let name = query[12..].iter().position(|byte| *byte == 0).unwrap_or_default();
    let question = &query[12..12 + name + 5];
    let is_a = question[name + 1..name + 3] == A;
    // An answer, recursion desired and available, no error; one question, one answer or none.
    let mut reply = vec![query[0], query[1], 0x81, 0x80, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0];
    reply.extend_from_slice(question);
    if is_a {
        // The name of the question, A, IN, one minute, four bytes.
        reply.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    reply
}

fn check(ended: &Ended, step: &str) -> serde_json::Value {
    let found = ended.records().into_iter().find(|record| record["step"] == step);
    found.unwrap_or_else(|| panic!("no `{step}` in {}{}", ended.text(), ended.stderr))
}

#[test]
fn a_slow_answer_only_takes_its_time() {
    assert!(std::path::Path::new(BINARY).is_file());
    let Some(names) = Names::start(Some(SLOW)) else { return };
    let service = Service::start();
    let url = service.url_of(HOST);
    let wps = names.wps(&format!("listen -g g --count 1 --url {url}")).start();
    let started = wps.started;
    let mut peer = service.connect();
    assert!(peer.at - started >= SLOW, "{:?}", peer.at - started);
    peer.grant_join("g");
    peer.say(1, "hello");
    peer.see_off();
    let ended = wps.end();
    assert_eq!((ended.code, ended.text()), (0, "[g] bob: hello\n"), "{}", ended.stderr);

    let wps = names.wps(&format!("doctor -o ndjson --url {url}")).start();
    service.request().upgrade().close(1001, "");
    let dns = check(&wps.end(), "dns");
    assert_eq!((&dns["status"], &dns["detail"]), (&"ok".into(), &format!("`{HOST}` is 127.0.0.1").into()), "{dns}");
    assert!(dns["elapsedMs"].as_f64().is_some_and(|took| took >= SLOW.as_secs_f64() * 1000.0), "{dns}");
}

#[test]
fn an_answer_that_never_comes_is_given_up_in_time_and_named() {
    let Some(names) = Names::start(None) else { return };
    let url = format!("ws://{HOST}/client/hubs/hub1");
    let wps = names.wps(&format!("listen --no-reconnect --connect-timeout 800ms --url {url}")).start();
    let started: Instant = wps.started;
    let ended = wps.end();
    ended.assert_failed(
        4,
        &["caused by: timed out after 0.8 s while resolving `slow.wps.example`\n", "hint: the limit is 800 ms"],
    );
    // The resolver itself would wait for twenty.
    assert!(ended.at - started < Duration::from_secs(10), "{:?}", ended.at - started);

    let ended = names.wps(&format!("doctor -o ndjson --connect-timeout 800ms --url {url}")).run();
    let dns = check(&ended, "dns");
    assert_eq!((ended.code, &dns["status"]), (4, &"failed".into()), "{dns}");
    assert!(dns["detail"].as_str().is_some_and(|text| text.contains("while resolving `slow.wps.example`")), "{dns}");
}

//! What a dial leaves behind: its steps, with their outcomes and facts.

use std::net::{IpAddr, Ipv4Addr};

use tokio::io::AsyncWriteExt as _;

use super::{SUBPROTOCOL, accepting, listener, read_head, target, within};
use crate::wire::dial::Override;
use crate::wire::{DialError, DialOptions, DialProgress, Facts, StepKind, StepOutcome, dial};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Dials a server that answers like this, under a name of which `--resolve` knows the address.
async fn dialled(answer: impl FnOnce(&str) -> String) -> (DialProgress, u16, Result<(), DialError>) {
    let (listener, port) = listener().await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = read_head(&mut stream).await;
        stream.write_all(answer(&head).as_bytes()).await.unwrap();
    };
    let resolve = vec![Override { host: "service.example".to_owned(), port, address: LOCALHOST }];
    let options = DialOptions { resolve, ..DialOptions::default() };
    let (target, progress) = (target("service.example", port, false), DialProgress::default());
    let (link, ()) = within(async { tokio::join!(dial(&target, &options, &progress), server) }).await;
    (progress, port, link.map(drop))
}

#[tokio::test]
async fn a_dial_that_succeeds_leaves_every_step_with_its_time_and_facts() {
    let date = "Date: Tue, 06 Oct 2026 12:00:00 GMT\r\n\r\n";
    let (progress, port, result) = dialled(|head| accepting(head).replace("\r\n\r\n", &format!("\r\n{date}"))).await;
    result.unwrap();
    let steps = progress.steps();
    assert!(steps.iter().all(|step| step.elapsed.is_some()), "{steps:?}");
    assert!(steps.is_sorted_by_key(|step| step.started));
    let told: Vec<String> = steps.iter().map(|step| format!("{}: {}", step.kind, step.detail())).collect();
    assert_eq!(
        told,
        [
            "dns: `service.example` is 127.0.0.1 (`--resolve`)".to_owned(),
            format!("tcp: connected to 127.0.0.1:{port}"),
            "proxy: there is none for `ws`".to_owned(),
            "tls: `ws` is without TLS".to_owned(),
            format!("upgrade: 101, `{SUBPROTOCOL}`"),
        ]
    );
    let date = httpdate::parse_http_date("Tue, 06 Oct 2026 12:00:00 GMT").ok();
    let answer = Facts::Answer { status: 101, date, subprotocol: Some(SUBPROTOCOL.to_owned()) };
    assert_eq!(steps[4].facts, Some(answer));
}

#[tokio::test]
async fn a_dial_that_fails_ends_with_the_step_that_failed() {
    let refusal = "HTTP/1.1 403 Forbidden\r\nDate: Tue, 06 Oct 2026 12:00:00 GMT\r\nContent-Length: 0\r\n\r\n";
    let (progress, _, result) = dialled(|_| refusal.to_owned()).await;
    result.expect_err("it was refused");
    let steps = progress.steps();
    let last = steps.last().unwrap();
    assert_eq!(last.kind, StepKind::Upgrade);
    let words = "the server refused the WebSocket handshake: 403 Forbidden";
    assert_eq!(last.outcome, StepOutcome::Failed(words.to_owned()));
    assert!(matches!(last.facts, Some(Facts::Answer { status: 403, date: Some(_), .. })), "{last:?}");

    let (progress, listener) = (DialProgress::default(), listener().await);
    let target = target("127.0.0.1", listener.1, false);
    drop(listener);
    within(dial(&target, &DialOptions::default(), &progress)).await.expect_err("nothing listens");
    let steps = progress.steps();
    let outcomes: Vec<_> = steps.iter().map(|step| (step.kind, &step.outcome)).collect();
    assert!(matches!(
        outcomes[..],
        [(StepKind::Resolve, StepOutcome::Skipped(_)), (StepKind::Connect, StepOutcome::Failed(_))]
    ));
}

#[tokio::test]
async fn a_dial_that_is_dropped_leaves_the_step_it_was_in() {
    let (listener, port) = listener().await;
    let (target, progress) = (target("127.0.0.1", port, false), DialProgress::default());
    let options = DialOptions::default();
    within(async {
        tokio::select! {
            accepted = async { read_head(&mut listener.accept().await.unwrap().0).await } => drop(accepted),
            result = dial(&target, &options, &progress) => panic!("nobody answered: {result:?}"),
        }
    })
    .await;
    let last = progress.steps().pop().unwrap();
    assert_eq!((last.kind, last.elapsed, last.outcome), (StepKind::Upgrade, None, StepOutcome::Running));
}

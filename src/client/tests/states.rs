//! What the members of a group say of themselves, as a program sees it, against the emulator. Nothing sleeps; everything
//! has a time limit.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests, helpers included")]

use std::future::Future;
use std::time::Duration;

use webpubsub_client::{
    AccessUrl, Client, ConnectionString, Event, Events, GroupState, OperationError, Signer, StateChanges, Subprotocol,
};
use webpubsub_emulator::{Emulator, ServerConfig, chosen_seed};

/// Longer than anything takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it takes too long")
}

async fn faulty(faults: &[&str]) -> Emulator {
    let mut config = ServerConfig::new(chosen_seed(1));
    config.faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    Emulator::start(config).await.unwrap()
}

async fn connect(emulator: &Emulator, protocol: Subprotocol) -> (Client, Events) {
    let url = AccessUrl::parse(emulator.client_url().expose()).unwrap();
    in_time(Client::builder(url).protocol(protocol).connect()).await.unwrap()
}

/// What is told of states next.
async fn told(events: &mut Events) -> StateChanges {
    loop {
        if let Event::States(states) = in_time(events.next()).await.expect("the events ended") {
            return states;
        }
    }
}

/// Whether it was a snapshot, and what was said.
fn said(states: &StateChanges) -> (bool, Vec<Option<&str>>) {
    let values = states.changes.iter().map(|change| {
        change.state.as_ref().map(|state| state.entries.get("is").map(String::as_str).unwrap_or_default())
    });
    (states.snapshot, values.collect())
}

fn state(is: &str) -> GroupState {
    [("is", is)].into_iter().collect()
}

#[tokio::test]
async fn states_are_told_as_they_are_and_as_they_change_in_both_codecs() {
    let emulator = faulty(&[]).await;
    for protocol in [Subprotocol::JsonReliable, Subprotocol::ProtobufReliable, Subprotocol::Json] {
        let (watcher, mut events) = connect(&emulator, protocol).await;
        let (member, _member_events) = connect(&emulator, Subprotocol::JsonReliable).await;
        in_time(watcher.join("g")).await.unwrap();
        in_time(member.join("g")).await.unwrap();
        in_time(member.set_state("g", state("here"))).await.unwrap();
        in_time(watcher.watch_states("g")).await.unwrap();
        let all = told(&mut events).await;
        assert_eq!((all.group.as_str(), said(&all)), ("g", (true, vec![Some("here")])));
        in_time(member.set_state("g", state("typing"))).await.unwrap();
        assert_eq!(said(&told(&mut events).await), (false, vec![Some("typing")]));
        in_time(member.clear_state("g")).await.unwrap();
        assert_eq!(said(&told(&mut events).await), (false, vec![None]));
        // Its own too, and what ends with a connection.
        in_time(watcher.set_state("g", state("mine"))).await.unwrap();
        assert_eq!(said(&told(&mut events).await), (false, vec![Some("mine")]));
        in_time(member.set_state("g", state("leaving"))).await.unwrap();
        assert_eq!(said(&told(&mut events).await), (false, vec![Some("leaving")]));
        in_time(member.close()).await.unwrap();
        assert_eq!(said(&told(&mut events).await), (false, vec![None]));
        in_time(watcher.unwatch_states("g")).await.unwrap();
        in_time(watcher.clear_state("g")).await.unwrap();
        in_time(watcher.close()).await.unwrap();
        while let Some(event) = in_time(events.next()).await {
            assert!(!matches!(event, Event::States(_)), "{event:?}");
        }
    }
}

#[tokio::test]
async fn on_a_new_connection_the_own_state_is_set_again_and_the_others_are_told_anew() {
    let emulator = faulty(&["drop=reset,op=event", "refuse-recovery,times=1"]).await;
    let (client, mut events) = connect(&emulator, Subprotocol::JsonReliable).await;
    let (other, _other_events) = connect(&emulator, Subprotocol::JsonReliable).await;
    for client in [&client, &other] {
        in_time(client.join("g")).await.unwrap();
    }
    in_time(other.set_state("g", state("other"))).await.unwrap();
    in_time(client.set_state("g", state("mine"))).await.unwrap();
    in_time(client.watch_states("g")).await.unwrap();
    let all = told(&mut events).await;
    let (snapshot, mut values) = said(&all);
    values.sort();
    assert_eq!((snapshot, values), (true, vec![Some("mine"), Some("other")]));
    let _ = in_time(client.event("cut", webpubsub_client::OwnedData::text(""))).await;
    // The own one ended with the connection; it is there again, as the new connection's.
    let mut mine = false;
    let mut gone = false;
    while !(mine && gone) {
        let states = told(&mut events).await;
        for change in &states.changes {
            match change.state.as_ref().and_then(|state| state.entries.get("is")).map(String::as_str) {
                Some("mine") => mine = true,
                None => gone = true,
                Some("other") => {}
                Some(else_said) => panic!("{else_said}"),
            }
        }
    }
    in_time(client.close()).await.unwrap();
    in_time(other.close()).await.unwrap();
}

#[tokio::test]
async fn what_the_service_would_not_take_is_refused() {
    let emulator = faulty(&[]).await;
    let (client, _events) = connect(&emulator, Subprotocol::JsonReliable).await;
    let big = in_time(client.set_state("g", state(&"x".repeat(511)))).await;
    assert!(matches!(big, Err(OperationError::State(_))), "{big:?}");
    assert!(matches!(in_time(client.watch_states(" ")).await, Err(OperationError::Name(_))));
    let outside = in_time(client.set_state("g", state("x"))).await.unwrap_err();
    let told = matches!(&outside, OperationError::Refused { error, .. } if error.message == "Not a member of group.");
    assert!(told, "{outside}");
    let service = ConnectionString::parse(emulator.ready().connection_string.expose()).unwrap();
    let mut signer = Signer::new(service, "hub1").unwrap();
    signer.roles = vec!["webpubsub.joinLeaveGroup".to_owned()];
    let (client, _events) = in_time(Client::builder(signer).connect()).await.unwrap();
    in_time(client.join("g")).await.unwrap();
    let refused = in_time(client.watch_states("g")).await.unwrap_err();
    assert!(matches!(&refused, OperationError::Refused { error, .. } if error.name == "Forbidden"), "{refused}");
}

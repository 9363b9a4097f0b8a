use std::time::Duration;

use super::model::Span;
use super::*;

fn opportunity(point: Point) -> Opportunity<'static> {
    Opportunity {
        point,
        hub: "hub1",
        user: Some("alice"),
        connection: Some("c1"),
        group: Some("g"),
        event: None,
        frames: 0,
    }
}

fn fault(text: &str) -> Fault {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Which of the first opportunities a fault takes.
fn taken(text: &str, of: u64) -> Vec<u64> {
    let faults = Faults::new(7);
    faults.add(fault(text)).unwrap();
    (1..=of).filter(|_| !faults.fire(&opportunity(Point::SendToGroup)).is_empty()).collect()
}

#[test]
fn every_action_has_an_example_that_reads_and_prints_as_the_same_fault() {
    for entry in ACTIONS {
        let read = fault(entry.example);
        let printed = read.to_string();
        assert_eq!(fault(&printed), read, "{printed}");
        assert!(printed.starts_with(entry.name), "{printed}");
        assert!(help_text().contains(entry.example));
    }
}

#[test]
fn values_with_commas_stand_in_quotes() {
    let read = fault(r#"nack=Forbidden,message="no, \"never\" \\",group="a,b",times=2"#);
    assert_eq!(read.target.group.as_deref(), Some("a,b"));
    assert_eq!(read.action, Action::Nack { name: "Forbidden".into(), message: r#"no, "never" \"#.into() });
    assert_eq!(fault(&read.to_string()), read);
}

#[test]
fn the_action_may_stand_anywhere_and_operations_have_no_case() {
    assert_eq!(fault("op=SENDTOGROUP,times=2,ignore"), fault("ignore,op=sendToGroup,times=2"));
    assert_eq!(fault("ignore,op=ping|joinGroup").operations, ["ping", "joinGroup"]);
}

#[test]
fn durations_sizes_and_codes_are_read_with_their_units() {
    let read = fault("drop=4001,reason=bye,after=250ms..1s");
    let after = Span { least: Duration::from_millis(250), most: Duration::from_secs(1) };
    let how = DropKind::Close { code: 4001, reason: "bye".into() };
    assert_eq!(read.action, Action::Drop { how, when: DropTime::After(after) });
    for (text, bytes) in [("64k", 65536), ("2M", 2 << 20), ("500", 500), ("1KiB/s", 1024), ("10kb", 10240)] {
        assert_eq!(fault(&format!("bandwidth={text}")).action, Action::Bandwidth(bytes));
    }
    assert_eq!(
        fault("refuse,retry-after=1500ms").action,
        Action::Refuse { status: 503, retry_after: Some(2), body: None }
    );
    for chance in [0, 1, u64::MAX] {
        let drawn = after.draw(chance);
        assert!((after.least..=after.most).contains(&drawn), "{drawn:?}");
    }
}

#[test]
fn faults_of_a_tunnel_are_read_and_printed_and_aimed_at_events() {
    let to = TunnelTarget { endpoint: "http://localhost:9090".into(), target: "t1".into() };
    for (text, what) in [
        ("tunnel=lost,every=500", TunnelFault::Lost),
        (
            "tunnel=slow,delay=1ms..2s,event=connect",
            TunnelFault::Slow(Span { least: Duration::from_millis(1), most: Duration::from_secs(2) }),
        ),
        ("tunnel=reconnect,endpoint=http://localhost:9090,target=t1", TunnelFault::Reconnect(to)),
        ("tunnel=rebalance,times=1", TunnelFault::Rebalance(TunnelTarget::default())),
        ("tunnel=close,user=alice", TunnelFault::Close),
    ] {
        let read = fault(text);
        assert_eq!(read.action, Action::Tunnel(what), "{text}");
        assert_eq!(fault(&read.to_string()), read, "{text}");
        assert!(read.points.holds(Point::Tunnel) && !read.points.holds(Point::Event), "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_can_be_given() {
    for (text, message, hint) in [
        ("", "a fault begins with its action", "actions: `refuse`, `hang`"),
        ("nak=Forbidden", "`nak`, character 1, is not an action", "did you mean `nack`?"),
        ("nack=Forbidden,tmies=2", "`tmies`, character 16, is not a key of `nack`", "did you mean `times`?"),
        ("nack=Forbidden,size=2", "`size`, character 16, is not a key of `nack`", "keys: `hub`, `user`"),
        ("nack,op=event", "`nack` needs a value: nack=NAME", "for example `nack=InternalServerError"),
        ("no-pong=1", "`no-pong` takes no value", "for example"),
        ("ignore,nack=x", "`nack`, character 8, is a second action: a fault has one", "give a `--fault` for each"),
        (
            "ignore,op=sendToGruop",
            "`sendToGruop` is not a value of `op`, character 8, of `ignore`",
            "did you mean `sendToGroup`?",
        ),
        ("nack=x,op=ping", "`ping` is not a value of `op`, character 8, of `nack`", "possible: `joinGroup`"),
        ("ignore,times=0", "`times=0`, character 8: not a number, 1 or more", ""),
        ("ignore,times=2,times=3", "`times` is there twice, again at character 16", ""),
        ("ignore,times=", "`times`, character 8, needs a value", ""),
        ("ignore,,times=1", "there is nothing before character 8", ""),
        ("ignore,", "there is nothing before character", ""),
        ("ignore,probability=1.5", "`probability=1.5`, character 8: not a chance from 0.000001 to 1", ""),
        ("drop=rest,op=event", "`rest` is not a value of `drop`", "did you mean `reset`?"),
        ("tunnel=gone", "`gone` is not a value of `tunnel`", "possible: `lost`"),
        ("tunnel=lost,delay=1s", "`delay`, character 13, does not go with the rest", "for example"),
        ("tunnel=reconnect,endpoint=x", "`endpoint=x`, character 18: not an `http://` or `https://` URL", ""),
        ("tunnel=lost,group=g", "`group` cannot be an aim of `tunnel` here", ""),
        ("drop=reset", "`drop` does not say when: with op=…, group=…, frames=N or after=D", "for example"),
        ("drop=reset,after=1s,op=ping", "`op` says when, and so do `frames` and `after`", ""),
        ("drop=reset,after=1s,frames=1", "`frames` and `after` exclude each other", ""),
        ("drop=reset,after=1s,reason=x", "`reason`, character 21, does not go with the rest", ""),
        ("drop=65536,op=ping", "`65536`: not a number, 0 to 65535", ""),
        ("hang=soon", "`hang=soon`: not a duration", ""),
        ("delay-ack=3s..1s", "`delay-ack=3s..1s`: the range ends before it begins", ""),
        ("refuse=200", "`refuse=200`: not a number, 300 to 599", ""),
        ("garbage=tex", "`tex` is not a value of `garbage`", "did you mean `text`?"),
        ("bandwidth=fast", "`bandwidth=fast`: not a number of bytes", ""),
        (
            "hang,group=g",
            "`group` cannot be an aim of `hang` here: it would never happen",
            "`hang` happens at: `connect`",
        ),
        ("expire=1s,connection=c", "`connection` cannot be an aim of `expire` here: it would never happen", ""),
        (
            "refuse,op=connect|recover,connection=c",
            "`connection` cannot be an aim of `refuse` at `connect`: it would never happen",
            "`connection` can be its aim at: `recover`",
        ),
        (
            "ignore,op=joinGroup|ping,group=g",
            "`group` cannot be an aim of `ignore` at `ping`: it would never happen",
            "`group` can be its aim at: `joinGroup`, `leaveGroup`, `sendToGroup`",
        ),
        ("nack=x,group=g,event=e", "`event` cannot be an aim of `nack` here: it would never happen", ""),
        ("drop=reset,frames=3,group=g", "`group` cannot be an aim of `drop` here: it would never happen", ""),
        ("nack=\"x", "the quoted value of `nack`, character 1, does not end", ""),
        ("nack=\"x\"y", "a comma is missing at character 9", ""),
        ("ignore,hub=1", "`hub=1`, character 8:", ""),
    ] {
        let error = text.parse::<Fault>().expect_err(text);
        assert!(error.message.starts_with(message), "{text}: {error}");
        assert!(hint.is_empty() || error.hints.iter().any(|is| is.starts_with(hint)), "{text}: {:?}", error.hints);
    }
}

#[test]
fn a_fault_takes_the_opportunities_its_rhythm_says() {
    assert_eq!(taken("ignore", 3), [1, 2, 3]);
    assert_eq!(taken("ignore,times=2", 4), [1, 2]);
    assert_eq!(taken("ignore,nth=3", 5), [3]);
    assert_eq!(taken("ignore,nth=3,times=2", 6), [3, 4]);
    assert_eq!(taken("ignore,every=3", 9), [3, 6, 9]);
    assert_eq!(taken("ignore,nth=1,every=3", 7), [1, 4, 7]);
    assert_eq!(taken("ignore,every=2,times=2", 9), [2, 4]);
}

#[test]
fn chance_is_decided_by_the_seed() {
    let half = taken("ignore,probability=0.5", 1000);
    assert!((400..600).contains(&half.len()), "{}", half.len());
    assert_eq!(taken("ignore,probability=0.5", 1000), half);
    assert_eq!(taken("ignore,probability=1", 5).len(), 5);
    let other = Faults::new(8);
    other.add(fault("ignore,probability=0.5")).unwrap();
    let others: Vec<u64> = (1..=1000).filter(|_| !other.fire(&opportunity(Point::SendToGroup)).is_empty()).collect();
    assert_ne!(others, half);
}

#[test]
fn only_what_a_fault_is_aimed_at_is_counted() {
    for aim in ["hub=HUB1", "user=alice", "connection=c1", "group=g", "op=sendToGroup", "op=joinGroup|sendToGroup"] {
        assert_eq!(taken(&format!("ignore,{aim}"), 1), [1], "{aim}");
    }
    for aim in ["hub=hub2", "user=bob", "connection=c2", "group=h", "op=joinGroup", "event=e"] {
        let faults = Faults::new(7);
        faults.add(fault(&format!("ignore,{aim}"))).unwrap();
        assert!(faults.fire(&opportunity(Point::SendToGroup)).is_empty(), "{aim}");
        assert_eq!(faults.list()[0].met, 0, "{aim}");
    }
}

#[test]
fn faults_are_listed_with_their_counts_and_taken_out_of_force() {
    let faults = Faults::new(7);
    let points = Points::of(&[Point::SendToGroup]);
    assert!(!faults.care_for(points));
    let (first, second) = (faults.add(fault("ignore,times=1")).unwrap(), faults.add(fault("no-pong")).unwrap());
    assert!(faults.care_for(points));
    assert_eq!(faults.fire(&opportunity(Point::SendToGroup)).len(), 1);
    assert!(!faults.care_for(points), "nothing more can happen there");
    let listed = faults.get(first).unwrap();
    assert_eq!((listed.met, listed.fired, listed.done), (1, 1, true));
    assert_eq!(listed.fault, "ignore,times=1");
    assert_eq!(
        faults.take_notes(),
        ["fault 1 (`ignore,times=1`) at sendToGroup of group `g`, connection c1 of `alice`, hub `hub1`: time 1"]
    );
    assert!(faults.remove(first) && !faults.remove(first));
    assert_eq!((faults.clear(), faults.newest()), (1, second));
    assert_eq!(faults.list(), []);
    assert_eq!(faults.fire(&opportunity(Point::Ping)).len(), 0);
}

proptest::proptest! {
    #[test]
    fn spoiled_faults_are_refused_or_print_as_the_same_fault(text in webpubsub_spoil::spoiled_text(&[
        "drop=1014,reason=upstream,after=1s,times=1",
        "drop=reset,after=5s..20s",
        "nack=Forbidden,op=send,group=g,rate=0.5",
        "delay=10ms..2s,op=invoke,user=alice,times=3",
    ])) {
        crate::fuzz::fault(&text);
    }
}

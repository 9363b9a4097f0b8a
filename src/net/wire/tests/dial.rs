//! Dialling over TCP.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::AsyncWriteExt as _;

use super::{accepting, listener, read_head, target, told, within};
use crate::wire::dial::{Lookup, Override, dial_with};
use crate::wire::target::Stage;
use crate::wire::{DialError, DialOptions, DialProgress, Proxies, Proxy, ProxyScheme, StepKind, dial};

fn overridden(host: &str, port: u16, addresses: &[IpAddr]) -> DialOptions {
    let entry = |address: &IpAddr| Override { host: host.to_owned(), port, address: *address };
    DialOptions { resolve: addresses.iter().map(entry).collect(), ..DialOptions::default() }
}

#[tokio::test]
async fn a_name_leads_to_a_link() {
    let (listener, port) = listener().await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = read_head(&mut stream).await;
        stream.write_all(accepting(&head).as_bytes()).await.unwrap();
    };
    let target = target("localhost", port, false);
    let (options, progress) = (DialOptions::default(), DialProgress::default());
    let (link, ()) = within(async { tokio::join!(dial(&target, &options, &progress), server) }).await;
    link.unwrap();
    assert_eq!(progress.stage(), Stage::Upgrading { authority: format!("localhost:{port}") });
}

#[test]
fn a_dial_and_its_link_can_move_between_threads() {
    fn sent<T: Send>(_: T) {}
    let (options, progress) = (DialOptions::default(), DialProgress::default());
    sent(async move {
        let mut link = dial(&target("host.example", 1, true), &options, &progress).await?;
        std::future::poll_fn(|cx| link.poll_flush(cx)).await;
        Ok::<_, DialError>(())
    });
}

#[tokio::test]
async fn a_port_where_nothing_listens_refuses() {
    let (listener, port) = listener().await;
    drop(listener);
    let progress = DialProgress::default();
    let error = within(dial(&target("127.0.0.1", port, false), &DialOptions::default(), &progress))
        .await
        .expect_err("nothing listens");
    assert!(error.nothing_listens(), "{error:?}");
    let words = format!("could not connect to `127.0.0.1:{port}`: connection refused (`127.0.0.1:{port}`)");
    assert_eq!(told(&error), words);
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_is_named() {
    // Longer than a label may be, so that no resolver is asked.
    let host = format!("{}.invalid", "a".repeat(64));
    let progress = DialProgress::default();
    let error = within(dial(&target(&host, 80, false), &DialOptions::default(), &progress)).await.expect_err("no name");
    assert!(matches!(error, DialError::Resolve { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("could not resolve `{host}`"));
    assert_eq!(progress.stage(), Stage::Resolving { host });
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_refuses() {
    let (listener, port) = listener().await;
    // Nothing listens on the same port of another loopback address; where there is no such address it fails as well.
    let options = overridden(
        "Service.example",
        port,
        &[IpAddr::V4(Ipv4Addr::new(127, 9, 9, 9)), IpAddr::V4(Ipv4Addr::LOCALHOST)],
    );
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = read_head(&mut stream).await;
        stream.write_all(accepting(&head).as_bytes()).await.unwrap();
    };
    let target = target("service.example", port, false);
    let progress = DialProgress::default();
    let (link, ()) = within(async { tokio::join!(dial(&target, &options, &progress), server) }).await;
    link.unwrap();
}

/// A listener that lets nobody in: its queue is full, and the kernel ignores who comes then. The connections that
/// fill it come along.
#[cfg(target_os = "linux")]
async fn black_hole() -> (tokio::net::TcpListener, Vec<tokio::net::TcpStream>) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut guests = Vec::new();
    // A backlog of one has room for two.
    for _ in 0..2 {
        guests.push(within(tokio::net::TcpStream::connect(address)).await.unwrap());
    }
    (listener, guests)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_address_that_is_silent_does_not_hold_up_the_next() {
    let (hole, _guests) = black_hole().await;
    let port = hole.local_addr().unwrap().port();
    let other = tokio::net::TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))];
    let options = overridden("service.example", port, &addresses);
    let server = async {
        let (mut stream, _) = other.accept().await.unwrap();
        let head = read_head(&mut stream).await;
        stream.write_all(accepting(&head).as_bytes()).await.unwrap();
    };
    let target = target("service.example", port, false);
    let progress = DialProgress::default();
    let (link, ()) = within(async { tokio::join!(dial(&target, &options, &progress), server) }).await;
    link.unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_dial_that_is_given_up_while_connecting_tells_the_address() {
    let (hole, _guests) = black_hole().await;
    let address = hole.local_addr().unwrap();
    let target = target("127.0.0.1", address.port(), false);
    let (options, progress) = (DialOptions::default(), DialProgress::default());
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(20), dial(&target, &options, &progress)).await;
    given_up.expect_err("the address is silent");
    assert_eq!(progress.stage(), Stage::Connecting { proxy: None, addresses: vec![address] });
    assert_eq!(progress.stage().to_string(), format!("connecting to `{address}`"));

    let proxy = Proxy {
        scheme: ProxyScheme::Http,
        host: "127.0.0.1".into(),
        port: address.port(),
        credentials: None,
        from: "`--proxy`".into(),
    };
    let words = format!("connecting to the proxy `{proxy}` at `{address}`");
    let options = DialOptions { proxies: Proxies { plain: Some(proxy), ..Proxies::default() }, ..options };
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(20), dial(&target, &options, &progress)).await;
    given_up.expect_err("the address is silent");
    assert_eq!(progress.stage().to_string(), words);
}

#[tokio::test]
async fn a_dial_that_is_given_up_during_the_handshake_tells_that() {
    let (listener, port) = listener().await;
    let target = target("127.0.0.1", port, false);
    let (options, progress) = (DialOptions::default(), DialProgress::default());
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
    };
    within(async {
        tokio::select! {
            biased;
            () = server => {}
            result = dial(&target, &options, &progress) => panic!("nobody answered: {result:?}"),
        }
    })
    .await;
    let stage = progress.stage();
    assert_eq!(stage, Stage::Upgrading { authority: format!("127.0.0.1:{port}") });
    assert_eq!(stage.to_string(), format!("waiting for `127.0.0.1:{port}` to answer the WebSocket handshake"));
}

#[tokio::test]
async fn a_reset_before_the_answer_is_a_connection_closed_early() {
    let (listener, port) = listener().await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        stream.set_zero_linger().unwrap();
    };
    let target = target("127.0.0.1", port, false);
    let (options, progress) = (DialOptions::default(), DialProgress::default());
    let (link, ()) = within(async { tokio::join!(dial(&target, &options, &progress), server) }).await;
    let error = link.expect_err("it was reset");
    assert!(matches!(error, DialError::ClosedEarly { source: Some(_), .. }), "{error:?}");
    assert!(told(&error).ends_with(" | connection reset"), "{}", told(&error));
}

/// A resolver that gives these addresses, when it is asked to go on.
struct Slow {
    asked: tokio::sync::Notify,
    go_on: tokio::sync::Notify,
    addresses: Vec<IpAddr>,
}

impl Slow {
    fn new(addresses: Vec<IpAddr>) -> Self {
        Self { asked: tokio::sync::Notify::new(), go_on: tokio::sync::Notify::new(), addresses }
    }
}

impl Lookup for Slow {
    async fn lookup(&self, _host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.notify_one();
        self.go_on.notified().await;
        Ok(self.addresses.iter().map(|address| SocketAddr::new(*address, port)).collect())
    }
}

#[tokio::test]
async fn a_slow_answer_of_the_resolver_is_waited_for_and_told() {
    let (listener, port) = listener().await;
    let resolver = Slow::new(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    let target = target("service.example", port, false);
    let (options, progress) = (DialOptions::default(), DialProgress::default());
    let server = async {
        resolver.asked.notified().await;
        assert_eq!(progress.stage().to_string(), "resolving `service.example`");
        let step = progress.steps().pop().unwrap();
        assert_eq!((step.kind, step.elapsed), (StepKind::Resolve, None));
        resolver.go_on.notify_one();
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = read_head(&mut stream).await;
        stream.write_all(accepting(&head).as_bytes()).await.unwrap();
    };
    let (link, ()) = within(async { tokio::join!(dial_with(&resolver, &target, &options, &progress), server) }).await;
    link.unwrap();
    assert_eq!(progress.steps()[0].detail(), "`service.example` is 127.0.0.1");
}

#[tokio::test]
async fn a_name_with_ipv6_addresses_only_and_an_ipv6_literal_are_dialled() {
    let Ok(listener) = tokio::net::TcpListener::bind("[::1]:0").await else {
        // A machine without IPv6.
        return;
    };
    let port = listener.local_addr().unwrap().port();
    let resolver = Slow::new(vec![IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    resolver.go_on.notify_one();
    for host in ["service.example", "[::1]", "::1"] {
        let target = target(host, port, false);
        let (options, progress) = (DialOptions::default(), DialProgress::default());
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = read_head(&mut stream).await;
            stream.write_all(accepting(&head).as_bytes()).await.unwrap();
        };
        let dial = dial_with(&resolver, &target, &options, &progress);
        let (link, ()) = within(async { tokio::join!(dial, server) }).await;
        link.unwrap();
    }
}

//! Where an emulator listens: at one address, or at `localhost`, which is one name for two.
//!
//! Clients take either of its addresses, many the first that the resolver names and no other, so both are listened at,
//! on one port, or `localhost` would lead some of them nowhere.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::SystemTime;

use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};

use webpubsub_net::clock;

/// How often a port is picked that turns out to be taken at the other address.
const PICKS: usize = 16;

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bind {
    /// At both loopback addresses, or at the one that this machine has.
    Localhost,
    /// There.
    Address(IpAddr),
}

/// It is neither a name that is known here nor an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it is neither `localhost` nor an IP address")]
pub struct NoAddress;

impl FromStr for Bind {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        if text.eq_ignore_ascii_case("localhost") {
            return Ok(Self::Localhost);
        }
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        bare.parse().map(Self::Address).map_err(|_| NoAddress)
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Localhost => f.write_str("localhost"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl Bind {
    /// Only programs of this machine get there.
    pub fn is_loopback(self) -> bool {
        match self {
            Self::Localhost => true,
            Self::Address(address) => address.is_loopback(),
        }
    }
}

/// Nobody listens.
#[derive(Debug, Error)]
#[error("{source}")]
pub struct BindError {
    /// Where it could not listen.
    pub address: SocketAddr,
    /// Why.
    pub source: io::Error,
}

/// What listens.
#[derive(Debug)]
pub struct Listener {
    first: TcpListener,
    /// At the other loopback address.
    second: Option<TcpListener>,
    localhost: bool,
}

/// A listener without a runtime, on its way to another one.
#[derive(Debug)]
pub struct DetachedListener {
    first: std::net::TcpListener,
    second: Option<std::net::TcpListener>,
    localhost: bool,
}

impl Listener {
    /// Listens; port 0 picks a free one. Fails where there is no HTTP: its `Date` names years of four digits only, and
    /// hyper panics over others, also where there is to be no such header.
    pub async fn bind(bind: Bind, port: u16) -> Result<Self, BindError> {
        let now = SystemTime::now();
        if !clock::has_http_date(now) {
            let what =
                format!("the clock of this machine shows {}, which HTTP cannot say: set it", clock::seconds(now));
            let address = match bind {
                Bind::Localhost => Ipv4Addr::LOCALHOST.into(),
                Bind::Address(address) => address,
            };
            return Err(BindError { address: SocketAddr::new(address, port), source: io::Error::other(what) });
        }
        match bind {
            Bind::Localhost => localhost(port).await,
            Bind::Address(address) => {
                let first = at(SocketAddr::new(address, port)).await?;
                Ok(Self { first, second: None, localhost: false })
            }
        }
    }

    /// An address that it listens at, with the port.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.first.local_addr()
    }

    /// Whether `localhost` leads here whatever address a client takes it for.
    pub fn is_localhost(&self) -> bool {
        self.localhost
    }

    pub(super) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let Some(second) = &self.second else { return self.first.accept().await };
        tokio::select! {
            accepted = self.first.accept() => accepted,
            accepted = second.accept() => accepted,
        }
    }

    /// Takes it from its runtime.
    pub fn detach(self) -> io::Result<DetachedListener> {
        let Self { first, second, localhost } = self;
        Ok(DetachedListener {
            first: first.into_std()?,
            second: second.map(TcpListener::into_std).transpose()?,
            localhost,
        })
    }
}

impl DetachedListener {
    /// Gives it to the runtime that this is called in.
    pub fn attach(self) -> io::Result<Listener> {
        let Self { first, second, localhost } = self;
        let second = second.map(TcpListener::from_std).transpose()?;
        Ok(Listener { first: TcpListener::from_std(first)?, second, localhost })
    }
}

async fn at(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| BindError { address, source })
}

/// At both addresses of `localhost`, or at the one there is.
async fn localhost(port: u16) -> Result<Listener, BindError> {
    let (v4, v6) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST));
    let one = |first| Ok(Listener { first, second: None, localhost: true });
    let mut picks = 0;
    loop {
        picks += 1;
        let first = match at(SocketAddr::new(v4, port)).await {
            Ok(first) => first,
            Err(error) if error.source.kind() == io::ErrorKind::AddrInUse => return Err(error),
            // A machine without IPv4 is not the reason if it has no IPv6 either.
            Err(error) => return at(SocketAddr::new(v6, port)).await.map_or(Err(error), one),
        };
        let picked = first.local_addr().map_err(|source| BindError { address: SocketAddr::new(v4, port), source })?;
        match at(SocketAddr::new(v6, picked.port())).await {
            Ok(second) => return Ok(Listener { first, second: Some(second), localhost: true }),
            Err(error) if error.source.kind() == io::ErrorKind::AddrInUse => {
                if port != 0 || picks == PICKS {
                    return Err(error);
                }
            }
            // There is no IPv6, and nobody to take `localhost` for it.
            Err(_) => return one(first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_localhost_is_where_to_listen() {
        assert_eq!("LocalHost".parse(), Ok(Bind::Localhost));
        for text in ["127.0.0.1", "::1", "[::1]", "0.0.0.0"] {
            let Ok(Bind::Address(address)) = text.parse() else { panic!("{text}") };
            assert_eq!(address.to_string(), text.trim_matches(['[', ']']));
        }
        for text in ["", "localhost:8080", "example.com", "127.0.0.1:1"] {
            assert_eq!(text.parse::<Bind>(), Err(NoAddress), "{text}");
        }
    }

    #[tokio::test]
    async fn localhost_is_both_loopback_addresses_on_one_port() {
        let listener = Listener::bind(Bind::Localhost, 0).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let has_v6 = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
        let addresses = [Some(IpAddr::from(Ipv4Addr::LOCALHOST)), has_v6.then_some(Ipv6Addr::LOCALHOST.into())];
        for address in addresses.into_iter().flatten() {
            let (connected, accepted) = tokio::join!(TcpStream::connect((address, port)), listener.accept());
            assert_eq!(accepted.unwrap().1, connected.unwrap().local_addr().unwrap());
        }
        let taken = Listener::bind(Bind::Localhost, port).await.unwrap_err();
        assert_eq!((taken.address.port(), taken.source.kind()), (port, io::ErrorKind::AddrInUse));
        // It is the same listener after it has moved.
        let listener = listener.detach().unwrap().attach().unwrap();
        assert!(listener.is_localhost());
        let (connected, accepted) = tokio::join!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)), listener.accept());
        assert!(connected.is_ok() && accepted.is_ok());
    }

    #[tokio::test]
    async fn a_port_that_is_taken_at_one_address_is_taken() {
        let Ok(other) = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else { return };
        let port = other.local_addr().unwrap().port();
        let error = Listener::bind(Bind::Localhost, port).await.unwrap_err();
        assert_eq!(error.address, SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port));
        assert!(Listener::bind(Bind::Address(Ipv4Addr::LOCALHOST.into()), port).await.is_ok());
    }
}

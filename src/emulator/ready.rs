//! What somebody who wants to use the emulator has to know: where it is and the credentials for it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use url::Url;

use webpubsub_net::auth::token::{ClientTokenRequest, client_audience, sign_client_token};
use webpubsub_net::secret::Secret;

use super::config::ServerConfig;

/// The port of the official emulator (PROTOCOL §0).
pub const DEFAULT_PORT: u16 = 8080;

/// The hub of the client URL in [`Ready`].
pub const DEFAULT_HUB: &str = "hub1";

/// What the emulator says when it can be used. Its secrets are the ones it exists to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// `http://localhost:8080`, with TLS `https://…`, without a slash at the end.
    pub endpoint: String,
    /// With the first access key.
    pub connection_string: Secret,
    /// For [`DEFAULT_HUB`], with all roles, valid for a day.
    pub client_url: Secret,
}

impl Ready {
    /// For an emulator that listens at `address`, or at all that `localhost` may be. `now_unix_secs` is when the client
    /// URL's token is issued.
    pub fn new(config: &ServerConfig, address: SocketAddr, localhost: bool, now_unix_secs: u64) -> Self {
        let key = config.keys.first().cloned().unwrap_or_else(|| Secret::new(""));
        Self::at(endpoint(config, address, localhost), &key, now_unix_secs)
    }

    /// The same for one that clients know by `endpoint`, with this access key.
    pub(super) fn at(endpoint: String, key: &Secret, now_unix_secs: u64) -> Self {
        let connection_string = format!("Endpoint={endpoint};AccessKey={};Version=1.0;", key.expose());
        let roles = ["joinLeaveGroup", "sendToGroup", "setGroupState", "getGroupState"];
        let roles = roles.map(|role| format!("webpubsub.{role}"));
        let audience = client_audience(&endpoint, DEFAULT_HUB);
        let token = sign_client_token(
            key,
            &ClientTokenRequest {
                audience: &audience,
                user: None,
                roles: &roles,
                groups: &[],
                issued_at: now_unix_secs,
                ttl: Duration::from_secs(24 * 60 * 60),
                not_before: None,
                claims: &[],
            },
        );
        // https becomes wss, http ws.
        let socket = endpoint.replacen("http", "ws", 1);
        let client_url = format!("{socket}/client/hubs/{DEFAULT_HUB}?access_token={}", token.expose());
        Self { endpoint, connection_string: Secret::new(connection_string), client_url: Secret::new(client_url) }
    }
}

/// The URL clients know the emulator by: what it was told to advertise, or where it listens. It is `localhost` only where
/// both addresses of that name lead to it.
pub(super) fn endpoint(config: &ServerConfig, address: SocketAddr, localhost: bool) -> String {
    if let Some(advertised) = &config.advertise {
        return with_port(advertised, address.port()).trim_end_matches('/').to_owned();
    }
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let port = address.port();
    match address.ip() {
        // The name the official emulator and everybody's configuration has.
        _ if localhost => format!("{scheme}://localhost:{port}"),
        // With IPv6 it takes IPv4, too.
        IpAddr::V6(ip) if ip.is_unspecified() => format!("{scheme}://localhost:{port}"),
        IpAddr::V4(ip) if ip.is_unspecified() => format!("{scheme}://127.0.0.1:{port}"),
        IpAddr::V4(_) | IpAddr::V6(_) => format!("{scheme}://{address}"),
    }
}

/// An advertised endpoint, with the port that is listened at in place of port 0.
fn with_port(advertised: &str, port: u16) -> String {
    match Url::parse(advertised) {
        Ok(mut url) if url.port() == Some(0) => {
            // A URL with a port has a place for another one.
            let _ = url.set_port(Some(port));
            url.into()
        }
        Ok(_) | Err(_) => advertised.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use webpubsub_net::auth::token::{Audience, verify_client_token};

    #[test]
    fn the_defaults_are_the_official_emulators() {
        let config = ServerConfig::new([0; 32]);
        let ready = Ready::new(&config, SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT)), true, 1_760_000_000);
        assert_eq!(
            ready.connection_string.expose(),
            "Endpoint=http://localhost:8080;AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;Version=1.0;"
        );
        let (url, token) = ready.client_url.expose().split_once("?access_token=").unwrap();
        assert_eq!(url, "ws://localhost:8080/client/hubs/hub1");
        let expected = Audience { endpoints: &[&ready.endpoint], hub: "hub1" };
        let claims = verify_client_token(token, &config.keys, expected, 1_760_000_000).unwrap();
        assert_eq!((claims.exp, claims.roles.len()), (Some(1_760_086_400), 4));
    }

    #[test]
    fn the_endpoint_is_the_advertised_one_or_the_address() {
        let mut config = ServerConfig::new([0; 32]);
        for (address, expected) in [
            ("127.0.0.1:1", "http://127.0.0.1:1"),
            ("0.0.0.0:2", "http://127.0.0.1:2"),
            ("[::]:3", "http://localhost:3"),
            ("[::1]:4", "http://[::1]:4"),
            ("10.0.0.1:5", "http://10.0.0.1:5"),
        ] {
            assert_eq!(endpoint(&config, address.parse().unwrap(), false), expected);
        }
        assert_eq!(endpoint(&config, "127.0.0.1:6".parse().unwrap(), true), "http://localhost:6");
        config.advertise = Some("https://dev.example/".to_owned());
        let ready = Ready::new(&config, "10.0.0.1:5".parse().unwrap(), false, 0);
        assert_eq!(ready.endpoint, "https://dev.example");
        assert!(ready.client_url.expose().starts_with("wss://dev.example/client/hubs/hub1?"));
        config.advertise = Some("https://dev.example:0/gateway".to_owned());
        assert_eq!(endpoint(&config, "10.0.0.1:5".parse().unwrap(), false), "https://dev.example:5/gateway");
    }
}

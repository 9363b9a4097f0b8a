//! From the settings of the network to what a dial takes.

use crate::options::connecting::settings::ConnectionSettings;
use crate::options::network::settings;
use webpubsub_net::wire::{DialOptions, Exceptions, Override, Proxies, Proxy, ProxyScheme, Tls, TlsSettings};

/// What holds for every dial of a run.
pub fn dial_options(connection: &ConnectionSettings) -> DialOptions {
    options_of(&connection.network, &connection.tls)
}

/// The same of a command without a connection.
pub fn options_of(network: &settings::NetworkSettings, tls: &settings::TlsOptions) -> DialOptions {
    let tls = TlsSettings {
        ca_cert: tls.ca_cert.clone(),
        only_ca_cert: tls.only_ca_cert,
        client_cert: tls.client_cert.clone(),
        insecure: tls.insecure,
    };
    let overrides = network.resolve.iter().flat_map(|entry| {
        let host = &entry.host;
        entry.addresses.iter().map(|address| Override { host: host.clone(), port: entry.port, address: *address })
    });
    DialOptions {
        tls: Tls::new(tls),
        headers: network.headers.clone(),
        resolve: overrides.collect(),
        proxies: proxies(&network.proxies),
    }
}

fn proxies(proxies: &settings::Proxies) -> Proxies {
    let exceptions = proxies.exceptions.as_ref();
    Proxies {
        secure: proxies.secure.as_ref().map(proxy),
        plain: proxies.plain.as_ref().map(proxy),
        exceptions: exceptions.map(|given| Exceptions::new(&given.list, given.from)).unwrap_or_default(),
    }
}

fn proxy(proxy: &settings::Proxy) -> Proxy {
    Proxy {
        scheme: match proxy.scheme {
            settings::ProxyScheme::Http => ProxyScheme::Http,
            settings::ProxyScheme::Https => ProxyScheme::Https,
            settings::ProxyScheme::Socks5 => ProxyScheme::Socks5,
        },
        host: proxy.host.clone(),
        port: proxy.port,
        credentials: proxy.credentials.clone(),
        from: proxy.from.clone(),
    }
}

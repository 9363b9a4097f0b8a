//! What a run may cost where somebody bills for it. Nobody should find that out afterwards.

use std::net::IpAddr;

use super::args::{Rate, Sizes};
use super::settings::{BenchSettings, LoadLength};
use super::text::counted;
use crate::failure::{Failure, Kind};
use crate::options::connection::settings::ConnectionSource;

/// Connections that are opened without further ado: what the free tier of the service has.
const CONNECTIONS: u64 = 20;
/// Messages a second that are sent without further ado.
const RATE: f64 = 1000.0;
/// The service counts a message for each begun part of this size (bytes).
const BILLED_PART: usize = 2048;

/// Fails when the service is not on this machine and the load is more than a slip of the keyboard should bring about.
pub fn check(bench: &BenchSettings) -> Result<(), Failure> {
    if is_on_this_machine(&bench.connection.source) {
        return Ok(());
    }
    let much = match bench.rate {
        Rate::Max => bench.publishers > 0,
        Rate::PerSecond(rate) => rate > RATE,
    };
    if bench.connections <= CONNECTIONS && !much {
        return Ok(());
    }
    let mut parts = Vec::new();
    if bench.connections > CONNECTIONS {
        parts.push(format!("{} connections", grouped(bench.connections)));
    }
    if bench.publishers > 0 {
        parts.push(messages(bench));
    }
    let what = format!("this may cost something: {} to a service that is not on this machine", parts.join(" and "));
    Err(Failure::message(Kind::Usage, what)
        .hint("`--yes` does it all the same; without it there are up to 20 connections and 1000 messages a second"))
}

/// What is sent, and what becomes of it.
fn messages(bench: &BenchSettings) -> String {
    let Rate::PerSecond(rate) = bench.rate else {
        return "as many messages as go through (`--rate max`)".to_owned();
    };
    let sent = match bench.length {
        LoadLength::For(time) => rate * (time.as_secs_f64() + bench.ramp.as_secs_f64() / 2.0),
        LoadLength::Count(count) => count as f64 * bench.publishers as f64,
    };
    let sent_text = format!("{} at {} a second", counted(sent.ceil() as u64, "message"), grouped(rate.ceil() as u64));
    let Sizes(_, most) = bench.sizes;
    let copies = bench.subscribers as f64 / bench.groups.len() as f64 * most.div_ceil(BILLED_PART) as f64;
    match bench.subscribers {
        0 => sent_text,
        _ => format!("{sent_text}, delivered and billed as {} of 2 KB,", grouped((sent * copies).ceil() as u64)),
    }
}

/// Whether it is known to be on this machine. Of a command that makes URLs that is not known.
fn is_on_this_machine(source: &ConnectionSource) -> bool {
    let host = match source {
        ConnectionSource::Local { .. } => return true,
        ConnectionSource::Command(_) => return false,
        ConnectionSource::Url(url) => url.host(),
        ConnectionSource::Signed(signer) => signer.endpoint.host_str().unwrap_or_default().to_owned(),
        ConnectionSource::Keyless(keyless) => keyless.endpoint.host_str().unwrap_or_default().to_owned(),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn only_what_is_named_as_this_machine_is_on_it() {
        use webpubsub_net::auth::access_url::AccessUrl;
        for (url, here) in [
            ("ws://localhost:8080/client/hubs/h", true),
            ("ws://127.0.0.2/client/hubs/h", true),
            ("ws://[::1]:1/client/hubs/h", true),
            ("wss://name.webpubsub.azure.com/client/hubs/h", false),
            ("ws://192.168.0.1/client/hubs/h", false),
            ("ws://localhost.example.com/client/hubs/h", false),
        ] {
            assert_eq!(is_on_this_machine(&ConnectionSource::Url(AccessUrl::parse(url).unwrap())), here, "{url}");
        }
        assert!(!is_on_this_machine(&ConnectionSource::Command("echo ws://localhost/client/hubs/h".into())));
    }
}

//! What `wps trace` will do.

use std::time::Duration;

use super::args::{LevelName, TraceArgs};
use crate::failure::Failure;
use crate::options::connection::args::TokenArgs;
use crate::options::connection::settings::{ConnectionSource, resolve_service, warn_if_exposed};
use crate::options::environment::{Environment, Input};
use crate::options::names;
use crate::options::network::settings::{self as network, NetworkSettings, TlsOptions, tls};
use crate::options::output::settings::OutputSettings;
use crate::options::reconnect::settings::{Attempts, attempts};
use crate::options::stdin;
use webpubsub_proto::trace::{Level, Trace as Traced};

/// `wps trace`.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSettings {
    /// Where the service is, and what opens it.
    pub source: ConnectionSource,
    /// The way there.
    pub network: NetworkSettings,
    /// How the server is authenticated.
    pub tls: TlsOptions,
    /// Limit of each attempt.
    pub connect_timeout: Duration,
    /// How often it is connected to.
    pub attempts: Attempts,
    /// Which traces are shown.
    pub choice: TraceFilter,
    /// What is printed: text or records.
    pub output: OutputSettings,
    /// End after so many traces, at least 1.
    pub count: Option<u64>,
    /// `--for`: end after this time.
    pub duration: Option<Duration>,
    /// `--timeout`, from the start of the process.
    pub timeout: Option<Duration>,
}

/// Which traces are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceFilter {
    /// This level and above.
    pub level: Option<Level>,
    /// Any of these names or numbers; none: all.
    pub events: Vec<String>,
    /// Of this hub.
    pub hub: Option<String>,
}

impl TraceFilter {
    /// Whether it is to be shown.
    pub fn takes(&self, trace: &Traced) -> bool {
        let of_level = match (self.level, trace.level) {
            (Some(least), Some(level)) => level >= least,
            // What is not known to be of no interest is shown.
            (Some(_), None) | (None, _) => true,
        };
        let is_event = |wanted: &String| {
            let by_name = trace.event_name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(wanted));
            by_name || wanted.parse() == Ok(trace.event_id)
        };
        let of_hub = |wanted: &String| {
            let hub = trace.properties.iter().find(|(name, _)| name.eq_ignore_ascii_case("hub"));
            hub.is_some_and(|(_, hub)| hub.eq_ignore_ascii_case(wanted))
        };
        of_level && (self.events.is_empty() || self.events.iter().any(is_event)) && self.hub.as_ref().is_none_or(of_hub)
    }
}

/// Settles `wps trace`.
pub fn settle(args: TraceArgs, environment: &Environment, input: &mut dyn Input) -> Result<TraceSettings, Failure> {
    let takers = stdin::takers_of(None, args.key.connection_string.as_ref(), Some(&args.network));
    stdin::refuse_two(&takers)?;
    input.limit(args.report.timeout.timeout);
    args.hub.as_deref().map_or(Ok(()), |name| names::hub("--hub", name))?;
    let attempts = attempts(&args.attempts, true)?;
    let timeout = args.report.timeout.timeout;
    let output = OutputSettings::of_report(args.report, environment)?.with_conditions(args.conditions);
    // It is the whole service that is traced.
    let hub = Some("unused".to_owned());
    let token = TokenArgs { hub, user: None, roles: Vec::new(), initial_groups: Vec::new(), ttl: None };
    let source = resolve_service((&args.key, &args.endpoint), &token, environment, input)?;
    let tls = tls(&args.network);
    if let Some((_, key)) = &tls.client_cert {
        warn_if_exposed(key, input);
    }
    let network = network::settle(args.network, &source, environment, input)?;
    Ok(TraceSettings {
        source,
        network,
        tls,
        connect_timeout: args.connect_timeout,
        attempts,
        choice: TraceFilter { level: args.level.map(level), events: args.events, hub: args.hub },
        output,
        count: args.end.count,
        duration: args.end.duration,
        timeout,
    })
}

fn level(name: LevelName) -> Level {
    match name {
        LevelName::Trace => Level::Trace,
        LevelName::Debug => Level::Debug,
        LevelName::Information => Level::Information,
        LevelName::Warning => Level::Warning,
        LevelName::Error => Level::Error,
        LevelName::Critical => Level::Critical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(level: Option<Level>, name: Option<&str>, hub: Option<&str>) -> Traced {
        Traced {
            time: None,
            event_id: 12,
            event_name: name.map(str::to_owned),
            level,
            message: String::new(),
            exception: None,
            properties: hub.map(|hub| ("hub".to_owned(), hub.to_owned())).into_iter().collect(),
        }
    }

    #[test]
    fn traces_are_chosen_by_level_event_and_hub() {
        let warnings = TraceFilter { level: Some(Level::Warning), ..TraceFilter::default() };
        for (level, taken) in [
            (Some(Level::Information), false),
            (Some(Level::Warning), true),
            (Some(Level::Critical), true),
            (None, true),
        ] {
            assert_eq!(warnings.takes(&trace(level, None, None)), taken, "{level:?}");
        }
        let events = TraceFilter { events: vec!["connectionstarted".into(), "13".into()], ..TraceFilter::default() };
        assert!(events.takes(&trace(None, Some("ConnectionStarted"), None)));
        assert!(!events.takes(&trace(None, Some("Other"), None)) && !events.takes(&trace(None, None, None)));
        assert!(TraceFilter { events: vec!["12".into()], ..TraceFilter::default() }.takes(&trace(None, None, None)));
        let hub = TraceFilter { hub: Some("Chat".into()), ..TraceFilter::default() };
        assert!(hub.takes(&trace(None, None, Some("chat"))));
        assert!(!hub.takes(&trace(None, None, Some("other"))) && !hub.takes(&trace(None, None, None)));
        assert!(TraceFilter::default().takes(&trace(None, None, None)));
    }
}

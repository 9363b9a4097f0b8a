//! `wps url create` and `wps url inspect`: which key, which token, which URL.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::args::{NotBefore, UrlCreateArgs, UrlInspectArgs};
use crate::failure::{Failure, Kind};
use crate::options::connection::args::SourceArgs;
use crate::options::connection::settings::{Source, from_url, read, resolve, resolve_key};
use crate::options::environment::{Environment, Input};
use crate::options::output::settings::{Tool, tool};
use crate::options::stdin;
use webpubsub_net::auth::access_url::Signer;
use webpubsub_net::auth::connection_string::ConnectionString;
use webpubsub_net::auth::token::RESERVED_CLAIMS;

/// `wps url create`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlCreate {
    /// Makes the URL.
    pub signer: Signer,
    /// Print the token alone.
    pub token_only: bool,
    /// How it is printed.
    pub tool: Tool,
}

/// `wps url inspect`.
#[derive(Clone, Debug, PartialEq)]
pub struct UrlInspect {
    /// What to inspect.
    pub subject: Source,
    /// The service whose key the signature is checked with.
    pub service: Option<ConnectionString>,
    /// Limit of a URL command.
    pub connect_timeout: Duration,
    /// How it is printed.
    pub tool: Tool,
}

/// Settles `wps url create`.
pub fn create(mut args: UrlCreateArgs, environment: &Environment, input: &mut dyn Input) -> Result<UrlCreate, Failure> {
    for (index, (name, _)) in args.claims.iter().enumerate() {
        if RESERVED_CLAIMS.contains(&name.as_str()) {
            let failure = Failure::message(Kind::Usage, format!("the claim `{name}` has a flag of its own"));
            return Err(failure.hint(match name.as_str() {
                "aud" => "the audience follows from the endpoint and `--hub`; `--audience` sets another",
                "exp" | "iat" => "`--ttl` says how long the token is valid, and `--not-before` from when on",
                "nbf" => "`--not-before` sets it",
                "sub" => "`--user` sets it",
                "role" => "`--role` sets it",
                _ => "`--initial-group` sets it",
            }));
        }
        if args.claims[..index].iter().any(|(other, _)| other == name) {
            let failure = Failure::message(Kind::Usage, format!("the claim `{name}` is given more than once"));
            return Err(failure.hint(format!("an array is one claim: `--claim '{name}=[\"a\",\"b\"]'`")));
        }
    }
    args.token.initial_groups.append(&mut args.groups);
    let mut signer = resolve_key(&args.key, &args.token, environment, input)?;
    signer.not_before = args.not_before.map(|begins| {
        let time = match begins {
            NotBefore::At(time) => Some(time),
            NotBefore::In(duration) => SystemTime::now().checked_add(duration),
        };
        time.map_or(u64::MAX, |time| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    });
    signer.claims = args.claims;
    signer.audience = args.audience;
    let tool = tool(args.output, &args.talk, environment);
    Ok(UrlCreate { signer, token_only: args.token_only, tool })
}

/// Settles `wps url inspect`.
pub fn inspect(args: UrlInspectArgs, environment: &Environment, input: &mut dyn Input) -> Result<UrlInspect, Failure> {
    let tool = tool(args.output, &args.talk, environment);
    let connect_timeout = args.connect_timeout;
    let SourceArgs { url, url_command, key, endpoint } = args.source;
    if let (Some(_), Some(flag)) =
        (&args.subject, url.as_ref().map(|_| "--url").or(url_command.as_ref().map(|_| "--url-command")))
    {
        return Err(Failure::message(Kind::Usage, format!("two URLs to inspect: `URL` and `{flag}`"))
            .blame(flag)
            .hint("give one of them"));
    }
    let given = args.subject.as_ref().map(|url| ("URL", url)).or(url.as_ref().map(|url| ("--url", url)));
    let has_key = key.connection_string.is_some() || key.local.is_some();
    if (given.is_some() || url_command.is_some()) && has_key {
        if let (Some((name, subject)), Some(string)) = (given, &key.connection_string)
            && stdin::takes(subject)
            && stdin::takes(string)
        {
            let other = format!("{name} `-`");
            stdin::refuse_beside(&["--connection-string"], &other, Some("wps url inspect @FILE"))?;
        }
        // The source of the key is no second source: it is what the signature is checked with.
        let subject = match (given, url_command) {
            (Some((name, url)), _) => from_url(name, &read(name, url, input)?, None)?,
            (None, Some(command)) => Source::Command(command),
            (None, None) => return Err(Failure::message(Kind::Internal, "no URL to inspect")),
        };
        let mut token = args.token;
        token.hub = token.hub.or(Some("unused".to_owned()));
        let signer = resolve_key(&key, &token, environment, input)?;
        let service = Some(ConnectionString { endpoint: signer.endpoint, key: signer.key });
        return Ok(UrlInspect { subject, service, connect_timeout, tool });
    }
    let subject = match &args.subject {
        Some(url) => from_url("URL", &read("URL", url, input)?, Some(&args.token))?,
        None => resolve(&SourceArgs { url, url_command, key, endpoint }, &args.token, environment, input)?,
    };
    let service = match &subject {
        Source::Signed(signer) | Source::Local { signer, .. } => {
            Some(ConnectionString { endpoint: signer.endpoint.clone(), key: signer.key.clone() })
        }
        Source::Url(_) | Source::Command(_) | Source::Keyless(_) => None,
    };
    Ok(UrlInspect { subject, service, connect_timeout, tool })
}

//! `wps url create` and `wps url inspect`: which key, which token, which URL.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::args::{NotBefore, UrlCreateArgs, UrlInspectArgs};
use crate::failure::{Failure, Kind};
use crate::options::connection::args::SourceArgs;
use crate::options::connection::identity::KeylessService;
use crate::options::connection::settings::{ConnectionSource, from_url, read, resolve, resolve_key, resolve_maker};
use crate::options::environment::{Environment, Input};
use crate::options::network::args::NetworkArgs;
use crate::options::network::settings::{self as network, NetworkSettings, TlsOptions, tls};
use crate::options::output::settings::{ReportSettings, tool};
use crate::options::stdin;
use webpubsub_net::auth::access_url::Signer;
use webpubsub_net::auth::connection_string::ConnectionString;
use webpubsub_net::auth::token::RESERVED_CLAIMS;

/// `wps url create`.
#[derive(Clone, Debug, PartialEq)]
pub struct UrlCreate {
    /// Makes the URL.
    pub maker: UrlIssuer,
    /// Print the token alone.
    pub token_only: bool,
    /// How it is printed.
    pub tool: ReportSettings,
}

/// What makes a URL.
#[derive(Clone, Debug, PartialEq)]
pub enum UrlIssuer {
    /// A key that is here.
    Signer(Box<Signer>),
    Service(Box<TokenRequest>),
}

/// How a service is asked for a token.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenRequest {
    /// The service, the identity, and what the token is to say.
    pub keyless: KeylessService,
    /// The way there.
    pub network: NetworkSettings,
    /// How the server is authenticated.
    pub tls: TlsOptions,
    /// How long it may take all in all.
    pub limit: Duration,
}

/// `wps url inspect`.
#[derive(Clone, Debug, PartialEq)]
pub struct UrlInspect {
    /// What to inspect.
    pub subject: ConnectionSource,
    /// The service whose key the signature is checked with.
    pub service: Option<ConnectionString>,
    /// Limit of a URL command.
    pub connect_timeout: Duration,
    /// How it is printed.
    pub tool: ReportSettings,
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
    let tool = tool(args.output, &args.talk, environment);
    let token_only = args.token_only;
    let source = match resolve_maker((&args.key, &args.endpoint), &args.token, environment, input)? {
        ConnectionSource::Keyless(keyless) => {
            let maker = asking(keyless, args, environment, input)?;
            return Ok(UrlCreate { maker, token_only, tool });
        }
        other => other,
    };
    let ConnectionSource::Signed(mut signer) = source else {
        return Err(Failure::message(Kind::Internal, "nothing to make a URL with"));
    };
    refuse_network(&args.network, environment)?;
    signer.not_before = args.not_before.map(|begins| {
        let time = match begins {
            NotBefore::At(time) => Some(time),
            NotBefore::In(duration) => SystemTime::now().checked_add(duration),
        };
        time.map_or(u64::MAX, |time| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    });
    signer.claims = args.claims;
    signer.audience = args.audience;
    Ok(UrlCreate { maker: UrlIssuer::Signer(Box::new(signer)), token_only, tool })
}

/// The service makes the token, and knows nothing of some of what one signed here may say (PROTOCOL §13).
fn asking(
    keyless: KeylessService,
    args: UrlCreateArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<UrlIssuer, Failure> {
    let flags = [
        ("--not-before", args.not_before.is_some()),
        ("--audience", args.audience.is_some()),
        ("--claim", !args.claims.is_empty()),
    ];
    if let Some((flag, _)) = flags.iter().find(|(_, given)| *given) {
        let what =
            format!("`{flag}` does not go with `--endpoint`: the service makes the token, and takes no such word");
        let failure = Failure::message(Kind::Usage, what).blame(flag).blame("--endpoint");
        return Err(failure.hint("a token that is signed here has it: `--connection-string`, `--local`"));
    }
    stdin::refuse_two(&stdin::takers_of(None, None, Some(&args.network)))?;
    let (tls, source) = (tls(&args.network), ConnectionSource::Keyless(keyless.clone()));
    let network = network::settle(args.network, &source, environment, input)?;
    Ok(UrlIssuer::Service(Box::new(TokenRequest { keyless, network, tls, limit: args.connect_timeout })))
}

/// Nobody is asked for a token that is signed here. What a profile has is for those who are.
fn refuse_network(args: &NetworkArgs, environment: &Environment) -> Result<(), Failure> {
    let flags = [
        ("--proxy", args.proxy.is_some()),
        ("--resolve", !args.resolve.is_empty()),
        ("--header", !args.headers.is_empty()),
        ("--ca-cert", args.ca_cert.is_some()),
        ("--client-cert", args.client_cert.is_some()),
        ("--insecure", args.insecure),
    ];
    let typed = |flag: &str| environment.profile_with(flag.trim_start_matches('-')).is_none();
    match flags.iter().find(|(flag, given)| *given && typed(flag)) {
        Some((flag, _)) => Err(Failure::message(Kind::Usage, format!("`{flag}` goes with `--endpoint`"))
            .blame(flag)
            .hint("a token that is signed here needs no way to the service")),
        None => Ok(()),
    }
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
            (None, Some(command)) => ConnectionSource::Command(command),
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
        ConnectionSource::Signed(signer) | ConnectionSource::Local { signer, .. } => {
            Some(ConnectionString { endpoint: signer.endpoint.clone(), key: signer.key.clone() })
        }
        ConnectionSource::Url(_) | ConnectionSource::Command(_) | ConnectionSource::Keyless(_) => None,
    };
    Ok(UrlInspect { subject, service, connect_timeout, tool })
}

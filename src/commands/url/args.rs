//! The flags of `wps url`.

use std::time::{Duration, SystemTime};

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use crate::options::connection::args::{EndpointArgs, KeyArgs, SourceArgs, TokenArgs};
use crate::options::network::args::NetworkArgs;
use crate::options::output::args::StderrArgs;
use crate::options::values::{ReportFormat, duration, secret};
use webpubsub_net::secret::Secret;

/// `wps url`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_long_help = include_str!("help.md"))]
pub struct UrlArgs {
    /// Which of its commands.
    #[command(subcommand)]
    pub command: UrlCommand,
}

/// The commands of `wps url`.
#[derive(Debug, Subcommand)]
pub enum UrlCommand {
    /// Make a client access URL, with the key of a connection string or an Entra identity
    Create(Box<UrlCreateArgs>),
    /// Explain a client access URL and what is wrong with it
    Inspect(Box<UrlInspectArgs>),
}

/// `wps url create`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("create.md"))]
pub struct UrlCreateArgs {
    /// Where the key is.
    #[command(flatten)]
    pub key: KeyArgs,
    /// A service that makes the token itself.
    #[command(flatten)]
    pub endpoint: EndpointArgs,

    /// Time limit for getting a token, with --endpoint
    ///
    /// From the identity and from the service.
    #[arg(long, value_name = "D", default_value = "30s", value_parser = duration, help_heading = "Connection")]
    pub connect_timeout: Duration,

    /// The way to the service, when it is asked.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// What the token says.
    #[command(flatten)]
    pub token: TokenArgs,

    /// The same as --initial-group
    #[arg(short, long = "group", value_name = "GROUP", help_heading = TOKEN)]
    pub groups: Vec<String>,

    /// Start of validity: a time such as `2030-01-01T12:00:00Z`, or a duration from now; not with --endpoint
    ///
    /// --ttl counts from then.
    #[arg(long, value_name = "TIME|D", value_parser = not_before, help_heading = TOKEN)]
    pub not_before: Option<NotBefore>,

    /// Audience of the token [default: from endpoint and --hub]
    ///
    /// For a service that knows itself by another address, such as behind a gateway: the URL keeps the endpoint, the
    /// token gets this audience. It is the whole claim, as in `https://NAME.webpubsub.azure.com/client/hubs/HUB`. Not
    /// with --endpoint.
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new(), help_heading = TOKEN)]
    pub audience: Option<String>,

    /// Additional claim, repeatable; VALUE is JSON if it parses as such, else a string
    ///
    /// `--claim tier=gold`, `--claim level=3`, `--claim 'tags=["a","b"]'`, `--claim 'id="7"'`. The service passes
    /// claims on to the hub's `connect` event handler. Claims that have their own flags are refused. Not with
    /// --endpoint.
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim, help_heading = TOKEN)]
    pub claims: Vec<(String, String)>,

    /// Print only the token
    #[arg(long, help_heading = "Output")]
    pub token_only: bool,

    /// Format of stdout
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub output: ReportFormat,

    /// What to say on stderr.
    #[command(flatten)]
    pub talk: StderrArgs,
}

/// `wps url inspect`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("inspect.md"))]
pub struct UrlInspectArgs {
    /// Client access URL to inspect; `-` reads it from stdin, `@FILE` from a file [default: the source of the flags below]
    ///
    /// It can be combined with --connection-string or --local, whose key is then used to check the signature.
    #[arg(value_name = "URL", value_parser = secret)]
    pub subject: Option<Secret>,

    /// Where the URL comes from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// What a token signed here says.
    #[command(flatten)]
    pub token: TokenArgs,

    /// Time limit of --url-command
    #[arg(long, value_name = "D", default_value = "30s", value_parser = duration, help_heading = "Connection")]
    pub connect_timeout: Duration,

    /// Format of stdout
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub output: ReportFormat,

    /// What to say on stderr.
    #[command(flatten)]
    pub talk: StderrArgs,
}

/// Where the flags of a token stand.
const TOKEN: &str = "Token, with --connection-string, --endpoint or --local";

/// `--not-before`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotBefore {
    /// At this time.
    At(SystemTime),
    /// So long from now.
    In(Duration),
}

fn not_before(text: &str) -> Result<NotBefore, String> {
    if let Ok(time) = humantime::parse_rfc3339_weak(text) {
        return Ok(NotBefore::At(time));
    }
    duration(text).map(NotBefore::In).map_err(|_| "neither a time such as `2030-01-01T12:00:00Z` nor a duration".into())
}

/// Name and JSON value.
fn claim(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("not of the form `NAME=VALUE`")?;
    let json = match serde_json::from_str::<&serde_json::value::RawValue>(value) {
        Ok(value) => value.get().to_owned(),
        Err(_) => serde_json::Value::from(value).to_string(),
    };
    Ok((name.to_owned(), json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_json_if_it_parses_else_a_string() {
        for (text, name, value) in [
            ("tier=gold", "tier", "\"gold\""),
            ("level=3", "level", "3"),
            ("n=12345678901234567890123", "n", "12345678901234567890123"),
            ("ok=true", "ok", "true"),
            ("none=null", "none", "null"),
            ("id=\"7\"", "id", "\"7\""),
            ("tags= [1, \"b\"] ", "tags", "[1, \"b\"]"),
            ("eq=a=b", "eq", "\"a=b\""),
            ("empty=", "empty", "\"\""),
            ("broken={\"a\"", "broken", "\"{\\\"a\\\"\""),
        ] {
            assert_eq!(claim(text), Ok((name.to_owned(), value.to_owned())), "{text}");
        }
        for text in ["", "tier", "=gold"] {
            assert!(claim(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_beginning_is_a_time_or_a_duration_from_now() {
        assert_eq!(not_before("10m"), Ok(NotBefore::In(Duration::from_secs(600))));
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_499_200);
        assert_eq!(not_before("2030-01-01T12:00:00Z"), Ok(NotBefore::At(time)));
        assert_eq!(not_before("2030-01-01 12:00:00"), Ok(NotBefore::At(time)));
        assert!(not_before("tomorrow").is_err());
    }
}

//! Flags that say where to connect and with which token.

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

use crate::options::values::{Protocol, duration, secret};
use webpubsub_net::secret::Secret;

/// Where to connect.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct SourceArgs {
    /// Client access URL; `-`: stdin, `@FILE`: a file
    ///
    /// `ws(s)://HOST/client/hubs/HUB?access_token=…`; `-` reads it from stdin, `@FILE` from a file. `http(s)://` is
    /// read as `ws(s)://`. The path may also be `/client?hub=HUB` or `/client/?hub=HUB`, below the path of a gateway if
    /// there is one; any other path is malformed (exit 3). With `-`, stdin is read to its end, so DATA, lines and a
    /// script cannot come from stdin too. A token that looks expired causes a warning, never a refusal: clocks differ.
    /// Default: `WPS_URL`.
    #[arg(long, value_name = "URL", value_parser = secret)]
    pub url: Option<Secret>,

    /// Shell command that prints the URL
    ///
    /// It may also print JSON, as negotiate endpoints return it: a string, or an object with the URL in `url` (also
    /// `clientAccessUrl`, `uri`, `baseUrl`, in any spelling) and, if the URL has no token, the token in `accessToken`
    /// or `token`. Run by `sh -c` (`cmd /C` on Windows), again for each fresh connection and never for a recovery, so
    /// tokens may be short-lived. Its stderr is passed through, its stdin is empty; it is stopped at the connect
    /// timeout and when wps ends or is killed (except on Windows). If it fails or prints something else, that is a
    /// failed attempt to connect (exit 4). If the service refuses the token, the command is run once more.
    #[arg(long, value_name = "CMD")]
    pub url_command: Option<String>,

    /// A service whose key is here.
    #[command(flatten)]
    pub key: KeyArgs,

    /// A service without a key.
    #[command(flatten)]
    pub endpoint: EndpointArgs,
}

/// A service by its address, and the identity that opens it.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct EndpointArgs {
    /// Service address, for use with an Entra identity; needs --hub
    ///
    /// As in `https://NAME.webpubsub.azure.com`. The service makes the client tokens, a fresh one for each fresh
    /// connection. The identity needs the role *Web PubSub Service Owner* on the resource.
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,

    /// Where the identity comes from, with --endpoint [default: auto]
    ///
    /// `auto` uses the first of these that yields a token: the Azure CLI, the environment, the machine's managed
    /// identity. Variables: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET` for client-secret;
    /// `AZURE_FEDERATED_TOKEN_FILE` in place of the secret for workload-identity; `AZURE_CLIENT_ID` for
    /// managed-identity where there are several. Tokens are kept in memory only, until shortly before they expire.
    #[arg(long, value_enum, value_name = "WHICH")]
    pub credential: Option<Credential>,

    /// Shell command that prints an access token, with --endpoint
    ///
    /// The token is for `https://webpubsub.azure.com/.default`, printed as it is or as `accessToken` or `access_token`
    /// of a JSON object, as `az account get-access-token` prints it.
    #[arg(long, value_name = "CMD", conflicts_with = "credential")]
    pub credential_command: Option<String>,
}

/// `--credential`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Credential {
    /// the first that yields a token
    Auto,
    /// the user signed in with `az login`
    Cli,
    /// the identity of the machine, on Azure
    ManagedIdentity,
    /// the identity of a pod, by a token in a file
    WorkloadIdentity,
    /// an application, by its secret
    ClientSecret,
}

/// A service whose key is here.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct KeyArgs {
    /// Connection string of the service; needs --hub; `-`, `@FILE`
    ///
    /// `Endpoint=…;AccessKey=…;Version=1.0;`. `-` reads it from stdin, `@FILE` from a file. wps signs its own tokens
    /// with the access key, a fresh one for each fresh connection; the key never leaves this machine. Default:
    /// `WPS_CONNECTION_STRING`, else `WebPubSubConnectionString`; `WPS_URL` overrides both.
    #[arg(long, value_name = "S", value_parser = secret)]
    pub connection_string: Option<Secret>,

    /// The emulator on this machine [default PORT: 8080]
    ///
    /// At http://localhost:PORT, with its published development key. The port is written with `=`, as in
    /// `--local=9000`. If nothing listens there, `listen` and `repl` host an emulator inside their own process, for
    /// their own lifetime, and say so; other commands fail at once with exit 4. See `wps emulator --help`.
    #[arg(
        long,
        value_name = "PORT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "8080",
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub local: Option<u16>,

    /// Profile of the configuration file to use
    ///
    /// It supplies the source and other settings; see `wps help connection`. Flags on the command line override the
    /// profile, and a profile named here overrides the environment. Default: `WPS_PROFILE`, whose source is used only
    /// if the environment sets none.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// Where and how to connect.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Where to connect.
    #[command(flatten)]
    pub source: SourceArgs,

    /// Subprotocol to speak
    #[arg(long, value_enum, value_name = "NAME", default_value = "json-reliable")]
    pub protocol: Protocol,

    /// Time limit of each fresh attempt to connect
    ///
    /// DNS, TCP, proxy, TLS, upgrade and the `connected` frame together.
    #[arg(long, value_name = "D", default_value = "30s", value_parser = duration)]
    pub connect_timeout: Duration,
}

/// What a token signed here says.
#[derive(Debug, Args)]
#[command(next_help_heading = "Token, with --connection-string, --endpoint or --local")]
pub struct TokenArgs {
    /// Hub to connect to [default with --local: hub1]
    ///
    /// Required with --connection-string and --endpoint.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub hub: Option<String>,

    /// User id; without it the user is anonymous
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub user: Option<String>,

    /// Role, repeatable [default: join, leave and send everywhere]
    ///
    /// The default is webpubsub.joinLeaveGroup and webpubsub.sendToGroup. For one group only:
    /// `webpubsub.joinLeaveGroup.GROUP`, `webpubsub.sendToGroup.GROUP`. Any --role replaces both defaults.
    #[arg(long = "role", value_name = "ROLE", value_parser = NonEmptyStringValueParser::new())]
    pub roles: Vec<String>,

    /// Group to be in from the start, repeatable; needs no role
    #[arg(long = "initial-group", value_name = "GROUP")]
    pub initial_groups: Vec<String>,

    /// How long each token is valid [default: 60m]
    ///
    /// The service checks it only when a connection is made.
    #[arg(long, value_name = "D", value_parser = duration)]
    pub ttl: Option<Duration>,
}

//! `--endpoint`: a service by its address, and the Entra identity that opens it.
//!
//! Where an identity comes from is made out here, of flags and environment; the token is asked for when it is needed.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum as _;
use url::{Host, Url};

use super::args::{Credential, EndpointArgs};
use crate::failure::{Failure, Kind};
use crate::options::environment::{Environment, Input};
use crate::options::hints::hint_at_secret;
use webpubsub_net::secret::{self, Secret};

/// A service that is opened by an identity instead of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct KeylessService {
    /// `http` or `https`, without query.
    pub endpoint: Url,
    /// Hub on it.
    pub hub: String,
    /// Who the client is; anonymous when absent.
    pub user: Option<String>,
    /// Roles of the client token.
    pub roles: Vec<String>,
    /// Groups that the client is in from its start.
    pub groups: Vec<String>,
    /// How long each client token is valid.
    pub ttl: Duration,
    /// Where the identity may come from, the first one first. Never empty.
    pub identities: Vec<Identity>,
}

/// Where an identity comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A shell command prints its token.
    Command(String),
    /// Whoever has signed in to the Azure CLI.
    AzureCli,
    /// An application with a secret.
    ClientSecret(Application, Secret),
    /// An application that a token in a file speaks for, as in Kubernetes.
    Workload(Application, PathBuf),
    /// The machine's own.
    Managed {
        /// Who gives its tokens out.
        endpoint: ManagedEndpoint,
        /// Which of several.
        client: Option<String>,
    },
}

/// An application that is registered with Entra.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Who gives its tokens out, as in `https://login.microsoftonline.com/`.
    pub authority: Url,
    /// The directory.
    pub tenant: String,
    /// The application's id.
    pub client: String,
}

/// Who gives out the tokens of a machine's own identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManagedEndpoint {
    /// That of App Service, Functions and Container Apps, with the header that opens it.
    AppService(Url, Secret),
    /// That of virtual machines and what runs on them.
    Imds(Url),
}

impl Identity {
    /// What it is, in words.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Command(_) => "`--credential-command`",
            Self::AzureCli => "the Azure CLI",
            Self::ClientSecret(..) => "the client secret",
            Self::Workload(..) => "the workload identity",
            Self::Managed { .. } => "the managed identity",
        }
    }
}

const AUTHORITY: &str = "https://login.microsoftonline.com/";
const IMDS: &str = "http://169.254.169.254/";

/// The address of the service, and where its identity comes from.
pub fn endpoint(
    args: &EndpointArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<Option<(Url, Vec<Identity>)>, Failure> {
    let Some(text) = &args.endpoint else {
        let alone = args.credential.map(|_| "--credential");
        let alone = alone.or(args.credential_command.as_ref().map(|_| "--credential-command"));
        // One that a profile has may be for its own endpoint, in whose place another source was given.
        return match alone.filter(|flag| environment.profile_with(flag.trim_start_matches('-')).is_none()) {
            Some(flag) => Err(Failure::message(Kind::Usage, format!("`{flag}` goes with `--endpoint`"))
                .blame(flag)
                .hint("`--endpoint https://NAME.webpubsub.azure.com` names the service that the identity opens")),
            None => Ok(None),
        };
    };
    let endpoint = address(text, "--endpoint", "`https://NAME.webpubsub.azure.com`")?;
    if endpoint.scheme() != "https" && !is_loopback(&endpoint) {
        let what = "`--endpoint` is without TLS, and the token of an identity does not go there";
        return Err(Failure::message(Kind::Config, what).blame("--endpoint").hint("it begins with `https://`"));
    }
    let identities = match (&args.credential_command, args.credential) {
        (Some(command), _) if command.trim().is_empty() => {
            return Err(Failure::message(Kind::Config, "`--credential-command` is empty").blame("--credential-command"));
        }
        (Some(command), _) => {
            let instead = "let the command read it from a file";
            hint_at_secret("--credential-command", command, instead, input);
            vec![Identity::Command(command.clone())]
        }
        (None, None | Some(Credential::Auto)) => chain(environment)?,
        (None, Some(Credential::Cli)) => vec![Identity::AzureCli],
        (None, Some(Credential::ManagedIdentity)) => vec![managed_identity(environment)?],
        (None, Some(Credential::WorkloadIdentity)) => {
            vec![present(Credential::WorkloadIdentity, workload_identity(environment)?)?]
        }
        (None, Some(Credential::ClientSecret)) => {
            vec![present(Credential::ClientSecret, client_secret(environment)?)?]
        }
    };
    Ok(Some((endpoint, identities)))
}

/// The developer's tool, then what the environment has.
fn chain(environment: &Environment) -> Result<Vec<Identity>, Failure> {
    let mut chain = vec![Identity::AzureCli];
    chain.extend(client_secret(environment)?.ok());
    chain.extend(workload_identity(environment)?.ok());
    chain.push(managed_identity(environment)?);
    Ok(chain)
}

/// Or the first variable that is not set.
type IdentityResult = Result<Identity, &'static str>;

fn client_secret(environment: &Environment) -> Result<IdentityResult, Failure> {
    let application = match application(environment)? {
        Ok(application) => application,
        Err(missing) => return Ok(Err(missing)),
    };
    Ok(environment.get("AZURE_CLIENT_SECRET").ok_or("AZURE_CLIENT_SECRET").map(|secret| {
        secret::remember(secret);
        Identity::ClientSecret(application, Secret::new(secret))
    }))
}

fn workload_identity(environment: &Environment) -> Result<IdentityResult, Failure> {
    let application = match application(environment)? {
        Ok(application) => application,
        Err(missing) => return Ok(Err(missing)),
    };
    let file = environment.get("AZURE_FEDERATED_TOKEN_FILE").ok_or("AZURE_FEDERATED_TOKEN_FILE");
    Ok(file.map(|file| Identity::Workload(application, PathBuf::from(file))))
}

fn application(environment: &Environment) -> Result<Result<Application, &'static str>, Failure> {
    let variable = |name: &'static str| environment.get(name).map(str::to_owned).ok_or(name);
    let made = variable("AZURE_TENANT_ID").and_then(|tenant| Ok((tenant, variable("AZURE_CLIENT_ID")?)));
    let (tenant, client) = match made {
        Ok(made) => made,
        Err(missing) => return Ok(Err(missing)),
    };
    let authority = environment.get("AZURE_AUTHORITY_HOST").unwrap_or(AUTHORITY);
    let authority = address(authority, "AZURE_AUTHORITY_HOST", "`https://login.microsoftonline.com/`")?;
    if authority.scheme() != "https" && !is_loopback(&authority) {
        let what = "`AZURE_AUTHORITY_HOST` is without TLS, and secrets do not go there";
        return Err(Failure::message(Kind::Config, what).hint("it begins with `https://`"));
    }
    Ok(Ok(Application { authority, tenant, client }))
}

fn managed_identity(environment: &Environment) -> Result<Identity, Failure> {
    let client = environment.get("AZURE_CLIENT_ID").map(str::to_owned);
    let own = environment.get("IDENTITY_ENDPOINT").zip(environment.get("IDENTITY_HEADER"));
    let endpoint = match own {
        Some((url, header)) => {
            secret::remember(header);
            let url = address(url, "IDENTITY_ENDPOINT", "the address that App Service sets there")?;
            ManagedEndpoint::AppService(url, Secret::new(header))
        }
        None => {
            let name = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
            let url = environment.get(name).unwrap_or(IMDS);
            ManagedEndpoint::Imds(address(url, name, "`http://169.254.169.254/`")?)
        }
    };
    Ok(Identity::Managed { endpoint, client })
}

/// What was asked for is there, or the variable that it lacks is named.
fn present(credential: Credential, found: Result<Identity, &'static str>) -> Result<Identity, Failure> {
    found.map_err(|variable| {
        let name = credential.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let what = format!("no identity to be found: `--credential {name}` needs the variable `{variable}`");
        Failure::message(Kind::Config, what).blame("--credential").hint("`wps help connection` names what each needs")
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// An `http` or `https` URL without anything that requests bring themselves.
fn address(text: &str, from: &str, like: &str) -> Result<Url, Failure> {
    let bad = |why: &str| {
        let what = format!("the address in `{from}` is not valid: {why}");
        Failure::message(Kind::Config, what).blame(from).hint(format!("it looks like {like}"))
    };
    // As in connection strings, the scheme may be left out.
    let whole = if text.contains("://") { text.trim().to_owned() } else { format!("https://{}", text.trim()) };
    let url = Url::parse(&whole).map_err(|_| bad("it is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("its scheme is not `http` or `https`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it contains a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("it has a query or a fragment"));
    }
    if url.path().contains("/client") {
        return Err(bad("it is a client URL: the endpoint is what stands before `/client`"));
    }
    Ok(url)
}

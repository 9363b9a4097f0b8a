//! Where client access URLs come from, one for each fresh connection.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thiserror::Error;

use webpubsub_net::auth::access_url::{AccessUrl, Signer};
use webpubsub_proto::session::DialClass;

/// Why a provider gave no URL, in words that may be shown.
pub type ProviderError = Box<dyn std::error::Error + Send + Sync>;

/// An error of a provider that knows what it means for the connection. Any other counts as a service that was not reached.
#[derive(Clone, Debug, Error)]
#[error("{message}")]
pub struct ProviderFailure {
    /// What it means: whether another attempt is made, and how the session ends.
    pub class: DialClass,
    /// In words that may be shown.
    pub message: String,
    /// How long to wait before the next attempt.
    pub retry_after: Option<Duration>,
    /// What to do about it, a sentence each.
    pub hints: Vec<String>,
}

/// A URL that is being made.
pub type Providing<'a> = Pin<Box<dyn Future<Output = Result<AccessUrl, ProviderError>> + Send + 'a>>;

/// Makes client access URLs, such as a server's negotiate endpoint does: what the official libraries call a credential
/// with a function in it. Asked for every fresh connection and never for a recovery (PROTOCOL §7.2, §19.4).
///
/// ```
/// use webpubsub_client::{AccessUrl, Client, Providing, UrlProvider};
///
/// #[derive(Debug)]
/// struct Negotiated;
///
/// impl UrlProvider for Negotiated {
///     fn provide(&self) -> Providing<'_> {
///         Box::pin(async {
///             let url = ask_our_server().await?;
///             Ok(AccessUrl::parse(&url)?)
///         })
///     }
/// }
///
/// # async fn ask_our_server() -> std::io::Result<String> { unimplemented!() }
/// let builder = Client::builder(Negotiated);
/// # drop(builder);
/// ```
pub trait UrlProvider: fmt::Debug + Send + Sync {
    /// A URL. It may take its time: the attempt that it is for has a deadline (the connect timeout, 30 s unless set
    /// otherwise), and drops the future then. An error counts as a service that was not reached, and is tried again like
    /// one; its text may be shown, so it must not hold a secret.
    fn provide(&self) -> Providing<'_>;

    /// What it does meanwhile, as in `running the URL command`; part of the error when the deadline comes.
    fn activity(&self) -> &'static str {
        "waiting for the URL"
    }
}

/// Where client access URLs come from.
#[derive(Clone, Debug)]
pub enum UrlSource {
    /// The same one for every connection.
    Fixed(AccessUrl),
    /// A fresh token for every fresh connection.
    Signed(Signer),
    /// Whatever this one makes, asked again for every fresh connection.
    Provider(Arc<dyn UrlProvider>),
}

impl From<AccessUrl> for UrlSource {
    fn from(url: AccessUrl) -> Self {
        Self::Fixed(url)
    }
}

impl From<Signer> for UrlSource {
    fn from(signer: Signer) -> Self {
        Self::Signed(signer)
    }
}

impl<P: UrlProvider + 'static> From<P> for UrlSource {
    fn from(provider: P) -> Self {
        Self::Provider(Arc::new(provider))
    }
}

impl UrlSource {
    /// What that function makes, called for every fresh connection: a [`UrlProvider`] that needs no type of its own.
    ///
    /// ```
    /// use webpubsub_client::{AccessUrl, Client, ProviderError, UrlSource};
    ///
    /// # async fn ask_our_server() -> std::io::Result<String> { unimplemented!() }
    /// let source = UrlSource::from_fn(|| async {
    ///     let url = ask_our_server().await?;
    ///     Ok::<_, ProviderError>(AccessUrl::parse(&url)?)
    /// });
    /// let builder = Client::builder(source);
    /// # drop(builder);
    /// ```
    pub fn from_fn<F, U>(function: F) -> Self
    where
        F: Fn() -> U + Send + Sync + 'static,
        U: Future<Output = Result<AccessUrl, ProviderError>> + Send + 'static,
    {
        Self::from(FunctionSource(function))
    }

    /// A URL for a fresh connection, where it can be had at once.
    pub fn at_once(&self) -> Option<AccessUrl> {
        match self {
            Self::Fixed(url) => Some(url.clone()),
            Self::Signed(signer) => Some(signed_now(signer)),
            Self::Provider(_) => None,
        }
    }

    /// A URL for a fresh connection. Takes as long as it takes; dropping the future gives it up.
    pub async fn obtain(&self) -> Result<AccessUrl, ProviderError> {
        match self {
            Self::Fixed(url) => Ok(url.clone()),
            Self::Signed(signer) => Ok(signed_now(signer)),
            Self::Provider(provider) => provider.provide().await,
        }
    }

    /// What is done until a URL is there, in words.
    pub fn activity(&self) -> &'static str {
        match self {
            Self::Fixed(_) | Self::Signed(_) => "making the URL",
            Self::Provider(provider) => provider.activity(),
        }
    }
}

/// A provider that is a function.
struct FunctionSource<F>(F);

impl<F> fmt::Debug for FunctionSource<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a function")
    }
}

impl<F, U> UrlProvider for FunctionSource<F>
where
    F: Fn() -> U + Send + Sync,
    U: Future<Output = Result<AccessUrl, ProviderError>> + Send + 'static,
{
    fn provide(&self) -> Providing<'_> {
        Box::pin((self.0)())
    }
}

fn signed_now(signer: &Signer) -> AccessUrl {
    signer.access_url(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

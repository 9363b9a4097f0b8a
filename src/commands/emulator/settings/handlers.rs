//! The event handlers of `wps emulator`: those of the flags, and those of a settings file, which may change later.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::commands::emulator::args::HandlerArgs;
use crate::failure::{Failure, Kind, OrFail as _, ResultExt as _};
use crate::options::environment::{Input, Note};
use webpubsub_emulator::upstream::ExchangeLimits;
use webpubsub_emulator::upstream::settings::{Handler, HandlerError, Routes, SettingsFile, SystemEvents, UserEvents};
use webpubsub_net::secret::Secret;

/// Event handlers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handlers {
    /// Those of the flags, which are for every hub and come first.
    pub every_hub: Vec<Handler>,
    /// Where more of them come from.
    pub file: Option<HandlerFile>,
    /// A PEM file with certificates that are trusted besides the system's roots.
    pub ca_cert: Option<PathBuf>,
    /// Their certificates are not looked at.
    pub insecure: bool,
    /// How long one may take for an event; `None`: as long as the service waits.
    pub timeout: Option<Duration>,
    /// How often a request that failed is made again; `None`: as often as the service does.
    pub retries: Option<u8>,
}

/// A settings file as it was read at the start.
#[derive(Clone, PartialEq, Eq)]
pub struct HandlerFile {
    /// Where it is.
    pub path: PathBuf,
    /// All of it.
    pub text: String,
    /// What it says.
    pub settings: SettingsFile,
}

impl std::fmt::Debug for HandlerFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The text may hold a key.
        f.debug_struct("HandlerFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Handlers {
    /// All of them, as of the start.
    pub fn routes(&self) -> Routes {
        let hubs = self.file.as_ref().map(|file| file.settings.hubs.clone()).unwrap_or_default();
        Routes { every_hub: self.every_hub.clone(), hubs }
    }

    /// Where events go, for a person who starts it: a paragraph, or nothing.
    pub fn shown(&self) -> String {
        let flags = self.every_hub.iter().map(|handler| format!("  {}\n", handler.template));
        let file = self.file.iter().map(|file| format!("  those of `{}`\n", file.path.display()));
        let all: String = flags.chain(file).collect();
        if all.is_empty() { all } else { format!("events go to\n{all}\n") }
    }

    /// Whether there are any, or can be later.
    pub fn are_possible(&self) -> bool {
        !self.every_hub.is_empty() || self.file.is_some()
    }

    /// How long they may take, and how often they are asked.
    pub fn limits(&self) -> ExchangeLimits {
        let usual = ExchangeLimits::default();
        // The last pause is that before each further attempt, too.
        let longest = usual.retries.last().copied().unwrap_or_default();
        let pauses = usual.retries.iter().copied().chain(std::iter::repeat(longest));
        let retries = match self.retries {
            Some(count) => pauses.take(count.into()).collect(),
            None => usual.retries.clone(),
        };
        ExchangeLimits {
            request: self.timeout.unwrap_or(usual.request),
            validation: self.timeout.map_or(usual.validation, |timeout| timeout.min(usual.validation)),
            retries,
            left_behind: usual.left_behind,
        }
    }

    /// The file's access key.
    pub fn access_key(&self) -> Option<&Secret> {
        self.file.as_ref()?.settings.access_key.as_ref()
    }
}

/// Reads the flags and the file.
pub(super) fn handlers(args: &HandlerArgs, input: &mut dyn Input) -> Result<Handlers, Failure> {
    let user_events = args.user_events.as_deref().map_or(Ok(UserEvents::All), UserEvents::parse);
    let user_events = checked_flag("--user-events", user_events)?;
    let system_events = args.system_events.as_deref().map_or(Ok(SystemEvents::USUAL), SystemEvents::parse);
    let system_events = checked_flag("--system-events", system_events)?;
    let every_hub = args
        .event_handler
        .iter()
        .map(|value| checked_flag("--event-handler", Handler::from_flag(value.expose(), &user_events, system_events)));
    let every_hub = every_hub.collect::<Result<_, _>>()?;
    let file = args.settings.as_deref().map(|path| file(path, input)).transpose()?;
    let handlers = Handlers {
        every_hub,
        file,
        ca_cert: args.ca_cert.clone(),
        insecure: args.insecure,
        timeout: args.handler_timeout,
        retries: args.handler_retries,
    };
    for (flag, given) in [
        ("--ca-cert", args.ca_cert.is_some()),
        ("--insecure", args.insecure),
        ("--handler-timeout", args.handler_timeout.is_some()),
        ("--handler-retries", args.handler_retries.is_some()),
    ] {
        if given && !handlers.are_possible() {
            return Err(Failure::message(Kind::Usage, format!("`{flag}` is about event handlers, and there are none"))
                .blame(flag)
                .hint("`--event-handler URL` or `--settings FILE` names them"));
        }
    }
    Ok(handlers)
}

fn checked_flag<T>(flag: &str, parsed: Result<T, HandlerError>) -> Result<T, Failure> {
    parsed
        .map_err(|error| Failure::message(Kind::Usage, format!("the value of `{flag}` cannot be used: {error}")))
        .blame(flag)
        .hint("it looks like `--event-handler 'http://localhost:3000/{event},user-events=a,b,system-events=connect'`")
}

fn file(path: &Path, input: &mut dyn Input) -> Result<HandlerFile, Failure> {
    let shown = path.display();
    // A pipe could be read once, and its writer may never come.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        let what = format!("the settings file `{shown}` is not a file that can be read again when it changes");
        return Err(Failure::message(Kind::Config, what).blame("--settings"));
    }
    let text = input.file(path).or_fail(Kind::Config, format!("could not read the settings file `{shown}`"))?;
    let settings = SettingsFile::parse(&text)
        .or_fail(Kind::Config, format!("the settings file `{shown}` cannot be used"))
        .hint("`wps emulator --help` shows what such a file looks like")?;
    for warning in &settings.warnings {
        input.note(Note::Warning(format!("`{shown}`: {warning}")));
    }
    if settings.access_key.is_some() && input.is_exposed(path) {
        input.note(Note::Warning(format!(
            "others on this machine can read the access key in `{shown}`: `chmod 600` it"
        )));
    }
    Ok(HandlerFile { path: path.to_owned(), text, settings })
}

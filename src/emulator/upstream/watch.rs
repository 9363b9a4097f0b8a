//! A settings file that is read again whenever its content changes.
//!
//! The content is compared, not the times of the file: that holds for editors that write in place, for those that put
//! another file in its place, and for links that come to point elsewhere. A file that cannot be used, or is gone, changes
//! nothing; that is said once it was so for two looks in a row, since a file that is just being written looks the same.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use super::CurrentRoutes;
use super::settings::{Handler, Routes, SettingsFile};

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(200);
/// The most of a file that is read.
const MAX_BYTES: u64 = 1024 * 1024;

/// Keeps the handlers as the file has them, those of `every_hub` before its own; `text` is what the file held when it
/// was last used. Never returns.
pub async fn watch(path: PathBuf, mut text: String, every_hub: Vec<Handler>, routes: CurrentRoutes) {
    let mut key = SettingsFile::parse(&text).ok().and_then(|settings| settings.access_key);
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // What was found wrong at the last look, and whether it was said.
    let mut wrong: Option<(String, bool)> = None;
    loop {
        ticks.tick().await;
        let file = path.clone();
        let Ok(found) = tokio::task::spawn_blocking(move || read(&file)).await else { continue };
        let shown = path.display();
        let problem = match found {
            Ok(found) if found == text => {
                if matches!(wrong.take(), Some((_, true))) {
                    info!("`{shown}` is again what it was");
                }
                continue;
            }
            Ok(found) => match SettingsFile::parse(&found) {
                Ok(settings) => {
                    wrong = None;
                    text = found;
                    for warning in &settings.warnings {
                        warn!("`{shown}`: {warning}");
                    }
                    if settings.access_key != key {
                        key = settings.access_key;
                        warn!("`{shown}`: the access key changes with the next start only");
                    }
                    routes.replace(Routes { every_hub: every_hub.clone(), hubs: settings.hubs });
                    info!("`{shown}` has changed and is in force");
                    continue;
                }
                Err(error) => error.to_string(),
            },
            Err(error) => format!("it cannot be read: {error}"),
        };
        let said = match &wrong {
            Some((known, said)) if *known == problem => {
                if !said {
                    warn!("`{shown}` has changed and cannot be used, so what it said before stays in force: {problem}");
                }
                true
            }
            _ => false,
        };
        wrong = Some((problem, said));
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}

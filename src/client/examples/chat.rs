//! Joins a group, says something there, and prints what happens until it has heard itself.
//!
//! ```sh
//! wps emulator                                            # prints a client access URL
//! cargo run -p webpubsub-client --example chat -- URL
//! ```

use std::error::Error;
use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

use webpubsub_client::{AccessUrl, Client, Event};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let url = std::env::args().nth(1).unwrap_or_default();
    match chat(&url, "chat", "hello", &mut stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // That nobody reads it changes nothing.
            let _ = writeln!(stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The whole conversation.
pub async fn chat(url: &str, group: &str, text: &str, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (client, mut events) = Client::builder(AccessUrl::parse(url)?).connect().await?;
    client.join(group).await?;
    let ack = client.send_text(group, text).await?;
    writeln!(out, "published at attempt {}", ack.attempts)?;
    while let Some(event) = events.next().await {
        match event {
            Event::Connected { user_id, .. } => {
                writeln!(out, "connected as {}", user_id.as_deref().unwrap_or("nobody"))?;
            }
            Event::Joined { group, .. } => writeln!(out, "joined {group}")?,
            Event::Message(message) => {
                let from = message.group().unwrap_or("the server");
                writeln!(out, "{from}: {}", message.text().unwrap_or("something else than text".into()))?;
                break;
            }
            Event::Recovering { loss, .. } => writeln!(out, "recovering: {}", loss.describe())?,
            // Events are many, and there will be more.
            _ => {}
        }
    }
    client.close().await?;
    writeln!(out, "closed")?;
    Ok(())
}

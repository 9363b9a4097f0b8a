//! From the socket to the pipe: how long a single message takes through a listener that has nothing else to do.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use super::cases::Case;
use super::process::command;
use super::service::Service;

const MESSAGES: u64 = 3000;
/// A thousand a second.
const PAUSE: Duration = Duration::from_millis(1);

/// Sends one message a millisecond, and sees when its line comes.
pub fn measure(binary: &Path) -> String {
    let service = Service::start();
    let mut process = command(binary)
        .args(["listen", "-q", "-g", "g", "-o", "data", "--url", &service.url(), "--count", &MESSAGES.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = process.stdout.take().unwrap();
    let (sender, came) = channel();
    let reading = thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            line.unwrap();
            if sender.send(Instant::now()).is_err() {
                return;
            }
        }
    });
    let case = Case::plain("", &[]);
    let mut socket = service.take_member(&case);
    let mut times = Vec::new();
    let mut next = Instant::now();
    for number in 1..=MESSAGES {
        let mut frame = Vec::new();
        case.push_message(&mut frame, number);
        next += PAUSE;
        thread::sleep(next.saturating_duration_since(Instant::now()));
        let sent = Instant::now();
        socket.write_all(&frame).unwrap();
        times.push(came.recv().unwrap() - sent);
    }
    drop(socket);
    process.wait().unwrap();
    drop(came);
    reading.join().unwrap();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let (half, most, nearly_all) = (at(0.5), at(0.99), at(0.999));
    format!("{:32} p50 {half:.3} ms  p99 {most:.3} ms  p99.9 {nearly_all:.3} ms, socket to pipe at 1000/s", "latency")
}

//! An event handler that the test plays itself: it takes requests one by one and answers each as the test says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

use super::PATIENCE;

/// The handler at its address.
pub struct Webhook {
    address: SocketAddr,
    calls: Receiver<TcpStream>,
}

/// A request that waits for its answer.
pub struct Asked {
    stream: TcpStream,
    /// `OPTIONS`, `POST`.
    pub method: String,
    /// Path and query.
    pub path: String,
    headers: Vec<(String, String)>,
    /// What came with it.
    pub body: Vec<u8>,
}

impl Webhook {
    /// Begins to listen. The thread that does ends with the tests.
    pub fn start() -> Self {
        Self::on(TcpListener::bind(("127.0.0.1", 0)).unwrap())
    }

    /// On a listener that there is.
    pub fn on(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let (sender, calls) = channel();
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if sender.send(stream).is_err() {
                    break;
                }
            }
        });
        Self { address, calls }
    }

    /// One that answers by itself, each request with this status, many at once; gives its URL.
    pub fn serve(answer: impl Fn(&Asked) -> &'static str + Send + Sync + 'static) -> String {
        Self::serve_with(move |asked| (answer(asked), String::new()))
    }

    /// The same, with a body.
    pub fn serve_with(answer: impl Fn(&Asked) -> (&'static str, String) + Send + Sync + 'static) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(answer);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let answer = Arc::clone(&answer);
                thread::spawn(move || {
                    let asked = Asked::read(stream);
                    let (status, body) = answer(&asked);
                    asked.answer(status, "", &body);
                });
            }
        });
        url
    }

    /// One whose requests another takes: all that is known is its address.
    pub fn at(url: &str) -> Self {
        let address = url.trim_start_matches("http://").parse().unwrap();
        let (_, calls) = channel();
        Self { address, calls }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request.
    pub fn next(&self) -> Asked {
        Asked::read(self.calls.recv_timeout(PATIENCE).expect("nobody asked the handler"))
    }

    /// Agrees to get events.
    pub fn agree(&self) {
        let asked = self.next();
        assert_eq!(asked.method, "OPTIONS");
        asked.answer("200 OK", "WebHook-Allowed-Origin: *\r\n", "");
    }

    /// The next request, which is about this event.
    pub fn expect(&self, event: &str) -> Asked {
        let asked = self.next();
        assert_eq!((asked.method.as_str(), asked.header("ce-eventname")), ("POST", Some(event)));
        asked
    }
}

impl Asked {
    /// Reads a request.
    fn read(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        Self { stream, method, path, headers, body }
    }

    /// A header's value, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Answers with a status, header lines, each with its end, and a body.
    pub fn answer(mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
        self.stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    }

    /// Answers 204.
    pub fn accept(self) {
        self.answer("204 No Content", "", "");
    }
}

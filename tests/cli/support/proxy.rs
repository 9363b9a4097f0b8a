//! Proxies that the tests play: they pass on to this machine whatever name they are asked for, or misbehave.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::PATIENCE;

/// What a proxy does with who comes.
#[derive(Clone)]
pub enum Manners {
    /// HTTP `CONNECT`, for everybody or for `USER:PASSWORD`.
    Http(Option<&'static str>),
    /// SOCKS 5, likewise.
    Socks(Option<&'static str>),
    /// SOCKS 5 that refuses every request with this code.
    SocksRefusing(u8),
    /// Reads a request's head and says this instead.
    Says(String),
    /// Closes at once.
    Cuts,
    /// Takes the connection and says nothing.
    Hangs,
}

/// A proxy at its address.
pub struct Proxy {
    address: SocketAddr,
    asked: Receiver<String>,
    over: Arc<AtomicBool>,
}

impl Proxy {
    /// Starts one.
    pub fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, asked) = channel();
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let (manners, sender) = (manners.clone(), sender.clone());
                thread::spawn(move || serve(socket, &manners, &sender));
            }
        });
        Self { address, asked, over }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What it was asked next: `CONNECT` with its headers, or host and port in SOCKS.
    pub fn asked(&self) -> String {
        self.asked.recv_timeout(PATIENCE).expect("nobody asked the proxy")
    }

    /// That nobody asks it, once the client is gone.
    pub fn assert_not_asked(&self) {
        assert!(self.asked.try_recv().is_err(), "somebody asked the proxy");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(socket: TcpStream, manners: &Manners, sender: &Sender<String>) {
    // A client that goes away in between is the test's concern, not the proxy's.
    let _ = match manners {
        Manners::Http(credentials) => http(socket, *credentials, sender),
        Manners::Socks(credentials) => socks(socket, *credentials, 0, sender),
        Manners::SocksRefusing(code) => socks(socket, None, *code, sender),
        Manners::Says(words) => says(socket, words, sender),
        Manners::Cuts => Ok(()),
        Manners::Hangs => {
            let _ = sender.send(String::new());
            let mut socket = socket;
            io::copy(&mut socket, &mut io::sink()).map(drop)
        }
    };
}

fn says(mut socket: TcpStream, words: &str, sender: &Sender<String>) -> io::Result<()> {
    let _ = sender.send(read_head(&mut socket)?);
    socket.write_all(words.as_bytes())?;
    socket.shutdown(Shutdown::Write)?;
    io::copy(&mut socket, &mut io::sink()).map(drop)
}

fn http(mut socket: TcpStream, credentials: Option<&str>, sender: &Sender<String>) -> io::Result<()> {
    let head = read_head(&mut socket)?;
    let _ = sender.send(head.clone());
    if let Some(credentials) = credentials {
        let wanted = format!("proxy-authorization: basic {}\r\n", STANDARD.encode(credentials).to_lowercase());
        if !head.to_lowercase().contains(&wanted) {
            let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"lab\"\r\n\
                          Content-Length: 9\r\n\r\nsign on!\n";
            return socket.write_all(answer.as_bytes());
        }
    }
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let port = target.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(0);
    let Ok(onward) = TcpStream::connect(("127.0.0.1", port)) else {
        return socket.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    };
    socket.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    pass_on(socket, onward)
}

fn socks(mut socket: TcpStream, credentials: Option<&str>, refusal: u8, sender: &Sender<String>) -> io::Result<()> {
    let mut two = [0; 2];
    socket.read_exact(&mut two)?;
    let methods = read(&mut socket, two[1])?;
    let method = if credentials.is_some() { 2 } else { 0 };
    if !methods.contains(&method) {
        return socket.write_all(&[5, 0xff]);
    }
    socket.write_all(&[5, method])?;
    if let Some(credentials) = credentials {
        socket.read_exact(&mut two)?;
        let user = read(&mut socket, two[1])?;
        let length = read(&mut socket, 1)?[0];
        let password = read(&mut socket, length)?;
        let right = [&user[..], b":", &password[..]].concat() == credentials.as_bytes();
        socket.write_all(&[1, u8::from(!right)])?;
        if !right {
            return Ok(());
        }
    }
    let request = read(&mut socket, 4)?;
    let host = match request[3] {
        1 => read(&mut socket, 4)?.iter().map(u8::to_string).collect::<Vec<_>>().join("."),
        3 => {
            let length = read(&mut socket, 1)?[0];
            String::from_utf8_lossy(&read(&mut socket, length)?).into_owned()
        }
        _ => format!("{:?}", read(&mut socket, 16)?),
    };
    let port = read(&mut socket, 2)?;
    let port = u16::from_be_bytes([port[0], port[1]]);
    let _ = sender.send(format!("{host}:{port}"));
    let onward = TcpStream::connect(("127.0.0.1", port));
    let answer = if refusal == 0 && onward.is_err() { 5 } else { refusal };
    socket.write_all(&[5, answer, 0, 1, 0, 0, 0, 0, 0, 0])?;
    match onward {
        Ok(onward) if answer == 0 => pass_on(socket, onward),
        _ => Ok(()),
    }
}

fn read(socket: &mut TcpStream, length: u8) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length.into()];
    socket.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_head(socket: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Both ways, until both ends have said their last.
fn pass_on(client: TcpStream, onward: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_service) = (client.try_clone()?, onward.try_clone()?);
    let there = thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_service);
        let _ = to_service.shutdown(Shutdown::Write);
    });
    let (mut from_service, mut to_client) = (onward, client);
    let _ = io::copy(&mut from_service, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Write);
    let _ = there.join();
    Ok(())
}

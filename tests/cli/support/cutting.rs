//! A way to a service that breaks: every connection is reset after so many bytes from the client, in the midst of
//! whatever is under way.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

/// The way. Its thread ends with the tests.
pub struct Cutting {
    port: u16,
    cuts: Arc<AtomicUsize>,
}

impl Cutting {
    /// To that port of this machine.
    pub fn start(target: u16, bytes: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let cuts = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&cuts);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", target))) else { return };
                let counter = Arc::clone(&counter);
                thread::spawn(move || serve(client, server, bytes, &counter));
            }
        });
        Self { port, cuts }
    }

    /// Where it begins.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections were reset.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

fn serve(mut client: TcpStream, mut server: TcpStream, bytes: usize, cuts: &AtomicUsize) {
    let (mut back, mut from) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let down = thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut back);
        let _ = back.shutdown(Shutdown::Both);
    });
    let (mut left, mut buffer) = (bytes, [0; 16 * 1024]);
    while let Ok(read @ 1..) = client.read(&mut buffer) {
        let taken = read.min(left);
        if server.write_all(&buffer[..taken]).is_err() {
            break;
        }
        left -= taken;
        if left == 0 {
            cuts.fetch_add(1, Ordering::SeqCst);
            for socket in [&client, &server] {
                let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
            }
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
    let _ = down.join();
}

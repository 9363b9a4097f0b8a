//! A way to a service that carries few bytes a second, and holds few.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// Bytes a second, each way.
const RATE: u32 = 100_000;

/// What is carried at once.
const PIECE: usize = 5_000;

/// What a system may hold in between, as far as it lets itself be told.
const HELD: usize = 4096;

/// Opens a way to that port of this machine, and returns where it begins. Its threads end with the tests.
pub fn start(target: u16) -> u16 {
    let socket = tcp();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(8).unwrap();
    let listener = TcpListener::from(socket);
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let onward = tcp();
            let (Ok(client), Ok(())) = (client, onward.connect(&SocketAddr::from(([127, 0, 0, 1], target)).into()))
            else {
                return;
            };
            let server = TcpStream::from(onward);
            for (from, to) in [(&client, &server), (&server, &client)] {
                let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                thread::spawn(move || carry(from, to));
            }
        }
    });
    port
}

fn tcp() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(HELD).unwrap();
    socket
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let mut piece = [0; PIECE];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        thread::sleep(Duration::from_secs(1) * u32::try_from(read).unwrap() / RATE);
        if to.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

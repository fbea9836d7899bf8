//! A TCP proxy that ends or stops a connection after a number of bytes of the server.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What happens after so many bytes.
pub(crate) enum Then {
    /// The connection is closed.
    Close,
    /// Nothing more arrives, and the connection stays open.
    Hang,
    /// Something is called, and the rest of what the server sends arrives.
    Call(Box<dyn FnOnce() + Send>),
}

/// A proxy for one connection.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    passed: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts a proxy for a port of this machine.
    pub(crate) fn start(server: u16, limit: usize, then: Then) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let passed = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&passed);
        std::thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from_client, &mut to_server);
                let _ = to_server.shutdown(Shutdown::Both);
            });
            forward(server, client, limit, then, &counter);
        });
        Self { port, passed }
    }

    /// How many bytes of the server have passed.
    pub(crate) fn passed(&self) -> usize {
        self.passed.load(Ordering::SeqCst)
    }
}

fn forward(mut server: TcpStream, mut client: TcpStream, limit: usize, then: Then, passed: &AtomicUsize) {
    let mut then = Some(then);
    let mut buffer = vec![0; 16 << 10];
    loop {
        let room = limit.saturating_sub(passed.load(Ordering::SeqCst));
        if room == 0 && then.is_some() {
            match then.take() {
                Some(Then::Close) => {
                    let _ = client.shutdown(Shutdown::Both);
                    let _ = server.shutdown(Shutdown::Both);
                    return;
                }
                // Reads what the client sends until it gives up.
                Some(Then::Hang) => {
                    let _ = client.read(&mut buffer);
                    while client.read(&mut buffer).is_ok_and(|count| count > 0) {}
                    return;
                }
                Some(Then::Call(call)) => call(),
                None => {}
            }
        }
        let size = if then.is_some() { room.min(buffer.len()) } else { buffer.len() };
        match server.read(&mut buffer[..size]) {
            Ok(count) if count > 0 && client.write_all(&buffer[..count]).is_ok() => {
                passed.fetch_add(count, Ordering::SeqCst);
            }
            _ => {
                let _ = client.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

//! A line to a server that writes down what passes in both directions.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Ends, with its threads, when it is dropped.
pub(super) struct Line {
    pub(super) port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
    ended: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Line {
    /// A line to the server at this port of this machine.
    pub(super) fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heard, ended) = (Arc::<Mutex<Vec<u8>>>::default(), Arc::<AtomicBool>::default());
        let (writing, ending) = (Arc::clone(&heard), Arc::clone(&ended));
        let accepting = std::thread::spawn(move || {
            let mut pumps = Vec::new();
            while let Ok((client, _)) = listener.accept() {
                if ending.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to, heard) = (from.try_clone().unwrap(), to.try_clone().unwrap(), Arc::clone(&writing));
                    pumps.push(std::thread::spawn(move || pump(from, to, &heard)));
                }
            }
            for pump in pumps {
                drop(pump.join());
            }
        });
        Self { port, heard, ended, accepting: Some(accepting) }
    }

    /// All that passed so far.
    pub(super) fn heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the one that accepts.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, heard: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        heard.lock().unwrap().extend_from_slice(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // The other side hears the end too; one that has gone already needs none.
    drop(to.shutdown(Shutdown::Write));
}

//! A long line: a TCP proxy that hands on each byte half a round trip after it came. It models the delay and nothing else: no
//! loss, no slow start, no limit but 64 MiB under way for a connection, so that only the programs' own windows count.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::RangeInclusive;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Where the far end of the line is found: the servers' ports, on another address of this machine.
pub const FAR: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

const UNDER_WAY: usize = 64 << 20;
const PIECE: usize = 128 << 10;

/// Listens on `ports` of [`FAR`] for as long as this process lives, and hands on to the same ports of 127.0.0.1: passive ports
/// of FTP, too, are where the server says.
pub fn start(ports: RangeInclusive<u16>, round_trip: Duration) -> Result<(), String> {
    for port in ports {
        let listener = TcpListener::bind((FAR, port)).map_err(|error| format!("{FAR}:{port}: {error}"))?;
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                thread::spawn(move || carry(&client, port, round_trip));
            }
        });
    }
    Ok(())
}

fn carry(client: &TcpStream, port: u16, round_trip: Duration) {
    // The kernel accepted at once. Over a long line the client would know after one round trip, and the server after another half.
    let connected = Instant::now() + round_trip;
    thread::sleep(round_trip + round_trip / 2);
    let Ok(server) = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))) else { return };
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    thread::scope(|scope| {
        scope.spawn(|| hand_on(client, &server, round_trip / 2, connected));
        scope.spawn(|| hand_on(&server, client, round_trip / 2, connected));
    });
}

#[derive(Default)]
struct Line {
    /// What is under way, and when it arrives; nothing in it: the end.
    pieces: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    broken: bool,
}

/// One direction. Nothing counts as sent before `connected`.
fn hand_on(from: &TcpStream, to: &TcpStream, delay: Duration, connected: Instant) {
    let shared = Arc::new((Mutex::new(Line::default()), Condvar::new()));
    thread::scope(|scope| {
        let (line, changed) = &*shared;
        scope.spawn(move || {
            let (mut from, mut buffer) = (from, vec![0; PIECE]);
            loop {
                let read = from.read(&mut buffer).unwrap_or(0);
                let arrives = Instant::now().max(connected) + delay;
                let mut line = changed.wait_while(line.lock().unwrap(), |line| line.bytes > UNDER_WAY && !line.broken).unwrap();
                line.bytes += read;
                line.pieces.push_back((arrives, buffer[..read].to_vec()));
                changed.notify_all();
                if read == 0 || line.broken {
                    return;
                }
            }
        });
        let mut to = to;
        loop {
            let (arrives, bytes) = {
                let mut waiting = changed.wait_while(line.lock().unwrap(), |line| line.pieces.is_empty()).unwrap();
                waiting.pieces.pop_front().unwrap()
            };
            thread::sleep(arrives.saturating_duration_since(Instant::now()));
            let ends = bytes.is_empty() || to.write_all(&bytes).is_err();
            let mut line = line.lock().unwrap();
            line.bytes -= bytes.len();
            line.broken |= ends;
            changed.notify_all();
            if ends {
                // Whoever sends hears that nobody reads any more; the other direction may go on.
                drop((to.shutdown(Shutdown::Write), from.shutdown(Shutdown::Read)));
                return;
            }
        }
    });
}

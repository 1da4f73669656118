//! A line that fails on order: a TCP proxy that hands everything on until it is to cut, reset, stall, slow down or damage one
//! stream at one byte. It counts what passes, and watches whether a secret passes in the clear.
//!
//! It listens on the server's ports on another address of this machine, so that the passive ports of FTP pass it, too.

use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::daemon::{Daemon, PORTS_OF_ONE};

/// What happens to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Both ends see the end of the stream (FIN).
    Cut,
    /// Both ends see a reset (RST).
    Reset,
    /// Nothing more comes in this direction, and nobody is told.
    Stall,
    /// It goes on, but slowly.
    Throttle,
    /// One bit of the byte is another one.
    Corrupt,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Cut, Self::Reset, Self::Stall, Self::Throttle, Self::Corrupt];
}

/// Whence and whereto a stream goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    ToServer,
    ToClient,
}

/// A fault, which happens once: on the first connection of its port from number `from` on that gets so far.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub kind: Kind,
    /// A connection to the first port (control connections of FTP, and those of SSH), or to another one.
    pub is_control: bool,
    pub from: usize,
    pub direction: Direction,
    /// The first byte that does not pass, or is damaged, or slow.
    pub at: u64,
}

/// How many bytes a connection carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    pub is_control: bool,
    /// To the server and to the client.
    pub bytes: [u64; 2],
}

/// Read at once.
const PIECE: usize = 64 * 1024;
/// So many bytes of a slow stream pass at once, with a wait behind them; the rest of it is as fast as any.
const SLOW_PIECE: usize = 600;
const SLOW_WAIT: Duration = Duration::from_millis(1);
const SLOW_BYTES: u64 = 128 * 1024;

/// The line. Dropped, it ends with all its connections.
pub struct FaultyLine {
    /// Where it begins.
    pub address: Ipv4Addr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    control: u16,
    run: Mutex<Run>,
    end: CancellationToken,
}

/// What one run of the program sees.
#[derive(Default)]
struct Run {
    fault: Option<Fault>,
    has_fired: bool,
    carried: Vec<Carried>,
    /// What must not pass on a control connection to the server.
    secrets: Vec<Vec<u8>>,
    has_leaked: bool,
    /// Cancelled when the next one begins.
    over: CancellationToken,
}

impl FaultyLine {
    /// Listens on the ports of `server` on an address of its own.
    pub fn to(server: &Daemon) -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(2);
        let address = Ipv4Addr::new(127, 0, 7, NEXT.fetch_add(1, Ordering::Relaxed));
        let shared = Arc::new(Shared { control: server.port, run: Mutex::default(), end: CancellationToken::new() });
        // Bound here, so that who connects now is heard.
        let listeners: Vec<_> = (server.port..server.port + PORTS_OF_ONE)
            .map(|port| {
                let listener = StdListener::bind((address, port)).unwrap();
                listener.set_nonblocking(true).unwrap();
                (listener, port)
            })
            .collect();
        let carrying = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                for (listener, port) in listeners {
                    tokio::spawn(listen(TcpListener::from_std(listener).unwrap(), port, Arc::clone(&carrying)));
                }
                carrying.end.cancelled().await;
            });
        });
        Self { address, shared, thread: Some(thread) }
    }

    /// Ends every connection; the next ones meet `fault`, and `secrets` is what must not pass in the clear.
    pub fn arm(&self, fault: Option<Fault>, secrets: &[&str]) {
        let secrets = secrets.iter().filter(|secret| !secret.is_empty()).map(|secret| secret.as_bytes().to_vec()).collect();
        let before = std::mem::replace(&mut *self.shared.run(), Run { fault, secrets, ..Run::default() });
        before.over.cancel();
    }

    /// Whether the fault happened.
    pub fn has_fired(&self) -> bool {
        self.shared.run().has_fired
    }

    /// Whether a secret passed in the clear.
    pub fn has_leaked(&self) -> bool {
        self.shared.run().has_leaked
    }

    /// What each connection carried since the line was armed, in the order they were made.
    pub fn carried(&self) -> Vec<Carried> {
        self.shared.run().carried.clone()
    }
}

impl Drop for FaultyLine {
    fn drop(&mut self) {
        self.shared.run().over.cancel();
        self.shared.end.cancel();
        drop(self.thread.take().map(JoinHandle::join));
    }
}

impl Shared {
    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn listen(listener: TcpListener, port: u16, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let is_control = port == shared.control;
        let (index, number, over) = {
            let run = &mut *shared.run();
            let number = run.carried.iter().filter(|carried| carried.is_control == is_control).count();
            run.carried.push(Carried { is_control, bytes: [0, 0] });
            (run.carried.len() - 1, number, run.over.clone())
        };
        let connection = Connection { index, number, is_control, over, shared: Arc::clone(&shared) };
        tokio::spawn(async move { connection.carry(client, port).await });
    }
}

struct Connection {
    /// Among all of the run.
    index: usize,
    /// Among those of its port.
    number: usize,
    is_control: bool,
    /// The run it belongs to.
    over: CancellationToken,
    shared: Arc<Shared>,
}

impl Connection {
    async fn carry(&self, client: TcpStream, port: u16) {
        let Ok(server) = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await else {
            // Nobody is there, and the client is to see that.
            drop(SockRef::from(&client).set_linger(Some(Duration::ZERO)));
            return;
        };
        drop((client.set_nodelay(true), server.set_nodelay(true)));
        let ((mut client_reads, mut client_writes), (mut server_reads, mut server_writes)) = (client.into_split(), server.into_split());
        let ended = {
            let up = self.hand_on(&mut client_reads, &mut server_writes, Direction::ToServer);
            let down = self.hand_on(&mut server_reads, &mut client_writes, Direction::ToClient);
            tokio::select! {
                ended = async { tokio::try_join!(up, down) } => ended.map(drop),
                () = self.over.cancelled() => Err(Kind::Reset),
            }
        };
        match ended {
            Err(Kind::Cut) => {
                drop(tokio::join!(client_writes.shutdown(), server_writes.shutdown()));
                // What still comes is read: closed over it, a socket would send a reset.
                let rest = async { tokio::join!(drain(&mut client_reads), drain(&mut server_reads)) };
                tokio::select! {
                    _ = rest => {}
                    () = self.over.cancelled() => {}
                }
            }
            Err(_) => {
                for half in [&client_reads, &server_reads] {
                    drop(SockRef::from(half.as_ref()).set_linger(Some(Duration::ZERO)));
                }
            }
            Ok(()) => {}
        }
    }

    /// One direction to its end, or to the fault that ends the connection.
    async fn hand_on(&self, from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, direction: Direction) -> Result<(), Kind> {
        let mut buffer = vec![0; PIECE];
        let mut seen = Vec::new();
        let mut passed = 0;
        let mut slow = 0;
        loop {
            let length = match from.read(&mut buffer).await {
                Ok(0) => break,
                Ok(length) => length,
                // What one end sees, the other is to see.
                Err(_) => return Err(Kind::Reset),
            };
            let piece = &mut buffer[..length];
            if self.is_control && direction == Direction::ToServer {
                self.watch(&mut seen, piece);
            }
            let mut fault = self.meet(direction, passed, length as u64);
            if let Some((kind, at)) = fault {
                match kind {
                    Kind::Corrupt => {
                        piece[at] ^= 1 << (passed % 8);
                        fault = None;
                    }
                    Kind::Throttle => (slow, fault) = (SLOW_BYTES, None),
                    Kind::Cut | Kind::Reset | Kind::Stall => {}
                }
            }
            let passes = &piece[..fault.map_or(length, |(_, at)| at)];
            for slice in passes.chunks(if slow > 0 { SLOW_PIECE } else { PIECE }) {
                if to.write_all(slice).await.is_err() {
                    return Err(Kind::Reset);
                }
                self.count(direction, slice.len() as u64);
                if slow > 0 {
                    slow = slow.saturating_sub(slice.len() as u64);
                    tokio::time::sleep(SLOW_WAIT).await;
                }
            }
            passed += length as u64;
            match fault {
                Some((Kind::Stall, _)) => std::future::pending().await,
                Some((kind, _)) => return Err(kind),
                None => {}
            }
        }
        drop(to.shutdown().await);
        Ok(())
    }

    /// The fault, if it is to happen in the next `length` bytes of this stream, and where in them.
    fn meet(&self, direction: Direction, passed: u64, length: u64) -> Option<(Kind, usize)> {
        let run = &mut *self.shared.run();
        let fault = run.fault.filter(|fault| {
            !run.has_fired
                && !self.over.is_cancelled()
                && fault.is_control == self.is_control
                && fault.direction == direction
                && self.number >= fault.from
                && (passed..passed + length).contains(&fault.at)
        })?;
        run.has_fired = true;
        Some((fault.kind, (fault.at - passed) as usize))
    }

    fn count(&self, direction: Direction, bytes: u64) {
        let run = &mut *self.shared.run();
        // Of an earlier run, it counts no more.
        if !self.over.is_cancelled()
            && let Some(carried) = run.carried.get_mut(self.index)
        {
            carried.bytes[direction as usize] += bytes;
        }
    }

    /// Looks for what must not be seen in what the client sent, also across pieces.
    fn watch(&self, seen: &mut Vec<u8>, piece: &[u8]) {
        seen.extend_from_slice(piece);
        let run = &mut *self.shared.run();
        let longest = run.secrets.iter().map(Vec::len).max().unwrap_or(0);
        let has_leaked = run.secrets.iter().any(|secret| seen.windows(secret.len()).any(|window| window == secret));
        run.has_leaked |= has_leaked && !self.over.is_cancelled();
        seen.drain(..seen.len().saturating_sub(longest));
    }
}

async fn drain(from: &mut OwnedReadHalf) {
    let mut rest = [0; 4096];
    while matches!(from.read(&mut rest).await, Ok(1..)) {}
}

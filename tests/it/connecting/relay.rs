//! A wire between client and server that can be cut, muted, filled up and listened to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

/// Hands bytes on to a server and back. Ends when dropped.
pub struct Relay {
    pub address: SocketAddr,
    wires: Arc<Mutex<JoinSet<()>>>,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    muted: AtomicBool,
    /// Connections that sent more than this stand still: a line that is full.
    full_after: Mutex<Option<usize>>,
    room: Notify,
    came: Notify,
    sent: Mutex<Vec<Vec<u8>>>,
}

impl Relay {
    pub async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (wires, state) = (Arc::<Mutex<JoinSet<()>>>::default(), Arc::<State>::default());
        let (owned, shared) = (Arc::clone(&wires), Arc::clone(&state));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(to).await else { continue };
                let at = {
                    let mut sent = shared.sent.lock().unwrap();
                    sent.push(Vec::new());
                    sent.len() - 1
                };
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                let (up, down) = (Arc::clone(&shared), Arc::clone(&shared));
                owned.lock().unwrap().spawn(async move {
                    tokio::join!(pump(from_client, to_server, up, Some(at)), pump(from_server, to_client, down, None));
                });
            }
        });
        Self { address, wires, state, task }
    }

    /// Cuts every connection there is; new ones are handed on.
    pub async fn cut(&self) {
        let mut wires = std::mem::take(&mut *self.wires.lock().unwrap());
        wires.shutdown().await;
    }

    /// From now on nothing comes through, and nobody is told.
    pub fn mute(&self) {
        self.state.muted.store(true, Ordering::Relaxed);
    }

    /// Lets nothing more through from a client that sent so many bytes, until there is room; its own bytes pile up at its side.
    pub fn fill_up_after(&self, bytes: usize) {
        *self.state.full_after.lock().unwrap() = Some(bytes);
    }

    /// Waits until some client sent what `is_it` takes for it.
    pub async fn until_sent(&self, is_it: impl Fn(&[u8]) -> bool) {
        loop {
            let more = self.state.came.notified();
            if self.state.sent.lock().unwrap().iter().any(|sent| is_it(sent)) {
                return;
            }
            more.await;
        }
    }

    /// Everything goes through again.
    pub fn make_room(&self) {
        *self.state.full_after.lock().unwrap() = None;
        self.state.room.notify_waiters();
    }

    /// What clients sent, one for each connection.
    pub fn sent(&self) -> Vec<Vec<u8>> {
        self.state.sent.lock().unwrap().clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: Arc<State>, log: Option<usize>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if let Some(at) = log {
            state.sent.lock().unwrap()[at].extend_from_slice(&buffer[..count]);
            state.came.notify_waiters();
            loop {
                let room = state.room.notified();
                let sent = state.sent.lock().unwrap()[at].len();
                if state.full_after.lock().unwrap().is_none_or(|full| sent <= full) {
                    break;
                }
                room.await;
            }
        }
        if !state.muted.load(Ordering::Relaxed) && to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    drop(to.shutdown().await);
}

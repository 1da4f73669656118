//! In which order requests leave: a closed handle is given to somebody else.

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::FutureExt as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::channel::{Channel, Incoming, Outgoing};
use super::super::packet::kind;
use super::scripted::TIMEOUT;
use crate::model::FilePath;

struct Replies(mpsc::Receiver<Bytes>);

impl Incoming for Replies {
    async fn next(&mut self) -> Option<Bytes> {
        self.0.recv().await
    }
}

struct Sent(mpsc::Sender<Bytes>);

impl Outgoing for Sent {
    async fn send(&mut self, bytes: Bytes) -> bool {
        self.0.send(bytes).await.is_ok()
    }
}

fn packet(kind: u8, body: &[u8]) -> Bytes {
    let mut packet = BytesMut::new();
    packet.put_u32(body.len() as u32 + 1);
    packet.put_u8(kind);
    packet.extend_from_slice(body);
    packet.freeze()
}

#[tokio::test]
async fn a_dropped_handle_is_closed_behind_everything_asked_of_it() {
    let (reply, replies) = mpsc::channel(64);
    let (sender, mut sent) = mpsc::channel(64);
    reply.send(packet(kind::VERSION, &[0, 0, 0, 3])).await.unwrap();
    let (channel, _) = Channel::open(Replies(replies), Sent(sender), TIMEOUT, CancellationToken::new()).await.unwrap();
    sent.recv().await.unwrap();
    // Closes are not answered here, so there is room for few more handles than these.
    for round in 0_u32..40 {
        let root = FilePath::root();
        let opening = channel.open_dir(&root);
        let answering = async {
            let request = sent.recv().await.unwrap();
            reply.send(packet(kind::HANDLE, &[&request[5..9], &[0, 0, 0, 1, 7]].concat())).await.unwrap();
        };
        let (handle, ()) = tokio::join!(opening, answering);
        let handle = handle.unwrap();
        // Nothing is sent meanwhile: there is one thread, and this does not wait.
        for _ in 0..5 {
            drop(channel.read_dir(&handle).now_or_never().unwrap().unwrap());
        }
        drop(handle);
        let mut stream = BytesMut::new();
        let mut kinds = Vec::new();
        while kinds.len() < 6 {
            stream.extend_from_slice(&sent.recv().await.unwrap());
            while stream.len() > 4 {
                let length = u32::from_be_bytes(stream[..4].try_into().unwrap()) as usize + 4;
                kinds.push(stream.split_to(length)[4]);
            }
        }
        assert_eq!(kinds, [[kind::READDIR; 5].as_slice(), &[kind::CLOSE]].concat(), "round {round}");
    }
}

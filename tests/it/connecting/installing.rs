//! A key is installed on a server that never answers the second login.

use sealift::engine::{IdentityOrder, SessionId};
use sealift::identity::ssh_key::{PrivateForm, SshKey, SshKeyType, write_pair};
use sealift::vfs::FileSystem as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

const FILE: &str = "/.ssh/authorized_keys";

/// An installation whose second login waits for ever.
struct Waiting {
    engine: Engine,
    session: SessionId,
    news: mpsc::Receiver<Event>,
    ordered: JoinHandle<()>,
    tree: MemoryFileSystem,
    _held: (Person, Running, TcpStream),
}

async fn waiting() -> Waiting {
    let (person, tree) = (Person::new(), tree());
    let server = serve("sftp", &tree).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (way, behind) = (target("sftp", listener.local_addr().unwrap()), server.addr);
    let (stalled, mut stalling) = mpsc::channel(1);
    let seen = tree.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            if seen.stat(&path(FILE)).await.is_ok() {
                stalled.send(client).await.unwrap();
                continue;
            }
            let mut server = TcpStream::connect(behind).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    let (engine, Place::Remote(session), news) = person.connected(way).await else { panic!("no server") };
    let (file, key) = (person.folder.path().join("key"), SshKey::generate(SshKeyType::Ed25519, "ann").unwrap());
    write_pair(&file, &key.write(PrivateForm::OpenSsh, &Secret::new(String::new())).unwrap(), &key.public()).unwrap();
    let order = IdentityOrder::InstallSshKey { file, session, home: path("/"), passphrase: Secret::new(String::new()) };
    let worker = engine.clone();
    let ordered = tokio::spawn(async move { drop(worker.work_on_identities(order).await) });
    let second = in_time(stalling.recv()).await.unwrap();
    Waiting { engine, session, news, ordered, tree, _held: (person, server, second) }
}

impl Waiting {
    /// Whoever ordered it goes away.
    async fn leave(&mut self) {
        self.ordered.abort();
        drop((&mut self.ordered).await);
        assert!(self.tree.stat(&path(FILE)).await.is_ok(), "it goes on");
    }

    async fn assert_taken_back(&mut self) {
        assert!(self.tree.stat(&path(FILE)).await.is_err(), "a key nobody tried is still there");
        let Some(Event::Notice(advice)) = in_time(self.news.recv()).await else { panic!("a notice") };
        assert!(advice.what.contains("stopped before the server answered"), "{advice:?}");
        assert_eq!(advice.next, format!("{FILE} is as it was before."));
    }
}

#[tokio::test]
async fn the_end_of_the_program_takes_it_out_again() {
    let mut waiting = waiting().await;
    waiting.leave().await;
    in_time(waiting.engine.shutdown()).await;
    waiting.assert_taken_back().await;
}

#[tokio::test]
async fn the_end_of_the_session_takes_it_out_again() {
    let mut waiting = waiting().await;
    waiting.leave().await;
    in_time(waiting.engine.disconnect(waiting.session)).await;
    waiting.assert_taken_back().await;
}

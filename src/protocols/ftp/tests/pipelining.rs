//! Several commands at once: how many turns a file takes, and servers that do not keep order.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::script::{Peer, client, read_all, settings};
use crate::model::{FilePath, Protocol};
use crate::protocols::ConnectErrorKind;
use crate::protocols::ftp::{FtpConnection, FtpFileSystem, FtpSettings, Quirk};
use crate::secrets::Secret;
use crate::vfs::{Create, FileSystem, FsErrorKind, FsResult, NewMetadata, Replace};

/// What is wrong with a server.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// It answers `EPSV` before the transfer that was asked for before it.
    EarlyEpsv,
    /// Of several commands at once it understands the first.
    LosesAllButTheFirst,
    /// It closes on several commands at once.
    Closes,
    /// It answers `RNTO` before `RNFR`, and has done both.
    SwapsRename,
    /// It takes one login only, and closes on the next.
    Full,
    /// It calls a file done of which only a part arrived.
    Truncates,
}

/// A server with `/f`, of five bytes, that answers whatever it is asked, on as many connections as are made.
struct Server {
    heard: Arc<Mutex<Heard>>,
    settings: FtpSettings,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Heard {
    commands: Vec<String>,
    /// How often a command came that it had to wait for.
    turns: usize,
    connections: usize,
    renamed: bool,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(greeting: &'static str, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings = settings(Protocol::Ftp, listener.local_addr().unwrap());
        let heard = Arc::<Mutex<Heard>>::default();
        let hears = heard.clone();
        let task = tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                hears.lock().unwrap().connections += 1;
                serve(Peer::new(line), greeting, fault, &hears).await;
            }
        });
        Self { heard, settings, task }
    }

    /// Commands and turns since the last time.
    async fn since(&self, place: &FtpFileSystem) -> (Vec<String>, usize) {
        // Behind its answer nothing is under way.
        place.keep_alive().await.unwrap();
        let mut heard = self.heard.lock().unwrap();
        assert_eq!(heard.commands.pop().as_deref(), Some("NOOP"));
        (std::mem::take(&mut heard.commands), std::mem::take(&mut heard.turns) - 1)
    }
}

async fn serve(mut peer: Peer, greeting: &str, fault: Fault, heard: &Mutex<Heard>) {
    peer.say(greeting).await;
    let mut passive = None;
    loop {
        let is_first = !peer.has_more();
        let command = peer.line().await;
        let (verb, argument) = command.split_once(' ').unwrap_or((&command, ""));
        if verb.is_empty() {
            return;
        }
        {
            let mut heard = heard.lock().unwrap();
            heard.commands.push(command.clone());
            heard.turns += usize::from(is_first);
        }
        // Logging in goes well.
        let is_first = is_first || matches!(verb, "FEAT" | "TYPE" | "PWD");
        if !is_first && fault == Fault::LosesAllButTheFirst {
            peer.say("500 what?").await;
            continue;
        }
        if !is_first && fault == Fault::Closes {
            return;
        }
        match verb {
            "USER" => peer.say("331 password").await,
            "PASS" if fault == Fault::Full && heard.lock().unwrap().connections > 1 => {
                peer.say("530 too many connections of yours").await;
                return;
            }
            "PASS" => peer.say("230 in").await,
            "FEAT" => peer.say("211-Features\r\n MFMT\r\n SIZE\r\n211 End").await,
            "PWD" => peer.say("257 \"/\"").await,
            "EPSV" => {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                peer.say(&format!("229 ok (|||{}|)", listener.local_addr().unwrap().port())).await;
                passive = Some(listener);
            }
            "RETR" => {
                let listener = passive.take().unwrap();
                if fault == Fault::EarlyEpsv && peer.has_more() {
                    peer.hear("EPSV").await;
                    peer.say("229 ok (|||1|)").await;
                }
                peer.say("150 here").await;
                let mut data = listener.accept().await.unwrap().0;
                data.write_all(b"hello").await.unwrap();
                drop(data);
                peer.say("226 done").await;
            }
            "STOR" => {
                let listener = passive.take().unwrap();
                peer.say("150 go on").await;
                read_all(listener.accept().await.unwrap().0).await;
                peer.say("226 done").await;
            }
            "SIZE" => {
                let renamed = heard.lock().unwrap().renamed;
                let size = if fault == Fault::Truncates { "213 3" } else { "213 5" };
                let is_there = argument == "/f" || (argument == "/new") == renamed && (argument == "/new" || argument == "/part");
                peer.say(if is_there { size } else { "550 no" }).await;
            }
            "RNFR" if fault == Fault::SwapsRename && peer.has_more() => {
                peer.hear("RNTO /new").await;
                heard.lock().unwrap().renamed = true;
                peer.say("250 renamed\r\n350 and?").await;
            }
            "RNFR" => peer.say("350 and?").await,
            "RNTO" => {
                heard.lock().unwrap().renamed = true;
                peer.say("250 renamed").await;
            }
            "CWD" => peer.say("550 no").await,
            _ => peer.say("200 ok").await,
        }
    }
}

fn path(text: &str) -> FilePath {
    FilePath::try_from(text).unwrap()
}

async fn download(place: &FtpFileSystem) -> FsResult<Vec<u8>> {
    let mut source = place.open(&path("/f"), 0).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = source.read().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn upload(place: &FtpFileSystem) -> FsResult<()> {
    let mut sink = place.create(&path("/part"), Create::Truncate).await?;
    sink.write(Bytes::from_static(b"hello")).await?;
    assert_eq!(sink.commit().await?, 5);
    let facts = NewMetadata { modified: Some("2026-01-02T03:04:05Z".parse().unwrap()), mode: Some(0o640) };
    place.put_in_place(&path("/part"), &path("/new"), facts, Replace::No).await
}

#[tokio::test]
async fn a_small_file_takes_few_turns() {
    let server = Server::start("220 (vsFTPd 3.0.3)", Fault::None).await;
    let place = client(&server.settings).await;
    server.since(&place).await;
    let downloads =
        [(&["EPSV", "RETR /f"][..], 2), (&["EPSV", "RETR /f", "EPSV"], 2), (&["RETR /f", "EPSV"], 1), (&["RETR /f", "EPSV"], 1)];
    for (at, (commands, expected)) in downloads.into_iter().enumerate() {
        assert_eq!(download(&place).await.unwrap(), b"hello");
        assert_eq!(server.since(&place).await, (commands.iter().map(ToString::to_string).collect(), expected), "{at}");
    }
    for at in 0..2 {
        upload(&place).await.unwrap();
        server.heard.lock().unwrap().renamed = false;
        let (heard, turns) = server.since(&place).await;
        assert_eq!(
            heard,
            [
                "STOR /part",
                "EPSV",
                "MFMT 20260102030405 /part",
                "SITE CHMOD 640 /part",
                "SIZE /part",
                "SIZE /new",
                "RNFR /part",
                "RNTO /new"
            ],
            "{at}"
        );
        assert_eq!(turns, 3, "{at}");
    }
}

#[tokio::test]
async fn where_commands_may_overtake_a_transfer_epsv_waits_for_its_end() {
    let server = Server::start("220 somebody", Fault::None).await;
    let place = client(&server.settings).await;
    server.since(&place).await;
    for _ in 0..3 {
        assert_eq!(download(&place).await.unwrap(), b"hello");
    }
    assert_eq!(server.since(&place).await.0, ["EPSV", "RETR /f", "EPSV", "RETR /f", "EPSV", "RETR /f", "EPSV"]);
}

#[tokio::test]
async fn a_server_that_mixes_up_its_replies_is_left_and_asked_one_at_a_time() {
    let server = Server::start("220 (vsFTPd 3.0.3)", Fault::EarlyEpsv).await;
    let place = client(&server.settings).await;
    for _ in 0..4 {
        assert_eq!(download(&place).await.unwrap(), b"hello");
    }
    assert!(server.settings.quirks.has(Quirk::OneAtATime));
    let heard = server.heard.lock().unwrap();
    assert_eq!(heard.connections, 2, "replaced once");
    assert_eq!(heard.commands[heard.commands.len() - 4..], ["EPSV", "RETR /f", "EPSV", "RETR /f"]);
}

#[tokio::test]
async fn what_arrived_in_part_gets_no_name_although_the_server_called_it_done() {
    let server = Server::start("220 somebody", Fault::Truncates).await;
    let place = client(&server.settings).await;
    let error = upload(&place).await.unwrap_err();
    assert_eq!(error.kind, FsErrorKind::ConnectionLost, "to be tried again");
    assert!(error.detail.contains("3 of 5 bytes"), "{error}");
    assert!(!server.heard.lock().unwrap().renamed);
}

#[tokio::test]
async fn nothing_is_lost_on_servers_that_take_one_command_at_a_time() {
    for fault in [Fault::LosesAllButTheFirst, Fault::Closes, Fault::SwapsRename] {
        let server = Server::start("220 somebody", fault).await;
        let place = client(&server.settings).await;
        upload(&place).await.unwrap();
        assert!(server.settings.quirks.has(Quirk::OneAtATime), "{fault:?}");
        {
            let heard = server.heard.lock().unwrap();
            assert!(heard.renamed, "{fault:?}");
            assert_eq!(heard.connections, if fault == Fault::Closes { 2 } else { 1 }, "{fault:?}: {:?}", heard.commands);
            for fact in ["MFMT 20260102030405 /part", "SITE CHMOD 640 /part"] {
                assert!(heard.commands.iter().any(|command| command == fact), "{fault:?}");
            }
        }
        // From now on one by one, and nothing goes wrong any more.
        server.heard.lock().unwrap().renamed = false;
        let before = server.heard.lock().unwrap().connections;
        upload(&place).await.unwrap();
        assert_eq!(download(&place).await.unwrap(), b"hello");
        assert_eq!(server.heard.lock().unwrap().connections, before, "{fault:?}");
    }
}

/// Logs in twice, one after the other, and answers what the second one heard: commands, and turns.
async fn second_login(server: &Server) -> (Vec<String>, usize) {
    client(&server.settings).await.close().await;
    *server.heard.lock().unwrap() = Heard::default();
    let place = FtpConnection::further(&server.settings, None, "anna", Some(&Secret::new("secret".into()))).await.unwrap();
    let heard = server.since(&place).await;
    assert_eq!(download(&place).await.unwrap(), b"hello");
    heard
}

#[tokio::test]
async fn a_further_connection_says_all_at_once() {
    let server = Server::start("220 (vsFTPd 3.0.3)", Fault::None).await;
    let (heard, turns) = second_login(&server).await;
    assert_eq!(heard, ["USER anna", "PASS secret", "TYPE I", "EPSV"]);
    assert_eq!((turns, server.heard.lock().unwrap().connections), (1, 1));
    assert_eq!(server.heard.lock().unwrap().commands, ["RETR /f"], "to the port that was told with the login");
}

#[tokio::test]
async fn a_server_that_turns_out_to_keep_no_order_is_logged_in_to_step_by_step() {
    for fault in [Fault::LosesAllButTheFirst, Fault::Closes] {
        let server = Server::start("220 somebody", fault).await;
        let (heard, turns) = second_login(&server).await;
        assert_eq!(heard[heard.len() - 3..], ["USER anna", "PASS secret", "TYPE I"], "{fault:?}");
        assert!(turns > 3 && server.settings.quirks.has(Quirk::OneAtATime), "{fault:?}");
        assert_eq!(server.heard.lock().unwrap().connections, 2, "{fault:?}");
    }
}

#[tokio::test]
async fn a_refused_login_is_the_last_word() {
    let server = Server::start("220 somebody", Fault::Full).await;
    client(&server.settings).await.close().await;
    let error = FtpConnection::further(&server.settings, None, "anna", Some(&Secret::new("secret".into()))).await.map(drop).unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (ConnectErrorKind::Busy, "530 too many connections of yours"));
    assert_eq!(server.heard.lock().unwrap().connections, 2, "no other way is tried");
    assert!(!server.settings.quirks.has(Quirk::OneAtATime));
}

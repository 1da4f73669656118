//! Listings, transfers and what interrupts them.

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use super::script::{Peer, accept, client, read_all, serve};
use crate::model::{FilePath, Kind, Protocol};
use crate::protocols::ftp::{DataMode, FtpFileSystem, Quirk};
use crate::vfs::{Create, FileSystem, FsErrorKind, FsResult, Replace, list_all};

const LINE: &str = "-rw-r--r-- 1 a b 5 Jan  1  2020 file\r\n";

fn path(text: &str) -> FilePath {
    FilePath::try_from(text).unwrap()
}

async fn read(place: &FtpFileSystem, name: &str) -> FsResult<Vec<u8>> {
    let mut source = place.open(&path(name), 0).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = source.read().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn write(place: &FtpFileSystem, name: &str, bytes: &'static [u8]) -> FsResult<u64> {
    let mut sink = place.create(&path(name), Create::Truncate).await?;
    sink.write(Bytes::from_static(bytes)).await?;
    sink.commit().await
}

#[tokio::test]
async fn the_address_in_a_pasv_reply_is_ignored_and_epsv_not_asked_twice() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in("").await;
        for first in [true, false] {
            peer.answer("CWD /a b", "250 there").await;
            if first {
                peer.answer("EPSV", "500 what?").await;
            }
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let [high, low] = listener.local_addr().unwrap().port().to_be_bytes();
            peer.answer("PASV", &format!("227 ok (203,0,113,9,{high},{low})")).await;
            peer.hear("LIST -a").await;
            let mut data = accept(&listener).await;
            peer.say("150 here").await;
            data.write_all(LINE.as_bytes()).await.unwrap();
            drop(data);
            peer.say("226 done").await;
        }
    })
    .await;
    let place = client(&settings).await;
    for _ in 0..2 {
        let entries = list_all(&place, &path("/a b")).await.unwrap();
        assert_eq!((entries.len(), entries[0].raw_name(), entries[0].size), (1, &b"file"[..], Some(5)));
    }
    assert!(settings.quirks.has(Quirk::NoEpsv) && !settings.quirks.has(Quirk::NoPasv));
    server.await.unwrap();
}

#[tokio::test]
async fn where_the_server_cannot_listen_we_do() {
    for mode in [DataMode::Auto, DataMode::Active] {
        let (mut settings, server) = serve(Protocol::Ftp, move |mut peer: Peer| async move {
            peer.log_in("").await;
            if mode == DataMode::Auto {
                peer.answer("EPSV", "502 no").await;
                peer.answer("PASV", "502 no").await;
            }
            let command = peer.line().await;
            assert!(command.starts_with("EPRT |1|127.0.0.1|"), "{command}");
            peer.say("500 what?").await;
            let command = peer.line().await;
            let numbers: Vec<u8> = command.strip_prefix("PORT 127,0,0,1,").unwrap().split(',').map(|n| n.parse().unwrap()).collect();
            peer.say("200 ok").await;
            peer.hear("RETR /f").await;
            peer.say("150 here").await;
            let mut data = TcpStream::connect(("127.0.0.1", u16::from_be_bytes([numbers[0], numbers[1]]))).await.unwrap();
            data.write_all(b"hello").await.unwrap();
            drop(data);
            peer.say("226 done").await;
        })
        .await;
        settings.data_mode = mode;
        assert_eq!(read(&client(&settings).await, "/f").await.unwrap(), b"hello");
        server.await.unwrap();
    }
}

#[tokio::test]
async fn the_final_reply_may_come_before_or_after_the_end_of_data() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in("").await;
        for replies_first in [true, false] {
            let listener = peer.passive().await;
            peer.hear("RETR /f").await;
            let mut data = accept(&listener).await;
            if replies_first {
                peer.say("150 here\r\n226 done").await;
            }
            data.write_all(b"hello").await.unwrap();
            drop(data);
            if !replies_first {
                peer.say("150 here\r\n226 done").await;
            }
        }
        let listener = peer.passive().await;
        peer.hear("STOR /f").await;
        let data = accept(&listener).await;
        peer.say("125 go on").await;
        assert_eq!(read_all(data).await, b"bytes");
        peer.say("250 taken").await;
    })
    .await;
    let place = client(&settings).await;
    for _ in 0..2 {
        assert_eq!(read(&place, "/f").await.unwrap(), b"hello");
    }
    assert_eq!(write(&place, "/f", b"bytes").await.unwrap(), 5);
    server.await.unwrap();
}

#[tokio::test]
async fn a_word_given_before_the_last_byte_is_no_word_on_the_file() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in("").await;
        let listener = peer.passive().await;
        peer.hear("STOR /f").await;
        let data = accept(&listener).await;
        peer.say("226 done").await;
        read_all(data).await;
    })
    .await;
    let place = client(&settings).await;
    let error = write(&place, "/f", b"bytes").await.unwrap_err();
    assert_eq!(error.kind, FsErrorKind::Protocol, "{error}");
    assert!(error.detail.contains("226 done"), "{error}");
    server.await.unwrap();
}

#[tokio::test]
async fn refusals_in_every_place_are_errors_and_leave_the_connection_usable() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in(" SIZE\r\n").await;
        let listener = peer.passive().await;
        peer.answer("RETR /f", "425 no data connection").await;
        drop(listener);
        let listener = peer.passive().await;
        peer.hear("RETR /f").await;
        let mut data = accept(&listener).await;
        peer.say("150 here").await;
        data.write_all(b"half").await.unwrap();
        drop(data);
        peer.say("426 broken off").await;
        let listener = peer.passive().await;
        peer.hear("STOR /f").await;
        let data = accept(&listener).await;
        peer.say("150 go on").await;
        assert_eq!(read_all(data).await, b"bytes");
        peer.say("552 quota").await;
        let listener = peer.passive().await;
        peer.answer("RETR /f", "550 Failed to open file.").await;
        drop(listener);
        peer.answer("SIZE /f", "550 no").await;
        peer.answer("CWD /f", "550 no").await;
        peer.answer("NOOP", "200 ok").await;
    })
    .await;
    let place = client(&settings).await;
    for words in ["425 no data connection", "426 broken off"] {
        let error = read(&place, "/f").await.unwrap_err();
        assert_eq!((error.kind, error.detail.as_str()), (FsErrorKind::ConnectionLost, words));
    }
    assert_eq!(write(&place, "/f", b"bytes").await.unwrap_err().kind, FsErrorKind::NoSpace);
    assert_eq!(read(&place, "/f").await.unwrap_err().kind, FsErrorKind::NotFound);
    place.keep_alive().await.unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_that_vanishes_is_never_a_success() {
    for upload in [true, false] {
        let (settings, server) = serve(Protocol::Ftp, move |mut peer: Peer| async move {
            peer.log_in("").await;
            let listener = peer.passive().await;
            peer.line().await;
            let mut data = accept(&listener).await;
            peer.say("150 here").await;
            if !upload {
                data.write_all(b"half").await.unwrap();
            }
        })
        .await;
        let place = client(&settings).await;
        let error = if upload { write(&place, "/f", b"bytes").await.map(drop) } else { read(&place, "/f").await.map(drop) }.unwrap_err();
        assert!(error.is_connection_lost(), "{error}");
        assert!(place.keep_alive().await.unwrap_err().is_connection_lost());
        server.await.unwrap();
    }
}

#[tokio::test]
async fn a_transfer_that_stalls_is_given_up() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in("").await;
        let listener = peer.passive().await;
        peer.hear("RETR /f").await;
        let data = accept(&listener).await;
        peer.say("150 here").await;
        assert_eq!(peer.line().await, "", "the client closes");
        drop(data);
    })
    .await;
    let place = client(&settings).await;
    tokio::time::pause();
    assert_eq!(read(&place, "/f").await.unwrap_err().kind, FsErrorKind::TimedOut);
    server.await.unwrap();
}

#[tokio::test]
async fn a_call_dropped_half_way_loses_the_connection() {
    let (heard, is_heard) = oneshot::channel();
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in("").await;
        peer.hear("MKD /a").await;
        heard.send(()).unwrap();
        assert_eq!(peer.line().await, "", "nothing more is asked of a line that is out of step");
    })
    .await;
    let place = client(&settings).await;
    let folder = path("/a");
    tokio::select! {
        made = place.make_dir(&folder) => panic!("{made:?}"),
        heard = is_heard => heard.unwrap(),
    }
    assert_eq!(place.remove_dir(&folder).await.unwrap_err().kind, FsErrorKind::ConnectionLost);
    server.await.unwrap();
}

#[tokio::test]
async fn a_reply_nobody_asked_for_is_noticed() {
    for (stray, kind) in [("200 surprise", FsErrorKind::Protocol), ("421 idle too long", FsErrorKind::ConnectionLost)] {
        let (settings, server) = serve(Protocol::Ftp, move |mut peer: Peer| async move {
            peer.log_in("").await;
            peer.answer("NOOP", &format!("200 ok\r\n{stray}")).await;
            assert_eq!(peer.line().await, "");
        })
        .await;
        let place = client(&settings).await;
        place.keep_alive().await.unwrap();
        assert_eq!(place.keep_alive().await.unwrap_err().kind, kind);
        server.await.unwrap();
    }
}

#[tokio::test]
async fn a_preliminary_reply_where_none_belongs_is_noticed() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in("").await;
        peer.answer("DELE /f", "150 surprise\r\n250 gone").await;
    })
    .await;
    let place = client(&settings).await;
    assert_eq!(place.remove_file(&path("/f")).await.unwrap_err().kind, FsErrorKind::Protocol);
    server.await.unwrap();
}

#[tokio::test]
async fn a_listing_nobody_reads_on_is_broken_off_and_the_connection_kept() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in(" MLST type*;\r\n").await;
        peer.answer("CWD /", "250 ok").await;
        let listener = peer.passive().await;
        peer.hear("MLSD").await;
        let mut data = accept(&listener).await;
        peer.say("150 here").await;
        while data.write_all(b"type=file;size=1; name\r\n").await.is_ok() {}
        peer.answer("ABOR", "426 broken off\r\n226 done").await;
        peer.answer("NOOP", "200 ok").await;
        peer.answer("NOOP", "200 still here").await;
    })
    .await;
    let place = client(&settings).await;
    let (sender, mut batches) = mpsc::channel(1);
    let root = FilePath::root();
    let (listed, first) = tokio::join!(place.list(&root, sender), async {
        let first = batches.recv().await;
        batches.close();
        first
    });
    listed.unwrap();
    assert_eq!(first.unwrap()[0].raw_name(), b"name");
    place.keep_alive().await.unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_that_takes_the_option_for_a_name_is_asked_without_it() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in("").await;
        for command in ["LIST -a", "LIST", "LIST"] {
            peer.answer("CWD /", "250 ok").await;
            let listener = peer.passive().await;
            peer.hear(command).await;
            let mut data = accept(&listener).await;
            if command == "LIST" {
                data.write_all(b"05-10-26  01:02PM  <DIR>          dir\r\ngibberish\r\n").await.unwrap();
            }
            drop(data);
            peer.say("150 here\r\n226 done").await;
        }
    })
    .await;
    let place = client(&settings).await;
    for _ in 0..2 {
        let kinds: Vec<Kind> = list_all(&place, &FilePath::root()).await.unwrap().iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, [Kind::Dir, Kind::Unparsed]);
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_rename_replaces_only_where_it_may() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in(" MLST type*;\r\n").await;
        peer.answer("MLST /b", "250-facts\r\n type=file; /b\r\n250 end").await;
        peer.answer("RNFR /a", "350 and?").await;
        peer.answer("RNTO /b", "550 File exists").await;
        peer.answer("DELE /b", "250 gone").await;
        peer.answer("RNFR /a", "350 and?").await;
        peer.answer("RNTO /b", "250 renamed").await;
    })
    .await;
    let place = client(&settings).await;
    let (from, to) = (path("/a"), path("/b"));
    assert_eq!(place.rename(&from, &to, Replace::No).await.unwrap_err().kind, FsErrorKind::AlreadyExists);
    place.rename(&from, &to, Replace::Yes).await.unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn the_facts_of_many_files_cost_one_listing() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in(" SIZE\r\n MDTM\r\n").await;
        peer.answer("CWD /d", "250 ok").await;
        let listener = peer.passive().await;
        peer.hear("LIST -a").await;
        let mut data = accept(&listener).await;
        let lines = "drwxr-xr-x 2 a b 5 Jan  1  2020 folder\r\n-rw-r----- 1 a b 5 Jan  1  2020 other\r\n";
        data.write_all([LINE, lines].concat().as_bytes()).await.unwrap();
        drop(data);
        peer.say("150 here\r\n226 done").await;
        peer.answer("MDTM /d/other", "213 20200102030405").await;
        peer.answer("MDTM /d/file", "550 no").await;
    })
    .await;
    let place = client(&settings).await;
    let names = ["other", "gone", "folder", "file"].map(|name| name.try_into().unwrap());
    let entries = place.stat_many(&path("/d"), &names).await.unwrap();
    let facts: Vec<_> = entries.iter().map(|entry| (entry.display_name(), entry.kind, entry.mode())).collect();
    let expected = [("other", Kind::File, 0o640), ("folder", Kind::Dir, 0o755), ("file", Kind::File, 0o644)];
    assert_eq!(facts, expected.map(|(name, kind, mode)| (name.to_owned(), kind, Some(mode))));
    assert_eq!(entries[0].modified.unwrap().to_string(), "2020-01-02T03:04:05Z");
    assert_eq!(entries[2].modified.unwrap().to_string(), "2020-01-01T00:00:00Z");
    server.await.unwrap();
}

#[tokio::test]
async fn a_file_is_gone_on_with_only_at_its_very_end() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in(" SIZE\r\n REST STREAM\r\n").await;
        peer.answer("SIZE /f", "213 4").await;
        peer.answer("SIZE /f", "213 6").await;
        for command in ["SIZE /f", "SIZE /f", "CWD /f"] {
            peer.answer(command, "550 no").await;
        }
        for size_after in [8, 9] {
            peer.answer("SIZE /f", "213 5").await;
            let listener = peer.passive().await;
            peer.hear("APPE /f").await;
            let data = accept(&listener).await;
            peer.say("150 go on").await;
            assert_eq!(read_all(data).await, b"abc");
            peer.say("226 done").await;
            peer.answer("SIZE /f", &format!("213 {size_after}")).await;
        }
    })
    .await;
    let place = client(&settings).await;
    let resume = async || {
        let mut sink = place.create(&path("/f"), Create::ResumeAt(5)).await?;
        sink.write(Bytes::from_static(b"abc")).await?;
        sink.commit().await
    };
    for (kind, words) in [(FsErrorKind::ChangedMeanwhile, "4 of 5"), (FsErrorKind::Unsupported, "6 bytes"), (FsErrorKind::NotFound, "")] {
        let error = resume().await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.detail.contains(words), "{error}");
    }
    assert_eq!(resume().await, Ok(3));
    assert_eq!(resume().await.unwrap_err().kind, FsErrorKind::ChangedMeanwhile);
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_that_tells_no_sizes_is_asked_for_a_listing() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in("").await;
        for (command, reply) in [("SIZE /d/file", "502 no"), ("CWD /d/file", "550 no"), ("CWD /d", "250 ok")] {
            peer.answer(command, reply).await;
        }
        let listener = peer.passive().await;
        peer.hear("LIST -a").await;
        let mut data = accept(&listener).await;
        data.write_all(LINE.as_bytes()).await.unwrap();
        drop(data);
        peer.say("150 here\r\n226 done").await;
    })
    .await;
    let entry = client(&settings).await.stat(&path("/d/file")).await.unwrap();
    assert_eq!((entry.kind, entry.size, entry.mode()), (Kind::File, Some(5), Some(0o644)));
    server.await.unwrap();
}

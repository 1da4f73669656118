//! ASCII transfers.

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;

use super::script::{Peer, accept, client, read_all, serve};
use crate::model::{FilePath, Protocol, TransferType};
use crate::vfs::{Create, FileSystem, FsErrorKind};

#[tokio::test]
async fn text_gets_the_line_ends_of_each_side_and_other_files_none() {
    let (mut settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in(" SIZE\r\n REST STREAM\r\n").await;
        for (name, types) in [("/a.TXT", &["TYPE A"][..]), ("/b.bin", &["TYPE I"])] {
            for kind in types {
                // Before the data connection is agreed on.
                peer.answer(kind, "200 ok").await;
            }
            let listener = peer.passive().await;
            peer.hear(&format!("RETR {name}")).await;
            let mut data = accept(&listener).await;
            peer.say("150 here").await;
            data.write_all(b"one\r\ntwo\r").await.unwrap();
            drop(data);
            peer.say("226 done").await;
        }
        peer.answer("EPSV", "229 gone (|||1|)").await;
        peer.answer("TYPE A", "200 ok").await;
        let listener = peer.passive().await;
        peer.hear("STOR /c.csv").await;
        let data = accept(&listener).await;
        peer.say("150 go on").await;
        assert_eq!(read_all(data).await, b"one\r\ntwo\r\n");
        peer.say("226 done").await;
    })
    .await;
    settings.transfer_type = TransferType::Auto;
    let place = client(&settings).await;
    for (name, expected) in [("/a.TXT", &b"one\ntwo\r"[..]), ("/b.bin", b"one\r\ntwo\r")] {
        let mut source = place.open(&FilePath::try_from(name).unwrap(), 0).await.unwrap();
        assert_eq!(source.is_converted(), name == "/a.TXT");
        let mut bytes = Vec::new();
        while let Some(chunk) = source.read().await.unwrap() {
            bytes.extend_from_slice(&chunk);
        }
        assert_eq!(bytes, expected, "{name}");
    }
    let path = FilePath::try_from("/c.csv").unwrap();
    assert_eq!(place.open(&path, 1).await.err().unwrap().kind, FsErrorKind::Unsupported);
    assert_eq!(place.create(&path, Create::ResumeAt(1)).await.err().unwrap().kind, FsErrorKind::Unsupported);
    let mut sink = place.create(&path, Create::Truncate).await.unwrap();
    for piece in [&b"one\ntwo\r"[..], b"\n"] {
        sink.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    assert_eq!(sink.commit().await.unwrap(), 9);
    server.await.unwrap();
}

//! Names that are not UTF-8, on a site whose charset is set.

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;

use super::script::{Peer, accept, read_all, serve};
use crate::model::{Charset, FilePath, Protocol};
use crate::protocols::ftp::{FtpConnection, FtpSettings};
use crate::secrets::Secret;
use crate::vfs::{Create, FileSystem, FsErrorKind, Replace, list_all};

fn in_latin1(settings: FtpSettings) -> FtpSettings {
    FtpSettings { charset: Charset::parse("latin1").ok(), ..settings }
}

#[tokio::test]
async fn names_are_read_and_sent_in_the_charset_of_the_site() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.say("220 ready").await;
        peer.hear_raw(b"USER j\xfcrg").await;
        peer.say("331 password").await;
        peer.hear_raw(b"PASS \xe4").await;
        peer.say("230 in").await;
        peer.answer("FEAT", "211-Features\r\n UTF8\r\n211 End").await;
        peer.answer("TYPE I", "200 binary").await;
        peer.answer("PWD", "257 \"/another spelling\"").await;
        peer.answer("OPTS UTF8 OFF", "200 as you like").await;
        peer.hear("PWD").await;
        peer.say_raw(b"257 \"/M\xfcll\"\r\n").await;
        peer.hear_raw(b"CWD /M\xfcll").await;
        peer.say("250 there").await;
        let listener = peer.passive().await;
        peer.hear("LIST -a").await;
        let mut data = accept(&listener).await;
        peer.say("150 here").await;
        data.write_all(b"-rw-r--r-- 1 a b 5 Jan  1  2020 Geh\xe4lter\r\nlrwxrwxrwx 1 a b 5 Jan  1  2020 l -> \xdcber/x\r\n").await.unwrap();
        drop(data);
        peer.say("226 done").await;
        let listener = peer.passive().await;
        peer.hear_raw(b"RETR /M\xfcll/Geh\xe4lter").await;
        peer.say_raw(b"550 Geh\xe4lter: Permission denied\r\n").await;
        drop(listener);
        let listener = peer.passive().await;
        peer.hear_raw(b"STOR /M\xfcll/\xe9").await;
        let data = accept(&listener).await;
        peer.say("150 go on").await;
        assert_eq!(read_all(data).await, b"x");
        peer.say("226 done").await;
        peer.answer("NOOP", "200 ok").await;
    })
    .await;
    let settings = in_latin1(settings);
    let mut connection = FtpConnection::connect(&settings, None).await.unwrap();
    connection.login("jürg", &Secret::new("ä".into())).await.unwrap();
    let place = connection.into_file_system().await.unwrap();
    let home = place.home().clone();
    assert_eq!(home.display(), "/Müll");
    let entries = list_all(&place, &home).await.unwrap();
    assert_eq!((entries[0].display_name().as_str(), entries[1].display_name().as_str()), ("Gehälter", "l"));
    assert_eq!(entries[1].details.as_ref().unwrap().target.as_deref(), Some("Über/x".as_bytes()));
    let error = place.open(&home.join(&entries[0].name().unwrap()), 0).await.err().unwrap();
    assert_eq!((error.kind, error.detail.as_str()), (FsErrorKind::PermissionDenied, "550 Gehälter: Permission denied"));
    let mut sink = place.create(&home.join(&"é".try_into().unwrap()), Create::Truncate).await.unwrap();
    sink.write(Bytes::from_static(b"x")).await.unwrap();
    sink.commit().await.unwrap();

    // Nothing of these goes out: the next the server hears is NOOP.
    let snowman = FilePath::try_from("/☃").unwrap();
    let refused = [
        place.make_dir(&snowman).await.unwrap_err(),
        place.rename(&home, &snowman, Replace::Yes).await.unwrap_err(),
        place.create(&snowman, Create::Truncate).await.err().unwrap(),
        list_all(&place, &snowman).await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind, FsErrorKind::UnsafeName);
        assert!(error.to_string().contains("'☃' (U+2603) has no form in windows-1252"), "{error}");
    }
    place.keep_alive().await.unwrap();
    server.await.unwrap();
}

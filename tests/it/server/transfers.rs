//! Transfers: order, aborting, active mode, what is kept of a broken upload.

use std::time::Duration;

use sealift::model::{Entry, Kind};
use sealift::vfs::memory::faults::{Call, Effect};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::raw::{Raw, read_all};
use super::{options, path, start, tree};

#[tokio::test]
async fn commands_sent_at_once_are_answered_in_their_order() {
    let server = start(options(&tree())).await;
    let mut raw = Raw::connect(server.addr).await;
    raw.bytes(b"USER ann\r\nPASS secret\r\nTYPE I\r\nPWD\r\nSIZE /a.txt\r\nCWD /none\r\nXYZZY\r\nNOOP\r\n").await;
    for code in [331, 230, 200, 257, 213, 550, 502, 200] {
        raw.expect(code).await;
    }
    // Behind a transfer too, the next EPSV among them.
    let mut data = raw.data().await;
    raw.bytes(b"RETR /a.txt\r\nEPSV\r\nPWD\r\nNOOP\r\n").await;
    raw.expect(150).await;
    assert_eq!(read_all(&mut data).await.unwrap(), b"hello");
    for code in [226, 229, 257, 200] {
        raw.expect(code).await;
    }
}

#[tokio::test]
async fn abor_ends_a_transfer_and_the_line_goes_on() {
    let tree = tree();
    tree.put(&path("/big"), &vec![7; 32 << 20]).unwrap();
    let server = start(options(&tree)).await;
    let mut raw = Raw::logged_in(server.addr).await;
    let data = raw.data().await;
    raw.ask("RETR /big", 150).await;
    raw.bytes(b"NOOP\r\n\xff\xf4\xffABOR\r\n").await;
    for code in [426, 200, 226] {
        raw.expect(code).await;
    }
    drop(data);
    let mut data = raw.data().await;
    raw.ask("RETR /a.txt", 150).await;
    assert_eq!(read_all(&mut data).await.unwrap(), b"hello");
    raw.expect(226).await;
}

#[tokio::test]
async fn uploads_go_on_where_they_are_told_to() {
    let tree = tree();
    let server = start(options(&tree)).await;
    let mut raw = Raw::logged_in(server.addr).await;
    for (before, command, bytes, after) in [
        (None, "STOR /new", "abcdef", "abcdef"),
        (Some("REST 3"), "STOR /new", "XY", "abcXY"),
        (None, "APPE /new", "!", "abcXY!"),
        (None, "APPE /other", "first", "first"),
    ] {
        let mut data = raw.data().await;
        if let Some(before) = before {
            raw.ask(before, 350).await;
        }
        raw.ask(command, 150).await;
        data.write_all(bytes.as_bytes()).await.unwrap();
        drop(data);
        raw.expect(226).await;
        assert_eq!(tree.content(&path(&command[5..])).unwrap(), after.as_bytes(), "{command}");
    }
    raw.ask("REST 2", 350).await;
    let mut data = raw.data().await;
    raw.ask("RETR /new", 150).await;
    assert_eq!(read_all(&mut data).await.unwrap(), b"cXY!");
    raw.expect(226).await;
}

#[tokio::test]
async fn a_full_disk_is_452_and_nothing_is_kept() {
    let tree = tree();
    tree.faults().always(Call::Commit, "/new", Effect::Fail(sealift::vfs::FsErrorKind::NoSpace));
    let server = start(options(&tree)).await;
    let mut raw = Raw::logged_in(server.addr).await;
    let mut data = raw.data().await;
    raw.ask("STOR /new", 150).await;
    data.write_all(b"x").await.unwrap();
    drop(data);
    raw.expect(452).await;
    assert!(tree.content(&path("/new")).is_none());
}

#[tokio::test]
async fn active_mode_reaches_the_client_and_nobody_else() {
    let server = start(options(&tree())).await;
    let mut raw = Raw::logged_in(server.addr).await;
    for command in [
        "PORT 127,0,0,2,200,1",
        "PORT 8,8,8,8,200,1",
        "PORT 127,0,0,1,0,22",
        "EPRT |1|8.8.8.8|50000|",
        "EPRT |2|::1|50000|",
        "EPRT |1|127.0.0.1|80|",
    ] {
        raw.ask(command, 504).await;
        raw.ask("RETR /a.txt", 425).await;
    }
    for command in ["PORT 127,0,0,1,200", "PORT 1,2,3,4,5,999", "EPRT", "EPRT |1|127.0.0.1|", "EPRT |3|x|5|"] {
        raw.ask(command, 501).await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for command in [format!("PORT 127,0,0,1,{},{}", port / 256, port % 256), format!("EPRT |1|127.0.0.1|{port}|")] {
        raw.ask(&command, 200).await;
        raw.ask("RETR /a.txt", 150).await;
        let (mut data, _) = listener.accept().await.unwrap();
        assert_eq!(read_all(&mut data).await.unwrap(), b"hello");
        raw.expect(226).await;
    }
    raw.ask("EPSV ALL", 200).await;
    raw.ask("PASV", 503).await;
    raw.ask(&format!("EPRT |1|127.0.0.1|{port}|"), 503).await;
}

#[tokio::test]
async fn a_data_connection_that_never_comes_is_given_up() {
    let mut patient = options(&tree());
    patient.limits.step = Duration::from_millis(50);
    let server = start(patient).await;
    let mut raw = Raw::logged_in(server.addr).await;
    raw.ask("EPSV", 229).await;
    raw.ask("RETR /a.txt", 150).await;
    raw.expect(425).await;
    raw.ask("NOOP", 200).await;
}

#[tokio::test]
async fn listings_of_every_kind() {
    let tree = tree();
    tree.put(&path("/sub/漢 字"), b"12").unwrap();
    tree.plant_line(&path("/sub"), Entry::new(&b"x\r\ny"[..], Kind::File)).unwrap();
    let server = start(options(&tree)).await;
    let mut raw = Raw::logged_in(server.addr).await;
    for (command, wanted) in [
        ("NLST sub", "sub/b.txt\r\nsub/漢 字\r\nsub/x??y\r\n"),
        ("NLST /a.txt", "/a.txt\r\n"),
        ("MLSD sub", "Type=file; b.txt\r\nType=file; 漢 字\r\nType=file; x??y\r\n"),
    ] {
        raw.ask("OPTS MLST type;", 200).await;
        let mut data = raw.data().await;
        raw.ask(command, 150).await;
        assert_eq!(String::from_utf8(read_all(&mut data).await.unwrap()).unwrap(), wanted, "{command}");
        raw.expect(226).await;
    }
    let mut data = raw.data().await;
    raw.ask("LIST -la sub", 150).await;
    let lines = String::from_utf8(read_all(&mut data).await.unwrap()).unwrap();
    assert!(lines.lines().count() == 3 && lines.lines().nth(1).unwrap().ends_with(" 漢 字"), "{lines}");
    raw.expect(226).await;
    raw.ask("MLSD /a.txt", 501).await;
    raw.ask("MLSD /none", 550).await;
    assert_eq!(raw.ask("STAT /sub", 213).await.lines().count(), 5);
}

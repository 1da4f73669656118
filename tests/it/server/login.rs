//! Who is let in, what is said before, and that nobody leaves the root.

use super::raw::Raw;
use super::{options, path, start, tree};

#[tokio::test]
async fn before_login_nothing_is_done() {
    let tree = tree();
    let server = start(options(&tree)).await;
    let mut raw = Raw::connect(server.addr).await;
    for command in [
        "DELE /a.txt",
        "MKD /new",
        "CWD /sub",
        "PWD",
        "LIST",
        "RETR /a.txt",
        "STOR /x",
        "SIZE /a.txt",
        "EPSV",
        "PASV",
        "SITE CHMOD 777 /a.txt",
        "STAT",
    ] {
        raw.ask(command, 530).await;
    }
    raw.ask("PASS secret", 503).await;
    for (command, code) in
        [("FEAT", 211), ("SYST", 215), ("OPTS UTF8 ON", 200), ("NOOP", 200), ("PBSZ 0", 503), ("PROT P", 503), ("XYZZY", 502), ("", 500)]
    {
        raw.ask(command, code).await;
    }
    assert_eq!(tree.paths(), ["/a.txt", "/sub/", "/sub/b.txt"]);
    raw.ask("QUIT", 221).await;
    assert!(raw.reply().await.is_none());
}

#[tokio::test]
async fn wrong_passwords_end_the_connection_and_say_nothing_of_users() {
    let server = start(options(&tree())).await;
    let mut raw = Raw::connect(server.addr).await;
    let mut said = Vec::new();
    for user in ["ann", "nobody", "ann"] {
        said.push((raw.ask(&format!("USER {user}"), 331).await, raw.ask("PASS wrong", 530).await));
    }
    assert!(said.iter().all(|both| *both == said[0]), "{said:?}");
    raw.ask("USER ann", 331).await;
    raw.ask("PASS wrong", 421).await;
    assert!(raw.reply().await.is_none());
    Raw::logged_in(server.addr).await.ask("USER ann", 503).await;
}

#[tokio::test]
async fn paths_never_leave_the_root() {
    let tree = tree();
    let server = start(options(&tree)).await;
    let mut raw = Raw::logged_in(server.addr).await;
    raw.ask("CWD sub", 250).await;
    raw.ask("CWD ../../../..", 250).await;
    assert_eq!(raw.ask("PWD", 257).await, "257 \"/\"");
    assert_eq!(raw.ask("SIZE ../../a.txt", 213).await, "213 5");
    raw.ask("MKD ../../../made", 257).await;
    raw.ask("RNFR /../a.txt", 350).await;
    raw.ask("RNTO /sub/../../../moved", 250).await;
    assert_eq!(tree.paths(), ["/made/", "/moved", "/sub/", "/sub/b.txt"]);
    raw.bytes(b"DELE mo\0ved\r\n").await;
    raw.expect(553).await;
    assert!(tree.content(&path("/moved")).is_some());
}

#[tokio::test]
async fn file_commands_answer_with_the_codes_of_the_rfcs() {
    let tree = tree();
    let server = start(options(&tree)).await;
    let mut raw = Raw::logged_in(server.addr).await;
    for (command, code) in [
        ("CWD /none", 550),
        ("CWD /a.txt", 550),
        ("TYPE I", 200),
        ("TYPE E", 504),
        ("MODE B", 504),
        ("STRU F", 200),
        ("SIZE /sub", 550),
        ("MFMT 20200102030405 /a.txt", 213),
        ("MDTM /a.txt", 213),
        ("MFMT yesterday /a.txt", 501),
        ("MKD a\"b", 257),
        ("MKD /sub", 550),
        ("RMD /sub", 550),
        ("DELE /sub", 550),
        ("DELE", 501),
        ("RNTO /x", 503),
        ("RNFR /none", 550),
        ("SITE CHMOD 640 /a.txt", 200),
        ("SITE CHMOD 9 /a.txt", 501),
        ("SITE EXEC id", 504),
        ("REST x", 501),
        ("RETR /a.txt", 425),
        ("ABOR", 226),
        ("CCC", 534),
    ] {
        let text = raw.ask(command, code).await;
        match command {
            "MDTM /a.txt" => assert_eq!(text, "213 20200102030405"),
            "MKD a\"b" => assert_eq!(text, "257 \"/a\"\"b\""),
            _ => {}
        }
    }
    // RNTO must follow at once.
    raw.ask("RNFR /a.txt", 350).await;
    raw.ask("NOOP", 200).await;
    raw.ask("RNTO /x", 503).await;
    raw.ask("OPTS MLST size;unix.mode;", 200).await;
    assert!(raw.ask("MLST /a.txt", 250).await.contains("\n Size=5;UNIX.mode=0640; /a.txt\n"));
}

#[tokio::test]
async fn a_line_without_end_and_too_many_connections_are_refused() {
    let mut limited = options(&tree());
    limited.limits.connections = 1;
    let server = start(limited).await;
    let mut raw = Raw::connect(server.addr).await;
    let mut second = Raw::unread(server.addr).await;
    second.expect(421).await;
    raw.bytes(&[b'A'; 10_000]).await;
    raw.expect(500).await;
    assert!(raw.reply().await.is_none());
}

#[tokio::test]
async fn stopping_says_so_to_whoever_is_there() {
    let server = start(options(&tree())).await;
    let mut raw = Raw::logged_in(server.addr).await;
    let addr = server.addr;
    server.stop().await;
    raw.expect(421).await;
    assert!(raw.reply().await.is_none());
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}

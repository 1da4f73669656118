//! Against a scripted server: what honest servers do rarely, and others do on purpose.

use std::time::Duration;

use super::super::channel::NotSftp;
use super::super::packet::kind;
use super::scripted::{Asked, Honest, Seen, Then, over, server};
use crate::model::{Entry, FilePath, Kind};
use crate::protocols::sftp::SftpFileSystem;
use crate::vfs::{Create, FileSystem as _, FsErrorKind, FsResult, Replace, list_all};
use tokio::sync::mpsc;

pub(super) fn path(text: &str) -> FilePath {
    FilePath::try_from(text).unwrap()
}

pub(super) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

pub(super) async fn whole(fs: &SftpFileSystem, from: u64) -> FsResult<Vec<u8>> {
    let mut source = fs.open(&path("/f"), from).await?;
    let mut bytes = Vec::new();
    while let Some(part) = source.read().await? {
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

const BLOCK: usize = 32 * 1024;

#[tokio::test]
async fn replies_in_any_order_make_the_same_file_and_blocks_are_small_without_limits() {
    let file = pattern(8 * BLOCK + 100);
    let mut held = Vec::new();
    let all = file.clone();
    let (fs, seen) = server(&[], Honest::with(file.clone()), move |asked| {
        if asked.kind != kind::READ {
            return Then::Ordinary;
        }
        let (offset, length) = asked.range();
        held.push(asked.data(&all[offset..(offset + length).min(all.len())]));
        if held.len() < 9 { Then::Send(Vec::new()) } else { Then::Send(held.drain(..).rev().collect()) }
    })
    .await;
    assert_eq!(whole(&fs, 0).await.unwrap(), file);
    assert!(seen.of(kind::READ).iter().all(|asked| asked.range().1 == BLOCK));
    seen.wait_for(kind::CLOSE).await;
}

#[tokio::test]
async fn short_replies_are_asked_for_again() {
    let file = pattern(200_000);
    let all = file.clone();
    let (fs, _) = server(&[], Honest::with(file.clone()), move |asked| match asked.kind {
        kind::READ => {
            let (offset, length) = asked.range();
            match &all[offset.min(all.len())..] {
                [] => Then::Ordinary,
                rest => Then::Send(vec![asked.data(&rest[..rest.len().min(length).min(7001)])]),
            }
        }
        _ => Then::Ordinary,
    })
    .await;
    assert_eq!(whole(&fs, 0).await.unwrap(), file);
    assert_eq!(whole(&fs, 150_001).await.unwrap(), file[150_001..]);
}

#[tokio::test]
async fn a_small_file_takes_one_read_and_binary_handles_stay_as_they_are() {
    let handle = &[0, 0, 0, 0x80];
    let (fs, seen) = server(&[], Honest { file: b"hello".to_vec(), handle }, |_| Then::Ordinary).await;
    assert_eq!(whole(&fs, 0).await.unwrap(), b"hello");
    seen.wait_for(kind::CLOSE).await;
    let kinds: Vec<u8> = seen.all().iter().skip(1).map(|asked| asked.kind).collect();
    assert_eq!(kinds, [kind::OPEN, kind::READ, kind::FSTAT, kind::CLOSE]);
    assert!(seen.all().iter().skip(2).all(|asked| asked.text()[..] == handle[..]));
}

#[tokio::test]
async fn a_file_of_unknown_size_is_read_to_its_end() {
    let file = pattern(100_000);
    let (fs, _) = server(&[], Honest::with(file.clone()), |asked| match asked.kind {
        kind::FSTAT => Then::Send(vec![asked.attributes(0o100_444, 0)]),
        _ => Then::Ordinary,
    })
    .await;
    assert_eq!(whole(&fs, 0).await.unwrap(), file);
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_reported() {
    for told in [90_000, 110_000] {
        let (fs, seen) = server(&[], Honest::with(pattern(100_000)), move |asked| match asked.kind {
            kind::FSTAT => Then::Send(vec![asked.attributes(0o100_644, told)]),
            _ => Then::Ordinary,
        })
        .await;
        assert_eq!(whole(&fs, 0).await.unwrap_err().kind, FsErrorKind::ChangedMeanwhile, "{told}");
        seen.wait_for(kind::CLOSE).await;
    }
}

#[tokio::test]
async fn a_server_that_vanishes_loses_the_connection_and_never_ends_a_file() {
    let mut reads = 0;
    let (fs, _) = server(&[], Honest::with(pattern(10 * BLOCK)), move |asked| {
        reads += usize::from(asked.kind == kind::READ);
        if reads == 5 { Then::Vanish } else { Then::Ordinary }
    })
    .await;
    assert_eq!(whole(&fs, 0).await.unwrap_err().kind, FsErrorKind::ConnectionLost);
    assert_eq!(fs.keep_alive().await.unwrap_err().kind, FsErrorKind::ConnectionLost);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_times_out() {
    let (fs, _) = server(&[], Honest::with("x"), |asked| match asked.kind {
        kind::LSTAT => Then::Send(Vec::new()),
        _ => Then::Ordinary,
    })
    .await;
    let before = tokio::time::Instant::now();
    assert_eq!(fs.stat(&path("/f")).await.unwrap_err().kind, FsErrorKind::TimedOut);
    assert!(before.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn names_that_are_not_utf8_are_listed_and_can_be_opened() {
    let mut rounds = 0;
    let (fs, seen) = server(&[], Honest::with("x"), move |asked| match asked.kind {
        kind::READDIR if rounds == 0 => {
            rounds += 1;
            Then::Send(vec![asked.names(&[(b".", 0o040_755), (b"..", 0o040_755), (b"caf\xe9", 0o100_644), (b"../x", 0o100_644)])])
        }
        _ => Then::Ordinary,
    })
    .await;
    let entries = list_all(&fs, &FilePath::root()).await.unwrap();
    assert_eq!(entries.iter().map(Entry::raw_name).collect::<Vec<_>>(), [&b"caf\xe9"[..], b"../x"]);
    assert!(entries[1].name().is_err());
    drop(fs.open(&FilePath::root().join(&entries[0].name().unwrap()), 0).await.unwrap());
    assert_eq!(seen.of(kind::OPEN)[0].text()[..], b"/caf\xe9"[..]);
}

#[tokio::test]
async fn links_tell_what_they_say_and_what_they_lead_to() {
    let mut rounds = 0;
    let (fs, _) = server(&[], Honest::with(""), move |asked| match asked.kind {
        kind::READDIR if rounds == 0 => {
            rounds += 1;
            Then::Send(vec![asked.names(&[(b"to-dir", 0o120_777), (b"dangling", 0o120_777)])])
        }
        kind::READLINK => Then::Send(vec![asked.names(&[(b"t\xff", 0)])]),
        kind::STAT if asked.text().ends_with(b"to-dir") => Then::Send(vec![asked.attributes(0o040_755, 0)]),
        kind::STAT => Then::Send(vec![asked.status(2, "No such file")]),
        _ => Then::Ordinary,
    })
    .await;
    let entries = list_all(&fs, &FilePath::root()).await.unwrap();
    let facts: Vec<_> = entries.iter().filter_map(|entry| entry.details.as_ref()).map(|d| (d.target.clone(), d.target_kind)).collect();
    assert_eq!(facts, [(Some(b"t\xff"[..].into()), Some(Kind::Dir)), (Some(b"t\xff"[..].into()), None)]);
}

#[tokio::test]
async fn a_listing_without_end_can_be_left() {
    let (fs, seen) = server(&[], Honest::with(""), |asked| match asked.kind {
        kind::READDIR => Then::Send(vec![asked.names(&[(b"again", 0o100_644)])]),
        _ => Then::Ordinary,
    })
    .await;
    let (sender, mut batches) = mpsc::channel(1);
    let dir = FilePath::root();
    let (listed, ()) = tokio::join!(fs.list(&dir, sender), async move {
        for _ in 0..20 {
            assert!(batches.recv().await.is_some());
        }
    });
    assert_eq!(listed, Ok(()));
    seen.wait_for(kind::CLOSE).await;
}

#[tokio::test]
async fn empty_replies_without_end_are_out_of_protocol() {
    let (fs, _) = server(&[], Honest::with(""), |asked| match asked.kind {
        kind::READDIR => Then::Send(vec![asked.names(&[])]),
        _ => Then::Ordinary,
    })
    .await;
    assert_eq!(list_all(&fs, &FilePath::root()).await.unwrap_err().kind, FsErrorKind::Protocol);
}

#[tokio::test]
async fn what_is_written_arrives_in_blocks_and_is_closed() {
    let file = pattern(5 * BLOCK + 7);
    let (fs, seen) = server(&[], Honest::with(""), |_| Then::Ordinary).await;
    let mut sink = fs.create(&path("/f"), Create::New).await.unwrap();
    for part in file.chunks(10_000) {
        sink.write(part.to_vec().into()).await.unwrap();
    }
    assert_eq!(sink.commit().await, Ok(file.len() as u64));
    assert_eq!(seen.file(), file);
    assert!(seen.of(kind::WRITE).iter().all(|asked| asked.range().1 <= BLOCK));
    assert_eq!(seen.of(kind::WRITE).len(), 6);
    assert_eq!(seen.all().last().unwrap().kind, kind::CLOSE);
    // Flags WRITE, CREAT, EXCL; attributes: permissions 0600.
    assert_eq!(seen.of(kind::OPEN)[0].body[6..], [0, 0, 0, 0x2a, 0, 0, 0, 4, 0, 0, 0o1, 0o200]);
}

/// A server with `fsync@openssh.com` that answers it with this status.
async fn syncing(status: u32, words: &'static str) -> (SftpFileSystem, Seen) {
    let script = move |asked: &Asked| match asked.kind {
        kind::EXTENDED if asked.text() == "fsync@openssh.com" => Then::Send(vec![asked.status(status, words)]),
        _ => Then::Ordinary,
    };
    server(&[("fsync@openssh.com", "1")], Honest::with(""), script).await
}

#[tokio::test]
async fn a_file_is_synced_before_its_close_where_that_is_wanted_and_offered() {
    for (wanted, offered) in [(true, true), (false, true), (true, false)] {
        let (fs, seen) = if offered { syncing(0, "").await } else { server(&[], Honest::with(""), |_| Then::Ordinary).await };
        let mut sink = fs.create(&path("/f"), Create::New).await.unwrap();
        sink.write(vec![1; 100_000].into()).await.unwrap();
        if wanted {
            sink.sync_at_end();
        }
        assert_eq!(sink.commit().await, Ok(100_000));
        let last: Vec<u8> = seen.all().iter().rev().take(2).map(|asked| asked.kind).collect();
        let before = if wanted && offered { kind::EXTENDED } else { kind::WRITE };
        assert_eq!(last, [kind::CLOSE, before], "{wanted} {offered}");
    }
}

#[tokio::test]
async fn a_disk_that_fails_is_told_and_one_that_cannot_be_synced_is_none() {
    // SSH_FX_FAILURE; SSH_FX_BAD_MESSAGE and SSH_FX_OP_UNSUPPORTED.
    for (status, words, written) in [(4, "", false), (4, "No space left on device", false), (5, "", true), (8, "", true)] {
        let (fs, _) = syncing(status, words).await;
        let mut sink = fs.create(&path("/f"), Create::New).await.unwrap();
        sink.write("content".into()).await.unwrap();
        sink.sync_at_end();
        assert_eq!(sink.commit().await.is_ok(), written, "{status} {words}");
    }
}

#[tokio::test]
async fn an_error_of_any_write_fails_the_commit() {
    for failing in [1, 3] {
        let mut writes = 0;
        let (fs, _) = server(&[], Honest::with(""), move |asked| {
            writes += usize::from(asked.kind == kind::WRITE);
            if asked.kind == kind::WRITE && writes == failing {
                return Then::Send(vec![asked.status(4, "No space left on device")]);
            }
            Then::Ordinary
        })
        .await;
        let mut sink = fs.create(&path("/f"), Create::Truncate).await.unwrap();
        let mut written = Ok(());
        for _ in 0..3 {
            written = written.and(sink.write(pattern(BLOCK).into()).await);
        }
        let kind = written.map_err(|error| error.kind).and(sink.commit().await.map_err(|error| error.kind));
        assert_eq!(kind, Err(FsErrorKind::NoSpace), "write {failing}");
    }
}

#[tokio::test]
async fn resuming_goes_on_behind_and_cuts_off_what_is_further() {
    let (fs, seen) = server(&[], Honest::with("0123456789"), |_| Then::Ordinary).await;
    let mut sink = fs.create(&path("/f"), Create::ResumeAt(4)).await.unwrap();
    sink.write("ab".into()).await.unwrap();
    assert_eq!(sink.commit().await, Ok(2));
    assert_eq!(seen.of(kind::WRITE)[0].range(), (4, 2));
    assert!(seen.of(kind::FSETSTAT)[0].body.ends_with(&[0, 0, 0, 0, 0, 0, 0, 4]));
    assert_eq!(fs.create(&path("/f"), Create::ResumeAt(11)).await.err().unwrap().kind, FsErrorKind::ChangedMeanwhile);
}

#[tokio::test]
async fn a_dropped_sink_is_closed_and_so_is_a_handle_nobody_waited_for() {
    let (fs, seen) = server(&[], Honest::with(""), |_| Then::Ordinary).await;
    drop(fs.create(&path("/f"), Create::Truncate).await.unwrap());
    seen.wait_for(kind::CLOSE).await;

    let mut late = None;
    let (fs, seen) = server(&[], Honest::with(""), move |asked| match asked.kind {
        kind::OPEN => {
            late = Some(asked.handle(b"late"));
            Then::Send(Vec::new())
        }
        kind::LSTAT => Then::Send(late.take().into_iter().chain([asked.attributes(0o100_644, 0)]).collect()),
        _ => Then::Ordinary,
    })
    .await;
    let file = path("/f");
    tokio::select! {
        _ = fs.open(&file, 0) => panic!("nothing was answered"),
        () = seen.wait_for(kind::OPEN) => {}
    }
    fs.stat(&file).await.unwrap();
    seen.wait_for(kind::CLOSE).await;
    assert_eq!(seen.of(kind::CLOSE)[0].text(), "late");
}

#[tokio::test]
async fn replacing_without_the_extension_looks_before_it_removes() {
    let (fs, seen) = server(&[], Honest::with(""), |_| Then::Ordinary).await;
    assert!(!fs.capabilities().replaces_in_one_step);
    fs.rename(&path("/a"), &path("/b"), Replace::Yes).await.unwrap();
    let asked: Vec<_> = seen.all().iter().skip(1).map(|asked| (asked.kind, asked.text())).collect();
    let expected = [(kind::LSTAT, "/b"), (kind::LSTAT, "/a"), (kind::REMOVE, "/b"), (kind::RENAME, "/a")];
    assert_eq!(asked, expected.map(|(kind, path)| (kind, path.into())));
    assert_eq!(fs.rename(&path("/a"), &path("/b"), Replace::No).await.unwrap_err().kind, FsErrorKind::AlreadyExists);
}

#[tokio::test]
async fn replacing_with_the_extension_is_one_request() {
    let (fs, seen) = server(&[("posix-rename@openssh.com", "1")], Honest::with(""), |asked| match asked.kind {
        kind::EXTENDED => Then::Send(vec![asked.status(0, "")]),
        _ => Then::Ordinary,
    })
    .await;
    assert!(fs.capabilities().replaces_in_one_step);
    fs.rename(&path("/a"), &path("/b"), Replace::Yes).await.unwrap();
    assert_eq!(seen.of(kind::EXTENDED)[0].text(), "posix-rename@openssh.com");
    assert_eq!((seen.of(kind::EXTENDED)[0].second_text(), seen.all().len()), ("/a".into(), 2));
}

#[tokio::test]
async fn a_reply_to_no_request_ends_the_connection() {
    let (fs, _) = server(&[], Honest::with(""), |asked| match asked.kind {
        kind::LSTAT => {
            let mut other = asked.clone();
            other.id += 1000;
            Then::Send(vec![other.status(0, "")])
        }
        _ => Then::Ordinary,
    })
    .await;
    assert_eq!(fs.stat(&path("/f")).await.unwrap_err().kind, FsErrorKind::Protocol);
}

#[tokio::test]
async fn failures_without_a_reason_get_one() {
    let (fs, _) = server(&[], Honest::with(""), |asked| match asked.kind {
        kind::MKDIR | kind::OPEN | kind::SYMLINK => Then::Send(vec![asked.status(4, "Failure")]),
        kind::REMOVE => Then::Send(vec![asked.status(3, "Permission denied")]),
        _ => Then::Ordinary,
    })
    .await;
    assert_eq!(fs.make_dir(&path("/f")).await.unwrap_err().kind, FsErrorKind::AlreadyExists);
    assert_eq!(fs.create(&path("/f"), Create::New).await.err().unwrap().kind, FsErrorKind::AlreadyExists);
    assert_eq!(fs.create(&path("/f"), Create::Truncate).await.err().unwrap().kind, FsErrorKind::Refused);
    assert_eq!(fs.make_symlink(&path("/f"), b"x").await.unwrap_err().kind, FsErrorKind::AlreadyExists);
    assert_eq!(fs.remove_file(&path("/f")).await.unwrap_err().kind, FsErrorKind::PermissionDenied);
}

#[tokio::test]
async fn a_talking_shell_is_told_from_a_silent_end() {
    use tokio::io::AsyncWriteExt as _;
    for (said, expected) in [("Welcome back!\n", NotSftp::Noise(b"Welcome back!\n".to_vec())), ("", NotSftp::Ended)] {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        theirs.write_all(said.as_bytes()).await.unwrap();
        theirs.shutdown().await.unwrap();
        assert_eq!(over(ours).await.err(), Some(expected));
    }
}

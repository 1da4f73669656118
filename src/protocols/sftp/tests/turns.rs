//! How many turns things take: the clock of these tests stands still unless everybody waits, and an answer comes one turn
//! after its request.

use jiff::Timestamp;
use tokio::time::Instant;

use super::super::packet::kind;
use super::files::{path, pattern, whole};
use super::scripted::{Honest, Stage, TIMEOUT, TURN, Then};
use crate::protocols::sftp::SftpFileSystem;
use crate::vfs::{Create, FileSystem as _, FsErrorKind, NewMetadata, Replace, list_all};

/// Turns taken by `work`.
async fn turns<T>(work: impl Future<Output = T>) -> (u32, T) {
    let before = Instant::now();
    let done = work.await;
    ((before.elapsed().as_secs_f64() / TURN.as_secs_f64()).round() as u32, done)
}

const FACTS: NewMetadata = NewMetadata { modified: Some(Timestamp::UNIX_EPOCH), mode: Some(0o644) };

async fn upload(fs: &SftpFileSystem) -> u64 {
    let mut sink = fs.create(&path("/.part"), Create::New).await.unwrap();
    sink.write("small".into()).await.unwrap();
    assert!(sink.set_metadata(FACTS));
    let written = sink.commit().await.unwrap();
    fs.rename(&path("/.part"), &path("/f"), Replace::No).await.unwrap();
    written
}

#[tokio::test(start_paused = true)]
async fn a_small_file_comes_in_two_turns() {
    let (fs, _) = Stage::new(Honest::with("small"), |_| Then::Ordinary).far().start().await;
    let (turns, read) = turns(whole(&fs, 0)).await;
    assert_eq!((turns, read.unwrap()), (2, b"small".to_vec()));
}

#[tokio::test(start_paused = true)]
async fn a_small_file_goes_in_three_turns() {
    let (fs, seen) = Stage::new(Honest::with(""), |_| Then::Ordinary).openssh().far().start().await;
    assert_eq!(turns(upload(&fs)).await, (3, 5));
    let kinds: Vec<u8> = seen.all().iter().skip(2).map(|asked| asked.kind).collect();
    assert_eq!(kinds, [kind::OPEN, kind::WRITE, kind::FSETSTAT, kind::CLOSE, kind::RENAME]);
    // Permissions and times.
    assert_eq!(seen.of(kind::FSETSTAT)[0].flags(), 4 | 8);
    assert_eq!(seen.file(), b"small");
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_rename_is_unknown_is_looked_at_first() {
    let (fs, _) = Stage::new(Honest::with(""), |asked| match asked.kind {
        kind::LSTAT => Then::Send(vec![asked.status(2, "")]),
        _ => Then::Ordinary,
    })
    .far()
    .start()
    .await;
    assert_eq!(turns(upload(&fs)).await, (4, 5));
}

#[tokio::test(start_paused = true)]
async fn a_rename_that_is_refused_says_why() {
    let (fs, _) = Stage::new(Honest::with(""), |asked| match asked.kind {
        kind::RENAME => Then::Send(vec![asked.status(4, "Failure")]),
        _ => Then::Ordinary,
    })
    .openssh()
    .start()
    .await;
    let error = fs.rename(&path("/a"), &path("/b"), Replace::No).await.unwrap_err();
    assert_eq!((error.kind, error.path), (FsErrorKind::AlreadyExists, Some(path("/b"))));
}

#[tokio::test(start_paused = true)]
async fn facts_a_server_takes_by_path_alone_are_told_so() {
    for refused in [&[kind::FSETSTAT][..], &[kind::FSETSTAT, kind::SETSTAT]] {
        let (fs, seen) = Stage::new(Honest::with(""), move |asked| match asked.kind {
            asked_for if refused.contains(&asked_for) => Then::Send(vec![asked.status(8, "not here")]),
            _ => Then::Ordinary,
        })
        .openssh()
        .start()
        .await;
        assert_eq!(upload(&fs).await, 5, "what is not taken is no failure");
        assert_eq!(seen.of(kind::SETSTAT)[0].text(), "/.part");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_listing_takes_few_turns() {
    let mut left = 1000;
    let (fs, _) = Stage::new(Honest::with(""), move |asked| {
        if asked.kind != kind::READDIR || left == 0 {
            return Then::Ordinary;
        }
        left -= 1;
        Then::Send(vec![asked.names(&[(format!("{left}").as_bytes(), 0o100_644)])])
    })
    .far()
    .start()
    .await;
    let (turns, entries) = turns(list_all(&fs, &path("/"))).await;
    assert_eq!(entries.unwrap().len(), 1000);
    assert!(turns < 30, "{turns} turns for 1000 READDIRs");
}

#[tokio::test(start_paused = true)]
async fn a_long_file_takes_few_turns() {
    let file = pattern(16 << 20);
    let (fs, _) = Stage::new(Honest::with(file.clone()), |_| Then::Ordinary).far().start().await;
    let (turns, read) = turns(whole(&fs, 0)).await;
    assert!(read.unwrap() == file);
    assert!(turns < 12, "{turns} turns for 512 blocks");
}

#[tokio::test(start_paused = true)]
async fn storing_may_take_longer_than_answering() {
    let mut held = None;
    let (fs, _) = Stage::new(Honest::with(""), move |asked| match asked.kind {
        kind::CLOSE => {
            held = Some(asked.status(0, ""));
            Then::Send(Vec::new())
        }
        kind::REALPATH => Then::Send(held.take().into_iter().chain([asked.names(&[(b"/", 0)])]).collect()),
        _ => Then::Ordinary,
    })
    .start()
    .await;
    let mut sink = fs.create(&path("/f"), Create::New).await.unwrap();
    sink.write("x".into()).await.unwrap();
    let alive = async {
        tokio::time::sleep(TIMEOUT * 3).await;
        fs.keep_alive().await
    };
    assert_eq!(tokio::join!(sink.commit(), alive), (Ok(1), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn no_more_handles_are_open_than_the_server_allows() {
    for (limit, most) in [(None, 100), (Some(8_u64), 8)] {
        let (mut open, mut peak) = (0_usize, 0);
        let counted = std::sync::Arc::new(std::sync::Mutex::new(0));
        let told = counted.clone();
        let (fs, _) = Stage::new(Honest::with("content"), move |asked| {
            match asked.kind {
                kind::OPEN => open += 1,
                kind::CLOSE => open -= 1,
                kind::EXTENDED if limit.is_some() => {
                    let numbers = [0, 0, 0, limit.unwrap_or(0)].map(u64::to_be_bytes);
                    return Then::Send(vec![asked.extended(&numbers.concat())]);
                }
                _ => {}
            }
            peak = peak.max(open);
            *told.lock().unwrap() = peak;
            Then::Ordinary
        })
        .offering(if limit.is_some() { &[("limits@openssh.com", "1")] } else { &[] })
        .far()
        .start()
        .await;
        let copies = (0..300).map(|_| async {
            let mut source = fs.open(&path("/f"), 0).await.unwrap();
            let mut sink = fs.create(&path("/g"), Create::At(0)).await.unwrap();
            while let Some(bytes) = source.read().await.unwrap() {
                sink.write(bytes).await.unwrap();
            }
            sink.commit().await.unwrap();
        });
        futures::future::join_all(copies).await;
        let peak = *counted.lock().unwrap();
        assert!(peak > most / 2 && peak <= most, "{peak} of {most}");
    }
}

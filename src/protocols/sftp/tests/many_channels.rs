//! One upload over several channels: everything arrives, and whatever fails, a size tells what is there.

use bytes::Bytes;

use super::super::packet::kind;
use super::files::{path, pattern};
use super::scripted::{Asked, Honest, Seen, Stage, Then};
use crate::protocols::sftp::SftpFileSystem;
use crate::vfs::{Create, FileSystem as _, FsErrorKind, FsResult, NewMetadata, Sink};

const LENGTH: usize = 12 << 20;
const BLOCK: usize = 32 * 1024;

async fn write(fs: &SftpFileSystem, how: Create) -> FsResult<Box<dyn Sink>> {
    let content = Bytes::from(pattern(LENGTH));
    let mut sink = fs.create(&path("/f"), how).await?;
    for at in (0..LENGTH).step_by(BLOCK) {
        if let Err(error) = sink.write(content.slice(at..at + BLOCK)).await {
            sink.abort().await;
            return Err(error);
        }
    }
    Ok(sink)
}

async fn whole(fs: &SftpFileSystem, how: Create) -> FsResult<u64> {
    write(fs, how).await?.commit().await
}

fn channels_used(seen: &Seen) -> Vec<usize> {
    let mut used: Vec<usize> = seen.of(kind::WRITE).iter().map(|asked| asked.channel).collect();
    used.sort_unstable();
    used.dedup();
    used
}

#[tokio::test(start_paused = true)]
async fn a_far_upload_goes_over_several_channels_and_all_of_them_are_closed() {
    let stage = Stage::new(Honest::with(""), |_| Then::Ordinary).openssh().far().with_channels(3);
    let (fs, seen) = stage.clone().start().await;
    let mut sink = write(&fs, Create::New).await.unwrap();
    assert!(sink.set_metadata(NewMetadata { mode: Some(0o600), modified: None }));
    assert_eq!(sink.commit().await, Ok(LENGTH as u64));
    assert!(seen.file() == pattern(LENGTH));
    assert_eq!((stage.channels(), channels_used(&seen)), (3, vec![0, 1, 2, 3]), "as many as the server gives");
    let opened = seen.of(kind::OPEN);
    // WRITE, CREAT and EXCL for the first, WRITE alone for the others.
    assert_eq!(opened.iter().map(Asked::flags).collect::<Vec<_>>(), [0x2a, 2, 2, 2]);
    let last: Vec<(u8, usize)> = seen.all().iter().rev().take(2).map(|asked| (asked.kind, asked.channel)).collect();
    assert_eq!(last, [(kind::CLOSE, 0), (kind::FSETSTAT, 0)], "the times are set when nobody writes any more");
    assert_eq!(seen.of(kind::CLOSE).len(), 4);

    whole(&fs, Create::Truncate).await.unwrap();
    assert_eq!(stage.channels(), 3, "they are kept for the next file");
}

#[tokio::test(start_paused = true)]
async fn one_channel_does_where_no_more_are_given_or_needed() {
    let (fs, seen) = Stage::new(Honest::with(""), |_| Then::Ordinary).openssh().far().start().await;
    assert_eq!(whole(&fs, Create::New).await, Ok(LENGTH as u64));
    assert_eq!(channels_used(&seen), [0]);

    let stage = Stage::new(Honest::with(""), |_| Then::Ordinary).openssh().with_channels(3);
    let (fs, seen) = stage.clone().start().await;
    assert_eq!(whole(&fs, Create::New).await, Ok(LENGTH as u64));
    assert_eq!((stage.channels(), channels_used(&seen)), (0, vec![0]));
}

#[tokio::test(start_paused = true)]
async fn what_others_may_measure_by_its_size_gets_no_gaps() {
    let stage = Stage::new(Honest::with("0123"), |_| Then::Ordinary).openssh().far().with_channels(3);
    let (fs, seen) = stage.clone().start().await;
    assert_eq!(whole(&fs, Create::ResumeAt(4)).await, Ok(LENGTH as u64));
    assert_eq!((stage.channels(), channels_used(&seen)), (0, vec![0]));
}

#[tokio::test(start_paused = true)]
async fn servers_that_are_not_known_to_bear_it_get_one_channel() {
    let stage = Stage::new(Honest::with(""), |_| Then::Ordinary).far().with_channels(3);
    let (fs, seen) = stage.clone().start().await;
    assert_eq!(whole(&fs, Create::New).await, Ok(LENGTH as u64));
    assert_eq!((stage.channels(), channels_used(&seen)), (0, vec![0]));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_opens_a_file_once_only_gets_it_over_one_channel() {
    let stage = Stage::new(Honest::with(""), |asked| match asked.kind {
        kind::OPEN if asked.channel > 0 => Then::Send(vec![asked.status(4, "in use")]),
        _ => Then::Ordinary,
    });
    let (fs, seen) = stage.openssh().far().with_channels(3).start().await;
    assert_eq!(whole(&fs, Create::New).await, Ok(LENGTH as u64));
    assert_eq!(channels_used(&seen), [0]);
    assert!(seen.file() == pattern(LENGTH));
}

/// A server that has no room for the block at this byte.
fn without_room_at(byte: usize) -> Stage {
    let stage = Stage::new(Honest::with(""), move |asked| match asked.kind {
        kind::WRITE if asked.range().0 == byte => Then::Send(vec![asked.status(4, "No space left on device")]),
        _ => Then::Ordinary,
    });
    stage.openssh().far().with_channels(7)
}

#[tokio::test(start_paused = true)]
async fn a_file_is_cut_off_where_a_block_is_missing() {
    for missing in [LENGTH / 2, LENGTH - 40 * BLOCK, LENGTH - BLOCK] {
        let (fs, seen) = without_room_at(missing).start().await;
        assert_eq!(whole(&fs, Create::New).await.unwrap_err().kind, FsErrorKind::NoSpace);
        assert_eq!(seen.file().len(), missing, "what is further is no good");
        assert!(seen.file() == pattern(missing));
        assert_eq!(seen.of(kind::OPEN).len(), seen.of(kind::CLOSE).len());
    }
}

#[tokio::test(start_paused = true)]
async fn one_of_several_writers_cuts_nothing_off() {
    let (fs, seen) = without_room_at(LENGTH / 2).start().await;
    assert_eq!(whole(&fs, Create::At(0)).await.unwrap_err().kind, FsErrorKind::NoSpace);
    assert!(seen.of(kind::FSETSTAT).is_empty() && seen.of(kind::SETSTAT).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_given_up_leaves_what_it_says() {
    let (fs, seen) = Stage::new(Honest::with(""), |_| Then::Ordinary).openssh().far().with_channels(7).start().await;
    let sink = write(&fs, Create::New).await.unwrap();
    let arrived = sink.known_good().unwrap() as usize;
    assert!(arrived > 0 && arrived < LENGTH, "{arrived}");
    sink.abort().await;
    assert!(seen.file() == pattern(LENGTH), "all that was given had arrived");
    assert_eq!(seen.of(kind::OPEN).len(), seen.of(kind::CLOSE).len());
}

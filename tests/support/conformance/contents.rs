//! Reading and writing: every size, from the middle, given up, in parallel; times and modes.

use bytes::Bytes;
use jiff::Timestamp;
use sealift::vfs::{Create, DigestAlgorithm, FsErrorKind, Hasher, NewMetadata};

use super::{Ground, behaviours, content};

behaviours![
    empty_file_round_trips,
    sizes_around_a_packet_round_trip,
    large_file_round_trips,
    many_small_writes_arrive_in_order,
    read_begins_in_the_middle,
    read_from_the_end_is_empty,
    read_of_a_missing_file_fails,
    read_of_a_folder_fails,
    new_file_replaces_nothing,
    truncate_empties_what_is_there,
    truncate_makes_what_is_not,
    resume_goes_on_where_told,
    resume_behind_the_end_fails,
    resume_of_a_missing_file_fails,
    several_writers_fill_one_file,
    write_below_a_missing_folder_fails,
    write_over_a_folder_fails,
    aborted_read_leaves_the_connection_usable,
    aborted_write_leaves_the_connection_usable,
    dropped_read_is_never_out_of_step,
    dropped_write_is_never_out_of_step,
    two_at_once,
    a_digest_is_that_of_the_content,
    modified_time_is_kept,
    mode_is_kept,
    metadata_of_a_missing_file_fails,
    copy_within_makes_another_and_replaces_nothing,
];

async fn round_trip(ground: &Ground<'_>, length: usize) {
    let content = content(length);
    let path = ground.put(&format!("file-{length}"), &content).await;
    assert_eq!(ground.place.stat(&path).await.unwrap().size, Some(length as u64));
    assert!(ground.read(&path, 0).await.unwrap() == content, "{length} bytes came back different");
}

async fn empty_file_round_trips(ground: &Ground<'_>) {
    round_trip(ground, 0).await;
}

async fn sizes_around_a_packet_round_trip(ground: &Ground<'_>) {
    for length in [1, 32_767, 32_768, 32_769, 255 * 1024 + 1, 256 * 1024, 256 * 1024 + 1] {
        round_trip(ground, length).await;
    }
}

async fn large_file_round_trips(ground: &Ground<'_>) {
    round_trip(ground, 5 << 20).await;
}

async fn many_small_writes_arrive_in_order(ground: &Ground<'_>) {
    let (path, content) = (ground.path("file"), content(5000));
    let mut sink = ground.place.create(&path, Create::New).await.unwrap();
    for piece in content.chunks(7) {
        sink.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    assert_eq!(sink.commit().await, Ok(5000));
    assert_eq!(ground.read(&path, 0).await.unwrap(), content);
}

async fn read_begins_in_the_middle(ground: &Ground<'_>) {
    if ground.place.capabilities().read_from {
        let content = content(300_000);
        let path = ground.put("file", &content).await;
        for from in [1, 32_768, 299_999] {
            assert!(ground.read(&path, from as u64).await.unwrap() == content[from..], "from {from}");
        }
    }
}

async fn read_from_the_end_is_empty(ground: &Ground<'_>) {
    if ground.place.capabilities().read_from {
        let path = ground.put("file", b"12345").await;
        assert_eq!(ground.read(&path, 5).await.unwrap(), b"");
    }
}

async fn read_of_a_missing_file_fails(ground: &Ground<'_>) {
    ground.failed(ground.read(&ground.path("gone"), 0).await, FsErrorKind::NotFound);
}

async fn read_of_a_folder_fails(ground: &Ground<'_>) {
    let folder = ground.make_dir("folder").await;
    ground.failed(ground.read(&folder, 0).await, FsErrorKind::IsADirectory);
}

async fn new_file_replaces_nothing(ground: &Ground<'_>) {
    let path = ground.put("file", b"old").await;
    ground.failed(ground.write(&path, Create::New, b"new").await, FsErrorKind::AlreadyExists);
    assert_eq!(ground.read(&path, 0).await.unwrap(), b"old");
}

async fn truncate_empties_what_is_there(ground: &Ground<'_>) {
    let path = ground.put("file", b"something long").await;
    assert_eq!(ground.write(&path, Create::Truncate, b"new").await, Ok(3));
    assert_eq!(ground.read(&path, 0).await.unwrap(), b"new");
}

async fn truncate_makes_what_is_not(ground: &Ground<'_>) {
    let path = ground.path("file");
    assert_eq!(ground.write(&path, Create::Truncate, b"new").await, Ok(3));
    assert_eq!(ground.read(&path, 0).await.unwrap(), b"new");
}

async fn resume_goes_on_where_told(ground: &Ground<'_>) {
    if ground.place.capabilities().append {
        let path = ground.put("file", b"0123456789").await;
        assert_eq!(ground.write(&path, Create::ResumeAt(10), b"abc").await, Ok(3));
        assert_eq!(ground.read(&path, 0).await.unwrap(), b"0123456789abc");
        let in_the_middle = ground.write(&path, Create::ResumeAt(4), b"xy").await;
        if ground.flags.exact_resume {
            assert_eq!(in_the_middle, Ok(2));
            assert_eq!(ground.read(&path, 0).await.unwrap(), b"0123xy");
        } else {
            assert_eq!(in_the_middle.unwrap_err().kind, FsErrorKind::Unsupported);
            assert_eq!(ground.read(&path, 0).await.unwrap(), b"0123456789abc");
        }
        assert_eq!(ground.write(&path, Create::ResumeAt(0), b"new").await, Ok(3));
        assert_eq!(ground.read(&path, 0).await.unwrap(), b"new");
    }
}

async fn resume_behind_the_end_fails(ground: &Ground<'_>) {
    if ground.place.capabilities().append {
        let path = ground.put("file", b"0123").await;
        let error = ground.write(&path, Create::ResumeAt(5), b"x").await.unwrap_err();
        assert_eq!(error.kind, FsErrorKind::ChangedMeanwhile, "{error}");
        assert_eq!(ground.read(&path, 0).await.unwrap(), b"0123");
    }
}

async fn resume_of_a_missing_file_fails(ground: &Ground<'_>) {
    if ground.place.capabilities().append {
        for at in [0, 4] {
            let error = ground.write(&ground.path("gone"), Create::ResumeAt(at), b"x").await.unwrap_err();
            assert_eq!(error.kind, FsErrorKind::NotFound, "{error}");
            assert!(!ground.is_there(&ground.path("gone")).await);
        }
    }
}

async fn several_writers_fill_one_file(ground: &Ground<'_>) {
    if ground.place.capabilities().write_at {
        let path = ground.put("file", b"0123456789").await;
        assert_eq!(ground.write(&path, Create::At(12), b"cd").await, Ok(2));
        assert_eq!(ground.write(&path, Create::At(2), b"xyz").await, Ok(3));
        assert_eq!(ground.read(&path, 0).await.unwrap(), b"01xyz56789\0\0cd");
        let error = ground.write(&ground.path("gone"), Create::At(0), b"x").await.unwrap_err();
        assert_eq!(error.kind, FsErrorKind::NotFound, "{error}");
    }
}

async fn write_below_a_missing_folder_fails(ground: &Ground<'_>) {
    let below = ground.path("gone").join(&"x".try_into().unwrap());
    ground.failed(ground.write(&below, Create::New, b"x").await, FsErrorKind::NotFound);
}

async fn write_over_a_folder_fails(ground: &Ground<'_>) {
    let folder = ground.make_dir("folder").await;
    ground.failed(ground.write(&folder, Create::Truncate, b"x").await, FsErrorKind::IsADirectory);
    ground.failed(ground.write(&folder, Create::New, b"x").await, FsErrorKind::AlreadyExists);
}

async fn aborted_read_leaves_the_connection_usable(ground: &Ground<'_>) {
    let path = ground.put("file", &content(2 << 20)).await;
    let mut source = ground.place.open(&path, 0).await.unwrap();
    assert!(source.read().await.unwrap().is_some());
    source.abort().await;
    assert_eq!(ground.place.stat(&path).await.unwrap().size, Some(2 << 20));
    assert_eq!(ground.read(&path, 0).await.unwrap().len(), 2 << 20);
}

async fn aborted_write_leaves_the_connection_usable(ground: &Ground<'_>) {
    let path = ground.path("file");
    let mut sink = ground.place.create(&path, Create::New).await.unwrap();
    sink.write(content(400_000).into()).await.unwrap();
    sink.abort().await;
    if ground.is_there(&path).await {
        ground.place.remove_file(&path).await.unwrap();
    }
    ground.put("file", b"again").await;
}

async fn dropped_read_is_never_out_of_step(ground: &Ground<'_>) {
    let path = ground.put("file", &content(2 << 20)).await;
    let mut source = ground.place.open(&path, 0).await.unwrap();
    assert!(source.read().await.unwrap().is_some());
    drop(source);
    working_or_lost(ground, &path).await;
}

async fn dropped_write_is_never_out_of_step(ground: &Ground<'_>) {
    let path = ground.put("other", b"12345").await;
    let mut sink = ground.place.create(&ground.path("file"), Create::New).await.unwrap();
    sink.write(content(400_000).into()).await.unwrap();
    drop(sink);
    working_or_lost(ground, &path).await;
}

async fn working_or_lost(ground: &Ground<'_>, path: &sealift::model::FilePath) {
    match ground.read(path, 0).await {
        Ok(bytes) => assert_eq!(Some(bytes.len() as u64), ground.place.stat(path).await.unwrap().size),
        Err(error) => assert_eq!(error.kind, FsErrorKind::ConnectionLost, "{error}"),
    }
}

async fn two_at_once(ground: &Ground<'_>) {
    if !ground.place.capabilities().parallel {
        return;
    }
    let content = content(3 << 20);
    let from = ground.put("from", &content).await;
    let to = ground.path("to");
    let mut source = ground.place.open(&from, 0).await.unwrap();
    let mut sink = ground.place.create(&to, Create::New).await.unwrap();
    while let Some(bytes) = source.read().await.unwrap() {
        sink.write(bytes).await.unwrap();
    }
    assert_eq!(sink.commit().await, Ok(3 << 20));
    let (one, two) = tokio::join!(ground.read(&from, 0), ground.read(&to, 0));
    assert!(one.unwrap() == content && two.unwrap() == content);
}

/// Where a place tells one, in whichever way it was asked.
async fn a_digest_is_that_of_the_content(ground: &Ground<'_>) {
    let content = content(300_000);
    let path = ground.put("file", &content).await;
    let empty = ground.put("empty", b"").await;
    for algorithm in DigestAlgorithm::STRONGEST_FIRST {
        for (path, content) in [(&path, &content[..]), (&empty, b"")] {
            let Some(told) = ground.place.digest(path, &[algorithm]).await.unwrap() else { continue };
            let mut hasher = Hasher::new(algorithm);
            hasher.update(content);
            assert_eq!(told, hasher.finish());
        }
    }
    if let Some(told) = ground.place.digest(&path, &DigestAlgorithm::STRONGEST_FIRST).await.unwrap() {
        ground.failed(ground.place.digest(&ground.path("missing"), &[told.algorithm]).await, FsErrorKind::NotFound);
    }
    assert_eq!(ground.read(&path, 0).await.unwrap(), content, "the connection is of use yet");
}

async fn modified_time_is_kept(ground: &Ground<'_>) {
    if !ground.place.capabilities().set_modified {
        return;
    }
    let path = ground.put("file", b"x").await;
    for text in ["2001-02-03T04:05:06Z", "2024-02-29T23:59:59Z"] {
        let time: Timestamp = text.parse().unwrap();
        ground.place.set_metadata(&path, NewMetadata { modified: Some(time), mode: None }).await.unwrap();
        assert_eq!(ground.place.stat(&path).await.unwrap().modified.map(Timestamp::as_second), Some(time.as_second()));
    }
    assert_eq!(ground.read(&path, 0).await.unwrap(), b"x");
}

async fn mode_is_kept(ground: &Ground<'_>) {
    if !ground.place.capabilities().set_mode {
        return;
    }
    let path = ground.put("file", b"x").await;
    for mode in [0o640, 0o755] {
        ground.place.set_metadata(&path, NewMetadata { modified: None, mode: Some(mode) }).await.unwrap();
        let told = ground.place.stat(&path).await.unwrap().mode();
        assert_eq!(told.map(|mode| mode & 0o777), Some(mode));
    }
}

async fn metadata_of_a_missing_file_fails(ground: &Ground<'_>) {
    let can = ground.place.capabilities();
    if can.set_modified {
        let metadata = NewMetadata { modified: Some(Timestamp::UNIX_EPOCH), mode: None };
        ground.failed(ground.place.set_metadata(&ground.path("gone"), metadata).await, FsErrorKind::NotFound);
    }
}

async fn copy_within_makes_another_and_replaces_nothing(ground: &Ground<'_>) {
    let (from, to) = (ground.put("from", &content(300_000)).await, ground.path("to"));
    let told = std::sync::atomic::AtomicU64::new(0);
    let add = |bytes| {
        told.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    };
    if !ground.place.capabilities().copies_within {
        ground.failed(ground.place.copy_within(&from, &to, &add).await, FsErrorKind::Unsupported);
        return;
    }
    assert_eq!(ground.place.copy_within(&from, &to, &add).await, Ok(300_000));
    assert_eq!(told.load(std::sync::atomic::Ordering::Relaxed), 300_000);
    assert!(ground.read(&to, 0).await.unwrap() == content(300_000));
    ground.failed(ground.place.copy_within(&from, &to, &add).await, FsErrorKind::AlreadyExists);
    ground.failed(ground.place.copy_within(&ground.path("gone"), &ground.path("x"), &add).await, FsErrorKind::NotFound);
}

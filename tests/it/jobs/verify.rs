//! Verification: what a place damages in silence gets no name, whichever way it is found out.

use sealift::engine::{ConflictPolicy, JobKind, JobOptions, JobSpec, Outcome, Place, Proof};
use sealift::vfs::memory::MemoryOptions;
use sealift::vfs::memory::faults::{Call, Effect};
use sealift::vfs::{DigestAlgorithm, FileSystem as _, FsErrorKind, MemoryFileSystem};

use super::{Bench, REMOTE, assert_clean, assert_failed, path, upload};

const LARGE: usize = 3 << 20;

fn telling(digests: &'static [DigestAlgorithm]) -> Bench {
    let remote = MemoryFileSystem::with_options(MemoryOptions { digests, ..MemoryOptions::default() });
    Bench::with(MemoryFileSystem::new(), remote, 3, std::sync::Arc::new(sealift::ask::Refuse))
}

fn verified(items: &[&str]) -> JobSpec {
    JobSpec { options: JobOptions { verify: true, ..JobOptions::default() }, ..upload(items) }
}

#[tokio::test]
async fn each_rung_is_told_by_its_name() {
    use DigestAlgorithm as Algorithm;
    for (digests, proof) in [
        (&[Algorithm::Md5, Algorithm::Sha256][..], Proof::Told(Algorithm::Sha256)),
        (&[Algorithm::Sha512], Proof::Told(Algorithm::Sha512)),
        (&[Algorithm::Sha1], Proof::Told(Algorithm::Sha1)),
        (&[Algorithm::Md5], Proof::Told(Algorithm::Md5)),
        (&[Algorithm::Crc32], Proof::Told(Algorithm::Crc32)),
        (&[], Proof::ReadBack),
    ] {
        let mut bench = telling(digests);
        bench.put("/from/dir/large", &vec![7; LARGE]);
        bench.put("/from/dir/empty", b"");
        bench.put("/from/dir/small", b"small");
        let report = bench.run(verified(&["dir"])).await;
        assert_clean(&report, 3);
        assert_eq!((report.verified, report.proofs.as_slice()), (3, &[proof][..]), "{digests:?}");
        assert_eq!(bench.outcomes.recv().await.unwrap().result, Ok(Outcome::Verified(proof)));
        assert_eq!(bench.uploaded("/to/dir/large").map(|content| content.len()), Some(LARGE));
    }
}

#[tokio::test]
async fn a_bit_that_flips_in_silence_is_found_and_the_file_gets_no_name() {
    for digests in [&[DigestAlgorithm::Sha256][..], &[DigestAlgorithm::Crc32], &[]] {
        for (on_target, call) in [(true, Call::Write(0)), (true, Call::Write(LARGE as u64 - 1))] {
            let mut bench = telling(digests);
            bench.put("/from/file", &vec![7; LARGE]);
            bench.put("/from/other", b"other");
            bench.trees.remote.put(&path("/to/file"), b"old").unwrap();
            let tree = if on_target { &bench.trees.remote } else { &bench.trees.local };
            tree.faults().once(call, "file", Effect::FlipBit);
            let report = bench.run(JobSpec { conflicts: ConflictPolicy::Overwrite, ..verified(&["file", "other"]) }).await;
            assert_failed(&report, "what arrived is not what was sent");
            let words = &report.failures[0].why;
            assert!(words.contains("/to/file") && !words.contains(".part") && words.contains("there, and"), "{words}");
            assert_eq!((report.verified, bench.uploaded("/to/file")), (1, Some(b"old".to_vec())));
            assert_eq!(bench.arrived(), ["file", "other"]);
            let failed = loop {
                if let Err(error) = bench.outcomes.recv().await.unwrap().result {
                    break error;
                }
            };
            assert_eq!(failed.kind, FsErrorKind::Mismatch);
            // Without a flip, the same goes through.
            assert_clean(&bench.run(JobSpec { conflicts: ConflictPolicy::Overwrite, ..verified(&["file"]) }).await, 1);
            assert_eq!(bench.uploaded("/to/file"), Some(vec![7; LARGE]));
        }
    }
}

#[tokio::test]
async fn what_a_line_damages_that_notices_nothing_is_found_on_the_way_here_too() {
    for digests in [&[DigestAlgorithm::Sha256][..], &[]] {
        let mut options = MemoryOptions { digests, ..MemoryOptions::default() };
        options.capabilities.notices_damage = false;
        let remote = MemoryFileSystem::with_options(options);
        let mut bench = Bench::with(MemoryFileSystem::new(), remote, 3, std::sync::Arc::new(sealift::ask::Refuse));
        bench.trees.remote.put(&path("/to/file"), &vec![7; LARGE]).unwrap();
        bench.trees.remote.faults().once(Call::Read(LARGE as u64 / 2), "file", Effect::FlipBit);
        let down = JobSpec { from: REMOTE, from_dir: path("/to"), to: Place::Local, to_dir: path("/from"), ..verified(&["file"]) };
        assert_failed(&bench.run(down.clone()).await, "what arrived is not what was sent");
        assert!(bench.trees.local.stat(&path("/from/file")).await.is_err(), "{digests:?}");
        assert_clean(&bench.run(down).await, 1);
    }
}

#[tokio::test]
async fn without_verification_nobody_notices() {
    let mut bench = Bench::new();
    bench.put("/from/file", &vec![7; LARGE]);
    bench.trees.remote.faults().once(Call::Write(0), "file", Effect::FlipBit);
    let report = bench.upload(&["file"]).await;
    assert_eq!((report.done, report.verified), (1, 0));
    assert_ne!(bench.uploaded("/to/file"), Some(vec![7; LARGE]));
}

#[tokio::test]
async fn what_is_damaged_on_the_way_back_is_not_taken_for_whole() {
    let mut bench = Bench::new();
    bench.put("/from/file", &vec![7; LARGE]);
    bench.trees.remote.faults().once(Call::Read(1 << 20), "file", Effect::FlipBit);
    assert_failed(&bench.run(verified(&["file"])).await, "what arrived is not what was sent");
    assert_eq!(bench.arrived(), [""; 0]);
}

#[tokio::test]
async fn a_digest_that_is_refused_makes_way_for_reading_back() {
    for kind in [FsErrorKind::PermissionDenied, FsErrorKind::Unsupported, FsErrorKind::Protocol] {
        let mut bench = telling(&[DigestAlgorithm::Sha256]);
        bench.put("/from/file", &vec![7; LARGE]);
        bench.trees.remote.faults().always(Call::Digest, "", Effect::Fail(kind));
        let report = bench.run(verified(&["file"])).await;
        assert_clean(&report, 1);
        assert_eq!(report.proofs, [Proof::ReadBack]);
    }
}

#[tokio::test]
async fn what_cannot_be_read_back_is_not_called_verified() {
    let mut bench = Bench::new();
    bench.put("/from/file", b"content");
    bench.trees.remote.faults().always(Call::Open, "", Effect::Fail(FsErrorKind::PermissionDenied));
    let report = bench.run(verified(&["file"])).await;
    assert_failed(&report, "read back, to verify it");
    assert_eq!(bench.arrived(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_breaks_while_it_is_verified_is_made_anew() {
    for (digests, call) in
        [(&[DigestAlgorithm::Sha256][..], Call::Digest), (&[], Call::Open), (&[], Call::Read(1 << 20)), (&[], Call::Rename)]
    {
        let mut bench = telling(digests);
        bench.put("/from/file", &vec![7; LARGE]);
        let effect = if call == Call::Rename { Effect::LoseAnswer } else { Effect::LoseConnection };
        bench.trees.remote.faults().once(call, "file", effect);
        let report = bench.run(verified(&["file"])).await;
        assert_clean(&report, 1);
        assert_eq!((report.verified, bench.arrived()), (1, vec!["file".to_owned()]), "{call:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn stopped_while_it_is_verified_it_leaves_nothing() {
    for (digests, call) in [(&[DigestAlgorithm::Sha256][..], Call::Digest), (&[], Call::Read(1 << 20))] {
        let mut bench = telling(digests);
        bench.put("/from/file", &vec![7; LARGE]);
        bench.trees.remote.faults().always(call, "", Effect::Stall);
        let id = bench.queue.submit(verified(&["file"]));
        // With the clock paused, a timer fires only when nothing moves any more.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        bench.queue.cancel(id);
        let report = bench.ended(id).await;
        assert!(report.cancelled && report.failed == 0 && bench.arrived().is_empty(), "{report:?}");
    }
}

#[tokio::test]
async fn a_move_removes_its_source_only_once_it_is_verified() {
    let mut bench = Bench::new();
    bench.put("/from/whole", b"whole");
    bench.put("/from/damaged", b"damaged");
    bench.trees.remote.faults().once(Call::Write(0), "damaged", Effect::FlipBit);
    let report = bench.run(JobSpec { kind: JobKind::Move, ..verified(&["whole", "damaged"]) }).await;
    assert_eq!((report.verified, report.failed), (1, 1), "{report:?}");
    assert_eq!(bench.trees.local.content(&path("/from/damaged")), Some(b"damaged".to_vec()));
    assert!(bench.trees.local.content(&path("/from/whole")).is_none());
}

#[tokio::test]
async fn here_the_disk_is_asked() {
    let mut bench = Bench::new();
    bench.trees.remote.put(&path("/from/file"), &vec![7; LARGE]).unwrap();
    let report = bench.run(JobSpec { from: REMOTE, to: Place::Local, ..verified(&["file"]) }).await;
    assert_clean(&report, 1);
    // The memory tree tells no digest, so it is read as a file of any place is.
    assert_eq!((report.proofs.as_slice(), bench.trees.local.content(&path("/to/file"))), (&[Proof::ReadBack][..], Some(vec![7; LARGE])));
}

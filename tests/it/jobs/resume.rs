//! What was interrupted is gone on with: in the same run, in the next one, after damage, and not where that would be wrong.

use std::time::Duration;

use sealift::engine::{Again, ConflictPolicy, JobKind, JobSpec, JobState, Outcome, QueueOrder};
use sealift::model::{Entry, Kind};
use sealift::vfs::memory::MemoryOptions;
use sealift::vfs::memory::faults::{Call, Effect};
use sealift::vfs::{FileSystem, FsErrorKind, MemoryFileSystem, NewMetadata};
use tempfile::TempDir;

use super::{Bench, assert_clean, assert_failed, beside, path, upload};

const LARGE: usize = 1 << 20;

/// Bytes no two blocks of which are alike.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()[5] ^ (at >> 12) as u8).collect()
}

/// Two trees, the local one with files, and a folder for the journal.
struct Runs {
    local: MemoryFileSystem,
    remote: MemoryFileSystem,
    journal: TempDir,
}

impl Runs {
    fn new(files: &[(&str, usize)]) -> Self {
        Self::over(MemoryFileSystem::new(), MemoryFileSystem::new(), files)
    }

    fn over(local: MemoryFileSystem, remote: MemoryFileSystem, files: &[(&str, usize)]) -> Self {
        for (name, length) in files {
            local.put(&path(&format!("/from/{name}")), &content(*length)).unwrap();
        }
        Self { local, remote, journal: tempfile::tempdir().unwrap() }
    }

    /// A run of the program.
    fn run(&self) -> Bench {
        Bench::kept(&self.local, &self.remote, self.journal.path())
    }

    /// The unfinished files below `/to`.
    fn parts(&self) -> Vec<String> {
        self.remote.paths().into_iter().filter(|path| path.contains(".sealift-")).collect()
    }

    /// Files of journals, without their lock.
    fn journals(&self) -> usize {
        let names = std::fs::read_dir(self.journal.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().contains(".redb")).count()
    }

    /// Uploads `items` until byte `at` of the file `stuck`, and ends the program there, as a person or a crash ends it.
    async fn break_off(&self, spec: JobSpec, stuck: &str, at: u64, crash: bool) {
        self.remote.faults().once(Call::Write(at), stuck, Effect::Stall);
        let bench = self.run();
        bench.queue.submit(spec);
        while bench.queue.snapshot().jobs[0].state == JobState::Waiting {
            tokio::task::yield_now().await;
        }
        // Until nothing moves any more, and the journal was looked after: with the clock paused, a timer fires only then.
        tokio::time::sleep(Duration::from_secs(5)).await;
        if !crash {
            assert_eq!(bench.queue.shutdown().await, 1);
        }
        drop(bench);
        // Until its tasks are gone, and its hold on the journal with them.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_line_goes_on_where_it_broke() {
    for (on_target, call) in [(false, Call::Read(524_288)), (true, Call::Write(524_288))] {
        let mut bench = Bench::new();
        bench.put("/from/file", &content(LARGE));
        let tree = if on_target { &bench.trees.remote } else { &bench.trees.local };
        tree.faults().once(call, "file", Effect::LoseConnection);
        let report = bench.upload(&["file"]).await;
        assert_clean(&report, 1);
        // Each byte once.
        assert_eq!((report.bytes, bench.arrived()), (LARGE as u64, vec!["file".to_owned()]), "{call:?}");
        assert!(bench.uploaded("/to/file") == Some(content(LARGE)), "equal, byte for byte");
        assert_eq!(bench.outcomes.recv().await.unwrap().result, Ok(Outcome::Copied));
        let shown = &bench.queue.snapshot().jobs[0];
        assert_eq!((shown.bytes_done, shown.bytes_total), (LARGE as u64, LARGE as u64));
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_breaks_again_and_again_brings_the_file_to_its_end() {
    let mut bench = Bench::new();
    bench.put("/from/file", &content(8 * LARGE));
    for at in 1..8 {
        bench.trees.remote.faults().once(Call::Write(at * LARGE as u64), "file", Effect::LoseConnection);
    }
    let report = bench.upload(&["file"]).await;
    assert_clean(&report, 1);
    assert_eq!(report.bytes, 8 * LARGE as u64, "each byte once");
    assert!(bench.uploaded("/to/file") == Some(content(8 * LARGE)), "equal, byte for byte");
}

#[tokio::test(start_paused = true)]
async fn the_next_run_finishes_what_the_last_one_left() {
    for crash in [false, true] {
        let runs = Runs::new(&[("file", LARGE)]);
        runs.break_off(upload(&["file"]), "file", 524_288, crash).await;
        assert_eq!((runs.parts().len(), runs.journals()), (1, 1), "crash: {crash}");
        let mut bench = runs.run();
        let report = bench.upload(&["file"]).await;
        assert_clean(&report, 1);
        assert_eq!(report.bytes, LARGE as u64 - 524_288, "crash: {crash}");
        assert!(bench.uploaded("/to/file") == Some(content(LARGE)), "equal, byte for byte");
        assert_eq!(bench.told, ["going on with what was interrupted: file from /from to sftp://demo/to"]);
        assert_eq!((bench.arrived(), bench.queue.shutdown().await), (vec!["file".to_owned()], 0));
        assert_eq!(runs.journals(), 0, "nothing is left to go on with");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_through_is_not_sent_anew() {
    let names: Vec<_> = (0..20).map(|number| format!("dir/{number:02}")).collect();
    let mut files: Vec<_> = names.iter().map(|name| (name.as_str(), 1000)).collect();
    files.push(("dir/zz-large", LARGE));
    let runs = Runs::new(&files);
    runs.break_off(upload(&["dir"]), "zz-large", 524_288, true).await;
    let mut bench = runs.run();
    let report = bench.upload(&["dir"]).await;
    assert_clean(&report, 21);
    assert_eq!(report.bytes, LARGE as u64 - 524_288);
    for (name, length) in files {
        assert_eq!(bench.uploaded(&format!("/to/{name}")), Some(content(length)), "{name}");
    }
    assert_eq!(runs.parts(), [""; 0]);
    let shown = &bench.queue.snapshot().jobs[0];
    assert_eq!(shown.bytes_done, shown.bytes_total);
}

#[tokio::test(start_paused = true)]
async fn another_order_does_not_go_on_with_it() {
    let runs = Runs::new(&[("file", LARGE)]);
    runs.break_off(upload(&["file"]), "file", 524_288, true).await;
    let mut bench = runs.run();
    let report = bench.run(JobSpec { new_name: Some("other".try_into().unwrap()), ..upload(&["file"]) }).await;
    assert_eq!((report.bytes, bench.told.len()), (LARGE as u64, 0));
    assert_eq!(runs.parts().len(), 1, "what somebody may still want to go on with stays");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_end_is_noticed_and_cut_off_or_begun_anew() {
    for (length, stuck, damaged_from, least_anew) in
        [(LARGE, 524_288, 500_000, LARGE), (16 * LARGE, 12 * LARGE, 12 * LARGE - 5000, 8 * LARGE), (16 * LARGE, 12 * LARGE, 0, 16 * LARGE)]
    {
        let runs = Runs::new(&[("file", length)]);
        runs.break_off(upload(&["file"]), "file", stuck as u64, false).await;
        let part = path(&runs.parts()[0]);
        let mut bytes = runs.remote.content(&part).unwrap();
        for byte in &mut bytes[damaged_from..] {
            *byte ^= 1;
        }
        runs.remote.put(&part, &bytes).unwrap();
        let mut bench = runs.run();
        let report = bench.upload(&["file"]).await;
        assert_clean(&report, 1);
        assert!(bench.uploaded("/to/file") == Some(content(length)), "equal, byte for byte");
        assert_eq!((report.bytes, runs.parts()), (least_anew as u64, vec![]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_changed_meanwhile_is_sent_as_it_is_now() {
    let runs = Runs::new(&[("file", LARGE)]);
    runs.break_off(upload(&["file"]), "file", 524_288, false).await;
    let changed: Vec<u8> = content(LARGE).into_iter().map(|byte| !byte).collect();
    // In front of what was moved it differs, and nobody looks there: size and time tell.
    runs.local.put(&path("/from/file"), &[&changed[..1000], &content(LARGE)[1000..]].concat()).unwrap();
    let later = NewMetadata { modified: "2030-01-01T00:00:00Z".parse().ok(), mode: None };
    beside(&runs.local).set_metadata(&path("/from/file"), later).await.unwrap();
    let mut bench = runs.run();
    let report = bench.upload(&["file"]).await;
    assert_eq!((report.done, report.bytes, runs.parts()), (1, LARGE as u64, vec![]));
    assert_eq!(bench.uploaded("/to/file"), runs.local.content(&path("/from/file")));
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_gone_on_with_once_there_is_room() {
    let runs = Runs::new(&[("file", LARGE)]);
    let mut bench = runs.run();
    runs.remote.faults().once(Call::Write(524_288), "file", Effect::Fail(FsErrorKind::NoSpace));
    let report = bench.upload(&["file"]).await;
    assert_failed(&report, "50% of it are kept, to be gone on with");
    assert_eq!(runs.parts().len(), 1);
    // In the same run, by the same order.
    let report = bench.upload(&["file"]).await;
    assert_clean(&report, 1);
    assert_eq!((report.bytes, bench.uploaded("/to/file"), runs.parts()), (LARGE as u64 - 524_288, Some(content(LARGE)), vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_failed_of_a_job_belongs_to_it_when_it_is_tried_again() {
    let runs = Runs::new(&[("dir/small", 10), ("dir/one", LARGE), ("dir/other", LARGE)]);
    let mut bench = runs.run();
    for name in ["one", "other"] {
        runs.remote.faults().once(Call::Write(524_288), name, Effect::Fail(FsErrorKind::NoSpace));
    }
    let id = bench.queue.submit(upload(&["dir"]));
    let report = bench.ended(id).await;
    assert_eq!((report.done, report.failed, runs.parts().len()), (1, 2, 2), "{report:?}");
    // One of two is a job beside it: the other is still left.
    bench.queue.carry_out(QueueOrder::Retry(id, Again::One(0)));
    let second = bench.queue.snapshot().jobs.last().unwrap().id;
    assert_eq!(bench.ended(second).await.bytes, LARGE as u64);
    assert_eq!(runs.parts().len(), 2);
    bench.queue.carry_out(QueueOrder::Retry(id, Again::One(0)));
    let last = bench.queue.snapshot().jobs.last().unwrap().id;
    let report = bench.ended(last).await;
    assert_eq!((report.done, report.bytes), (1, LARGE as u64 - 524_288), "it goes on where it stopped");
    for name in ["dir/one", "dir/other"] {
        assert_eq!(bench.uploaded(&format!("/to/{name}")), Some(content(LARGE)), "{name}");
    }
    // Nothing of it is offered again, and nothing of it lies about.
    assert_eq!((runs.parts(), bench.queue.shutdown().await, runs.journals()), (vec![], 0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_person_stops_is_taken_back_and_forgotten() {
    let runs = Runs::new(&[("file", LARGE)]);
    let mut bench = runs.run();
    runs.remote.faults().once(Call::Write(524_288), "file", Effect::Stall);
    let id = bench.queue.submit(upload(&["file"]));
    while runs.parts().is_empty() {
        tokio::task::yield_now().await;
    }
    bench.queue.cancel(id);
    assert!(bench.ended(id).await.cancelled);
    assert_eq!((runs.parts(), bench.queue.shutdown().await, runs.journals()), (vec![], 0, 0));
}

#[tokio::test(start_paused = true)]
async fn where_a_place_cannot_go_on_it_begins_anew() {
    for (read_from, append) in [(false, true), (true, false)] {
        let mut options = MemoryOptions::default();
        (options.capabilities.read_from, options.capabilities.append) = (read_from, append);
        let runs = Runs::over(MemoryFileSystem::new(), MemoryFileSystem::with_options(options), &[("file", LARGE)]);
        let mut bench = runs.run();
        runs.remote.faults().once(Call::Write(524_288), "file", Effect::LoseConnection);
        let report = bench.upload(&["file"]).await;
        assert_clean(&report, 1);
        assert_eq!((report.bytes, bench.uploaded("/to/file"), runs.parts()), (LARGE as u64, Some(content(LARGE)), vec![]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_move_goes_on_and_takes_no_likeness_for_its_own_copy() {
    let runs = Runs::new(&[("dir/a", 1000), ("dir/z", LARGE)]);
    // As large and as old as what is to be moved there, and something else.
    runs.remote.put(&path("/to/dir/like"), &[0; 1000]).unwrap();
    runs.local.put(&path("/from/dir/like"), &content(1000)).unwrap();
    let time = NewMetadata { modified: "2001-02-03T04:05:06Z".parse().ok(), mode: None };
    beside(&runs.remote).set_metadata(&path("/to/dir/like"), time).await.unwrap();
    beside(&runs.local).set_metadata(&path("/from/dir/like"), time).await.unwrap();
    let order = JobSpec { kind: JobKind::Move, conflicts: ConflictPolicy::Skip, ..upload(&["dir"]) };
    runs.break_off(order.clone(), ".z.", 524_288, true).await;
    let mut bench = runs.run();
    let report = bench.run(order).await;
    assert_eq!((report.done, report.skipped, report.failed), (1, 1, 0), "{report:?}");
    assert_eq!(bench.uploaded("/to/dir/z"), Some(content(LARGE)));
    assert_eq!(bench.uploaded("/to/dir/a"), Some(content(1000)));
    let left: Vec<_> = runs.local.paths().into_iter().filter(|path| path.starts_with("/from/dir/")).collect();
    assert_eq!(left, ["/from/dir/", "/from/dir/like"], "what was not copied is not removed");
    assert_eq!(runs.parts(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_file_whose_source_is_gone_is_cleared_away() {
    let runs = Runs::new(&[("dir/a", 1000), ("dir/z", LARGE)]);
    runs.break_off(upload(&["dir"]), ".z.", 524_288, true).await;
    beside(&runs.local).remove_file(&path("/from/dir/z")).await.unwrap();
    let report = runs.run().upload(&["dir"]).await;
    assert_eq!((report.done, report.failed, runs.parts()), (1, 0, vec![]));
}

#[tokio::test]
async fn a_name_listed_twice_is_never_gathered_in_one_part() {
    let mut bench = Bench::new();
    bench.put("/from/dir/file", &content(LARGE));
    let mut again = Entry::new(*b"file", Kind::File);
    again.size = Some(LARGE as u64);
    bench.trees.local.plant_line(&path("/from/dir"), again).unwrap();
    let report = bench.upload(&["dir"]).await;
    assert_eq!(report.done + report.skipped + report.failed, 2, "{report:?}");
    assert_eq!((bench.arrived(), bench.uploaded("/to/dir/file")), (vec!["dir/".to_owned(), "dir/file".to_owned()], Some(content(LARGE))));
}

fn resuming() -> JobSpec {
    JobSpec { conflicts: ConflictPolicy::Resume, ..upload(&["file"]) }
}

#[tokio::test]
async fn a_person_may_go_on_with_what_is_there_under_its_own_name() {
    let mut bench = Bench::new();
    bench.put("/from/file", &content(LARGE));
    bench.trees.remote.put(&path("/to/file"), &content(LARGE)[..400_000]).unwrap();
    let report = bench.run(resuming()).await;
    assert_clean(&report, 1);
    assert_eq!((report.bytes, bench.uploaded("/to/file")), (LARGE as u64 - 400_000, Some(content(LARGE))));
    assert_eq!(bench.outcomes.recv().await.unwrap().result, Ok(Outcome::Resumed));
}

#[tokio::test]
async fn what_is_no_beginning_of_the_source_stays_as_it_is() {
    for there in [vec![9; 400_000], [&content(399_000)[..], &[9; 1000]].concat(), vec![9; 2 * LARGE]] {
        let mut bench = Bench::new();
        bench.put("/from/file", &content(LARGE));
        bench.trees.remote.put(&path("/to/file"), &there).unwrap();
        let report = bench.run(resuming()).await;
        assert_eq!(report.done, 0, "{report:?}");
        assert!(bench.uploaded("/to/file") == Some(there), "it is as it was");
    }
}

#[tokio::test(start_paused = true)]
async fn going_on_under_its_own_name_loses_nothing_when_it_fails() {
    for effect in [Effect::LoseConnection, Effect::Fail(FsErrorKind::NoSpace)] {
        let mut bench = Bench::new();
        bench.put("/from/file", &content(LARGE));
        bench.trees.remote.put(&path("/to/file"), &content(LARGE)[..400_000]).unwrap();
        bench.trees.remote.faults().always(Call::Write(700_000), "file", effect);
        let report = bench.run(resuming()).await;
        assert_eq!((report.done, report.failed), (0, 1));
        let there = bench.uploaded("/to/file").unwrap();
        assert!(there.len() >= 400_000 && content(LARGE).starts_with(&there), "it is still a beginning");
        assert_eq!(bench.arrived(), ["file"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_paused_when_the_program_ends_is_gone_on_with_unless_a_person_stopped_it() {
    for stops in [false, true] {
        let runs = Runs::new(&[("file", LARGE)]);
        runs.remote.faults().once(Call::Write(524_288), "file", Effect::Stall);
        let mut bench = runs.run();
        let id = bench.queue.submit(upload(&["file"]));
        tokio::time::sleep(Duration::from_secs(5)).await;
        bench.queue.carry_out(QueueOrder::Pause(id));
        bench.until_first_is(JobState::Paused).await;
        assert_eq!(runs.parts().len(), 1, "what came of it is kept");
        if stops {
            bench.queue.cancel(id);
            assert_eq!(bench.ended(id).await.failed, 0);
        }
        let left = usize::from(!stops);
        assert_eq!((bench.queue.shutdown().await, runs.parts().len()), (left, left));
        drop(bench);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut bench = runs.run();
        let report = bench.upload(&["file"]).await;
        assert_clean(&report, 1);
        assert_eq!(report.bytes < LARGE as u64, !stops, "{report:?}");
        assert!(bench.uploaded("/to/file") == Some(content(LARGE)), "equal, byte for byte");
        assert_eq!(bench.arrived(), ["file"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_held_when_the_program_ends_is_left_too_and_is_not_held_by_the_next_run() {
    let runs = Runs::new(&[("file", 10)]);
    let bench = runs.run();
    let id = bench.queue.submit(upload(&["file"]));
    bench.queue.carry_out(QueueOrder::Pause(id));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(bench.queue.shutdown().await, 1);
    drop(bench);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut bench = runs.run();
    assert_clean(&bench.upload(&["file"]).await, 1);
    assert_eq!((bench.arrived(), bench.queue.shutdown().await), (vec!["file".to_owned()], 0));
}

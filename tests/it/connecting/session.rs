//! A connected site whose line breaks, rests, falls silent or is the only one the server grants.

use sealift::engine::{ConflictPolicy, JobKind, JobOptions, JobSpec, Report};
use sealift::trust::Fingerprint;
use sealift::vfs::memory::faults::{Call, Effect};
use sealift::vfs::{FsError, FsErrorKind};

use super::*;

const PROTOCOLS: [&str; 2] = ["ftpes", "sftp"];

/// A person who asks each line whether it lives before changing something.
fn careful() -> Person {
    let timing = SessionTiming { fresh: Duration::ZERO, farewell: Duration::from_millis(100), ..SessionTiming::default() };
    Person { timing, ..Person::new() }
}

/// What became of lines so far: whether each piece of news was a loss.
fn losses(news: &mut mpsc::Receiver<Event>) -> Vec<bool> {
    let mut losses = Vec::new();
    while let Ok(event) = news.try_recv() {
        if let Event::SessionLine { lost, .. } = event {
            losses.push(lost.is_some());
        }
    }
    losses
}

pub fn download(from: Place, items: &[&str], to: &TempDir) -> JobSpec {
    JobSpec {
        kind: JobKind::Copy,
        from,
        from_dir: path("/"),
        items: items.iter().map(|&item| item.try_into().unwrap()).collect(),
        to: Place::Local,
        to_dir: path(to.path().to_str().unwrap()),
        new_name: None,
        conflicts: ConflictPolicy::Skip,
        options: JobOptions::default(),
    }
}

pub async fn ended(news: &mut mpsc::Receiver<Event>) -> Report {
    let report = async {
        loop {
            if let Event::JobEnded { report, .. } = news.recv().await.unwrap() {
                return report;
            }
        }
    };
    in_time(report).await
}

fn assert_readable_error(error: &FsError) {
    assert_readable(&Advice::from(error));
}

#[tokio::test]
async fn a_line_that_broke_is_made_anew_without_a_question() {
    for scheme in PROTOCOLS {
        let server = serve(scheme, &tree()).await;
        let relay = Relay::start(server.addr).await;
        let (engine, place, mut news) = Person::new().connected(target(scheme, relay.address)).await;
        assert_eq!(names(&engine, place, "/").await.unwrap(), ["a.txt", "sub"]);
        assert!(losses(&mut news).is_empty());
        relay.cut().await;
        assert_eq!(names(&engine, place, "/sub").await.unwrap(), ["b.txt"], "{scheme}");
        assert_eq!(losses(&mut news), [true, false], "{scheme}");
        relay.cut().await;
        assert_eq!(in_time(engine.stat(place, &path("/a.txt"))).await.unwrap().size, Some(5));
        assert_eq!(losses(&mut news), [true, false], "{scheme}");
    }
}

#[tokio::test]
async fn a_server_that_comes_back_as_somebody_else_is_refused() {
    for scheme in PROTOCOLS {
        let server = serve(scheme, &tree()).await;
        let relay = Relay::start(server.addr).await;
        let (engine, place, _news) = Person::new().connected(target(scheme, relay.address)).await;
        if scheme == "sftp" {
            server.replace_host_key(HostKey::throwaway().unwrap()).unwrap();
        } else {
            server.replace_identity(&ServerIdentity::for_this_machine().unwrap()).unwrap();
        }
        relay.cut().await;
        let error = names(&engine, place, "/").await.unwrap_err();
        assert_eq!(error.kind, FsErrorKind::Security, "{error:?}");
        assert!(error.detail.contains("identity is not trusted: "), "{error:?}");
        assert_readable_error(&error);
        let lease = in_time(engine.lease(place)).await.unwrap_err();
        assert_eq!(lease.kind, FsErrorKind::Security, "{lease:?}");
    }
}

#[tokio::test]
async fn a_change_is_made_exactly_once() {
    for scheme in PROTOCOLS {
        let tree = tree();
        let server = serve(scheme, &tree).await;
        let relay = Relay::start(server.addr).await;
        let (engine, place, _news) = careful().connected(target(scheme, relay.address)).await;
        relay.cut().await;
        in_time(engine.make_dir(place, &path("/new"))).await.unwrap();
        assert!(tree.paths().contains(&"/new/".to_owned()), "{scheme}");

        let (engine, place, _news) = Person::new().connected(target(scheme, relay.address)).await;
        relay.cut().await;
        // The line counts as fresh: whether the change was made is not known, so it is not made again by itself.
        let error = in_time(engine.make_dir(place, &path("/other"))).await.unwrap_err();
        assert!(error.is_connection_lost(), "{error:?}");
        assert!(!tree.paths().contains(&"/other/".to_owned()));
        in_time(engine.make_dir(place, &path("/other"))).await.unwrap();
    }
}

#[tokio::test]
async fn a_listing_that_breaks_in_the_middle_is_an_error() {
    let tree = tree();
    for number in 0..20_000 {
        tree.put(&path(&format!("/many/{number:0100}")), b"").unwrap();
    }
    let server = serve("sftp", &tree).await;
    let relay = Relay::start(server.addr).await;
    let (engine, place, _news) = Person::new().connected(target("sftp", relay.address)).await;
    let (sender, mut batches) = mpsc::channel::<Vec<Entry>>(1);
    let dir = path("/many");
    let watch = async {
        let mut seen = batches.recv().await.unwrap().len();
        relay.cut().await;
        while let Some(batch) = batches.recv().await {
            seen += batch.len();
        }
        seen
    };
    let (listed, seen) = in_time(async { tokio::join!(engine.list(place, &dir, sender), watch) }).await;
    assert!(listed.unwrap_err().is_connection_lost());
    assert!(seen < 20_000, "{seen}");
    assert_eq!(names(&engine, place, "/many").await.unwrap().len(), 20_000);
}

#[tokio::test]
async fn folders_are_listed_while_transfers_hold_their_own_connections() {
    let tree = tree();
    let files = ["1", "2", "3", "4", "5"];
    for file in files {
        tree.put(&path(&format!("/{file}")), &[7; 1000]).unwrap();
    }
    let server = serve("ftpes", &tree).await;
    let (engine, place, mut news) = Person::new().connected(target("ftpes", server.addr)).await;
    tree.faults().always(Call::Read(0), "", Effect::Stall);
    let to = tempfile::tempdir().unwrap();
    let id = engine.queue().submit(download(place, &files, &to));
    let four = async {
        while engine.queue().snapshot().jobs[0].files.len() < 4 {
            tokio::task::yield_now().await;
        }
    };
    in_time(four).await;
    assert_eq!(names(&engine, place, "/sub").await.unwrap(), ["b.txt"]);
    engine.queue().cancel(id);
    assert!(ended(&mut news).await.cancelled);
}

#[tokio::test]
async fn a_server_that_grants_one_connection_still_copies() {
    let mut options = ftp_options(&tree());
    options.limits.connections = 1;
    let named = options.tls.as_ref().map(|identity| Fingerprint::of(identity.leaf()));
    let server = FtpServer::start(options).await.unwrap();
    let (engine, mut news) = Person::new().engine_for(Arc::new(Refuse));
    let facts = engine.connect(Target { fingerprint: named, ..target("ftpes", server.addr) }).await.unwrap();
    let place = Place::Remote(facts.id);
    let to = tempfile::tempdir().unwrap();
    engine.queue().submit(download(place, &["a.txt", "sub"], &to));
    let report = ended(&mut news).await;
    assert_eq!((report.failed, report.done), (0, 2), "{report:?}");
    assert_eq!(std::fs::read(to.path().join("sub/b.txt")).unwrap(), b"below");
    assert_eq!(names(&engine, place, "/sub").await.unwrap(), ["b.txt"]);
}

#[tokio::test]
async fn how_many_connections_a_server_takes_is_told_beside_the_job() {
    let tree = tree();
    let mut options = ftp_options(&tree);
    options.limits.connections = 3;
    let named = options.tls.as_ref().map(|identity| Fingerprint::of(identity.leaf()));
    let server = FtpServer::start(options).await.unwrap();
    let (engine, mut news) = Person::new().engine_for(Arc::new(Refuse));
    let facts = engine.connect(Target { fingerprint: named, ..target("ftpes", server.addr) }).await.unwrap();
    let place = Place::Remote(facts.id);
    tree.faults().always(Call::Read(0), "", Effect::Stall);
    let to = tempfile::tempdir().unwrap();
    let crowded = || engine.queue().snapshot().jobs.remove(0).crowded;
    let mut leases = Vec::new();
    while let Ok(lease) = in_time(engine.lease(place)).await {
        leases.push(lease);
    }
    assert_eq!(leases.len(), 2);
    drop(leases);
    let id = engine.queue().submit(download(place, &["a.txt"], &to));
    assert_eq!(crowded(), [(facts.site.url(), 3)]);
    engine.queue().cancel(id);
    assert!(ended(&mut news).await.cancelled);
    assert!(crowded().is_empty(), "it is about what runs");
}

#[tokio::test]
async fn disconnecting_stops_the_jobs_there_and_leaves_nothing() {
    for scheme in PROTOCOLS {
        let tree = tree();
        tree.put(&path("/big"), &vec![7; 1 << 20]).unwrap();
        let server = serve(scheme, &tree).await;
        let (engine, place, mut news) = Person::new().connected(target(scheme, server.addr)).await;
        tree.faults().always(Call::Read(300_000), "big", Effect::Stall);
        let to = tempfile::tempdir().unwrap();
        engine.queue().submit(download(place, &["big", "sub"], &to));
        let moving = async {
            while engine.queue().snapshot().jobs[0].bytes_done == 0 {
                tokio::task::yield_now().await;
            }
        };
        in_time(moving).await;
        let Place::Remote(id) = place else { panic!() };
        in_time(engine.disconnect(id)).await;
        assert!(ended(&mut news).await.cancelled);
        assert!(!to.path().join("big").exists());
        assert!(std::fs::read_dir(to.path()).unwrap().all(|entry| entry.unwrap().file_name() == "sub"));
        let error = in_time(engine.lease(place)).await.unwrap_err();
        assert!(error.to_string().contains("closed"), "{error}");
    }
}

#[tokio::test]
async fn the_end_does_not_wait_for_a_server_that_is_silent() {
    for scheme in PROTOCOLS {
        let server = serve(scheme, &tree()).await;
        let relay = Relay::start(server.addr).await;
        let (engine, place, _news) = careful().connected(target(scheme, relay.address)).await;
        let sent = || relay.sent().concat().len();
        let before = sent();
        relay.mute();
        let asking = engine.clone();
        let listing = tokio::spawn(async move { names(&asking, place, "/").await });
        let asked = async {
            while sent() == before {
                tokio::task::yield_now().await;
            }
        };
        in_time(asked).await;
        let started = std::time::Instant::now();
        engine.shutdown().await;
        assert!(started.elapsed() < Duration::from_secs(15), "{scheme}: {:?}", started.elapsed());
        listing.abort();
    }
}

#[tokio::test]
async fn a_connect_nobody_waits_for_lets_go_at_once() {
    for scheme in ["ftpes", "ftps", "sftp"] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (engine, _news) = Person::new().engine_for(Arc::new(Refuse));
        let at = listener.local_addr().unwrap();
        let mut stream = tokio::select! {
            _ = engine.connect(target(scheme, at)) => panic!("nobody answered"),
            stream = listener.accept() => stream.unwrap().0,
        };
        let mut rest = Vec::new();
        // An end or a reset: either way the client has gone.
        drop(in_time(tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest)).await);
    }
}

#[tokio::test]
async fn a_resting_line_is_looked_after_until_the_session_ends() {
    for scheme in PROTOCOLS {
        let server = serve(scheme, &tree()).await;
        let relay = Relay::start(server.addr).await;
        let mut person = careful();
        person.timing.keep_alive = Duration::from_millis(20);
        let (engine, place, mut news) = person.connected(target(scheme, relay.address)).await;
        relay.cut().await;
        let Some(Event::SessionLine { lost: Some(advice), .. }) = in_time(news.recv()).await else { panic!("{scheme}") };
        assert_readable(&advice);
        assert!(names(&engine, place, "/").await.is_ok());
        assert_eq!(losses(&mut news), [false]);
        drop(engine);
        // Only when nobody can tell any news is the session, with its keeper, gone.
        in_time(async { while news.recv().await.is_some() {} }).await;
    }
}

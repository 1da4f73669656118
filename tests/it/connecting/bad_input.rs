//! Whatever goes wrong out there, over the real protocols: nothing false arrives, and a person can act on the words.

use sealift::engine::{ConflictPolicy, JobKind, JobOptions, JobSpec, Report};
use sealift::protocols::{ConnectError, ConnectErrorKind};
use sealift::vfs::memory::MemoryOptions;
use sealift::vfs::memory::faults::{Call, Effect};
use sealift::vfs::{FileSystem as _, FsErrorKind};

use super::*;

const LARGE: usize = 1 << 20;
const PROTOCOLS: [&str; 2] = ["ftpes", "sftp"];

/// A connected site over a tree, and a local folder.
struct Bench {
    tree: MemoryFileSystem,
    server: Option<Running>,
    local: TempDir,
    engine: Engine,
    place: Place,
    news: mpsc::Receiver<Event>,
}

impl Bench {
    async fn new(scheme: &str, tree: MemoryFileSystem) -> Self {
        let server = serve(scheme, &tree).await;
        let (engine, place, news) = Person::new().connected(target(scheme, server.addr)).await;
        Self { tree, server: Some(server), local: tempfile::tempdir().unwrap(), engine, place, news }
    }

    fn submit(&self, items: &[&str], up: bool) {
        let local = (Place::Local, path(self.local.path().to_str().unwrap()));
        let remote = (self.place, path("/"));
        let ((from, from_dir), (to, to_dir)) = if up { (local, remote) } else { (remote, local) };
        let items = items.iter().map(|&item| item.try_into().unwrap()).collect();
        let conflicts = ConflictPolicy::Skip;
        self.engine.queue().submit(JobSpec {
            kind: JobKind::Copy,
            from,
            from_dir,
            items,
            to,
            to_dir,
            new_name: None,
            conflicts,
            options: JobOptions::default(),
        });
    }

    async fn ended(&mut self) -> Report {
        let report = async {
            loop {
                if let Event::JobEnded { report, .. } = self.news.recv().await.unwrap() {
                    return report;
                }
            }
        };
        in_time(report).await
    }

    async fn run(&mut self, items: &[&str], up: bool) -> Report {
        self.submit(items, up);
        self.ended().await
    }

    /// Everything that arrived here, parts included.
    fn arrived(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.local.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// One failure, of this file, in a sentence.
fn assert_one_failure(report: &Report, name: &str) {
    assert_eq!((report.failed, report.cancelled), (1, false), "{report:?}");
    let failure = &report.failures[0];
    assert!(failure.path.ends_with(name) && failure.why.starts_with("Cannot ") && failure.why.len() > 30, "{report:?}");
}

#[tokio::test]
async fn a_full_disk_leaves_no_half_file() {
    for scheme in PROTOCOLS {
        let options = MemoryOptions { capacity: 500_000, ..MemoryOptions::default() };
        let mut bench = Bench::new(scheme, MemoryFileSystem::with_options(options)).await;
        std::fs::write(bench.local.path().join("large"), vec![7; LARGE]).unwrap();
        std::fs::write(bench.local.path().join("small"), b"small").unwrap();
        let report = bench.run(&["large", "small"], true).await;
        assert_one_failure(&report, "large");
        assert_eq!(bench.tree.paths(), ["/small"], "{scheme}");
    }
}

#[tokio::test]
async fn an_unreadable_file_fails_by_name_and_the_rest_goes_on() {
    for scheme in PROTOCOLS {
        let tree = tree();
        tree.put(&path("/sub/locked"), b"x").unwrap();
        tree.faults().always(Call::Open, "locked", Effect::Fail(FsErrorKind::PermissionDenied));
        let mut bench = Bench::new(scheme, tree).await;
        let report = bench.run(&["sub", "a.txt"], false).await;
        assert_one_failure(&report, "/sub/locked");
        assert_eq!(std::fs::read(bench.local.path().join("sub/b.txt")).unwrap(), b"below");
        assert_eq!(bench.arrived(), ["a.txt", "sub"]);
    }
}

#[tokio::test]
async fn a_server_that_vanishes_in_a_transfer_is_no_success() {
    let vanish = async |scheme| {
        let tree = tree();
        tree.put(&path("/large"), &vec![7; LARGE]).unwrap();
        tree.faults().always(Call::Read(300_000), "large", Effect::Stall);
        let mut bench = Bench::new(scheme, tree).await;
        bench.submit(&["large"], false);
        let moving = async {
            while bench.engine.queue().snapshot().jobs[0].bytes_done == 0 {
                tokio::task::yield_now().await;
            }
        };
        in_time(moving).await;
        drop(bench.server.take());
        let report = bench.ended().await;
        assert_one_failure(&report, "/large");
        assert!(report.failures[0].why.contains("connection was lost"), "{report:?}");
        assert_eq!((report.done, bench.arrived()), (0, Vec::new()));
    };
    tokio::join!(vanish("ftpes"), vanish("sftp"));
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_sent_is_reported() {
    for scheme in PROTOCOLS {
        for by in [1000, -10] {
            let tree = tree();
            tree.put(&path("/log"), &[7; 10_000]).unwrap();
            tree.faults().always(Call::Read(9000), "log", Effect::Resize(by));
            let mut bench = Bench::new(scheme, tree).await;
            let report = bench.run(&["log", "a.txt"], false).await;
            assert_one_failure(&report, "/log");
            assert_eq!(bench.arrived(), ["a.txt"], "{scheme} {by}");
        }
    }
}

#[tokio::test]
async fn a_loop_of_links_ends() {
    for scheme in PROTOCOLS {
        let tree = tree();
        tree.make_symlink(&path("/sub/up"), b"..").await.unwrap();
        let mut bench = Bench::new(scheme, tree).await;
        let report = bench.run(&["sub"], false).await;
        assert!(report.done >= 1 && !report.cancelled, "{report:?}");
        assert!(report.failures.iter().all(|failure| failure.why.contains("leads back")), "{report:?}");
        assert_eq!(std::fs::read(bench.local.path().join("sub/b.txt")).unwrap(), b"below");
    }
}

#[tokio::test]
async fn every_failure_to_connect_is_told_in_sentences() {
    let (ftp, sftp) = (serve("ftp", &tree()).await, serve("sftp", &tree()).await);
    let plain = FtpServer::start(FtpOptions { tls: None, ..ftp_options(&tree()) }).await.unwrap();
    let implicit = FtpServer::start(FtpOptions { implicit: true, ..ftp_options(&tree()) }).await.unwrap();
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let unknown = |scheme: &str| {
        let mut target = target(scheme, nobody);
        target.site.endpoint.host = "no-such-host.invalid".to_owned();
        target
    };
    let stranger = |scheme: &str, at| {
        let mut target = target(scheme, at);
        target.password = Some(Secret::new("wrong".to_owned()));
        target
    };
    use ConnectErrorKind::{LoginRefused, ProtectionRefused, Refused, UnknownHost, WrongProtocol};
    for (target, kind) in [
        (unknown("ftpes"), UnknownHost),
        (unknown("sftp"), UnknownHost),
        (target("ftps", nobody), Refused),
        (target("sftp", nobody), Refused),
        (target("ftps", ftp.addr), WrongProtocol),
        (target("ftpes", sftp.addr), WrongProtocol),
        (target("sftp", ftp.addr), WrongProtocol),
        (target("sftp", implicit.addr), WrongProtocol),
        (target("ftpes", plain.addr), ProtectionRefused),
        (stranger("ftp", ftp.addr), LoginRefused),
    ] {
        let (engine, _news) = Person::new().engine_for(Arc::new(Refuse));
        let failure = in_time(engine.connect(target.clone())).await.unwrap_err();
        assert_readable(&Advice::from(&failure));
        let ConnectFailure::Connect(ConnectError { kind: found, .. }) = failure else { panic!("{failure:?}") };
        assert_eq!(found, kind, "{}", target.site.url());
    }
}

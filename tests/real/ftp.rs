//! FTP and FTPS trials: the conformance suite, long runs over one site, active mode, trust and wrong passwords.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use libtest_mimic::Trial;
use sealift::ask::Refuse;
use sealift::engine::{ConflictPolicy, Event, JobKind, JobOptions, JobSpec, Lease, Place, Places, Queue, QueueOptions, SessionId};
use sealift::model::{Endpoint, EntryName, FilePath, Protocol, Site, TransferType};
use sealift::protocols::ConnectErrorKind;
use sealift::protocols::ftp::{DataMode, FtpConnection, FtpFileSystem, FtpSettings, Quirk, Quirks};
use sealift::protocols::tls::Roots;
use sealift::secrets::Secret;
use sealift::trust::{Fingerprint, Pin, ProblemKind, Remember, Verified};
use sealift::vfs::{Create, FileSystem, FsResult, list_all};
use tokio::sync::mpsc;

use super::conformance::{self, Flags};
use super::support::daemon::Daemon;
use super::support::vsftpd::Vsftpd;
use super::support::{ClientCertificate, FtpServer, Unavailable, proftpd, pure_ftpd, vsftpd};
use super::{Harness, Started};

/// Files in a row over one site, each way.
const MANY: usize = 50;

/// How the trials of one server connect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    protocol: Protocol,
    only_tls12: bool,
    data_mode: DataMode,
}

pub(crate) const EXPLICIT: Way = Way { protocol: Protocol::Ftpes, only_tls12: false, data_mode: DataMode::Auto };
pub(crate) const EXPLICIT_TLS12: Way = Way { only_tls12: true, ..EXPLICIT };
const IMPLICIT: Way = Way { protocol: Protocol::Ftps, ..EXPLICIT };
const PLAIN: Way = Way { protocol: Protocol::Ftp, ..EXPLICIT };
const ACTIVE: Way = Way { data_mode: DataMode::Active, ..EXPLICIT };

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self { data_mode: DataMode::Active, .. } => "active",
            Self { only_tls12: true, .. } => "explicit TLS 1.2",
            Self { protocol: Protocol::Ftps, .. } => "implicit",
            Self { protocol: Protocol::Ftp, .. } => "plain",
            Self { .. } => "explicit",
        }
    }
}

/// Every trial on the three FTP servers.
pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let relaxed = harness.start("vsftpd", start_vsftpd(vsftpd::Options::default()));
    let strict = harness.start("vsftpd session reuse", start_vsftpd(vsftpd::Options { require_reuse: true, ..Default::default() }));
    let implicit =
        harness.start("vsftpd implicit", start_vsftpd(vsftpd::Options { implicit: true, require_reuse: true, ..Default::default() }));
    let proftpd = harness.start("ProFTPD", || alone(proftpd::start(proftpd::Options::default())));
    let proftpd_implicit =
        harness.start("ProFTPD implicit", || alone(proftpd::start(proftpd::Options { implicit: true, ..Default::default() })));
    let optional = ClientCertificate::Optional;
    let vsftpd_asking = start_vsftpd(vsftpd::Options { require_reuse: true, client_certificate: optional, ..Default::default() });
    let vsftpd_asking = harness.start("vsftpd asking", vsftpd_asking);
    let proftpd_asking = proftpd::Options { client_certificate: optional, ..Default::default() };
    let proftpd_asking = harness.start("ProFTPD asking", || alone(proftpd::start(proftpd_asking)));
    let pure = harness.start("Pure-FTPd", || alone(pure_ftpd::start()));

    let mut trials = Vec::new();
    for (server, ways) in [
        (&relaxed, &[EXPLICIT, PLAIN][..]),
        (&strict, &[EXPLICIT]),
        (&implicit, &[IMPLICIT]),
        (&proftpd, &[EXPLICIT, EXPLICIT_TLS12]),
        (&proftpd_implicit, &[IMPLICIT]),
        (&pure, &[EXPLICIT, EXPLICIT_TLS12]),
    ] {
        for &way in ways {
            trials.extend(conformance_trials(harness, server, way));
            trials.push(trial(harness, server, way, "fifty uploads and downloads over one site", many_in_a_row));
        }
    }
    let told_nothing = harness.start("vsftpd untold", start_vsftpd(vsftpd::Options::default()));
    trials.push(trial(harness, &told_nothing, EXPLICIT, "its log names no user before somebody decided", no_user_before_the_decision));
    trials.push(trial(harness, &relaxed, EXPLICIT, "five hundred files are removed with one listing", removed_with_one_listing));
    for server in [&strict, &proftpd, &pure] {
        trials.push(trial(harness, server, ACTIVE, "both ways and a listing", both_ways));
        trials.push(trial(harness, server, EXPLICIT, "an unknown certificate is refused, a pin answers for it", unknown_then_pinned));
        trials.push(trial(harness, server, EXPLICIT, "a wrong password is refused, the right one still works", wrong_password));
        trials.push(trial(harness, server, EXPLICIT, "four connections at once", four_at_once));
    }
    for (server, ways) in [(&vsftpd_asking, &[EXPLICIT][..]), (&proftpd_asking, &[EXPLICIT, EXPLICIT_TLS12])] {
        for &way in ways {
            trials.push(trial(harness, server, way, "a certificate that is only asked for is not missed", asked_and_not_sent));
        }
    }
    trials
}

/// Starts vsftpd, which has users of the system.
pub(super) fn start_vsftpd(options: vsftpd::Options) -> impl FnOnce() -> Result<Kept, Unavailable> {
    move || Vsftpd::start(options).map(|server| (server.ftp, Some((server.account, server.pam))))
}

/// A server with users of its own.
pub(super) fn alone(started: Result<FtpServer, Unavailable>) -> Result<Kept, Unavailable> {
    started.map(|server| (server, None))
}

pub(super) type Kept = (FtpServer, Option<(super::support::system::SystemUser, super::support::system::PamService)>);

pub(super) fn trial(
    harness: &Harness,
    started: &Started<Kept>,
    way: Way,
    what: &str,
    body: impl AsyncFnOnce(&FtpServer, Way) + Send + 'static,
) -> Trial {
    let daemon: fn(&Kept) -> &Daemon = |kept| &kept.0.daemon;
    harness.trial(started, &format!("{}: {what}", way.name()), daemon, async move |kept: &Kept| body(&kept.0, way).await)
}

fn conformance_trials(harness: &Harness, server: &Started<Kept>, way: Way) -> Vec<Trial> {
    // An FTP server answers 550 to nearly everything, and cuts no file off.
    const PURE: &[&str] = &["back\\slash", "trailing "];
    let general = Flags { precise_errors: false, exact_resume: false, ..Flags::default() };
    let flags = match server.name {
        name if name.starts_with("ProFTPD") => Flags { untaken_dirs: &["a*b"], ..general },
        // It cuts blanks off the end of an argument, in some commands.
        name if name.starts_with("Pure-FTPd") => Flags { untaken: PURE, untaken_dirs: PURE, byte_names: false, ..general },
        _ => general,
    };
    let one = |(name, behaviour): (&'static str, conformance::Behaviour)| {
        trial(harness, server, way, &format!("conformance: {name}"), async move |server: &FtpServer, way: Way| {
            let place = file_system(server, way).await;
            let scratch = own_folder(&place, &format!("{} {name}", way.name())).await;
            conformance::run(&place, &scratch, flags, name, behaviour).await;
        })
    };
    conformance::all().into_iter().map(one).collect()
}

pub(super) fn settings(server: &FtpServer, way: Way) -> FtpSettings {
    let quirks = Quirks::default();
    if way.only_tls12 {
        quirks.learn(Quirk::NeedsTls12);
    }
    FtpSettings {
        site: Site {
            protocol: way.protocol,
            endpoint: Endpoint::new("127.0.0.1", server.daemon.port),
            user: Some(server.user.clone()),
            default_port_named: false,
        },
        roots: Roots::only(vec![server.certificates.authority.clone()]),
        data_mode: way.data_mode,
        charset: None,
        transfer_type: TransferType::Binary,
        timeout: Duration::from_secs(20),
        proof: None,
        quirks: Arc::new(quirks),
    }
}

pub(super) fn password(server: &FtpServer) -> Secret {
    Secret::new(server.password.clone())
}

pub(super) async fn logged_in(server: &FtpServer, settings: &FtpSettings) -> FtpFileSystem {
    let mut connection = FtpConnection::connect(settings, None).await.unwrap();
    connection.login(&server.user, &password(server)).await.unwrap();
    connection.into_file_system().await.unwrap()
}

pub(crate) async fn file_system(server: &FtpServer, way: Way) -> FtpFileSystem {
    logged_in(server, &settings(server, way)).await
}

pub(super) async fn own_folder(place: &FtpFileSystem, name: &str) -> FilePath {
    let folder = place.home().join(&EntryName::try_from(name).unwrap());
    place.make_dir(&folder).await.unwrap();
    folder
}

pub(super) async fn put(place: &dyn FileSystem, path: &FilePath, content: &[u8]) {
    let mut sink = place.create(path, Create::New).await.unwrap();
    sink.write(Bytes::copy_from_slice(content)).await.unwrap();
    assert_eq!(sink.commit().await.unwrap(), content.len() as u64);
}

pub(super) async fn get(place: &dyn FileSystem, path: &FilePath) -> Vec<u8> {
    let mut source = place.open(path, 0).await.unwrap();
    let mut content = Vec::new();
    while let Some(bytes) = source.read().await.unwrap() {
        content.extend_from_slice(&bytes);
    }
    content
}

pub(super) fn file(folder: &FilePath, number: usize) -> FilePath {
    folder.join(&EntryName::try_from(format!("file {number}").as_str()).unwrap())
}

pub(super) fn content(number: usize) -> Vec<u8> {
    (0..7_000 + number).map(|at| (at * 31 + number) as u8).collect()
}

async fn many_in_a_row(server: &FtpServer, way: Way) {
    let place = file_system(server, way).await;
    let folder = own_folder(&place, &format!("many {}", way.name())).await;
    for number in 0..MANY {
        put(&place, &file(&folder, number), &content(number)).await;
    }
    for number in 0..MANY {
        assert_eq!(get(&place, &file(&folder, number)).await, content(number), "file {number}");
    }
    assert_eq!(list_all(&place, &folder).await.unwrap().len(), MANY);
}

async fn both_ways(server: &FtpServer, way: Way) {
    let place = file_system(server, way).await;
    let folder = own_folder(&place, "both ways").await;
    for number in 0..5 {
        put(&place, &file(&folder, number), &content(number)).await;
        assert_eq!(get(&place, &file(&folder, number)).await, content(number));
    }
    assert_eq!(list_all(&place, &folder).await.unwrap().len(), 5);
}

async fn four_at_once(server: &FtpServer, way: Way) {
    let settings = settings(server, way);
    let folder = own_folder(&logged_in(server, &settings).await, "four at once").await;
    futures::future::join_all((0..4).map(async |lane| {
        let place = logged_in(server, &settings).await;
        for number in 0..10 {
            let path = file(&folder, lane * 100 + number);
            put(&place, &path, &content(number)).await;
            assert_eq!(get(&place, &path).await, content(number));
        }
    }))
    .await;
}

async fn unknown_then_pinned(server: &FtpServer, way: Way) {
    let settings = FtpSettings { roots: Roots::only(Vec::new()), ..settings(server, way) };
    let error = FtpConnection::connect(&settings, None).await.err().expect("nobody trusts this certificate");
    let ConnectErrorKind::Untrusted(evidence) = error.kind else { panic!("{error}") };
    assert!(evidence.has(ProblemKind::UnknownIssuer), "{:?}", evidence.problems);
    assert_eq!(evidence.identity.fingerprint(), Fingerprint::of(&server.certificates.server));
    let pin = Pin::of(&evidence, Remember::Once, Verified::Blind, Timestamp::now());
    let mut connection = FtpConnection::connect(&settings, Some(pin.clone())).await.unwrap();
    connection.login(&server.user, &password(server)).await.unwrap();
    let place = connection.into_file_system().await.unwrap();
    list_all(&place, place.home()).await.unwrap();

    let other = Pin { certificate: Fingerprint::of(b"another"), ..pin };
    let error = FtpConnection::connect(&settings, Some(other)).await.err().expect("another certificate was pinned");
    assert!(matches!(error.kind, ConnectErrorKind::Untrusted(_)), "{error}");
}

async fn no_user_before_the_decision(server: &FtpServer, way: Way) {
    let settings = FtpSettings { roots: Roots::only(Vec::new()), ..settings(server, way) };
    let log = || std::fs::read_to_string(server.daemon.folder().join("vsftpd.log")).unwrap();
    let error = FtpConnection::connect(&settings, None).await.err().expect("nobody trusts this certificate");
    let ConnectErrorKind::Untrusted(evidence) = error.kind else { panic!("{error}") };
    let connection = FtpConnection::connect(&settings, Some(Pin::of(&evidence, Remember::Once, Verified::Blind, Timestamp::now()))).await;
    // The second connection's lines stand behind all of the first one's.
    let before = log();
    assert!(before.matches("\"AUTH TLS\"").count() == 2 && !before.contains("USER") && !before.contains("PASS"), "{before}");
    connection.unwrap().login(&server.user, &password(server)).await.unwrap();
    assert!(log().contains("\"USER "), "it writes down who logs in: {}", log());
}

async fn asked_and_not_sent(server: &FtpServer, way: Way) {
    let place = file_system(server, way).await;
    let asked = place.tls_facts().unwrap().client_certificate;
    assert_eq!((asked.asked, asked.sent, asked.authorities.as_slice()), (true, false, &["sealift test authority".to_owned()][..]));
    let folder = own_folder(&place, &format!("asked {}", way.name())).await;
    for number in 0..3 {
        put(&place, &file(&folder, number), &content(number)).await;
        assert_eq!(get(&place, &file(&folder, number)).await, content(number));
    }
}

async fn wrong_password(server: &FtpServer, way: Way) {
    let settings = settings(server, way);
    let mut connection = FtpConnection::connect(&settings, None).await.unwrap();
    let error = connection.login(&server.user, &Secret::new("wrong".into())).await.unwrap_err();
    assert_eq!(error.kind, ConnectErrorKind::LoginRefused, "{error}");
    assert!(!error.to_string().contains("wrong"), "{error}");
    let place = logged_in(server, &settings).await;
    list_all(&place, place.home()).await.unwrap();
}

/// Leases one connection to everybody.
struct One(Arc<FtpFileSystem>);

#[async_trait]
impl Places for One {
    async fn lease(&self, _: Place) -> FsResult<Lease> {
        Ok(Lease::shared(self.0.clone()))
    }
    fn name(&self, _: Place) -> String {
        "ftpes://vsftpd".to_owned()
    }
    fn parallel(&self, _: Place) -> usize {
        1
    }
}

async fn removed_with_one_listing(server: &FtpServer, way: Way) {
    const FILES: usize = 500;
    let place = Arc::new(file_system(server, way).await);
    let folder = own_folder(&place, "remove many").await;
    let there = server.data.join(String::from_utf8_lossy(&folder.as_bytes()[1..]).as_ref());
    for number in 0..FILES {
        std::fs::write(there.join(format!("file {number}")), "x").unwrap();
    }
    let (news, mut events) = mpsc::channel(16);
    let queue = Queue::new(Arc::new(One(place.clone())), Arc::new(Refuse), news, QueueOptions::default());
    let at = Place::Remote(SessionId(1));
    queue.submit(JobSpec {
        kind: JobKind::Delete,
        from: at,
        from_dir: folder.clone(),
        items: (0..FILES).map(|number| file(&folder, number).name().unwrap()).collect(),
        to: at,
        to_dir: folder.clone(),
        new_name: None,
        conflicts: ConflictPolicy::Ask,
        options: JobOptions::default(),
    });
    let Some(Event::JobEnded { report, .. }) = events.recv().await else { panic!("only jobs end here") };
    assert_eq!((report.done, report.failed), (FILES as u64, 0), "{report:?}");
    assert_eq!(std::fs::read_dir(there).unwrap().count(), 0);
    let log = std::fs::read_to_string(server.daemon.folder().join("vsftpd.log")).unwrap();
    let entered = log.lines().filter(|line| line.contains("\"CWD ") && line.contains("/remove many\"")).count();
    assert!((1..=2).contains(&entered), "entered {entered} times to list it");
}

//! Our own clients against the embedded server: the suite every place is held to, and many transfers in a row.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use sealift::demo::Demo;
use sealift::model::site::ParsedUrl;
use sealift::model::{FilePath, Site, TransferType};
use sealift::protocols::ConnectErrorKind;
use sealift::protocols::ftp::{DataMode, FtpConnection, FtpFileSystem, FtpSettings, Quirks};
use sealift::protocols::sftp::{AuthStep, Method, SftpFileSystem, SshConnection, SshSettings};
use sealift::protocols::tls::Roots;
use sealift::secrets::Secret;
use sealift::server::sftp::{SftpOptions, SftpServer};
use sealift::server::{HostKey, Running};
use sealift::trust::{Pin, Remember};
use sealift::vfs::{Create, FileSystem, MemoryFileSystem, list_all};

use super::{anywhere, options, path, start, users};
use crate::conformance::{self, Flags};
use sealift::server::ftp::TlsVersions;

const LIMIT: Duration = Duration::from_secs(20);

fn site(scheme: &str, server: &Running) -> Site {
    ParsedUrl::parse(&format!("{scheme}://ann@{}", server.addr)).unwrap().site
}

/// Refused first, as nobody knows the certificate; then with a pin for what was shown.
async fn ftp(site: Site, password: &Secret, data_mode: DataMode) -> FtpFileSystem {
    let user = site.user.clone().unwrap();
    let settings = FtpSettings {
        site,
        roots: Roots::only(Vec::new()),
        data_mode,
        charset: None,
        transfer_type: TransferType::Binary,
        timeout: LIMIT,
        proof: None,
        quirks: Arc::new(Quirks::default()),
    };
    let pin = match FtpConnection::connect(&settings, None).await {
        Ok(_) => None,
        Err(error) => match error.kind {
            ConnectErrorKind::Untrusted(evidence) => {
                Some(Pin::of(&evidence, Remember::Once, sealift::trust::Verified::Blind, Timestamp::now()))
            }
            _ => panic!("{error}"),
        },
    };
    let mut connection = FtpConnection::connect(&settings, pin).await.unwrap();
    connection.login(&user, password).await.unwrap();
    connection.into_file_system().await.unwrap()
}

async fn ssh(site: Site) -> SshConnection {
    let settings = SshSettings { timeout: LIMIT, keepalive: LIMIT, ..SshSettings::new(site) };
    SshConnection::connect(&settings, Arc::new(|_| Ok(()))).await.unwrap()
}

async fn sftp(site: Site, password: &Secret) -> SftpFileSystem {
    let user = site.user.clone().unwrap();
    let mut connection = ssh(site).await;
    assert_eq!(connection.password(&user, password).await.unwrap(), AuthStep::Success);
    connection.into_sftp().await.unwrap()
}

fn secret() -> Secret {
    Secret::new("secret".to_owned())
}

#[tokio::test]
async fn ftp_conforms_in_every_protection_and_mode() {
    for (scheme, versions, mode) in [
        ("ftp", TlsVersions::Both, DataMode::Active),
        ("ftpes", TlsVersions::Only12, DataMode::Auto),
        ("ftpes", TlsVersions::Only13, DataMode::Auto),
        ("ftps", TlsVersions::Only12, DataMode::Active),
        ("ftps", TlsVersions::Only13, DataMode::Passive),
    ] {
        println!("{scheme} {versions:?} {mode:?}");
        let mut options = options(&MemoryFileSystem::new());
        options.versions = versions;
        options.implicit = scheme == "ftps";
        options.require_tls = scheme != "ftp";
        options.require_session_reuse = scheme != "ftp";
        let server = start(options).await;
        for (name, behaviour) in conformance::all() {
            println!("{name}");
            // One line each: a call that is dropped in one may cost it its line.
            let place = ftp(site(scheme, &server), &secret(), mode).await;
            let flags = Flags { precise_errors: false, exact_resume: false, ..Flags::default() };
            conformance::run(&place, &FilePath::root(), flags, name, behaviour).await;
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn fifty_uploads_in_a_row_over_one_line() {
    let tree = MemoryFileSystem::new();
    let mut options = options(&tree);
    options.versions = TlsVersions::Only13;
    options.require_session_reuse = true;
    let server = start(options).await;
    let place = ftp(site("ftpes", &server), &secret(), DataMode::Auto).await;
    for number in 0..50 {
        let mut sink = place.create(&path(&format!("/{number}")), Create::New).await.unwrap();
        sink.write(vec![number; 1000].into()).await.unwrap();
        assert_eq!(sink.commit().await.unwrap(), 1000);
    }
    assert_eq!(tree.paths().len(), 50);
}

async fn start_sftp(change: impl FnOnce(&mut SftpOptions)) -> (Running, MemoryFileSystem) {
    let tree = super::tree();
    let mut options = SftpOptions::new(Arc::new(tree.clone()), users(), HostKey::throwaway().unwrap(), anywhere());
    options.limits.failed_login_delay = Duration::from_millis(1);
    change(&mut options);
    (SftpServer::start(options).await.unwrap(), tree)
}

#[tokio::test]
async fn sftp_conforms() {
    let (server, _) = start_sftp(|_| {}).await;
    let place = sftp(site("sftp", &server), &secret()).await;
    for (name, behaviour) in conformance::all() {
        println!("{name}");
        conformance::run(&place, &FilePath::root(), Flags { byte_names: false, ..Flags::default() }, name, behaviour).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn sftp_asks_for_two_factors_and_offers_only_what_it_takes() {
    let (server, _) = start_sftp(|options| {
        options.password = false;
        options.code = Some(Secret::new("123456".to_owned()));
    })
    .await;
    let mut connection = ssh(site("sftp", &server)).await;
    assert_eq!(
        connection.methods("ann").await.unwrap(),
        AuthStep::Failure { remaining: vec![Method::KeyboardInteractive], partial: false }
    );
    for (password, code, accepted) in [("secret", "000000", false), ("wrong", "123456", false), ("secret", "123456", true)] {
        let AuthStep::Prompts { prompts, .. } = connection.interactive_start("ann").await.unwrap() else { panic!("no prompts") };
        assert_eq!(prompts, [("Password: ".to_owned(), false), ("Code: ".to_owned(), true)]);
        let answers = [password, code].map(|text| Secret::new(text.to_owned())).to_vec();
        assert_eq!(connection.interactive_answer(answers).await.unwrap() == AuthStep::Success, accepted);
    }
}

#[tokio::test]
async fn an_ssh_server_without_sftp_refuses_it() {
    let (server, _) = start_sftp(|options| options.subsystem = false).await;
    let mut connection = ssh(site("sftp", &server)).await;
    assert_eq!(connection.password("ann", &secret()).await.unwrap(), AuthStep::Success);
    let Err(error) = connection.into_sftp().await else { panic!("it served SFTP") };
    assert!(matches!(error.kind, ConnectErrorKind::NoSftp), "{error}");
}

#[tokio::test]
async fn the_demo_shows_the_same_tree_everywhere_hostile_names_among_it() {
    let demo = Demo::start(None).await.unwrap();
    let folder = demo.local.clone();
    assert!(folder.join("README.txt").is_file());
    for shown in &demo.sites {
        let site = shown.url.site.clone();
        let place: Box<dyn FileSystem> = match site.protocol {
            sealift::model::Protocol::Sftp => Box::new(sftp(site, &shown.password).await),
            _ => Box::new(ftp(site, &shown.password, DataMode::Auto).await),
        };
        let count = async |dir: &str| list_all(&*place, &path(dir)).await.unwrap().len();
        assert_eq!(count("/many").await, 2000, "{}", shown.label);
        assert_eq!(count("/names").await, 13, "{}", shown.label);
        let hostile = list_all(&*place, &path("/hostile")).await.unwrap();
        for name in [&b"../escape"[..], b"/etc/passwd"] {
            let entry = hostile.iter().find(|entry| entry.raw_name() == name).unwrap_or_else(|| panic!("{}", shown.label));
            assert!(entry.name().is_err());
        }
        assert_eq!(place.stat(&path("/big/32-megabytes.bin")).await.unwrap().size, Some(32 << 20));
    }
    demo.stop().await;
    assert!(!folder.exists());
}

//! What the FTP engine makes of the real servers: commands sent at once, names that are not UTF-8, checksums, limits.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use bytes::Bytes;
use jiff::Timestamp;
use libtest_mimic::Trial;
use sealift::model::{Charset, TransferType};
use sealift::protocols::ConnectErrorKind;
use sealift::protocols::ftp::{FtpConnection, FtpFileSystem, FtpSettings, Quirk};
use sealift::vfs::{Create, DigestAlgorithm, FileSystem, FsErrorKind, Hasher, NewMetadata, Replace, list_all};

use super::Harness;
use super::ftp::{
    EXPLICIT, EXPLICIT_TLS12, Way, alone, content, file, get, logged_in, own_folder, password, put, settings, start_vsftpd, trial,
};
use super::support::{FtpServer, proftpd, pure_ftpd, vsftpd};

/// Files in a row.
const MANY: usize = 12;

/// Every trial.
pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let vsftpd = harness.start("vsftpd engine", start_vsftpd(vsftpd::Options { require_reuse: true, ..Default::default() }));
    let proftpd = harness.start("ProFTPD engine", || alone(proftpd::start(proftpd::Options { digests: true, ..Default::default() })));
    let full = proftpd::Options { most_of_a_user: Some(2), ..Default::default() };
    let full = harness.start("ProFTPD full", || alone(proftpd::start(full)));
    let pure = harness.start("Pure-FTPd engine", || alone(pure_ftpd::start()));
    let mut trials = Vec::new();
    for (server, way) in [(&vsftpd, EXPLICIT), (&proftpd, EXPLICIT_TLS12), (&pure, EXPLICIT)] {
        trials.push(trial(harness, server, way, "commands sent at once are kept in order", at_once));
        trials.push(trial(harness, server, way, "names in Latin-1 are read, opened and written", latin1));
        trials.push(trial(harness, server, way, "a transfer that is broken off leaves the connection usable", broken_off));
    }
    trials.push(trial(harness, &proftpd, EXPLICIT_TLS12, "checksums", checksums));
    for (server, way) in [(&proftpd, EXPLICIT_TLS12), (&pure, EXPLICIT)] {
        trials.push(trial(harness, server, way, "text has the line ends of each side", text));
    }
    trials.push(trial(harness, &full, EXPLICIT_TLS12, "one connection too many is no wrong password", one_too_many));
    trials
}

async fn at_once(server: &FtpServer, way: Way) {
    let settings = settings(server, way);
    let place = logged_in(server, &settings).await;
    let folder = own_folder(&place, "at once").await;
    let can = place.capabilities();
    let modified: Timestamp = "2020-02-03T04:05:06Z".parse().unwrap();
    for number in 0..MANY {
        let (part, to) = (file(&folder, 1000 + number), file(&folder, number));
        put(&place, &part, &content(number)).await;
        let facts = NewMetadata { modified: Some(modified).filter(|_| can.set_modified), mode: Some(0o640).filter(|_| can.set_mode) };
        place.put_in_place(&part, &to, facts, Replace::No).await.unwrap();
        put(&place, &part, b"another").await;
        let error = place.put_in_place(&part, &to, NewMetadata::default(), Replace::No).await.unwrap_err();
        assert_eq!(error.kind, FsErrorKind::AlreadyExists, "{error}");
        let there = server.data.join(OsStr::from_bytes(&to.as_bytes()[1..]));
        let metadata = std::fs::metadata(there).unwrap();
        assert!(!can.set_modified || metadata.mtime() == modified.as_second(), "{}", metadata.mtime());
        assert!(!can.set_mode || metadata.permissions().mode() & 0o777 == 0o640);
    }
    for number in 0..MANY {
        assert_eq!(get(&place, &file(&folder, number)).await, content(number), "file {number}");
    }
    assert_eq!(list_all(&place, &folder).await.unwrap().len(), 2 * MANY);
    assert!(!settings.quirks.has(Quirk::OneAtATime), "it keeps order");
}

async fn latin1(server: &FtpServer, way: Way) {
    let settings = FtpSettings { charset: Charset::parse("latin1").ok(), ..settings(server, way) };
    let place = logged_in(server, &settings).await;
    let folder = own_folder(&place, "latin1").await;
    let there = server.data.join(OsStr::from_bytes(&folder.as_bytes()[1..]));
    std::fs::write(there.join(OsStr::from_bytes(b"Geh\xe4lter \x80")), "five!").unwrap();
    let entries = list_all(&place, &folder).await.unwrap();
    assert_eq!(entries[0].display_name(), "Gehälter €");
    let listed = folder.join(&entries[0].name().unwrap());
    assert_eq!(get(&place, &listed).await, b"five!");
    assert_eq!(place.stat(&listed).await.unwrap().size, Some(5));
    put(&place, &folder.join(&"neu é".try_into().unwrap()), b"x").await;
    assert!(there.join(OsStr::from_bytes(b"neu \xe9")).exists());
    let error = place.make_dir(&folder.join(&"☃".try_into().unwrap())).await.unwrap_err();
    assert!(error.kind == FsErrorKind::UnsafeName && error.to_string().contains("windows-1252"), "{error}");
    assert_eq!(list_all(&place, &folder).await.unwrap().len(), 2);
}

async fn broken_off(server: &FtpServer, way: Way) {
    let place = logged_in(server, &settings(server, way)).await;
    let folder = own_folder(&place, "broken off").await;
    let path = file(&folder, 1);
    std::fs::write(server.data.join(OsStr::from_bytes(&path.as_bytes()[1..])), vec![7; 20 << 20]).unwrap();
    for _ in 0..3 {
        let mut source = place.open(&path, 0).await.unwrap();
        assert!(source.read().await.unwrap().is_some());
        source.abort().await;
        place.keep_alive().await.unwrap();
        let mut sink = place.create(&file(&folder, 2), Create::Truncate).await.unwrap();
        sink.write(Bytes::from_static(b"half")).await.unwrap();
        sink.abort().await;
        assert!(!list_all(&place, &folder).await.unwrap().is_empty());
    }
}

async fn text(server: &FtpServer, way: Way) {
    let settings = FtpSettings { transfer_type: TransferType::Auto, ..settings(server, way) };
    let place = logged_in(server, &settings).await;
    let folder = own_folder(&place, "text").await;
    let there = server.data.join(OsStr::from_bytes(&folder.as_bytes()[1..]));
    for (name, on_the_line) in [("a.txt", &b"one\ntwo\n"[..]), ("b.bin", b"one\r\n\ntwo\n")] {
        let path = folder.join(&name.try_into().unwrap());
        put(&place, &path, on_the_line).await;
        assert_eq!(std::fs::read(there.join(name)).unwrap(), on_the_line, "{name}: as this machine has it");
        assert_eq!(get(&place, &path).await, on_the_line, "{name}");
        assert_eq!(place.stat(&path).await.unwrap().size, Some(on_the_line.len() as u64), "sizes are told in binary");
    }
    assert!(!settings.quirks.has(Quirk::OneAtATime));
}

async fn checksums(server: &FtpServer, way: Way) {
    let place = logged_in(server, &settings(server, way)).await;
    let folder = own_folder(&place, "check sums").await;
    let path = file(&folder, 3);
    put(&place, &path, &content(3)).await;
    for algorithm in DigestAlgorithm::STRONGEST_FIRST {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(&content(3));
        assert_eq!(place.digest(&path, &[algorithm]).await.unwrap(), Some(hasher.finish()), "{algorithm:?}");
    }
    assert_eq!(place.digest(&path, &DigestAlgorithm::STRONGEST_FIRST).await.unwrap().unwrap().algorithm, DigestAlgorithm::Sha512);
    let error = place.digest(&file(&folder, 4), &DigestAlgorithm::STRONGEST_FIRST).await.unwrap_err();
    assert_eq!(error.kind, FsErrorKind::NotFound, "{error}");
}

async fn one_too_many(server: &FtpServer, way: Way) {
    let settings = settings(server, way);
    let enough: [FtpFileSystem; 2] = [logged_in(server, &settings).await, logged_in(server, &settings).await];
    let mut third = FtpConnection::connect(&settings, None).await.unwrap();
    let error = third.login(&server.user, &password(server)).await.unwrap_err();
    assert_eq!(error.kind, ConnectErrorKind::Busy, "{error}");
    assert_eq!((settings.quirks.learn_most(), settings.quirks.learn_most(), settings.quirks.is_full()), (Some(2), None, Some(2)));
    enough[0].close().await;
    drop(enough);
    assert_eq!(settings.quirks.is_full(), None, "those that are gone do not count");
}

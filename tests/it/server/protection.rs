//! TLS: what may come before, sessions that must be resumed, ends that must be said.

use tokio::io::AsyncWriteExt;

use super::raw::{Raw, any_certificate, handshake, read_all};
use super::{options, path, start, tree};
use sealift::server::ServerIdentity;
use sealift::server::ftp::TlsVersions;

const BOTH: [TlsVersions; 2] = [TlsVersions::Only12, TlsVersions::Only13];

#[tokio::test]
async fn where_tls_is_required_no_password_is_taken_without() {
    let mut strict = options(&tree());
    strict.require_tls = true;
    let server = start(strict).await;
    let mut raw = Raw::connect(server.addr).await;
    raw.ask("USER ann", 530).await;
    raw.ask("PASS secret", 530).await;
    let mut raw = raw.protect(&any_certificate()).await;
    raw.login().await;
    raw.ask("EPSV", 229).await;
    raw.ask("RETR /a.txt", 521).await;
    raw.ask("PROT P", 503).await;
    raw.ask("PBSZ 0", 200).await;
    raw.ask("PROT C", 534).await;
    raw.ask("PROT S", 536).await;
    raw.ask("PROT P", 200).await;
    raw.ask("AUTH TLS", 503).await;
    raw.ask("CCC", 534).await;
}

#[tokio::test]
async fn what_was_sent_behind_auth_ends_the_connection() {
    let tree = tree();
    let server = start(options(&tree)).await;
    let mut raw = Raw::connect(server.addr).await;
    raw.bytes(b"AUTH TLS\r\nUSER ann\r\nPASS secret\r\nDELE /a.txt\r\n").await;
    raw.expect(421).await;
    assert!(raw.reply().await.is_none());
    assert!(tree.content(&path("/a.txt")).is_some());
}

#[tokio::test]
async fn a_login_does_not_outlive_the_step_to_tls() {
    let server = start(options(&tree())).await;
    let mut raw = Raw::logged_in(server.addr).await.protect(&any_certificate()).await;
    raw.ask("PWD", 530).await;
}

#[tokio::test]
async fn a_data_connection_must_resume_its_own_control_session() {
    for versions in BOTH {
        let mut strict = options(&tree());
        strict.require_session_reuse = true;
        strict.versions = versions;
        let server = start(strict).await;
        let (config, stranger) = (any_certificate(), any_certificate());
        let mut raw = Raw::connect(server.addr).await.protect(&config).await;
        let mut other = Raw::connect(server.addr).await.protect(&stranger).await;
        for raw in [&mut raw, &mut other] {
            raw.login().await;
            raw.ask("PBSZ 0", 200).await;
            raw.ask("PROT P", 200).await;
        }
        // More uploads in a row than the control connection gave tickets.
        for _ in 0..6 {
            let data = raw.data().await;
            raw.ask("STOR /up", 150).await;
            let mut data = handshake(&config, data).await.unwrap();
            data.write_all(b"up").await.unwrap();
            data.shutdown().await.unwrap();
            assert_eq!(read_all(&mut data).await.unwrap(), b"", "the server says its end properly");
            raw.expect(226).await;
        }
        for config in [any_certificate(), stranger.clone()] {
            let data = raw.data().await;
            raw.ask("RETR /a.txt", 150).await;
            let _data = handshake(&config, data).await.unwrap();
            raw.expect(522).await;
        }
        let data = raw.data().await;
        raw.ask("RETR /a.txt", 150).await;
        assert_eq!(read_all(&mut handshake(&config, data).await.unwrap()).await.unwrap(), b"hello");
        raw.expect(226).await;
    }
}

#[tokio::test]
async fn an_upload_without_close_notify_is_broken() {
    for versions in BOTH {
        for keep in [false, true] {
            let tree = tree();
            let mut options = options(&tree);
            options.versions = versions;
            options.keep_broken_uploads = keep;
            let server = start(options).await;
            let config = any_certificate();
            let mut raw = Raw::connect(server.addr).await.protect(&config).await;
            raw.login().await;
            raw.ask("PBSZ 0", 200).await;
            raw.ask("PROT P", 200).await;
            let data = raw.data().await;
            raw.ask("STOR /part", 150).await;
            let mut data = handshake(&config, data).await.unwrap();
            data.write_all(b"part of it").await.unwrap();
            data.flush().await.unwrap();
            // The end of TCP alone.
            data.get_mut().0.shutdown().await.unwrap();
            raw.expect(426).await;
            assert_eq!(tree.content(&path("/part")).is_some(), keep);
            raw.ask("NOOP", 200).await;
        }
    }
}

#[tokio::test]
async fn a_replaced_certificate_is_shown_to_new_connections_only() {
    let mut implicit = options(&tree());
    let first = implicit.tls.clone().unwrap();
    implicit.implicit = true;
    let server = start(implicit).await;
    let leaf = async || {
        let stream = tokio::net::TcpStream::connect(server.addr).await.unwrap();
        handshake(&any_certificate(), stream).await.unwrap().get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    assert_eq!(leaf().await, first.leaf());
    let second = ServerIdentity::for_this_machine().unwrap();
    server.replace_identity(&second).unwrap();
    assert_eq!(leaf().await, second.leaf());
    assert!(server.replace_host_key(sealift::server::HostKey::throwaway().unwrap()).is_err());
}

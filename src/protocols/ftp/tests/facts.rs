//! Times and checksums on servers that have them in their own way.

use super::script::{Peer, client, serve};
use crate::model::{FilePath, Protocol};
use crate::protocols::ftp::Quirk;
use crate::vfs::{DigestAlgorithm, FileSystem, FsErrorKind, NewMetadata};

fn path(text: &str) -> FilePath {
    FilePath::try_from(text).unwrap()
}

#[tokio::test]
async fn site_utime_sets_times_until_it_is_refused() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in(" SITE UTIME\r\n").await;
        let time = "20260102030405 20260102030405 20260102030405 UTC";
        peer.answer(&format!("SITE UTIME /a b {time}"), "200 SITE UTIME command successful").await;
        peer.answer(&format!("SITE UTIME /c {time}"), "500 'SITE UTIME' not understood").await;
    })
    .await;
    let place = client(&settings).await;
    assert!(place.capabilities().set_modified);
    let new = NewMetadata { modified: "2026-01-02T03:04:05Z".parse().ok(), mode: None };
    place.set_metadata(&path("/a b"), new).await.unwrap();
    let error = place.set_metadata(&path("/c"), new).await.unwrap_err();
    assert_eq!(error.kind, FsErrorKind::Unsupported);
    assert!(settings.quirks.has(Quirk::NoTimes) && !place.capabilities().set_modified);
    server.await.unwrap();
}

#[tokio::test]
async fn mmd5_is_asked_for_one_file_whose_name_has_no_comma() {
    const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.log_in(" MMD5\r\n").await;
        peer.answer("MMD5 \"/a b\"", &format!("252 \"/a b\" {MD5}")).await;
    })
    .await;
    let place = client(&settings).await;
    let wanted = [DigestAlgorithm::Sha256, DigestAlgorithm::Md5];
    assert_eq!(place.digest(&path("/a,b"), &wanted).await, Ok(None));
    assert_eq!(place.digest(&path("/a b"), &wanted).await.unwrap().unwrap().to_string(), MD5);
    server.await.unwrap();
}

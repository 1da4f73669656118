//! What the inspector and the ledger's screen need of the engine: small files, new files, decisions taken back.

use sealift::trust::describe::Value;
use sealift::trust::document::{self, DocumentKind};
use sealift::vfs::FsErrorKind;

use super::*;

const PROTOCOLS: [&str; 2] = ["ftpes", "sftp"];
const AUTHORITY: &[u8] = include_bytes!("../../fixtures/certificates/authority.pem");

#[tokio::test]
async fn a_certificate_on_a_server_is_read_whole_and_a_large_file_is_not() {
    for scheme in PROTOCOLS {
        let tree = tree();
        tree.put(&path("/authority.pem"), AUTHORITY).unwrap();
        tree.put(&path("/large.pem"), &vec![b'x'; 300_000]).unwrap();
        let server = serve(scheme, &tree).await;
        let (engine, place, _news) = Person::new().connected(target(scheme, server.addr)).await;
        let read = |name: &str| {
            let (engine, path) = (engine.clone(), path(name));
            async move { in_time(engine.read_small(place, &path, 1 << 17)).await }
        };
        assert_eq!(read("/large.pem").await.unwrap(), None, "{scheme}");
        let content = read("/authority.pem").await.unwrap().expect("it is small");
        let documents = document::read("authority.pem", &content, Timestamp::now());
        assert_eq!(documents.iter().map(|one| one.kind).collect::<Vec<_>>(), [DocumentKind::Certificate], "{scheme}");
        let owner = documents[0].sections.iter().flat_map(|section| &section.fields).find(|field| field.key == "subject");
        assert_eq!(owner.map(|field| &field.value), Some(&Value::Text("Fixture Authority".to_owned())));
        assert_eq!(read("/nothing.pem").await.map_err(|error| error.kind), Err(FsErrorKind::NotFound), "{scheme}");
        assert_eq!(names(&engine, place, "/").await.unwrap(), ["a.txt", "authority.pem", "large.pem", "sub"], "the line still stands");
        in_time(engine.shutdown()).await;
        server.stop().await;
    }
}

#[tokio::test]
async fn a_new_file_replaces_nothing() {
    let (engine, _news) = Person::new().engine_for(Arc::new(Refuse));
    let folder = tempfile::tempdir().unwrap();
    let file = path(folder.path().join("host.pem").to_str().unwrap());
    engine.write_new(&file, AUTHORITY.to_vec()).await.unwrap();
    let again = engine.write_new(&file, b"other".to_vec()).await;
    assert_eq!(again.map_err(|error| error.kind), Err(FsErrorKind::AlreadyExists));
    assert_eq!(std::fs::read(folder.path().join("host.pem")).unwrap(), AUTHORITY);
    in_time(engine.shutdown()).await;
}

#[tokio::test]
async fn what_the_ledger_removes_is_asked_about_again() {
    for scheme in PROTOCOLS {
        let server = serve(scheme, &tree()).await;
        let person = Person::new();
        person.trust(target(scheme, server.addr)).await;
        let (engine, _news) = person.engine_for(Arc::new(Refuse));
        let rows = in_time(engine.ledger().rows()).await.unwrap();
        assert_eq!(rows.len(), 1, "{scheme}: {rows:?}");
        in_time(engine.ledger().remove(&rows[0], true)).await.unwrap();
        assert!(in_time(engine.ledger().rows()).await.unwrap().is_empty(), "{scheme}");
        in_time(engine.shutdown()).await;
        let (connected, asked) = person.connect(script().trusting(TrustAnswer::Once), target(scheme, server.addr)).await;
        assert!(connected.is_ok() && asked.len() == 1, "{scheme}: {asked:?}");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_session_brings_what_the_inspector_shows() {
    for scheme in PROTOCOLS {
        let server = serve(scheme, &tree()).await;
        let person = Person::new();
        person.trust(target(scheme, server.addr)).await;
        let (engine, _news) = person.engine_for(Arc::new(Refuse));
        let facts = in_time(engine.connect(target(scheme, server.addr))).await.unwrap();
        let peer = facts.peer.expect("somebody answered");
        let rows = in_time(engine.ledger().rows()).await.unwrap();
        assert_eq!(rows[0].fingerprint, peer.evidence.identity.fingerprint(), "{scheme}");
        assert_eq!(peer.pin.is_some(), scheme == "ftpes");
        assert_eq!(!peer.evidence.tls.timeline.is_empty(), scheme == "ftpes", "the handshake was noted down");
        in_time(engine.shutdown()).await;
        server.stop().await;
    }
}

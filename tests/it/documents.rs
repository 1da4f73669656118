//! Files of other tools (openssl, GnuTLS, ssh-keygen): each is told for what it is, and no secret of it is.

use std::fs;
use std::path::Path;
use std::process::Command;

use jiff::Timestamp;
use serde_json::{Map, Value};

use sealift::trust::describe;
use sealift::trust::document::{Document, DocumentKind, read};

fn look(bytes: &[u8]) -> Vec<Document> {
    read("file", bytes, Timestamp::now())
}

fn json(document: &Document) -> Map<String, Value> {
    let mut object = Map::new();
    describe::put_json(&mut object, &document.sections);
    object
}

/// Runs a script in an empty folder; `None` where a tool it calls is not installed.
fn made(tools: &[&str], script: &str) -> Option<tempfile::TempDir> {
    if !crate::tools::are_here(tools) {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let ran = Command::new("/bin/sh").args(["-euc", script]).current_dir(folder.path()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    Some(folder)
}

fn file(folder: &Path, name: &str) -> Vec<Document> {
    look(&fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}")))
}

const X509: &str = r"
openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -out cert.pem -days 30 -subj '/O=Bank/CN=ca.example' 2>/dev/null
openssl x509 -in cert.pem -outform DER -out cert.der
openssl x509 -in cert.pem -trustout -addtrust serverAuth -out trusted.pem
(echo 'Bag Attributes: none'; cat cert.pem; echo between; cat cert.pem) >two.pem
openssl crl2pkcs7 -nocrl -certfile two.pem -out bundle.p7b
openssl crl2pkcs7 -nocrl -certfile two.pem -outform DER -out bundle.der
openssl req -new -key rsa.key -subj '/OU=a/OU=b/CN=me' -addext 'subjectAltName=DNS:me.example' -out request.pem
sed 's/CERTIFICATE REQUEST/NEW CERTIFICATE REQUEST/' request.pem >new-request.pem
openssl req -in request.pem -outform DER -out request.der
certtool --generate-privkey --key-type ed25519 --outfile gnutls.key 2>/dev/null
touch index.txt; echo 01 >serial; echo 01 >crlnumber
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=30\n' >ca.conf
openssl ca -config ca.conf -gencrl -keyfile rsa.key -cert cert.pem -out list.pem 2>/dev/null
openssl ca -config ca.conf -revoke cert.pem -crl_reason keyCompromise -keyfile rsa.key -cert cert.pem 2>/dev/null
openssl ca -config ca.conf -gencrl -keyfile rsa.key -cert cert.pem -out list.pem 2>/dev/null
openssl crl -in list.pem -outform DER -out list.der
openssl pkcs8 -topk8 -in rsa.key -out locked.key -passout pass:hunter2 -v2 aes-256-cbc
openssl rsa -in rsa.key -traditional -out pkcs1.key 2>/dev/null
openssl rsa -in rsa.key -traditional -aes128 -passout pass:hunter2 -out legacy.key 2>/dev/null
openssl rsa -in rsa.key -outform DER -traditional -out pkcs1.der 2>/dev/null
openssl ecparam -name prime256v1 -genkey -out sec1.key
openssl pkcs8 -topk8 -nocrypt -in sec1.key -out ec.key
openssl pkey -in sec1.key -pubout -outform DER -out ec.spki
openssl pkey -in rsa.key -pubout -outform DER -out rsa.spki
";

#[test]
fn files_of_openssl_and_gnutls() {
    use DocumentKind::{Certificate, PrivateKey, Request, RevocationList};
    let Some(folder) = made(&["openssl", "certtool"], X509) else { return };
    for (name, expected) in [
        ("cert.pem", vec![Certificate]),
        ("cert.der", vec![Certificate]),
        ("trusted.pem", vec![Certificate]),
        ("two.pem", vec![Certificate; 2]),
        ("bundle.p7b", vec![Certificate; 2]),
        ("bundle.der", vec![Certificate; 2]),
        ("request.pem", vec![Request]),
        ("new-request.pem", vec![Request]),
        ("request.der", vec![Request]),
        ("list.pem", vec![RevocationList]),
        ("list.der", vec![RevocationList]),
        ("rsa.key", vec![PrivateKey]),
        ("locked.key", vec![PrivateKey]),
        ("pkcs1.key", vec![PrivateKey]),
        ("pkcs1.der", vec![PrivateKey]),
        ("legacy.key", vec![PrivateKey]),
        ("sec1.key", vec![PrivateKey]),
        ("ec.key", vec![PrivateKey]),
        ("gnutls.key", vec![PrivateKey]),
    ] {
        let found = file(folder.path(), name);
        assert_eq!(found.iter().map(|one| one.kind).collect::<Vec<_>>(), expected, "{name}: {found:#?}");
    }
    let request = json(&file(folder.path(), "request.pem")[0]);
    assert_eq!(request["subject"].as_array().unwrap().len(), 3, "both units are there");
    assert_eq!(
        (&request["names"][0], request["proof_of_possession"].as_str().unwrap().starts_with("proven")),
        (&"me.example".into(), true)
    );
    let mut forged = fs::read(folder.path().join("request.der")).unwrap();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(json(&look(&forged)[0])["invalid"], serde_json::json!(["signature"]));
    let list = json(&file(folder.path(), "list.pem")[0]);
    assert_eq!(list["revoked_count"], 1);
    assert!(list["revoked"][0]["value"].as_str().unwrap().ends_with("key compromise"), "{list:?}");

    let spki = |name| sealift::trust::Fingerprint::of(&fs::read(folder.path().join(name)).unwrap()).hex();
    for (name, locked, half) in [
        ("rsa.key", false, Some(spki("rsa.spki"))),
        ("pkcs1.key", false, Some(spki("rsa.spki"))),
        ("pkcs1.der", false, Some(spki("rsa.spki"))),
        ("sec1.key", false, Some(spki("ec.spki"))),
        ("ec.key", false, Some(spki("ec.spki"))),
        ("locked.key", true, None),
        ("legacy.key", true, None),
    ] {
        let key = json(&file(folder.path(), name)[0]);
        assert_eq!((&key["locked"], key.get("spki_sha256").and_then(Value::as_str)), (&locked.into(), half.as_deref()), "{name}");
    }
    let cut = fs::read(folder.path().join("cert.pem")).unwrap();
    let found = look(&cut[..cut.len() / 2]);
    assert_eq!(found[0].kind, DocumentKind::Unreadable, "cut off");
    assert!(look(b"hello, this is a letter\nabout ssh-rsa keys\n").is_empty() && look(b"").is_empty());
}

#[test]
fn files_of_openssh() {
    let Some(folder) = made(
        &["ssh-keygen"],
        r#"
ssh-keygen -q -t ed25519 -N '' -C 'me@here' -f ed
ssh-keygen -q -t rsa -b 2048 -N hunter2 -f rsa
ssh-keygen -q -t ecdsa -N '' -f authority
ssh-keygen -q -s authority -h -I web -n web.example,alias -V 20200101:20300101 -z 7 ed.pub
ssh-keygen -e -f ed.pub >ed.4716
(printf '# mine\n\nfrom="10.0.0.*,!*.x y" '; cat ed.pub; printf 'host.example '; cat rsa.pub; printf 'ssh-rsa AAAAnonsense me\n') >authorized_keys
"#,
    ) else {
        return;
    };
    let printed = |name: &str| {
        let ran = Command::new("ssh-keygen").args(["-lf", name]).current_dir(folder.path()).output().unwrap();
        String::from_utf8(ran.stdout).unwrap().split(' ').nth(1).unwrap().to_owned()
    };
    let print = |document: &Document| sealift::trust::Fingerprint::parse(json(document)["sha256"].as_str().unwrap()).unwrap().openssh();
    for (name, kind, locked, of) in [
        ("ed", DocumentKind::PrivateKey, Some(false), "ed.pub"),
        ("rsa", DocumentKind::PrivateKey, Some(true), "rsa.pub"),
        ("ed.pub", DocumentKind::SshPublicKey, None, "ed.pub"),
        ("ed.4716", DocumentKind::SshPublicKey, None, "ed.pub"),
        ("ed-cert.pub", DocumentKind::SshCertificate, None, "ed.pub"),
    ] {
        let found = file(folder.path(), name);
        assert_eq!((found.len(), found[0].kind, print(&found[0])), (1, kind, printed(of)), "{name}");
        assert_eq!(json(&found[0]).get("locked").and_then(Value::as_bool), locked, "{name}");
    }
    let public = fs::read_to_string(folder.path().join("ed.pub")).unwrap();
    let base64 = public.split(' ').nth(1).unwrap();
    let putty = |cipher| {
        format!(
            "PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: {cipher}\r\nComment: mine\r\nPublic-Lines: 1\r\n{base64}\r\nPrivate-Lines: 1\r\nSECRET\r\n"
        )
    };
    for (cipher, locked) in [("none", false), ("aes256-cbc", true)] {
        let found = look(putty(cipher).as_bytes());
        assert_eq!((found[0].kind, found[0].title.as_str(), print(&found[0])), (DocumentKind::PrivateKey, "mine", printed("ed.pub")));
        assert_eq!(json(&found[0])["locked"], locked);
        assert!(!format!("{found:?}").contains("SECRET"));
    }
    assert_eq!(look(b"PuTTY-User-Key-File-2: ssh-rsa\nPublic-Lines: 900000\n")[0].kind, DocumentKind::Unreadable);
    let lines = file(folder.path(), "authorized_keys");
    assert_eq!(
        lines.iter().map(|one| (one.kind, one.title.as_str() == "me@here")).collect::<Vec<_>>(),
        [(DocumentKind::SshPublicKey, true), (DocumentKind::SshPublicKey, false), (DocumentKind::Unreadable, false)]
    );
    let certificate = json(&file(folder.path(), "ed-cert.pub")[0]);
    assert_eq!(certificate["principals"], serde_json::json!(["web.example", "alias"]));
    assert_eq!(
        (&certificate["key_id"], &certificate["serial"], &certificate["certificate_kind"]),
        (&"web".into(), &7.into(), &"host".into())
    );
    assert_eq!(
        certificate["authority_sha256"].as_str().map(|hex| sealift::trust::Fingerprint::parse(hex).unwrap().openssh()),
        Some(printed("authority.pub"))
    );
}

//! The three levels on our own server as an operator runs it, `sealift serve`, who decides with `sealift trust pending`: told
//! by the built program, and by curl, lftp and openssl as other clients.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use libtest_mimic::Trial;

use super::person::{PASSPHRASE, Person};
use super::{Signer, sign};
use crate::Harness;
use sealift::trust::Fingerprint;

const PASSWORD: &str = "echidna-Brücke-2748";

pub(super) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let mut trials = vec![
        Harness::alone("sealift serve: from nothing to a signed certificate", || story(Signer::Own)),
        Harness::alone("sealift serve: from nothing to a signed certificate of a third party", || story(Signer::Openssl)),
        Harness::alone("sealift serve: openssl s_client", openssl),
        Harness::alone("sealift serve: certificates of version 1", old_certificates),
    ];
    for (tool, body) in [("curl", curl as fn()), ("lftp", lftp)] {
        trials.extend(harness.with_tool(&format!("sealift serve: {tool}"), tool, body));
    }
    trials
}

/// A server that runs, and the operator's own home folder.
struct Serving {
    operator: Person,
    server: Child,
    explicit: u16,
    implicit: u16,
    /// SHA-256 of its certificate, `sha256:HEX`.
    certificate: String,
}

impl Serving {
    fn start(options: &str) -> Self {
        let operator = Person::new(PASSWORD);
        std::fs::create_dir(operator.file("served")).unwrap();
        std::fs::write(operator.file("served/hello.txt"), "hello\n").unwrap();
        let line = format!("serve served --ftps 0 --ftps-implicit 0 --client-cert require {options}");
        let mut server = operator.command(&line, PASSPHRASE).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut port = |scheme: &str| -> u16 {
            let line = lines.next().unwrap();
            assert!(line.starts_with(scheme), "{line}");
            line.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap()
        };
        let (explicit, implicit) = (port("ftpes://sealift@127.0.0.1:"), port("ftps://sealift@127.0.0.1:"));
        let certificate = lines.next().unwrap().split_whitespace().last().unwrap().to_owned();
        Self { operator, server, explicit, implicit, certificate }
    }

    fn pending(&self) -> String {
        self.operator.sealift("trust pending --json").exits(0).out
    }

    /// The state of a certificate in the operator's lists.
    fn state(&self, fingerprint: &Fingerprint) -> Option<String> {
        let all = self.pending();
        let lines = all.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.into_iter().find(|client| client["sha256"] == fingerprint.hex()).map(|client| client["state"].as_str().unwrap().to_owned())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

fn story(signer: Signer) {
    let serving = Serving::start("");
    let person = Person::new(PASSWORD);
    let ls = |port: u16, scheme: &str, identity: &str| {
        format!("ls --batch --trust {} {scheme}://sealift@127.0.0.1:{port}/{identity}", serving.certificate)
    };
    // The certificate the server shows is its own, and kept.
    person.sealift(&ls(serving.explicit, "ftpes", "")).exits(5).says(&["certificate"]);
    assert_eq!(serving.pending(), "", "who shows nothing does not wait");

    person.sealift("cert new payroll --cn payroll.example.com --organization Example").exits(0);
    let own = || Fingerprint::of(&person.openssl("x509 -in data/identities/payroll/certificate.pem -outform DER"));
    let self_made = own();
    let payroll = ls(serving.explicit, "ftpes", " --identity payroll");
    person.sealift(&payroll).exits(5).says(&["certificate", &self_made.colons()]);
    assert_eq!(serving.state(&self_made).as_deref(), Some("pending"));
    assert!(serving.pending().contains("127.0.0.1"));
    serving.operator.sealift(&format!("trust pending --trust {self_made}")).exits(0);
    person.sealift(&payroll).exits(0);
    person.sealift(&ls(serving.implicit, "ftps", " --identity payroll")).exits(0);

    // Signed: nobody decides upon the certificate any more, only upon the authority.
    person.sealift("cert request payroll --out payroll.csr").exits(0);
    let authority = sign(&person, signer);
    person.sealift("cert import payroll signed.pem").exits(0);
    person.sealift(&payroll).exits(5);
    serving.operator.sealift(&format!("trust pending --authority {}", authority.display())).exits(0);
    person.sealift(&payroll).exits(0);
    person.sealift(&ls(serving.implicit, "ftps", " --identity payroll")).exits(0);
    let signed = own();
    assert_ne!(signed, self_made);
    std::fs::write(person.file("sent.csv"), vec![b'7'; 300_000]).unwrap();
    let url = format!("ftpes://sealift@127.0.0.1:{}", serving.explicit);
    let options = format!("--batch --trust {} --identity payroll", serving.certificate);
    person.sealift(&format!("copy {options} sent.csv {url}/sent.csv")).exits(0);
    assert_eq!(std::fs::read(serving.operator.file("served/sent.csv")).unwrap(), vec![b'7'; 300_000]);
    person.sealift(&format!("copy {options} {url}/sent.csv back.csv")).exits(0);

    // Taken back by its authority.
    revoke(&person, signer);
    std::fs::create_dir_all(serving.operator.file("data/server/crl")).unwrap();
    std::fs::copy(person.file("list.pem"), serving.operator.file("data/server/crl/list.pem")).unwrap();
    person.sealift(&payroll).exits(5).says(&["revoked"]);
    assert_ne!(serving.state(&signed).as_deref(), Some("pending"), "who is revoked does not wait to be trusted");
    person.has_leaked_nothing("payroll", b"");
}

fn revoke(person: &Person, signer: Signer) {
    match signer {
        Signer::Own => {
            let revoked = person.as_authority("cert revoke signed.pem --authority ours --out list.pem");
            revoked.exits(0);
        }
        Signer::Openssl => {
            let mut config = "[ca]\ndefault_ca = ours\n[ours]\n".to_owned();
            for (name, value) in [
                ("database", "index.txt"),
                ("default_md", "sha256"),
                ("default_crl_days", "30"),
                ("certificate", "theirs.pem"),
                ("private_key", "theirs.key"),
            ] {
                writeln!(config, "{name} = {value}").unwrap();
            }
            std::fs::write(person.file("ca.cnf"), config).unwrap();
            std::fs::write(person.file("index.txt"), "").unwrap();
            person.openssl("ca -config ca.cnf -passin env:AUTHORITY -revoke signed.pem");
            person.openssl("ca -config ca.cnf -passin env:AUTHORITY -gencrl -out list.pem");
        }
    }
}

/// A client with a key and certificate openssl made, and one that the operator's authority signed.
fn strangers(serving: &Serving) -> (Person, [Fingerprint; 2]) {
    let person = Person::new(PASSWORD);
    let made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30";
    person.openssl(&format!("{made} -subj /CN=stranger -keyout stranger.key -out stranger.pem"));
    person.openssl(&format!("{made} -subj /CN=Partner -keyout authority.key -out authority.pem"));
    person.openssl("req -new -newkey rsa:2048 -nodes -subj /CN=partner -addext subjectAltName=email:partner@example.com -keyout partner.key -out partner.csr");
    person.openssl("x509 -req -in partner.csr -CA authority.pem -CAkey authority.key -days 20 -copy_extensions copy -out partner.pem");
    serving.operator.sealift(&format!("trust pending --authority {}", person.file("authority.pem").display())).exits(0);
    let print = |name: &str| Fingerprint::of(&person.openssl(&format!("x509 -in {name}.pem -outform DER")));
    let prints = ["stranger", "partner"].map(print);
    (person, prints)
}

fn curl() {
    let serving = Serving::start("");
    let (person, [stranger, partner]) = strangers(&serving);
    let curl = |name: &str, version: &str, url: &str| {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--insecure", "--ssl-reqd", "--user", &format!("sealift:{PASSWORD}"), "--max-time", "20"])
            .args(["--cert", &format!("{name}.pem"), "--key", &format!("{name}.key"), version, url])
            .args(if version == "--tlsv1.2" { &["--tls-max", "1.2"][..] } else { &[] })
            .current_dir(person.file(""))
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let urls = [format!("ftp://127.0.0.1:{}/hello.txt", serving.explicit), format!("ftps://127.0.0.1:{}/hello.txt", serving.implicit)];
    for (version, url) in ["--tlsv1.2", "--tlsv1.3"].into_iter().flat_map(|version| urls.iter().map(move |url| (version, url))) {
        let (done, out, said) = curl("partner", version, url);
        assert!(done && out == "hello\n", "{version} {url}: {said}");
        assert!(!curl("stranger", version, url).0, "{version} {url}");
    }
    assert_eq!((serving.state(&stranger).as_deref(), serving.state(&partner)), (Some("pending"), None));
    serving.operator.sealift(&format!("trust pending --trust {stranger}")).exits(0);
    assert!(curl("stranger", "--tlsv1.3", &urls[0]).0);
    serving.operator.sealift(&format!("trust pending --refuse {stranger}")).exits(0);
    assert!(!curl("stranger", "--tlsv1.3", &urls[0]).0);
    assert_eq!(serving.state(&stranger).as_deref(), Some("refused"));
}

fn lftp() {
    let serving = Serving::start("");
    let (person, [stranger, _]) = strangers(&serving);
    let lftp = |name: &str| -> Output {
        let mut script = String::new();
        for (setting, value) in [
            ("ssl:verify-certificate", "no"),
            ("ftp:ssl-force", "yes"),
            ("ftp:ssl-protect-data", "yes"),
            ("net:max-retries", "1"),
            ("net:timeout", "10"),
            ("ssl:cert-file", &person.file(&format!("{name}.pem")).display().to_string()),
            ("ssl:key-file", &person.file(&format!("{name}.key")).display().to_string()),
        ] {
            write!(script, "set {setting} {value}; ").unwrap();
        }
        write!(script, "open -u sealift,{PASSWORD} -p {} 127.0.0.1 && cat hello.txt; bye", serving.explicit).unwrap();
        Command::new("lftp").args(["--norc", "-c", &script]).env("HOME", person.file("")).output().unwrap()
    };
    let partner = lftp("partner");
    assert_eq!(String::from_utf8_lossy(&partner.stdout), "hello\n", "{}", String::from_utf8_lossy(&partner.stderr));
    assert_eq!(lftp("stranger").stdout, b"");
    assert_eq!(serving.state(&stranger).as_deref(), Some("pending"));
}

fn openssl() {
    // With the operator's own certificate, whose key is locked.
    let maker = Person::new(PASSWORD);
    maker.openssl("req -x509 -newkey rsa:2048 -passout env:PASS -days 30 -subj /CN=files.example -keyout gate.key -out gate.pem");
    let at = |name: &str| maker.file(name).display().to_string();
    let serving = Serving::start(&format!("--certificate {} --key {}", at("gate.pem"), at("gate.key")));
    let (person, [stranger, _]) = strangers(&serving);
    let s_client = |options: &[&str]| {
        let output = Command::new("openssl")
            .args(["s_client", "-connect", &format!("127.0.0.1:{}", serving.implicit)])
            .args(options)
            .current_dir(person.file(""))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    for version in ["-tls1_2", "-tls1_3"] {
        let said = s_client(&[version, "-cert", "stranger.pem", "-key", "stranger.key", "-ign_eof"]);
        assert!(said.contains("unknown ca") && said.contains("files.example"), "{version}: {said}");
        let said = s_client(&[version, "-ign_eof"]);
        assert!(said.contains("certificate required") || said.contains("handshake failure") || said.contains("alert"), "{version}: {said}");
    }
    assert_eq!(serving.state(&stranger).as_deref(), Some("pending"));
}

/// Certificates without extensions (X.509 version 1), as many a small authority still makes them.
fn old_certificates() {
    let serving = Serving::start("");
    let person = Person::new(PASSWORD);
    person.openssl("req -new -newkey rsa:2048 -nodes -subj /CN=old -keyout old.key -out old.csr");
    person.openssl("x509 -req -in old.csr -signkey old.key -days 20 -out old.pem");
    let ls = |tls: &str| format!("ls --batch --trust {} {tls} --client-cert old.pem --client-key old.key", serving.certificate);
    let explicit = ls(&format!("ftpes://sealift@127.0.0.1:{}/", serving.explicit));
    person.sealift(&explicit).exits(5);
    let print = Fingerprint::of(&person.openssl("x509 -in old.pem -outform DER"));
    assert_eq!(serving.state(&print).as_deref(), Some("pending"));
    serving.operator.sealift(&format!("trust pending --trust {print}")).exits(0);
    person.sealift(&explicit).exits(0);
    person.sealift(&ls(&format!("ftps://sealift@127.0.0.1:{}/", serving.implicit))).exits(0);
}

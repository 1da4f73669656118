//! The three security levels of CuteFTP and EFT Server, from nothing, with the built program: a client certificate that is
//! refused first and trusted then, a request, a signature, and the signed certificate in place of the self-made one. On
//! servers that demand a certificate, with TLS 1.2 and 1.3, signed by an authority of the program's own and by openssl's.

mod line;
mod person;
mod serve;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use self::line::Line;
use self::person::Person;
use super::support::daemon::Daemon;
use super::support::system::{PamService, SystemUser};
use super::support::vsftpd::Vsftpd;
use super::support::{ClientCertificate, FtpServer, proftpd, vsftpd};
use super::{Harness, Started};
use sealift::trust::Fingerprint;

/// Who signs the request.
#[derive(Clone, Copy)]
enum Signer {
    /// `cert authority` and `cert sign`.
    Own,
    /// The openssl program, as a third party would.
    Openssl,
}

type Kept = (FtpServer, Option<(SystemUser, PamService)>);

pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let required = ClientCertificate::Required;
    let mut trials = Vec::new();
    for (only_tls12, signer, names) in [
        (false, Signer::Own, ["vsftpd demanding", "ProFTPD demanding"]),
        (false, Signer::Openssl, ["vsftpd demanding, a third party", "ProFTPD demanding, a third party"]),
        (true, Signer::Own, ["vsftpd demanding, TLS 1.2", "ProFTPD demanding, TLS 1.2"]),
        (true, Signer::Openssl, ["vsftpd demanding, TLS 1.2, a third party", "ProFTPD demanding, TLS 1.2, a third party"]),
    ] {
        let vsftpd = harness.start(names[0], || {
            let options = vsftpd::Options { client_certificate: required, only_tls12, require_reuse: true, ..Default::default() };
            Vsftpd::start(options).map(|server| (server.ftp, Some((server.account, server.pam))))
        });
        let proftpd = harness.start(names[1], || {
            proftpd::start(proftpd::Options { client_certificate: required, only_tls12, ..Default::default() }).map(|server| (server, None))
        });
        trials.extend([vsftpd, proftpd].iter().map(|server| trial(harness, server, signer)));
    }
    trials.extend(serve::trials(harness));
    trials
}

fn trial(harness: &Harness, started: &Started<Kept>, signer: Signer) -> Trial {
    let daemon: fn(&Kept) -> &Daemon = |kept| &kept.0.daemon;
    harness.trial(started, "from nothing to a signed certificate", daemon, async move |kept: &Kept| story(&kept.0, signer))
}

/// The whole story with one server.
fn story(server: &FtpServer, signer: Signer) {
    let person = Person::new(&server.password);
    let line = Line::to(server.daemon.port);
    let trusted = Fingerprint::of(&server.certificates.server);
    let ls = format!("ls --batch --trust {trusted} ftpes://{}@127.0.0.1:{}/", server.user, line.port);

    // Level 1 is not enough here: the server wants to know who comes.
    person.sealift(&ls).exits(5).says(&["certificate"]);

    // Level 2: made here, refused first; the administrator trusts it; from then on there is no question.
    person.sealift("cert new payroll --cn payroll.example.com --organization Example --unit Finance").exits(0);
    let ls = format!("{ls} --identity payroll");
    let print = Fingerprint::of(&person.openssl("x509 -in data/identities/payroll/certificate.pem -outform DER"));
    person.sealift(&ls).exits(5).says(&["certificate", &print.colons(), "certificate.pem"]);
    person.sealift("cert export payroll --out for-the-administrator.pem").exits(0);
    trusts(server, &person.file("for-the-administrator.pem"));
    person.sealift(&ls).exits(0);
    goes_both_ways(server, &person, &ls);

    // Level 3: the signed certificate takes the place of the self-made one with the first login it brings.
    person.sealift("cert request payroll --out payroll.csr").exits(0);
    let authority = sign(&person, signer);
    person.sealift("cert import payroll signed.pem").exits(0);
    let own = || person.openssl("x509 -in data/identities/payroll/certificate.pem -noout -issuer");
    let before = own();
    person.sealift(&ls).exits(5).says(&["certificate"]);
    assert_eq!(own(), before, "a certificate that is refused replaces none");
    trusts(server, &authority);
    person.sealift(&ls).exits(0);
    assert_ne!(own(), before, "the signed certificate has replaced the self-made one");
    assert!(!person.file("data/identities/payroll/pending.pem").exists());
    goes_both_ways(server, &person, &ls);

    person.has_leaked_nothing("payroll", &line.heard());
}

/// The administrator of the server trusts what is in `file`. vsftpd reads that only when it starts.
fn trusts(server: &FtpServer, file: &Path) {
    let mut list = OpenOptions::new().append(true).open(&server.certificates.authority_file).unwrap();
    list.write_all(&std::fs::read(file).unwrap()).unwrap();
    server.daemon.restart();
}

/// Signs `payroll.csr` into `signed.pem`; answers the authority's certificate.
fn sign(person: &Person, signer: Signer) -> PathBuf {
    match signer {
        Signer::Own => {
            person.as_authority("cert authority ours --cn Ours").exits(0);
            person.as_authority("cert sign payroll.csr --authority ours --out signed.pem").exits(0);
            person.file("data/authorities/ours/certificate.pem")
        }
        Signer::Openssl => {
            person.openssl(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout theirs.key -passout env:AUTHORITY -out theirs.pem -days 30 \
                 -subj /CN=Theirs",
            );
            std::fs::write(person.file("extensions.cnf"), "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n").unwrap();
            person.openssl(
                "x509 -req -in payroll.csr -extfile extensions.cnf -CA theirs.pem -CAkey theirs.key -passin env:AUTHORITY -days 20 -copy_extensions copy -out signed.pem",
            );
            person.file("theirs.pem")
        }
    }
}

/// A file there and back, over data connections that show the same certificate.
fn goes_both_ways(server: &FtpServer, person: &Person, ls: &str) {
    let (options, url) = ls.strip_prefix("ls ").and_then(|rest| rest.split_once("ftpes://")).unwrap();
    let (url, identity) = url.split_once(' ').unwrap();
    std::fs::write(person.file("sent.csv"), vec![b'7'; 300_000]).unwrap();
    let name = person.file("").file_name().unwrap().to_string_lossy().trim_start_matches('.').to_owned();
    let copy = |from: &str, to: &str| person.sealift(&format!("copy {options}{identity} --on-conflict overwrite {from} {to}")).exits(0);
    copy("sent.csv", &format!("ftpes://{url}{name}.csv"));
    assert_eq!(std::fs::read(server.data.join(format!("{name}.csv"))).unwrap(), std::fs::read(person.file("sent.csv")).unwrap());
    copy(&format!("ftpes://{url}{name}.csv"), "back.csv");
    assert_eq!(std::fs::read(person.file("back.csv")).unwrap(), std::fs::read(person.file("sent.csv")).unwrap());
}

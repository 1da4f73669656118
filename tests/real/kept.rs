//! Secrets and a real keyring: a password and the passphrase of a client certificate, kept at a prompt, used where nobody is
//! there to be asked, looked at from outside, moved into the vault and forgotten. On a server that asks for a certificate.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use libtest_mimic::{Completion, Trial};
use sealift::trust::Fingerprint;

use super::Harness;
use super::support::keyring::{Begin, Home, Said, Typed};
use super::support::{ClientCertificate, FTP_USER, FtpServer, Unavailable, proftpd};

/// Nothing else in any test contains these.
const PASSPHRASE: &str = "wombat-Lichen-2281";
const VAULT_PASSPHRASE: &str = "bilby-Quarz-7045";

pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let required = harness.required;
    let name = "gnome-keyring and ProFTPD: secrets are kept, used, moved and forgotten";
    if let Err(why @ Unavailable::Absent(_)) = Home::make() {
        harness.leave_out("gnome-keyring and ProFTPD", &why);
    }
    vec![Trial::ignorable_test(name, move || {
        let options = proftpd::Options { client_certificate: ClientCertificate::Required, ..Default::default() };
        match Home::make().and_then(|home| Ok((home, proftpd::start(options)?))) {
            Ok((home, server)) => {
                story(&home, &server);
                Ok(Completion::Completed)
            }
            Err(why @ Unavailable::Absent(_)) if !required => Ok(Completion::ignored_with(why)),
            Err(why) => Err(why.to_string().into()),
        }
    })]
}

#[track_caller]
fn holds(said: Said, code: i32, words: &[&str]) -> Said {
    assert_eq!(said.code, Some(code), "{said:#?}");
    for word in words {
        assert!(said.out.contains(word) || said.err.contains(word), "it does not say {word:?}:\n{said:#?}");
    }
    said
}

fn story(home: &Home, server: &FtpServer) {
    let make =
        format!("SEALIFT_PASSPHRASE={PASSPHRASE} $SEALIFT cert new payroll --cn Payroll && $SEALIFT cert export payroll --out own.pem");
    holds(home.session(Begin::NoService, &make), 0, &[]);
    let mut trusted = OpenOptions::new().append(true).open(&server.certificates.authority_file).unwrap();
    trusted.write_all(&fs::read(home.path("own.pem")).unwrap()).unwrap();
    server.daemon.restart();

    let url = format!("ftpes://{}@127.0.0.1:{}/", server.user, server.daemon.port);
    let print = Fingerprint::of(&server.certificates.server);
    let ls = format!("SEALIFT_LOG=trace $SEALIFT ls --trust {print} --identity payroll {url}");
    let batch = ls.replace("ls ", "ls --batch ");
    let hidden = |question, text| Typed { question, text, hidden: true };
    let yes = || Typed { question: "Keep it in your keyring", text: "y", hidden: false };
    let answers = [
        hidden("Passphrase of the key", PASSPHRASE),
        yes(),
        hidden("Password of alice", "wrong"),
        yes(),
        hidden("not right", FTP_USER.1),
        yes(),
    ];
    let mut heard = vec![holds(home.on_terminal(Begin::Unlocked, &ls, &answers), 0, &[])];

    // A session later nobody is there.
    let label = url.trim_end_matches('/');
    let outside = "secret-tool search --all service sealift 2>&1 | grep -v ^secret";
    let items = [format!("username = secret {label}"), "username = secret certificate:payroll".to_owned()];
    let [password, passphrase] = items.each_ref().map(String::as_str);
    heard.push(holds(
        home.session(Begin::Unlocked, &format!("{batch} && $SEALIFT secret list && {outside}")),
        0,
        &[label, "kept in your keyring", password, passphrase],
    ));
    // Locked, it is told, and there is nobody to ask.
    heard.push(holds(home.session(Begin::Locked, &batch), 5, &["locked", "you are asked each time"]));
    heard.push(holds(home.session(Begin::Locked, "$SEALIFT secret status"), 0, &["asked each time (your keyring is locked"]));

    // Into the vault, which serves where there is no keyring.
    let open = format!("export SEALIFT_VAULT_PASSPHRASE={VAULT_PASSPHRASE}");
    let moving =
        format!("{open}; $SEALIFT secret vault new && $SEALIFT secret move --all --to vault && {outside} | grep 'username = secret'");
    heard.push(holds(home.session(Begin::Unlocked, &moving), 1, &["moved to the vault: certificate:payroll"]));
    heard.push(holds(home.session(Begin::NoService, &format!("{open}; {batch}")), 0, &[]));
    heard.push(holds(home.session(Begin::NoService, &batch), 5, &["passphrase"]));
    // The vault's own passphrase may be in the keyring.
    let vault = || [hidden("Passphrase of the vault", VAULT_PASSPHRASE), yes()];
    heard.push(holds(home.on_terminal(Begin::Unlocked, &ls, &vault()), 0, &[]));
    heard.push(holds(home.session(Begin::Unlocked, &batch), 0, &[]));

    let forget = format!("$SEALIFT secret forget {label} && $SEALIFT secret forget vault && $SEALIFT secret list");
    heard.push(holds(home.session(Begin::Unlocked, &forget), 0, &["certificate:payroll", "forgotten: vault"]));
    heard.push(holds(home.session(Begin::Unlocked, &format!("{open}; {batch}")), 5, &["password of alice"]));
    leaks_nothing(home, &heard);
}

/// Searches all that was said, the log, and every file of theirs.
fn leaks_nothing(home: &Home, heard: &[Said]) {
    let mut files = Vec::new();
    collect(home.path("").as_path(), &mut files);
    assert!(files.iter().any(|(name, bytes)| name.ends_with("sealift.log") && bytes.len() > 1000), "there is a log to be searched");
    files.extend(heard.iter().map(|said| ("what was said".to_owned(), format!("{}{}", said.out, said.err).into_bytes())));
    for secret in [PASSPHRASE, VAULT_PASSPHRASE, FTP_USER.1] {
        let hex = secret.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        // As a library that writes down what it sends would.
        let numbers = secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
        for spelling in [secret.to_owned(), STANDARD_NO_PAD.encode(secret), hex, numbers] {
            for (name, bytes) in &files {
                assert!(!bytes.windows(spelling.len()).any(|window| window == spelling.as_bytes()), "{spelling} is in {name}");
            }
        }
    }
}

fn collect(folder: &std::path::Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(&entry.path(), files);
        } else if kind.is_file() {
            files.push((entry.path().display().to_string(), fs::read(entry.path()).unwrap()));
        }
    }
}

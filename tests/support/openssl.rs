//! A certificate authority of the `openssl` program, with its database, lists and responder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Unavailable;
use super::daemon::{Daemon, Ports, folder, program};

/// An authority in a folder of its own, whose responder listens on loopback until it is dropped.
pub struct Authority {
    pub responder: Daemon,
    /// Where its list is served by whoever wants to; nobody does by itself.
    pub list_port: u16,
    /// Held by whoever changes the database.
    pub turn: tokio::sync::Mutex<()>,
}

/// What is made with one name: `NAME.pem` and `NAME.key` in the authority's folder.
const CONFIG: &str = "
[ca]
default_ca = own
[own]
database = index
serial = serial
crlnumber = crlnumber
new_certs_dir = .
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[no-lists]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[leaf]
basicConstraints = CA:FALSE
subjectAltName = DNS:localhost, IP:127.0.0.1
extendedKeyUsage = serverAuth
authorityInfoAccess = OCSP;URI:http://127.0.0.1:RESPONDER/
crlDistributionPoints = URI:http://127.0.0.1:LIST/own.crl
[responder]
basicConstraints = CA:FALSE
extendedKeyUsage = OCSPSigning
[partition]
issuingDistributionPoint = critical, @partition-point
[partition-point]
fullname = URI:http://127.0.0.1:LIST/own.crl
[other-partition]
issuingDistributionPoint = critical, @other-point
[other-point]
fullname = URI:http://127.0.0.1:LIST/other.crl
[users]
issuingDistributionPoint = critical, @users-point
[users-point]
onlyuser = TRUE
[authorities]
issuingDistributionPoint = critical, @authorities-point
[authorities-point]
onlyCA = TRUE
[indirect]
issuingDistributionPoint = critical, @indirect-point
[indirect-point]
indirectCRL = TRUE
[reasons]
issuingDistributionPoint = critical, @reasons-point
[reasons-point]
onlysomereasons = keyCompromise
[delta]
2.5.29.27 = critical, DER:020101
[unknown]
1.2.3.4 = critical, DER:0500
";

impl Authority {
    /// Makes one with a root, a responder's certificate, and the leafs `good` and `revoked` in the database.
    pub fn start() -> Result<Self, Unavailable> {
        let openssl = program("usr/bin/openssl")?;
        let folder = folder("openssl");
        let port = Ports::choose().control;
        let place = Place { folder: folder.path(), openssl: &openssl };
        place.prepare(port);
        let mut command = Command::new(&openssl);
        let port_text = port.to_string();
        command.args(["ocsp", "-port", &port_text, "-ignore_err"]).args(["-nmin", "60"]);
        for (flag, file) in [("-index", "index"), ("-CA", "root.pem"), ("-rsigner", "responder.pem"), ("-rkey", "responder.key")] {
            command.arg(flag).arg(folder.path().join(file));
        }
        let responder = Daemon::start_saying("openssl ocsp", &mut command, folder, port, "waiting for OCSP client connections")?;
        Ok(Self { responder, list_port: port + 1, turn: tokio::sync::Mutex::default() })
    }

    /// Its folder, to make more in.
    pub fn place(&self) -> Place<'_> {
        Place { folder: self.responder.folder(), openssl: Path::new("openssl") }
    }

    /// A TLS server of `openssl s_server` that shows `NAME.pem`, with more options.
    pub fn tls_server(&self, name: &str, options: &[&str]) -> Daemon {
        let port = Ports::choose().control;
        let mut command = Command::new("openssl");
        command.args(["s_server", "-www", "-accept", &format!("127.0.0.1:{port}")]);
        command.arg("-cert").arg(self.place().path(&format!("{name}.pem"))).arg("-key").arg(self.place().path(&format!("{name}.key")));
        command.args(options);
        Daemon::start("openssl s_server", &mut command, empty_folder(), port, Vec::new()).unwrap()
    }
}

fn empty_folder() -> TempDir {
    folder("s_server")
}

/// A folder with an authority in it.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    folder: &'a Path,
    openssl: &'a Path,
}

impl Place<'_> {
    fn prepare(self, port: u16) {
        let config = CONFIG.replace("RESPONDER", &port.to_string()).replace("LIST", &(port + 1).to_string());
        fs::write(self.path("config"), config).unwrap();
        for (name, text) in [("index", ""), ("serial", "0102030405060708"), ("crlnumber", "01")] {
            fs::write(self.path(name), text).unwrap();
        }
        for name in ["root", "foreign"] {
            self.self_signed(name, "root");
        }
        self.self_signed("foreign-responder", "responder");
        self.issue("responder", "responder", "root");
        for name in ["good", "revoked", "held"] {
            self.issue(name, "leaf", "root");
        }
        self.revoke("revoked", "keyCompromise");
        self.revoke("held", "certificateHold");
    }

    /// A file of the folder.
    pub fn path(self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The bytes of a file of the folder.
    pub fn bytes(self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The DER of `NAME.pem`.
    pub fn certificate(self, name: &str) -> Vec<u8> {
        if !self.path(&format!("{name}.der")).exists() {
            self.run(&format!("x509 -in {name}.pem -outform DER -out {name}.der"));
        }
        self.bytes(&format!("{name}.der"))
    }

    /// Runs `openssl` in the folder; it must succeed.
    pub fn run(self, arguments: &str) {
        let mut command = Command::new(self.openssl);
        let output = command.args(arguments.split_whitespace()).current_dir(self.folder).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn self_signed(self, name: &str, extensions: &str) {
        self.run(&format!(
            "req -x509 -config config -extensions {extensions} -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
             -keyout {name}.key -out {name}.pem -subj /CN={name}"
        ));
    }

    /// Issues `NAME.pem` with these extensions, and enters it into the database.
    pub fn issue(self, name: &str, extensions: &str, issuer: &str) {
        self.run(&format!(
            "req -new -config config -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"
        ));
        self.run(&format!(
            "ca -batch -config config -cert {issuer}.pem -keyfile {issuer}.key -in {name}.csr -out {name}.pem -notext -extensions {extensions}"
        ));
    }

    /// Takes `NAME.pem` back.
    pub fn revoke(self, name: &str, reason: &str) {
        self.run(&format!("ca -config config -cert root.pem -keyfile root.key -revoke {name}.pem -crl_reason {reason}"));
    }

    /// A list of what `issuer` took back, in PEM.
    pub fn list(self, issuer: &str, options: &str) -> Vec<u8> {
        self.run(&format!("ca -config config -cert {issuer}.pem -keyfile {issuer}.key -gencrl -out {issuer}.crl {options}"));
        self.bytes(&format!("{issuer}.crl"))
    }

    /// The answer about `NAME.pem`, signed by `signer`, as a file in the folder.
    pub fn answer(self, name: &str, signer: &str, options: &str) -> PathBuf {
        self.run(&format!(
            "ocsp -index index -CA root.pem -rsigner {signer}.pem -rkey {signer}.key -issuer root.pem {options} -cert {name}.pem \
             -respout {name}.answer -nmin 60 -noverify"
        ));
        self.path(&format!("{name}.answer"))
    }
}

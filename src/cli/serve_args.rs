//! The flags of `serve` and of `trust pending`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::server::AskForCertificate;

/// `serve`.
#[derive(Args)]
pub struct Serve {
    /// The folder to serve; nothing outside of it is reached.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// FTP with explicit TLS (AUTH TLS), which is demanded. Without any of these four: --ftps 2121 --sftp 2022.
    #[arg(long, value_name = "[HOST:]PORT", value_parser = address)]
    pub ftps: Option<SocketAddr>,
    /// FTP with TLS from the first byte.
    #[arg(long, value_name = "[HOST:]PORT", value_parser = address)]
    pub ftps_implicit: Option<SocketAddr>,
    /// SSH.
    #[arg(long, value_name = "[HOST:]PORT", value_parser = address)]
    pub sftp: Option<SocketAddr>,
    /// FTP without protection: names, passwords and files travel for everybody to read.
    #[arg(long, value_name = "[HOST:]PORT", value_parser = address)]
    pub ftp: Option<SocketAddr>,
    /// Nothing in the folder can be changed.
    #[arg(long)]
    pub read_only: bool,
    /// Who logs in.
    #[arg(long, value_name = "NAME", default_value = "sealift")]
    pub user: String,
    /// Read the password from what this command prints (or set SEALIFT_PASSWORD); else one is made up and told.
    #[arg(long, value_name = "COMMAND")]
    pub password_command: Option<String>,
    /// A trusted client certificate is enough, and over SSH a key; there is no password.
    #[arg(long, conflicts_with = "password_command")]
    pub no_password: bool,
    /// Whether clients are asked for a certificate (FTPS); those that are not trusted wait in "sealift trust pending".
    #[arg(long, value_enum, value_name = "WHETHER", default_value_t = ClientCert::Off)]
    pub client_cert: ClientCert,
    /// Clients whose certificate is signed by an authority in this file are trusted (PEM, DER; repeatable).
    #[arg(long, value_name = "FILE")]
    pub client_authority: Vec<PathBuf>,
    /// A folder of revocation lists, looked at for each client; else the folder server/crl of your data folder.
    #[arg(long, value_name = "FOLDER")]
    pub crl: Option<PathBuf>,
    /// What the server shows, with its chain (PEM, DER, PKCS#12); else a self-made one that is kept.
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// Its private key, if that is in another file.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub key: Option<PathBuf>,
    /// Read the passphrase of that key from what this command prints (or set SEALIFT_PASSPHRASE); else it is asked for.
    #[arg(long, value_name = "COMMAND", requires = "certificate")]
    pub passphrase_command: Option<String>,
    /// A name or address of this machine for the self-made certificate (repeatable).
    #[arg(long, value_name = "HOST", conflicts_with = "certificate")]
    pub name: Vec<String>,
    /// The SSH host key, unlocked (OpenSSH, PEM); else one that is made and kept.
    #[arg(long, value_name = "FILE")]
    pub host_key: Option<PathBuf>,
    /// Public keys that may log in over SSH, in OpenSSH's form.
    #[arg(long, value_name = "FILE")]
    pub authorized_keys: Option<PathBuf>,
}

/// Whether clients are asked for a certificate.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClientCert {
    /// No.
    Off,
    /// A client may come without one; one that shows one has to be trusted.
    Ask,
    /// Nobody comes in without a trusted one.
    Require,
}

impl From<ClientCert> for AskForCertificate {
    fn from(whether: ClientCert) -> Self {
        match whether {
            ClientCert::Off => Self::Off,
            ClientCert::Ask => Self::Ask,
            ClientCert::Require => Self::Require,
        }
    }
}

/// `trust pending`.
#[derive(Args)]
#[group(id = "decision", multiple = false)]
pub struct TrustPending {
    /// Let this client in from now on: a fingerprint of the list, or a certificate file it sent.
    #[arg(long, value_name = "FINGERPRINT|FILE", group = "decision")]
    pub trust: Option<String>,
    /// Turn this client away without a word.
    #[arg(long, value_name = "FINGERPRINT", group = "decision")]
    pub refuse: Option<String>,
    /// Forget this client or authority; if it comes again, it is unknown.
    #[arg(long, value_name = "FINGERPRINT", group = "decision")]
    pub remove: Option<String>,
    /// Let everybody in whom this authority signed (PEM, DER).
    #[arg(long, value_name = "FILE", group = "decision")]
    pub authority: Option<PathBuf>,
    /// Print JSON lines.
    #[arg(long)]
    pub json: bool,
}

/// `PORT` alone is on this machine only.
fn address(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<u16>() {
        Ok(port) => Ok((IpAddr::from(Ipv4Addr::LOCALHOST), port).into()),
        Err(_) => {
            text.parse().map_err(|_| "write PORT for this machine alone, or ADDRESS:PORT, such as 0.0.0.0:2121 for everybody".to_owned())
        }
    }
}

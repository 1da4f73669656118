//! The flags of the `cert` verbs that make, sign and keep identities.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::identity::x509::Usage;
use crate::identity::x509::authority::Reason;
use crate::identity::x509::draft::DEFAULT_DAYS;
use crate::identity::x509::key::{Derivation, KeyType};
use crate::identity::x509::names::{AlternativeName, Invalid, Subject};

/// Where a passphrase comes from. Never from an argument: everybody on the machine can read those.
#[derive(Args)]
pub struct PassphraseOptions {
    /// Read the passphrase from what this command prints (or set SEALIFT_PASSPHRASE); else it is asked for.
    #[arg(long, value_name = "COMMAND")]
    pub passphrase_command: Option<String>,
}

/// Whose it is.
#[derive(Args)]
pub struct SubjectOptions {
    /// Common name: yours, or that of the program or host.
    #[arg(long = "cn", value_name = "NAME")]
    pub common_name: Option<String>,
    /// Country, two letters.
    #[arg(long, value_name = "CC", default_value = "", hide_default_value = true)]
    pub country: String,
    /// State or province.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub state: String,
    /// City.
    #[arg(long, visible_alias = "locality", default_value = "", hide_default_value = true)]
    pub city: String,
    /// Company or organisation.
    #[arg(long, visible_alias = "org", value_name = "NAME", default_value = "", hide_default_value = true)]
    pub organization: String,
    /// Department (repeatable, the largest first).
    #[arg(long = "unit", visible_alias = "ou", value_name = "NAME")]
    pub units: Vec<String>,
    /// E-mail address.
    #[arg(long, value_name = "ADDRESS", default_value = "", hide_default_value = true)]
    pub email: String,
    /// Another name of the same owner: host, IP address, e-mail address or URI (repeatable).
    #[arg(long = "san", value_name = "NAME")]
    pub names: Vec<String>,
}

impl SubjectOptions {
    /// Nothing was given.
    pub(super) fn is_empty(&self) -> bool {
        self.common_name.is_none() && self.subject() == Subject::default() && self.names.is_empty()
    }

    pub(super) fn subject(&self) -> Subject {
        Subject {
            country: self.country.clone(),
            state: self.state.clone(),
            locality: self.city.clone(),
            organization: self.organization.clone(),
            units: self.units.clone(),
            common_name: self.common_name.clone().unwrap_or_default(),
            email: self.email.clone(),
        }
    }

    pub(super) fn alternative_names(&self) -> Result<Vec<AlternativeName>, Invalid> {
        self.names.iter().map(|name| AlternativeName::parse(name)).collect()
    }
}

/// What kind of key.
#[derive(Args)]
pub struct KeyOptions {
    /// Kind of key.
    #[arg(long, value_enum, value_name = "TYPE", default_value_t = KeyTypeArgument::P256)]
    pub key_type: KeyTypeArgument,
    /// Lock the key file in the way old programs can open, too (PBKDF2 instead of scrypt).
    #[arg(long)]
    pub compatible: bool,
}

impl KeyOptions {
    pub(super) fn derivation(&self) -> Derivation {
        if self.compatible { Derivation::Pbkdf2 } else { Derivation::Scrypt }
    }
}

/// Kinds of keys.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum KeyTypeArgument {
    P256,
    P384,
    Rsa3072,
    Ed25519,
}

impl From<KeyTypeArgument> for KeyType {
    fn from(argument: KeyTypeArgument) -> Self {
        match argument {
            KeyTypeArgument::P256 => Self::P256,
            KeyTypeArgument::P384 => Self::P384,
            KeyTypeArgument::Rsa3072 => Self::Rsa3072,
            KeyTypeArgument::Ed25519 => Self::Ed25519,
        }
    }
}

/// Who a certificate is shown to.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum UsageArgument {
    Client,
    Server,
    Both,
}

impl From<UsageArgument> for Usage {
    fn from(argument: UsageArgument) -> Self {
        match argument {
            UsageArgument::Client => Self::Client,
            UsageArgument::Server => Self::Server,
            UsageArgument::Both => Self::Both,
        }
    }
}

/// `cert new`.
#[derive(Args)]
pub struct CertNew {
    /// What it is called here, such as bank.
    pub name: String,
    /// Whose it is.
    #[command(flatten)]
    pub subject: SubjectOptions,
    /// The key.
    #[command(flatten)]
    pub key: KeyOptions,
    /// Days the self-signed certificate is valid.
    #[arg(long, default_value_t = DEFAULT_DAYS)]
    pub days: u32,
    /// Whom it is shown to: servers (client), clients (server), or both.
    #[arg(long, value_enum, default_value_t = UsageArgument::Client)]
    pub usage: UsageArgument,
    /// Write NAME.key, NAME.crt and NAME.csr into this folder instead of keeping the identity here.
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// The passphrase of the new key.
    #[command(flatten)]
    pub passphrase: PassphraseOptions,
}

/// `cert request`.
#[derive(Args)]
pub struct CertRequest {
    /// The identity.
    pub name: String,
    /// Other names than those of the last request; makes a new one, which needs the passphrase.
    #[command(flatten)]
    pub subject: SubjectOptions,
    /// Write it into this file.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The passphrase of its key.
    #[command(flatten)]
    pub passphrase: PassphraseOptions,
}

/// `cert authority`.
#[derive(Args)]
pub struct CertAuthority {
    /// What it is called here.
    pub name: String,
    /// What it calls itself in its certificate.
    #[command(flatten)]
    pub subject: SubjectOptions,
    /// The key.
    #[command(flatten)]
    pub key: KeyOptions,
    /// Days its certificate is valid; nothing it signs can be valid longer.
    #[arg(long, default_value_t = 3650)]
    pub days: u32,
    /// The passphrase of the new key.
    #[command(flatten)]
    pub passphrase: PassphraseOptions,
}

/// Which authority signs.
#[derive(Args)]
pub struct AuthorityOptions {
    /// One made with `cert authority`.
    #[arg(long, value_name = "NAME", required_unless_present = "ca_cert", conflicts_with = "ca_cert")]
    pub authority: Option<String>,
    /// The certificate of any other authority.
    #[arg(long, value_name = "FILE", requires = "ca_key")]
    pub ca_cert: Option<PathBuf>,
    /// Its private key.
    #[arg(long, value_name = "FILE", requires = "ca_cert")]
    pub ca_key: Option<PathBuf>,
    /// The record of what it signed; beside the certificate if not given (FILE.signed.jsonl).
    #[arg(long, value_name = "FILE", requires = "ca_cert")]
    pub record: Option<PathBuf>,
    /// The passphrase of its key.
    #[command(flatten)]
    pub passphrase: PassphraseOptions,
}

/// `cert sign`.
#[derive(Args)]
pub struct CertSign {
    /// The request (PEM or DER, from any tool).
    pub request: PathBuf,
    /// Who signs.
    #[command(flatten)]
    pub authority: AuthorityOptions,
    /// Days it is valid (825, or as long as the authority itself).
    #[arg(long, conflicts_with = "until")]
    pub days: Option<u32>,
    /// The day it expires.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub until: Option<String>,
    /// What its owner may do with it.
    #[arg(long, value_enum, default_value_t = UsageArgument::Client)]
    pub usage: UsageArgument,
    /// Write it into this file; into NAME.crt for a folder.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `cert revoke`.
#[derive(Args)]
pub struct CertRevoke {
    /// The certificate's file or its serial number; nothing: only a new list.
    pub what: Option<String>,
    /// Who signed it.
    #[command(flatten)]
    pub authority: AuthorityOptions,
    /// Why.
    #[arg(long, value_enum, default_value_t = ReasonArgument::Unspecified)]
    pub reason: ReasonArgument,
    /// Days until the next list at the latest; servers refuse everybody after that.
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub next: u32,
    /// Write the list into this file (PEM), in place of the one before.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Why a certificate is taken back.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum ReasonArgument {
    Unspecified,
    KeyCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    PrivilegeWithdrawn,
}

impl From<ReasonArgument> for Reason {
    fn from(argument: ReasonArgument) -> Self {
        match argument {
            ReasonArgument::Unspecified => Self::Unspecified,
            ReasonArgument::KeyCompromise => Self::KeyCompromise,
            ReasonArgument::AffiliationChanged => Self::AffiliationChanged,
            ReasonArgument::Superseded => Self::Superseded,
            ReasonArgument::CessationOfOperation => Self::CessationOfOperation,
            ReasonArgument::PrivilegeWithdrawn => Self::PrivilegeWithdrawn,
        }
    }
}

/// `cert import`.
#[derive(Args)]
pub struct CertImport {
    /// The identity; a new one if there is none of that name.
    pub name: String,
    /// The signed certificate with its chain, or key and certificate (PEM, DER, PKCS#7, PKCS#12).
    #[arg(required_unless_present = "forget", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Replace the old certificate at once, not after the first login with the new one.
    #[arg(long)]
    pub now: bool,
    /// Forget a signed certificate that waits for its first login.
    #[arg(long, conflicts_with_all = ["files", "now"])]
    pub forget: bool,
    /// The passphrase of the file; it will lock the key here, too.
    #[command(flatten)]
    pub passphrase: PassphraseOptions,
}

/// `cert export`.
#[derive(Args)]
pub struct CertExport {
    /// The identity.
    pub name: String,
    /// What is written.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = ExportForm::Certificate)]
    pub to: ExportForm,
    /// Into this file; what is public goes to standard output without it.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The passphrase of its key.
    #[command(flatten)]
    pub passphrase: PassphraseOptions,
    /// Lock the file with what this command prints (or SEALIFT_NEW_PASSPHRASE) instead of the same passphrase.
    #[arg(long, value_name = "COMMAND")]
    pub new_passphrase_command: Option<String>,
}

/// What `cert export` writes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportForm {
    /// Its own certificate, PEM: what an administrator needs.
    Certificate,
    /// The same, DER.
    Der,
    /// The certificate and its chain, PEM.
    Chain,
    /// Key and chain in one PEM file, locked so that old programs can open it (PBKDF2).
    Pem,
    /// Key and chain as PKCS#12.
    Pkcs12,
    /// The same for old Windows and Java; easier to guess.
    Pkcs12Legacy,
}

/// `cert list`.
#[derive(Args)]
pub struct CertList {
    /// Print JSON lines.
    #[arg(long)]
    pub json: bool,
}

/// `cert rename`.
#[derive(Args)]
pub struct CertRename {
    /// The identity.
    pub name: String,
    /// What it is called from now on.
    pub new: String,
}

/// `cert remove`.
#[derive(Args)]
pub struct CertRemove {
    /// The identity.
    pub name: String,
    /// Do not ask. Without its private key, its certificate is worth nothing any more.
    #[arg(long)]
    pub yes: bool,
}

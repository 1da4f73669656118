//! A person's identities, authorities and SSH keys, for a screen to list and work on. Draws nothing, asks nothing.
//!
//! - `desk`: work on certificates where they lie
//! - `ssh_keys`: SSH keys, and installing them

mod desk;
mod ssh_keys;

use std::path::PathBuf;

use jiff::Timestamp;

use self::desk::Desk;
use super::advice::Advice;
use super::engine::Engine;
use super::job::{Place, SessionId};
use crate::identity::ssh_key::{NewKeyError, SshKeyError, SshKeyType, SshPublicKey};
use crate::identity::x509::FolderError;
use crate::identity::x509::acts::{ActError, Form};
use crate::identity::x509::authority::Reason;
use crate::identity::x509::bundle::{BundleError, LARGEST};
use crate::identity::x509::draft::Draft;
use crate::identity::x509::key::KeyError;
use crate::model::FilePath;
use crate::secrets::Secret;
use crate::trust::certificate::CertificateFacts;

/// An identity, an authority or an SSH key, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityRow {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub kind: IdentityKind,
    /// The file of its certificate or key and what that says, or why it cannot be read.
    pub what: Result<(PathBuf, IdentityFacts), String>,
    /// The signed certificate that waits for the first login it brings.
    pub pending: Option<CertificateFacts>,
    /// It is shown where nothing else was chosen.
    pub is_default: bool,
}

/// What an identity is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityKind {
    /// Shown to FTPS servers that ask for a certificate.
    Certificate,
    /// Signs the certificates of others.
    Authority,
    /// Logs in to SSH servers.
    SshKey,
}

/// What is public of an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityFacts {
    /// What its certificate says.
    Certificate(Box<CertificateFacts>),
    /// An SSH key.
    SshKey {
        /// The public half.
        public: SshPublicKey,
        /// A passphrase opens it.
        is_locked: bool,
    },
}

impl IdentityFacts {
    /// Its fingerprint in the notation people compare.
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Certificate(facts) => facts.fingerprint.colons(),
            Self::SshKey { public, .. } => public.fingerprint().openssh(),
        }
    }
}

/// What of an SSH key is written to a file: public facts only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SshKeyForm {
    /// The one line of `authorized_keys`.
    Line,
    /// RFC 4716, which other SSH programs read.
    Rfc4716,
    /// A letter to an administrator.
    Sheet,
}

/// Work on identities, authorities and SSH keys. Without `Debug`: there are passphrases in it.
#[derive(Clone)]
pub enum IdentityOrder {
    /// Only list them.
    Read,
    /// Make an identity.
    Make(Box<Draft>),
    /// Make an identity as files of a folder of this machine, of one's own.
    MakeApart(Box<Draft>, FilePath),
    /// Make an authority.
    MakeAuthority(Box<Draft>),
    /// Take in a signed certificate, or a whole identity.
    TakeIn {
        /// Which identity, or what the new one is called.
        name: String,
        /// The file.
        file: (Place, FilePath),
        /// Opens what is locked; locks the key of a new identity.
        passphrase: Secret,
    },
    /// Write an identity for others.
    Export {
        /// Which.
        name: String,
        /// As what.
        form: Form,
        /// Into this new file of this machine.
        out: FilePath,
        /// Opens its key, if that goes along.
        passphrase: Secret,
        /// Locks the key in the file.
        new: Secret,
    },
    /// Write an authority's certificate, for servers to trust.
    ExportAuthority {
        /// Which.
        name: String,
        /// Into this new file of this machine.
        out: FilePath,
    },
    /// Sign somebody's request.
    Sign {
        /// Who signs.
        authority: String,
        /// The request's file.
        request: (Place, FilePath),
        /// How long it is valid.
        days: u32,
        /// Opens the authority's key.
        passphrase: Secret,
        /// Into this new file of this machine.
        out: FilePath,
    },
    /// Take back a certificate.
    Revoke {
        /// Who signed it.
        authority: String,
        /// The certificate's file; `None`: only write the next list.
        certificate: Option<(Place, FilePath)>,
        /// Why.
        reason: Reason,
        /// Opens the authority's key.
        passphrase: Secret,
        /// The list goes into this new file of this machine.
        out: FilePath,
    },
    /// Make an SSH key.
    MakeSshKey {
        /// What it is called.
        name: String,
        /// Of which kind.
        kind: SshKeyType,
        /// What stands behind it in `authorized_keys`.
        comment: String,
        /// Locks the private half.
        passphrase: Secret,
    },
    /// Write what is public of an SSH key.
    ExportSshKey {
        /// The key's file.
        file: PathBuf,
        /// As what.
        form: SshKeyForm,
        /// Into this new file of this machine.
        out: FilePath,
    },
    /// Add an SSH key to `authorized_keys` of a server, and try a second login with it alone.
    InstallSshKey {
        /// The key's file.
        file: PathBuf,
        /// Over which login.
        session: SessionId,
        /// The home folder there.
        home: FilePath,
        /// Opens the private half, to try it.
        passphrase: Secret,
    },
    /// Show this one where nothing else was chosen; `None`: show none.
    Default(Option<String>),
    /// Forget the signed certificate that waits.
    Discard(String),
    /// Give an identity another name.
    Rename(String, String),
    /// Remove an identity with its private key, for good.
    Remove(String),
}

impl IdentityOrder {
    /// The new file it writes.
    fn out(&self) -> Option<&FilePath> {
        match self {
            Self::Export { out, .. }
            | Self::ExportAuthority { out, .. }
            | Self::ExportSshKey { out, .. }
            | Self::Sign { out, .. }
            | Self::Revoke { out, .. } => Some(out),
            _ => None,
        }
    }
}

/// Why an order was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityFailure {
    /// The passphrase is what was wrong.
    pub is_passphrase: bool,
    /// In words.
    pub advice: Advice,
}

impl From<ActError> for IdentityFailure {
    fn from(error: ActError) -> Self {
        let is_passphrase = matches!(&error, ActError::Key(KeyError::WrongPassphrase | KeyError::Locked))
            || matches!(&error, ActError::Bundle(BundleError::Key(KeyError::WrongPassphrase | KeyError::Locked)));
        let next = if is_passphrase { "Check the passphrase; if it is right, the file was damaged." } else { "" };
        Self { is_passphrase, advice: Advice { what: error.to_string(), why: String::new(), next: next.to_owned(), intended: false } }
    }
}

impl From<SshKeyError> for IdentityFailure {
    fn from(error: SshKeyError) -> Self {
        Self { is_passphrase: matches!(error, SshKeyError::WrongPassphrase), advice: plain(error.to_string()) }
    }
}

impl From<NewKeyError> for IdentityFailure {
    fn from(error: NewKeyError) -> Self {
        Self { is_passphrase: false, advice: plain(error.to_string()) }
    }
}

fn plain(what: String) -> Advice {
    Advice { what, why: String::new(), next: String::new(), intended: false }
}

impl From<Advice> for IdentityFailure {
    fn from(advice: Advice) -> Self {
        Self { is_passphrase: false, advice }
    }
}

type Done = Result<String, IdentityFailure>;

impl Engine {
    /// Carries out `order`; answers in words, empty if there was nothing to do.
    pub async fn work_on_identities(&self, order: IdentityOrder) -> Done {
        if let IdentityOrder::InstallSshKey { file, session, home, passphrase } = order {
            return self.install(file, session, home, passphrase).await;
        }
        let desk = self.desk();
        let now = whole_seconds((self.services().now)());
        let mut brought = Vec::new();
        if let IdentityOrder::TakeIn { file, .. }
        | IdentityOrder::Sign { request: file, .. }
        | IdentityOrder::Revoke { certificate: Some(file), .. } = &order
        {
            brought = self.small(file).await?;
        }
        // What is signed or taken back is on record, whether it could be written out or not.
        if let Some(out) = order.out() {
            self.is_free(out).await.map_err(|error| Advice::from(&error))?;
        }
        let kept = self.services().ssh_keys.clone();
        let work = tokio::task::spawn_blocking(move || match order {
            IdentityOrder::MakeSshKey { .. } | IdentityOrder::ExportSshKey { .. } => ssh_keys::carry_out(&kept, order),
            order => desk.carry_out(order, &brought, now).map_err(IdentityFailure::from),
        });
        let (said, written) = work.await.map_err(|_| broken_off())??;
        match written {
            None => Ok(said),
            Some((out, contents)) => {
                self.write_new(&out, contents).await.map_err(|error| Advice::from(&error))?;
                Ok(format!("{said}written: {}", out.display()))
            }
        }
    }

    /// All identities and authorities, by name.
    pub async fn identities(&self) -> Result<Vec<IdentityRow>, Advice> {
        let (desk, kept, usual) = (self.desk(), self.services().ssh_keys.clone(), self.services().keys.files.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let mut rows = desk.rows()?;
            rows.extend(ssh_keys::rows(&kept, &usual));
            Ok(rows)
        });
        let rows = reading.await.map_err(|_| broken_off())?;
        rows.map_err(|error: FolderError| IdentityFailure::from(ActError::from(error)).advice)
    }

    fn desk(&self) -> Desk {
        let services = self.services();
        Desk { identities: services.identities.clone(), authorities: services.authorities.clone() }
    }

    async fn small(&self, (place, path): &(Place, FilePath)) -> Result<Vec<u8>, Advice> {
        let content = self.read_small(*place, path, LARGEST).await.map_err(|error| Advice::from(&error))?;
        content.ok_or_else(|| Advice {
            what: format!("{} is too large.", path.display()),
            why: "Certificates, requests and keys are smaller.".to_owned(),
            next: "Choose another file.".to_owned(),
            intended: false,
        })
    }
}

fn broken_off() -> Advice {
    Advice {
        what: "The work was broken off inside sealift.".to_owned(),
        why: "This is a bug, or the program is ending.".to_owned(),
        next: "The log has the details.".to_owned(),
        intended: false,
    }
}

/// As certificates count.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

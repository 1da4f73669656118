//! What a secret is for, as it is kept and as a person names it: `ftpes://bob@host`, `certificate:payroll`, `ssh-key:SHA256:…`.

use std::fmt;
use std::str::FromStr;

use crate::model::Site;
use crate::model::site::ParsedUrl;

/// What a kept secret is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Label {
    /// The password of a user at a server; [`Label::password`] makes it. The protocol is part of it: what is kept for a
    /// protected line is never sent over plain FTP.
    Password(Site),
    /// The passphrase of the private key of a client identity, by its name.
    Certificate(String),
    /// The passphrase of an SSH key, by the fingerprint of its public half as `ssh-keygen -l` prints it.
    SshKey(String),
    /// The vault's own passphrase. Never in the vault.
    Vault,
}

/// A text names no secret that could be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it names no secret; they are named like ftpes://user@host, certificate:NAME, ssh-key:SHA256:… or vault")]
pub struct NoLabel;

impl Label {
    /// The password of `user` at `site`.
    pub fn password(site: &Site, user: &str) -> Self {
        Self::Password(Site { user: Some(user.to_owned()), default_port_named: false, ..site.clone() })
    }

    /// What kind of secret it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Password(_) => "password",
            Self::Certificate(_) => "passphrase of a certificate",
            Self::SshKey(_) => "passphrase of an SSH key",
            Self::Vault => "passphrase of the vault",
        }
    }
}

const CERTIFICATE: &str = "certificate:";
const SSH_KEY: &str = "ssh-key:";
const VAULT: &str = "vault";

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password(site) => f.write_str(&site.url()),
            Self::Certificate(name) => write!(f, "{CERTIFICATE}{name}"),
            Self::SshKey(fingerprint) => write!(f, "{SSH_KEY}{fingerprint}"),
            Self::Vault => f.write_str(VAULT),
        }
    }
}

impl FromStr for Label {
    type Err = NoLabel;

    fn from_str(text: &str) -> Result<Self, NoLabel> {
        if text.contains("://") {
            let site = ParsedUrl::parse(text).map_err(|_| NoLabel)?.site;
            let user = site.user.clone().ok_or(NoLabel)?;
            return Ok(Self::password(&site, &user));
        }
        let named = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty() && !name.contains(char::is_control));
        if let Some(name) = text.strip_prefix(CERTIFICATE) {
            return named(name).map(Self::Certificate).ok_or(NoLabel);
        }
        if let Some(fingerprint) = text.strip_prefix(SSH_KEY) {
            return named(fingerprint).map(Self::SshKey).ok_or(NoLabel);
        }
        if text == VAULT { Ok(Self::Vault) } else { Err(NoLabel) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_read_as_it_is_written() {
        for text in [
            "ftpes://bob@host",
            "ftps://bob@host",
            "ftp://bob@[::1]:2121",
            "sftp://a%40b@host:2222",
            "certificate:payroll",
            "ssh-key:SHA256:abc/def+",
            "vault",
        ] {
            assert_eq!(text.parse::<Label>().unwrap().to_string(), text);
        }
        // However the place is written, it is one.
        for (text, label) in [("sftp://bob@HOST:22/in", "sftp://bob@host"), ("ftpes://bob:secret@host", "ftpes://bob@host")] {
            assert_eq!(text.parse::<Label>().unwrap().to_string(), label);
        }
        for text in ["", "bob@host", "ftpes://host", "certificate:", "ssh-key:", "ssh-key:a\nb", "vaults", "x://a@b"] {
            assert_eq!(text.parse::<Label>(), Err(NoLabel), "{text:?}");
        }
    }
}

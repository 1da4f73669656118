//! A signed certificate that came back from an authority: whether it belongs to the key, its chain put in order, and what a
//! person should know before it replaces the old one. Trust is nothing it decides about.

use std::fmt;

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::certificate::Usage;
use super::request::Request;
use crate::trust::certificate::CertificateFacts;
use crate::trust::signature::{PublicKey, Signed};

/// A certificate that can be used with the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// DER, the key's own certificate first, each signed by the next.
    pub chain: Vec<Vec<u8>>,
    /// What a person should know.
    pub remarks: Vec<Remark>,
}

/// What a person should know of a certificate that came back; names are safe to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// The chain ends at a certificate that somebody else signed.
    MissingIssuer(String),
    /// It is in the file, but belongs to another chain.
    NotInChain(String),
    /// The authority changed the subject.
    OtherSubject {
        /// As it was asked for.
        asked: String,
        /// As it was granted.
        granted: String,
    },
    /// The authority changed the alternative names.
    OtherNames {
        /// As they were asked for.
        asked: String,
        /// As they were granted.
        granted: String,
    },
    /// It begins later.
    NotYetValid(Timestamp),
    /// Nobody but its own key signed it.
    SelfSigned,
    /// X.509 version 1 or 2, which some servers refuse.
    OldVersion(u32),
    /// It says of itself that it is an authority, which some servers refuse.
    IsAuthority,
}

/// Why a certificate that came back cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is none in the file.
    #[error("there is no certificate in this file")]
    NoCertificate,
    /// They are all made over other keys.
    #[error("no certificate in this file belongs to your private key (they are of: {0}); it was made from another request")]
    WrongKey(String),
    /// Its time is over.
    #[error("this certificate expired on {0}; ask for a new one")]
    Expired(String),
    /// It ends before it begins.
    #[error("this certificate ends before it begins; whoever signed it made a mistake")]
    NeverValid,
    /// It may not be used for what it is needed for.
    #[error("this certificate is for other purposes ({0}), not for {1}; ask for one with the right extended key usage")]
    WrongUsage(String, &'static str),
}

struct Link<'a> {
    der: &'a [u8],
    facts: CertificateFacts,
    x509: X509Certificate<'a>,
}

/// Puts in order what came back for the key with this SubjectPublicKeyInfo.
pub fn check(certificates: &[Vec<u8>], spki: &[u8], request: Option<&Request>, usage: Usage, now: Timestamp) -> Result<Returned, Refused> {
    let mut links: Vec<Link<'_>> = Vec::new();
    for der in certificates {
        if let (Ok(facts), Ok((_, x509))) = (CertificateFacts::read(der), X509Certificate::from_der(der))
            && !links.iter().any(|known| known.der == der)
        {
            links.push(Link { der, facts, x509 });
        }
    }
    if links.is_empty() {
        return Err(Refused::NoCertificate);
    }
    // The old self-made one may be in the file, too: what somebody else signed goes first, then what is younger.
    let own = (0..links.len())
        .filter(|&at| links[at].x509.tbs_certificate.subject_pki.raw == spki)
        .max_by_key(|&at| (!links[at].facts.self_issued, links[at].facts.not_before));
    let Some(own) = own else {
        return Err(Refused::WrongKey(links.iter().map(|link| link.facts.owner()).collect::<Vec<_>>().join(", ")));
    };
    let leaf = links.swap_remove(own);
    let mut remarks = judge(&leaf, request, usage, now)?;
    let mut chain = vec![leaf];
    while let Some(last) = chain.last()
        && !last.facts.self_issued
    {
        let Some(next) = links.iter().position(|issuer| signed_by(last, issuer)) else {
            remarks.push(Remark::MissingIssuer(last.facts.issuer_name()));
            break;
        };
        chain.push(links.swap_remove(next));
    }
    let is_own = |link: &Link<'_>| link.x509.tbs_certificate.subject_pki.raw == spki;
    remarks.extend(links.iter().filter(|link| !is_own(link)).map(|link| Remark::NotInChain(link.facts.owner())));
    Ok(Returned { chain: chain.iter().map(|link| link.der.to_vec()).collect(), remarks })
}

fn judge(leaf: &Link<'_>, request: Option<&Request>, usage: Usage, now: Timestamp) -> Result<Vec<Remark>, Refused> {
    let facts = &leaf.facts;
    if facts.not_after < facts.not_before {
        return Err(Refused::NeverValid);
    }
    if facts.not_after < now {
        return Err(Refused::Expired(facts.not_after.strftime("%Y-%m-%d").to_string()));
    }
    if let Ok(Some(allowed)) = leaf.x509.extended_key_usage() {
        let allowed = allowed.value;
        let (client, server) = (allowed.any || allowed.client_auth, allowed.any || allowed.server_auth);
        let lacks = match usage {
            Usage::Client if !client => Some("showing it to servers"),
            Usage::Server if !server => Some("showing it to clients"),
            Usage::Both if !(client && server) => Some("showing it to servers and clients"),
            _ => None,
        };
        if let Some(purpose) = lacks {
            return Err(Refused::WrongUsage(facts.extensions.extended_key_usage.join(", "), purpose));
        }
    }
    let mut remarks = Vec::new();
    if facts.not_before > now {
        remarks.push(Remark::NotYetValid(facts.not_before));
    }
    if facts.self_issued {
        remarks.push(Remark::SelfSigned);
    }
    if facts.version < 3 {
        remarks.push(Remark::OldVersion(facts.version));
    }
    if facts.is_authority {
        remarks.push(Remark::IsAuthority);
    }
    if let Some(request) = request {
        if leaf.x509.subject().as_raw() != request.subject_der() && facts.subject != request.subject {
            remarks.push(Remark::OtherSubject { asked: in_line(&request.subject), granted: in_line(&facts.subject) });
        }
        let sorted = |names: &[String]| {
            let mut names = names.to_vec();
            names.sort();
            names
        };
        if sorted(&facts.names) != sorted(&request.names) {
            remarks.push(Remark::OtherNames { asked: list(&request.names), granted: list(&facts.names) });
        }
    }
    Ok(remarks)
}

/// By name and by signature.
fn signed_by(link: &Link<'_>, issuer: &Link<'_>) -> bool {
    link.x509.issuer().as_raw() == issuer.x509.subject().as_raw()
        && Signed::read(link.der)
            .zip(PublicKey::read(issuer.x509.tbs_certificate.subject_pki.raw))
            .is_some_and(|(signed, key)| signed.is_by(&key))
}

fn in_line(subject: &[(String, String)]) -> String {
    list(&subject.iter().map(|(label, value)| format!("{label}={value}")).collect::<Vec<_>>())
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingIssuer(issuer) => {
                write!(
                    f,
                    "the certificate of its issuer, {issuer}, is not in the file; without it, servers that only know the root may refuse yours"
                )
            }
            Self::NotInChain(owner) => {
                write!(f, "the certificate of {owner} is in the file too, but has nothing to do with yours; it is left out")
            }
            Self::OtherSubject { asked, granted } => {
                write!(f, "the authority changed the subject: you asked for {asked}; it granted {granted}")
            }
            Self::OtherNames { asked, granted } => {
                write!(f, "the authority changed the alternative names: you asked for {asked}; it granted {granted}")
            }
            Self::NotYetValid(from) => write!(f, "it is not valid before {}", from.strftime("%Y-%m-%d %H:%M UTC")),
            Self::SelfSigned => f.write_str("nobody but you signed it"),
            Self::OldVersion(version) => write!(f, "it is an X.509 version {version} certificate, which many servers refuse"),
            Self::IsAuthority => {
                f.write_str("it says of itself that it is an authority, which some servers refuse in a client's certificate")
            }
        }
    }
}

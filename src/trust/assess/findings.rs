//! The findings, one kind after the other: each is looked for by itself, so that none hides another.

use jiff::Timestamp;
use x509_parser::extensions::ParsedExtension;
use x509_parser::x509::X509Version;

use super::names::{self, NameMatch};
use super::path::{self, verify_path};
use super::walk::{self, Walk};
use super::{Assessment, Link, Purpose, Usage};
use crate::trust::algorithm::{KeyKind, signature_algorithm};
use crate::trust::anchors::Anchors;
use crate::trust::certificate;
use crate::trust::chain::LinkSignature;
use crate::trust::evidence::{Certificate, ProblemKind};
use crate::trust::signature::{PublicKey, provider_algorithms};

impl Assessment {
    /// Whether a handshake with the leaf's key can work at all.
    pub(super) fn look_at_key(&mut self, leaf: &Link<'_>) {
        let spki = &leaf.x509.tbs_certificate.subject_pki;
        let known = PublicKey::read(spki.raw)
            .is_some_and(|key| provider_algorithms().all.iter().any(|algorithm| algorithm.public_key_alg_id().as_ref() == key.algorithm));
        let kind = KeyKind::of(spki);
        let in_reach = !matches!(kind, KeyKind::Rsa { bits } if !(2048..=8192).contains(&bits));
        self.unusable = !known || !in_reach;
        if self.unusable && !kind.is_weak() {
            self.add(ProblemKind::Other, 0, &format!("its key ({kind}) is of a kind no handshake here can use"));
        }
    }

    /// What the leaf is for: names, authority.
    pub(super) fn look_at_purpose(&mut self, leaf: &Link<'_>, purpose: Purpose<'_>) {
        if let Some(host) = purpose.host {
            self.look_at_names(leaf, host);
        }
        if leaf.x509.is_ca() {
            self.add(ProblemKind::CaAsEndEntity, 0, "it is marked as a certificate authority and used as somebody's own certificate");
        }
        let unreadable = |extension: &x509_parser::extensions::X509Extension<'_>| {
            UNDERSTOOD.contains(&extension.oid.to_id_string().as_str())
                && matches!(extension.parsed_extension(), ParsedExtension::ParseError { .. })
        };
        if leaf.x509.extensions().iter().any(unreadable) || leaf.x509.tbs_certificate.extensions_map().is_err() {
            self.unusable = true;
            self.add(ProblemKind::Other, 0, "what it says of itself (names, usage) is damaged or there twice");
        }
    }

    fn look_at_names(&mut self, leaf: &Link<'_>, host: &str) {
        match names::look(&leaf.x509, host) {
            NameMatch::Listed => {}
            NameMatch::CommonNameOnly => {
                self.add(ProblemKind::NameFromCnOnly, 0, &format!("{host} stands only in its common name, where programs no longer look"));
            }
            NameMatch::No(listed) if listed.is_empty() => {
                self.add(ProblemKind::NameMismatch, 0, &format!("it names no host, so not {host} either"));
            }
            NameMatch::No(listed) => self.add(ProblemKind::NameMismatch, 0, &format!("it is for {}, not for {host}", some_of(&listed))),
        }
    }

    /// Who vouches for the leaf.
    pub(super) fn look_at_issuers(&mut self, walk: &Walk<'_>, links: &[Link<'_>]) {
        for &at in &walk.forged {
            let issuer = certificate::short_name(&links[at].x509.tbs_certificate.issuer);
            let words = format!("it says {issuer} signed it, but the signature is not by that key: damaged or forged");
            self.add(ProblemKind::BadChainSignature, links[at].at, &words);
        }
        if walk.anchor.is_some() {
            return;
        }
        let last = &links[walk.last()];
        let issuer = certificate::short_name(&last.x509.tbs_certificate.issuer);
        let words = if walk::is_self_signed(&links[0]) {
            self.add(ProblemKind::SelfSigned, 0, "it vouches for itself: nobody else signed it");
            NOBODY.to_owned()
        } else if !last.signed.is_checkable() {
            let (algorithm, _) = signature_algorithm(&last.x509.signature_algorithm);
            format!("whether {issuer} signed it cannot be checked: nobody here trusts {algorithm}")
        } else if walk::is_self_signed(last) {
            format!("it leads to {issuer}, which this machine does not trust")
        } else {
            match walk::above(last, links) {
                Some((signer, LinkSignature::Valid)) if !signer.x509.is_ca() => format!("{issuer} signed it, and is no authority"),
                Some((_, LinkSignature::Valid)) => "the way to an authority is too long to follow".to_owned(),
                Some(_) => NOBODY.to_owned(),
                None => format!("its issuer {issuer} is not known to this machine, and its certificate was not sent along"),
            }
        };
        self.add(ProblemKind::UnknownIssuer, 0, &words);
    }

    /// What the authorities above the leaf may not do, and whatever else webpki refuses for and nothing above covers.
    pub(super) fn look_at_path(&mut self, walk: &Walk<'_>, links: &[Link<'_>], usage: Usage, now: Timestamp) {
        let mut below = 0;
        for link in walk.path.iter().skip(1).map(|&at| &links[at]) {
            let most = link.x509.basic_constraints().ok().flatten().and_then(|constraints| constraints.value.path_len_constraint);
            if let Some(most) = most.filter(|&most| most < below) {
                let name = certificate::short_name(link.x509.subject());
                let words = format!("{name} may have {most} authorities below it, and here are {below} (path length)");
                self.add(ProblemKind::Other, link.at, &words);
            }
            if link.x509.subject().as_raw() != link.x509.issuer().as_raw() {
                below += 1;
            }
        }
        let Some(anchor) = walk.anchor.filter(|_| !self.unusable) else { return };
        let Some(at) = path::clamped(walk.path.iter().map(|&at| &links[at]), now) else { return };
        let chain: Vec<_> = links.iter().map(|link| Certificate { der: link.der.into() }).collect();
        // Made for the other use: that is told already, and must not hide what else is wrong.
        let usage = match usage {
            Usage::Server if self.has(ProblemKind::WrongUsage) => Usage::Client,
            Usage::Client if self.has(ProblemKind::WrongUsage) => Usage::Server,
            usage => usage,
        };
        if let Err(error) = verify_path(&chain, &Anchors::of([&*anchor.certificate.der]), usage, at) {
            let (covering, kind, words) = path::meaning(&error);
            if !covering.iter().any(|&kind| self.has(kind)) {
                self.add(kind, 0, &words);
            }
        }
    }

    /// What is wrong with one certificate as such.
    pub(super) fn look_at_link(&mut self, link: &Link<'_>, usage: Usage, now: Timestamp) {
        let validity = link.x509.validity();
        let (from, to) = (certificate::instant(&validity.not_before), certificate::instant(&validity.not_after));
        if now > to {
            self.add(ProblemKind::Expired, link.at, &format!("it was valid until {}", day(to)));
        }
        if now < from {
            self.add(ProblemKind::NotYetValid, link.at, &format!("it is valid only from {}", day(from)));
        }
        if link.x509.version() != X509Version::V3 {
            self.add(
                ProblemKind::OldVersion,
                link.at,
                &format!("its format is X.509 version {}, long replaced by 3", link.x509.version().0.saturating_add(1)),
            );
        }
        if let Ok(Some(allowed)) = link.x509.extended_key_usage() {
            let allowed = allowed.value;
            let (fits, words) = match usage {
                Usage::Server => (allowed.server_auth, "servers: its extended key usage lacks server authentication"),
                Usage::Client => (allowed.client_auth, "clients: its extended key usage lacks client authentication"),
            };
            if !fits && !allowed.any {
                self.add(ProblemKind::WrongUsage, link.at, &format!("it was not made for {words}"));
            }
        }
        let (algorithm, weak) = signature_algorithm(&link.x509.signature_algorithm);
        if weak && (link.at == 0 || !walk::is_self_signed(link)) {
            self.add(ProblemKind::WeakSignature, link.at, &format!("it is signed with {algorithm}, which can be forged"));
        }
        let key = KeyKind::of(&link.x509.tbs_certificate.subject_pki);
        if key.is_weak() {
            let more = if link.at == 0 && self.unusable { ": no connection can be made with it" } else { "" };
            self.add(ProblemKind::WeakKey, link.at, &format!("its key ({key}) is too weak{more}"));
        }
        for extension in link.x509.extensions().iter().filter(|extension| extension.critical) {
            let oid = extension.oid.to_id_string();
            if !UNDERSTOOD.contains(&oid.as_str()) {
                self.add(
                    ProblemKind::UnknownCriticalExtension,
                    link.at,
                    &format!("it has a critical extension nobody here understands: {oid}"),
                );
            }
        }
    }
}

const NOBODY: &str = "no authority this machine trusts vouches for it";

/// Extensions verification takes into account: key usage, names, basic and name constraints, CRL places, extended usage.
const UNDERSTOOD: [&str; 6] = ["2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.31", "2.5.29.37"];

fn day(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let some = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{some} and {} more", names.len() - SHOWN) } else { some }
}

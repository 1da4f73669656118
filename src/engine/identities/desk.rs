//! Work on identities and authorities where they lie. Everything here blocks.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use jiff::Timestamp;

use super::{IdentityFacts, IdentityKind, IdentityOrder, IdentityRow};
use crate::identity::x509::acts::{self, ActError, Outcome, Signer, Wanted};
use crate::identity::x509::authority::AuthorityStore;
use crate::identity::x509::bundle::Bundle;
use crate::identity::x509::key::KeyError;
use crate::identity::x509::request::Request;
use crate::identity::x509::returned::Refused;
use crate::identity::x509::store::{Identity, IdentityStore, pem};
use crate::identity::x509::{FolderError, Usage};
use crate::model::FilePath;
use crate::secrets::Secret;
use crate::trust::certificate::CertificateFacts;

/// How long the next revocation list may be waited for, in days.
const NEXT_LIST: u32 = 30;

/// The folders work is done in.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) identities: IdentityStore,
    pub(super) authorities: AuthorityStore,
}

/// What is to be said, and what is to be written where.
pub(super) type Worked = (String, Option<(FilePath, Vec<u8>)>);

impl Desk {
    pub(super) fn rows(&self) -> Result<Vec<IdentityRow>, FolderError> {
        let default = self.identities.default_name()?;
        let mut rows = Vec::new();
        for (name, identity) in self.identities.list()? {
            let pending = |identity: &Identity| CertificateFacts::read(identity.pending.as_ref()?.first()?).ok();
            let is_default = default.as_ref() == Some(&name);
            let (pending, what) = match identity {
                Ok(identity) => (pending(&identity), Ok((identity.certificate_file(), certificate(identity.certificate)))),
                Err(error) => (None, Err(error.to_string())),
            };
            rows.push(IdentityRow { name, kind: IdentityKind::Certificate, what, pending, is_default });
        }
        for (name, authority) in self.authorities.list()? {
            let what = authority.map(|kept| (kept.certificate_file(), certificate(kept.facts))).map_err(|error| error.to_string());
            rows.push(IdentityRow { name, kind: IdentityKind::Authority, what, pending: None, is_default: false });
        }
        Ok(rows)
    }

    pub(super) fn carry_out(&self, order: IdentityOrder, brought: &[u8], now: Timestamp) -> Result<Worked, ActError> {
        let said = match order {
            // Of SSH keys, others take care.
            IdentityOrder::Read
            | IdentityOrder::MakeSshKey { .. }
            | IdentityOrder::ExportSshKey { .. }
            | IdentityOrder::InstallSshKey { .. } => String::new(),
            IdentityOrder::Make(draft) => {
                let made = acts::make(&self.identities, &draft, now)?;
                format!("made {}; send its certificate to the server's administrator (e), or have it signed", made.name)
            }
            IdentityOrder::MakeApart(draft, folder) => {
                acts::make_apart(Path::new(OsStr::from_bytes(folder.as_bytes())), &draft, now)?;
                let name = &draft.name;
                format!("made {name}.key, {name}.crt and {name}.csr in {}; the key is yours to keep", folder.display())
            }
            IdentityOrder::MakeAuthority(draft) => {
                let made = acts::make_authority(&self.authorities, &draft, now)?;
                format!("made the authority {}; servers that trust it trust whom it signs", made.name)
            }
            IdentityOrder::TakeIn { name, passphrase, .. } => self.take_in(&name, brought, &passphrase, now)?,
            IdentityOrder::Export { name, form, out, passphrase, new } => {
                let contents = acts::export(&self.identities.get(&name)?, form, (&passphrase, &new))?;
                return Ok((String::new(), Some((out, contents.to_vec()))));
            }
            IdentityOrder::ExportAuthority { name, out } => {
                let pem = pem(&[self.authorities.get(&name)?.certificate]);
                return Ok((String::new(), Some((out, pem.into_bytes()))));
            }
            IdentityOrder::Sign { authority, days, passphrase, out, .. } => {
                let request = Request::read(brought)?;
                let kept = self.authorities.get(&authority)?;
                let authority = acts::open_authority(&kept, &passphrase, now)?;
                let signer = Signer { authority: &authority, record: &kept.record_file(), list: &kept.list_file() };
                let until = acts::days_from(now, days).min(authority.not_after());
                let signed = signer.sign(&request, Some(until), Usage::Client, now)?;
                let ignored = if signed.ignored.is_empty() { String::new() } else { format!(", without {}", signed.ignored.join(", ")) };
                let said = format!("signed for {} until {}, number {}{ignored}; ", signed.owner, day(signed.until), signed.serial);
                return Ok((said, Some((out, signed.pem.into_bytes()))));
            }
            IdentityOrder::Revoke { authority, certificate, reason, passphrase, out } => {
                let wanted = certificate.map(|_| certificate_in(brought)).transpose()?;
                let kept = self.authorities.get(&authority)?;
                let authority = acts::open_authority(&kept, &passphrase, now)?;
                let signer = Signer { authority: &authority, record: &kept.record_file(), list: &kept.list_file() };
                let listed = signer.revoke(wanted.as_ref().map(|wanted| (wanted, reason)), NEXT_LIST, now)?;
                let taken = listed.taken_back.map(|serial| format!("taken back: {serial}; ")).unwrap_or_default();
                let said = format!("{taken}list {}, the next is due by {}; ", listed.number, day(listed.next));
                return Ok((said, Some((out, listed.pem.into_bytes()))));
            }
            IdentityOrder::Default(name) => {
                self.identities.set_default(name.as_deref())?;
                match name {
                    Some(name) => format!("{name} is shown to every server that asks, where nothing else was chosen"),
                    None => "servers that ask are shown nothing, where nothing else was chosen".to_owned(),
                }
            }
            IdentityOrder::Discard(name) => {
                self.identities.discard(&name)?;
                format!("{name} keeps its old certificate; the new one is forgotten")
            }
            IdentityOrder::Rename(name, new) => {
                self.identities.rename(&name, &new)?;
                format!("{name} is {new} now")
            }
            IdentityOrder::Remove(name) => {
                self.identities.remove(&name)?;
                format!("{name} is removed, with its private key")
            }
        };
        Ok((said, None))
    }

    fn take_in(&self, name: &str, brought: &[u8], passphrase: &Secret, now: Timestamp) -> Result<String, ActError> {
        let bundles = vec![Bundle::read(brought)?];
        acts::can_take_in(&self.identities, name, &bundles)?;
        let is_known = self.identities.get(name).is_ok();
        if passphrase.is_empty() && (!is_known || acts::needs_passphrase(&self.identities, name, &bundles)) {
            return Err(KeyError::Locked.into());
        }
        let taken = acts::take_in(&self.identities, name, bundles, (passphrase, passphrase), now)?;
        let remarks = taken.returned.remarks.iter().fold(String::new(), |all, remark| format!("{all}; note: {remark}"));
        Ok(match taken.outcome {
            Outcome::Same => format!("{name} has this certificate already"),
            Outcome::Made => format!("{name} is kept here{remarks}"),
            Outcome::Waits => format!("the new certificate of {name} waits beside the old one for the first login it brings{remarks}"),
        })
    }
}

fn certificate(facts: CertificateFacts) -> IdentityFacts {
    IdentityFacts::Certificate(Box::new(facts))
}

fn certificate_in(brought: &[u8]) -> Result<Wanted, ActError> {
    let bundle = Bundle::read(brought)?;
    let first = bundle.certificates().first().cloned();
    first.map(Wanted::Certificate).ok_or_else(|| Refused::NoCertificate.into())
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

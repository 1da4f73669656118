//! Certificate revocation lists (RFC 5280 section 5): one file's worth, and what one says of a certificate. A list is
//! kept as it came, because some hold hundreds of thousands of numbers.

use jiff::Timestamp;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;

use super::subject::Subject;
use super::{Finding, Statement, as_of, in_force, name, reason};
use crate::model::text;
use crate::trust::der::{self, ENUMERATED, INTEGER, Reader, SEQUENCE};
use crate::trust::signature::Signed;

/// A revocation list, not yet checked.
#[derive(Clone, PartialEq, Eq)]
pub struct RevocationList {
    /// Where it came from, made safe to draw.
    pub name: String,
    der: Box<[u8]>,
}

/// Extensions of a list and of its entries, by the contents of their OBJECT IDENTIFIER (2.5.29.x).
const REASON_CODE: &[u8] = &[0x55, 0x1d, 0x15];
const INVALIDITY_DATE: &[u8] = &[0x55, 0x1d, 0x18];
const DELTA: &[u8] = &[0x55, 0x1d, 0x1b];
const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 0x1c];

/// In a list of changes only: the entry takes a revocation back.
const REMOVED: &[u8] = &[8];

/// The parts of a list.
struct Parts<'a> {
    signed: Signed<'a>,
    issuer: &'a [u8],
    from: Timestamp,
    until: Option<Timestamp>,
    entries: Reader<'a>,
    extensions: Reader<'a>,
}

impl RevocationList {
    /// The lists in a file: one in DER, or any number in PEM. Empty if there is none.
    pub fn read(name: &str, bytes: &[u8]) -> Vec<Self> {
        let name = text::display_safe(name.as_bytes());
        let list = |der: &[u8]| Parts::read(der).map(|_| Self { name: name.clone(), der: der.into() });
        if let Some(list) = list(bytes) {
            return vec![list];
        }
        CertificateRevocationListDer::pem_slice_iter(bytes).filter_map(|der| list(der.ok()?.as_ref())).collect()
    }

    /// Whether it is of the issuer of this name (DER), however the two are written.
    pub(super) fn is_of(&self, issuer: &[u8]) -> bool {
        Parts::read(&self.der).is_some_and(|parts| name::is_same(parts.issuer, issuer))
    }

    /// What it says of `subject`, whose issuer it names.
    pub(super) fn look(&self, subject: &Subject<'_>, now: Timestamp) -> Finding {
        const DAMAGED: &str = "it is damaged";
        let list = Parts::read(&self.der).ok_or(DAMAGED)?;
        if !list.signed.is_checkable() {
            return Err("it is signed in a way nobody here trusts".to_owned());
        }
        if !list.signed.is_by(&subject.issuer) {
            return Err("it is not signed by the key that issued the certificate".to_owned());
        }
        for extension in der::extensions(list.extensions).ok_or(DAMAGED)? {
            match extension.id {
                ISSUING_DISTRIBUTION_POINT => covers(der::only(extension.value, SEQUENCE).ok_or(DAMAGED)?.inside(), subject)?,
                DELTA => return Err("it holds only the changes to another list".to_owned()),
                _ if extension.critical => return Err("it has a critical extension nobody here understands".to_owned()),
                _ => {}
            }
        }
        let statement = find(list.entries, subject)?.unwrap_or(Statement::Good { until: list.until });
        // Whose key took a certificate back means it, whatever the certificate says that somebody sent along with the key.
        if matches!(statement, Statement::Good { .. }) && !subject.issuer_may_sign_lists {
            return Err("the issuer's own certificate does not allow it to sign revocation lists".to_owned());
        }
        let until = list.until.ok_or_else(|| "it does not say until when it holds".to_owned());
        as_of(statement, until.and_then(|until| in_force(list.from, until, now)))
    }
}

impl std::fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RevocationList({}, {} bytes)", self.name, self.der.len())
    }
}

impl<'a> Parts<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let signed = Signed::read(der)?;
        let mut parts = der::only(signed.message, SEQUENCE)?.inside();
        let _version = parts.take(INTEGER);
        // The algorithm stands in what is signed and beside it; both must be one.
        if parts.take(SEQUENCE)?.contents != signed.algorithm {
            return None;
        }
        let issuer = parts.take(SEQUENCE)?.whole;
        let from = parts.time()?;
        let until = parts.time();
        let entries = parts.inside(SEQUENCE).unwrap_or(Reader(&[]));
        let extensions = match parts.inside(der::context(0)) {
            Some(mut wrapped) => wrapped.inside(SEQUENCE)?,
            None => Reader(&[]),
        };
        parts.is_at_end().then_some(Self { signed, issuer, from, until, entries, extensions })
    }
}

/// The entry of `subject`. An entry that cannot be understood makes the whole list useless (RFC 5280 section 5.3).
fn find(mut entries: Reader<'_>, subject: &Subject<'_>) -> Result<Option<Statement>, String> {
    let damaged = || "an entry of it is damaged".to_owned();
    let mut found = None;
    while !entries.is_at_end() {
        let mut entry = entries.inside(SEQUENCE).ok_or_else(damaged)?;
        let serial = entry.take(INTEGER).ok_or_else(damaged)?;
        let is_wanted = found.is_none() && serial.number() == subject.serial();
        if !is_wanted && entry.0.len() <= LONGEST_TIME {
            continue;
        }
        let since = entry.time().ok_or_else(damaged)?;
        let mut why: &[u8] = &[];
        if let Some(extensions) = entry.inside(SEQUENCE) {
            for extension in der::extensions(extensions).ok_or_else(damaged)? {
                match extension.id {
                    REASON_CODE => why = der::only(extension.value, ENUMERATED).ok_or_else(damaged)?.contents,
                    INVALIDITY_DATE => {}
                    _ if extension.critical => return Err("an entry of it has a critical extension nobody here understands".to_owned()),
                    _ => {}
                }
            }
        }
        if is_wanted && why != REMOVED {
            found = Some(Statement::Revoked { since: Some(since), reason: reason(why) });
        }
    }
    Ok(found)
}

/// An entry with no more behind its number than a GeneralizedTime has no extensions.
const LONGEST_TIME: usize = 17;

/// Whether a list that is not for everything (RFC 5280 section 5.2.5) is for `subject`.
fn covers(mut point: Reader<'_>, subject: &Subject<'_>) -> Result<(), String> {
    let is_set = |flag: Option<der::Element<'_>>| flag.is_some_and(|flag| flag.contents != [0]);
    let only = |what: &str| Err(format!("it is only for {what}"));
    if let Some(mut name) = point.inside(der::context(0)) {
        let is_own = name.inside(der::context(0)).is_some_and(|names| subject.has_list_at(names));
        if !is_own {
            return only("certificates that name another place for their list");
        }
    }
    if is_set(point.take(der::context_plain(1))) && subject.x509.is_ca() {
        return only("certificates that are no authority's");
    }
    if is_set(point.take(der::context_plain(2))) && !subject.x509.is_ca() {
        return only("certificates of authorities");
    }
    if point.take(der::context_plain(3)).is_some() {
        return only("some reasons of revocation");
    }
    if is_set(point.take(der::context_plain(4))) {
        return Err("it also holds certificates of other issuers, which is not read here".to_owned());
    }
    if is_set(point.take(der::context_plain(5))) {
        return only("attribute certificates");
    }
    if point.is_at_end() { Ok(()) } else { Err("for which certificates it is cannot be read".to_owned()) }
}

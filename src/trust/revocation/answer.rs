//! Answers of an OCSP responder about one certificate, and the question to it (RFC 6960). An answer counts only if the
//! certificate's issuer, or somebody the issuer appointed for that, signed it.
//!
//! Whether the responder's own certificate was taken back is not looked at: those live for days, as RFC 6960 section
//! 4.2.2.2.1 leaves it to the issuer.

use jiff::{SignedDuration, Timestamp};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::subject::Subject;
use super::{Finding, Statement, as_of, in_force, reason};
use crate::trust::certificate;
use crate::trust::der::{self, ENUMERATED, INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, context, context_plain};
use crate::trust::signature::{PublicKey, Signed};

/// Contents of OBJECT IDENTIFIERs.
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const BASIC_RESPONSE: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];

/// More certificates than this beside an answer are not looked at.
const MOST_CERTIFICATES: usize = 5;

/// How long an answer counts that does not say it itself.
const WITHOUT_END: SignedDuration = SignedDuration::from_hours(24);

const DAMAGED: &str = "it cannot be read";

/// The question whether `subject` stands. Names it by SHA-1, which every responder knows; nothing leans on that hash.
pub(super) fn question(subject: &Subject<'_>) -> Vec<u8> {
    let (name, key) = subject.issuer_hashes::<Sha1>();
    let algorithm = der::element(SEQUENCE, &[&der::element(OBJECT_IDENTIFIER, &[SHA1]), &der::element(NULL, &[])]);
    let id = der::element(
        SEQUENCE,
        &[
            &algorithm,
            &der::element(OCTET_STRING, &[&name]),
            &der::element(OCTET_STRING, &[&key]),
            &der::element(INTEGER, &[subject.raw_serial()]),
        ],
    );
    // OCSPRequest, TBSRequest, requestList, Request: four times the same shape.
    (0..4).fold(id, |inner, _| der::element(SEQUENCE, &[&inner]))
}

/// What the DER of an OCSPResponse says of `subject`.
pub(super) fn look(bytes: &[u8], subject: &Subject<'_>, now: Timestamp) -> Finding {
    let mut outer = der::only(bytes, SEQUENCE).ok_or("it is no answer of a responder")?.inside();
    let status = outer.take(ENUMERATED).ok_or(DAMAGED)?;
    refusal(status.contents)?;
    let basic = basic_response(outer).ok_or(DAMAGED)?;
    let mut parts = basic.inside();
    let signed = Signed::take(&mut parts).ok_or(DAMAGED)?;
    let data = ResponseData::read(signed.message).ok_or(DAMAGED)?;
    if !signed.is_checkable() {
        return Err("it is signed in a way nobody here trusts".to_owned());
    }
    let certificates = match parts.inside(context(0)) {
        Some(mut wrapped) => wrapped.inside(SEQUENCE).ok_or(DAMAGED)?,
        None => Reader(&[]),
    };
    let is_issuer = data.responder_is(subject.issuer_name(), &subject.issuer_key_hash());
    if !(is_issuer && signed.is_by(&subject.issuer)) {
        appointed(certificates, &data, &signed, subject, now)?;
    }
    data.about(subject, now)
}

/// What a status other than *successful* means.
fn refusal(status: &[u8]) -> Result<(), String> {
    let words = match status {
        [0] => return Ok(()),
        [1] => "the responder did not understand the question",
        [2] => "the responder has a fault of its own",
        [3] => "the responder is busy: try again later",
        [5] => "the responder answers only signed questions",
        [6] => "the responder may not answer for this certificate",
        _ => "the responder refused to answer",
    };
    Err(words.to_owned())
}

fn basic_response(mut outer: Reader<'_>) -> Option<der::Element<'_>> {
    let mut bytes = outer.inside(context(0))?.inside(SEQUENCE)?;
    (bytes.take(OBJECT_IDENTIFIER)?.contents == BASIC_RESPONSE).then_some(())?;
    der::only(bytes.take(OCTET_STRING)?.contents, SEQUENCE)
}

/// Looks for the certificate of the one who signed, issued for that by the issuer of `subject`.
fn appointed(
    mut certificates: Reader<'_>,
    data: &ResponseData<'_>,
    signed: &Signed<'_>,
    subject: &Subject<'_>,
    now: Timestamp,
) -> Result<(), String> {
    let mut why = "it is not signed by the issuer of the certificate, nor by anybody the issuer appointed";
    for element in std::iter::from_fn(|| certificates.take(SEQUENCE)).take(MOST_CERTIFICATES) {
        let (Some(x509), Some(issued)) = (certificate::parse(element.whole), Signed::read(element.whole)) else { continue };
        let Some(key) = PublicKey::read(x509.tbs_certificate.subject_pki.raw) else { continue };
        let is_responder = data.responder_is(x509.subject().as_raw(), &Sha1::digest(key.bits));
        if !(is_responder && signed.is_by(&key)) {
            continue;
        }
        let validity = x509.validity();
        if x509.issuer().as_raw() != subject.issuer_name() || !issued.is_by(&subject.issuer) {
            why = "it is signed by somebody another authority appointed";
        } else if !matches!(x509.extended_key_usage(), Ok(Some(usage)) if usage.value.ocsp_signing) {
            why = "it is signed with a certificate that is not made for signing such answers";
        } else if now < certificate::instant(&validity.not_before) || now > certificate::instant(&validity.not_after) {
            why = "the certificate of the one who signed it is not valid now";
        } else {
            return Ok(());
        }
    }
    Err(why.to_owned())
}

/// What is signed in an answer.
struct ResponseData<'a> {
    responder: der::Element<'a>,
    responses: Reader<'a>,
    extensions: Reader<'a>,
}

impl<'a> ResponseData<'a> {
    fn read(message: &'a [u8]) -> Option<Self> {
        let mut parts = der::only(message, SEQUENCE)?.inside();
        let _version = parts.take(context(0));
        let responder = parts.any()?;
        let _produced = parts.time()?;
        let responses = parts.inside(SEQUENCE)?;
        let extensions = optional_extensions(&mut parts)?;
        parts.is_at_end().then_some(Self { responder, responses, extensions })
    }

    /// Whether it names as responder the one with this name (DER) or this SHA-1 of the key.
    fn responder_is(&self, name: &[u8], key_hash: &[u8]) -> bool {
        match self.responder.tag {
            tag if tag == context(1) => self.responder.contents == name,
            tag if tag == context(2) => der::only(self.responder.contents, OCTET_STRING).is_some_and(|hash| hash.contents == key_hash),
            _ => false,
        }
    }

    fn about(mut self, subject: &Subject<'_>, now: Timestamp) -> Finding {
        understood(self.extensions)?;
        while !self.responses.is_at_end() {
            let mut single = self.responses.inside(SEQUENCE).ok_or(DAMAGED)?;
            let id = single.inside(SEQUENCE).ok_or(DAMAGED)?;
            if is_id_of(id, subject).ok_or(DAMAGED)? {
                return statement(single, now);
            }
        }
        Err("it is about another certificate".to_owned())
    }
}

/// Whether a CertID (RFC 6960 section 4.1.1) names `subject`; `None` if it is none.
fn is_id_of(mut id: Reader<'_>, subject: &Subject<'_>) -> Option<bool> {
    let algorithm = id.inside(SEQUENCE)?.take(OBJECT_IDENTIFIER)?.contents;
    let (name, key) = match algorithm {
        SHA1 => subject.issuer_hashes::<Sha1>(),
        SHA256 => subject.issuer_hashes::<Sha256>(),
        _ => return Some(false),
    };
    let same_issuer = id.take(OCTET_STRING)?.contents == name && id.take(OCTET_STRING)?.contents == key;
    Some(same_issuer && id.take(INTEGER)?.number() == subject.serial())
}

/// Reads a SingleResponse behind its CertID.
fn statement(mut single: Reader<'_>, now: Timestamp) -> Finding {
    let status = single.any().ok_or(DAMAGED)?;
    let from = single.time().ok_or(DAMAGED)?;
    let until = match single.inside(context(0)) {
        Some(mut wrapped) => Some(wrapped.time().ok_or(DAMAGED)?),
        None => None,
    };
    understood(optional_extensions(&mut single).ok_or(DAMAGED)?)?;
    let statement = match status.tag {
        tag if tag == context_plain(0) => Statement::Good { until },
        tag if tag == context(1) => {
            let mut info = status.inside();
            let since = info.time().ok_or(DAMAGED)?;
            let why = info.inside(context(0)).and_then(|mut why| why.take(ENUMERATED));
            Statement::Revoked { since: Some(since), reason: why.and_then(|why| reason(why.contents)) }
        }
        tag if tag == context_plain(2) => return Err("the responder does not know this certificate".to_owned()),
        _ => return Err(DAMAGED.to_owned()),
    };
    let until = until.unwrap_or_else(|| from.saturating_add(WITHOUT_END).unwrap_or(Timestamp::MAX));
    as_of(statement, in_force(from, until, now))
}

/// The extensions in `[1]`, the last part of `parts`; empty if there are none.
fn optional_extensions<'a>(parts: &mut Reader<'a>) -> Option<Reader<'a>> {
    match parts.inside(context(1)) {
        Some(mut wrapped) => wrapped.inside(SEQUENCE),
        None => Some(Reader(&[])),
    }
}

fn understood(extensions: Reader<'_>) -> Result<(), String> {
    if der::extensions(extensions).ok_or(DAMAGED)?.iter().any(|extension| extension.critical) {
        return Err("it has a critical extension nobody here understands".to_owned());
    }
    Ok(())
}

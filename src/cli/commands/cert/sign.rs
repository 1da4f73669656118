//! `cert sign` and `cert revoke`: what an authority does.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

use super::own::{check_free, compute, data, now, put, read, replace};
use super::shown_path;
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::identity_args::{AuthorityOptions, CertRevoke, CertSign};
use crate::cli::{output, passphrase};
use crate::identity::x509::acts::{self, Signer, Wanted};
use crate::identity::x509::authority::{Authority, AuthorityStore, Serial};
use crate::identity::x509::bundle::Bundle;
use crate::identity::x509::key_file::KeyFile;
use crate::identity::x509::request::Request;
use crate::trust::certificate::CertificateFacts;

pub(super) async fn sign(command: &CertSign) -> Result<ExitCode, Failure> {
    let request = Request::read(&read(&command.request)?).map_err(|error| Failure::of_file(&command.request, error))?;
    // Before the passphrase is asked for.
    request.check().map_err(|error| Failure::of_file(&command.request, error))?;
    let out = command.out.as_ref().map(|out| if out.is_dir() { out.join(certificate_name(&command.request)) } else { out.clone() });
    if let Some(out) = &out {
        check_free(out)?;
    }
    let wished = command.until.as_deref().map(end_of_day).transpose()?;
    let opened = Opened::open(&command.authority).await?;
    let now = now();
    let until = wished.or(command.days.map(|days| acts::days_from(now, days)));
    let signed = opened.signer().sign(&request, until, command.usage.into(), now)?;
    for ignored in &signed.ignored {
        output::say(&format!("not granted, though the request asks for it: {ignored}"));
    }
    output::say(&format!("signed for {} until {}, number {}", signed.owner, signed.until.strftime("%Y-%m-%d"), signed.serial));
    put(out.as_deref(), &signed.pem)?;
    Ok(ExitCode::Ok)
}

pub(super) async fn revoke(command: &CertRevoke) -> Result<ExitCode, Failure> {
    let wanted = command.what.as_deref().map(wanted).transpose()?;
    let opened = Opened::open(&command.authority).await?;
    let listed = opened.signer().revoke(wanted.as_ref().map(|wanted| (wanted, command.reason.into())), command.next, now())?;
    if let Some(serial) = &listed.taken_back {
        output::say(&format!("taken back: {serial}"));
    }
    let (number, count, next) = (listed.number, listed.count, listed.next.strftime("%Y-%m-%d"));
    output::say(&format!("list {number}: {count} taken back; give servers the next one by {next}"));
    match &command.out {
        Some(file) => {
            replace(file, listed.pem.as_bytes())?;
            output::say(&format!("written: {}", shown_path(file)));
        }
        None => put(None, &listed.pem)?,
    }
    Ok(ExitCode::Ok)
}

/// What is to be taken back: a certificate's file, or a number.
fn wanted(what: &str) -> Result<Wanted, Failure> {
    let file = Path::new(what);
    if !file.exists() {
        let serial = Serial::parse(what).map_err(|error| Failure::usage(format!("{}: {error}, and no file", shown_path(file)), ""))?;
        return Ok(Wanted::Serial(serial));
    }
    let bundle = Bundle::read(&read(file)?).map_err(|error| Failure::of_file(file, error))?;
    let first = bundle.certificates().first();
    Ok(Wanted::Certificate(first.cloned().ok_or_else(|| Failure::error(format!("{}: there is no certificate in it", shown_path(file))))?))
}

/// An authority with its key open, and where its papers lie.
struct Opened {
    authority: Authority,
    record: PathBuf,
    list: PathBuf,
}

impl Opened {
    fn signer(&self) -> Signer<'_> {
        Signer { authority: &self.authority, record: &self.record, list: &self.list }
    }

    async fn open(options: &AuthorityOptions) -> Result<Self, Failure> {
        let beside = |file: &Path, ending: &str| {
            let mut name = file.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let (certificate, key, record, list) = match (&options.authority, &options.ca_cert, &options.ca_key) {
            (Some(name), ..) => {
                let kept = AuthorityStore::open(&data()?).get(name)?;
                (kept.certificate.clone(), kept.key_file(), kept.record_file(), kept.list_file())
            }
            (None, Some(certificate), Some(key)) => {
                let bundle = Bundle::read(&read(certificate)?).map_err(|error| Failure::of_file(certificate, error))?;
                let der = bundle.certificates().first().cloned();
                let der = der.ok_or_else(|| Failure::error(format!("{}: there is no certificate in it", shown_path(certificate))))?;
                let record = options.record.clone().unwrap_or_else(|| beside(certificate, ".signed.jsonl"));
                (der, key.clone(), record, beside(certificate, ".crl"))
            }
            _ => return Err(Failure::usage("no authority was named", "Name one with --authority, or with --ca-cert and --ca-key.")),
        };
        let owner = CertificateFacts::read(&certificate).map_or_else(|_| shown_path(&key), |facts| facts.owner());
        let file = KeyFile::read(&read(&key)?).map_err(|error| Failure::of_file(&key, error))?;
        let secret = if file.is_locked() {
            passphrase::existing(&options.passphrase, &format!("the authority {owner}")).await?
        } else {
            crate::secrets::Secret::new(String::new())
        };
        let key = compute(move || file.unlock(&secret)).await?.map_err(|error| Failure::of_file(&key, error))?;
        Ok(Self { authority: Authority::new(certificate, key, now())?, record, list })
    }
}

fn certificate_name(request: &Path) -> PathBuf {
    PathBuf::from(request.file_name().unwrap_or_default()).with_extension("crt")
}

/// The last second of a day, UTC.
fn end_of_day(text: &str) -> Result<Timestamp, Failure> {
    let day: Option<Date> = text.parse().ok();
    let end = day.and_then(|day| day.at(23, 59, 59, 0).to_zoned(TimeZone::UTC).ok());
    end.map(|end| end.timestamp()).ok_or_else(|| Failure::usage(format!("--until {text}: this is no date such as 2027-06-30"), ""))
}

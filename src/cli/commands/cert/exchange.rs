//! `cert import` and `cert export`: what comes from others, and what goes to them.

use super::own::{Readable, check_free, compute, data, now, put, read, write_new};
use super::shown_path;
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::identity_args::{CertExport, CertImport, ExportForm};
use crate::cli::{output, passphrase};
use crate::identity::x509::bundle::{Bundle, BundleError, Opened};
use crate::identity::x509::key::{Derivation, PrivateKey};
use crate::identity::x509::pkcs12::{self, Strength};
use crate::identity::x509::returned::{Returned, check};
use crate::identity::x509::store::{Facts, Identity, IdentityStore, New, pem};
use crate::identity::x509::{FolderError, Usage};
use crate::secrets::Secret;
use crate::trust::certificate::CertificateFacts;

pub(super) async fn import(command: &CertImport) -> Result<ExitCode, Failure> {
    let store = IdentityStore::open(&data()?);
    if command.forget {
        store.discard(&command.name)?;
        output::say(&format!("{} keeps its old certificate; the new one is forgotten", command.name));
        return Ok(ExitCode::Ok);
    }
    let mut bundles = Vec::new();
    for file in &command.files {
        bundles.push(Bundle::read(&read(file)?).map_err(|error| Failure::of_file(file, error))?);
    }
    let is_locked = bundles.iter().any(Bundle::is_locked);
    match store.get(&command.name) {
        Ok(identity) => {
            // A key that came along is not needed: the identity has its own. A PKCS#12 file hides its certificates, too.
            let hidden = bundles.iter().all(|bundle| bundle.certificates().is_empty());
            let certificates = if hidden {
                open(bundles, passphrase(command, is_locked).await?).await?.certificates
            } else {
                bundles.iter().flat_map(|bundle| bundle.certificates().to_vec()).collect()
            };
            replace(command, &store, &identity, &certificates)
        }
        Err(FolderError::Missing(_)) => {
            let secret = passphrase(command, is_locked).await?;
            let opened = open(bundles, secret.clone()).await?;
            let Some(key) = opened.key else {
                return Err(Failure::usage(
                    format!("there is no identity called {}, and no private key in the file to make one of", command.name),
                    "Name the identity whose request was signed (`sealift cert list`), or bring the private key, too.",
                ));
            };
            let secret = if is_locked { secret } else { new_passphrase(command).await? };
            keep(command, &store, key, &opened.certificates, secret).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn passphrase(command: &CertImport, is_locked: bool) -> Result<Secret, Failure> {
    if !is_locked {
        return Ok(Secret::new(String::new()));
    }
    let files = command.files.iter().map(|file| shown_path(file)).collect::<Vec<_>>().join(", ");
    passphrase::existing(&command.passphrase, &files).await
}

async fn new_passphrase(command: &CertImport) -> Result<Secret, Failure> {
    let (first, second) = passphrase::new(&command.passphrase, &command.name).await?;
    match (first == second, first.is_empty()) {
        (true, false) => Ok(first),
        (true, true) => Err(Failure::usage("a passphrase is needed: without one, whoever reads the key file is you", "")),
        (false, _) => Err(Failure::usage("the two passphrases are not the same", "")),
    }
}

/// All of them as one.
async fn open(bundles: Vec<Bundle>, secret: Secret) -> Result<Opened, Failure> {
    let work = move || {
        let mut all = Opened { certificates: Vec::new(), key: None };
        for bundle in bundles {
            let opened = bundle.open(&secret)?;
            all.certificates.extend(opened.certificates);
            all.key = all.key.or(opened.key);
        }
        Ok::<_, BundleError>(all)
    };
    Ok(compute(work).await??)
}

/// A signed certificate takes the place of the old one, at once or after the first login.
fn replace(command: &CertImport, store: &IdentityStore, identity: &Identity, certificates: &[Vec<u8>]) -> Result<ExitCode, Failure> {
    let request = identity.request()?;
    let returned = check(certificates, identity.public_key(), request.as_ref(), identity.facts.usage, now())?;
    if returned.chain == identity.chain {
        output::say(&format!("{} has this certificate already", command.name));
        return Ok(ExitCode::Ok);
    }
    tell(&returned);
    store.stage(&command.name, &returned.chain)?;
    if command.now {
        store.commit(&command.name)?;
        output::say(&format!("{} has its new certificate; the old one is gone", command.name));
    } else {
        output::say(&format!("the new certificate of {} is kept beside the old one until the first login with it", command.name));
    }
    Ok(ExitCode::Ok)
}

/// A new identity out of key and certificate.
async fn keep(
    command: &CertImport,
    store: &IdentityStore,
    key: PrivateKey,
    certificates: &[Vec<u8>],
    secret: Secret,
) -> Result<ExitCode, Failure> {
    let now = now();
    let returned = check(certificates, &key.public(), None, Usage::Client, now)?;
    tell(&returned);
    let locked = compute(move || key.lock(&secret, Derivation::Scrypt)).await??;
    let facts = Facts { made: now, usage: Usage::Client };
    let identity = store.add(&command.name, &New { key: &locked, chain: &returned.chain, request: None, facts })?;
    output::say(&format!("{} is kept in {}; the passphrase is the one you gave", command.name, shown_path(&identity.folder)));
    Ok(ExitCode::Ok)
}

fn tell(returned: &Returned) {
    if let Some(facts) = returned.chain.first().and_then(|der| CertificateFacts::read(der).ok()) {
        let until = facts.not_after.strftime("%Y-%m-%d");
        output::say(&format!("certificate of {}, by {}, until {until}", facts.owner(), facts.issuer_name()));
    }
    for remark in &returned.remarks {
        output::say(&format!("note: {remark}"));
    }
}

pub(super) async fn export(command: &CertExport) -> Result<ExitCode, Failure> {
    let identity = IdentityStore::open(&data()?).get(&command.name)?;
    let own = || pem(&identity.chain[..1]);
    match command.to {
        ExportForm::Certificate => put(command.out.as_deref(), &own())?,
        ExportForm::Chain => put(command.out.as_deref(), &pem(&identity.chain))?,
        ExportForm::Der => {
            let file = command.out.as_deref().ok_or_else(|| needs_out("DER is binary"))?;
            write_new(file, &identity.chain[0], Readable::ByAll)?;
            output::say(&format!("written: {}", shown_path(file)));
        }
        ExportForm::Pem | ExportForm::Pkcs12 | ExportForm::Pkcs12Legacy => {
            let file = command.out.as_deref().ok_or_else(|| needs_out("a private key is written to a file only"))?;
            check_free(file)?;
            let secret = passphrase::existing(&command.passphrase, &command.name).await?;
            let new = passphrase::given(command.new_passphrase_command.as_ref(), "SEALIFT_NEW_PASSPHRASE").await?;
            let (form, new) = (command.to, new.unwrap_or_else(|| secret.clone()));
            let bytes = compute(move || locked(&identity, form, &secret, &new)).await??;
            write_new(file, &bytes, Readable::ByOwner)?;
            output::say(&format!("written, with the private key, locked: {}", shown_path(file)));
        }
    }
    Ok(ExitCode::Ok)
}

fn needs_out(why: &str) -> Failure {
    Failure::usage(format!("{why}: a file is needed"), "Name it with --out.")
}

fn locked(identity: &Identity, form: ExportForm, secret: &Secret, new: &Secret) -> Result<Vec<u8>, Failure> {
    let key = identity.unlock(secret)?;
    let strength = match form {
        ExportForm::Pkcs12 => Strength::Modern,
        ExportForm::Pkcs12Legacy => Strength::Legacy,
        _ => {
            let text = key.lock(new, Derivation::Pbkdf2)?;
            return Ok([text.as_bytes(), pem(&identity.chain).as_bytes()].concat());
        }
    };
    Ok(pkcs12::write(&key, &identity.chain, &identity.name, new, strength)?)
}

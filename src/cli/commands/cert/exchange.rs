//! `cert import` and `cert export`: what comes from others, and what goes to them.

use super::own::{Readable, check_free, compute, data, now, put, read, write_new};
use super::shown_path;
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::identity_args::{CertExport, CertImport, ExportForm};
use crate::cli::{output, passphrase};
use crate::identity::x509::acts::{self, Form, Outcome};
use crate::identity::x509::bundle::Bundle;
use crate::identity::x509::pkcs12::Strength;
use crate::identity::x509::returned::Returned;
use crate::identity::x509::store::IdentityStore;
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
    acts::can_take_in(&store, &command.name, &bundles)?;
    let is_new = store.get(&command.name).is_err();
    let is_locked = acts::needs_passphrase(&store, &command.name, &bundles);
    let secret =
        if is_locked { passphrase::existing(&command.passphrase, &shown_files(command)).await? } else { Secret::new(String::new()) };
    let new = if is_new && !is_locked { new_passphrase(command).await? } else { secret.clone() };
    let (name, kept) = (command.name.clone(), store.clone());
    let taken = compute(move || acts::take_in(&kept, &name, bundles, (&secret, &new), now())).await??;
    if taken.outcome != Outcome::Same {
        tell(&taken.returned);
    }
    let name = &command.name;
    output::say(&match taken.outcome {
        Outcome::Same => format!("{name} has this certificate already"),
        Outcome::Made => format!("{name} is kept in {}; the passphrase is the one you gave", shown_path(&store.get(name)?.folder)),
        Outcome::Waits if command.now => {
            store.commit(name, &taken.returned.chain)?;
            format!("{name} has its new certificate; the old one is gone")
        }
        Outcome::Waits => format!("the new certificate of {name} is kept beside the old one until the first login with it"),
    });
    Ok(ExitCode::Ok)
}

fn shown_files(command: &CertImport) -> String {
    command.files.iter().map(|file| shown_path(file)).collect::<Vec<_>>().join(", ")
}

async fn new_passphrase(command: &CertImport) -> Result<Secret, Failure> {
    let (first, second) = passphrase::new(&command.passphrase, &command.name).await?;
    match (first == second, first.is_empty()) {
        (true, false) => Ok(first),
        (true, true) => Err(Failure::usage("a passphrase is needed: without one, whoever reads the key file is you", "")),
        (false, _) => Err(Failure::usage("the two passphrases are not the same", "")),
    }
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
    let form = Form::from(command.to);
    let none = Secret::new(String::new());
    if !form.has_key() && form != Form::Der {
        let text = acts::export(&identity, form, (&none, &none))?;
        put(command.out.as_deref(), &String::from_utf8_lossy(&text))?;
        return Ok(ExitCode::Ok);
    }
    let why = if form.has_key() { "a private key is written to a file only" } else { "DER is binary" };
    let file = command.out.as_deref().ok_or_else(|| Failure::usage(format!("{why}: a file is needed"), "Name it with --out."))?;
    if !form.has_key() {
        write_new(file, &acts::export(&identity, form, (&none, &none))?, Readable::ByAll)?;
        output::say(&format!("written: {}", shown_path(file)));
        return Ok(ExitCode::Ok);
    }
    check_free(file)?;
    let secret = passphrase::existing(&command.passphrase, &command.name).await?;
    let new = passphrase::given(command.new_passphrase_command.as_ref(), "SEALIFT_NEW_PASSPHRASE").await?;
    let new = new.unwrap_or_else(|| secret.clone());
    let bytes = compute(move || acts::export(&identity, form, (&secret, &new))).await??;
    write_new(file, &bytes, Readable::ByOwner)?;
    output::say(&format!("written, with the private key, locked: {}", shown_path(file)));
    Ok(ExitCode::Ok)
}

impl From<ExportForm> for Form {
    fn from(form: ExportForm) -> Self {
        match form {
            ExportForm::Certificate => Self::Certificate,
            ExportForm::Der => Self::Der,
            ExportForm::Chain => Self::Chain,
            ExportForm::Pem => Self::Pem,
            ExportForm::Pkcs12 => Self::Pkcs12(Strength::Modern),
            ExportForm::Pkcs12Legacy => Self::Pkcs12(Strength::Legacy),
        }
    }
}

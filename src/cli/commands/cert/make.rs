//! `cert new`, `cert request`, `cert authority`: keys, and what is made over them.

use jiff::Timestamp;

use super::own::{compute, data, now, put};
use super::shown_path;
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::identity_args::{CertAuthority, CertNew, CertRequest, SubjectOptions};
use crate::cli::{output, passphrase};
use crate::identity::x509::acts;
use crate::identity::x509::authority::AuthorityStore;
use crate::identity::x509::draft::{Draft, Step};
use crate::identity::x509::names::Invalid;
use crate::identity::x509::request::Request;
use crate::identity::x509::store::IdentityStore;
use crate::trust::Fingerprint;

pub(super) async fn new(command: &CertNew) -> Result<ExitCode, Failure> {
    if command.folder.as_deref().is_some_and(|folder| folder.to_string_lossy().contains("://")) {
        return Err(Failure::usage(
            "a private key is made on this machine only, never on a server",
            "Choose a folder of this machine, and send the .crt or .csr file alone.",
        ));
    }
    let draft = Draft {
        names: command.subject.alternative_names()?,
        key_type: command.key.key_type.into(),
        days: command.days,
        usage: command.usage.into(),
        derivation: command.key.derivation(),
        ..draft(&command.name, &command.subject)
    };
    check(&draft)?;
    let store = IdentityStore::open(&data()?);
    if command.folder.is_none() && store.get(&command.name).is_ok() {
        return Err(crate::identity::x509::FolderError::Exists(command.name.clone()).into());
    }
    let name = &command.name;
    let print = if let Some(folder) = &command.folder {
        let to = folder.clone();
        let certificate = make(draft, &command.passphrase, move |draft, now| acts::make_apart(&to, draft, now)).await?;
        output::say(&format!("made {name}: {name}.key (keep it), {name}.crt and {name}.csr in {}", shown_path(folder)));
        Fingerprint::of(&certificate)
    } else {
        let identity = make(draft, &command.passphrase, move |draft, now| acts::make(&store, draft, now)).await?;
        output::say(&format!("made {name} in {}", shown_path(&identity.folder)));
        output::say(&format!("for the server's administrator: {}", shown_path(&identity.certificate_file())));
        output::say(&format!("to have it signed instead: {}", shown_path(&identity.request_file())));
        identity.certificate.fingerprint
    };
    output::say(&format!("SHA-256: {}", print.colons()));
    Ok(ExitCode::Ok)
}

pub(super) async fn authority(command: &CertAuthority) -> Result<ExitCode, Failure> {
    let draft = Draft {
        key_type: command.key.key_type.into(),
        days: command.days,
        derivation: command.key.derivation(),
        ..draft(&command.name, &command.subject)
    };
    if !command.subject.names.is_empty() {
        return Err(Failure::usage("an authority has no alternative names", "Leave out --san."));
    }
    check(&draft)?;
    let store = AuthorityStore::open(&data()?);
    if store.get(&command.name).is_ok() {
        return Err(crate::identity::x509::FolderError::Exists(command.name.clone()).into());
    }
    let kept = make(draft, &command.passphrase, move |draft, now| acts::make_authority(&store, draft, now)).await?;
    output::say(&format!(
        "made the authority {}; servers that trust {} trust whom it signs",
        command.name,
        shown_path(&kept.certificate_file())
    ));
    output::say(&format!("SHA-256: {}", kept.facts.fingerprint.colons()));
    Ok(ExitCode::Ok)
}

pub(super) async fn request(command: &CertRequest) -> Result<ExitCode, Failure> {
    let store = IdentityStore::open(&data()?);
    let identity = store.get(&command.name)?;
    let text = if command.subject.is_empty() {
        let kept = identity.request()?.ok_or_else(|| {
            Failure::usage(format!("{} has no request yet", command.name), "Make one: name its owner with --cn, --organization and so on.")
        })?;
        kept.pem()
    } else {
        let (subject, names) = (command.subject.subject(), command.subject.alternative_names()?);
        subject.check().into_iter().next().map_or(Ok(()), Err)?;
        let secret = passphrase::existing(&command.passphrase, &command.name).await?;
        let made = compute(move || -> Result<String, Failure> { Ok(Request::make(&subject, &names, &identity.unlock(&secret)?)?) });
        let text = made.await??;
        store.set_request(&command.name, &text)?;
        text
    };
    put(command.out.as_deref(), &text)?;
    Ok(ExitCode::Ok)
}

fn draft(name: &str, subject: &SubjectOptions) -> Draft {
    Draft { name: name.to_owned(), subject: subject.subject(), ..Draft::default() }
}

/// Everything but the passphrase, before it is asked for.
fn check(draft: &Draft) -> Result<(), Failure> {
    let wrong: Vec<Invalid> = [Step::Name, Step::Owner, Step::Key].into_iter().flat_map(|step| draft.check(step)).collect();
    match wrong.split_first() {
        None => Ok(()),
        Some((first, rest)) => {
            let mut failure = Failure::from(first.clone());
            failure.advice.why = rest.iter().map(|invalid| invalid.why.as_str()).collect::<Vec<_>>().join("; ");
            Err(failure)
        }
    }
}

async fn make<T: Send + 'static, E: Into<Failure> + Send + 'static>(
    mut draft: Draft,
    options: &crate::cli::identity_args::PassphraseOptions,
    make: impl FnOnce(&Draft, Timestamp) -> Result<T, E> + Send + 'static,
) -> Result<T, Failure> {
    (draft.passphrase, draft.confirmation) = passphrase::new(options, &draft.name).await?;
    compute(move || make(&draft, now())).await?.map_err(Into::into)
}

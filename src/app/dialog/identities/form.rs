//! The forms of the list of identities: what a person fills in to make, send, take in, sign and take back, and the order
//! that comes of it.

use std::path::PathBuf;

use crate::app::dialog::form::{Faults, Field, Form, FormAnswer};
use crate::app::dialog::{Command, Next};
use crate::app::key::{Key, KeyCode};
use crate::app::message::Generation;
use crate::engine::{IdentityFailure, IdentityOrder, Place, SessionId, SshKeyForm};
use crate::identity::ssh_key::SshKeyType;
use crate::identity::x509::Usage;
use crate::identity::x509::acts;
use crate::identity::x509::authority::Reason;
use crate::identity::x509::draft::{DEFAULT_DAYS, Draft, Step, check_name};
use crate::identity::x509::key::{Derivation, KeyType};
use crate::identity::x509::names::{AlternativeName, Field as Of, Subject};
use crate::identity::x509::pkcs12::Strength;
use crate::model::FilePath;
use crate::secrets::Secret;

/// What a form is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Make an identity.
    New,
    /// Make an authority.
    NewAuthority,
    /// Take in a certificate; for this identity, or a new one.
    TakeIn(String),
    /// Write an identity to a file.
    Export(String),
    /// Write an authority's certificate to a file.
    ExportAuthority(String),
    /// Sign a request as this authority.
    Sign(String),
    /// Take back a certificate as this authority.
    Revoke(String),
    /// Give an identity another name.
    Rename(String),
    /// Make an SSH key.
    NewSshKey,
    /// Write what is public of this SSH key, whose file it is, to a file.
    ExportSshKey(String, PathBuf),
    /// Add an SSH key to a server's `authorized_keys`, and try it.
    InstallSshKey(Install),
}

/// Which SSH key goes where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// The key's file.
    pub file: PathBuf,
    /// Over which login.
    pub session: SessionId,
    /// The home folder there.
    pub home: FilePath,
    /// The server in words.
    pub server: String,
}

impl Install {
    /// The order, with what opens the key.
    pub(in crate::app) fn order(self, passphrase: Secret) -> IdentityOrder {
        IdentityOrder::InstallSshKey { file: self.file, session: self.session, home: self.home, passphrase }
    }
}

/// A form on the screen.
pub struct IdentityForm {
    /// Its fields.
    pub form: Form,
    /// What it is for.
    pub purpose: Purpose,
    /// Files are read from here if their names are relative.
    pub from: (Place, FilePath),
    /// And written to here, on this machine.
    pub to: FilePath,
    /// It was sent, and an answer is waited for.
    pub waiting: Option<Generation>,
    /// What is wrong with all of it, since it was sent.
    pub failed: Option<String>,
}

/// What is said while it is waited for.
pub const WORKING: &str = "Working: opening or making a key takes a second or two on purpose…";

const KEY_TYPES: [(KeyType, &str); 4] = [
    (KeyType::P256, "ECDSA P-256: every server takes it"),
    (KeyType::P384, "ECDSA P-384"),
    (KeyType::Rsa3072, "RSA 3072: for old servers"),
    (KeyType::Ed25519, "Ed25519: old servers do not know it"),
];
const FORMS: [(acts::Form, &str, &str); 7] = [
    (acts::Form::Certificate, "certificate, PEM: for an administrator", "crt"),
    (acts::Form::Request, "request, PEM: for an authority to sign", "csr"),
    (acts::Form::Der, "certificate, DER", "der"),
    (acts::Form::Chain, "certificate with its chain, PEM", "pem"),
    (acts::Form::Pkcs12(Strength::Modern), "with the key: PKCS#12", "p12"),
    (acts::Form::Pkcs12(Strength::Legacy), "with the key: PKCS#12 for old Windows and Java", "p12"),
    (acts::Form::Pem, "with the key: PEM for old programs", "pem"),
];
const SSH_KEY_TYPES: [(SshKeyType, &str); 5] = [
    (SshKeyType::Ed25519, "Ed25519: every server since 2014 takes it"),
    (SshKeyType::P256, "ECDSA P-256"),
    (SshKeyType::P384, "ECDSA P-384"),
    (SshKeyType::P521, "ECDSA P-521"),
    (SshKeyType::Rsa(SshKeyType::FEWEST_RSA_BITS), "RSA 3072: for old servers"),
];
const SSH_KEY_FORMS: [(SshKeyForm, &str, &str); 3] = [
    (SshKeyForm::Line, "the one line of authorized_keys", "pub"),
    (SshKeyForm::Rfc4716, "SSH2 public key (RFC 4716), for other programs", "ssh2"),
    (SshKeyForm::Sheet, "a letter to the server's administrator", "txt"),
];
const REASONS: [(Reason, &str); 6] = [
    (Reason::Unspecified, "not said"),
    (Reason::KeyCompromise, "somebody else may have the key"),
    (Reason::AffiliationChanged, "name or place changed"),
    (Reason::Superseded, "there is a newer one"),
    (Reason::CessationOfOperation, "not needed any more"),
    (Reason::PrivilegeWithdrawn, "not allowed any more"),
];

impl IdentityForm {
    /// An empty form; `file`: the name of the file under the cursor, if it may be what is meant.
    pub(in crate::app) fn new(purpose: Purpose, from: (Place, FilePath), to: FilePath, file: &str) -> Self {
        let form = fields(&purpose, file);
        Self { form, purpose, from, to, waiting: None, failed: None }
    }

    pub(in crate::app::dialog) fn key(&mut self, key: Key) -> Next {
        if self.waiting.is_some() {
            // What has begun is brought to its end; the answer goes to the list.
            return if key.code == KeyCode::Esc { Next::Close } else { Next::Stay };
        }
        self.failed = None;
        let (purpose, from, to) = (&self.purpose, &self.from, &self.to);
        let answer = self.form.key(key, |form| check(purpose, form, from, to));
        match answer {
            FormAnswer::Open => Next::Stay,
            FormAnswer::Cancelled => Next::Close,
            FormAnswer::Sent => match order(&self.purpose, &self.form, &self.from, &self.to) {
                Ok(order) => Next::Do(Command::Identities(order)),
                Err((field, why)) => {
                    self.form.refuse(field, why);
                    Next::Stay
                }
            },
        }
    }

    /// It could not be done; what was filled in stays.
    pub(in crate::app) fn refuse(&mut self, failure: &IdentityFailure) {
        self.waiting = None;
        if failure.is_passphrase && self.form.field("passphrase").is_some() {
            self.form.refuse("passphrase", failure.advice.sentence());
        } else {
            self.failed = Some(failure.advice.sentence());
        }
    }
}

fn fields(purpose: &Purpose, file: &str) -> Form {
    let passphrase = |hint| Field::secret("passphrase", "Passphrase", hint);
    let again = || Field::secret("again", "Once more", "The same again.");
    let days = |days: u32| Field::text("days", "Valid for days", "From now on.", &days.to_string());
    let choice = |name, label, hint, options: Vec<&str>| Field::choice(name, label, hint, options, 0);
    match purpose {
        Purpose::New | Purpose::NewAuthority => {
            let is_authority = *purpose == Purpose::NewAuthority;
            let mut fields = vec![
                Field::text("name", "Name here", "What you call it: letters, digits, - _ . and @, such as payroll.", ""),
                Field::text(
                    "common-name",
                    "Common name (CN)",
                    "You, or the program or host it is for; servers show it to their people.",
                    "",
                ),
                Field::text("organization", "Company (O)", "May stay empty.", ""),
                Field::text("units", "Departments (OU)", "The largest first, with ; between them. May stay empty.", ""),
                Field::text("locality", "City (L)", "May stay empty.", ""),
                Field::text("state", "State (ST)", "May stay empty.", ""),
                Field::text("country", "Country (C)", "Two capital letters, such as DE. May stay empty.", ""),
                Field::text("email", "E-mail", "May stay empty.", ""),
                Field::text("names", "Other names (SAN)", "Hosts, addresses, e-mail addresses with , between them. May stay empty.", ""),
                choice("key-type", "Key", "Left and Right choose.", KEY_TYPES.map(|(_, words)| words).to_vec()),
                days(if is_authority { 3650 } else { DEFAULT_DAYS }),
                Field::text(
                    "folder",
                    "Folder",
                    "Empty: kept here, and shown to servers. Else its three files are put there, for another program.",
                    "",
                ),
                passphrase("Locks the private key. Nobody can read it back to you."),
                again(),
            ];
            if is_authority {
                fields.retain(|field| !matches!(field.name, "names" | "folder"));
            }
            let title = if is_authority { "An authority of your own" } else { "A new identity" };
            Form::new(title, "Make it", fields)
        }
        Purpose::TakeIn(name) => Form::new(
            "Take in a signed certificate, or a whole identity",
            "Take it in",
            vec![
                Field::text(
                    "name",
                    "For",
                    "The identity whose request was signed; another name makes a new one of key and certificate.",
                    name,
                ),
                Field::text("file", "File", "PEM, DER, PKCS#7 or PKCS#12.", file),
                passphrase("Only if the file is locked (PKCS#12), or to lock the key of a new identity."),
            ],
        ),
        Purpose::Export(name) => Form::new(
            format!("Write {name} to a file"),
            "Write",
            vec![
                choice(
                    "form",
                    "What",
                    "Left and Right choose. Send what is without the key; keep the rest to yourself.",
                    FORMS.map(|(_, words, _)| words).to_vec(),
                ),
                Field::text("out", "New file", "Empty: its name with a fitting ending.", ""),
                passphrase("Opens its private key; only where the key goes along."),
                Field::secret("new", "Lock it with", "Empty: the same passphrase."),
                Field::secret("again", "Once more", "The same again."),
            ],
        ),
        Purpose::ExportAuthority(name) => Form::new(
            format!("Write the certificate of {name}: what servers are told to trust"),
            "Write",
            vec![Field::text("out", "New file", "The private key stays here.", &format!("{name}.crt"))],
        ),
        Purpose::Sign(name) => Form::new(
            format!("Sign a request as {name}"),
            "Sign",
            vec![
                Field::text("file", "Request", "Its owner's bytes are kept; that it asks to be an authority is not honoured.", file),
                days(DEFAULT_DAYS),
                Field::text("out", "New file", "The signed certificate with yours; empty: the request's name with .crt.", ""),
                passphrase("Opens the authority's key."),
            ],
        ),
        Purpose::Revoke(name) => Form::new(
            format!("Take back a certificate {name} signed"),
            "Take it back",
            vec![
                Field::text("file", "Certificate", "Empty: only write the next revocation list.", file),
                choice("reason", "Why", "Left and Right choose.", REASONS.map(|(_, words)| words).to_vec()),
                Field::text("out", "New file", "The revocation list, for servers.", &format!("{name}.crl")),
                passphrase("Opens the authority's key."),
            ],
        ),
        Purpose::NewSshKey => Form::new(
            "A new SSH key",
            "Make it",
            vec![
                Field::text("name", "Name here", "What you call it: letters, digits, - _ . and @, such as bank.", ""),
                choice("key-type", "Key", "Left and Right choose.", SSH_KEY_TYPES.map(|(_, words)| words).to_vec()),
                Field::text("comment", "Comment", "Stands behind it in authorized_keys; everybody there can read it. Empty: its name.", ""),
                passphrase("Locks the private key. It is not the password of any server, and nobody can read it back to you."),
                again(),
            ],
        ),
        Purpose::ExportSshKey(name, _) => Form::new(
            format!("Write what is public of {name} to a file"),
            "Write",
            vec![
                choice(
                    "form",
                    "What",
                    "Left and Right choose. None of them opens anything.",
                    SSH_KEY_FORMS.map(|(_, words, _)| words).to_vec(),
                ),
                Field::text("out", "New file", "Empty: its name with a fitting ending.", ""),
            ],
        ),
        Purpose::InstallSshKey(install) => Form::new(
            format!("Add the key to authorized_keys of {}", install.server),
            "Add it",
            vec![passphrase("Opens the key, to try a login with it alone. Only the public line is sent.")],
        ),
        Purpose::Rename(name) => Form::new(
            format!("Another name for {name}"),
            "Rename",
            vec![Field::text("name", "Name here", "Sites that are bound to it follow by hand.", name)],
        ),
    }
}

/// What is wrong with the form as it stands.
fn check(purpose: &Purpose, form: &Form, from: &(Place, FilePath), to: &FilePath) -> Faults {
    match purpose {
        Purpose::New | Purpose::NewAuthority => check_draft(form),
        Purpose::NewSshKey => check_ssh_key(form),
        Purpose::Export(_) if !chosen_form(form).0.has_key() => Faults::new(),
        Purpose::Export(_) => {
            let mut faults = Faults::new();
            if form.text("passphrase").is_empty() {
                faults.push(("passphrase", "the private key goes along: its passphrase is needed".to_owned()));
            }
            if form.text("new") != form.text("again") {
                faults.push(("again", "the two are not the same".to_owned()));
            }
            faults
        }
        _ => order(purpose, form, from, to).err().into_iter().collect(),
    }
}

fn check_draft(form: &Form) -> Faults {
    let mut faults = Faults::new();
    if let Err(why) = names(form) {
        faults.push(("names", why));
    }
    if days(form).is_none() {
        faults.push(("days", "a whole number of days is needed".to_owned()));
    }
    let draft = draft(form);
    for invalid in Step::ALL.into_iter().flat_map(|step| draft.check(step)) {
        let field = match invalid.field {
            Of::Name => "name",
            Of::Country => "country",
            Of::State => "state",
            Of::Locality => "locality",
            Of::Organization => "organization",
            Of::Unit => "units",
            Of::CommonName => "common-name",
            Of::Email => "email",
            Of::AlternativeName => "names",
            Of::Days => "days",
            Of::Passphrase => "passphrase",
            Of::Confirmation => "again",
        };
        faults.push((field, invalid.why));
    }
    faults
}

fn check_ssh_key(form: &Form) -> Faults {
    let mut faults = Faults::new();
    if let Err(invalid) = check_name(form.text("name").trim()) {
        faults.push(("name", invalid.why));
    }
    if form.text("passphrase").is_empty() {
        faults.push(("passphrase", "a passphrase is needed: without one, whoever reads the key file is you".to_owned()));
    }
    if form.text("passphrase") != form.text("again") {
        faults.push(("again", "the two passphrases are not the same".to_owned()));
    }
    faults
}

fn draft(form: &Form) -> Draft {
    let text = |name: &str| form.text(name).trim().to_owned();
    let units = form.text("units").split(';').map(str::trim).filter(|unit| !unit.is_empty());
    Draft {
        name: text("name"),
        subject: Subject {
            country: text("country"),
            state: text("state"),
            locality: text("locality"),
            organization: text("organization"),
            units: units.map(str::to_owned).collect(),
            common_name: text("common-name"),
            email: text("email"),
        },
        names: names(form).unwrap_or_default(),
        key_type: KEY_TYPES[form.chosen("key-type").min(KEY_TYPES.len() - 1)].0,
        days: days(form).unwrap_or_default(),
        usage: Usage::Client,
        derivation: Derivation::Scrypt,
        passphrase: secret(form, "passphrase"),
        confirmation: secret(form, "again"),
    }
}

fn names(form: &Form) -> Result<Vec<AlternativeName>, String> {
    let typed = form.text("names").split(',').map(str::trim).filter(|name| !name.is_empty());
    typed.map(|name| AlternativeName::parse(name).map_err(|invalid| invalid.why)).collect()
}

fn days(form: &Form) -> Option<u32> {
    form.text("days").trim().parse().ok().filter(|days| *days > 0)
}

fn secret(form: &Form, name: &str) -> Secret {
    Secret::new(form.text(name).to_owned())
}

fn chosen_form(form: &Form) -> (acts::Form, &'static str) {
    let (what, _, ending) = FORMS[form.chosen("form").min(FORMS.len() - 1)];
    (what, ending)
}

/// The order of a form that was filled in, or a field and what is wrong with it.
fn order(purpose: &Purpose, form: &Form, from: &(Place, FilePath), to: &FilePath) -> Result<IdentityOrder, (&'static str, String)> {
    let passphrase = || secret(form, "passphrase");
    let needed = || match passphrase() {
        secret if secret.is_empty() => Err(("passphrase", "its passphrase is needed".to_owned())),
        secret => Ok(secret),
    };
    let file = || match from.1.resolve(form.text("file").trim().as_bytes()) {
        Ok(path) if path != from.1 => Ok((from.0, path)),
        Ok(_) => Err(("file", "type the name of a file".to_owned())),
        Err(why) => Err(("file", why.to_string())),
    };
    let out = |otherwise: String| {
        let typed = form.text("out").trim().to_owned();
        match to.resolve(if typed.is_empty() { otherwise } else { typed }.as_bytes()) {
            Ok(path) if path != *to => Ok(path),
            Ok(_) => Err(("out", "type the name of a new file".to_owned())),
            Err(why) => Err(("out", why.to_string())),
        }
    };
    let name = || {
        let name = form.text("name").trim().to_owned();
        check_name(&name).map(|()| name).map_err(|invalid| ("name", invalid.why))
    };
    Ok(match purpose {
        Purpose::New if form.text("folder").trim().is_empty() => IdentityOrder::Make(Box::new(draft(form))),
        Purpose::New => match to.resolve(form.text("folder").trim().as_bytes()) {
            Ok(folder) => IdentityOrder::MakeApart(Box::new(draft(form)), folder),
            Err(why) => return Err(("folder", why.to_string())),
        },
        Purpose::NewAuthority => IdentityOrder::MakeAuthority(Box::new(draft(form))),
        Purpose::TakeIn(_) => IdentityOrder::TakeIn { name: name()?, file: file()?, passphrase: passphrase() },
        Purpose::Export(name) => {
            let (what, ending) = chosen_form(form);
            let new = secret(form, if form.text("new").is_empty() { "passphrase" } else { "new" });
            IdentityOrder::Export { name: name.clone(), form: what, out: out(format!("{name}.{ending}"))?, passphrase: passphrase(), new }
        }
        Purpose::ExportAuthority(name) => IdentityOrder::ExportAuthority { name: name.clone(), out: out(format!("{name}.crt"))? },
        Purpose::Sign(authority) => {
            let request = file()?;
            let stem = request.1.name().map(|name| name.display()).unwrap_or_default();
            let stem = stem.rsplit_once('.').map_or(stem.as_str(), |(stem, _)| stem);
            IdentityOrder::Sign {
                authority: authority.clone(),
                days: days(form).ok_or(("days", "a whole number of days is needed".to_owned()))?,
                out: out(format!("{stem}.crt"))?,
                request,
                passphrase: needed()?,
            }
        }
        Purpose::Revoke(authority) => IdentityOrder::Revoke {
            authority: authority.clone(),
            certificate: if form.text("file").trim().is_empty() { None } else { Some(file()?) },
            reason: REASONS[form.chosen("reason").min(REASONS.len() - 1)].0,
            out: out(format!("{authority}.crl"))?,
            passphrase: needed()?,
        },
        Purpose::NewSshKey => {
            let (name, comment) = (name()?, form.text("comment").trim().to_owned());
            let comment = if comment.is_empty() { name.clone() } else { comment };
            let kind = SSH_KEY_TYPES[form.chosen("key-type").min(SSH_KEY_TYPES.len() - 1)].0;
            IdentityOrder::MakeSshKey { name, kind, comment, passphrase: needed()? }
        }
        Purpose::ExportSshKey(name, file) => {
            let (what, _, ending) = SSH_KEY_FORMS[form.chosen("form").min(SSH_KEY_FORMS.len() - 1)];
            let stem = name.rsplit('/').next().unwrap_or(name);
            IdentityOrder::ExportSshKey { file: file.clone(), form: what, out: out(format!("{stem}.{ending}"))? }
        }
        Purpose::InstallSshKey(install) => install.clone().order(needed()?),
        Purpose::Rename(old) => IdentityOrder::Rename(old.clone(), name()?),
    })
}

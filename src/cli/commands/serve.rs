//! `serve`: one folder of this machine over FTPS, SFTP or FTP, until it is interrupted.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::cert::own::{compute, read};
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::identity_args::PassphraseOptions;
use crate::cli::run::interrupted;
use crate::cli::serve_args::{ClientCert, Serve};
use crate::cli::{output, passphrase};
use crate::identity::x509::bundle::Bundle;
use crate::model::text;
use crate::secrets::Secret;
use crate::server::clients::ClientsError;
use crate::server::ftp::{FtpOptions, FtpServer};
use crate::server::sftp::{AcceptedKeys, SftpOptions, SftpServer};
use crate::server::{Clients, HostKey, IdentityError, Running, ServerIdentity, Users, random_text};
use crate::setup::{Choices, Setup};
use crate::trust::ListFolder;
use crate::trust::certificate::CertificateFacts;
use crate::trust::revocation::RevocationList;
use crate::vfs::RootedFileSystem;

/// Letters of a password that is made up: 80 bits.
const PASSWORD_LETTERS: usize = 16;
/// Where it listens if nothing was said.
const DEFAULT_FTPS: u16 = 2121;
const DEFAULT_SFTP: u16 = 2022;

pub(in crate::cli) async fn serve(command: &Serve) -> Result<ExitCode, Failure> {
    check(command)?;
    let folder = Setup::read(&Choices::default())?.directories.server();
    let place = RootedFileSystem::new(&command.folder)
        .map_err(|error| Failure::unreadable(&shown(&command.folder), error, "Name a folder that is there."))?;
    let place = Arc::new(if command.read_only { place.read_only() } else { place });
    let clients = clients(command, &folder)?;
    let (password, is_made_up) = password(command).await?;
    let users = || match &password {
        Some(password) => Users::one(&command.user, password.clone()),
        None => Users::default().and_by_certificate(&command.user),
    };

    let (mut ftps, mut sftp) = (command.ftps, command.sftp);
    if [command.ftp, ftps, command.ftps_implicit, sftp].iter().all(Option::is_none) {
        ftps = Some(([127, 0, 0, 1], DEFAULT_FTPS).into());
        // Where certificates are demanded, nobody comes in over SSH without a key that was named.
        let has_way_in = command.authorized_keys.is_some() || !(command.no_password || command.client_cert == ClientCert::Require);
        sftp = has_way_in.then(|| ([127, 0, 0, 1], DEFAULT_SFTP).into());
    }
    let mut servers: Vec<Running> = Vec::new();
    let identity = if ftps.or(command.ftps_implicit).is_some() { Some(identity(command, &folder).await?) } else { None };
    let ftp = [(command.ftp, "ftp"), (ftps, "ftpes"), (command.ftps_implicit, "ftps")];
    for (bind, scheme) in ftp.into_iter().filter_map(|(bind, scheme)| Some((bind?, scheme))) {
        let tls = identity.clone().filter(|_| scheme != "ftp");
        let is_protected = tls.is_some();
        let mut options = FtpOptions::new(place.clone(), users(), tls, bind);
        options.implicit = scheme == "ftps";
        options.require_tls = is_protected;
        // A certificate that has to be the same binds data connections as well, and curl resumes nothing where it shows one.
        options.require_session_reuse = is_protected && command.client_cert != ClientCert::Require;
        options.keep_broken_uploads = true;
        if is_protected {
            options.client_certificate = command.client_cert.into();
            options.clients = Some(clients.clone());
            options.tell = Some(Arc::new(output::say));
        }
        let started = FtpServer::start(options).await.map_err(|error| cannot_listen(bind, &error))?;
        listening(scheme, command, &started)?;
        servers.push(started);
    }
    if let Some(identity) = &identity {
        tell_certificate(identity, command)?;
    }
    if let Some(bind) = sftp {
        let key = host_key(command, &folder)?;
        let public = key.public();
        let mut options = SftpOptions::new(place.clone(), users(), key, bind);
        options.password = password.is_some() && command.client_cert != ClientCert::Require;
        if let Some(file) = &command.authorized_keys {
            let keys = String::from_utf8_lossy(&read(file)?).into_owned();
            options.keys =
                AcceptedKeys::parse(&keys).map_err(|error| Failure::unreadable(&shown(file), error, "One public key in a line."))?;
        }
        let started = SftpServer::start(options).await.map_err(|error| cannot_listen(bind, &error))?;
        listening("sftp", command, &started)?;
        say(&format!("  host key {} {}", public.algorithm, public.fingerprint().openssh()))?;
        servers.push(started);
    }
    if let Some(password) = password.filter(|_| is_made_up) {
        say(&format!("  password {}", password.expose()))?;
    }
    if command.ftp.is_some() {
        output::say("ftp:// is served: whoever can listen on the line reads names, passwords and files");
    }
    if command.client_cert != ClientCert::Off {
        output::say("clients nobody has decided upon wait in: sealift trust pending");
    }
    interrupted().await;
    output::say("stopping");
    // Who interrupts again does not want to wait for what is under way.
    tokio::select! {
        () = async { for server in servers { server.stop().await } } => {}
        () = interrupted() => {}
    }
    Ok(ExitCode::Ok)
}

/// What makes no sense together.
fn check(command: &Serve) -> Result<(), Failure> {
    let asks = command.client_cert != ClientCert::Off;
    let says_ftps = command.ftps.or(command.ftps_implicit).is_some() || command.sftp.or(command.ftp).is_none();
    if asks && !says_ftps {
        return Err(Failure::usage("only clients of FTPS have certificates to show", "Serve --ftps or --ftps-implicit, too."));
    }
    if command.client_cert == ClientCert::Require && command.ftp.is_some() {
        return Err(Failure::usage("over plain ftp:// nobody can show a certificate", "Leave out --ftp, or ask instead of require."));
    }
    if command.client_cert == ClientCert::Require && command.sftp.is_some() && command.authorized_keys.is_none() {
        let what = "over SSH nobody can show a certificate, and a password alone would be less than is required";
        return Err(Failure::usage(what, "Name the keys that may come in: --authorized-keys FILE."));
    }
    if command.no_password && command.ftp.is_some() {
        return Err(Failure::usage("over plain ftp:// a client can only show a password", "Leave out --no-password or --ftp."));
    }
    if command.no_password && says_ftps && !asks {
        return Err(Failure::usage("without a password nobody could come in over FTPS", "Say --client-cert require."));
    }
    if command.no_password && command.sftp.is_some() && command.authorized_keys.is_none() {
        return Err(Failure::usage("without a password nobody could come in over SSH", "Name the keys that may: --authorized-keys FILE."));
    }
    Ok(())
}

fn clients(command: &Serve, folder: &Path) -> Result<Clients, Failure> {
    let mut clients = Clients::at(folder.to_owned());
    if let Some(lists) = &command.crl {
        has_only_lists(lists)?;
        clients = clients.with_revocation_lists(ListFolder::at(lists.clone()));
    }
    let mut authorities = Vec::new();
    for file in &command.client_authority {
        authorities.extend(certificates(file)?);
    }
    // Read once now, so that lists nobody could use are told before anybody is turned away by them.
    let clients = clients.and_authorities(&authorities)?;
    clients.lists()?;
    Ok(clients)
}

/// A folder that was named for revocation lists has to hold some, and nothing else: a slip of the finger would let in whoever was
/// taken back.
fn has_only_lists(folder: &Path) -> Result<(), Failure> {
    let next = "Name a folder of revocation lists (PEM, DER), one a file.";
    let unreadable = |path: &Path, why: &dyn std::fmt::Display| Failure::unreadable(&shown(path), why, next);
    let mut lists = 0;
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let file = entry.map_err(|error| unreadable(folder, &error))?.path();
        if RevocationList::read("", &read(&file)?).is_empty() {
            return Err(unreadable(&file, &"this is no revocation list"));
        }
        lists += 1;
    }
    if lists == 0 { Err(unreadable(folder, &"there is no revocation list in it")) } else { Ok(()) }
}

/// The certificates in a file, the first its own.
pub(super) fn certificates(file: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let bundle = Bundle::read(&read(file)?).map_err(|error| Failure::of_file(file, error))?;
    if bundle.certificates().is_empty() {
        return Err(Failure::unreadable(&shown(file), "there is no certificate in it", "Name a file in PEM or DER."));
    }
    Ok(bundle.certificates().to_vec())
}

/// The password, and whether nobody else can know it.
async fn password(command: &Serve) -> Result<(Option<Secret>, bool), Failure> {
    if command.no_password {
        return Ok((None, false));
    }
    match passphrase::given(command.password_command.as_ref(), "SEALIFT_PASSWORD").await? {
        Some(password) if password.is_empty() => {
            Err(Failure::authentication("the password is empty", "Use --no-password with --client-cert require if none is wanted."))
        }
        Some(password) => Ok((Some(password), false)),
        None => Ok((Some(Secret::new(random_text(PASSWORD_LETTERS)?)), true)),
    }
}

async fn identity(command: &Serve, folder: &Path) -> Result<ServerIdentity, Failure> {
    let Some(file) = &command.certificate else {
        let own = ["localhost", "127.0.0.1", "::1"];
        let names: Vec<_> = command.name.iter().map(String::as_str).chain(own).collect();
        return Ok(ServerIdentity::kept(folder, &names)?);
    };
    let mut bundles = Vec::new();
    for file in std::iter::once(file).chain(&command.key) {
        bundles.push(Bundle::read(&read(file)?).map_err(|error| Failure::of_file(file, error))?);
    }
    let options = PassphraseOptions { passphrase_command: command.passphrase_command.clone() };
    let secret = if bundles.iter().any(Bundle::is_locked) {
        passphrase::existing(&options, "the server's key").await?
    } else {
        Secret::new(String::new())
    };
    let opened = compute(move || bundles.into_iter().map(|bundle| bundle.open(&secret)).collect::<Result<Vec<_>, _>>()).await?;
    let opened = opened.map_err(|error| Failure::of_file(file, error))?;
    let (mut chain, mut key) = (Vec::new(), None);
    for part in opened {
        chain.extend(part.certificates);
        key = key.or(part.key);
    }
    match key {
        Some(key) if !chain.is_empty() => Ok(ServerIdentity::new(chain, key.pkcs8())?),
        Some(_) => Err(Failure::unreadable(&shown(file), "there is no certificate in it", "")),
        None => Err(Failure::unreadable(&shown(file), "there is no private key in it", "Name the key's file: --key FILE.")),
    }
}

fn host_key(command: &Serve, folder: &Path) -> Result<HostKey, Failure> {
    Ok(command.host_key.as_deref().map_or_else(|| HostKey::kept(folder), HostKey::from_file)?)
}

fn listening(scheme: &str, command: &Serve, server: &Running) -> Result<(), Failure> {
    say(&format!("{scheme}://{}@{}/", command.user, server.addr))
}

fn tell_certificate(identity: &ServerIdentity, command: &Serve) -> Result<(), Failure> {
    let Ok(facts) = CertificateFacts::read(identity.leaf()) else { return Ok(()) };
    say(&format!("  certificate {} {}", facts.owner(), facts.fingerprint))?;
    if facts.not_after < jiff::Timestamp::now() {
        let next = if command.certificate.is_some() { "bring another" } else { "remove it, and another is made" };
        output::say(&format!("the certificate is over since {}: {next}", facts.not_after.strftime("%Y-%m-%d")));
    }
    Ok(())
}

fn say(words: &str) -> Result<(), Failure> {
    output::line(words).map_err(|error| Failure::output(&error))
}

fn cannot_listen(at: std::net::SocketAddr, error: &io::Error) -> Failure {
    let next = match error.kind() {
        io::ErrorKind::AddrInUse => "Another program listens there; choose another port.",
        io::ErrorKind::PermissionDenied => "Ports below 1024 are for the administrator; choose a higher one.",
        _ => "",
    };
    Failure::because(ExitCode::Network, format!("cannot listen at {at}"), error.to_string(), next)
}

fn shown(path: &Path) -> String {
    text::display_safe(path.as_os_str().as_encoded_bytes())
}

impl From<IdentityError> for Failure {
    fn from(error: IdentityError) -> Self {
        Self::because(ExitCode::Local, error.to_string(), "", "Name a certificate with its key, or move away what is named there.")
    }
}

impl From<ClientsError> for Failure {
    fn from(error: ClientsError) -> Self {
        let (code, next) = match &error {
            ClientsError::File { .. } => (ExitCode::Local, "Mend what is named there; nothing was changed."),
            ClientsError::Unknown(_) => (ExitCode::Error, "See who does: sealift trust pending."),
            ClientsError::NoCertificate | ClientsError::NoAuthority(_) => {
                (ExitCode::Local, "Name the file of a certificate in PEM or DER.")
            }
        };
        Self::because(code, error.to_string(), "", next)
    }
}

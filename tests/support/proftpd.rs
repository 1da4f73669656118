//! ProFTPD with its default TLS options: it wants resumed TLS sessions and gives no new ticket on an upload.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use super::certificates::Certificates;
use super::daemon::{Daemon, NOBODY, Ports, data_folder, folder, program};
use super::system::{need_root, run_with_input, write_private};
use super::{ClientCertificate, FTP_USER, FtpServer, Unavailable};

/// How it speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// TLS from the first byte.
    pub implicit: bool,
    /// Whether the client is asked for a certificate of the authority.
    pub client_certificate: ClientCertificate,
    /// TLS 1.2 and nothing newer.
    pub only_tls12: bool,
    /// It tells checksums.
    pub digests: bool,
    /// How many connections one user may have.
    pub most_of_a_user: Option<u32>,
}

/// Starts it. `TLSSessionCache` stays off: with it, version 1.3.8 aborts and hangs.
pub fn start(options: Options) -> Result<FtpServer, Unavailable> {
    let binary = program("usr/sbin/proftpd")?;
    let modules = program("usr/lib/proftpd/mod_tls.so")?;
    need_root("ProFTPD")?;
    let folder = folder("proftpd");
    let inside = folder.path().to_owned();
    let certificates = Certificates::make(&inside);
    let data = data_folder(&inside);
    let (user, password) = FTP_USER;
    let hash = run_with_input(Command::new("openssl").args(["passwd", "-6", "-stdin"]), password)?;
    let account = format!("{user}:{}:{NOBODY}:{NOBODY}::{}:/bin/sh\n", hash.trim(), data.display());
    write_private(&inside.join("passwd"), &account);
    write_private(&inside.join("group"), &format!("nogroup:x:{NOBODY}:{user}\n"));
    let ports = Ports::choose();
    let mut configuration = format!(
        "ModulePath {modules}
LoadModule mod_tls.c
ServerType standalone
ServerName sealift
DefaultServer on
DefaultAddress 127.0.0.1
SocketBindTight on
UseIPv6 off
Port {control}
PassivePorts {first} {last}
User nobody
Group nogroup
AuthOrder mod_auth_file.c
AuthUserFile {inside}/passwd
AuthGroupFile {inside}/group
AuthPAM off
RequireValidShell off
UseReverseDNS off
WtmpLog off
TransferLog none
UseFtpUsers off
PidFile {inside}/proftpd.pid
ScoreboardFile {inside}/scoreboard
SystemLog {inside}/proftpd.log
DelayEngine off
DefaultRoot ~
AllowOverwrite on
AllowStoreRestart on
AllowRetrieveRestart on
MaxInstances 100
TLSEngine on
TLSLog {inside}/tls.log
TLSProtocol {versions}
TLSECCertificateFile {certificate}
TLSECCertificateKeyFile {key}
TLSRequired off
",
        versions = if options.only_tls12 { "TLSv1.2" } else { "TLSv1.2 TLSv1.3" },
        modules = modules.parent().unwrap().display(),
        control = ports.control,
        first = ports.passive.0,
        last = ports.passive.1,
        inside = inside.display(),
        certificate = certificates.server_file.display(),
        key = certificates.server_key_file.display(),
    );
    if options.implicit {
        configuration.push_str("TLSOptions UseImplicitSSL\n");
    }
    if options.client_certificate != ClientCertificate::NotAsked {
        let verify = if options.client_certificate == ClientCertificate::Required { "on" } else { "optional" };
        writeln!(configuration, "TLSVerifyClient {verify}\nTLSCACertificateFile {}", certificates.authority_file.display()).unwrap();
    }
    if options.digests {
        configuration.push_str("LoadModule mod_digest.c\nDigestEngine on\n");
    }
    if let Some(most) = options.most_of_a_user {
        writeln!(configuration, "MaxClientsPerUser {most}").unwrap();
    }
    let file = inside.join("proftpd.conf");
    fs::write(&file, configuration).unwrap();
    let logs = vec![inside.join("proftpd.log"), inside.join("tls.log")];
    let daemon = Daemon::start("ProFTPD", Command::new(binary).args(["-n", "-c"]).arg(&file), folder, ports.control, logs)?;
    Ok(FtpServer { daemon, certificates, user: user.into(), password: password.into(), data })
}

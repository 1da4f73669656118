//! vsftpd: no MLSD, no UTF8, and the one that insists on resumed TLS sessions for data connections.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use super::certificates::Certificates;
use super::daemon::{Daemon, Ports, data_folder, folder, program};
use super::system::{PamService, SystemUser, need_root};
use super::{ClientCertificate, FtpServer, Unavailable};

/// How it speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// TLS from the first byte.
    pub implicit: bool,
    /// A data connection must resume the control connection's session (RFC 4217 section 10.2, made strict).
    pub require_reuse: bool,
    /// Whether the client is asked for a certificate of the authority.
    pub client_certificate: ClientCertificate,
    /// TLS 1.2 and nothing newer.
    pub only_tls12: bool,
}

/// A running vsftpd.
pub struct Vsftpd {
    pub ftp: FtpServer,
    pub pam: PamService,
    pub account: SystemUser,
}

impl Vsftpd {
    pub fn start(options: Options) -> Result<Self, Unavailable> {
        let binary = program("usr/sbin/vsftpd")?;
        need_root("vsftpd")?;
        let folder = folder("vsftpd");
        let inside = folder.path().to_owned();
        let certificates = Certificates::make(&inside);
        let data = data_folder(&inside);
        fs::create_dir(inside.join("empty")).unwrap();
        let pam = PamService::make()?;
        // Its home must exist, so sessions cannot run as nobody.
        let account = SystemUser::make(&data)?;
        let ports = Ports::choose();
        let yes = |on: bool| if on { "YES" } else { "NO" };
        let mut configuration = format!(
            "background=NO
listen=YES
listen_ipv6=NO
listen_address=127.0.0.1
listen_port={control}
pasv_address=127.0.0.1
pasv_min_port={first}
pasv_max_port={last}
connect_from_port_20=NO
anonymous_enable=NO
local_enable=YES
write_enable=YES
local_umask=022
chmod_enable=YES
guest_enable=YES
guest_username={user}
virtual_use_local_privs=YES
local_root={data}
chroot_local_user=YES
allow_writeable_chroot=YES
secure_chroot_dir={inside}/empty
pam_service_name={pam}
xferlog_enable=YES
vsftpd_log_file={inside}/vsftpd.log
log_ftp_protocol=YES
dual_log_enable=NO
use_localtime=NO
mdtm_write=YES
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
max_per_ip=0
ssl_enable=YES
ssl_tlsv1=YES
rsa_cert_file={certificate}
rsa_private_key_file={key}
ssl_ciphers=HIGH
force_local_logins_ssl=NO
force_local_data_ssl=NO
implicit_ssl={implicit}
require_ssl_reuse={reuse}
debug_ssl=YES
",
            control = ports.control,
            first = ports.passive.0,
            last = ports.passive.1,
            data = data.display(),
            inside = inside.display(),
            pam = pam.name,
            user = account.name,
            certificate = certificates.server_file.display(),
            key = certificates.server_key_file.display(),
            implicit = yes(options.implicit),
            reuse = yes(options.require_reuse),
        );
        if options.client_certificate != ClientCertificate::NotAsked {
            let authority = certificates.authority_file.display();
            let required = yes(options.client_certificate == ClientCertificate::Required);
            write!(configuration, "ssl_request_cert=YES\nrequire_cert={required}\nvalidate_cert={required}\nca_certs_file={authority}\n")
                .unwrap();
        }
        let file = inside.join("vsftpd.conf");
        fs::write(&file, configuration).unwrap();
        let mut command = Command::new(binary);
        command.arg(&file);
        if options.only_tls12 {
            // It has no option of its own for that.
            let library = inside.join("openssl.cnf");
            fs::write(
                &library,
                "openssl_conf = all\n[all]\nssl_conf = every\n[every]\nsystem_default = limits\n[limits]\nMaxProtocol = TLSv1.2\n",
            )
            .unwrap();
            command.env("OPENSSL_CONF", library);
        }
        let daemon = Daemon::start("vsftpd", &mut command, folder, ports.control, vec![inside.join("vsftpd.log")])?;
        let (user, password) = (account.name.clone(), account.password.clone());
        Ok(Self { ftp: FtpServer { daemon, certificates, user, password, data }, pam, account })
    }
}

//! The command line, as clap reads it.

use std::ffi::OsString;
use std::io::BufRead;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::exit::Failure;
use super::identity_args::{
    CertAuthority, CertExport, CertImport, CertList, CertNew, CertRemove, CertRename, CertRequest, CertRevoke, CertSign,
};
use super::key_args::Key;
use super::output;
use super::passphrase::VAULT;
use super::secret_args::{SecretVerb, VaultOptions};
use super::serve_args::{Serve, TrustPending};
use super::site_args::SiteVerb;
use super::sync_args::Synchronise;
use crate::ask::Prompter;
use crate::config::ssh_config::SshConfigFiles;
use crate::model::bytes::parse_rate;
use crate::model::{DataMode, IdentityChoice};
use crate::secrets::Secret;
use crate::setup::{Choices, GivenAnswers, SecretSource, variable};
use crate::trust::Fingerprint;

/// A dual-pane file manager over FTPS, SFTP and FTP that shows whom you trust.
#[derive(Parser)]
#[command(name = "sealift", version, about, args_conflicts_with_subcommands = true, subcommand_precedence_over_arg = true)]
#[command(after_help = "\
Locations: a path on this machine, or a URL of a server such as
  sftp://user@host/path    SSH (port 22)
  ftpes://user@host/path   FTP with explicit TLS (21); ftps:// implicit TLS (990)
  ftp://user@host/path     FTP without protection, for everybody to read
/path is absolute, /~/path starts in the home folder; odd characters as %XX.
A site you keep is also written NAME:PATH (NAME: is its start folder), and so is a
host of ~/.ssh/config (user@HOST:PATH); as a pane just NAME or HOST. Of the same
name, a file or folder here comes first, then the site, then the host (write
./NAME for a file that is still to be made).

Exit codes: 0 ok, 1 error, 2 usage, 3 partial, 4 network, 5 login,
6 identity not trusted or changed, 7 refused by the server, 8 local disk,
9 what arrived is not what was sent (--verify),
10 a dry run found differences, 130 interrupted.")]
pub struct Arguments {
    /// What to do; without a verb two panes open.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// What the left pane shows: a folder, an sftp://, ftpes://, ftps://, ftp:// URL, a site you keep, or a host of ~/.ssh/config.
    pub left: Option<OsString>,
    /// What the right pane shows.
    pub right: Option<OsString>,
    /// How to connect.
    #[command(flatten)]
    pub connect: ConnectOptions,
}

/// A verb.
#[derive(Subcommand)]
pub enum Verb {
    /// Try sealift: servers of its own on this machine, and the two panes.
    Demo {
        /// Play the whole story without a terminal, one line a step.
        #[arg(long)]
        tour: bool,
    },
    /// Serve one folder of this machine over FTPS and SFTP; for partners and tests, not for the internet.
    Serve(Serve),
    /// List a folder.
    Ls(Ls),
    /// Write a file to standard output.
    Cat(Cat),
    /// Copy files and whole folders, local and remote in any mix.
    Copy(Transfer),
    /// Move files and whole folders.
    Move(Transfer),
    /// Make two folders alike: compare, then copy what is new or newer, and delete what is gone if told so.
    Sync(Box<Synchronise>),
    /// Make folders.
    Mkdir(Mkdir),
    /// Remove files, and with -r folders with everything in them.
    Rm(Rm),
    /// Certificates: look at them, judge chains, make your own, sign those of others.
    #[command(subcommand)]
    Cert(Cert),
    /// SSH keys: make, convert, look at, hand over and install your own.
    #[command(subcommand)]
    Key(Key),
    /// List, add and remove whom you trust: certificates, authorities, host keys.
    #[command(subcommand)]
    Trust(Trust),
    /// Passwords and passphrases that are kept: what, where, and the vault for machines without a keyring.
    #[command(subcommand)]
    Secret(SecretVerb),
    /// The sites you keep: list, add, change, remove them, take over those of other programs.
    #[command(subcommand)]
    Site(SiteVerb),
}

/// `cert`.
#[derive(Subcommand)]
pub enum Cert {
    /// Show what is in a file, or what a server shows; trusts nothing and sends no credentials.
    Show(CertShow),
    /// Say whether a chain is to be trusted, and everything that is wrong with it (exit 0 trusted, 6 not).
    Verify(CertVerify),
    /// Make an identity: a private key with a passphrase, a self-signed certificate and a request.
    New(CertNew),
    /// Print the request of an identity, or make a new one for other names over the same key.
    Request(CertRequest),
    /// Make an authority of your own that signs requests.
    Authority(CertAuthority),
    /// Sign somebody's request; prints the certificate and the authority's.
    Sign(CertSign),
    /// Take in a signed certificate for an identity, or a whole identity from key and certificate.
    Import(CertImport),
    /// Write an identity for other programs, or its certificate for an administrator.
    Export(CertExport),
    /// Take back what an authority signed, or renew its revocation list; prints the list.
    Revoke(CertRevoke),
    /// List identities and authorities, and what expires soon.
    List(CertList),
    /// Choose which identity servers are shown that ask for one, where nothing else was chosen; without a name, say which.
    Default {
        /// The identity, or none.
        name: Option<String>,
    },
    /// Give an identity another name.
    Rename(CertRename),
    /// Remove an identity with its private key, for good.
    Remove(CertRemove),
}

/// `cert show`.
#[derive(Args)]
pub struct CertShow {
    /// File (PEM, DER, PKCS#7, SSH keys), URL of a server, or - for standard input.
    #[arg(value_name = "FILE|URL|-")]
    pub what: OsString,
    /// Certificates that also count as authorities for a server (PEM).
    #[arg(long, value_name = "FILE")]
    pub roots: Vec<PathBuf>,
    /// Print JSON lines, one object for each thing.
    #[arg(long)]
    pub json: bool,
    /// Read this file in place of ~/.ssh/config and /etc/ssh/ssh_config, or "none".
    #[arg(short = 'F', long, value_name = "FILE")]
    pub ssh_config: Option<PathBuf>,
    /// Seconds a silent server is waited for.
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
}

/// `cert verify`.
#[derive(Args)]
pub struct CertVerify {
    /// Chain, the certificate itself first: file (PEM, DER, PKCS#7), URL of a server, or - for standard input.
    #[arg(value_name = "CHAIN|URL|-")]
    pub chain: OsString,
    /// The host it must be for; that of the URL if not given.
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
    /// Only the authorities in this file count, not those of this machine.
    #[arg(long, value_name = "FILE")]
    pub roots: Option<PathBuf>,
    /// Judge as of this instant (2026-12-31T00:00:00Z).
    #[arg(long, value_name = "RFC3339")]
    pub at: Option<String>,
    /// Revocation lists to look in (repeatable).
    #[arg(long, value_name = "FILE")]
    pub crl: Vec<PathBuf>,
    /// What it is used for.
    #[arg(long, value_enum, default_value_t = CertUsage::Server)]
    pub usage: CertUsage,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Read this file in place of ~/.ssh/config and /etc/ssh/ssh_config, or "none".
    #[arg(short = 'F', long, value_name = "FILE")]
    pub ssh_config: Option<PathBuf>,
    /// Seconds a silent server is waited for.
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
}

/// What a certificate is used for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum CertUsage {
    Server,
    Client,
}

/// `trust`.
#[derive(Subcommand)]
pub enum Trust {
    /// Everything you trust, certificates first.
    List {
        /// Print JSON lines; the last one is a summary.
        #[arg(long)]
        json: bool,
    },
    /// One entry in full.
    Show {
        /// host:port, URL, or fingerprint.
        whom: String,
        /// Print JSON lines.
        #[arg(long)]
        json: bool,
    },
    /// Trust a certificate at one server, or an authority for all.
    Add(TrustAdd),
    /// Trust it no longer; the next connection asks.
    Remove {
        /// host:port, URL, or fingerprint.
        whom: String,
        /// Do not ask; a line of known_hosts for several hosts goes whole.
        #[arg(long)]
        yes: bool,
    },
    /// Clients of "sealift serve" whose certificates wait to be trusted, and what was decided about others.
    Pending(TrustPending),
    /// Write all decisions as JSON: public facts only.
    Export {
        /// Where to; standard output if left out.
        file: Option<PathBuf>,
    },
    /// Take over exported decisions that contradict none of yours.
    Import {
        /// A file of `trust export`.
        file: PathBuf,
    },
}

/// `trust add`.
#[derive(Args)]
pub struct TrustAdd {
    /// host:port or URL; sftp://host for an SSH server.
    #[arg(required_unless_present = "authority", requires = "identity")]
    pub endpoint: Option<String>,
    /// Fingerprint of the certificate or host key, or a file with it (PEM, DER, .pub, known_hosts line).
    #[arg(value_name = "FINGERPRINT|FILE")]
    pub identity: Option<String>,
    /// Trust this authority to vouch for FTPS servers (PEM, DER).
    #[arg(long, value_name = "FILE", conflicts_with = "endpoint")]
    pub authority: Option<PathBuf>,
    /// The authority's certificate has to be this one.
    #[arg(long, requires = "authority")]
    pub fingerprint: Option<String>,
    /// In place of another certificate that is trusted there; an authority without a question.
    #[arg(long)]
    pub yes: bool,
}

/// `ls`.
#[derive(Args)]
pub struct Ls {
    /// URL or path of a folder or file.
    pub location: OsString,
    /// With mode, owner, size and time.
    #[arg(short, long)]
    pub long: bool,
    /// With names that begin with a dot.
    #[arg(short, long)]
    pub all: bool,
    /// How to connect and answer.
    #[command(flatten)]
    pub common: Common,
}

/// `cat`.
#[derive(Args)]
pub struct Cat {
    /// URL or path of a file.
    pub location: OsString,
    /// How to connect and answer.
    #[command(flatten)]
    pub common: Common,
}

/// `copy` and `move`.
#[derive(Args)]
pub struct Transfer {
    /// What: URLs or paths of files and folders.
    #[arg(required = true, value_name = "SRC")]
    pub sources: Vec<OsString>,
    /// Where to: an existing folder, or the new name of a single item.
    #[arg(value_name = "DST")]
    pub destination: OsString,
    /// What to do about files that are there already. "resume" goes on behind a shorter one; "date-name" adds date and time
    /// to the new name. Names that differ only in case are never overwritten where they are one.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = OnConflict::Ask)]
    pub on_conflict: OnConflict,
    /// Files moved at once at the most; without it as many as the server does well with.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Bytes per second at the most, all files together: 500k, 2M, 1.5MiB/s (by 1024), 2MB (by 1000), 20Mbit.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub limit: Option<u64>,
    /// Ends of lines over FTP, in place of what is set for the site: as they are, those of each side, or by the name.
    #[arg(long, value_name = "TYPE", value_parser = ["binary", "ascii", "auto"])]
    pub transfer_type: Option<String>,
    /// Symbolic links: copy what they lead to, the links themselves, or neither; without it, links where both places can
    /// make them, else what they lead to.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub links: Option<LinksArgument>,
    /// Compare each file that was copied with its source before it gets its name: by the checksum the server tells (FTP
    /// HASH and its like, SFTP check-file or sha256sum), else by reading it back, which is a second transfer; here, from the
    /// disk. A file that differs is removed, and the exit code is 9. What is left as it was is not looked into.
    #[arg(long)]
    pub verify: bool,
    /// How to connect and answer.
    #[command(flatten)]
    pub common: Common,
}

/// `mkdir`.
#[derive(Args)]
pub struct Mkdir {
    /// URLs or paths.
    #[arg(required = true, value_name = "LOCATION")]
    pub locations: Vec<OsString>,
    /// Make missing parents too, and do not mind folders that are there.
    #[arg(short, long)]
    pub parents: bool,
    /// How to connect and answer.
    #[command(flatten)]
    pub common: Common,
}

/// `rm`.
#[derive(Args)]
pub struct Rm {
    /// URLs or paths.
    #[arg(required = true, value_name = "LOCATION")]
    pub locations: Vec<OsString>,
    /// Folders too, with everything in them.
    #[arg(short, long)]
    pub recursive: bool,
    /// How to connect and answer.
    #[command(flatten)]
    pub common: Common,
}

/// A rate in bytes per second, as [`parse_rate`] reads it.
pub(super) fn rate(text: &str) -> Result<u64, String> {
    parse_rate(text).ok_or_else(|| "a rate is written as 500k, 2M or 1.5MiB/s".to_owned())
}

/// What to do about files that are there already.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum OnConflict {
    Ask,
    Overwrite,
    Skip,
    Newer,
    Larger,
    SizeDiffers,
    DateDiffers,
    Differs,
    Resume,
    Rename,
    DateName,
}

/// What is done with symbolic links.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum LinksArgument {
    Follow,
    Copy,
    Skip,
}

/// What every verb with a location takes.
#[derive(Args)]
pub struct Common {
    /// Print JSON lines; the last one is a summary.
    #[arg(long)]
    pub json: bool,
    /// Ask nothing: what would need an answer fails (exit 5 or 6).
    #[arg(long)]
    pub batch: bool,
    /// Allow ftp:// URLs: names, passwords and files then travel for everybody to read.
    #[arg(long)]
    pub allow_plain: bool,
    /// How to connect.
    #[command(flatten)]
    pub connect: ConnectOptions,
}

/// How to connect: identities and secrets.
#[derive(Args, Clone, Default)]
pub struct ConnectOptions {
    /// Trust exactly this identity (sha256:HEX, SHA256:base64), or "known" for what is trusted already.
    #[arg(long, value_name = "FINGERPRINT")]
    pub trust: Vec<String>,
    /// Certificates that also count as authorities in this run (PEM).
    #[arg(long, value_name = "FILE")]
    pub roots: Vec<PathBuf>,
    /// SSH private key to offer (repeatable), a file or one made here; only these are then offered.
    #[arg(long, value_name = "FILE|NAME")]
    pub key: Vec<PathBuf>,
    /// Client certificate for servers that ask for one (FTPS): one made here, or "none".
    #[arg(long, value_name = "NAME", conflicts_with = "client_cert")]
    pub identity: Option<String>,
    /// Client certificate for servers that ask for one, with its chain (PEM, DER, PKCS#12).
    #[arg(long, value_name = "FILE")]
    pub client_cert: Option<PathBuf>,
    /// Its private key, if that is in another file.
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
    /// Read the password from what this command prints (or set SEALIFT_PASSWORD).
    #[arg(long, value_name = "COMMAND")]
    pub password_command: Option<String>,
    /// Read the password from the first line of standard input.
    #[arg(long, conflicts_with = "password_command")]
    pub password_stdin: bool,
    /// Read key passphrases from what this command prints (or set SEALIFT_PASSPHRASE).
    #[arg(long, value_name = "COMMAND")]
    pub passphrase_command: Option<String>,
    /// How the vault is opened, where one is needed.
    #[command(flatten)]
    pub vault: VaultOptions,
    /// Read this file in place of ~/.ssh/config and /etc/ssh/ssh_config, or "none".
    #[arg(short = 'F', long, value_name = "FILE")]
    pub ssh_config: Option<PathBuf>,
    /// Seconds a silent server is waited for.
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// How FTP data connections are made.
    #[arg(long, value_enum, value_name = "MODE")]
    pub data_mode: Option<DataModeArgument>,
}

impl ConnectOptions {
    /// The answers brought along, before `then` is asked.
    pub fn answers<P: Prompter>(&self, then: P) -> Result<GivenAnswers<P>, Failure> {
        let mut trust = Vec::new();
        for text in self.trust.iter().filter(|text| *text != "known") {
            let print = Fingerprint::parse(text).map_err(|error| Failure::usage(format!("--trust {text}: {error}"), ""))?;
            trust.push(print);
        }
        let from = |command: &Option<String>, name: &str| SecretSource::from(command.as_ref(), variable(name));
        let password = if self.password_stdin {
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line);
            read.map_err(|error| Failure::usage(format!("--password-stdin: {error}"), ""))?;
            line.truncate(line.trim_end_matches(['\r', '\n']).len());
            if line.is_empty() {
                return Err(Failure::usage("--password-stdin: there is no password on standard input", ""));
            }
            SecretSource::Value(Secret::new(line))
        } else {
            from(&self.password_command, "SEALIFT_PASSWORD")
        };
        let given = GivenAnswers::new(trust, password, from(&self.passphrase_command, "SEALIFT_PASSPHRASE"), output::say, then);
        Ok(given.with_vault_passphrase(from(&self.vault.vault_passphrase_command, VAULT)))
    }

    fn client_identity(&self) -> Option<IdentityChoice> {
        let files = self.client_cert.as_ref().map(|certificate| IdentityChoice::Files {
            certificate: certificate.clone(),
            key: self.client_key.as_ref().unwrap_or(certificate).clone(),
        });
        let named = |name: &String| if name == "none" { IdentityChoice::None } else { IdentityChoice::Named(name.clone()) };
        files.or_else(|| self.identity.as_ref().map(named))
    }

    /// What was chosen for connections.
    pub fn choices(&self) -> Choices {
        Choices {
            roots: self.roots.clone(),
            identity: self.client_identity(),
            keys: self.key.clone(),
            ssh_config: self.ssh_config.as_ref().map(|file| match file.to_str() {
                Some(none) if none.eq_ignore_ascii_case("none") => SshConfigFiles::None,
                _ => SshConfigFiles::Only(file.clone()),
            }),
            timeout: self.timeout.map(|seconds| Duration::from_secs(seconds.max(1))),
            data_mode: self.data_mode.map(|mode| match mode {
                DataModeArgument::Auto => DataMode::Auto,
                DataModeArgument::Passive => DataMode::Passive,
                DataModeArgument::Active => DataMode::Active,
            }),
        }
    }
}

/// How FTP data connections are made.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum DataModeArgument {
    Auto,
    Passive,
    Active,
}

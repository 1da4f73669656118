//! The flags of the `key` verbs.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::args::Common;
use super::identity_args::PassphraseOptions;

/// `key`.
#[derive(Subcommand)]
pub enum Key {
    /// Make a key pair: a private key locked with a passphrase, and a public line for servers.
    New(KeyNew),
    /// Write a key in another format; a private one to a file only, locked.
    Convert(KeyConvert),
    /// Say what a key file holds, how it is locked, and who may read it.
    Show(KeyShow),
    /// Print what an administrator needs to let a key in: its line, its RFC 4716 form, fingerprints, what to do.
    Sheet(KeySheet),
    /// Add a key to authorized_keys on a server, and log in with it to see that it works.
    Install(Box<KeyInstall>),
    /// List the keys made here, those ssh uses by itself, and those of the agent.
    List {
        /// Print JSON lines.
        #[arg(long)]
        json: bool,
    },
}

/// `key new`.
#[derive(Args)]
pub struct KeyNew {
    /// What it is called here, such as bank; --key takes it by this name.
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub name: Option<String>,
    /// Write it to this file instead, and its public line to FILE.pub.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Kind of key.
    #[arg(long = "type", value_enum, value_name = "TYPE", default_value_t = KeyTypeName::Ed25519)]
    pub kind: KeyTypeName,
    /// RSA: 3072 (if left out) to 8192; ECDSA: 256 (if left out), 384 or 521.
    #[arg(long)]
    pub bits: Option<u16>,
    /// What stands behind the key in files, such as you@machine (if left out, your user and this machine).
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// Do not lock the private key: whoever reads the file is you.
    #[arg(long, conflicts_with = "passphrase_command")]
    pub no_passphrase: bool,
    /// The passphrase of the new key.
    #[command(flatten)]
    pub passphrase: PassphraseOptions,
}

/// Kinds of keys.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum KeyTypeName {
    Ed25519,
    Ecdsa,
    Rsa,
}

/// `key convert`.
#[derive(Args)]
pub struct KeyConvert {
    /// A private key (OpenSSH, PEM, PKCS#8, PuTTY), a public one (OpenSSH, RFC 4716), or the name of one made here.
    pub file: PathBuf,
    /// What is written.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = KeyFormat::OpensshPublic)]
    pub to: KeyFormat,
    /// Version of PuTTY's format; 2 for PuTTY before 0.75.
    #[arg(long, value_name = "2|3", default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=3))]
    pub ppk_version: u8,
    /// Into this file; what is public goes to standard output without it.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Ask for another passphrase for the new file.
    #[arg(long, conflicts_with_all = ["new_passphrase_command", "no_passphrase"])]
    pub new_passphrase: bool,
    /// Lock the new file with what this command prints (or SEALIFT_NEW_PASSPHRASE) instead of the same passphrase.
    #[arg(long, value_name = "COMMAND", conflicts_with = "no_passphrase")]
    pub new_passphrase_command: Option<String>,
    /// Do not lock the new file: whoever reads it is you.
    #[arg(long)]
    pub no_passphrase: bool,
    /// The passphrase of the file that is read.
    #[command(flatten)]
    pub passphrase: PassphraseOptions,
}

/// Formats of `key convert`.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyFormat {
    /// The line of .pub files and authorized_keys.
    OpensshPublic,
    /// The file Tectia, VanDyke and GlobalSCAPE servers read (SSH2 PUBLIC KEY).
    Rfc4716,
    /// OpenSSH's private format.
    OpensshPrivate,
    /// PKCS#8 in PEM, for OpenSSL, Java and old tools.
    Pkcs8,
    /// PuTTY, WinSCP, FileZilla.
    Ppk,
}

/// `key show`.
#[derive(Args)]
pub struct KeyShow {
    /// A key file, private or public, or the name of one made here.
    pub file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `key sheet`.
#[derive(Args)]
pub struct KeySheet {
    /// A key file, private or public, or the name of one made here.
    pub file: PathBuf,
    /// Write it into this file.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Of a locked PEM file, which hides its public half.
    #[command(flatten)]
    pub passphrase: PassphraseOptions,
}

/// `key install`.
#[derive(Args)]
pub struct KeyInstall {
    /// A key file, or the name of one made here. Of a public one alone, the login is not tried.
    #[arg(value_name = "KEY")]
    pub file: PathBuf,
    /// The server, logged in to with what works today (sftp://user@host).
    #[arg(value_name = "URL")]
    pub location: OsString,
    /// Another file than ~/.ssh/authorized_keys; from the home folder on.
    #[arg(long = "file", value_name = "PATH")]
    pub authorized_keys: Option<OsString>,
    /// Leave the key there even if a login with it fails.
    #[arg(long)]
    pub keep: bool,
    /// Say what would be done, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// How to connect and answer.
    #[command(flatten)]
    pub common: Common,
}

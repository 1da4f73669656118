//! The flags of the `site` verbs.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `site`.
#[derive(Subcommand)]
pub enum SiteVerb {
    /// The sites you keep.
    List {
        /// Only those in this folder and below it.
        folder: Option<String>,
        /// Only those with this text in name, URL, identity or notes.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Print JSON lines; the last one is a summary.
        #[arg(long)]
        json: bool,
    },
    /// All that is set for one.
    Show {
        /// Its name.
        name: String,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Keep a site.
    Add {
        /// Its name, with folders if you like: bank/payroll.
        name: String,
        /// Protocol, user, host, port and the folder shown first: ftpes://payroll@files.example.com/in
        url: String,
        /// What is set for it.
        #[command(flatten)]
        settings: SiteSettings,
    },
    /// Change what is set for a site; what is not named stays.
    Edit {
        /// Its name.
        name: String,
        /// Another URL.
        #[arg(long)]
        url: Option<String>,
        /// What is set for it.
        #[command(flatten)]
        settings: SiteSettings,
    },
    /// Keep it no longer.
    Remove {
        /// Its name.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Give a site, or a folder with all in it, another name.
    Rename {
        /// The site or folder.
        name: String,
        /// What it is called from now on.
        new: String,
    },
    /// Take over the sites of another program, without their passwords.
    Import {
        /// Whose.
        #[arg(long, value_enum, value_name = "PROGRAM")]
        from: ImportFrom,
        /// sitemanager.xml, WinSCP.ini, an ssh_config, or what `site export` wrote.
        file: PathBuf,
        /// Put them into this folder.
        #[arg(long, value_name = "NAME")]
        folder: Option<String>,
        /// Only say what would come of it.
        #[arg(long)]
        dry_run: bool,
    },
    /// Write all sites to a new file: no secrets are in there.
    Export {
        /// Where to; standard output if left out.
        file: Option<PathBuf>,
    },
}

/// Whose sites are taken over.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum ImportFrom {
    Filezilla,
    Winscp,
    SshConfig,
    Sealift,
}

/// What can be set for a site. An empty text takes a setting back.
#[derive(Args, Default)]
pub struct SiteSettings {
    /// Client certificate it is shown: one made here, none, or default.
    #[arg(long, value_name = "NAME")]
    pub identity: Option<String>,
    /// Below this level nothing is sent to it.
    #[arg(long, value_name = "LEVEL", value_parser = ["none", "secure", "more-secure", "most-secure"])]
    pub level: Option<String>,
    /// Who opens FTP data connections; default: as the settings say.
    #[arg(long, value_name = "MODE", value_parser = ["default", "auto", "passive", "active"])]
    pub data_mode: Option<String>,
    /// What an FTP server writes names in: windows-1252, shift_jis, gbk, koi8-r …; empty: UTF-8.
    #[arg(long, value_name = "CHARSET")]
    pub charset: Option<String>,
    /// What FTP does with the ends of lines: nothing, those of each side, or that where the name is one of text.
    #[arg(long, value_name = "TYPE", value_parser = ["binary", "ascii", "auto"])]
    pub transfer_type: Option<String>,
    /// FTP connections at once at the most, 1 to 10; 0: as many as are of use.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(0..=10))]
    pub connections: Option<u8>,
    /// The only SSH key offered to it: a file, or a name in ~/.ssh.
    #[arg(long, value_name = "FILE")]
    pub key: Option<String>,
    /// Bytes per second of all transfers with it together: 500k, 2M, 1.5MiB/s; empty: no limit.
    #[arg(long, value_name = "RATE", value_parser = limit)]
    pub limit: Option<u64>,
    /// Whether files may be hashed on an SSH server by its own programs (sha256sum …), to verify and compare copies where SFTP
    /// itself cannot; default: as the settings say.
    #[arg(long, value_name = "WHETHER", value_parser = ["default", "yes", "no"])]
    pub remote_commands: Option<String>,
    /// Folder of this machine that is shown beside it.
    #[arg(long, value_name = "DIR")]
    pub local: Option<String>,
    /// What you want to remember of it.
    #[arg(long, value_name = "TEXT")]
    pub notes: Option<String>,
}

/// A rate; 0 for none.
fn limit(text: &str) -> Result<u64, String> {
    if text.is_empty() { Ok(0) } else { super::args::rate(text) }
}

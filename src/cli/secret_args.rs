//! The flags of the `secret` verbs.

use clap::{Args, Subcommand, ValueEnum};

use crate::secrets::Rung;

/// `secret`.
#[derive(Subcommand)]
pub enum SecretVerb {
    /// What is kept, where and since when; never the secrets themselves.
    List {
        /// Print JSON lines; the last one is a summary.
        #[arg(long)]
        json: bool,
    },
    /// Where new secrets are kept, and why.
    Status,
    /// Forget one: you are asked the next time.
    Forget {
        /// As the list names it: ftpes://user@host, certificate:NAME, ssh-key:SHA256:…, vault.
        label: String,
        /// How the vault is opened.
        #[command(flatten)]
        vault: VaultOptions,
    },
    /// Move one, or all, between the keyring and the vault.
    Move(SecretMove),
    /// The vault: a file of secrets behind a passphrase, for machines without a keyring.
    #[command(subcommand)]
    Vault(VaultVerb),
}

/// `secret move`.
#[derive(Args)]
pub struct SecretMove {
    /// As the list names it.
    #[arg(required_unless_present = "all")]
    pub label: Option<String>,
    /// Everything that is kept.
    #[arg(long, conflicts_with = "label")]
    pub all: bool,
    /// Where to.
    #[arg(long, value_enum, value_name = "PLACE")]
    pub to: PlaceArgument,
    /// How the vault is opened.
    #[command(flatten)]
    pub vault: VaultOptions,
}

/// `secret vault`.
#[derive(Subcommand)]
pub enum VaultVerb {
    /// Make one, empty.
    New {
        /// How its passphrase is given.
        #[command(flatten)]
        vault: VaultOptions,
    },
    /// Give it another passphrase.
    Passphrase {
        /// How the old one is given.
        #[command(flatten)]
        vault: VaultOptions,
        /// Read the new passphrase from what this command prints; else it is asked for.
        #[arg(long, value_name = "COMMAND")]
        new_passphrase_command: Option<String>,
    },
}

/// Where the passphrase of the vault comes from. Never from an argument.
#[derive(Args, Clone, Default)]
pub struct VaultOptions {
    /// Read the passphrase of the vault from what this command prints (or set SEALIFT_VAULT_PASSPHRASE).
    #[arg(long, value_name = "COMMAND")]
    pub vault_passphrase_command: Option<String>,
}

/// A place for secrets.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum PlaceArgument {
    Keyring,
    Vault,
}

impl From<PlaceArgument> for Rung {
    fn from(place: PlaceArgument) -> Self {
        match place {
            PlaceArgument::Keyring => Self::Keyring,
            PlaceArgument::Vault => Self::Vault,
        }
    }
}

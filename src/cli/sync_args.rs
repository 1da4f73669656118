//! `sync`, as clap reads it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::Common;
use crate::engine::sync::Moment;
use crate::model::bytes::parse_size;

/// `sync`.
#[derive(Args)]
#[command(after_help = "\
Without --dry-run and --plan the differences are carried out at once: folders are
made, then files copied, then deletions happen, the last only if every copy came
through. Each file is looked at once more before; what changed since is left.
Conflicts (newer at DST, file against folder), times that the clocks do not decide
and what cannot be read are left and told (exit 3).

  sealift sync SRC DST --dry-run           what would be done (exit 10: something)
  sealift sync SRC DST --plan FILE         the same into a file, to be looked at
  sealift sync --apply FILE                carries out what the file says
")]
pub struct Synchronise {
    /// The model: a folder here, a URL, or a site.
    #[arg(value_name = "SRC", required_unless_present = "apply")]
    pub source: Option<OsString>,
    /// The folder that becomes like it; made if it is not there.
    #[arg(value_name = "DST", required_unless_present = "apply")]
    pub destination: Option<OsString>,
    /// Delete what only DST has: into the folder .sealift-trash there, or for good.
    #[arg(long, value_enum, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "trash")]
    pub delete: Option<DeleteArgument>,
    /// Change nothing; print what would be done.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Change nothing; write what would be done to a new file.
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub plan: Option<PathBuf>,
    /// Carry out a file of --plan.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["source", "destination", "plan", "delete", "direction", "checksum", "exclude", "include", "min_size", "max_size", "newer_than", "older_than", "links", "no_hidden", "overwrite_newer", "empty_source", "no_clock"])]
    pub apply: Option<PathBuf>,
    /// Which way: to DST, to SRC, or each side gets what is newer on the other.
    #[arg(long, value_enum, value_name = "WAY", default_value_t = DirectionArgument::Right)]
    pub direction: DirectionArgument,
    /// Compare files of one size by their bytes, not by their times.
    #[arg(long)]
    pub checksum: bool,
    /// Leave out what this pattern of a .gitignore matches (repeatable).
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<String>,
    /// Only files this pattern matches (repeatable).
    #[arg(long, value_name = "PATTERN")]
    pub include: Vec<String>,
    /// Only files of at least this size (10K, 2M, 1G).
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub min_size: Option<u64>,
    /// Only files of at most this size.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_size: Option<u64>,
    /// Only files changed since (2026-11-30, 2026-11-30T08:00:00Z, or 7d ago).
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub newer_than: Option<Moment>,
    /// Only files last changed before.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub older_than: Option<Moment>,
    /// Symbolic links: leave them out, or keep them as links.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = LinksArgument::Skip)]
    pub links: LinksArgument,
    /// Leave out names that begin with a dot.
    #[arg(long)]
    pub no_hidden: bool,
    /// Replace also what is newer at DST.
    #[arg(long)]
    pub overwrite_newer: bool,
    /// Delete also where SRC, or a folder in it, has nothing at all while that of DST has something.
    #[arg(long)]
    pub empty_source: bool,
    /// Make no file at DST to see how its clock goes (a dry run never does).
    #[arg(long)]
    pub no_clock: bool,
    /// How to connect and answer.
    #[command(flatten)]
    pub common: Common,
}

/// What becomes of what only the target has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum DeleteArgument {
    Trash,
    Permanent,
}

/// Which way files go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum DirectionArgument {
    Right,
    Left,
    Both,
}

/// What is done about links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum LinksArgument {
    Skip,
    Keep,
}

/// `10`, `10K`, `2M`, `1G`, `1T`: bytes, in steps of 1024.
fn size(text: &str) -> Result<u64, String> {
    parse_size(text).ok_or_else(|| "write a size like 500, 10K, 2M or 1G".to_owned())
}

/// An instant, a day of the local calendar, or a span that ends now.
fn moment(text: &str) -> Result<Moment, String> {
    Moment::parse(text).ok_or_else(|| "write it like 2026-11-30, 2026-11-30T08:00:00Z or 7d".to_owned())
}

//! The face without a screen: verbs for scripts and for people at a prompt. Data to stdout, words to stderr.

pub mod args;
mod commands;
mod exit;
pub mod identity_args;
pub mod key_args;
mod log;
mod output;
mod passphrase;
mod places;
mod prompt;
mod run;
pub mod secret_args;
mod sections;
pub mod serve_args;
pub mod site_args;
pub mod sync_args;
mod tour;
mod trust_question;

pub use exit::{ExitCode, Failure};
pub use log::start_log;
pub use places::{pane_beside, start_pane};
pub use run::run;

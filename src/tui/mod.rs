//! The terminal: the event loop, the keyboard, the frames and what is on them. The only user of ratatui and crossterm.
//!
//! A key press comes in through [`mod@keys`], changes the core in [`mod@run`], whose orders [`mod@executor`] starts
//! over a [`runtime::Backend`]; [`mod@view`] draws the core, [`mod@frame`] finds the difference, [`mod@output`] writes it.

mod backend;
pub mod executor;
pub mod frame;
pub mod keys;
pub mod output;
pub mod pace;
pub mod run;
pub mod runtime;
pub mod signals;
pub mod start;
pub mod terminal;
pub mod theme;
pub mod view;
pub mod wake;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use run::{RunOptions, run};
pub use runtime::Backend;

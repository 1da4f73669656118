//! What is on the screen: plain functions from the core's state to cells, one widget a file. They change nothing.

pub mod dialog;
pub(super) mod draw;
mod identity;
pub mod layout;
mod look;
mod pane;
mod row;
mod screen;
mod sheet;
mod status;

pub use look::Look;
pub use screen::{Drawn, draw, title};

#[cfg(test)]
mod tests;

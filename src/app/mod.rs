//! The pure core: state, messages, actions, keymap, panes, dialogs. No I/O, no clock, no terminal.

pub mod action;
mod cancel;
mod carry_out;
mod clients;
pub mod dialog;
pub mod effect;
mod facts;
mod identities;
pub mod input;
mod inspect;
mod interrupted;
pub mod key;
pub mod keymap;
pub mod message;
pub mod notice;
mod open;
pub mod pane;
mod perform;
mod secrets;
mod sites;
pub mod state;
mod sync;
mod together;
pub mod transfers;
mod update;

pub use action::Action;
pub use dialog::Dialog;
pub use effect::{Effect, Reaction};
pub use input::Input;
pub use key::{Key, KeyCode};
pub use message::{Generation, Moment, Msg, Side, SiteChoice, StartPane};
pub use notice::Notice;
pub use pane::Pane;
pub use sites::SitesDone;
pub use state::{App, Options, Session};
pub use transfers::Transfers;
#[cfg(test)]
pub(crate) mod tests;

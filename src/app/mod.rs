//! The pure core: state, messages, actions, keymap, panes, dialogs. No I/O, no clock, no terminal.

pub mod effect;
pub mod key;
pub mod message;

pub use effect::{Effect, Reaction};
pub use key::{Key, KeyCode};
pub use message::{Generation, Moment, Msg, Side, SiteChoice, StartPane};

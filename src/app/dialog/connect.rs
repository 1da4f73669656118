//! Where to connect: a URL line.

use crate::app::input::Input;
use crate::app::message::Side;

/// Where to connect.
pub struct ConnectDialog {
    /// For which pane.
    pub side: Side,
    /// The URL.
    pub input: Input,
    /// What is wrong with it, once Enter was pressed.
    pub error: Option<String>,
    /// URLs of this run (without passwords), oldest first; Up and Down take them.
    pub history: Vec<String>,
    pub(super) at: Option<usize>,
}

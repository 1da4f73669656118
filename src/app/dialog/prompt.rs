//! Lines a person answers a server or a key file with.

use crate::app::input::Input;
use crate::ask::{Ask, InteractiveQuestion, SecretAnswer, SecretQuestion};
use crate::secrets::Secret;

/// A password or passphrase.
pub struct SecretDialog {
    /// What is asked, and the way to answer.
    pub ask: Ask<SecretQuestion, SecretAnswer>,
    /// What was typed.
    pub input: Input,
}

/// The server's own prompts.
pub struct InteractiveDialog {
    /// What is asked, and the way to answer.
    pub ask: Ask<InteractiveQuestion, Vec<Secret>>,
    /// One line for each prompt, masked where the server wants no echo.
    pub inputs: Vec<Input>,
    /// Which line keys go to.
    pub focus: usize,
}

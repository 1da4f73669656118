//! Is this certificate or host key the right one? Rejects unless a person, awake, says otherwise.

use std::time::Duration;

use crate::app::input::Input;
use crate::ask::{Ask, TrustAnswer, TrustQuestion};

/// The question and what the person did about it so far.
pub struct TrustDialog {
    /// What is asked, and the way to answer.
    pub ask: Ask<TrustQuestion, TrustAnswer>,
    /// The button Enter presses. Begins with Reject.
    pub focus: TrustAnswer,
    /// What keys do.
    pub mode: TrustMode,
    /// What came of comparing with a fingerprint the person has from elsewhere.
    pub compared: Option<Comparison>,
    /// The last characters were typed wrongly.
    pub mistyped: bool,
    /// All facts are shown, not the summary.
    pub details: bool,
    /// The first line shown of what does not fit.
    pub scroll: usize,
    /// No key counts before this, since the program started: what was typed ahead was not meant for this dialog.
    pub deaf_until: Duration,
    /// When it was opened.
    pub(super) opened: Duration,
}

/// What keys do in a [`TrustDialog`].
#[derive(Clone, PartialEq, Eq)]
pub enum TrustMode {
    /// Choose a button.
    Choose,
    /// Type the last characters of the fingerprint to accept a dangerous identity.
    TypeLast {
        /// What was typed.
        input: Input,
        /// The answer it leads to.
        answer: TrustAnswer,
    },
    /// Type or paste the fingerprint the server's owner gave.
    Compare(Input),
}

/// What came of comparing fingerprints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// It is the one.
    Match,
    /// It is another one.
    Mismatch,
    /// What was typed is no SHA-256 fingerprint.
    NotAFingerprint,
}

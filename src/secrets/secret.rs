//! A password or passphrase in memory: zeroised when dropped, without `Debug`, `Display` or `Serialize`.

use zeroize::Zeroizing;

/// Secret text. The only way to its bytes is [`Secret::expose`], so that a search finds every use.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text; the caller's own copy is the caller's to clear.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

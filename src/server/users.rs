//! Who may come in: names and passwords of the embedded server. Not the operating system's accounts.

use sha2::{Digest, Sha256};

use crate::secrets::Secret;

/// The users of a server: name and password, or a name that a trusted client certificate is enough for.
#[derive(Clone, Default)]
pub struct Users(Vec<(String, Option<Secret>)>);

impl Users {
    /// One user.
    pub fn one(name: impl Into<String>, password: Secret) -> Self {
        Self::default().and(name, password)
    }

    /// One more user.
    pub fn and(mut self, name: impl Into<String>, password: Secret) -> Self {
        self.0.push((name.into(), Some(password)));
        self
    }

    /// One more user, who needs no password with a trusted certificate, and does not come in without one.
    pub fn and_by_certificate(mut self, name: impl Into<String>) -> Self {
        self.0.push((name.into(), None));
        self
    }

    /// Whether this user's certificate is enough (RFC 4217 section 10.3).
    pub(super) fn comes_by_certificate(&self, name: &[u8]) -> bool {
        self.0.iter().any(|(user, password)| user.as_bytes() == name && password.is_none())
    }

    /// Whether there is a user of this name.
    pub(super) fn knows(&self, name: &[u8]) -> bool {
        self.0.iter().any(|(user, _)| user.as_bytes() == name)
    }

    /// Whether the password is this user's. Takes as long for a wrong one as for a right one: digests are compared.
    pub(super) fn admits(&self, name: &[u8], password: &[u8]) -> bool {
        let given = Sha256::digest(password);
        self.0.iter().fold(false, |admitted, (user, secret)| {
            let equal = secret.as_ref().is_some_and(|secret| Sha256::digest(secret.expose().as_bytes()) == given);
            admitted | (equal & (user.as_bytes() == name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_pair_comes_in() {
        let users = Users::one("ann", Secret::new("a".into())).and("bob", Secret::new("b".into()));
        assert!(users.admits(b"ann", b"a") && users.admits(b"bob", b"b"));
        assert!(!users.admits(b"ann", b"b") && !users.admits(b"eve", b"a") && !users.admits(b"ann", b""));
        assert!(users.knows(b"bob") && !users.knows(b"Bob"));
        let users = users.and_by_certificate("cat");
        assert!(users.comes_by_certificate(b"cat") && !users.comes_by_certificate(b"ann"));
        assert!(!users.admits(b"cat", b""), "no password is not an empty one");
    }
}

//! `%h`, `~` and `${NAME}` inside values.

use sha1::{Digest, Sha1};

use super::surroundings::{Person, Surroundings};

/// What the tokens of one connection stand for.
pub(super) struct Tokens<'a> {
    pub(super) person: &'a Person,
    /// As it was asked for (`%n`).
    pub(super) original: &'a str,
    /// Where it leads (`%h`).
    pub(super) host: &'a str,
    /// `%p`
    pub(super) port: u16,
    /// `%r`
    pub(super) user: &'a str,
    /// `%k`
    pub(super) key_alias: &'a str,
    /// `%j`
    pub(super) jump: &'a str,
}

/// Those of most values.
pub(super) const ALL: &str = "CdhijkLlnpru";
/// Those of `ProxyCommand`.
pub(super) const OF_PROXY: &str = "hnpr";

impl Tokens<'_> {
    /// Replaces `%h` and its like, as far as `allowed` names them, and `%%`.
    pub(super) fn expand(&self, text: &str, allowed: &str) -> Result<String, String> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if c != '%' {
                expanded.push(c);
                continue;
            }
            match rest.next() {
                Some('%') => expanded.push('%'),
                Some(token) if allowed.contains(token) => expanded.push_str(&self.value(token)),
                Some(token) => return Err(format!("%{token} stands for nothing there")),
                None => return Err("it ends in a single %".to_owned()),
            }
        }
        Ok(expanded)
    }

    fn value(&self, token: char) -> String {
        match token {
            'd' => self.person.home.to_string_lossy().into_owned(),
            'h' => self.host.to_owned(),
            'i' => self.person.id.to_string(),
            'j' => self.jump.to_owned(),
            'k' => self.key_alias.to_owned(),
            'L' => self.person.machine.split('.').next().unwrap_or_default().to_owned(),
            'l' => self.person.machine.clone(),
            'n' => self.original.to_owned(),
            'p' => self.port.to_string(),
            'r' => self.user.to_owned(),
            'u' => self.person.user.clone(),
            // 'C', a short name for the connection.
            _ => {
                let all = format!("{}{}{}{}{}", self.person.machine, self.host, self.port, self.user, self.jump);
                Sha1::digest(all).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
            }
        }
    }
}

/// Replaces a leading `~/`. Another person's home (`~name/`) is not looked up.
pub(super) fn tilde(text: &str, person: &Person) -> Result<String, String> {
    match text.strip_prefix('~') {
        None => Ok(text.to_owned()),
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Ok(format!("{}{rest}", person.home.to_string_lossy())),
        Some(_) => Err("the home folders of others are not looked up; write the whole path".to_owned()),
    }
}

/// Replaces `${NAME}`.
pub(super) fn variables(text: &str, surroundings: &dyn Surroundings) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        let (name, after) = behind.split_once('}').ok_or("a ${ is not closed")?;
        let value = surroundings.variable(name).ok_or_else(|| format!("there is no variable {name}"))?;
        expanded.push_str(before);
        expanded.push_str(&value);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

//! Whose certificate it is to be: the subject's fields and the alternative names, checked as a person types them, and
//! their DER. Reads no certificate.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::der::{IA5_STRING, PRINTABLE_STRING, SET, UTF8_STRING, element, implicit, oid, sequence};
use crate::model::text;

/// The fields of a subject. Empty ones are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subject {
    /// Two letters (ISO 3166).
    pub country: String,
    /// State or province.
    pub state: String,
    /// City.
    pub locality: String,
    /// Company or organisation.
    pub organization: String,
    /// Departments, from the largest down.
    pub units: Vec<String>,
    /// The person's, program's or host's name.
    pub common_name: String,
    /// E-mail address.
    pub email: String,
}

/// What a person fills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Field {
    Name,
    Country,
    State,
    Locality,
    Organization,
    Unit,
    CommonName,
    Email,
    AlternativeName,
    Days,
    Passphrase,
    Confirmation,
}

/// What is wrong with a field, in words for beside it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Invalid {
    /// Which one.
    pub field: Field,
    /// Why, and what would be right.
    pub why: String,
}

impl Invalid {
    pub(super) fn new(field: Field, why: impl Into<String>) -> Self {
        Self { field, why: why.into() }
    }
}

const EMAIL: &[u32] = &[1, 2, 840, 113_549, 1, 9, 1];

impl Subject {
    /// Everything that is wrong, in the order of the fields.
    pub fn check(&self) -> Vec<Invalid> {
        let mut wrong = Vec::new();
        if !matches!(self.country.as_bytes(), [] | [b'A'..=b'Z', b'A'..=b'Z']) {
            wrong.push(Invalid::new(Field::Country, "the country is two capital letters, such as DE or US"));
        }
        // The upper bounds of RFC 5280 appendix A.1.
        let texts =
            [(Field::State, &self.state, 128), (Field::Locality, &self.locality, 128), (Field::Organization, &self.organization, 64)];
        let units = self.units.iter().map(|unit| (Field::Unit, unit, 64));
        for (field, value, longest) in texts.into_iter().chain(units).chain([(Field::CommonName, &self.common_name, 64)]) {
            wrong.extend(Self::check_text(field, value, longest));
        }
        if self.units.iter().any(String::is_empty) {
            wrong.push(Invalid::new(Field::Unit, "a department's name is empty"));
        }
        if self.common_name.trim().is_empty() {
            wrong.push(Invalid::new(Field::CommonName, "a name is needed: yours, or that of the program or host the certificate is for"));
        }
        if !self.email.is_empty() && !is_email(&self.email) {
            wrong.push(Invalid::new(Field::Email, "this is no e-mail address in plain letters, such as ann@example.com"));
        }
        wrong
    }

    fn check_text(field: Field, value: &str, longest: usize) -> Option<Invalid> {
        if value.chars().count() > longest {
            return Some(Invalid::new(field, format!("this is longer than the {longest} characters a certificate may hold")));
        }
        (text::display_safe(value.as_bytes()) != value).then(|| Invalid::new(field, "there are characters in it that cannot be seen"))
    }

    /// The Name, in the order C, ST, L, O, OU, CN, e-mail. UTF-8 where plain letters do not do.
    pub(super) fn der(&self) -> Vec<u8> {
        let mut rdns = Vec::new();
        let mut put = |arcs: &[u32], value: &str, tag: u8| {
            if !value.is_empty() {
                rdns.extend(element(SET, &sequence(&[&oid(arcs), &element(tag, value.as_bytes())])));
            }
        };
        put(&[2, 5, 4, 6], &self.country, PRINTABLE_STRING);
        put(&[2, 5, 4, 8], &self.state, UTF8_STRING);
        put(&[2, 5, 4, 7], &self.locality, UTF8_STRING);
        put(&[2, 5, 4, 10], &self.organization, UTF8_STRING);
        for unit in &self.units {
            put(&[2, 5, 4, 11], unit, UTF8_STRING);
        }
        put(&[2, 5, 4, 3], &self.common_name, UTF8_STRING);
        put(EMAIL, &self.email, IA5_STRING);
        sequence(&[&rdns])
    }
}

/// A subject alternative name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AlternativeName {
    /// A host's name, perhaps with one `*` on the left.
    Dns(String),
    /// A host's address.
    Ip(IpAddr),
    /// A person's e-mail address.
    Email(String),
    /// A URI.
    Uri(String),
}

impl AlternativeName {
    /// Reads `host.example.com`, `192.0.2.1`, `ann@example.com`, `https://…`, or the same after `DNS:`, `IP:`, `email:`, `URI:`.
    pub fn parse(typed: &str) -> Result<Self, Invalid> {
        let typed = typed.trim();
        let no = |why: &str| Invalid::new(Field::AlternativeName, format!("{}: {why}", text::display_safe(typed.as_bytes())));
        let lower = typed.to_ascii_lowercase();
        let after = |prefix: &str| lower.starts_with(prefix).then(|| typed[prefix.len()..].to_owned());
        let dns = |name: String| if is_dns(&name) { Ok(Self::Dns(name)) } else { Err(no("this is no host name in plain letters")) };
        let email =
            |name: String| if is_email(&name) { Ok(Self::Email(name)) } else { Err(no("this is no e-mail address in plain letters")) };
        let uri = |name: String| {
            let is_uri = name.split_once(':').is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty());
            if is_uri && name.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(Self::Uri(name)) } else { Err(no("this is no URI")) }
        };
        if let Some(name) = after("dns:") {
            dns(name)
        } else if let Some(name) = after("ip:") {
            name.parse().map(Self::Ip).map_err(|_| no("this is no IP address"))
        } else if let Some(name) = after("email:").or_else(|| after("mail:")) {
            email(name)
        } else if let Some(name) = after("uri:") {
            uri(name)
        } else if let Ok(address) = typed.parse() {
            Ok(Self::Ip(address))
        } else if typed.contains("://") {
            uri(typed.to_owned())
        } else if typed.contains('@') {
            email(typed.to_owned())
        } else {
            dns(typed.to_owned())
        }
    }

    /// The GeneralName (RFC 5280 section 4.2.1.6).
    fn der(&self) -> Vec<u8> {
        match self {
            Self::Email(name) => implicit(1, name.as_bytes()),
            Self::Dns(name) => implicit(2, name.as_bytes()),
            Self::Uri(name) => implicit(6, name.as_bytes()),
            Self::Ip(IpAddr::V4(address)) => implicit(7, &address.octets()),
            Self::Ip(IpAddr::V6(address)) => implicit(7, &address.octets()),
        }
    }
}

/// The contents of the extension: GeneralNames.
pub(super) fn general_names(names: &[AlternativeName]) -> Vec<u8> {
    sequence(&[&names.iter().flat_map(AlternativeName::der).collect::<Vec<_>>()])
}

impl std::fmt::Display for AlternativeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dns(name) => write!(f, "DNS:{name}"),
            Self::Ip(address) => write!(f, "IP:{address}"),
            Self::Email(name) => write!(f, "email:{name}"),
            Self::Uri(name) => write!(f, "URI:{name}"),
        }
    }
}

impl TryFrom<String> for AlternativeName {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<AlternativeName> for String {
    fn from(name: AlternativeName) -> Self {
        name.to_string()
    }
}

fn is_email(text: &str) -> bool {
    let plain = text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic());
    plain && text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && is_dns(host) && !host.contains('*'))
}

fn is_dns(name: &str) -> bool {
    let labels = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && labels.split('.').all(is_label)
}

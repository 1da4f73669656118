//! Whether a certificate names a host (RFC 9525), and what it names instead.

use std::net::IpAddr;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use crate::trust::certificate;

/// What a certificate says of a host.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NameMatch {
    /// It is among the subject's alternative names.
    Listed,
    /// There are none, and the common name is it.
    CommonNameOnly,
    /// It is for these instead, made safe to draw.
    No(Vec<String>),
}

/// Looks for `host` (lower case; a name or an address) in `certificate`.
pub(super) fn look(certificate: &X509Certificate<'_>, host: &str) -> NameMatch {
    let names = certificate.subject_alternative_name().ok().flatten().map(|names| &names.value.general_names);
    let mut listed = Vec::new();
    for name in names.into_iter().flatten() {
        let matches = match name {
            GeneralName::DNSName(pattern) => covers(pattern, host),
            GeneralName::IPAddress(bytes) => address(host).is_some_and(|address| is(address, bytes)),
            _ => continue,
        };
        if matches {
            return NameMatch::Listed;
        }
        listed.extend(certificate::general_name(name));
    }
    let common = certificate::common_name(certificate.subject());
    if listed.is_empty() && common.as_ref().is_some_and(|common| covers(common, host)) {
        return NameMatch::CommonNameOnly;
    }
    if listed.is_empty() {
        listed.extend(common);
    }
    NameMatch::No(listed)
}

/// Whether `name`, as [`certificate::general_name`] writes it, is `host` or covers it.
pub(in crate::trust) fn name_covers(name: &str, host: &str) -> bool {
    covers(name, host) || name.parse::<IpAddr>().is_ok_and(|listed| address(host) == Some(listed))
}

/// Whether `pattern` is `host`, or a wildcard for its first label with at least two labels behind it.
fn covers(pattern: &str, host: &str) -> bool {
    if pattern.eq_ignore_ascii_case(host) {
        return !host.is_empty();
    }
    let (Some(parent), Some((first, rest))) = (pattern.strip_prefix("*."), host.split_once('.')) else { return false };
    !first.is_empty() && parent.contains('.') && parent.eq_ignore_ascii_case(rest) && address(host).is_none()
}

/// `host` as an address; the zone of a link-local one is this machine's business.
fn address(host: &str) -> Option<IpAddr> {
    host.split('%').next()?.parse().ok()
}

fn is(address: IpAddr, bytes: &[u8]) -> bool {
    match address {
        IpAddr::V4(address) => address.octets() == *bytes,
        IpAddr::V6(address) => address.octets() == *bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_whole_left_label() {
        for (pattern, host, expected) in [
            ("ftp.example.com", "ftp.example.com", true),
            ("FTP.Example.com", "ftp.example.com", true),
            ("*.example.com", "ftp.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "a.ftp.example.com", false),
            ("f*.example.com", "ftp.example.com", false),
            ("*.com", "example.com", false),
            ("*", "localhost", false),
            ("*.0.0.1", "127.0.0.1", false),
            ("*.example.com", ".example.com", false),
            ("", "", false),
        ] {
            assert_eq!(covers(pattern, host), expected, "{pattern} for {host}");
        }
    }
}

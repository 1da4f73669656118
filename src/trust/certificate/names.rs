//! Distinguished names and alternative names as a person writes them, safe to draw.

use std::net::{Ipv4Addr, Ipv6Addr};

use x509_parser::extensions::GeneralName;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use crate::model::text;

/// Longer values are cut: a certificate may hold 64 KiB of them.
const LONGEST_VALUE: usize = 256;

/// The last common name of `name`.
pub(in crate::trust) fn common_name(name: &X509Name<'_>) -> Option<String> {
    name.iter_common_name().last().map(value)
}

/// `name` in one line: the common name, else everything there is.
pub(in crate::trust) fn short_name(name: &X509Name<'_>) -> String {
    short(&attributes(name))
}

pub(crate) fn short(attributes: &[(String, String)]) -> String {
    if let Some((_, common)) = attributes.iter().rfind(|(label, _)| label == "CN") {
        return common.clone();
    }
    let all = attributes.iter().map(|(label, value)| format!("{label}={value}")).collect::<Vec<_>>().join(", ");
    if all.is_empty() { "(no name)".to_owned() } else { text::cut(&all, LONGEST_VALUE) }
}

pub(crate) fn attributes(name: &X509Name<'_>) -> Vec<(String, String)> {
    name.iter_attributes().map(|attribute| (label(&attribute.attr_type().to_id_string()), value(attribute))).collect()
}

fn label(oid: &str) -> String {
    let label = match oid {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.42" => "GN",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        other => other,
    };
    label.to_owned()
}

/// An attribute's text, whatever string type it is in.
fn value(attribute: &AttributeTypeAndValue<'_>) -> String {
    let any = attribute.attr_value();
    let decoded = match any.tag().0 {
        12 | 18 | 19 | 22 | 26 => return safe(any.data),
        // BMPString, UniversalString, and TeletexString as everybody reads it: Latin-1.
        30 => String::from_utf16_lossy(&any.data.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]])).collect::<Vec<_>>()),
        28 => {
            any.data.chunks_exact(4).filter_map(|unit| char::from_u32(u32::from_be_bytes([unit[0], unit[1], unit[2], unit[3]]))).collect()
        }
        20 => any.data.iter().map(|&byte| char::from(byte)).collect(),
        _ => format!("#{}", hex(any.data)),
    };
    safe(decoded.as_bytes())
}

pub(in crate::trust) fn safe(bytes: &[u8]) -> String {
    text::cut(&text::display_safe(bytes), LONGEST_VALUE)
}

/// The first bytes in upper-case pairs with colons.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(LONGEST_VALUE).map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// An alternative name as a person writes it; `None` for the kinds nobody uses for hosts or people.
pub(crate) fn general_name(name: &GeneralName<'_>) -> Option<String> {
    Some(match name {
        GeneralName::DNSName(name) => safe(name.as_bytes()),
        GeneralName::RFC822Name(name) => format!("mail:{}", safe(name.as_bytes())),
        GeneralName::URI(uri) => format!("uri:{}", safe(uri.as_bytes())),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => return None,
    })
}

fn address(bytes: &[u8]) -> String {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        Ipv4Addr::from(octets).to_string()
    } else if let Ok(octets) = <[u8; 16]>::try_from(bytes) {
        Ipv6Addr::from(octets).to_string()
    } else {
        format!("no address: {}", hex(bytes))
    }
}

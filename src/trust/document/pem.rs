//! PEM (RFC 7468, and the older headers of RFC 1421): labelled blocks, with any text around them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{Document, MOST, pkcs7, private_key, x509};

/// One block.
pub(crate) struct Block {
    /// What it says it is.
    pub(crate) label: String,
    /// `Name: value` lines before the body.
    pub(crate) headers: Vec<String>,
    /// It may be a private key. An error is the reason why it cannot be read.
    pub(crate) body: Result<Zeroizing<Vec<u8>>, &'static str>,
}

/// The blocks of a file, not many more than will be shown; `None` if there is none.
pub(crate) fn blocks(bytes: &[u8]) -> Option<Vec<Block>> {
    let mut lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).peekable();
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        let Some(label) = label(line, "-----BEGIN ") else { continue };
        let (mut headers, mut body, mut ended) = (Vec::new(), Zeroizing::new(Vec::new()), false);
        while let Some(line) = lines.next_if(|line| self::label(line, "-----BEGIN ").is_none()) {
            ended = self::label(line, "-----END ").as_ref() == Some(&label);
            if ended {
                break;
            }
            if line.contains(&b':') {
                headers.push(String::from_utf8_lossy(line).into_owned());
            } else {
                body.extend_from_slice(line);
            }
        }
        let body = match STANDARD.decode(&*body) {
            _ if !ended => Err("its end is missing: the file was cut off"),
            Ok(body) => Ok(Zeroizing::new(body)),
            Err(_) => Err("it is damaged: what is inside is not base64"),
        };
        blocks.push(Block { label, headers, body });
        if blocks.len() > MOST {
            break;
        }
    }
    (!blocks.is_empty()).then_some(blocks)
}

/// The label of a line of dashes; a mark of byte order before it does not matter.
fn label(line: &[u8], start: &str) -> Option<String> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let label = line.strip_prefix(start.as_bytes())?.strip_suffix(b"-----")?;
    Some(String::from_utf8_lossy(label).into_owned())
}

/// What is in a block; several things in a PKCS#7 one, nothing in one of parameters.
pub(super) fn read(name: &str, block: &Block, now: Timestamp) -> Vec<Document> {
    let label = block.label.as_str();
    if label.ends_with(" PARAMETERS") {
        return Vec::new();
    }
    let der = match &block.body {
        Ok(der) => der,
        Err(why) => return vec![Document::unreadable(name, &format!("{label}: {why}"))],
    };
    let read = match label {
        "CERTIFICATE" | "X509 CERTIFICATE" => return vec![x509::certificate_or_why(name, der, now)],
        // OpenSSL's own: the certificate, and behind it what it is trusted for.
        "TRUSTED CERTIFICATE" => x509::first_element(der).and_then(|der| x509::certificate(der, now)),
        // GnuTLS and Windows write the second.
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => x509::request(der),
        "X509 CRL" | "CRL" => x509::revocation_list(der, now),
        "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS" => match pkcs7::parts(der) {
            Some(parts) => return pkcs7::read(name, &parts, now),
            None => None,
        },
        "PUBLIC KEY" | "RSA PUBLIC KEY" => return vec![Document::unreadable(name, "a public key alone, which says nothing of its owner")],
        _ if label.ends_with("PRIVATE KEY") => private_key::pem(name, label, &block.headers, der),
        _ => return vec![Document::unreadable(name, &format!("{label}: this is nothing known here"))],
    };
    vec![read.unwrap_or_else(|| Document::unreadable(name, &format!("{label}: it is damaged, or something else than it says")))]
}

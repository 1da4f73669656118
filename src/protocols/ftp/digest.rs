//! What a server itself says a file's content comes to: `HASH` (draft-bryan-ftpext-hash), the `X…` commands that grew before
//! it, `MD5` and `MMD5` (draft-twine-ftpmd5) and `SITE` ones. Only what a server announces is tried, and what it refuses not again.

use std::time::Duration;

use tokio::time::timeout;

use super::attempt::Attempt;
use super::command::Command;
use super::reply::Reply;
use super::session::Session;
use crate::model::FilePath;
use crate::vfs::{Digest, DigestAlgorithm, FsErrorKind, FsResult};

/// The longest a server may take: a disk reads a TiB in it.
const LONGEST: Duration = Duration::from_secs(3 * 3600);

/// One command that tells one digest.
struct Way {
    /// As `FEAT` names it: the command, and for those with a list an item of it.
    feature: (&'static str, &'static str),
    verb: &'static str,
    how: How,
    algorithm: DigestAlgorithm,
}

#[derive(PartialEq)]
enum How {
    /// `OPTS HASH name` chooses the algorithm, `HASH path` asks.
    Hash,
    /// The command's argument is the path, in quotes where it has blanks.
    Path,
    /// The same, and a comma ends the path.
    Paths,
    /// `SITE name path`.
    Site(&'static str),
}

const fn hash(name: &'static str, algorithm: DigestAlgorithm) -> Way {
    Way { feature: ("HASH", name), verb: "HASH", how: How::Hash, algorithm }
}

const fn plain(verb: &'static str, algorithm: DigestAlgorithm) -> Way {
    Way { feature: (verb, ""), verb, how: How::Path, algorithm }
}

const fn site(name: &'static str, algorithm: DigestAlgorithm) -> Way {
    Way { feature: ("SITE", name), verb: "SITE", how: How::Site(name), algorithm }
}

/// All ways, for each algorithm the best first.
const WAYS: [Way; 18] = [
    hash("SHA-512", DigestAlgorithm::Sha512),
    hash("SHA-256", DigestAlgorithm::Sha256),
    hash("SHA-1", DigestAlgorithm::Sha1),
    hash("MD5", DigestAlgorithm::Md5),
    hash("CRC32", DigestAlgorithm::Crc32),
    plain("XSHA512", DigestAlgorithm::Sha512),
    plain("XSHA256", DigestAlgorithm::Sha256),
    plain("XSHA1", DigestAlgorithm::Sha1),
    plain("XSHA", DigestAlgorithm::Sha1),
    plain("XMD5", DigestAlgorithm::Md5),
    plain("MD5", DigestAlgorithm::Md5),
    Way { feature: ("MMD5", ""), verb: "MMD5", how: How::Paths, algorithm: DigestAlgorithm::Md5 },
    plain("XCRC", DigestAlgorithm::Crc32),
    site("SHA512", DigestAlgorithm::Sha512),
    site("SHA256", DigestAlgorithm::Sha256),
    site("SHA1", DigestAlgorithm::Sha1),
    site("MD5", DigestAlgorithm::Md5),
    site("CRC32", DigestAlgorithm::Crc32),
];

/// The ways a line of `FEAT` announces, as bits.
pub(super) fn announced(name: &str, rest: &str) -> u32 {
    let items: Vec<&str> = rest.split([';', ' ', ',']).map(|item| item.trim_end_matches('*')).collect();
    let is_meant = |way: &Way| way.feature.0 == name && (way.feature.1.is_empty() || items.contains(&way.feature.1));
    WAYS.iter().enumerate().filter(|(_, way)| is_meant(way)).fold(0, |bits, (at, _)| bits | 1 << at)
}

impl Session {
    /// The digest of `path` in the first of `wanted` that the server can tell; `None` where it tells none of them.
    pub(super) async fn digest(&mut self, path: &FilePath, wanted: &[DigestAlgorithm]) -> FsResult<Option<Digest>> {
        let attempt = Attempt::new("take the checksum of", path);
        for &algorithm in wanted {
            for (at, way) in WAYS.iter().enumerate().filter(|(_, way)| way.algorithm == algorithm) {
                if self.features.digests & !self.settings.quirks.refused_digests() & 1 << at == 0 {
                    continue;
                }
                let Some(reply) = self.ask(way, path, attempt).await? else { continue };
                let error = match (reply.is_success(), way.read(&reply, path)) {
                    (true, Some(digest)) => return Ok(Some(digest)),
                    (true, None) => attempt.error(FsErrorKind::Protocol, reply.quote()),
                    (false, _) => attempt.refused(&reply),
                };
                match error.kind {
                    FsErrorKind::NotFound | FsErrorKind::PermissionDenied | FsErrorKind::IsADirectory => return Err(error),
                    _ if reply.is_success() || matches!(reply.code, 500..=504) => self.settings.quirks.refuse_digest(1 << at),
                    // Not this file, perhaps: too large, or busy.
                    _ => {}
                }
                tracing::debug!(target: "sealift::ftp", %error, verb = way.verb, "no checksum this way");
            }
        }
        Ok(None)
    }

    /// The reply to one way; `None` where it cannot be asked so.
    async fn ask(&mut self, way: &Way, path: &FilePath, attempt: Attempt<'_>) -> FsResult<Option<Reply>> {
        let command = match way.how {
            How::Hash if self.hashes_with != Some(way.algorithm) => {
                let chosen = self.exchange("OPTS", format!("HASH {}", way.feature.1), attempt).await?;
                if !chosen.is_success() {
                    return Ok(Some(chosen));
                }
                self.hashes_with = Some(way.algorithm);
                self.command(way.verb, path.as_bytes(), attempt)?
            }
            How::Paths if path.as_bytes().contains(&b',') => return Ok(None),
            // Behind the path some servers expect numbers.
            How::Path | How::Paths if path.as_bytes().contains(&b'"') => return Ok(None),
            How::Path | How::Paths if path.as_bytes().contains(&b' ') => {
                self.command(way.verb, [b"\"", path.as_bytes(), b"\""].concat(), attempt)?
            }
            How::Hash | How::Path | How::Paths => self.command(way.verb, path.as_bytes(), attempt)?,
            How::Site(name) => self.command(way.verb, [name.as_bytes(), b" ", path.as_bytes()].concat(), attempt)?,
        };
        self.exchange_at_length(&command, attempt).await.map(Some)
    }

    /// One exchange whose reply may take long. Dropped meanwhile, the connection is replaced at the next call.
    async fn exchange_at_length(&mut self, command: &Command, attempt: Attempt<'_>) -> FsResult<Reply> {
        self.given_up = true;
        self.control.send(command).await.map_err(|error| attempt.control(error))?;
        let reply = loop {
            match timeout(LONGEST, self.control.reply_in_own_time()).await {
                // "Computing …"
                Ok(Ok(reply)) if reply.is_preliminary() => {}
                Ok(reply) => break reply,
                Err(_) => {
                    self.control.close();
                    return Err(attempt.error(FsErrorKind::TimedOut, "the server did not come to an end"));
                }
            }
        };
        self.given_up = false;
        reply.map_err(|error| attempt.control(error))
    }
}

impl Way {
    /// The digest in a reply: the only word in it that can be one. The file's own name does not count.
    fn read(&self, reply: &Reply, path: &FilePath) -> Option<Digest> {
        let lines = reply.lines.iter().map(|line| {
            let mut text = String::from_utf8_lossy(line).into_owned();
            for bytes in [Some(path.as_bytes().to_vec()), path.name().map(|name| name.as_bytes().to_vec())].into_iter().flatten() {
                text = text.replace(&*String::from_utf8_lossy(&bytes), " ");
            }
            text
        });
        let text = lines.collect::<Vec<_>>().join(" ");
        let words = text.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let found: Vec<Digest> = words.filter_map(|word| Digest::from_hex(self.algorithm, word)).collect();
        match found.as_slice() {
            [first, rest @ ..] if rest.iter().all(|other| other == first) => Some(first.clone()),
            // Some servers leave out the zeros before a CRC.
            [] if self.algorithm == DigestAlgorithm::Crc32 => {
                let word = String::from_utf8_lossy(reply.last_line().trim_ascii()).into_owned();
                Digest::from_hex(self.algorithm, &format!("{word:0>8}")).filter(|_| !word.is_empty())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRC: &str = "352441c2";
    const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";
    const SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";
    const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn replies_of_real_servers() {
        for (verb, algorithm, lines, expected) in [
            // FileZilla Server, ProFTPD mod_digest: draft-bryan-ftpext-hash.
            (
                "HASH",
                DigestAlgorithm::Sha256,
                &["SHA-256 0-3 BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD a b"][..],
                SHA256,
            ),
            ("HASH", DigestAlgorithm::Crc32, &["CRC32 0-3 352441C2 a b"], CRC),
            // ProFTPD mod_digest.
            ("XSHA1", DigestAlgorithm::Sha1, &["Computing SHA1 digest", "A9993E364706816ABA3E25717850C26C9CD0D89D"], SHA1),
            ("XMD5", DigestAlgorithm::Md5, &["900150983CD24FB0D6963F7D28E17F72"], MD5),
            // Serv-U, Titan, Cerberus.
            ("XCRC", DigestAlgorithm::Crc32, &["352441C2"], CRC),
            ("XCRC", DigestAlgorithm::Crc32, &["1C2"], "000001c2"),
            ("XCRC", DigestAlgorithm::Crc32, &["XCRC successful: \"352441C2\""], CRC),
            ("XSHA256", DigestAlgorithm::Sha256, &["\"/x/a b\" ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"], SHA256),
            // draft-twine-ftpmd5, libunftp.
            ("MD5", DigestAlgorithm::Md5, &["\"/x/a b\" 900150983cd24fb0d6963f7d28e17f72"], MD5),
            ("MMD5", DigestAlgorithm::Md5, &["\"/x/a b\" 900150983CD24FB0D6963F7D28E17F72"], MD5),
            ("SITE", DigestAlgorithm::Md5, &["900150983cd24fb0d6963f7d28e17f72    a b"], MD5),
        ] {
            let way = WAYS.iter().find(|way| way.verb == verb && way.algorithm == algorithm).unwrap();
            let reply = Reply::new(250, lines.iter().map(|line| line.as_bytes().to_vec()).collect());
            let digest = way.read(&reply, &FilePath::try_from("/x/a b").unwrap());
            assert_eq!(digest.map(|digest| digest.to_string()).as_deref(), Some(expected), "{verb} {lines:?}");
        }
    }

    #[test]
    fn what_could_be_two_digests_or_none_is_none() {
        let way = &WAYS[3];
        let read = |line: String, path: &str| way.read(&Reply::new(213, vec![line.into()]), &FilePath::try_from(path).unwrap());
        assert_eq!(read(format!("MD5 0-3 {MD5} {}", MD5.replace('9', "8")), "/other"), None);
        assert_eq!(read("MD5 0-3 none".into(), "/a"), None);
        // A file that is called like a digest, perhaps of another content.
        let name = MD5.replace('9', "8");
        assert_eq!(read(format!("MD5 0-3 {MD5} {name}"), &format!("/{name}")).unwrap().to_string(), MD5);
    }

    #[test]
    fn what_features_announce() {
        assert_eq!(announced("HASH", "SHA-256*;SHA-1;MD5"), 0b1110);
        assert_eq!(announced("XCRC", "filename;start;end"), 1 << 12);
        assert_eq!(announced("MMD5", ""), 1 << 11);
        assert_eq!(announced("SITE", "MD5"), 1 << 16);
        assert_eq!(announced("MDTM", ""), 0);
    }
}

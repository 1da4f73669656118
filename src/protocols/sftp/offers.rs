//! What a server has beside SFTP version 3, by the extensions in its VERSION packet.

use bytes::Bytes;

use super::channel::Version;

/// What is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Offers {
    /// `limits@openssh.com`.
    pub(super) limits: bool,
    /// `posix-rename@openssh.com`: a rename that replaces.
    pub(super) posix_rename: bool,
    /// `fsync@openssh.com`.
    pub(super) fsync: bool,
    /// `copy-data` (draft-ietf-secsh-filexfer-extensions-00 section 7).
    pub(super) copy_data: bool,
    /// `check-file-name` and `check-file-handle` (draft-ietf-secsh-filexfer-extensions-00 section 3).
    pub(super) check_file_name: bool,
    pub(super) check_file_handle: bool,
    /// `md5-hash` (draft-ietf-secsh-filexfer-09 section 9.1.1).
    pub(super) md5_hash: bool,
    /// `statvfs@openssh.com`.
    pub(super) statvfs: bool,
    /// It is OpenSSH's own server. Its plain RENAME fails where there is something of the new name, and several handles may
    /// write one file anywhere: version 3 says so of all servers, but not all keep to it.
    pub(super) is_openssh: bool,
}

/// What OpenSSH's sftp-server has begun its list with since 2008. It renames by link(2) and unlink(2), and looks first
/// where that cannot be done.
const OPENSSH: [(&str, &str); 4] =
    [("posix-rename@openssh.com", "1"), ("statvfs@openssh.com", "2"), ("fstatvfs@openssh.com", "2"), ("hardlink@openssh.com", "1")];

impl Offers {
    /// From the VERSION packet, and what the SSH server calls itself (`SSH-2.0-…`).
    pub(super) fn of(version: &Version, software: &str) -> Self {
        let extensions = &version.extensions;
        let has = |any: &[&str]| extensions.iter().any(|(offered, _)| any.iter().any(|name| offered == name.as_bytes()));
        let matches = |((name, value), expected): (&(Bytes, Bytes), &(&str, &str))| name == expected.0 && value == expected.1;
        Self {
            limits: has(&["limits@openssh.com"]),
            posix_rename: has(&["posix-rename@openssh.com"]),
            fsync: has(&["fsync@openssh.com"]),
            copy_data: has(&["copy-data"]),
            check_file_name: has(&["check-file-name", "check-file"]),
            check_file_handle: has(&["check-file-handle", "check-file"]),
            md5_hash: has(&["md5-hash"]),
            statvfs: has(&["statvfs@openssh.com"]),
            // Another SFTP server may run behind OpenSSH's sshd, and another sshd may have copied the list.
            is_openssh: software.starts_with("SSH-2.0-OpenSSH_")
                && extensions.len() >= OPENSSH.len()
                && extensions.iter().zip(&OPENSSH).all(matches),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_openssh_behind_openssh_is_known_as_such() {
        let version = |extensions: &[(&'static str, &'static str)]| Version {
            version: 3,
            extensions: extensions.iter().map(|&(name, value)| (name.into(), value.into())).collect(),
        };
        let openssh = version(&[&OPENSSH[..], &[("fsync@openssh.com", "1")]].concat());
        assert!(Offers::of(&openssh, "SSH-2.0-OpenSSH_9.2p1 Debian-2").is_openssh);
        assert!(!Offers::of(&openssh, "SSH-2.0-mod_sftp").is_openssh);
        // Go's server renames by rename(2).
        let go = version(&[("hardlink@openssh.com", "1"), ("posix-rename@openssh.com", "1"), ("statvfs@openssh.com", "2")]);
        assert!(!Offers::of(&go, "SSH-2.0-OpenSSH_9.2p1").is_openssh);
        assert!(Offers::of(&go, "").posix_rename);
    }
}

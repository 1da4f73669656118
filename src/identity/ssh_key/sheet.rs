//! What is handed to the administrator of a server, so that a key gets into its `authorized_keys`: public facts only.

use super::SshPublicKey;
use crate::trust::fingerprint;

/// The sheet of a key, as text for a mail or a printer.
pub fn sheet(key: &SshPublicKey) -> String {
    let (line, blob) = (key.line(), key.blob());
    let name = key.label();
    format!(
        "\
SSH public key of {name}

Please let me log in with this key. It is public: it opens nothing, and may be sent openly.
Compare one of the fingerprints with me over another way (by telephone) before you add it.

Algorithm    {algorithm}
SHA-256      {sha256}
MD5          {md5}

For OpenSSH: one line
---------------------

{line}

Save this line as key.pub. `wc -l < key.pub` has to say 1: a line that was broken on its way is no key.
`ssh-keygen -l -f key.pub` shows the fingerprint above. Then, as the user who shall log in:

  mkdir -p ~/.ssh && chmod 700 ~/.ssh
  cat key.pub >> ~/.ssh/authorized_keys
  chmod 600 ~/.ssh/authorized_keys

Take >> and not >, which would throw away every key that is there. The home folder, ~/.ssh and the file
may be written to by nobody but that user, else OpenSSH's server does not look into them (StrictModes).

For other servers (Tectia, VanDyke, GlobalSCAPE EFT): the same key as RFC 4716
------------------------------------------------------------------------------

{rfc4716}
OpenSSH reads that form, too: `ssh-keygen -i -f FILE` turns it into the line above.
",
        algorithm = key.algorithm(),
        sha256 = key.fingerprint().openssh(),
        md5 = fingerprint::md5(&blob),
        rfc4716 = key.rfc4716(),
    )
}

//! The hosts of an OpenSSH configuration, each with what the configuration says of it at this moment.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{Draft, Found, NotImported, Remark};
use crate::config::ssh_config::{Contents, HostOptions, Person, SshConfig, SshConfigFiles, Surroundings, ThisMachine};
use crate::model::Protocol;
use crate::model::text::display_safe;

/// Reads every host without wildcards in `file`. Runs no command of it.
///
/// # Errors
/// The file cannot be read.
pub fn ssh_config(file: &Path, person: Person) -> Result<Found, NotImported> {
    let failed = |why: String| NotImported { what: "SSH configuration", why };
    std::fs::File::open(file).map_err(|error| failed(error.to_string()))?;
    let config = SshConfig::read(&SshConfigFiles::Only(file.to_owned()), person, Arc::new(WithoutCommands));
    let remarks = config.warnings().iter().map(|warning| Remark { line: warning.line, text: warning.text.clone() });
    let mut found = Found { remarks: remarks.collect(), ..Found::default() };
    for host in config.aliases() {
        if !found.has_room() {
            continue;
        }
        match config.for_host(host, None, None) {
            Ok(said) => {
                tell_lost(host, &said, &mut found);
                found.take(draft(host, said));
            }
            Err(error) => found.tell(0, format!("{host} is left out: {error}")),
        }
    }
    Ok(found.told())
}

fn draft(host: &str, said: HostOptions) -> Draft {
    let mut draft = Draft {
        name: host.to_owned(),
        protocol: Some(Protocol::Sftp),
        host: said.host_name,
        port: said.port,
        user: said.user.unwrap_or_default(),
        ..Draft::default()
    };
    draft.options.key = said.identity_files.and_then(|files| files.into_iter().next());
    draft
}

/// What a site cannot say. The host of the configuration itself still can, where it is `~/.ssh/config`.
fn tell_lost(host: &str, said: &HostOptions, found: &mut Found) {
    let lost = [
        ("ProxyJump", !said.proxy_jump.is_empty()),
        ("ProxyCommand", said.proxy_command.is_some()),
        ("HostKeyAlias", said.host_key_alias.is_some()),
        ("UserKnownHostsFile", said.user_known_hosts_files.is_some()),
        ("CertificateFile", !said.certificate_files.is_empty()),
        ("IdentityAgent", said.identity_agent.is_some()),
        ("a second IdentityFile", said.identity_files.as_ref().is_some_and(|files| files.len() > 1)),
    ];
    for (what, _) in lost.iter().filter(|(_, is_said)| *is_said) {
        found.tell(0, format!("{host}: {what} is not taken over; a site whose URL is sftp://{host} follows ~/.ssh/config in everything"));
    }
    for remark in &said.remarks {
        found.remarks.push(Remark { line: 0, text: format!("{host}: {}", display_safe(remark.as_bytes())) });
    }
}

/// This machine, as a file from elsewhere may see it.
struct WithoutCommands;

impl Surroundings for WithoutCommands {
    fn read(&self, path: &Path, most: u64) -> io::Result<Contents> {
        ThisMachine.read(path, most)
    }

    fn names(&self, folder: &Path) -> Vec<OsString> {
        ThisMachine.names(folder)
    }

    fn variable(&self, name: &str) -> Option<String> {
        ThisMachine.variable(name)
    }

    fn run(&self, _: &str) -> Result<bool, String> {
        Err("commands of a file that is only taken over are not run".to_owned())
    }
}

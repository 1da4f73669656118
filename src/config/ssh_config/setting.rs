//! What a keyword with its arguments says (ssh_config(5)), whomever it is said of.

use std::time::Duration;

use super::options::{AddressFamily, Hop, StrictHostKeyChecking};

/// One line's worth of configuration, not expanded yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Setting {
    HostName(String),
    User(String),
    Port(u16),
    IdentityFile(String),
    CertificateFile(String),
    IdentitiesOnly(bool),
    IdentityAgent(String),
    /// The servers on the way, the nearest first, and the text (`%j`); none for `none`.
    ProxyJump(Vec<Hop>, String),
    ProxyCommand(String),
    HostKeyAlias(String),
    RevokedHostKeys(String),
    UserKnownHostsFiles(Vec<String>),
    GlobalKnownHostsFiles(Vec<String>),
    StrictHostKeyChecking(StrictHostKeyChecking),
    HashKnownHosts(bool),
    HostKeyAlgorithms(String),
    /// Zero for `none`.
    ConnectTimeout(Duration),
    AddressFamily(AddressFamily),
    BindAddress(String),
    PreferredAuthentications(String),
    PubkeyAuthentication(bool),
    PasswordAuthentication(bool),
    KbdInteractiveAuthentication(bool),
    NumberOfPasswordPrompts(u32),
    ServerAliveInterval(Duration),
    ServerAliveCountMax(u32),
    Compression(bool),
    CanonicalizeHostname(bool),
    Tag(String),
    /// It is understood, but not followed, and a person who wrote it counts on it.
    NotFollowed(&'static str),
    /// It has no meaning for file transfer.
    Nothing,
    /// No keyword of OpenSSH.
    Unknown,
}

/// Keywords of OpenSSH that change nothing here.
const WITHOUT_MEANING: &str = " addkeystoagent batchmode bindinterface canonicalizefallbacklocal canonicalizemaxdots \
canonicalizepermittedcnames casignaturealgorithms channeltimeout checkhostip cipher ciphers clearallforwardings compressionlevel \
connectionattempts controlmaster controlpath controlpersist dynamicforward enableescapecommandline enablesshkeysign escapechar \
exitonforwardfailure fallbacktorsh fingerprinthash forkafterauthentication forwardagent forwardx11 forwardx11timeout \
forwardx11trusted gatewayports globalknownhostsfile2 gssapiauthentication gssapiclientidentity gssapidelegatecredentials \
gssapikexalgorithms gssapikeyexchange gssapirenewalforcesrekey gssapiserveridentity gssapitrustdns hostbasedacceptedalgorithms \
hostbasedauthentication hostbasedkeytypes ignoreunknown ipqos kbdinteractivedevices keepalive kexalgorithms localcommand localforward \
loglevel logverbose macs nohostauthenticationforlocalhost obscurekeystroketiming permitlocalcommand permitremoteopen pkcs11provider \
protocol proxyusefdpass pubkeyacceptedalgorithms pubkeyacceptedkeytypes refuseconnection rekeylimit remotecommand remoteforward \
requesttty requiredrsasize rhostsrsaauthentication rsaauthentication securitykeyprovider sendenv sessiontype setenv \
smartcarddevice stdinnull streamlocalbindmask streamlocalbindunlink syslogfacility tcpkeepalive tunnel tunneldevice updatehostkeys \
useblacklistedkeys usekeychain useprivilegedport userknownhostsfile2 useroaming usersh verifyhostkeydns versionaddendum visualhostkey \
warnweakcrypto xauthlocation ";

impl Setting {
    /// Reads a line that is neither `Host`, `Match` nor `Include`. `rest` is all behind the keyword, as it is written.
    ///
    /// # Errors
    /// What is wrong with the arguments, in words that follow the place of the line.
    pub(super) fn read(keyword: &str, arguments: &[String], rest: &str) -> Result<Self, String> {
        let one = || match arguments {
            [only] if !only.is_empty() => Ok(only.clone()),
            [_] => Err(format!("nothing follows {keyword}")),
            _ => Err(format!("{keyword} takes one word, not {}", arguments.len())),
        };
        let flag = || yes_or_no(&one()?).ok_or_else(|| format!("{keyword} is yes or no"));
        let number = || one()?.parse().map_err(|_| format!("{keyword} is a number"));
        let seconds = || seconds(&one()?).ok_or_else(|| format!("{keyword} is a time such as 90 or 1m30s"));
        Ok(match keyword {
            "hostname" => Self::HostName(one()?),
            "user" => Self::User(one()?),
            "port" => Self::Port(one()?.parse().ok().filter(|&port| port != 0).ok_or("a port is a number from 1 to 65535")?),
            "identityfile" | "identityfile2" => Self::IdentityFile(one()?),
            "certificatefile" => Self::CertificateFile(one()?),
            "identitiesonly" => Self::IdentitiesOnly(flag()?),
            "identityagent" => Self::IdentityAgent(one()?),
            "proxyjump" => {
                // A comment ends it, though no quotes are taken off.
                let text = rest.split('#').next().unwrap_or_default().trim_end();
                Self::ProxyJump(hops(text).ok_or("ProxyJump is a list such as user@host:port,host, or none")?, text.to_owned())
            }
            "proxycommand" => Self::ProxyCommand(rest.to_owned()),
            "hostkeyalias" => Self::HostKeyAlias(one()?),
            "userknownhostsfile" => Self::UserKnownHostsFiles(arguments.to_vec()),
            "globalknownhostsfile" => Self::GlobalKnownHostsFiles(arguments.to_vec()),
            "stricthostkeychecking" => Self::StrictHostKeyChecking(match (one()?.to_ascii_lowercase().as_str(), flag()) {
                ("ask", _) => StrictHostKeyChecking::Ask,
                ("accept-new", _) => StrictHostKeyChecking::AcceptNew,
                ("off", _) | (_, Ok(false)) => StrictHostKeyChecking::No,
                (_, Ok(true)) => StrictHostKeyChecking::Yes,
                _ => return Err("stricthostkeychecking is yes, ask, accept-new or no".to_owned()),
            }),
            "hashknownhosts" => Self::HashKnownHosts(flag()?),
            "hostkeyalgorithms" => Self::HostKeyAlgorithms(one()?),
            "connecttimeout" if one()?.eq_ignore_ascii_case("none") => Self::ConnectTimeout(Duration::ZERO),
            "connecttimeout" => Self::ConnectTimeout(seconds()?),
            "addressfamily" => Self::AddressFamily(match one()?.to_ascii_lowercase().as_str() {
                "any" => AddressFamily::Any,
                "inet" => AddressFamily::Inet,
                "inet6" => AddressFamily::Inet6,
                _ => return Err("addressfamily is any, inet or inet6".to_owned()),
            }),
            "bindaddress" => Self::BindAddress(one()?),
            "preferredauthentications" => Self::PreferredAuthentications(one()?),
            "pubkeyauthentication" | "dsaauthentication" => {
                Self::PubkeyAuthentication(matches!(one()?.to_ascii_lowercase().as_str(), "unbound" | "host-bound") || flag()?)
            }
            "passwordauthentication" => Self::PasswordAuthentication(flag()?),
            "kbdinteractiveauthentication" | "challengeresponseauthentication" | "skeyauthentication" | "tisauthentication" => {
                Self::KbdInteractiveAuthentication(flag()?)
            }
            "numberofpasswordprompts" => Self::NumberOfPasswordPrompts(number()?),
            "serveraliveinterval" => Self::ServerAliveInterval(seconds()?),
            "serveralivecountmax" => Self::ServerAliveCountMax(number()?),
            "compression" => Self::Compression(flag()?),
            "canonicalizehostname" => Self::CanonicalizeHostname(one()?.eq_ignore_ascii_case("always") || flag()?),
            "canonicaldomains" => Self::NotFollowed("CanonicalDomains"),
            "revokedhostkeys" => Self::RevokedHostKeys(one()?),
            "knownhostscommand" => Self::NotFollowed("KnownHostsCommand"),
            "tag" => Self::Tag(one()?),
            _ if WITHOUT_MEANING.contains(&format!(" {keyword} ")) => Self::Nothing,
            _ => Self::Unknown,
        })
    }
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// `90`, `1m30s`, `2h`: numbers with a unit, which is seconds where there is none.
fn seconds(text: &str) -> Option<Duration> {
    let mut sum: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits);
        let unit = match behind.chars().next() {
            None | Some('s' | 'S') => 1,
            Some('m' | 'M') => 60,
            Some('h' | 'H') => 3600,
            Some('d' | 'D') => 86_400,
            Some('w' | 'W') => 604_800,
            Some(_) => return None,
        };
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = behind.get(1..).unwrap_or_default();
    }
    // OpenSSH keeps it in an int.
    (!text.is_empty() && i32::try_from(sum).is_ok()).then_some(Duration::from_secs(sum))
}

/// A list of servers on the way; none for `none`.
fn hops(text: &str) -> Option<Vec<Hop>> {
    if text.eq_ignore_ascii_case("none") {
        return Some(Vec::new());
    }
    text.split(',').map(hop).collect()
}

/// `user@host:port`, `[address]:port`, or the same behind `ssh://`.
fn hop(text: &str) -> Option<Hop> {
    let text = text.strip_prefix("ssh://").map_or(text, |uri| uri.strip_suffix('/').unwrap_or(uri));
    let (user, rest) = match text.rsplit_once('@') {
        Some((user, rest)) => (Some(user.to_owned()), rest),
        None => (None, text),
    };
    let (host, port) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|&port| port != 0)?),
        None => None,
    };
    let is_named = !host.is_empty() && user.as_ref().is_none_or(|user| !user.is_empty());
    is_named.then(|| Hop { user, host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(keyword: &str, rest: &str) -> Result<Setting, String> {
        Setting::read(keyword, &rest.split(' ').map(str::to_owned).collect::<Vec<_>>(), rest)
    }

    #[test]
    fn times_have_units() {
        for (text, expected) in [("90", Some(90)), ("1m30s", Some(90)), ("2H", Some(7200)), ("1w", Some(604_800)), ("0", Some(0))] {
            assert_eq!(seconds(text), expected.map(Duration::from_secs), "{text}");
        }
        for text in ["", "m", "1x", "1m3é", "99999999999999999999", "3000000000", "-1"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn hops_have_users_and_ports() {
        let hop = |user: Option<&str>, host: &str, port| Hop { user: user.map(str::to_owned), host: host.to_owned(), port };
        assert_eq!(
            hops("me@a:2222,[::1]:22,ssh://you@b:23,c").unwrap(),
            [hop(Some("me"), "a", Some(2222)), hop(None, "::1", Some(22)), hop(Some("you"), "b", Some(23)), hop(None, "c", None)]
        );
        assert_eq!(hops("none"), Some(Vec::new()));
        for wrong in ["", "a,,b", "a:0", "a:x", "@a", "[::1", "[::1]22"] {
            assert_eq!(hops(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn wrong_values_say_what_is_meant() {
        for (keyword, rest) in [("port", "0"), ("port", "ssh"), ("user", "a b"), ("compression", "perhaps"), ("hostname", "")] {
            assert!(read(keyword, rest).is_err(), "{keyword} {rest}");
        }
        assert_eq!(read("stricthostkeychecking", "off"), Ok(Setting::StrictHostKeyChecking(StrictHostKeyChecking::No)));
        assert_eq!(read("ciphers", "x"), Ok(Setting::Nothing));
        assert_eq!(read("cipher s", "x"), Ok(Setting::Unknown));
        assert_eq!(read("colour", "x"), Ok(Setting::Unknown));
    }
}

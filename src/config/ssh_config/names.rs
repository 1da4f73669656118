//! Which names of hosts and users can be no part of a command or an option. They come from URLs and become part of commands
//! (`%h`, `%r`), so they are looked at before anything is made of them.

/// What a shell takes for something else than itself, wherever it stands. A `\` is looked at on its own.
const OF_SHELLS: [char; 13] = ['\'', '"', '`', '$', ';', '&', '<', '>', '|', '(', ')', '{', '}'];

/// As OpenSSH's `valid_hostname` has it.
pub(super) fn is_host(name: &str) -> bool {
    !name.starts_with('-') && !name.contains(OF_SHELLS) && !name.contains(|c: char| c == '\\' || c.is_whitespace() || c.is_control())
}

/// As OpenSSH's `valid_ruser` has it, without `$` besides. A `\` may stand between a domain and a name, nowhere else.
pub(super) fn is_user(name: &str) -> bool {
    let has_space = name.contains(char::is_whitespace);
    let is_option = name.starts_with('-') || name.split(char::is_whitespace).skip(1).any(|word| word.starts_with('-'));
    let is_escape = name.contains('\\') && (has_space || name.starts_with('\\') || name.ends_with('\\'));
    !is_option && !is_escape && !name.contains(OF_SHELLS) && !name.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_a_command_or_an_option() {
        for name in ["", "ann", "ann.lee-2", "Ann Lee", "CORP\\ann", "ann@example.org", "ünal"] {
            assert!(is_user(name), "{name}");
        }
        for name in
            ["-oX", "a -oX", "a\t-oX", "a\u{a0}-oX", "a \\-oX", "\\-oX", "a\\", "a\nb", "a\u{9b}b", "a$IFS", "a`b`", "a;b", "o'neil"]
        {
            assert!(!is_user(name), "{name}");
        }
        for name in ["host", "::1", "fe80::1%eth0", "a_b"] {
            assert!(is_host(name), "{name}");
        }
        for name in ["-oX", "a b", "a\\b", "a\nb", "$(id)", "a|b"] {
            assert!(!is_host(name), "{name}");
        }
    }
}

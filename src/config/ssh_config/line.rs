//! One line of a configuration file: a keyword and its arguments, with `=`, quotes, escapes and comments.

/// A keyword and what follows it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words<'a> {
    /// In lower case.
    pub(super) keyword: String,
    /// The arguments without their quotes; a `#` that begins a word ends them.
    pub(super) arguments: Vec<String>,
    /// All behind the keyword as it is written: what a command takes.
    pub(super) rest: &'a str,
}

/// `Ok(None)`: nothing but space or a comment. `Err`: what is wrong with it.
pub(super) fn words(line: &str) -> Result<Option<Words<'_>>, String> {
    let line = line.trim_matches([' ', '\t', '\r', '\n', '\x0c']);
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (keyword, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or("a quote is not closed")?,
        None => line.split_at(line.find([' ', '\t', '=']).unwrap_or(line.len())),
    };
    let blank = |text: &str| -> usize { text.len() - text.trim_start_matches([' ', '\t']).len() };
    let rest = &rest[blank(rest)..];
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    let rest = &rest[blank(rest)..];
    let arguments = arguments(rest)?;
    if arguments.is_empty() {
        return Err(format!("nothing follows {keyword}"));
    }
    Ok(Some(Words { keyword: keyword.to_ascii_lowercase(), arguments, rest }))
}

/// Words between blanks. Quotes of either kind hold a word together; a backslash takes the meaning from a quote, from
/// another one, and outside of quotes from a space.
fn arguments(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = text.chars().peekable();
    loop {
        while rest.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        if matches!(rest.peek(), None | Some('#')) {
            return Ok(words);
        }
        let mut word = String::new();
        let mut quote = None;
        while let Some(c) = rest.next_if(|c| quote.is_some() || !matches!(c, ' ' | '\t')) {
            match c {
                '\\' => word.push(rest.next_if(|next| matches!(next, '\'' | '"' | '\\') || (quote.is_none() && *next == ' ')).unwrap_or(c)),
                '"' | '\'' if quote.is_none() => quote = Some(c),
                _ if quote == Some(c) => quote = None,
                _ => word.push(c),
            }
        }
        if quote.is_some() {
            return Err("a quote is not closed".to_owned());
        }
        words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (String, Vec<String>) {
        let words = words(line).unwrap().unwrap();
        (words.keyword, words.arguments)
    }

    #[test]
    fn keywords_and_arguments() {
        for line in ["Port 22", "port=22", "\tPORT = 22\r", "\"Port\" 22", "Port \"22\" # mine", "  Port=\t'22'\x0c"] {
            assert_eq!(read(line), ("port".to_owned(), vec!["22".to_owned()]), "{line:?}");
        }
        assert_eq!(read(r#"UserKnownHostsFile "/a b" c\ d e"f "g "#).1, ["/a b", "c d", "ef g"]);
        assert_eq!(read(r#"ProxyCommand x 'a"b' \"c\" \d a#b"#).1, ["x", "a\"b", "\"c\"", "\\d", "a#b"]);
        assert_eq!(words(r#"ProxyCommand = sh -c "a b" # c"#).unwrap().unwrap().rest, r#"sh -c "a b" # c"#);
        assert_eq!(words("").unwrap(), None);
        assert_eq!(words("  # Port 22").unwrap(), None);
    }

    #[test]
    fn what_is_no_line_says_why() {
        assert_eq!(words("Port").unwrap_err(), "nothing follows Port");
        assert_eq!(words("Port #").unwrap_err(), "nothing follows Port");
        assert_eq!(words("User \"x").unwrap_err(), "a quote is not closed");
    }
}

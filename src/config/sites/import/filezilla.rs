//! FileZilla's `sitemanager.xml`, and what its *Export* writes.

use roxmltree::{Document, Node};

use super::{Draft, Found, NotImported};
use crate::config::sites::SiteName;
use crate::config::sites::lines::Lines;
use crate::model::site::RemoteStart;
use crate::model::{Charset, DataMode, FilePath, Protocol};

/// What says nothing that could be kept here, or nothing once it is at its usual value.
const SAID_ELSEWHERE: [&str; 6] = ["Name", "Logontype", "Colour", "SyncBrowsing", "DirectoryComparison", "TimezoneOffset"];

/// Reads the sites of FileZilla.
///
/// # Errors
/// It is no XML, or no list of sites.
pub fn filezilla(text: &str) -> Result<Found, NotImported> {
    let failed = |why: String| NotImported { what: "list of sites of FileZilla", why };
    let document = Document::parse(text).map_err(|error| failed(error.to_string()))?;
    let servers = document.root_element().children().find(|node| node.has_tag_name("Servers"));
    let servers = servers.ok_or_else(|| failed("it has no <Servers>".to_owned()))?;
    let (mut found, lines) = (Found::default(), Lines::of(text));
    let is_folder = |node: &Node<'_, '_>| *node == servers || node.has_tag_name("Folder");
    for node in servers.descendants().filter(|node| node.is_element() && node.parent().as_ref().is_some_and(is_folder)) {
        match node.tag_name().name() {
            "Server" if found.has_room() => server(node, &lines, &mut found),
            "Server" | "Folder" => {}
            other => found.tell(lines.line(node.range().start), format!("<{other}> is not understood")),
        }
    }
    found.remarks.sort_by_key(|remark| remark.line);
    Ok(found.told())
}

fn server(node: Node<'_, '_>, lines: &Lines, found: &mut Found) {
    // More folders than a name can have are no use.
    let folders = node.ancestors().filter(|above| above.has_tag_name("Folder")).take(SiteName::LONGEST);
    let mut folders: Vec<String> = folders.map(own_text).collect();
    folders.reverse();
    let name = node.children().find(|child| child.has_tag_name("Name")).map(own_text).filter(|name| !name.is_empty());
    let mut draft =
        Draft { line: lines.line(node.range().start), folders, name: name.unwrap_or_else(|| own_text(node)), ..Draft::default() };
    for child in node.children().filter(Node::is_element) {
        let (tag, text, line) = (child.tag_name().name(), own_text(child), lines.line(child.range().start));
        let told = match tag {
            "Host" => {
                draft.host = text;
                None
            }
            "Port" => text.parse().map(|port| draft.port = Some(port)).err().map(|_| "the port is no number".to_owned()),
            "Protocol" => protocol(&text, &mut draft),
            "User" => {
                draft.user = text;
                None
            }
            "Pass" => {
                found.passwords += usize::from(!text.is_empty());
                None
            }
            "PasvMode" => {
                draft.options.data_mode = match text.as_str() {
                    "MODE_PASSIVE" => Some(DataMode::Passive),
                    "MODE_ACTIVE" => Some(DataMode::Active),
                    _ => None,
                };
                None
            }
            "MaximumMultipleConnections" => {
                draft.options.connections = text.parse().ok().and_then(crate::config::sites::SiteEntry::connections);
                None
            }
            "Comments" => {
                draft.notes = text;
                None
            }
            "LocalDir" => here(&text).map(|path| draft.local = Some(path)).err(),
            "RemoteDir" | "CustomEncoding" if text.is_empty() => None,
            "RemoteDir" => match remote_dir(&text) {
                Some(path) => {
                    draft.start = Some(RemoteStart::Absolute(path));
                    None
                }
                None => Some("the start folder on the server is not understood".to_owned()),
            },
            "Keyfile" => here(&text).map(|path| draft.options.key = Some(path)).err(),
            "EncodingType" => {
                draft.options.charset = Some(&*text).filter(|text| *text == "UTF-8").and_then(|_| Charset::parse("utf-8").ok());
                None
            }
            "CustomEncoding" => {
                Charset::parse(&text).map(|charset| draft.options.charset = Some(charset)).err().map(|unknown| unknown.to_string())
            }
            _ if SAID_ELSEWHERE.contains(&tag)
                || ["", "0"].contains(&text.as_str()) && !child.children().any(|inner| inner.is_element()) =>
            {
                None
            }
            _ => Some(format!("<{tag}> is not taken over")),
        };
        if let Some(told) = told {
            found.tell(line, format!("{}: {told}", draft.name));
        }
    }
    if draft.protocol.is_some_and(|protocol| !protocol.is_ftp()) {
        (draft.options.data_mode, draft.options.charset, draft.options.connections) = (None, None, None);
    } else {
        draft.options.key = None;
    }
    found.take(draft);
}

/// Takes the protocol; answers what is to be said of it.
fn protocol(number: &str, draft: &mut Draft) -> Option<String> {
    draft.protocol = match number {
        "0" | "4" => Some(Protocol::Ftpes),
        "1" => Some(Protocol::Sftp),
        "3" => Some(Protocol::Ftps),
        "6" => Some(Protocol::Ftp),
        _ => None,
    };
    (number == "0").then(|| {
        "FileZilla would go on without TLS where a server has none; here TLS is needed (ftpes://). Write ftp:// if it really has none"
            .to_owned()
    })
}

/// A path of this machine, unless it is one of Windows.
pub(super) fn here(text: &str) -> Result<std::path::PathBuf, String> {
    if text.starts_with(['/', '~']) { Ok(text.into()) } else { Err(format!("{text} is no path on this machine and is not taken over")) }
}

/// FileZilla's own notation of a path on a server: its kind, the length of a prefix and the prefix, then each part behind its length.
fn remote_dir(text: &str) -> Option<FilePath> {
    let (kind, rest) = text.split_once(' ')?;
    let (prefix, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
    // Only the paths of Unix have no prefix and are written with `/`.
    if !matches!(kind, "0" | "1") || prefix != "0" {
        return None;
    }
    let mut path = String::from("/");
    while !rest.is_empty() {
        let (length, after) = rest.split_once(' ')?;
        let end = after.char_indices().map(|(at, _)| at).chain([after.len()]).nth(length.parse().ok()?)?;
        let (part, more) = after.split_at(end);
        path.push_str(part);
        path.push('/');
        rest = if more.is_empty() { more } else { more.strip_prefix(' ')? };
    }
    FilePath::try_from(path.as_str()).ok()
}

/// The text of the element itself, without that of those in it.
fn own_text(node: Node<'_, '_>) -> String {
    node.children()
        .filter(Node::is_text)
        .filter_map(|text| text.text())
        .map(str::trim)
        .find(|text| !text.is_empty())
        .unwrap_or("")
        .to_owned()
}

//! Everything a key can mean, with its help and its default keys, in one table.
//!
//! The keymap, the help screen, the palette and the README's key table are all made from [`ACTIONS`]. What an action
//! does stands in `app::perform`.

/// Something a person can ask for while the panes have the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each has its sentence in ACTIONS")]
pub enum Action {
    Down,
    Up,
    HalfPageDown,
    HalfPageUp,
    PageDown,
    PageUp,
    First,
    Last,
    Enter,
    Parent,
    Back,
    Forward,
    OtherPane,
    SwapPanes,
    SameFolder,
    Mark,
    Range,
    MarkPattern,
    UnmarkPattern,
    InvertMarks,
    MarkAll,
    UnmarkAll,
    Copy,
    Move,
    Rename,
    MakeDir,
    Delete,
    Info,
    Filter,
    FindNext,
    FindPrevious,
    Sort,
    Hidden,
    Refresh,
    Sites,
    Connect,
    Disconnect,
    Inspect,
    Ledger,
    Identities,
    Secrets,
    Clients,
    Transfers,
    Compare,
    Together,
    MakeLacking,
    CopyPath,
    CopyUrl,
    CopyName,
    CopyFingerprint,
    LastMessage,
    Palette,
    Help,
    Redraw,
    Suspend,
    Cancel,
    Quit,
}

/// Where an action stands in the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Moving about.
    Move,
    /// Marking.
    Mark,
    /// Working on files.
    Files,
    /// What a pane shows.
    View,
    /// Servers.
    Servers,
    /// The program.
    Program,
}

impl Group {
    /// All, in the order of the help.
    pub const ALL: [Self; 6] = [Self::Move, Self::Mark, Self::Files, Self::View, Self::Servers, Self::Program];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Move => "Moving about",
            Self::Mark => "Marking",
            Self::Files => "Files and folders",
            Self::View => "What a pane shows",
            Self::Servers => "Servers",
            Self::Program => "The program",
        }
    }
}

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionInfo {
    /// Which.
    pub action: Action,
    /// Where it stands in the help.
    pub group: Group,
    /// What it does, in one line.
    pub help: &'static str,
    /// Default keys, in the notation of [`super::keymap::parse_keys`]; the plain one first.
    pub keys: &'static [&'static str],
}

const fn line(action: Action, group: Group, keys: &'static [&'static str], help: &'static str) -> ActionInfo {
    ActionInfo { action, group, help, keys }
}

/// Every action once, in the order of the help.
pub const ACTIONS: &[ActionInfo] = &[
    line(Action::Down, Group::Move, &["j", "<down>", "<c-n>"], "one line down"),
    line(Action::Up, Group::Move, &["k", "<up>", "<c-p>"], "one line up"),
    line(Action::HalfPageDown, Group::Move, &["J", "<c-d>"], "half a page down"),
    line(Action::HalfPageUp, Group::Move, &["K"], "half a page up"),
    line(Action::PageDown, Group::Move, &["<pgdn>", "<c-f>", "<c-v>"], "a page down"),
    line(Action::PageUp, Group::Move, &["<pgup>", "<c-b>"], "a page up"),
    line(Action::First, Group::Move, &["gg", "<home>"], "to the first line"),
    line(Action::Last, Group::Move, &["G", "<end>"], "to the last line"),
    line(
        Action::Enter,
        Group::Move,
        &["<enter>", "l", "<right>"],
        "enter the folder; on a file show its facts, on a certificate or key what it says",
    ),
    line(Action::Parent, Group::Move, &["h", "<left>", "<bs>"], "to the folder above"),
    line(Action::Back, Group::Move, &["H"], "back to the folder before"),
    line(Action::Forward, Group::Move, &["L"], "forward again"),
    line(Action::OtherPane, Group::Move, &["<tab>", "<s-tab>"], "to the other pane"),
    line(Action::SwapPanes, Group::Move, &["gx", "<c-u>"], "swap the panes"),
    line(Action::SameFolder, Group::Move, &["go"], "show this folder in the other pane too"),
    line(Action::Together, Group::Move, &["Y"], "let both panes enter and leave folders together, or no more"),
    line(Action::MakeLacking, Group::Move, &["gm"], "make and enter the folder the other pane lacks (with Y)"),
    line(Action::Mark, Group::Mark, &["<space>", "<ins>", "<c-t>"], "mark or unmark, and one line down"),
    line(Action::Range, Group::Mark, &["v"], "begin a range; again marks it"),
    line(Action::MarkPattern, Group::Mark, &["+"], "mark by pattern (* and ?)"),
    line(Action::UnmarkPattern, Group::Mark, &["-"], "unmark by pattern"),
    line(Action::InvertMarks, Group::Mark, &["*"], "invert the marks"),
    line(Action::MarkAll, Group::Mark, &["A"], "mark all"),
    line(Action::UnmarkAll, Group::Mark, &["U"], "unmark all"),
    line(Action::Copy, Group::Files, &["c", "<f5>"], "copy to the other pane"),
    line(Action::Move, Group::Files, &["m", "<f6>"], "move to the other pane"),
    line(Action::Rename, Group::Files, &["r", "<f2>", "<s-f6>"], "rename"),
    line(Action::MakeDir, Group::Files, &["a", "<f7>"], "make a folder"),
    line(Action::Delete, Group::Files, &["d", "<f8>", "<del>"], "delete, after a question"),
    line(Action::Info, Group::Files, &["i", "<f3>"], "facts of this entry"),
    line(Action::Compare, Group::Files, &["C"], "compare the two folders, and make them alike"),
    line(Action::CopyName, Group::Files, &["yn"], "name to the clipboard"),
    line(Action::CopyPath, Group::Files, &["yy"], "path to the clipboard"),
    line(Action::CopyUrl, Group::Files, &["yu"], "URL to the clipboard"),
    line(Action::Filter, Group::View, &["/", "<c-s>"], "show only names with a text"),
    line(Action::FindNext, Group::View, &["n"], "next name with that text"),
    line(Action::FindPrevious, Group::View, &["N"], "previous name with that text"),
    line(Action::Sort, Group::View, &["s"], "sort"),
    line(Action::Hidden, Group::View, &["."], "show or hide names that begin with a dot"),
    line(Action::Refresh, Group::View, &["R", "<c-r>"], "read the folder again"),
    line(Action::Sites, Group::Servers, &["S"], "sites you keep: connect, make, change, remove"),
    line(Action::Connect, Group::Servers, &["O"], "connect to a URL"),
    line(Action::Disconnect, Group::Servers, &["gd"], "disconnect this pane"),
    line(Action::Inspect, Group::Servers, &["T"], "inspect the connection, or the certificate or key file under the cursor"),
    line(Action::CopyFingerprint, Group::Servers, &["yf"], "fingerprint of the server to the clipboard"),
    line(Action::Ledger, Group::Servers, &["gt"], "ledger: everything and everybody you trust"),
    line(Action::Identities, Group::Servers, &["gi"], "who you are: certificates and keys of your own, requests, authorities"),
    line(Action::Secrets, Group::Servers, &["gs"], "passwords and passphrases you keep, and where"),
    line(Action::Clients, Group::Servers, &["gp"], "clients of your own server: who waits, who comes in"),
    line(Action::Transfers, Group::Program, &["w"], "transfers: pause, stop, order, limits, what failed"),
    line(Action::LastMessage, Group::Program, &["E"], "the last message in full"),
    line(Action::Palette, Group::Program, &[":"], "find an action by name"),
    line(Action::Help, Group::Program, &["?", "<f1>"], "this help"),
    line(
        Action::Cancel,
        Group::Program,
        &["<esc>", "<c-g>", "<c-c>"],
        "stop connecting or listing, else clear the filter, the marks, else stop a job (asks)",
    ),
    line(Action::Redraw, Group::Program, &["<c-l>"], "draw the screen anew"),
    line(Action::Suspend, Group::Program, &["<c-z>"], "suspend the program"),
    line(Action::Quit, Group::Program, &["q", "<f10>"], "quit; asks if transfers run"),
];

impl Action {
    /// Its line of the table.
    pub fn info(self) -> &'static ActionInfo {
        ACTIONS.iter().find(|info| info.action == self).unwrap_or(&ACTIONS[0])
    }
}

impl ActionInfo {
    /// Its keys as a person reads them: `j, Down, Ctrl-N`.
    pub fn keys_text(&self) -> String {
        self.keys.iter().map(|keys| super::keymap::keys_text(keys)).collect::<Vec<_>>().join(", ")
    }
}

/// The key table as the README shows it.
pub fn key_table_markdown() -> String {
    let section = |group: &Group| {
        let lines = ACTIONS.iter().filter(|info| info.group == *group).map(|info| {
            let keys = info.keys.iter().map(|keys| format!("`{}`", super::keymap::keys_text(keys))).collect::<Vec<_>>().join(" ");
            format!("| {keys} | {} |\n", info.help)
        });
        [format!("| **{}** | |\n", group.title())].into_iter().chain(lines).collect::<String>()
    };
    ["| Key | What it does |\n|---|---|\n".to_owned()].into_iter().chain(Group::ALL.iter().map(section)).collect()
}

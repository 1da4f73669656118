//! What is chosen before two folders are compared.

use super::form::{Faults, Field, Form, FormAnswer};
use super::{Command, Next};
use crate::app::key::Key;
use crate::engine::sync::{CompareOrder, Comparison, Deletion, Direction, Links, Moment, Rules, SyncOptions};
use crate::model::bytes::parse_size;

/// What is chosen before two folders are compared.
pub struct SyncFormDialog {
    /// What is filled in.
    pub form: Form,
    order: CompareOrder,
}

impl SyncFormDialog {
    /// For the folders of `order`, whose direction is proposed. `names` are the two sides in words.
    pub(in crate::app) fn new(order: CompareOrder, names: &[String; 2]) -> Self {
        let [left, right] = names;
        let ways = [
            format!("right becomes like left ({right})"),
            format!("left becomes like right ({left})"),
            "both get what is newer".to_owned(),
        ];
        let way = match order.options.direction {
            Direction::Right => 0,
            Direction::Left => 1,
            Direction::Both => 2,
        };
        let fields = vec![
            Field::choice("way", "Direction", "Left and Right choose.", ways, way),
            Field::choice(
                "delete",
                "Delete",
                "What only the target has. The trash is the folder .sealift-trash at the target. Never in both directions.",
                ["nothing", "into the trash", "for good"],
                0,
            ),
            Field::choice(
                "by",
                "Compare",
                "Bytes are read on both sides, or summed up by a server that can.",
                ["size and time", "size and bytes"],
                0,
            ),
            Field::text("exclude", "Leave out", "Patterns as in a .gitignore, with spaces between: *.tmp build/ !keep.tmp", ""),
            Field::text("include", "Only", "Only files these patterns match; empty: all.", ""),
            Field::text("min_size", "At least", "Only files of at least so many bytes: 500, 10K, 2M, 1G; empty: all.", ""),
            Field::text("max_size", "At most", "Only files of at most so many bytes; empty: all.", ""),
            Field::text(
                "newer_than",
                "Since",
                "Only files changed since: a day such as 2026-11-30, or 7d, 12h before now; empty: all.",
                "",
            ),
            Field::text("older_than", "Before", "Only files last changed before: a day, or 7d, 12h before now; empty: all.", ""),
            Field::choice("links", "Links", "Symbolic links on both sides.", ["left out", "kept as links"], 0),
            Field::toggle("hidden", "Hidden names", "Those that begin with a dot.", true),
            Field::toggle("newer", "Replace newer", "Replace also what is newer at the target; else that is a conflict.", false),
        ];
        Self { form: Form::new("Compare the two folders", "Compare", fields), order }
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        match self.form.key(key, check) {
            FormAnswer::Open => Next::Stay,
            FormAnswer::Cancelled => Next::Close,
            FormAnswer::Sent => {
                let moment = |name| Moment::parse(self.form.text(name));
                let (newer_than, older_than) = (moment("newer_than"), moment("older_than"));
                let order = CompareOrder { options: options(&self.form), newer_than, older_than, ..self.order.clone() };
                Next::Finish(Command::Compare(Box::new(order)))
            }
        }
    }
}

fn options(form: &Form) -> SyncOptions {
    SyncOptions {
        direction: [Direction::Right, Direction::Left, Direction::Both][form.chosen("way").min(2)],
        deletion: [Deletion::No, Deletion::Trash, Deletion::Permanent][form.chosen("delete").min(2)],
        comparison: [Comparison::Times, Comparison::Content][form.chosen("by").min(1)],
        links: [Links::Skip, Links::Keep][form.chosen("links").min(1)],
        hidden: form.is_on("hidden"),
        replace_newer: form.is_on("newer"),
        rules: Rules {
            exclude: words(form.text("exclude")),
            include: words(form.text("include")),
            min_size: parse_size(form.text("min_size").trim()),
            max_size: parse_size(form.text("max_size").trim()),
            ..Rules::default()
        },
        ..SyncOptions::default()
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn check(form: &Form) -> Faults {
    let fault = |name: &'static str| {
        let rules = Rules { exclude: words(form.text(name)), ..Rules::default() };
        rules.check().err().map(|error| (name, error.to_string()))
    };
    let size = |name| {
        let text = form.text(name).trim();
        (!text.is_empty() && parse_size(text).is_none()).then(|| (name, "a size such as 500, 10K, 2M or 1G".to_owned()))
    };
    let moment = |name| {
        let text = form.text(name).trim();
        (!text.is_empty() && Moment::parse(text).is_none()).then(|| (name, "a day such as 2026-11-30, or 7d, 12h".to_owned()))
    };
    let patterns = ["exclude", "include"].into_iter().filter_map(fault);
    let sizes = ["min_size", "max_size"].into_iter().filter_map(size);
    patterns.chain(sizes).chain(["newer_than", "older_than"].into_iter().filter_map(moment)).collect()
}

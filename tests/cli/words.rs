//! What the README and `--help` promise is there.

use std::collections::{BTreeSet, HashMap};

use clap::CommandFactory as _;
use sealift::cli::args::Arguments;
use sealift::config::Settings;

use crate::scene::Scene;

const README: &str = include_str!("../../README.md");

#[test]
fn the_key_table_of_the_readme_is_the_programs_own() {
    let (_, rest) = README.split_once("<!-- keys -->\n").expect("README.md has <!-- keys -->");
    let (table, _) = rest.split_once("<!-- /keys -->").expect("README.md has <!-- /keys -->");
    assert_eq!(table.trim(), sealift::app::action::key_table_markdown().trim(), "put this table into README.md");
}

#[test]
fn every_verb_and_flag_of_the_readme_exists() {
    let command = Arguments::command();
    let verbs: BTreeSet<_> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    let flags: BTreeSet<_> = command
        .get_subcommands()
        .flat_map(|verb| verb.get_subcommands().chain([verb]))
        .chain([&command])
        .flat_map(clap::Command::get_arguments)
        .flat_map(|argument| {
            argument.get_long().map(|long| format!("--{long}")).into_iter().chain(argument.get_short().map(|short| format!("-{short}")))
        })
        .collect();
    let (mut seen_verbs, mut seen_flags) = (BTreeSet::new(), BTreeSet::new());
    for line in README.lines().filter(|line| !line.contains("cargo ") && !line.contains("tests/run")) {
        for call in line.split("sealift ").skip(1).filter(|_| line.starts_with("sealift ") || line.contains("`sealift ")) {
            let first = call.split([' ', '`', ';']).next().unwrap();
            if first.bytes().all(|byte| byte.is_ascii_lowercase()) {
                assert!(verbs.contains(first), "there is no verb {first}");
                seen_verbs.insert(first);
            }
        }
        for word in line.split([' ', '`', ',', ';', '(', ')', '.', '|']).filter(|word| word.starts_with('-') && word.len() > 1) {
            if word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_alphabetic()) {
                assert!(flags.contains(word), "there is no flag {word}");
                seen_flags.insert(word);
            }
        }
    }
    assert!(seen_verbs.len() >= 4 && seen_flags.len() >= 6, "{seen_verbs:?} {seen_flags:?}");
}

#[test]
fn the_exit_codes_are_told_where_they_are_looked_for() {
    let scene = Scene::new();
    let help = scene.bare(&["--help"]).exits(0).out;
    for code in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "130"] {
        assert!(help.contains(&format!("{code} ")) && README.contains(&format!("| {code} | ")), "{code}");
    }
}

#[test]
fn help_fits_eighty_columns() {
    let scene = Scene::new();
    for verb in [
        "",
        "demo",
        "ls",
        "cat",
        "copy",
        "move",
        "mkdir",
        "rm",
        "sync",
        "cert",
        "cert show",
        "cert verify",
        "key",
        "key new",
        "key install",
        "trust",
        "trust add",
        "trust remove",
        "secret",
        "secret move",
    ] {
        let arguments: Vec<_> = verb.split_whitespace().chain(["--help"]).collect();
        let ran = scene.bare(&arguments).env("COLUMNS", "80").exits(0);
        assert_eq!(ran.err, "");
        let wide: Vec<_> = ran.lines().into_iter().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{verb}: {wide:#?}");
    }
}

#[test]
fn the_default_settings_can_be_written_down_and_read() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), Settings::defaults()).unwrap();
    let (settings, warnings) = Settings::read(file.path(), HashMap::default()).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(settings, Settings::read(std::path::Path::new("/nonexistent"), HashMap::default()).unwrap().0);
}

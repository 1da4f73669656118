//! A site made, found again and removed in front of the screen.

use crate::harness::{Program, folder};

#[test]
fn a_site_is_kept_in_a_file_and_there_again_at_the_next_start() {
    let (files, data) = (folder(&["alpha"]), tempfile::tempdir().unwrap());
    let home = data.path().to_str().unwrap();
    let file = data.path().join("sites.toml");
    let start = || {
        let mut program = Program::start_with(files.path(), 80, 24, &[("HOME", home), ("SEALIFT_CONFIG_DIR", home)]);
        program.wait_for("alpha");
        program.keys("S");
        program
    };
    let mut program = start();
    program.wait_for("no site is kept yet");
    program.keys("n");
    program.wait_for("New site");
    program.keys("bank/payroll\tftpes://ann@files.bank.example/in\t\x1b[C\x1b[C");
    program.wait_for("< More Secure >");
    program.keys("\x13");
    program.wait_for("bank/payroll is kept");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.contains("name = \"bank/payroll\"") && kept.contains("level = \"more-secure\""), "{kept}");
    program.keys("q");
    program.wait_until("the list is gone", |screen| !screen.contains("Sites (1)"));
    program.keys("q");
    assert!(program.wait_for_end().success());

    let mut program = start();
    program.wait_for("Sites (1)");
    program.keys("/payr\r");
    program.wait_for("at least More Secure");
    program.keys("r");
    program.wait_for("Keep this site no longer?");
    program.keys("y");
    program.wait_for("bank/payroll is kept no longer");
    assert!(!std::fs::read_to_string(&file).unwrap().contains("payroll"));
}

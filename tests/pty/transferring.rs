//! The transfers as they are steered in front of the screen.

use crate::harness::{Program, folder};

#[test]
fn a_copy_is_added_put_off_limited_and_let_go() {
    let files = folder(&["alpha", "beta/"]);
    let mut program = Program::start(files.path(), 80, 24);
    program.wait_for("alpha");
    program.keys("\t\r\t");
    program.wait_for("/beta");
    program.keys("jc");
    program.wait_for("Alt-Enter");
    program.keys("\x1b\r");
    program.wait_for("added to the transfers");
    program.keys("w");
    program.wait_for("held");
    program.wait_for("Queue 1");
    program.keys("L500k\r");
    program.wait_for("limit 500K/s, 2 at once");
    program.keys("t22:30\r");
    program.wait_for("begins");
    program.keys("K+");
    program.wait_for("urgent");
    program.settle();
    assert!(!files.path().join("beta/alpha").exists(), "it waits for its time");
    program.keys("p");
    program.wait_for("Done 1");
    program.keys("\t");
    program.wait_for("1 file, 1 byte");
    assert_eq!(std::fs::read(files.path().join("beta/alpha")).unwrap(), b"x");
    program.keys("X");
    program.wait_for("nothing is done yet");
    program.keys("\x1b");
    program.wait_until("the panel is closed", |screen| !screen.contains("Queue 0"));
    program.keys("q");
    assert!(program.wait_for_end().success());
    program.assert_restored();
}

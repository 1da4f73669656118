//! The built program in a pseudo-terminal: started, looked at, typed into, resized, killed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod harness;
mod interrupted;
mod keeping;
mod operating;
mod sites;
mod transferring;
mod trusting;

use harness::Program;

#[test]
fn two_panes_come_up_and_keys_move_in_them() {
    let files = harness::folder(&["alpha", "beta/", "gamma"]);
    let mut program = Program::start(files.path(), 80, 24);
    program.wait_for("gamma");
    program.wait_for("1/3");
    program.keys("j");
    program.wait_for("2/3");
    program.keys("?");
    program.wait_for("Moving about");
    program.keys("\x1b");
    program.wait_until("the help is gone", |screen| !screen.contains("Moving about"));
    program.keys("q");
    assert!(program.wait_for_end().success());
    program.assert_restored();
}

#[test]
fn escape_and_a_digit_is_an_f_key_however_fast() {
    let files = harness::folder(&["alpha"]);
    let mut program = Program::start(files.path(), 80, 24);
    program.wait_for("alpha");
    program.keys("\x1b7");
    program.wait_for("New folder");
    program.keys("\x1b");
    program.wait_until("the dialog is gone", |screen| !screen.contains("New folder"));
    program.keys("\x1b");
    program.settle();
    program.keys("7");
    program.wait_for("New folder");
}

#[test]
fn every_size_down_to_one_cell_and_back() {
    let files = harness::folder(&["alpha", "gamma"]);
    let mut program = Program::start(files.path(), 80, 24);
    program.wait_for("gamma");
    for (columns, rows) in [(60, 15), (40, 10), (20, 5), (19, 4), (3, 2), (1, 1), (200, 60), (80, 24)] {
        program.resize(columns, rows);
        program.settle();
    }
    program.keys("j");
    program.wait_for("2/2");
    program.keys("q");
    assert!(program.wait_for_end().success());
}

#[test]
fn signals_give_the_terminal_back() {
    use rustix::process::Signal;
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let files = harness::folder(&["alpha"]);
        let mut program = Program::start(files.path(), 80, 24);
        program.wait_for("alpha");
        assert!(program.is_raw() && program.screen_is_alternate());
        program.signal(signal);
        program.wait_for_end();
        program.assert_restored();
    }
}

#[test]
fn stopping_gives_the_terminal_back_and_going_on_draws_anew() {
    use rustix::process::Signal;
    let files = harness::folder(&["alpha"]);
    let mut program = Program::start(files.path(), 80, 24);
    program.wait_for("alpha");
    program.keys("\x1a");
    program.wait_while("the terminal is given back", Program::screen_is_alternate);
    program.wait_while("the terminal is cooked", Program::is_raw);
    program.signal(Signal::CONT);
    program.wait_for("alpha");
    assert!(program.screen_is_alternate() && program.is_raw());
    program.keys("q");
    assert!(program.wait_for_end().success());
    program.assert_restored();
}

#[test]
fn a_terminal_that_cannot_show_a_screen_is_told_so() {
    let files = harness::folder(&["alpha"]);
    let mut program = Program::start_with(files.path(), 80, 24, &[("TERM", "dumb")]);
    assert!(!program.wait_for_end().success());
    program.wait_for("TERM=dumb");
    assert!(!program.screen_is_alternate());
}

#[test]
fn nothing_is_written_while_nothing_happens() {
    let files = harness::folder(&["alpha"]);
    let mut program = Program::start(files.path(), 80, 24);
    program.wait_for("alpha");
    program.settle();
    let before = program.bytes_written();
    assert!(program.stays_quiet(std::time::Duration::from_millis(700)), "{} bytes", program.bytes_written() - before);
}

//! Whom one's own server lets in, decided in front of the screen, on the servers of the demo.

use crate::harness::Program;

#[test]
fn an_unknown_client_waits_until_its_operator_lets_it_in() {
    let temporary = tempfile::tempdir().unwrap();
    let mut program = Program::demo(temporary.path(), 80, 24);
    program.wait_for("More Secure");
    program.keys("jjj");
    program.wait_for("you are the operator");
    program.keys("\r");
    program.wait_for(">[R]eject<");
    program.keys("a");
    program.wait_for("does not trust your certificate yet. The first time");
    program.wait_for("gp: an unknown client waits to be trusted");
    program.keys("\x1b");
    program.wait_until("the page is closed", |screen| !screen.contains("Who are you?"));
    program.keys("gp");
    program.wait_for("Clients of your server (1)");
    program.wait_for("pending");
    program.keys("t");
    program.wait_for("Let this client in?");
    program.keys("y");
    program.wait_for("comes in from the next connection on");
    program.keys("\x1b");
    program.wait_until("the list is closed", |screen| !screen.contains("Clients of your server"));
    program.keys("\r");
    program.wait_for("blind today More Secure");
    program.keys("q");
    assert!(program.wait_for_end().success());
    program.assert_restored();
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "nothing is left of the demo");
}

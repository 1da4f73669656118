//! `demo --tour`: the story it tells is played, with every kind of identity in it, and nothing of the person's is touched.

use crate::scene::Scene;

#[test]
fn unknown_trusted_renewed_and_changed_identities_are_all_met() {
    let scene = Scene::new();
    let ran = scene.bare(&["demo", "--tour"]).exits(0);
    for (step, times) in [
        ("an unknown server is refused, and nothing was sent to it", 3),
        ("asked once, trusted always", 3),
        ("the second connection asks nothing", 3),
        ("SHA-256 of all is equal", 3),
        ("a renewed certificate (same key) is refused until a person looked at it, then trusted", 2),
        ("a certificate over another key is refused, and asked about in red", 2),
        ("a changed host key is refused, with the line of known_hosts that says otherwise", 1),
    ] {
        let told = ran.lines().iter().filter(|line| line.starts_with("  ok  ") && line.contains(step)).count();
        assert_eq!(told, times, "{step}\n{ran}");
    }
    assert!(ran.out.ends_with("every step held\n"), "{ran}");
    assert!(!scene.home("data/trust").exists() && !scene.home(".ssh").exists(), "it trusts for itself only");
}

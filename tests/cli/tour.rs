//! `demo --tour`: the story it tells is played, with every kind of identity, every security level and an SSH key in it, and
//! nothing of the person's is touched.

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
        ("made an SSH identity behind a passphrase typed twice: ssh-ed25519 SHA256:", 1),
        ("converts to OpenSSH's one line; it is the same key", 1),
        ("added to /.ssh/authorized_keys over the password login; a second time nothing changes", 1),
        ("refused before, a second login with the key alone now works", 1),
        ("its passphrase is asked for once, and no password (level More Secure)", 1),
        ("a wrong passphrase opens nothing, and no password is asked for instead", 1),
        ("nothing private was sent: neither the key nor its passphrase is anywhere on the server", 1),
        ("a changed host key is refused, with the line of known_hosts that says otherwise", 1),
        ("it wants to know who comes; no password was sent", 1),
        ("made an identity", 1),
        ("an unknown client is refused, and waits to be trusted", 1),
        ("it comes in, and only its passphrase is asked for (level More Secure)", 1),
        ("a certificate that signed itself is refused", 1),
        ("the signed certificate waits for its first login", 1),
        ("refused, and the old certificate is kept", 1),
        ("has replaced the old one (level Most Secure)", 1),
        ("it is refused as revoked", 1),
    ] {
        let told = ran.lines().iter().filter(|line| line.starts_with("  ok  ") && line.contains(step)).count();
        assert_eq!(told, times, "{step}\n{ran}");
    }
    assert!(ran.out.ends_with("every step held\n"), "{ran}");
    let own = ["data/trust", "data/identities", "data/server", "data/ssh"];
    assert!(own.iter().all(|folder| !scene.home(folder).exists()) && !scene.home(".ssh").exists(), "it trusts for itself only");
}

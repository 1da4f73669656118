//! `secret`, and what is kept where nobody is there to be asked.

use std::time::Duration;

use jiff::Timestamp;
use sealift::secrets::{Keep, Keyring, Label, Secret, SecretStore};

use crate::scene::{PASSWORD, Run, Scene};

/// Nothing else in any test contains it.
pub const VAULT_PASSPHRASE: &str = "quokka-Fjord-3390";

/// A run that can open the vault.
pub fn opening(scene: &Scene, arguments: &[&str]) -> Run {
    scene.bare(arguments).env("SEALIFT_VAULT_PASSPHRASE", VAULT_PASSPHRASE)
}

/// Makes the vault, and keeps a password for ann at the FTPS server in it; answers its label.
pub fn keep(scene: &Scene, password: &str) -> String {
    if !scene.home("data/vault").exists() {
        opening(scene, &["secret", "vault", "new"]).exits(0).says(&["made", "data/vault"]);
    }
    let store = SecretStore::open(&scene.home("data"), Keyring::off(), Keep::Keyring, Duration::from_secs(60));
    let label: Label = scene.ftps("").parse().unwrap();
    store.vault().unlock(&Secret::new(VAULT_PASSPHRASE.to_owned()), Timestamp::now()).unwrap();
    store.keep(&label, &Secret::new(password.to_owned()), Timestamp::now()).unwrap();
    label.to_string()
}

#[test]
fn a_vault_is_made_on_request_and_its_passphrase_changed() {
    let scene = Scene::new();
    let status = scene.bare(&["secret", "status"]).exits(0).out;
    assert!(status.contains("nowhere; you are asked each time") && status.contains("secret vault new makes"), "{status}");
    scene.bare(&["secret", "vault", "new"]).fails(5, &["no terminal", "SEALIFT_VAULT_PASSPHRASE"]);
    scene.bare(&["secret", "vault", "passphrase"]).fails(1, &["no vault yet", "vault new"]);
    keep(&scene, PASSWORD);
    opening(&scene, &["secret", "vault", "new"]).fails(1, &["is a vault already", "vault passphrase"]);
    let change = |old: &str, new: &str| {
        let command = format!("echo {new}");
        scene.bare(&["secret", "vault", "passphrase", "--new-passphrase-command", &command]).env("SEALIFT_VAULT_PASSPHRASE", old)
    };
    change("wrong", "other").fails(5, &["does not open the vault"]);
    change(VAULT_PASSPHRASE, "other").exits(0).says(&["new passphrase"]);
    change(VAULT_PASSPHRASE, "third").fails(5, &["does not open the vault"]);
    change("other", VAULT_PASSPHRASE).exits(0);
    let status = scene.bare(&["secret", "status"]).exits(0).out;
    assert!(status.contains("kept in  the vault") && status.contains("Kept in the vault        1"), "{status}");
}

#[test]
fn what_is_kept_is_listed_moved_and_forgotten_by_its_label() {
    let scene = Scene::new();
    scene.bare(&["secret", "list"]).exits(0).says(&["no password or passphrase is kept"]);
    let label = keep(&scene, PASSWORD);
    let listed = scene.bare(&["secret", "list"]).exits(0).out;
    assert!(listed.contains(&label) && listed.contains("password, kept in the vault since 2"), "{listed}");
    let listed = scene.bare(&["secret", "list", "--json"]).exits(0);
    let row = listed.line_with("label", &label);
    assert_eq!((row["kind"].as_str(), row["rung"].as_str()), (Some("password"), Some("vault")));
    assert_eq!(listed.json()[1]["summary"]["rung"], "vault");
    assert!(!listed.out.contains(PASSWORD));

    scene.bare(&["secret", "forget", "bob"]).fails(2, &["names no secret", "secret list"]);
    opening(&scene, &["secret", "forget", "certificate:nobody"]).fails(1, &["nothing is kept under certificate:nobody"]);
    opening(&scene, &["secret", "move", &label, "--to", "keyring"]).fails(8, &["keyring is not used"]);
    scene.bare(&["secret", "forget", &label]).fails(5, &["no terminal", "--vault-passphrase-command"]);
    opening(&scene, &["secret", "move", "--all", "--to", "vault"]).exits(0);
    opening(&scene, &["secret", "forget", &format!("{label}/any/path")]).exits(0).says(&["forgotten", &label]);
    scene.bare(&["secret", "list"]).exits(0).says(&["no password or passphrase is kept"]);
}

#[test]
fn what_the_list_has_lost_is_forgotten_once_the_vault_is_open() {
    let scene = Scene::new();
    let label = keep(&scene, PASSWORD);
    std::fs::remove_file(scene.home("data/secrets.json")).unwrap();
    scene.bare(&["secret", "forget", &label]).fails(5, &["no terminal", "--vault-passphrase-command"]);
    opening(&scene, &["secret", "forget", &label]).exits(0).says(&["forgotten", &label]);
    opening(&scene, &["secret", "forget", &label]).fails(1, &["nothing is kept under", &label]);
}

#[test]
fn without_questions_the_vault_is_read_only_with_its_passphrase_at_hand() {
    let scene = Scene::new();
    let url = scene.ftps("/a.txt");
    keep(&scene, PASSWORD);
    let print = scene.ftps_print.to_string();
    let cat = |run: Run| run.args(&["--batch", "--trust", &print]);
    assert_eq!(cat(opening(&scene, &["cat", &url])).exits(0).out, "hello");
    let command = format!("echo {VAULT_PASSPHRASE}");
    assert_eq!(cat(scene.bare(&["cat", &url, "--vault-passphrase-command", &command])).exits(0).out, "hello");
    cat(scene.bare(&["cat", &url])).fails(5, &["password of ann"]);
    cat(scene.bare(&["cat", &url])).env("SEALIFT_VAULT_PASSPHRASE", "wrong").fails(5, &["password of ann"]);
    cat(opening(&scene, &["cat", &url])).env("SEALIFT_SECRETS__KEEP", "never").fails(5, &["password of ann"]);
    // One brought along comes first, and leaves the kept one alone.
    cat(opening(&scene, &["cat", &url])).env("SEALIFT_PASSWORD", "wrong").fails(5, &["refused the login"]);
    assert_eq!(cat(opening(&scene, &["cat", &url])).exits(0).out, "hello");
}

#[test]
fn a_kept_password_that_is_wrong_is_tried_once() {
    let scene = Scene::new();
    let url = scene.ftps("/a.txt");
    keep(&scene, "stale");
    let print = scene.ftps_print.to_string();
    let run = opening(&scene, &["cat", &url, "--batch", "--trust", &print]);
    run.env("SEALIFT_LOG", "debug").fails(5, &["refused the login"]);
    assert_eq!(scene.log().matches("PASS ****").count(), 1, "servers count");
    assert!(scene.bare(&["secret", "list"]).exits(0).out.contains("kept in the vault"), "nothing better is known");
}

#[test]
fn an_identity_that_goes_says_that_its_passphrase_is_still_kept() {
    let scene = Scene::new();
    keep(&scene, PASSWORD);
    let made = |name: &str| scene.bare(&["cert", "new", name, "--cn", "Ann"]).env("SEALIFT_PASSPHRASE", "its own").exits(0);
    let store = SecretStore::open(&scene.home("data"), Keyring::off(), Keep::Vault, Duration::from_secs(60));
    store.vault().unlock(&Secret::new(VAULT_PASSPHRASE.to_owned()), Timestamp::now()).unwrap();
    made("payroll");
    store.keep(&Label::Certificate("payroll".to_owned()), &Secret::new("its own".to_owned()), Timestamp::now()).unwrap();
    scene.bare(&["cert", "rename", "payroll", "bank"]).exits(0).says(&["secret forget certificate:payroll"]);
    assert_eq!(scene.bare(&["cert", "remove", "bank", "--yes"]).exits(0).err, "", "nothing is kept under that name");
}

//! What a server says of a file's content, and what it copies itself.

use std::sync::Mutex;

use super::super::packet::kind;
use super::files::path;
use super::scripted::{Asked, Honest, Stage, Then};
use crate::vfs::{Digest, DigestAlgorithm, FileSystem as _, FsErrorKind};

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const PROBE: &str = "printf %s ";

fn sha256() -> Digest {
    Digest::from_hex(DigestAlgorithm::Sha256, ABC).unwrap()
}

/// What comes of a command: a status and what it printed; `None`: it is not run.
type Shell = fn(&str) -> Option<(u32, String)>;

/// A shell that takes words as they are meant, and has one program.
fn shell(program: &'static str) -> impl Fn(&str) -> Option<(u32, String)> {
    move |command| {
        Some(match command.strip_prefix(program) {
            _ if command.starts_with(PROBE) => (0, String::from_utf8_lossy(super::super::shell::HARD).into_owned()),
            Some(_) => (0, format!("{ABC} */f\n")),
            None => (127, String::new()),
        })
    }
}

const BOTH: [DigestAlgorithm; 2] = [DigestAlgorithm::Sha256, DigestAlgorithm::Md5];

#[tokio::test]
async fn a_server_tells_by_extension() {
    for (offered, prefix) in [("check-file", &b""[..]), ("check-file-name", b"\0\0\0\x0acheck-file"), ("check-file-handle", b"")] {
        let hash: Vec<u8> = (0..ABC.len()).step_by(2).map(|at| u8::from_str_radix(&ABC[at..at + 2], 16).unwrap()).collect();
        let stage = Stage::new(Honest::with("abc"), move |asked| match asked.kind {
            kind::EXTENDED => Then::Send(vec![asked.extended(&[prefix, b"\0\0\0\x06sha256", &hash].concat())]),
            _ => Then::Ordinary,
        });
        let stage = stage.offering(&[(offered, "")]).with_shell(shell("sha256sum"));
        let (fs, seen) = stage.clone().start().await;
        assert_eq!(fs.digest(&path("/f"), &BOTH).await, Ok(Some(sha256())));
        let asked = &seen.of(kind::EXTENDED)[0].body;
        assert!(asked.windows(10).any(|ten| ten == b"sha256,md5"), "{asked:?}");
        assert!(stage.ran().is_empty());
    }
}

#[tokio::test]
async fn a_shell_tells_and_programs_that_are_not_there_are_not_asked_twice() {
    let stage = Stage::new(Honest::with("abc"), |_| Then::Ordinary).with_shell(shell("shasum -a 256 -b -- '/f'"));
    let (fs, _) = stage.clone().start().await;
    for _ in 0..2 {
        assert_eq!(fs.digest(&path("/f"), &BOTH).await, Ok(Some(sha256())));
    }
    let ran: Vec<String> = stage.ran().into_iter().filter(|command| !command.starts_with(PROBE)).collect();
    assert_eq!(ran, ["sha256sum -b -- '/f'", "shasum -a 256 -b -- '/f'", "shasum -a 256 -b -- '/f'"]);
    assert_eq!(stage.ran().len(), 4, "and the shell is tried once");
    assert_eq!(fs.digest(&path("/g"), &BOTH[..1]).await, Ok(None), "the line is of another file");
}

#[tokio::test]
async fn a_login_without_a_shell_is_learnt_once() {
    // Refused; SFTP whatever is asked for; a shell of another kind.
    let answers: [Shell; 3] = [|_| None, |_| Some((0, String::new())), |command| Some((0, command.into()))];
    for answer in answers {
        let stage = Stage::new(Honest::with("abc"), |_| Then::Ordinary).with_shell(answer);
        let (fs, _) = stage.clone().start().await;
        for _ in 0..3 {
            assert_eq!(fs.digest(&path("/f"), &BOTH).await, Ok(None));
        }
        assert_eq!(stage.ran().len(), 1);
    }
}

#[tokio::test]
async fn a_server_copies_in_pieces_and_tells_of_each() {
    const SIZE: u64 = (40 << 20) + 7;
    let stage = Stage::new(Honest::with(""), |asked| match asked.kind {
        kind::FSTAT => Then::Send(vec![asked.attributes(0o100_644, SIZE)]),
        kind::EXTENDED if asked.text() == "copy-data" => Then::Send(vec![asked.status(0, "")]),
        _ => Then::Ordinary,
    });
    let (fs, seen) = stage.openssh().start().await;
    assert!(fs.capabilities().copies_within);
    let told = Mutex::new(Vec::new());
    assert_eq!(fs.copy_within(&path("/f"), &path("/g"), &|bytes| told.lock().unwrap().push(bytes)).await, Ok(SIZE));
    assert_eq!(*told.lock().unwrap(), [16 << 20, 16 << 20, (8 << 20) + 7]);
    // READ; WRITE, CREAT and EXCL.
    assert_eq!(seen.of(kind::OPEN).iter().map(Asked::flags).collect::<Vec<_>>(), [1, 0x2a]);
}

#[tokio::test]
async fn a_copy_that_did_not_come_whole_is_none() {
    let mut looks = 0;
    let stage = Stage::new(Honest::with(""), move |asked| match asked.kind {
        kind::FSTAT => {
            looks += 1;
            Then::Send(vec![asked.attributes(0o100_644, if looks == 2 { 99 } else { 100 })])
        }
        kind::EXTENDED if asked.text() == "copy-data" => Then::Send(vec![asked.status(0, "")]),
        kind::OPEN if asked.text() == "/there" => Then::Send(vec![asked.status(4, "Failure")]),
        _ => Then::Ordinary,
    });
    let (fs, _) = stage.openssh().start().await;
    let error = fs.copy_within(&path("/f"), &path("/g"), &|_| ()).await.unwrap_err();
    assert_eq!(error.kind, FsErrorKind::ChangedMeanwhile);
    let error = fs.copy_within(&path("/f"), &path("/there"), &|_| ()).await.unwrap_err();
    assert_eq!(error.kind, FsErrorKind::AlreadyExists);
}

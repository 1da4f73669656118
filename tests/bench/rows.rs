//! The rows, each a function that starts what it needs and answers its lines.

use std::path::Path;
use std::time::Duration;

use crate::keys;
use crate::race::{Contestant, Summary, Work, race};
use crate::scene::{FtpsScene, Line as Link, Scene, SshScene};
use crate::table::{Line, at_most, cheaper, faster, missing};

type Row = fn(&Scene) -> Result<Vec<Line>, String>;

/// All rows by name, in the table's order.
pub const ROWS: &[(&str, Row)] = &[
    ("sftp-big", sftp_big),
    ("sftp-big-long", sftp_big_long),
    ("sftp-small-long", sftp_small_long),
    ("sftp-list-long", sftp_list_long),
    ("ftps-big", ftps_big),
    ("ftps-small", ftps_small),
    ("ftps-small-long", ftps_small_long),
    ("local-big", local_big),
    ("local-small", local_small),
    ("memory-big", memory_big),
    ("memory-tree", memory_tree),
    ("keys", keys_row),
];

const MIB: u64 = 1 << 20;
/// Longer than any of the programs should need.
const PATIENCE: Duration = Duration::from_secs(300);
/// What a slow peer gets; then its speed so far counts.
const PEER_TIME: Duration = Duration::from_secs(30);

#[derive(Clone, Copy)]
enum Way {
    Down,
    Up,
}

const WAYS: [(Way, &str); 2] = [(Way::Down, "down"), (Way::Up, "up")];

fn peer<'a>(summaries: &'a [Summary], name: &str) -> Option<&'a Summary> {
    summaries.iter().skip(1).find(|summary| summary.name == name)
}

/// A line against a peer, or the word that it is not here.
fn against(work: &str, summaries: &[Summary], name: &str, line: impl Fn(&Summary, &Summary) -> Line) -> Line {
    peer(summaries, name).map_or_else(|| missing(work, &format!("{name} is not here")), |peer| line(&summaries[0], peer))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// One file over SFTP against OpenSSH's client.
fn sftp_one(scene: &Scene, ssh: &SshScene, link: Link, bytes: u64, way: Way) -> Result<Vec<Summary>, String> {
    let file = scene.file(bytes)?;
    let work = Work { place: scene.folder.clone(), expected: Some((1, bytes)), limit: PATIENCE };
    let sealift = Contestant::new("sealift", |target| {
        let mut command = ssh.sealift(scene, "copy");
        match way {
            Way::Down => command.arg(ssh.url(link, &file)).arg(target),
            Way::Up => command.arg(&file).arg(ssh.url(link, target)),
        };
        Ok(command)
    });
    let sftp = Contestant::new("sftp", |target| {
        let (file, target) = (shown(&file), shown(target));
        let order = match way {
            Way::Down => format!("get {file} {target}/\n"),
            Way::Up => format!("put {file} {target}/\n"),
        };
        ssh.sftp(scene, link, &order)
    });
    race(scene, &work, &[sealift, sftp])
}

fn sftp_big(scene: &Scene) -> Result<Vec<Line>, String> {
    let ssh = SshScene::start(scene)?;
    let mut lines = Vec::new();
    for (way, word) in WAYS {
        let work = format!("SFTP {} MiB {word}, loopback, aes128-gcm", scene.amount(1024));
        let summaries = sftp_one(scene, &ssh, Link::Loopback, scene.amount(1024) * MIB, way)?;
        lines.push(against(&work, &summaries, "sftp", |own, peer| faster(&work, own, peer, (1.2, 1.5))));
        lines.push(against(&work, &summaries, "sftp", |own, peer| cheaper(&work, own, peer, (0.8, 0.7))));
    }
    Ok(lines)
}

fn sftp_big_long(scene: &Scene) -> Result<Vec<Line>, String> {
    let ssh = SshScene::start(scene)?;
    let limits = [(4.0, 6.0), (3.0, 5.0)];
    let lines = WAYS.iter().zip(limits).map(|((way, word), limits)| {
        let work = format!("SFTP {} MiB {word}, 50 ms", scene.amount(256));
        let summaries = sftp_one(scene, &ssh, Link::Long, scene.amount(256) * MIB, *way)?;
        Ok(against(&work, &summaries, "sftp", |own, peer| faster(&work, own, peer, limits)))
    });
    lines.collect()
}

fn sftp_small_long(scene: &Scene) -> Result<Vec<Line>, String> {
    let ssh = SshScene::start(scene)?;
    let files = scene.amount(2000);
    let tree = scene.tree(files, files, |_| 4096)?;
    let lines = WAYS.iter().map(|(way, word)| {
        let work = Work { place: scene.folder.clone(), expected: Some((files, files * 4096)), limit: PEER_TIME };
        let sealift = Contestant::new("sealift", |target| {
            let mut command = ssh.sealift(scene, "copy");
            match way {
                Way::Down => command.arg(ssh.url(Link::Long, &tree)).arg(target),
                Way::Up => command.arg(&tree).arg(ssh.url(Link::Long, target)),
            };
            Ok(command)
        });
        let lftp = Contestant::new("lftp -P8", |target| {
            let (tree, target) = (shown(&tree), shown(target));
            Ok(ssh.lftp(
                Link::Long,
                &match way {
                    Way::Down => format!("mirror -P8 {tree} {target}/tree"),
                    Way::Up => format!("mirror -R -P8 {tree} {target}/tree"),
                },
            ))
        });
        let summaries = race(scene, &work, &[sealift, lftp])?;
        let work = format!("SFTP {files} x 4 KiB {word}, 50 ms");
        Ok(against(&work, &summaries, "lftp -P8", |own, peer| faster(&work, own, peer, (20.0, 60.0))))
    });
    lines.collect()
}

fn sftp_list_long(scene: &Scene) -> Result<Vec<Line>, String> {
    let ssh = SshScene::start(scene)?;
    let files = scene.amount(100_000);
    let tree = scene.tree(files, files, |_| 0)?;
    let work = Work { place: scene.folder.clone(), expected: None, limit: PATIENCE };
    let sealift = Contestant::new("sealift", |_| {
        let mut command = ssh.sealift(scene, "ls");
        command.arg(ssh.url(Link::Long, &tree));
        Ok(command)
    });
    let sftp = Contestant::new("sftp", |_| ssh.sftp(scene, Link::Long, &format!("ls -1f {}\n", shown(&tree))));
    let summaries = race(scene, &work, &[sealift, sftp])?;
    let work = format!("SFTP listing of {files}, 50 ms");
    Ok(vec![against(&work, &summaries, "sftp", |own, peer| faster(&work, own, peer, (15.0, 32.0)))])
}

fn ftps_big(scene: &Scene) -> Result<Vec<Line>, String> {
    let ftps = FtpsScene::start()?;
    let bytes = scene.amount(1024) * MIB;
    let file = scene.file(bytes)?;
    let there = ftps.server.ftp.data.join("file");
    std::fs::hard_link(&file, &there).map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    for (way, word) in WAYS {
        let place = if let Way::Down = way { scene.folder.clone() } else { ftps.server.ftp.data.clone() };
        let work = Work { place, expected: Some((1, bytes)), limit: PATIENCE };
        let sealift = Contestant::new("sealift", |target| {
            let mut command = ftps.sealift(scene, "copy");
            match way {
                Way::Down => command.arg(ftps.url(Link::Loopback, &there)).arg(target),
                Way::Up => command.arg(&file).arg(ftps.url(Link::Loopback, target)),
            };
            Ok(command)
        });
        let curl = Contestant::new("curl", |target| {
            let path = ftps.path(&if let Way::Down = way { there.clone() } else { target.join("file") });
            let mut command = ftps.curl(Link::Loopback, &path);
            if let Way::Down = way {
                command.arg("-o").arg(target.join("file"))
            } else {
                command.arg("-T").arg(&file)
            };
            Ok(command)
        });
        let lftp = Contestant::new("lftp", |target| {
            Ok(ftps.lftp(
                Link::Loopback,
                &match way {
                    Way::Down => format!("get {} -o {}/file", ftps.path(&there), shown(target)),
                    Way::Up => format!("put {} -o {}/file", shown(&file), ftps.path(target)),
                },
            ))
        });
        let summaries = race(scene, &work, &[sealift, curl, lftp])?;
        let work = format!("FTPS 1.3 {} MiB {word}, vsftpd", scene.amount(1024));
        let best = summaries[1..].iter().min_by(|a, b| a.wall.total_cmp(&b.wall));
        lines.push(best.map_or_else(|| missing(&work, "no peer is here"), |best| faster(&work, &summaries[0], best, (1.0, 1.1))));
        lines.push(against(&work, &summaries, "curl", |own, peer| cheaper(&work, own, peer, (1.0, 0.85))));
    }
    Ok(lines)
}

fn ftps_tree(scene: &Scene, ftps: &FtpsScene, link: Link, files: u64, way: Way) -> Result<Vec<Summary>, String> {
    let tree = scene.tree(files, files, |_| 4096)?;
    let there = ftps.server.ftp.data.join(format!("tree-{files}"));
    if !there.exists() {
        std::fs::create_dir(&there).map_err(|error| error.to_string())?;
        for entry in std::fs::read_dir(&tree).map_err(|error| error.to_string())?.flatten() {
            std::fs::hard_link(entry.path(), there.join(entry.file_name())).map_err(|error| error.to_string())?;
        }
    }
    let place = if let Way::Down = way { scene.folder.clone() } else { ftps.server.ftp.data.clone() };
    let work = Work { place, expected: Some((files, files * 4096)), limit: PATIENCE };
    let sealift = Contestant::new("sealift", |target| {
        let mut command = ftps.sealift(scene, "copy");
        match way {
            Way::Down => command.arg(ftps.url(link, &there)).arg(target),
            Way::Up => command.arg(&tree).arg(ftps.url(link, target)),
        };
        Ok(command)
    });
    let lftp = Contestant::new("lftp -P8", |target| {
        Ok(ftps.lftp(
            link,
            &match way {
                Way::Down => format!("mirror -P8 {} {}/tree", ftps.path(&there), shown(target)),
                Way::Up => format!("mirror -R -P8 {} {}/tree", shown(&tree), ftps.path(target)),
            },
        ))
    });
    race(scene, &work, &[sealift, lftp])
}

fn ftps_small(scene: &Scene) -> Result<Vec<Line>, String> {
    let ftps = FtpsScene::start()?;
    let files = scene.amount(2000);
    let limits = [(5.0, 10.0), (1.1, 1.5)];
    let lines = WAYS.iter().zip(limits).map(|((way, word), limits)| {
        let work = format!("FTPS {files} x 4 KiB {word}, loopback");
        let summaries = ftps_tree(scene, &ftps, Link::Loopback, files, *way)?;
        Ok(against(&work, &summaries, "lftp -P8", |own, peer| faster(&work, own, peer, limits)))
    });
    lines.collect()
}

fn ftps_small_long(scene: &Scene) -> Result<Vec<Line>, String> {
    let ftps = FtpsScene::start()?;
    let summaries = ftps_tree(scene, &ftps, Link::Long, 100, Way::Down)?;
    let work = "FTPS 100 x 4 KiB down, 50 ms";
    Ok(vec![against(work, &summaries, "lftp -P8", |own, peer| faster(work, own, peer, (3.0, 5.0)))])
}

fn local(scene: &Scene, source: &Path, expected: (u64, u64)) -> Result<Vec<Summary>, String> {
    let work = Work { place: scene.folder.clone(), expected: Some(expected), limit: PATIENCE };
    let sealift = Contestant::new("sealift", |target| {
        let mut command = scene.sealift();
        command.args(["copy", "--batch"]).arg(source).arg(target);
        Ok(command)
    });
    let cp = Contestant::new("cp -a", |target| {
        let mut command = std::process::Command::new("cp");
        command.arg("-a").arg(source).arg(target);
        Ok(command)
    });
    race(scene, &work, &[sealift, cp])
}

fn local_big(scene: &Scene) -> Result<Vec<Line>, String> {
    let bytes = scene.amount(1024) * MIB;
    let summaries = local(scene, &scene.file(bytes)?, (1, bytes))?;
    let work = format!("local file of {} MiB, in memory", scene.amount(1024));
    Ok(vec![against(&work, &summaries, "cp -a", |own, peer| faster(&work, own, peer, (1.0, 1.0)))])
}

fn local_small(scene: &Scene) -> Result<Vec<Line>, String> {
    let files = scene.amount(20_000);
    let size = |number: u64| 200 + number * 7919 % 6700;
    let tree = scene.tree(files, 100, size)?;
    let summaries = local(scene, &tree, (files, (0..files).map(size).sum()))?;
    let work = format!("local {files} small files, in memory");
    Ok(vec![against(&work, &summaries, "cp -a", |own, peer| faster(&work, own, peer, (1.0, 1.8)))])
}

/// Only sealift, and how much memory it took.
fn memory(scene: &Scene, work: &Work, command: Contestant<'_>) -> Result<f64, String> {
    let scene = Scene { binary: scene.binary.clone(), folder: scene.folder.clone(), rounds: 1, quick: scene.quick };
    let summaries = race(&scene, work, &[command])?;
    Ok(summaries[0].peak as f64 / MIB as f64)
}

fn memory_big(scene: &Scene) -> Result<Vec<Line>, String> {
    let ssh = SshScene::start(scene)?;
    let bytes = scene.amount(4096) * MIB;
    // Holes take no memory where it is read, and there is no other way to have it twice.
    let folder = Scene::fresh(&scene.folder, "holes")?;
    let file = folder.join("file");
    std::fs::File::create(&file).and_then(|file| file.set_len(bytes)).map_err(|error| error.to_string())?;
    let work = Work { place: scene.folder.clone(), expected: Some((1, bytes)), limit: PATIENCE };
    let sealift = Contestant::new("sealift", |target| {
        let mut command = ssh.sealift(scene, "copy");
        command.arg(&file).arg(ssh.url(Link::Loopback, target));
        Ok(command)
    });
    let peak = memory(scene, &work, sealift)?;
    Ok(vec![at_most(&format!("memory while sending {} MiB over SFTP", scene.amount(4096)), peak, "MiB", (64.0, 32.0))])
}

fn memory_tree(scene: &Scene) -> Result<Vec<Line>, String> {
    let files = scene.amount(1_000_000);
    let free = rustix::fs::statvfs(&scene.folder).map_or(0, |facts| facts.f_favail);
    if free < files * 21 / 10 {
        return Err(format!("needs {files} files twice, and {free} more can be made here; SEALIFT_BENCH_DIR names another place"));
    }
    let tree = scene.tree(files, 1000, |_| 0)?;
    let work = Work { place: scene.folder.clone(), expected: Some((files, 0)), limit: PATIENCE };
    let sealift = Contestant::new("sealift", |target| {
        let mut command = scene.sealift();
        command.args(["copy", "--batch"]).arg(&tree).arg(target);
        Ok(command)
    });
    let peak = memory(scene, &work, sealift)?;
    Ok(vec![at_most(&format!("memory for a tree of {files} files, copied locally"), peak, "MiB", (256.0, 128.0))])
}

fn keys_row(scene: &Scene) -> Result<Vec<Line>, String> {
    let ssh = SshScene::start(scene)?;
    let measured = keys::measure(scene, &ssh)?;
    eprintln!("  idle: p50 {:.2} ms, p99 {:.2} ms; busy: p50 {:.2} ms", measured.idle.0, measured.idle.1, measured.busy.0);
    Ok(vec![
        at_most("a key press while 8 uploads run, p99", measured.busy.1, "ms", (5.0, 1.0)),
        at_most("bytes a second to the terminal meanwhile", measured.bytes_per_second, "B/s", (2000.0, 600.0)),
    ])
}

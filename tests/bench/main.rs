//! sealift against its peers, in one run on one machine: the real servers, a long line of its own, every program in turn in the
//! same round, one table. Started by `tests/bench/run`; no test, and no part of one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a program for people who build this one; its long line and its looks at memory wait for nothing but time"
)]

mod keys;
mod measure;
mod proxy;
mod race;
mod rows;
mod scene;
#[path = "../support/mod.rs"]
mod support;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use rows::ROWS;
use scene::Scene;

const HELP: &str = "\
usage: tests/bench/run [--only ROW]... [--rounds N] [--quick] [--binary FILE]

Runs sealift and its peers (OpenSSH sftp, lftp, curl, cp) in turn against real servers on this machine, and prints medians
and ratios in one table. A peer that is not here is left out by name. Run it as root, after `tests/run --prepare`, on a
machine that does nothing else. Data lies in /dev/shm (or SEALIFT_BENCH_DIR): up to 10 GiB.

  --only ROW     this row alone (repeatable); --list names them
  --rounds N     rounds whose median counts (3)
  --quick        a sixteenth of the data: to try it, not to quote it
  --binary FILE  another sealift than the one built here

By hand: the same 256 MiB over real TCP, whose one stream stops near 60 MiB/s. Put two network namespaces 50 ms apart (tc netem,
or a pair of TUN devices with a program between them where the kernel has no netem), start sshd in one, and in the other run
`time sftp` and `time sealift copy` for the same file down and up. Wanted: 1.3 times as fast both ways, 3 times with several
connections.
";

fn main() -> ExitCode {
    let mut scene = Scene { binary: env!("CARGO_BIN_EXE_sealift").into(), folder: std::env::temp_dir(), rounds: 3, quick: false };
    let mut only = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match &*argument {
            // What cargo says to every benchmark.
            "--bench" => {}
            "--quick" => scene.quick = true,
            "--only" => only.extend(arguments.next()),
            "--rounds" => scene.rounds = arguments.next().and_then(|number| number.parse().ok()).unwrap_or(3).max(1),
            "--binary" => scene.binary = arguments.next().map(PathBuf::from).unwrap_or_default(),
            "--list" => {
                for (name, _) in ROWS {
                    println!("{name}");
                }
                return ExitCode::SUCCESS;
            }
            "--help" => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            _ => {
                eprint!("{argument} is not known here\n\n{HELP}");
                return ExitCode::from(2);
            }
        }
    }
    if let Some(unknown) = only.iter().find(|name| ROWS.iter().all(|(row, _)| row != name)) {
        eprintln!("there is no row {unknown}; --list names them");
        return ExitCode::from(2);
    }
    let mut lines = Vec::new();
    for (name, row) in ROWS.iter().filter(|(name, _)| only.is_empty() || only.iter().any(|wanted| wanted == name)) {
        eprintln!("{name}");
        lines.extend(row(&scene).unwrap_or_else(|why| vec![table::missing(name, &why.replace('\n', " "))]));
    }
    if scene.quick {
        println!("with a sixteenth of the data:\n");
    }
    table::print(&lines);
    ExitCode::SUCCESS
}

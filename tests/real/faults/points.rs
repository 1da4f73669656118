//! Lines that are cut, reset, stalled, slowed down or damaged at one byte: two hundred points, drawn so that every phase of a
//! connection has its share.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread;

use libtest_mimic::Trial;
use serde_json::Value;

use super::super::Harness;
use super::super::course::{Course, Ended, Files, Tree, files, fill, is_part, times};
use super::super::support::daemon::Daemon;
use super::super::support::faulty_line::{Carried, Direction, Fault, FaultyLine, Kind};
use super::super::support::random::Random;
use super::{FTPD, SSHD, Servers, VSFTPD, Vsftp};

/// Points of each way; with eight ways, two hundred.
const POINTS: usize = 25;
/// How often a point is drawn until it happens.
const DRAWS: usize = 5;
/// Runs at once on one server.
const LANES: usize = 2;
const TREE: Tree = Tree { large: 2 << 20, small: 24 };
/// Half of the points are so near the ends of a stream, where connections are made and files get their names.
const HEAD: u64 = 8 << 10;
const TAIL: u64 = 2 << 10;
/// Of every so many runs, one moves the files.
const MOVES: usize = 4;

pub(super) fn trials(harness: &Harness, servers: &Servers) -> Vec<Trial> {
    let Servers { sshd, vsftpd, proftpd, pure_ftpd } = servers;
    let mut trials = Vec::new();
    for (seed, is_up) in [(10, true), (20, false)] {
        let what = format!("a line that fails anywhere, {}", if is_up { "up" } else { "down" });
        trials.push(harness.trial(sshd, &what, SSHD, async move |server| {
            everywhere(seed, &server.daemon, &|host| Course::ssh(server, host, is_up, TREE));
        }));
        trials.push(harness.trial(vsftpd, &what, VSFTPD, async move |(server, _): &Vsftp| {
            everywhere(seed + 1, &server.daemon, &|host| Course::ftps(server, host, is_up, TREE));
        }));
        for (add, server) in [(2, proftpd), (3, pure_ftpd)] {
            trials.push(harness.trial(server, &what, FTPD, async move |server| {
                everywhere(seed + add, &server.daemon, &|host| Course::ftps(server, host, is_up, TREE));
            }));
        }
    }
    trials
}

/// Takes a course, whose host is its line, through all its points.
fn everywhere(seed: u64, server: &Daemon, course: &(dyn Fn(&str) -> Course + Sync)) {
    let fired: BTreeMap<Kind, usize> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|lane| scope.spawn(move || Lane::new(server, course).through(seed, lane))).collect();
        // Every one is waited for before any of them fails the trial.
        let ended: Vec<_> = lanes.into_iter().map(thread::ScopedJoinHandle::join).collect();
        let mut fired = BTreeMap::new();
        for lane in ended {
            for kind in lane.unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
                *fired.entry(kind).or_default() += 1;
            }
        }
        fired
    });
    eprintln!("seed {seed}: of {POINTS} faults {fired:?} happened");
    assert!(fired.values().sum::<usize>() * 4 > POINTS * 3, "most of them happened: {fired:?}");
}

/// One course over a line of its own, again and again.
struct Lane {
    line: FaultyLine,
    course: Course,
    wanted: Files,
    times: BTreeMap<PathBuf, u64>,
    /// The server tells, and takes, the time of a file to the second.
    keeps_times: bool,
    /// What each connection carries where nothing happens.
    carried: Vec<Carried>,
}

impl Lane {
    fn new(server: &Daemon, course: &dyn Fn(&str) -> Course) -> Self {
        let line = FaultyLine::to(server);
        let course = course(&line.address.to_string());
        let (wanted, times) = (files(&course.source), times(&course.source));
        let mut lane = Self { line, course, wanted, times, keeps_times: false, carried: Vec::new() };
        lane.line.arm(None, &lane.secrets());
        lane.course.finish("nothing fails");
        lane.assert_nothing_leaked("nothing fails");
        lane.carried = lane.line.carried();
        lane.keeps_times = times_of(&lane.course) == lane.times;
        lane.course.clear();
        lane
    }

    /// What FTP must not send before the line is protected.
    fn secrets(&self) -> [&str; 3] {
        if self.course.password.is_empty() { [""; 3] } else { [&self.course.password, "PASS ", "USER "] }
    }

    /// Its share of the points; answers what happened.
    fn through(&mut self, seed: u64, lane: usize) -> Vec<Kind> {
        let mut random = Random::new(seed * 1000 + lane as u64);
        let mut fired = Vec::new();
        for number in (lane..POINTS).step_by(LANES) {
            let is_move = number % MOVES == 0;
            // How many connections there are is up to the moment: a point that nobody came to is drawn anew.
            for draw in 0..DRAWS {
                let fault = self.draw(number, &mut random);
                let what = format!("seed {seed}, point {number}.{draw}, {}: {fault:?}", if is_move { "move" } else { "copy" });
                if self.meet(fault, is_move, &what) {
                    fired.push(fault.kind);
                    break;
                }
            }
        }
        fired
    }

    fn draw(&self, number: usize, random: &mut Random) -> Fault {
        let kind = Kind::ALL[number % Kind::ALL.len()];
        // The connection that is logged in first, one of the others, the one with most bytes, and any.
        let is_control = |at: &&usize| self.carried[**at].is_control;
        let all: Vec<usize> = (0..self.carried.len()).filter(|&at| self.carried[at].bytes.iter().any(|&bytes| bytes > 0)).collect();
        let largest = all.iter().max_by_key(|&&at| self.carried[at].bytes.iter().sum::<u64>());
        let others: Vec<usize> = all.iter().filter(is_control).copied().skip(1).collect();
        let pick = |from: &[usize], random: &mut Random| from.get(random.below(from.len().max(1) as u64) as usize).copied();
        let index = match (number / Kind::ALL.len()) % 4 {
            0 => None,
            1 => pick(&others, random),
            2 => largest.copied(),
            _ => pick(&all, random),
        };
        let index = index.unwrap_or(all[0]);
        let Carried { is_control, bytes } = self.carried[index];
        let from = self.carried[..index].iter().filter(|carried| carried.is_control == is_control).count();
        let direction = if random.below(2) == 0 { Direction::ToServer } else { Direction::ToClient };
        let length = bytes[direction as usize].max(1);
        let at = match random.below(4) {
            0 => random.below(length.min(HEAD)),
            1 => length - 1 - random.below(length.min(TAIL)),
            _ => random.below(length),
        };
        // Where the largest is meant, whichever that is this time.
        let from = if Some(&index) == largest && length > HEAD { 0 } else { from };
        Fault { kind, is_control, from, direction, at }
    }

    /// Runs into a fault, looks at what is left, and finishes it; answers whether it happened.
    fn meet(&self, fault: Fault, is_move: bool, what: &str) -> bool {
        self.line.arm(Some(fault), &self.secrets());
        let known = fs::read(self.course.known_hosts()).ok();
        let order = || if is_move { self.course.as_move(&[]) } else { self.course.command(&[]) };
        let mut command = order();
        // What is slow comes in the end, and must not be given up.
        if fault.kind != Kind::Throttle {
            command.env("SEALIFT_TIMEOUT", "2");
        }
        let ended = Ended::of(command.spawn().unwrap(), what);
        let what = format!("{what}: {ended}");
        self.assert_nothing_leaked(&what);
        assert_eq!(fs::read(self.course.known_hosts()).ok(), known, "{what}: nobody else is trusted");
        self.course.assert_nothing_broken(&self.wanted, &what);
        self.assert_told_the_truth(&ended, &what);
        if is_move {
            self.assert_nothing_lost(&what);
        }
        match ended.code {
            Some(0) => self.assert_arrived(&what),
            _ if fault.kind == Kind::Throttle => panic!("{what}: slow is no failure"),
            code => {
                assert!(matches!(code, Some(1..=7)), "{what}");
                assert!(ended.said.lines().any(|line| line.len() > 20), "{what}: it says why");
            }
        }
        let has_fired = self.line.has_fired();
        // What still hangs in the line is gone for the server, too.
        self.line.arm(None, &self.secrets());
        if ended.code != Some(0) {
            let again = Ended::of(order().spawn().unwrap(), &what);
            again.assert_finished(&format!("{what}: and again"));
            self.assert_arrived(&format!("{what}: and again: {again}"));
        }
        if is_move {
            assert!(files(&self.course.source).is_empty(), "{what}: it was moved");
            fill(&self.course.source.join("tree"), TREE);
        }
        self.course.clear();
        has_fired
    }

    #[track_caller]
    fn assert_nothing_leaked(&self, what: &str) {
        assert!(!self.line.has_leaked(), "{what}: a user or password passed in the clear");
    }

    #[track_caller]
    fn assert_arrived(&self, what: &str) {
        self.course.assert_complete(&self.wanted, what);
        if self.keeps_times {
            assert_eq!(times_of(&self.course), self.times, "{what}: times");
        }
    }

    /// Each file it calls copied is there, and what is not called so was given up by name.
    #[track_caller]
    fn assert_told_the_truth(&self, ended: &Ended, what: &str) {
        let there = files(&self.course.target);
        let mut failed = 0;
        for line in ended.lines() {
            let Some(outcome) = line["outcome"].as_str() else { continue };
            let (end, root) = if self.course.is_up { ("source", &self.course.source) } else { ("target", &self.course.target) };
            let path = PathBuf::from(line[end].as_str().unwrap_or_else(|| panic!("{what}: {line} names nothing")));
            let name = path.strip_prefix(root).unwrap().to_owned();
            match outcome {
                "copied" | "resumed" => {
                    assert_eq!(there.get(&name), self.wanted.get(&name), "{what}: {} was not {outcome}", name.display());
                }
                "failed" => {
                    failed += 1;
                    assert!(line["error"].as_str().is_some_and(|why| why.len() > 10), "{what}: {line}");
                }
                other => panic!("{what}: nothing is {other} here"),
            }
        }
        if let Some(summary) = ended.summary() {
            assert_eq!(summary["failed"], Value::from(failed), "{what}");
            assert_eq!(ended.code == Some(0), failed == 0, "{what}");
        }
    }

    /// What is moved is whole at one of the two ends.
    #[track_caller]
    fn assert_nothing_lost(&self, what: &str) {
        let (here, there) = (files(&self.course.source), files(&self.course.target));
        for (name, content) in &self.wanted {
            let is_safe = [&here, &there].into_iter().any(|end| end.get(name) == Some(content));
            assert!(is_safe, "{what}: {} is lost", name.display());
        }
    }
}

fn times_of(course: &Course) -> BTreeMap<PathBuf, u64> {
    times(&course.target).into_iter().filter(|(name, _)| !is_part(name)).collect()
}

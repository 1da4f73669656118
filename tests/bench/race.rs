//! Programs in turn on the same work, round by round, so that whatever else the machine does hits all alike; medians of the rounds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::measure::{Sample, run};
use crate::scene::Scene;

type Order<'a> = Box<dyn Fn(&Path) -> Result<Command, String> + 'a>;

/// One program and its words for the work: the target is a new empty folder.
pub struct Contestant<'a> {
    pub name: &'static str,
    pub command: Order<'a>,
}

impl<'a> Contestant<'a> {
    pub fn new(name: &'static str, command: impl Fn(&Path) -> Result<Command, String> + 'a) -> Self {
        Self { name, command: Box::new(command) }
    }
}

/// The work.
pub struct Work {
    /// Where the targets' folders are made.
    pub place: PathBuf,
    /// What has to be there afterwards: files and their bytes. `None`: nothing is written.
    pub expected: Option<(u64, u64)>,
    /// A program that takes longer is ended, and what it had done by then is counted.
    pub limit: Duration,
}

/// What came of one program.
#[derive(Debug, Clone)]
pub struct Summary {
    pub name: &'static str,
    /// Seconds, median; where it was ended, as long as it would have taken at that speed.
    pub wall: f64,
    /// Seconds, median.
    pub cpu: f64,
    /// Bytes, the most.
    pub peak: u64,
    pub was_ended: bool,
}

/// Runs all in turn. The first one is sealift, and must succeed; a peer that fails or is not here is left out by name.
pub fn race(scene: &Scene, work: &Work, contestants: &[Contestant<'_>]) -> Result<Vec<Summary>, String> {
    let mut samples: Vec<Vec<Sample>> = contestants.iter().map(|_| Vec::new()).collect();
    let mut left_out = vec![false; contestants.len()];
    for round in 0..scene.rounds {
        for (at, contestant) in contestants.iter().enumerate() {
            if left_out[at] {
                continue;
            }
            match once(work, contestant, &format!("target-{at}-{round}")) {
                Ok(sample) => samples[at].push(sample),
                Err(why) if at == 0 => return Err(format!("{}: {why}", contestant.name)),
                Err(why) => {
                    eprintln!("  {} is left out: {why}", contestant.name);
                    left_out[at] = true;
                }
            }
        }
    }
    let contestants = contestants.iter().zip(samples).zip(left_out).filter(|(_, left_out)| !left_out);
    Ok(contestants.map(|((contestant, samples), _)| summary(contestant.name, &samples)).collect())
}

fn once(work: &Work, contestant: &Contestant<'_>, name: &str) -> Result<Sample, String> {
    let target = Scene::fresh(&work.place, name)?;
    let result = run(&mut (contestant.command)(&target)?, work.limit);
    let done = count(&target);
    // Not part of what is measured, and the next one is to find the same.
    drop(fs::remove_dir_all(&target));
    let mut sample = result?;
    if let Some((files, bytes)) = work.expected {
        if sample.was_ended {
            let part = if files > 1 { done.0 as f64 / files as f64 } else { done.1 as f64 / bytes as f64 };
            sample.wall = sample.wall.div_f64(part.clamp(1e-6, 1.0));
        } else if done != (files, bytes) {
            return Err(format!("{} files of {} bytes arrived, not {files} of {bytes}", done.0, done.1));
        }
    }
    eprintln!(
        "  {:<10} {:>8.3} s  CPU {:>6.2} s  {:>4} MiB",
        contestant.name,
        sample.wall.as_secs_f64(),
        sample.cpu.as_secs_f64(),
        sample.peak >> 20
    );
    Ok(sample)
}

/// Files below a folder and the sum of their bytes.
fn count(folder: &Path) -> (u64, u64) {
    let (mut files, mut bytes, mut left) = (0, 0, vec![folder.to_owned()]);
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(facts) if facts.is_dir() => left.push(entry.path()),
                Ok(facts) => (files, bytes) = (files + 1, bytes + facts.len()),
                Err(_) => {}
            }
        }
    }
    (files, bytes)
}

fn summary(name: &'static str, samples: &[Sample]) -> Summary {
    Summary {
        name,
        wall: median(samples.iter().map(|sample| sample.wall.as_secs_f64()).collect()),
        cpu: median(samples.iter().map(|sample| sample.cpu.as_secs_f64()).collect()),
        peak: samples.iter().map(|sample| sample.peak).max().unwrap_or(0),
        was_ended: samples.iter().any(|sample| sample.was_ended),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[length / 2],
        length => f64::midpoint(values[length / 2 - 1], values[length / 2]),
    }
}

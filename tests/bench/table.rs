//! The one table: what was wanted, what came out.

use crate::race::Summary;

/// One line of it.
pub struct Line {
    pub work: String,
    pub against: String,
    pub least: String,
    pub aim: String,
    pub measured: String,
    pub met: &'static str,
}

fn met(value: f64, least: f64, aim: f64) -> &'static str {
    if value.is_nan() {
        "not measured"
    } else if value >= aim {
        "aim"
    } else if value >= least {
        "yes"
    } else {
        "NO"
    }
}

/// How many times as fast as the peer.
pub fn faster(work: &str, own: &Summary, peer: &Summary, (least, aim): (f64, f64)) -> Line {
    let ratio = peer.wall / own.wall;
    // What was ended is taken to have gone on at its speed so far.
    let about = if own.was_ended || peer.was_ended { "about " } else { "" };
    Line {
        work: work.to_owned(),
        against: peer.name.to_owned(),
        least: format!("{least}x"),
        aim: format!("{aim}x"),
        measured: format!("{about}{ratio:.2}x ({:.3} s, {:.3} s)", own.wall, peer.wall),
        met: met(ratio, least, aim),
    }
}

/// What part of the peer's CPU time.
pub fn cheaper(work: &str, own: &Summary, peer: &Summary, (most, aim): (f64, f64)) -> Line {
    let ratio = own.cpu / peer.cpu;
    Line {
        work: format!("{work}, client CPU"),
        against: peer.name.to_owned(),
        least: format!("<= {most}x"),
        aim: format!("<= {aim}x"),
        measured: format!("{ratio:.2}x ({:.2} s, {:.2} s)", own.cpu, peer.cpu),
        met: met(-ratio, -most, -aim),
    }
}

/// A figure with a limit of its own.
pub fn at_most(work: &str, value: f64, unit: &str, (most, aim): (f64, f64)) -> Line {
    Line {
        work: work.to_owned(),
        against: "-".to_owned(),
        least: format!("<= {most} {unit}"),
        aim: format!("<= {aim} {unit}"),
        measured: format!("{value:.2} {unit}"),
        met: met(-value, -most, -aim),
    }
}

/// What could not be measured, and why.
pub fn missing(work: &str, why: &str) -> Line {
    let dash = || "-".to_owned();
    Line { work: work.to_owned(), against: dash(), least: dash(), aim: dash(), measured: why.to_owned(), met: "not measured" }
}

pub fn print(lines: &[Line]) {
    println!("| work | against | at least | aim | measured (sealift, peer) | met |\n|---|---|---|---|---|---|");
    for Line { work, against, least, aim, measured, met } in lines {
        println!("| {work} | {against} | {least} | {aim} | {measured} | {met} |");
    }
}

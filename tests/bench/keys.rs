//! How soon the panes answer a key while transfers run, and what they write meanwhile, seen from the terminal.

use std::fs;
use std::io::{Read as _, Write};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::scene::{Line, Scene, SshScene};

/// Milliseconds and bytes.
pub struct Measured {
    /// p50 and p99 with nothing under way.
    pub idle: (f64, f64),
    /// The same while eight uploads run.
    pub busy: (f64, f64),
    pub bytes_per_second: f64,
}

const LIMIT: Duration = Duration::from_secs(20);
/// Enough that one key in a hundred is not the slowest of all.
const PRESSES: usize = 200;
/// Between two keys: longer than a frame takes, and no multiple of the pace of background frames.
const BETWEEN: Duration = Duration::from_millis(37);
const TRANSFERS: usize = 8;

struct Terminal {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    screen: vt100::Parser,
    _pair: portable_pty::PtyPair,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop((self.child.kill(), self.child.wait()));
    }
}

impl Terminal {
    fn start(scene: &Scene, arguments: &[String]) -> Result<Self, String> {
        let told = |error: &dyn std::fmt::Display| error.to_string();
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).map_err(|error| told(&error))?;
        let like = scene.sealift();
        let mut command = CommandBuilder::new(&scene.binary);
        command.args(arguments);
        for (name, value) in like.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        let child = pair.slave.spawn_command(command).map_err(|error| told(&error))?;
        let mut reader = pair.master.try_clone_reader().map_err(|error| told(&error))?;
        let keyboard = pair.master.take_writer().map_err(|error| told(&error))?;
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut chunk = vec![0; 64 << 10];
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                if sender.send((Instant::now(), chunk[..read].to_vec())).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            child,
            keyboard,
            output,
            screen: vt100::Parser::new(size.rows.try_into().unwrap(), size.cols.try_into().unwrap(), 0),
            _pair: pair,
        })
    }

    fn press(&mut self, keys: &str) -> Result<(), String> {
        self.keyboard.write_all(keys.as_bytes()).and_then(|()| self.keyboard.flush()).map_err(|error| error.to_string())
    }

    fn wait_for(&mut self, text: &str) -> Result<(), String> {
        let end = Instant::now() + LIMIT;
        while !self.screen.screen().contents().contains(text) {
            if Instant::now() > end {
                return Err(format!("waited in vain for {text:?}:\n{}", self.screen.screen().contents()));
            }
            self.read_for(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Reads for a while; answers the bytes.
    fn read_for(&mut self, time: Duration) -> usize {
        let end = Instant::now() + time;
        let mut bytes = 0;
        while let Ok((_, chunk)) = self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
            bytes += chunk.len();
            self.screen.process(&chunk);
        }
        bytes
    }

    /// Presses a key many times; answers p50 and p99 of the milliseconds until the frame that answers it was there.
    fn latencies(&mut self) -> Result<(f64, f64), String> {
        let mut times = Vec::with_capacity(PRESSES);
        for number in 0..PRESSES {
            self.read_for(BETWEEN);
            let pressed = Instant::now();
            // To and fro, so that the list has no end.
            self.press(if number / 10 % 2 == 0 { "j" } else { "k" })?;
            let (came, chunk) = self.output.recv_timeout(LIMIT).map_err(|_| "a key was not answered".to_owned())?;
            self.screen.process(&chunk);
            times.push(came.duration_since(pressed).as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        Ok((times[PRESSES / 2], times[PRESSES * 99 / 100 - 1]))
    }
}

pub fn measure(scene: &Scene, ssh: &SshScene) -> Result<Measured, String> {
    let (from, to) = (Scene::fresh(&scene.folder, "panes-from")?, Scene::fresh(&scene.folder, "panes-to")?);
    for number in 0..TRANSFERS {
        let file = fs::File::create(from.join(format!("a-large-{number}"))).map_err(|error| error.to_string())?;
        file.set_len(scene.amount(1024) << 20).map_err(|error| error.to_string())?;
    }
    for number in 0..200 {
        fs::write(from.join(format!("name-{number:03}")), "").map_err(|error| error.to_string())?;
    }
    fs::write(to.join("here-it-goes"), "").map_err(|error| error.to_string())?;
    // A terminal begins in the home folder.
    Scene::fresh(&scene.folder, "own")?;
    let mut arguments = vec![from.display().to_string(), ssh.url(Line::Loopback, &to)];
    arguments.extend(ssh.panes());
    let mut terminal = Terminal::start(scene, &arguments)?;
    terminal.wait_for("a-large-7")?;
    terminal.wait_for("here-it-goes")?;
    let idle = terminal.latencies()?;
    terminal.press("gg")?;
    terminal.press(&" ".repeat(TRANSFERS))?;
    terminal.press("c")?;
    terminal.wait_for("Copy")?;
    terminal.press("\r")?;
    terminal.wait_for("%")?;
    let busy = terminal.latencies()?;
    let time = Duration::from_secs(2);
    let bytes = terminal.read_for(time);
    let still = terminal.screen.screen().contents().contains('%');
    if !still && !scene.quick {
        return Err("the transfers ended before they were measured".to_owned());
    }
    drop(terminal);
    drop((fs::remove_dir_all(from), fs::remove_dir_all(to)));
    Ok(Measured { idle, busy, bytes_per_second: bytes as f64 / time.as_secs_f64() })
}

//! The only loop of the program: takes what happened, changes the core, starts its orders, draws. Never waits for an order.

use std::future::{pending, poll_fn};
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use crossterm::event::{Event, EventStream};
use futures::{Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::executor::Executor;
use super::frame::Screen;
use super::output::{Output, TerminalOutput};
use super::pace::{Cause, Pace};
use super::runtime::Backend;
use super::signals::{Signal, Signals};
use super::terminal::{self, TerminalGuard};
use super::theme::Theme;
use super::view::layout::Layout;
use super::view::{self, Look};
use super::{keys, wake::Timer};
use crate::app::{App, Effect, Generation, Moment, Msg, Options, Reaction, SiteChoice, StartPane};
use crate::ask::Question;
use crate::server::Clients;

/// What the screen is started with.
pub struct RunOptions {
    /// The engine.
    pub backend: Arc<dyn Backend>,
    /// The lists of the person's own server.
    pub clients: Clients,
    /// Questions of the engine ([`crate::ask::ChannelPrompter`]).
    pub questions: mpsc::Receiver<Question>,
    /// What happens without being asked for: ended jobs, broken lines, notices.
    pub events: mpsc::Receiver<Msg>,
    /// What the panes show first.
    pub start: [StartPane; 2],
    /// How the core starts.
    pub options: Options,
    /// Sites to choose from, where no pane starts with a list of them.
    pub sites: Vec<SiteChoice>,
    /// Colours.
    pub theme: Theme,
}

/// Shows the screen until the person or a signal ends it. The terminal is given back whatever happens.
///
/// Call it on the thread that panics should be shown from. Needs a runtime with timers and signals.
pub async fn run(options: RunOptions) -> io::Result<()> {
    let guard = TerminalGuard::take()?;
    let (columns, rows) = crossterm::terminal::size()?;
    let look = Look::from_environment(options.theme);
    let (mut app, reaction) = App::new(options.start, options.options);
    if app.sites.is_empty() {
        app.sites = options.sites;
    }
    let (executor, answers) = Executor::new(options.backend, options.clients);
    let sources =
        Sources { input: EventStream::new(), signals: Signals::listen()?, questions: options.questions, events: options.events, answers };
    let mut screen = Loop::new(app, executor, TerminalOutput::start()?, look, Some(guard));
    screen.resize(columns, rows);
    screen.react(reaction, Cause::Input);
    let result = screen.run(sources).await;
    screen.end().await;
    result
}

/// Where things happen.
pub(super) struct Sources<I> {
    pub(super) input: I,
    pub(super) signals: Signals,
    pub(super) questions: mpsc::Receiver<Question>,
    pub(super) events: mpsc::Receiver<Msg>,
    pub(super) answers: mpsc::Receiver<Msg>,
}

/// The loop's state.
pub(super) struct Loop<O> {
    pub(super) app: App,
    executor: Executor,
    output: O,
    look: Look,
    guard: Option<TerminalGuard>,
    screen: Screen,
    pace: Pace,
    started: Instant,
    /// A frame is being written: none is drawn meanwhile.
    writing: bool,
    /// Sequences for the terminal that go out with the next frame.
    extra: String,
    /// The window's title as it was set last.
    title: String,
    timer: Timer,
    /// The listing whose first entries were seen, of each pane.
    listing: [Option<Generation>; 2],
    suspend: bool,
    /// It went on after a stop of its own; the signal that says so is still to come.
    went_on: bool,
    quit: bool,
}

/// Messages taken at once before the screen gets its turn.
const TURN: usize = 64;
/// Keys taken at once.
const TYPE_AHEAD: usize = 4096;
/// How long the end waits for a frame that is being written.
const LAST_FRAME: Duration = Duration::from_millis(300);

impl<O: Output> Loop<O> {
    pub(super) fn new(app: App, executor: Executor, output: O, look: Look, guard: Option<TerminalGuard>) -> Self {
        let now = Instant::now();
        let screen = Screen::new(1, 1, look.ascii);
        Self {
            app,
            executor,
            output,
            look,
            guard,
            screen,
            pace: Pace::new(now),
            started: now,
            writing: false,
            extra: String::new(),
            title: String::new(),
            timer: Timer::default(),
            listing: [None; 2],
            suspend: false,
            went_on: false,
            quit: false,
        }
    }

    /// Runs until the core or a signal ends it, or the terminal is gone.
    pub(super) async fn run(&mut self, mut sources: Sources<impl Stream<Item = io::Result<Event>> + Unpin>) -> io::Result<()> {
        while !self.quit {
            if std::mem::take(&mut self.suspend) {
                self.stop().await?;
            }
            let now = Instant::now();
            let due = self.pace.due(now).filter(|_| !self.writing);
            if due.is_some_and(|due| due <= now) {
                self.take_input(&mut sources.input).await?;
                self.draw();
                continue;
            }
            let wake = self.timer.next(&self.app, self.started.elapsed()).map(|since| self.started + since);
            tokio::select! {
                biased;
                signal = sources.signals.next() => self.signal(signal).await?,
                written = self.output.written(), if self.writing => {
                    self.writing = false;
                    written?;
                }
                event = sources.input.next() => {
                    self.input(event)?;
                    self.take_input(&mut sources.input).await?;
                }
                Some(question) = sources.questions.recv() => self.tell(Msg::Asked(question), Cause::Answer),
                Some(message) = sources.events.recv() => self.tell_all(message, &mut sources.events),
                Some(message) = sources.answers.recv() => self.tell_all(message, &mut sources.answers),
                () = until(due) => {}
                () = until(wake) => self.tick(),
            }
        }
        Ok(())
    }

    /// Gives the terminal back and ends every task.
    pub(super) async fn end(mut self) {
        self.finish_writing().await;
        drop(self.guard);
        self.executor.shut_down().await;
    }

    /// Takes every key that is there: a hundred typed ahead are one frame.
    async fn take_input(&mut self, input: &mut (impl Stream<Item = io::Result<Event>> + Unpin)) -> io::Result<()> {
        for _ in 0..TYPE_AHEAD {
            // Polled with this task's own waker: crossterm's stream keeps the first waker it sees.
            let next = poll_fn(|context| match input.poll_next_unpin(context) {
                Poll::Ready(event) => Poll::Ready(Some(event)),
                Poll::Pending => Poll::Ready(None),
            });
            match next.await {
                Some(event) if !self.quit => self.input(event)?,
                _ => break,
            }
        }
        Ok(())
    }

    fn input(&mut self, event: Option<io::Result<Event>>) -> io::Result<()> {
        match event.ok_or(io::ErrorKind::UnexpectedEof)?? {
            Event::Key(event) => {
                if let Some(key) = keys::key(event) {
                    self.tell(Msg::Key(key), Cause::Input);
                }
            }
            Event::Paste(text) => self.tell(Msg::Paste(text), Cause::Input),
            Event::Resize(columns, rows) => self.resize(columns, rows),
            Event::FocusGained | Event::FocusLost | Event::Mouse(_) => {}
        }
        Ok(())
    }

    pub(super) fn resize(&mut self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.max(1), rows.max(1));
        self.screen.resize(columns, rows);
        for pane in &mut self.app.panes {
            pane.rows = Layout::list_rows(columns, rows);
        }
        self.tell(Msg::Resized { columns, rows }, Cause::Input);
        self.pace.want(Cause::Input, Instant::now());
    }

    fn tell_all(&mut self, first: Msg, more: &mut mpsc::Receiver<Msg>) {
        let mut next = Some(first);
        for _ in 0..TURN {
            let Some(message) = next.take() else { break };
            self.tell_one(message);
            // What a person waits for is not kept back by what comes after it.
            if self.pace.due(Instant::now()).is_some_and(|due| due <= Instant::now()) {
                return;
            }
            next = more.try_recv().ok();
        }
        if let Some(message) = next {
            self.tell_one(message);
        }
    }

    fn tell_one(&mut self, message: Msg) {
        // A job may end before any tick saw it.
        if matches!(message, Msg::JobEnded { .. }) {
            self.tell(Msg::Tick(self.executor.snapshot()), Cause::Background);
        }
        let cause = self.cause(&message);
        self.tell(message, cause);
    }

    /// The first entries of a listing answer a person; the many after them are background.
    fn cause(&mut self, message: &Msg) -> Cause {
        match message {
            Msg::Listed { pane, generation, .. } if self.listing[*pane as usize].replace(*generation) == Some(*generation) => {
                Cause::Background
            }
            Msg::Tick(_) => Cause::Background,
            _ => Cause::Answer,
        }
    }

    fn tell(&mut self, message: Msg, cause: Cause) {
        let now = Moment { since_start: self.started.elapsed(), wall: SystemTime::now() };
        let reaction = self.app.update(message, now);
        self.react(reaction, cause);
    }

    pub(super) fn react(&mut self, reaction: Reaction, cause: Cause) {
        if reaction.redraw {
            self.pace.want(cause, Instant::now());
        }
        let steers = reaction.effects.iter().any(|effect| matches!(effect, Effect::Queue(_) | Effect::ClearJobs));
        for effect in reaction.effects {
            match self.executor.start(effect) {
                Some(Effect::Clipboard(text)) => self.extra.extend(terminal::clipboard(&text)),
                Some(Effect::Suspend) => self.suspend = true,
                Some(Effect::Redraw) => self.redraw(),
                Some(Effect::Quit) => self.quit = true,
                _ => {}
            }
        }
        // Whoever steers the queue sees at once what came of it.
        if steers {
            let snapshot = self.executor.snapshot();
            self.look.words = snapshot.clone();
            self.tell(Msg::Tick(snapshot), Cause::Input);
        }
    }

    fn redraw(&mut self) {
        self.screen.invalidate();
        self.pace.want(Cause::Input, Instant::now());
    }

    fn tick(&mut self) {
        let now = self.started.elapsed();
        let snapshot = self.executor.snapshot();
        if self.timer.rang(now) {
            self.look.words = snapshot.clone();
        }
        let cause = if self.app.transfers.is_active() { Cause::Background } else { Cause::Answer };
        self.tell(Msg::Tick(snapshot), cause);
        self.look.which_key = self.timer.wants_hint(&self.app, now);
        // Seconds, hints and bars change without the core.
        self.pace.want(cause, Instant::now());
    }

    async fn signal(&mut self, signal: Signal) -> io::Result<()> {
        match signal {
            Signal::Quit => {
                self.tell(Msg::Quit, Cause::Background);
                self.quit = true;
            }
            Signal::Stop => self.stop().await?,
            // After a stop of our own the terminal is taken already; to take it twice would let go of it in between.
            Signal::Continue if std::mem::take(&mut self.went_on) => {}
            Signal::Continue => {
                if let Some(guard) = &self.guard {
                    guard.enter()?;
                }
                self.redraw();
            }
        }
        Ok(())
    }

    /// Stops as Ctrl-Z does; returns when the person brings the program back.
    async fn stop(&mut self) -> io::Result<()> {
        self.finish_writing().await;
        if let Some(guard) = &self.guard {
            guard.suspend()?;
            self.went_on = true;
        }
        let (columns, rows) = crossterm::terminal::size()?;
        self.resize(columns, rows);
        Ok(())
    }

    async fn finish_writing(&mut self) {
        if self.writing {
            self.writing = timeout(LAST_FRAME, self.output.written()).await.is_err();
        }
    }

    fn draw(&mut self) {
        self.look.which_key &= !self.app.pending.is_empty();
        let (app, look) = (&self.app, &self.look);
        let mut scroll_end = 0;
        let drawn = self.screen.frame(|buffer| {
            let drawn = view::draw(app, look, buffer);
            scroll_end = drawn.scroll_end;
            drawn.cursor
        });
        self.app.limit_scroll(scroll_end);
        let title = view::title(&self.app);
        if title != self.title {
            self.extra.push_str(&terminal::title(&title));
            self.title = title;
        }
        let mut frame = std::mem::take(&mut self.extra).into_bytes();
        frame.extend(drawn.unwrap_or_default());
        self.pace.drawn(frame.len(), Instant::now());
        if !frame.is_empty() {
            self.output.begin(frame);
            self.writing = true;
        }
    }
}

/// Waits until `moment`; for ever without one.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

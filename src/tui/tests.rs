//! The loop with a recorded screen and virtual time: what is written, when, and how much; and that orders are owned.

use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::executor::Executor;
use super::fixture::{facts, look, options, sample};
use super::output::Output;
use super::pace::{Cause, Pace};
use super::run::{Loop, Sources};
use super::runtime::{Backend, NotConnected};
use super::signals::Signals;
use super::wake::Timer;
use crate::app::effect::{ClientsOrder, SecretWork};
use crate::app::message::{ClientsDone, KeptSecrets, SecretsDone};
use crate::app::{App, Effect, Generation, Msg, Side, StartPane};
use crate::engine::sync::{CompareOrder, CompareProgress, Plan, Staged};
use crate::engine::{
    Advice, GoneOn, IdentityFailure, IdentityOrder, IdentityRow, Interrupted, JobId, JobKind, JobProgress, JobSpec, JobState, Place,
    QueueOrder, SessionFacts, SessionId, Snapshot,
};
use crate::model::site::ParsedUrl;
use crate::model::{Endpoint, Entry, EntryName, FilePath};
use crate::secrets::Secret;
use crate::server::Clients;
use crate::server::clients::Lists;
use crate::trust::ledger::Row;
use crate::trust::{self, Evidence, Revocation};

/// Counts calls that are under way; a call that is cancelled counts down again.
#[derive(Clone, Default)]
struct UnderWay(Arc<AtomicUsize>);

struct Call(Arc<AtomicUsize>);

impl UnderWay {
    fn begin(&self) -> Call {
        self.0.fetch_add(1, Ordering::SeqCst);
        Call(Arc::clone(&self.0))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Lists the sample everywhere; other calls never end.
#[derive(Default)]
struct Fake {
    jobs: Option<Instant>,
    hang: bool,
    under_way: UnderWay,
}

#[async_trait]
impl Backend for Fake {
    async fn connect(&self, url: ParsedUrl, _: Option<Secret>) -> Result<SessionFacts, NotConnected> {
        let _call = self.under_way.begin();
        if self.hang { pending().await } else { Ok(facts(&url.site.url())) }
    }
    async fn list(&self, _: Place, _: &FilePath, batches: mpsc::Sender<Vec<Entry>>) -> Result<(), Advice> {
        let _call = self.under_way.begin();
        if self.hang {
            pending::<()>().await;
        }
        for entry in sample() {
            batches.send(vec![entry]).await.unwrap();
        }
        Ok(())
    }
    async fn stat(&self, _: Place, _: &FilePath, _: &[EntryName]) -> Result<Vec<Entry>, Advice> {
        Ok(Vec::new())
    }
    async fn make_dir(&self, _: Place, _: &FilePath) -> Result<(), Advice> {
        Ok(())
    }
    async fn rename(&self, _: Place, _: &FilePath, _: &FilePath) -> Result<(), Advice> {
        panic!("a task that fails")
    }
    async fn read_small(&self, _: Place, _: &FilePath) -> Result<Vec<u8>, Advice> {
        let _call = self.under_way.begin();
        if self.hang { pending().await } else { Ok(include_bytes!("../../tests/fixtures/certificates/authority.pem").to_vec()) }
    }
    async fn write_new(&self, _: &FilePath, _: Vec<u8>) -> Result<(), Advice> {
        Ok(())
    }
    async fn go_on(&self, _: Vec<Interrupted>) -> GoneOn {
        GoneOn::default()
    }
    async fn forget(&self, _: Vec<Interrupted>) -> Vec<String> {
        Vec::new()
    }
    fn stop_jobs(&self) {}
    async fn check_revocation(&self, _: &Evidence) -> Result<Revocation, Advice> {
        Ok(Revocation::NotChecked)
    }
    async fn ledger_rows(&self) -> Result<Vec<Row>, Advice> {
        Ok(Vec::new())
    }
    async fn ledger_remove(&self, _: &Row) -> Result<Option<String>, Advice> {
        Ok(None)
    }
    async fn ledger_accept(&self, _: Endpoint, _: trust::Pin) -> Result<Option<String>, Advice> {
        Ok(None)
    }
    async fn ledger_export(&self) -> Result<String, Advice> {
        Ok(String::new())
    }
    async fn ledger_import(&self, _: &str) -> Result<String, Advice> {
        Ok(String::new())
    }
    async fn compare(&self, _: &CompareOrder, _: &CompareProgress) -> Result<Plan, Advice> {
        let _call = self.under_way.begin();
        pending().await
    }
    async fn synchronise(&self, _: Arc<Plan>, _: [Place; 2]) -> Staged {
        Staged::default()
    }
    async fn identities(&self) -> Result<Vec<IdentityRow>, Advice> {
        Ok(Vec::new())
    }
    async fn work_on_identities(&self, _: IdentityOrder) -> Result<String, IdentityFailure> {
        Ok(String::new())
    }
    async fn secrets(&self) -> Result<KeptSecrets, Advice> {
        Err(Advice { what: "none".into(), why: String::new(), next: String::new(), intended: false })
    }
    async fn work_on_secrets(&self, _: SecretWork, _: Option<Secret>) -> Result<SecretsDone, Advice> {
        Ok(SecretsDone::Said(String::new()))
    }
    async fn sites(&self, _: crate::app::effect::SitesOrder) -> Result<Arc<crate::config::sites::Sites>, Advice> {
        Ok(Arc::default())
    }
    fn submit(&self, _: JobSpec) {}
    fn cancel_job(&self, _: JobId) {}
    fn clear_jobs(&self) {}
    fn steer_queue(&self, _: QueueOrder) {}
    fn snapshot(&self) -> Snapshot {
        let Some(started) = self.jobs else { return Snapshot::default() };
        let seconds = started.elapsed().as_secs_f64();
        let job = |id| JobProgress {
            state: JobState::Running,
            files_done: (seconds * 7.0) as u64,
            files_total: 100_000,
            bytes_done: ((seconds + id as f64) * 1_000_003.0) as u64 % 2_000_000,
            bytes_total: 2_000_000,
            rate: 1e6 * (1.0 + (seconds * 3.7).fract()),
            remaining: Some(Duration::from_secs_f64(1000.0 - seconds)),
            ..JobProgress::waiting(JobId(id), JobKind::Copy, format!("job {id}"))
        };
        Snapshot { jobs: (1..=8).map(job).collect(), ..Snapshot::default() }
    }
    async fn disconnect(&self, _: SessionId) {}
    async fn shut_down(&self) {
        if self.hang {
            pending::<()>().await;
        }
    }
}

type Frames = Arc<Mutex<Vec<(Instant, Vec<u8>)>>>;
type Keys = Pin<Box<dyn futures::Stream<Item = io::Result<Event>>>>;

/// Every frame with its time; each takes `takes` to write.
#[derive(Clone)]
struct Recorder {
    frames: Frames,
    takes: Duration,
    until: Option<Instant>,
}

impl Output for Recorder {
    fn begin(&mut self, frame: Vec<u8>) {
        assert!(self.until.is_none(), "a frame is drawn while another is being written");
        let now = Instant::now();
        self.until = Some(now + self.takes);
        self.frames.lock().unwrap().push((now, frame));
    }
    fn written(&mut self) -> Pin<Box<dyn Future<Output = io::Result<()>> + Send + '_>> {
        Box::pin(async {
            sleep_until(self.until.unwrap()).await;
            self.until = None;
            Ok(())
        })
    }
}

/// The lists of a server that nobody runs.
fn nobody() -> Clients {
    Clients::at("/none".into())
}

struct Rig {
    screen: Loop<Recorder>,
    recorder: Recorder,
    keys: mpsc::Sender<Event>,
    sources: Option<Sources<Keys>>,
    _ends: (mpsc::Sender<crate::ask::Question>, mpsc::Sender<Msg>),
}

impl Rig {
    fn new(backend: Fake, takes: Duration) -> Self {
        let home = FilePath::try_from("/home/bob").unwrap();
        let start = [StartPane::Local(home.clone()), StartPane::Local(home.clone())];
        let (app, reaction) = App::new(start, options(home));
        let (executor, answers) = Executor::new(Arc::new(backend), nobody());
        let recorder = Recorder { frames: Arc::default(), takes, until: None };
        let mut screen = Loop::new(app, executor, recorder.clone(), look(), None);
        screen.resize(80, 24);
        screen.react(reaction, Cause::Input);
        let (keys, mut pressed) = mpsc::channel(1024);
        let input: Pin<Box<dyn futures::Stream<Item = io::Result<Event>>>> =
            Box::pin(futures::stream::poll_fn(move |context| pressed.poll_recv(context).map(|event| event.map(Ok))));
        let (ask, questions) = mpsc::channel(1);
        let (happen, events) = mpsc::channel(1);
        let sources = Some(Sources { input, signals: Signals::none(), questions, events, answers });
        Self { screen, recorder, keys, sources, _ends: (ask, happen) }
    }

    fn press(&self, code: KeyCode) {
        self.keys.try_send(Event::Key(KeyEvent::new(code, KeyModifiers::NONE))).unwrap();
    }

    /// Runs the loop with `meanwhile` beside it.
    async fn run(&mut self, meanwhile: impl Future<Output = ()>) {
        let sources = self.sources.take().unwrap();
        tokio::select! {
            biased;
            ended = self.screen.run(sources) => ended.unwrap(),
            () = meanwhile => {}
        }
    }

    fn frames(&self) -> Vec<(Instant, Vec<u8>)> {
        self.recorder.frames.lock().unwrap().clone()
    }

    fn cursor(&self) -> usize {
        self.screen.app.pane(Side::Left).folder.as_ref().unwrap().cursor()
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_and_no_timer_runs_while_nothing_happens() {
    let mut rig = Rig::new(Fake::default(), Duration::ZERO);
    let start = Instant::now();
    rig.run(sleep(Duration::from_secs(3600))).await;
    let frames = rig.frames();
    assert!(!frames.is_empty() && frames.len() <= 4, "{} frames", frames.len());
    assert!(frames.iter().all(|(at, _)| at.duration_since(start) < Duration::from_secs(1)));
    assert_eq!(Timer::default().next(&rig.screen.app, Duration::from_secs(1)), None);
}

#[tokio::test(start_paused = true)]
async fn a_frame_is_one_synchronised_write() {
    let mut rig = Rig::new(Fake::default(), Duration::ZERO);
    rig.run(sleep(Duration::from_secs(1))).await;
    for (_, frame) in rig.frames() {
        let frame = String::from_utf8(frame).unwrap();
        // The window's title is no part of the picture.
        let frame = frame.strip_prefix("\x1b]2;").and_then(|titled| titled.split_once('\x07')).map_or(&*frame, |(_, picture)| picture);
        assert!(frame.starts_with("\x1b[?2026h") && frame.ends_with("\x1b[?2026l"), "{frame:?}");
        assert_eq!(frame.matches("\x1b[?2026h").count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn two_hundred_keys_typed_ahead_are_one_frame() {
    let mut rig = Rig::new(Fake::default(), Duration::ZERO);
    let keys = rig.keys.clone();
    rig.run(async move {
        sleep(Duration::from_secs(5)).await;
        for _ in 0..200 {
            keys.try_send(Event::Key(KeyEvent::new(KeyCode::Down, KeyModifiers::NONE))).unwrap();
        }
        sleep(Duration::from_secs(5)).await;
    })
    .await;
    assert_eq!(rig.cursor(), 15);
    let frames = rig.frames();
    let late: Vec<_> = frames.iter().filter(|(at, _)| at.duration_since(frames[0].0) > Duration::from_secs(4)).collect();
    assert_eq!(late.len(), 1);
    assert!(late[0].1.len() < 500, "{} bytes", late[0].1.len());
}

#[tokio::test(start_paused = true)]
async fn a_slow_line_gets_few_frames_and_loses_no_key() {
    let mut rig = Rig::new(Fake::default(), Duration::from_secs(1));
    let keys = rig.keys.clone();
    rig.run(async move {
        sleep(Duration::from_secs(4)).await;
        for _ in 0..10 {
            keys.send(Event::Key(KeyEvent::new(KeyCode::Down, KeyModifiers::NONE))).await.unwrap();
            sleep(Duration::from_millis(50)).await;
        }
        sleep(Duration::from_secs(4)).await;
    })
    .await;
    assert_eq!(rig.cursor(), 10);
    let start = rig.frames()[0].0;
    let late = rig.frames().iter().filter(|(at, _)| at.duration_since(start) >= Duration::from_secs(4)).count();
    assert_eq!(late, 2, "the first key, and all the others");
}

#[tokio::test(start_paused = true)]
async fn progress_keeps_to_four_frames_a_second_and_its_budget() {
    let backend = Fake { jobs: Some(Instant::now()), ..Fake::default() };
    let snapshot = backend.snapshot();
    let mut rig = Rig::new(backend, Duration::ZERO);
    rig.press(KeyCode::Char('w'));
    let now = rig.screen.app.now;
    rig.screen.app.update(Msg::Tick(snapshot), now);
    let seconds = 60;
    rig.run(sleep(Duration::from_secs(seconds))).await;
    let frames = rig.frames();
    let start = frames[0].0;
    let quiet: Vec<_> = frames.iter().filter(|(at, _)| at.duration_since(start) > Duration::from_secs(3)).collect();
    assert!(quiet.len() >= 40, "{} frames", quiet.len());
    for pair in quiet.windows(2) {
        assert!(pair[1].0.duration_since(pair[0].0) >= Pace::BACKGROUND);
    }
    let bytes: usize = quiet.iter().map(|(_, frame)| frame.len()).sum();
    assert!((bytes as f64) <= Pace::BURST + Pace::RATE * seconds as f64, "{bytes} bytes in {seconds} s");
    for (at, _) in &quiet {
        let within = |then: &Instant| then >= at && then.duration_since(*at) < Duration::from_secs(5);
        let window: usize = quiet.iter().filter(|(then, _)| within(then)).map(|(_, frame)| frame.len()).sum();
        assert!(window < 2 * 5 * 1024, "{window} bytes in five seconds");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_order_of_a_pane_cancels_the_one_before() {
    let under_way = UnderWay::default();
    let (mut executor, _answers) = Executor::new(Arc::new(Fake { hang: true, under_way: under_way.clone(), ..Fake::default() }), nobody());
    let list =
        |generation| Effect::List { pane: Side::Left, generation: Generation(generation), place: Place::Local, dir: FilePath::root() };
    for generation in 1..=3 {
        assert!(executor.start(list(generation)).is_none());
        sleep(Duration::from_millis(1)).await;
        assert_eq!(under_way.count(), 1);
    }
    let url = ParsedUrl::parse("sftp://h").unwrap();
    executor.start(Effect::Connect { pane: Side::Right, generation: Generation(4), url, password: None });
    sleep(Duration::from_millis(1)).await;
    assert_eq!(under_way.count(), 2, "the panes do not disturb each other");
    executor.start(Effect::CancelPane(Side::Right));
    sleep(Duration::from_millis(1)).await;
    assert_eq!(under_way.count(), 1);
    drop(executor);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(under_way.count(), 0, "nothing outlives the screen");
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_five_seconds_at_most() {
    let mut rig = Rig::new(Fake { hang: true, ..Fake::default() }, Duration::ZERO);
    rig.run(sleep(Duration::from_secs(1))).await;
    let before = Instant::now();
    timeout(Duration::from_secs(10), rig.screen.end()).await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn an_authority_is_found_in_a_file_and_not_trusted_by_that() {
    let folder = tempfile::tempdir().unwrap();
    let clients = Clients::at(folder.path().to_owned());
    let (mut executor, mut answers) = Executor::new(Arc::new(Fake::default()), clients.clone());
    let order = ClientsOrder::FindAuthority { place: Place::Local, path: FilePath::root() };
    executor.start(Effect::Clients { generation: Generation(1), order });
    let Some(Msg::ClientsRead { done: Ok(ClientsDone::Found(authority)), lists: Ok(lists), .. }) = answers.recv().await else {
        panic!("no authority")
    };
    assert_eq!((lists, clients.lists().unwrap()), (Lists::default(), Lists::default()));
    executor.start(Effect::Clients { generation: Generation(2), order: ClientsOrder::TrustAuthority(authority.clone()) });
    let Some(Msg::ClientsRead { lists: Ok(lists), .. }) = answers.recv().await else { panic!("no lists") };
    assert_eq!(lists.authorities[0].certificate, authority);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_is_told_and_the_screen_goes_on() {
    let (mut executor, mut answers) = Executor::new(Arc::new(Fake::default()), nobody());
    executor.start(Effect::Rename { place: Place::Local, from: FilePath::root(), to: FilePath::root() });
    sleep(Duration::from_millis(1)).await;
    executor.start(Effect::ClearJobs);
    assert!(matches!(answers.recv().await, Some(Msg::Notice(advice)) if !advice.intended));
}

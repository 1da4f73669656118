//! The panel of the transfers: what its keys order, and that it stays with what one looks at.

use super::super::dialog::Section;
use super::*;
use crate::engine::{Again, FileFailure, JobId, JobKind, JobProgress, JobState, LineWait, Priority, QueueOrder, Report, Shift, When};

fn job(id: u64, state: JobState) -> JobProgress {
    JobProgress { state, ..JobProgress::waiting(JobId(id), JobKind::Copy, format!("job {id}")) }
}

fn failed(id: u64, files: usize) -> JobProgress {
    let failure = |number| FileFailure { path: format!("/l/{number}"), target: format!("/r/{number}"), why: "no".to_owned() };
    let report = Report { failed: files as u64, failures: (0..files).map(failure).collect(), ..Report::default() };
    JobProgress { report: Some(report), ..job(id, JobState::Failed) }
}

fn screen(jobs: Vec<JobProgress>) -> Screen {
    let mut screen = Screen::local(&["a"]);
    screen.send(Msg::Tick(Snapshot { jobs, ..Snapshot::default() }));
    screen
}

/// What was ordered of the queue.
fn ordered(screen: &Screen) -> Vec<QueueOrder> {
    let order = |effect: &Effect| if let Effect::Queue(order) = effect { Some(*order) } else { None };
    screen.effects.iter().filter_map(order).collect()
}

fn section(screen: &Screen) -> Section {
    let Some(Dialog::Transfers(dialog)) = screen.app.dialog() else { panic!("no panel") };
    dialog.section
}

#[test]
fn each_key_orders_what_it_says_of_the_job_under_the_cursor() {
    let jobs = || vec![job(1, JobState::Running), job(2, JobState::Waiting), job(3, JobState::Paused), job(4, JobState::Held)];
    let second = JobId(2);
    for (keys, order) in [
        ("p", QueueOrder::Pause(second)),
        ("jp", QueueOrder::Resume(JobId(3))),
        ("jjp", QueueOrder::Resume(JobId(4))),
        ("P", QueueOrder::PauseAll),
        ("K", QueueOrder::Shift(second, Shift::Up)),
        ("J", QueueOrder::Shift(second, Shift::Down)),
        ("u", QueueOrder::Shift(second, Shift::Top)),
        ("+", QueueOrder::Prioritise(second, Priority::High)),
        ("-", QueueOrder::Prioritise(second, Priority::Low)),
        ("e", QueueOrder::KeepTrying(second, true)),
        ("t22:30<enter>", QueueOrder::Later(second, When::At { hour: 22, minute: 30 })),
        ("tsoon<enter><c-u>2h<enter>", QueueOrder::Later(second, When::In(Duration::from_secs(7200)))),
        ("l500k<enter>", QueueOrder::Limit(Some(second), 512_000)),
        ("L2M<enter>", QueueOrder::Limit(None, 2 << 20)),
        ("L<enter>", QueueOrder::Limit(None, 0)),
        ("R", QueueOrder::RetryAll),
    ] {
        let mut screen = screen(jobs());
        screen.keys(&format!("wj{keys}"));
        assert_eq!(ordered(&screen), [order], "{keys}");
        assert!(matches!(screen.app.dialogs[..], [Dialog::Transfers(_)]), "{keys}: the panel stays");
    }
    let mut screen = screen(jobs());
    screen.keys("wxn");
    assert!(screen.orders().is_empty());
    screen.keys("x<tab><enter>");
    assert_eq!(screen.orders(), ["stop job 1"]);
}

#[test]
fn what_does_not_fit_a_job_orders_nothing() {
    let mut screen = screen(vec![job(1, JobState::Running)]);
    screen.keys("wtrl<esc>L9 lives<enter><esc>");
    assert!(ordered(&screen).is_empty());
    screen.keys("<esc>");
    assert!(screen.app.dialogs.is_empty());
    let waits = JobProgress { line: Some(LineWait { again_in: Duration::from_secs(9), attempt: 2 }), ..job(1, JobState::Running) };
    screen.send(Msg::Tick(Snapshot { jobs: vec![waits], ..Snapshot::default() }));
    screen.keys("wr");
    assert_eq!(ordered(&screen), [QueueOrder::TryNow(JobId(1))]);
    let mut empty = self::screen(Vec::new());
    empty.keys("wpxrtlo<enter>JK<esc>");
    assert!(ordered(&empty).is_empty() && empty.app.dialogs.is_empty());
}

#[test]
fn the_cursor_stays_with_its_job_when_others_end() {
    let mut screen = screen((1..=3).map(|id| job(id, JobState::Running)).collect());
    screen.keys("wjj");
    let jobs = vec![job(1, JobState::Finished), job(2, JobState::Finished), job(4, JobState::Running), job(3, JobState::Running)];
    screen.send(Msg::Tick(Snapshot { jobs, ..Snapshot::default() }));
    screen.keys("p");
    assert_eq!(ordered(&screen), [QueueOrder::Pause(JobId(3))]);
}

#[test]
fn what_failed_is_tried_again_alone_or_together() {
    let jobs = || vec![failed(1, 2), job(2, JobState::Finished), job(3, JobState::Cancelled)];
    for (keys, order) in [
        ("r", QueueOrder::Retry(JobId(3), Again::All)),
        ("jr", QueueOrder::Retry(JobId(1), Again::Failed)),
        ("jjjr", QueueOrder::Retry(JobId(1), Again::One(1))),
        ("jx", QueueOrder::Forget(JobId(1))),
        ("<tab><tab>r", QueueOrder::Retry(JobId(2), Again::All)),
    ] {
        let mut screen = screen(jobs());
        screen.keys("w");
        assert_eq!(section(&screen), Section::Failed, "nothing moves, so what failed is what one wants to see");
        screen.keys(keys);
        assert_eq!(ordered(&screen), [order], "{keys}");
    }
    let mut screen = screen(jobs());
    screen.keys("wjj<enter>");
    let Some(Dialog::Message(message)) = screen.app.dialog() else { panic!("no message") };
    assert!(message.advice.what.contains("/l/0") && message.advice.what.contains("/r/0") && message.advice.why == "no");
}

#[test]
fn the_target_opens_in_the_pane_with_the_focus() {
    let mut screen = screen(vec![JobProgress { to: (Place::Local, path("/there")), ..job(1, JobState::Running) }]);
    screen.keys("wo");
    assert_eq!(screen.orders(), ["list Left local /there"]);
    assert!(screen.app.dialogs.is_empty());
    let gone = JobProgress { to: (Place::Remote(SessionId(9)), path("/there")), ..job(1, JobState::Finished) };
    screen.send(Msg::Tick(Snapshot { jobs: vec![gone], ..Snapshot::default() }));
    screen.keys("wo");
    assert!(screen.orders().is_empty());
    assert_eq!(screen.notice(), "that server is not connected any more");
}

#[test]
fn a_server_stays_connected_while_a_paused_job_needs_it() {
    let mut screen = Screen::new(StartPane::Local(path("/l")), StartPane::Url(url("ftpes://me@host")));
    let generation = screen.app.pane(Side::Right).connecting;
    screen.send(Msg::Connected { pane: Side::Right, generation, session: session(1), start: path("/r") });
    let paused = || JobProgress { from: Place::Remote(SessionId(1)), ..job(1, JobState::Paused) };
    screen.send(Msg::Tick(Snapshot { jobs: vec![paused()], ..Snapshot::default() }));
    screen.keys("<tab>gd");
    assert!(!screen.effects.iter().any(|effect| matches!(effect, Effect::Disconnect(_))));
    screen.send(Msg::Tick(Snapshot { jobs: vec![JobProgress { state: JobState::Cancelled, ..paused() }], ..Snapshot::default() }));
    assert!(screen.effects.iter().any(|effect| matches!(effect, Effect::Disconnect(SessionId(1)))));
}

#[test]
fn what_is_paused_or_over_needs_no_clock_and_what_waits_for_a_time_does() {
    let moves = |state| screen(vec![job(1, state)]).app.is_animating();
    assert!(moves(JobState::Running) && moves(JobState::Pausing) && moves(JobState::Scheduled(jiff::Timestamp::MAX)));
    assert!(!moves(JobState::Paused) && !moves(JobState::Held) && !moves(JobState::Failed));
}

#[test]
fn a_copy_can_be_added_without_beginning() {
    let mut screen = Screen::local(&["a"]);
    screen.keys("c<a-enter>");
    let [.., Effect::Submit(spec)] = &screen.effects[..] else { panic!("nothing ordered") };
    assert_eq!(spec.options.start, crate::engine::Start::Held);
    assert!(screen.notice().contains("p lets it begin"));
}

//! From settings and places to a running screen.

use std::io;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::run::{RunOptions, run};
use super::theme::Theme;
use crate::app::{Msg, Options, SiteChoice, StartPane};
use crate::ask::{ChannelPrompter, Prompter};
use crate::demo::Demo;
use crate::engine::{Advice, Engine, Event, Services};
use crate::model::FilePath;
use crate::model::sort::Sort;
use crate::setup::{Choices, Setup};

/// Puts answers brought along in front of the screen's own.
pub type Answers = Box<dyn FnOnce(ChannelPrompter) -> Arc<dyn Prompter> + Send>;

/// Shows two panes.
pub async fn panes(setup: &Setup, choices: &Choices, answers: Answers, start: [StartPane; 2]) -> io::Result<()> {
    let (prompter, questions) = ChannelPrompter::new();
    let services = setup.services(choices, answers(prompter)).map_err(io::Error::other)?;
    Box::pin(show(setup, services, questions, start, Vec::new())).await
}

/// Shows the demo: the sample folder on the left, its servers to choose from on the right. Nothing of the person's own is touched.
pub async fn demo(setup: &Setup, choices: &Choices) -> io::Result<()> {
    let demo = Demo::start().await?;
    let sites: Vec<SiteChoice> = demo
        .sites
        .iter()
        .map(|site| SiteChoice {
            label: site.label.clone(),
            note: site.note.clone(),
            url: site.url.clone(),
            password: Some(site.password.clone()),
        })
        .collect();
    let local = FilePath::parse(demo.local.as_os_str().as_encoded_bytes()).map_err(io::Error::other)?;
    let (prompter, questions) = ChannelPrompter::new();
    let services = setup.apart(&demo.local.join(".trust"), choices, Arc::new(prompter)).map_err(io::Error::other)?;
    let shown = Box::pin(show(setup, services, questions, [StartPane::Local(local), StartPane::Sites(sites.clone())], sites)).await;
    demo.stop().await;
    shown
}

async fn show(
    setup: &Setup,
    services: Services,
    questions: mpsc::Receiver<crate::ask::Question>,
    start: [StartPane; 2],
    sites: Vec<SiteChoice>,
) -> io::Result<()> {
    let theme = Theme::named(&setup.settings.theme).map_err(io::Error::other)?;
    let (engine, mut news) = Engine::new(services, None);
    let (sender, events) = mpsc::channel(64);
    for warning in &setup.warnings {
        let what = format!("{} line {}: {}", warning.file.display(), warning.line, warning.text);
        drop(sender.try_send(Msg::Notice(Advice { what, why: String::new(), next: String::new(), intended: false })));
    }
    let _forwarding = AbortOnDropHandle::new(tokio::spawn(async move {
        while let Some(event) = news.recv().await {
            let message = match event {
                Event::JobEnded { id, report, changed } => Msg::JobEnded { id, report, changed },
                Event::SessionLine { id, lost } => Msg::SessionLine { id, lost },
                Event::Notice(advice) => Msg::Notice(advice),
            };
            if sender.send(message).await.is_err() {
                return;
            }
        }
    }));
    let home = FilePath::parse(setup.directories.home.as_os_str().as_encoded_bytes()).unwrap_or_else(|_| FilePath::root());
    let options = Options { home, sort: Sort::default(), show_hidden: setup.settings.show_hidden, hint: true };
    Box::pin(run(RunOptions { backend: Arc::new(engine), questions, events, start, options, sites, theme })).await
}

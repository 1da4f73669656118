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
use crate::model::site::ParsedUrl;
use crate::model::sort::Sort;
use crate::model::{FilePath, text};
use crate::setup::{Choices, Setup, Tell};

/// Puts answers brought along in front of the screen's own.
pub type Answers = Box<dyn FnOnce(ChannelPrompter) -> Arc<dyn Prompter> + Send>;

/// Shows two panes; the right one lists the hosts of the SSH configuration where nothing else is wanted.
pub async fn panes(setup: &Setup, choices: &Choices, answers: Answers, left: StartPane, right: Option<StartPane>) -> io::Result<()> {
    let (prompter, questions) = ChannelPrompter::new();
    let (notices, events) = mpsc::channel(64);
    let heard = notices.clone();
    // More than the queue takes at once is no news to a person any more.
    let tell: Tell = Arc::new(move |words| drop(heard.try_send(notice(words))));
    let services = setup.services(choices, answers(prompter), tell).map_err(io::Error::other)?;
    let host = |name: &str| -> Option<SiteChoice> {
        let url = ParsedUrl::of_ssh_host(name, None, b"").ok()?;
        Some(SiteChoice { label: text::display_safe(name.as_bytes()), note: "SSH configuration".to_owned(), url, password: None })
    };
    let sites: Vec<_> = setup.ssh.aliases().into_iter().take(MOST_HOSTS).filter_map(host).collect();
    let start = [left, right.unwrap_or_else(|| StartPane::Sites(sites.clone()))];
    Box::pin(show(setup, services, questions, (notices, events), start, sites)).await
}

/// So many hosts can be chosen from a list; more are written.
const MOST_HOSTS: usize = 500;

fn notice(words: &str) -> Msg {
    Msg::Notice(Advice { what: words.to_owned(), why: String::new(), next: String::new(), intended: false })
}

/// Shows the demo: the sample folder on the left, its servers to choose from on the right. Nothing of the person's own is touched.
pub async fn demo(setup: &Setup, choices: &Choices) -> io::Result<()> {
    let demo = Demo::start().await?;
    let sites: Vec<SiteChoice> = demo
        .sites
        .iter()
        .chain(&demo.changed)
        .map(|site| SiteChoice {
            label: site.label.clone(),
            note: site.note.clone(),
            url: site.url.clone(),
            password: Some(site.password.clone()),
        })
        .collect();
    let local = FilePath::parse(demo.local.as_os_str().as_encoded_bytes()).map_err(io::Error::other)?;
    let (prompter, questions) = ChannelPrompter::new();
    let services = setup.apart(&demo.trust(), choices, Arc::new(prompter)).map_err(io::Error::other)?;
    let shown =
        Box::pin(show(setup, services, questions, mpsc::channel(64), [StartPane::Local(local), StartPane::Sites(sites.clone())], sites))
            .await;
    demo.stop().await;
    shown
}

async fn show(
    setup: &Setup,
    services: Services,
    questions: mpsc::Receiver<crate::ask::Question>,
    (sender, events): (mpsc::Sender<Msg>, mpsc::Receiver<Msg>),
    start: [StartPane; 2],
    sites: Vec<SiteChoice>,
) -> io::Result<()> {
    let theme = Theme::named(&setup.settings.theme).map_err(io::Error::other)?;
    let (engine, mut news) = Engine::new(services, None);
    for warning in &setup.warnings {
        drop(sender.try_send(notice(&warning.to_string())));
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

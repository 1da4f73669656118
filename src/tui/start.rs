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
use crate::engine::{Advice, Engine, Event, QueueOptions, Services};
use crate::model::site::ParsedUrl;
use crate::model::sort::Sort;
use crate::model::{FilePath, text};
use crate::server::Clients;
use crate::setup::{Choices, GivenAnswers, SecretSource, Setup, Tell};

/// Puts answers brought along in front of the screen's own.
pub type Answers = Box<dyn FnOnce(ChannelPrompter) -> Arc<dyn Prompter> + Send>;

/// Shows two panes; the right one lists the sites the person keeps and the hosts of the SSH configuration where nothing else is wanted.
pub async fn panes(setup: &Setup, choices: &Choices, answers: Answers, left: StartPane, right: Option<StartPane>) -> io::Result<()> {
    let (prompter, questions) = ChannelPrompter::new();
    let (notices, events) = mpsc::channel(64);
    let heard = notices.clone();
    // More than the queue takes at once is no news to a person any more.
    let tell: Tell = Arc::new(move |words| drop(heard.try_send(notice(words))));
    let services = setup.services(choices, answers(prompter), tell).map_err(io::Error::other)?;
    let host = |name: &str| -> Option<SiteChoice> {
        let url = ParsedUrl::of_ssh_host(name, None, b"").ok()?;
        Some(SiteChoice {
            label: text::display_safe(name.as_bytes()),
            note: "SSH configuration".to_owned(),
            url,
            password: None,
            is_kept: false,
        })
    };
    let kept = setup.sites.sites();
    let hosts = setup.ssh.aliases().into_iter().take(MOST_HOSTS).filter_map(host);
    let sites: Vec<_> = kept.entries.iter().map(SiteChoice::of).chain(hosts).collect();
    let start = [left, right.unwrap_or_else(|| StartPane::Sites(sites.clone()))];
    let clients = Clients::at(setup.directories.server());
    Box::pin(show(setup, services, clients, questions, (notices, events), start, sites)).await
}

/// So many hosts can be chosen from a list; more are written.
const MOST_HOSTS: usize = 500;

fn notice(words: &str) -> Msg {
    Msg::Notice(Advice { what: words.to_owned(), why: String::new(), next: String::new(), intended: false })
}

/// Shows the demo: the sample folder on the left, its servers to choose from on the right. Nothing of the person's own is touched.
pub async fn demo(setup: &Setup, choices: &Choices) -> io::Result<()> {
    let (notices, events) = mpsc::channel(64);
    let heard = notices.clone();
    let tell = Arc::new(move |words: &str| {
        let next = "Press gp to see the clients of your server, and decide.".to_owned();
        let advice = Advice { what: format!("gp: {words}"), why: String::new(), next, intended: true };
        drop(heard.try_send(Msg::Notice(advice)));
    });
    let demo = Demo::start(Some(tell)).await?;
    let sites: Vec<SiteChoice> = demo
        .sites
        .iter()
        .chain([&demo.more_secure, &demo.most_secure])
        .chain(&demo.changed)
        .map(|site| SiteChoice {
            label: site.label.clone(),
            note: site.note.clone(),
            url: site.url.clone(),
            password: Some(site.password.clone()),
            is_kept: false,
        })
        .collect();
    let local = FilePath::parse(demo.local.as_os_str().as_encoded_bytes()).map_err(io::Error::other)?;
    let (prompter, questions) = ChannelPrompter::new();
    let (_, passphrase) = demo.make_identity().await?;
    let given = GivenAnswers::new(Vec::new(), SecretSource::Nothing, SecretSource::Value(passphrase), |_| {}, prompter);
    let services = setup.apart(&demo.trust(), choices, Arc::new(given)).map_err(io::Error::other)?;
    let start = [StartPane::Local(local), StartPane::Sites(sites.clone())];
    let shown = Box::pin(show(setup, services, demo.clients.clone(), questions, (notices, events), start, sites)).await;
    demo.stop().await;
    shown
}

async fn show(
    setup: &Setup,
    services: Services,
    clients: Clients,
    questions: mpsc::Receiver<crate::ask::Question>,
    (sender, events): (mpsc::Sender<Msg>, mpsc::Receiver<Msg>),
    start: [StartPane; 2],
    sites: Vec<SiteChoice>,
) -> io::Result<()> {
    let theme = Theme::named(&setup.settings.theme).map_err(io::Error::other)?;
    let keeps_jobs = services.journal.is_some();
    let queue = QueueOptions { apart: true, ..services.queue.clone() };
    let (engine, mut news) = Engine::new(Services { queue, ..services }, None);
    let (offering, offered) = (engine.clone(), sender.clone());
    let _offering = AbortOnDropHandle::new(tokio::spawn(async move {
        let interrupted = offering.interrupted().await;
        if !interrupted.is_empty() {
            // Without a screen there is nobody to ask.
            drop(offered.send(Msg::Interrupted(interrupted)).await);
        }
    }));
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
    let options = Options { home, sort: Sort::default(), show_hidden: setup.settings.show_hidden, hint: true, keeps_jobs };
    Box::pin(run(RunOptions { backend: Arc::new(engine), clients, questions, events, start, options, sites, theme })).await
}

//! `cert show`: what is in a file, or what a server shows.

use std::io;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Source, choices, look, read, source};
use crate::cli::args::CertShow;
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::{output, sections};
use crate::setup::Choices;
use crate::trust::certificate::CertificateFacts;
use crate::trust::describe::{self, Section};
use crate::trust::document::{Document, DocumentKind};
use crate::trust::{Certificate, Evidence, PeerIdentity, Problem};

pub(super) async fn show(command: &CertShow) -> Result<ExitCode, Failure> {
    let now = Timestamp::now();
    let documents = match source(&command.what)? {
        Source::Server(site) => {
            let choices = Choices { roots: command.roots.clone(), ..choices(command.timeout, command.ssh_config.clone()) };
            shown_by(&look(&site, &choices).await?, now)
        }
        Source::Bytes(name) => read(name, now).await?.into_iter().map(Shown::from).collect(),
    };
    for (at, shown) in documents.iter().enumerate() {
        let printed = if command.json { output::json_line(&shown.json()) } else { shown.print(at > 0) };
        printed.map_err(|error| Failure::output(&error))?;
    }
    let is_unreadable = documents.iter().all(|shown| shown.kind == kind_name(DocumentKind::Unreadable));
    Ok(if is_unreadable { ExitCode::Local } else { ExitCode::Ok })
}

/// A thing to print.
struct Shown {
    kind: &'static str,
    title: String,
    sections: Vec<Section>,
    /// Everything wrong with it, where that was looked at.
    problems: Option<Vec<Problem>>,
}

impl From<Document> for Shown {
    fn from(document: Document) -> Self {
        Self { kind: kind_name(document.kind), title: document.title, sections: document.sections, problems: None }
    }
}

impl Shown {
    fn json(&self) -> Map<String, Value> {
        let mut object = Map::from_iter([("kind".to_owned(), json!(self.kind)), ("title".to_owned(), json!(self.title))]);
        object.extend(self.problems.as_ref().map(|problems| ("problems".to_owned(), json!(problems))));
        describe::put_json(&mut object, &self.sections);
        object
    }

    fn print(&self, is_further: bool) -> io::Result<()> {
        if is_further {
            output::line("")?;
        }
        output::line(&format!("{}: {}", self.kind, self.title))?;
        for problem in self.problems.iter().flatten() {
            output::line(&format!("  {}: {}", problem.kind.name(), problem.text))?;
        }
        sections::lines(&self.sections).iter().try_for_each(|line| output::line(line))
    }
}

/// What a server showed: each certificate of its chain, or its host key, with what is wrong.
fn shown_by(evidence: &Evidence, now: Timestamp) -> Vec<Shown> {
    let chain = match &evidence.identity {
        PeerIdentity::HostKey(key) => {
            let sections = describe::host_key(key, now);
            let title = key.fingerprint().openssh();
            return vec![Shown { kind: "host-key", title, sections, problems: Some(evidence.problems.clone()) }];
        }
        PeerIdentity::Certificates(chain) => chain,
    };
    let shown = |(at, certificate): (usize, &Certificate)| {
        let problems: Vec<_> = evidence.problems.iter().filter(|problem| problem.at == at).cloned().collect();
        let Ok(facts) = CertificateFacts::read(&certificate.der) else {
            return Shown {
                kind: "unreadable",
                title: format!("certificate {at} of the chain"),
                sections: Vec::new(),
                problems: Some(problems),
            };
        };
        let host = (at == 0).then_some(evidence.endpoint.host.as_str());
        let mut sections = describe::certificate_for(&facts, host, &problems, now);
        if at == 0 {
            sections.extend(describe::revocation(&evidence.revocation, now));
            sections.extend(describe::connection(&evidence.tls));
            sections.extend(describe::handshake(&evidence.tls));
        }
        Shown { kind: kind_name(DocumentKind::Certificate), title: facts.owner(), sections, problems: Some(problems) }
    };
    chain.iter().enumerate().map(shown).collect()
}

fn kind_name(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Certificate => "certificate",
        DocumentKind::Request => "request",
        DocumentKind::RevocationList => "revocation-list",
        DocumentKind::SshPublicKey => "ssh-public-key",
        DocumentKind::SshCertificate => "ssh-certificate",
        DocumentKind::PrivateKey => "private-key",
        DocumentKind::Unreadable => "unreadable",
    }
}

//! What inspectors, exports and the ledger order, done over the backend.

use std::sync::Arc;

use jiff::Timestamp;

use crate::app::SitesDone;
use crate::app::effect::{FileContent, LedgerOrder, SitesOrder};
use crate::config::sites::Sites;
use crate::engine::{Advice, Place};
use crate::model::FilePath;
use crate::trust::document::{self, Document};
use crate::tui::runtime::Backend;

/// What a file says of identities.
pub(super) async fn inspect(backend: &dyn Backend, place: Place, path: &FilePath, now: Timestamp) -> Result<Vec<Document>, Advice> {
    let content = backend.read_small(place, path).await?;
    let name = path.name().map(|name| name.display()).unwrap_or_default();
    let reading = tokio::task::spawn_blocking(move || document::read(&name, &content, now));
    reading.await.map_err(|_| Advice {
        what: format!("{} could not be read.", path.display()),
        why: "Reading it failed inside sealift; this is a bug.".to_owned(),
        next: "The log has the details.".to_owned(),
        intended: false,
    })
}

/// Writes a new file.
pub(super) async fn write(backend: &dyn Backend, path: &FilePath, content: FileContent) -> Result<(), Advice> {
    let content = match content {
        FileContent::Bytes(bytes) => bytes,
        FileContent::Ledger => backend.ledger_export().await?.into_bytes(),
        FileContent::Plan(plan) => {
            let written = tokio::task::spawn_blocking(move || {
                let mut text = Vec::new();
                plan.write(&mut text).map(|()| text)
            });
            let failed = |error: &dyn std::fmt::Display| Advice {
                what: "The plan could not be written.".to_owned(),
                why: error.to_string(),
                next: String::new(),
                intended: false,
            };
            written.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?
        }
    };
    backend.write_new(path, content).await
}

/// Carries out an order; answers in words, empty if there was nothing to do.
pub(super) async fn work_on_ledger(backend: &dyn Backend, order: LedgerOrder) -> Result<String, Advice> {
    match order {
        LedgerOrder::Read => Ok(String::new()),
        LedgerOrder::Remove(row) => {
            let remark = backend.ledger_remove(&row).await?;
            Ok(with_remark("removed; the next connection asks".to_owned(), remark))
        }
        LedgerOrder::Accept(endpoint, pin) => {
            let said = format!("{endpoint}: what is shown there now is trusted from here on");
            let remark = backend.ledger_accept(endpoint, *pin).await?;
            Ok(with_remark(said, remark))
        }
        LedgerOrder::Import { place, path } => {
            let content = backend.read_small(place, &path).await?;
            let text = String::from_utf8(content).map_err(|_| Advice {
                what: format!("{} is no file of decisions.", path.display()),
                why: "It is no text.".to_owned(),
                next: "Choose a file that e in the ledger, or sealift trust export, has written.".to_owned(),
                intended: false,
            })?;
            backend.ledger_import(&text).await
        }
    }
}

/// Carries out an order; answers what was done, and all sites.
pub(super) async fn work_on_sites(backend: &dyn Backend, order: SitesOrder) -> Result<(SitesDone, Arc<Sites>), Advice> {
    let (said, name) = match &order {
        SitesOrder::Read => (String::new(), None),
        SitesOrder::Add(entry) | SitesOrder::Replace { entry, .. } => (format!("{} is kept", entry.name), Some(entry.name.to_string())),
        SitesOrder::Remove(name) => (format!("{name} is kept no longer"), None),
    };
    let sites = backend.sites(order).await?;
    Ok((SitesDone { said, name }, sites))
}

fn with_remark(said: String, remark: Option<String>) -> String {
    match remark {
        Some(remark) => format!("{said}; {remark}"),
        None => said,
    }
}

/// What came of forgetting interrupted transfers.
pub(super) fn forgotten(stay: &[String]) -> Advice {
    match stay {
        [] => Advice { what: "forgotten; nothing is left of it".to_owned(), why: String::new(), next: String::new(), intended: true },
        [first, others @ ..] => {
            let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
            Advice {
                what: format!("Forgotten, but {first}{more} could not be removed."),
                why: "The place could not be reached, or did not allow it.".to_owned(),
                next: format!("Remove by hand: {}", stay.join(", ")),
                intended: false,
            }
        }
    }
}

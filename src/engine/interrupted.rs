//! What earlier runs left unfinished: listed, gone on with, forgotten. Not how a file is gone on with.

use std::collections::BTreeSet;

use super::advice::Advice;
use super::connect::Target;
use super::engine::Engine;
use super::facts::SessionFacts;
use super::job::{JobId, JobSpec, Place};
use super::journal::{Interrupted, Order, Tag};
use super::leftover::clear_parts;
use crate::model::{FilePath, Kind, Site};
use crate::vfs::{FileSystem, FsErrorKind, FsResult};

/// Folders below each other that unfinished files are looked for in.
const MAX_DEPTH: usize = 64;

/// What came of going on.
#[derive(Debug, Default)]
pub struct GoneOn {
    /// The jobs, in the order they were ordered in once.
    pub jobs: Vec<JobId>,
    /// Sites that were connected for them.
    pub sessions: Vec<SessionFacts>,
    /// What was not gone on with, and why; it stays noted.
    pub not: Vec<Advice>,
}

/// Places of sites, connected when needed.
struct Reached<'a> {
    engine: &'a Engine,
    places: Vec<(Site, Result<Place, Advice>)>,
    sessions: Vec<SessionFacts>,
}

impl Reached<'_> {
    async fn reach(&mut self, site: Option<&Site>) -> Result<Place, Advice> {
        let Some(site) = site else { return Ok(Place::Local) };
        if let Some((_, place)) = self.places.iter().find(|(known, _)| known == site) {
            return place.clone();
        }
        let place = match self.engine.session_of(site) {
            Some(id) => Ok(Place::Remote(id)),
            None => {
                let connected = self.engine.connect(Target { site: site.clone(), password: None, fingerprint: None }).await;
                connected.map_err(|failure| Advice::from(&failure)).map(|facts| {
                    let place = Place::Remote(facts.id);
                    self.sessions.push(facts);
                    place
                })
            }
        };
        self.places.push((site.clone(), place.clone()));
        place
    }
}

impl Engine {
    /// What earlier runs left unfinished, in the order it was ordered in. What cannot be read is told as a notice.
    pub async fn interrupted(&self) -> Vec<Interrupted> {
        let (interrupted, remarks) = self.queue().journal().interrupted().await;
        for what in remarks {
            let what = format!("The list of unfinished transfers: {what}");
            self.tell(Advice { what, why: String::new(), next: String::new(), intended: false });
        }
        interrupted
    }

    /// Whether an earlier run left this very job unfinished.
    pub async fn is_unfinished(&self, spec: &JobSpec) -> bool {
        let Some(order) = Order::of(spec, &*self.places()) else { return false };
        self.queue().journal().interrupted().await.0.iter().any(|one| one.job.order.is_same_work(&order))
    }

    /// Goes on with what was interrupted, in its order, on connections made for it where there is none; may ask.
    pub async fn go_on(&self, interrupted: Vec<Interrupted>) -> GoneOn {
        let mut reached = Reached { engine: self, places: Vec::new(), sessions: Vec::new() };
        let (mut specs, mut not) = (Vec::new(), Vec::new());
        for one in interrupted {
            let order = &one.job.order;
            let from = reached.reach(order.from.site.as_ref()).await;
            let to = if from.is_ok() { reached.reach(order.to.site.as_ref()).await } else { from.clone() };
            match (from, to) {
                (Ok(from), Ok(to)) => specs.push(order.spec(from, to)),
                (Err(advice), _) | (_, Err(advice)) => {
                    not.push(Advice { what: format!("{} is not gone on with. {}", one.name(), advice.what), ..advice });
                }
            }
        }
        // Only now, so that the questions of a later one do not change the order.
        let jobs = specs.into_iter().map(|spec| self.queue().submit(spec)).collect();
        GoneOn { jobs, sessions: reached.sessions, not }
    }

    /// Forgets what was interrupted and removes its unfinished files where they can be reached; answers those that stay. Sites
    /// are connected for that; may ask.
    pub async fn forget(&self, interrupted: Vec<Interrupted>) -> Vec<String> {
        let mut reached = Reached { engine: self, places: Vec::new(), sessions: Vec::new() };
        let mut stay = Vec::new();
        for one in &interrupted {
            let to = &one.job.order.to;
            let name = |part: &FilePath| match &to.site {
                Some(site) => site.url_of(part),
                None => part.display(),
            };
            let parts = one.files.iter().map(|(_, file)| &file.part);
            let lease = match reached.reach(to.site.as_ref()).await {
                Ok(place) => self.lease(place).await.map_err(|error| Advice::from(&error)),
                Err(advice) => Err(advice),
            };
            let Ok(place) = lease else {
                stay.extend(parts.map(name));
                continue;
            };
            for part in parts {
                match place.remove_file(part).await {
                    Err(error) if error.kind != FsErrorKind::NotFound => stay.push(name(part)),
                    _ => {}
                }
            }
            // Small ones are not noted one by one; their names tell whose they are.
            let order = &one.job.order;
            let tops = order.items.iter().map(|item| to.dir.join(order.new_name.as_ref().unwrap_or(item)));
            if let Err(error) = sweep(&*place, &to.dir, tops.collect(), one.tag).await {
                tracing::debug!(%error, "not everywhere was looked for unfinished files");
            }
        }
        let sessions: Vec<_> = reached.sessions.into_iter().map(|facts| facts.id).collect();
        for session in sessions {
            self.disconnect(session).await;
        }
        self.queue().journal().forget(interrupted.iter().map(|one| one.tag).collect()).await;
        stay
    }
}

/// Removes the unfinished files of a job in `dir` and everywhere below `tops`.
async fn sweep(place: &dyn FileSystem, dir: &FilePath, tops: BTreeSet<FilePath>, tag: Tag) -> FsResult<()> {
    let mut left = vec![(dir.clone(), 0)];
    while let Some((folder, depth)) = left.pop() {
        for entry in clear_parts(place, &folder, tag).await? {
            let Ok(path) = entry.name().map(|name| folder.join(&name)) else { continue };
            if entry.kind == Kind::Dir && depth < MAX_DEPTH && (depth > 0 || tops.contains(&path)) {
                left.push((path, depth + 1));
            }
        }
    }
    Ok(())
}

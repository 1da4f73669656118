//! Opens the list of sites and what belongs to it, and brings it what was waited for. An answer nobody waits for is dropped.

use std::sync::Arc;

use super::dialog::{Dialog, Mood, RemoveSiteDialog, SiteFormDialog, SitesDialog};
use super::effect::{Effect, SitesOrder};
use super::message::{Generation, Side, SiteChoice};
use super::state::App;
use crate::config::sites::{SiteEntry, SiteName, Sites};
use crate::engine::{Advice, Place};

/// What comes of the sites: what was done, in words (empty: they were only read), and the site it was done to.
pub struct SitesDone {
    /// In words.
    pub said: String,
    /// The site's name.
    pub name: Option<String>,
}

impl App {
    pub(super) fn open_sites(&mut self, effects: &mut Vec<Effect>) {
        let generation = self.generations.next();
        let others = self.sites.iter().filter(|site| !site.is_kept).cloned().collect();
        self.dialogs.push(Dialog::Sites(Box::new(SitesDialog::new(self.focus, others, generation))));
        effects.push(Effect::Sites { generation, order: SitesOrder::Read });
    }

    /// Goes there; the other pane shows the folder of this machine that belongs to it.
    pub(super) fn connect_site(&mut self, side: Side, entry: &SiteEntry, effects: &mut Vec<Effect>) {
        self.connect(side, entry.url.clone(), None, effects);
        if let Some(dir) = entry.local_folder(&self.options.home) {
            self.go(side.other(), Place::Local, dir, None, effects);
        }
    }

    fn sites_dialog(&self) -> Option<&SitesDialog> {
        self.dialogs.iter().find_map(|dialog| if let Dialog::Sites(dialog) = dialog { Some(&**dialog) } else { None })
    }

    fn site_names(&self) -> Vec<SiteName> {
        self.sites_dialog().and_then(|dialog| dialog.entries.as_ref()).into_iter().flatten().map(|entry| entry.name.clone()).collect()
    }

    pub(super) fn open_new_site(&mut self, folder: &str) {
        self.dialogs.push(Dialog::SiteForm(Box::new(SiteFormDialog::new(folder, self.site_names()))));
    }

    pub(super) fn open_edit_site(&mut self, entry: &SiteEntry) {
        self.dialogs.push(Dialog::SiteForm(Box::new(SiteFormDialog::edit(entry, self.site_names()))));
    }

    pub(super) fn open_duplicate_site(&mut self, entry: &SiteEntry) {
        self.dialogs.push(Dialog::SiteForm(Box::new(SiteFormDialog::duplicate(entry, self.site_names()))));
    }

    pub(super) fn open_remove_site(&mut self, entry: &SiteEntry) {
        self.dialogs.push(Dialog::RemoveSite(RemoveSiteDialog::new(entry)));
    }

    pub(super) fn order_sites(&mut self, order: SitesOrder, effects: &mut Vec<Effect>) {
        let generation = self.generations.next();
        for dialog in &mut self.dialogs {
            match dialog {
                Dialog::Sites(dialog) => dialog.waiting = Some(generation),
                Dialog::SiteForm(dialog) => dialog.waiting = Some(generation),
                _ => {}
            }
        }
        effects.push(Effect::Sites { generation, order });
    }

    pub(super) fn sites_read(&mut self, generation: Generation, result: Result<(SitesDone, Arc<Sites>), Advice>) -> bool {
        let form = |dialog: &Dialog| matches!(dialog, Dialog::SiteForm(form) if form.waiting == Some(generation));
        let form = self.dialogs.iter().position(form);
        match (&result, form) {
            (Ok(_), Some(at)) => drop(self.dialogs.remove(at)),
            (Err(advice), Some(at)) => {
                if let Some(Dialog::SiteForm(form)) = self.dialogs.get_mut(at) {
                    form.refuse(advice.sentence());
                }
            }
            (_, None) => {}
        }
        if let Ok((_, sites)) = &result {
            self.sites.retain(|site| !site.is_kept);
            self.sites.splice(0..0, sites.entries.iter().map(SiteChoice::of));
        }
        let list = self.dialogs.iter_mut().find_map(|dialog| match dialog {
            Dialog::Sites(dialog) if dialog.waiting == Some(generation) => Some(dialog),
            _ => None,
        });
        let Some(dialog) = list else { return form.is_some() };
        dialog.waiting = None;
        match result {
            Ok((done, sites)) => {
                dialog.said = match (sites.warnings.first(), done.said) {
                    (Some(odd), said) if said.is_empty() => Some((Mood::Warning, odd.to_string())),
                    (_, said) => Some((Mood::Good, said)).filter(|(_, said)| !said.is_empty()),
                };
                dialog.take(sites.entries.clone(), done.name.as_deref());
            }
            Err(advice) if form.is_none() => dialog.said = Some((Mood::Danger, advice.sentence())),
            Err(_) => {}
        }
        true
    }
}

//! How entries, orders and facts get into a folder, and what it has to order for that.

use std::sync::Arc;
use std::time::Duration;

use super::folder::lacks_facts;
use super::{Folder, Listing};
use crate::app::effect::Effect;
use crate::app::message::{Generation, Side};
use crate::engine::Advice;
use crate::model::sort::{self, SortKey};
use crate::model::{Entry, EntryName, Kind};

/// Up to here sorting takes less than a frame and is done at once.
pub(in crate::app) const INLINE: usize = 5_000;

/// Gives out numbers of requests.
#[derive(Debug, Default)]
pub(in crate::app) struct Generations(u64);

impl Generations {
    pub(in crate::app) fn next(&mut self) -> Generation {
        self.0 += 1;
        Generation(self.0)
    }
}

/// Where orders of a pane go.
pub(in crate::app) struct Orders<'a> {
    pub(in crate::app) side: Side,
    pub(in crate::app) generations: &'a mut Generations,
    pub(in crate::app) effects: &'a mut Vec<Effect>,
}

impl Folder {
    /// Orders a listing: the first one, or a refresh that replaces the entries when it is whole.
    pub(super) fn list(&mut self, refresh: bool, now: Duration, orders: &mut Orders<'_>) {
        let generation = orders.generations.next();
        self.listing_generation = generation;
        self.listing = Listing::Loading { since: now, count: 0 };
        self.incoming = refresh.then(Vec::new);
        if !refresh {
            self.entries_generation = generation;
        }
        orders.effects.push(Effect::List { pane: orders.side, generation, place: self.place, dir: self.dir.clone() });
    }

    /// A part of the listing came. Says whether anything changed.
    pub(super) fn listed(&mut self, generation: Generation, mut batch: Vec<Entry>) -> bool {
        let Listing::Loading { count, .. } = &mut self.listing else { return false };
        if generation != self.listing_generation {
            return false;
        }
        *count += batch.len();
        if let Some(incoming) = &mut self.incoming {
            incoming.append(&mut batch);
            return true;
        }
        let first = self.entries.len();
        Arc::make_mut(&mut self.entries).append(&mut batch);
        if self.entries.len() <= INLINE {
            self.order_now();
        } else {
            let rows = self.len();
            self.append_to_order(first);
            self.seek(rows);
        }
        true
    }

    /// The listing is whole or failed. Says whether anything changed.
    pub(super) fn listing_ended(&mut self, generation: Generation, result: Result<(), Advice>, orders: &mut Orders<'_>) -> bool {
        if generation != self.listing_generation || !self.is_loading() {
            return false;
        }
        let incoming = self.incoming.take();
        match (result, incoming) {
            (Ok(()), Some(entries)) => {
                self.listing = Listing::Complete;
                self.stale = None;
                self.fresh = Some((generation, Arc::new(entries)));
                self.reorder(orders);
            }
            (Ok(()), None) => {
                self.listing = Listing::Complete;
                self.wanted = None;
                if self.entries.len() > INLINE {
                    self.reorder(orders);
                } else {
                    self.want_facts(orders);
                }
            }
            (Err(advice), Some(_)) => {
                self.listing = Listing::Complete;
                self.stale = Some(advice);
            }
            (Err(advice), None) => self.listing = Listing::Failed(advice),
        }
        true
    }

    /// Orders the rows anew after sort, filter or entries changed.
    pub(in crate::app) fn reorder(&mut self, orders: &mut Orders<'_>) {
        let entries = self.fresh.as_ref().map_or(&self.entries, |(_, entries)| entries);
        if entries.len() <= INLINE {
            let refreshed = self.take_fresh();
            self.sorting = None;
            self.sort_again = false;
            self.order_now();
            if refreshed {
                self.wanted = None;
            }
            self.want_facts(orders);
            return;
        }
        let entries = Arc::clone(entries);
        let generation = orders.generations.next();
        self.sorting = Some((generation, entries.len()));
        self.sort_again = false;
        let (sort, show_hidden, filter) = (self.sort, self.show_hidden, self.filter.clone());
        orders.effects.push(Effect::Sort { pane: orders.side, generation, entries, sort, show_hidden, filter });
        if self.fresh.is_none() {
            self.want_facts(orders);
        }
    }

    /// Shows what a refresh brought. Says whether there was anything.
    fn take_fresh(&mut self) -> bool {
        let Some((generation, entries)) = self.fresh.take() else { return false };
        self.replace_entries(entries);
        self.entries_generation = generation;
        true
    }

    /// An order was computed elsewhere. Says whether anything changed.
    pub(super) fn sorted(&mut self, generation: Generation, mut order: Vec<u32>, orders: &mut Orders<'_>) -> bool {
        let Some((expected, covered)) = self.sorting else { return false };
        if expected != generation {
            return false;
        }
        let refreshed = self.take_fresh();
        self.sorting = None;
        order.retain(|&index| (index as usize) < self.entries.len());
        self.set_order(order);
        self.append_to_order(covered);
        if refreshed {
            self.wanted = None;
            self.want_facts(orders);
        }
        if self.sort_again {
            self.reorder(orders);
        }
        true
    }

    /// Facts came. Says whether anything changed.
    pub(super) fn statted(&mut self, generation: Generation, facts: Vec<Entry>, orders: &mut Orders<'_>) -> bool {
        if generation != self.entries_generation {
            return false;
        }
        let mut rank_changed = false;
        let entries = Arc::make_mut(&mut self.entries);
        let before = self.awaited.len();
        for entry in facts {
            let Some(index) = self.awaited.remove(entry.raw_name()) else { continue };
            let Some(old) = entries.get_mut(index as usize) else { continue };
            // A mark stands for a name that may be operated on.
            if entry.kind == Kind::Unparsed {
                continue;
            }
            self.marks.replaced(index, old, &entry);
            self.outdated.remove(index);
            rank_changed |= old.kind != entry.kind || old.is_enterable() != entry.is_enterable();
            *old = entry;
        }
        if self.awaited.len() == before {
            return false;
        }
        if rank_changed || needs_facts(self.sort.key) {
            if self.sorting.is_some() {
                self.sort_again = true;
            } else {
                self.reorder(orders);
            }
        }
        true
    }

    /// Asks for the facts of rows on the screen that have none and were not asked for yet; for those of a page before and after with
    /// them, so that going on a line is one frame and not two.
    pub(super) fn want_visible_facts(&mut self, rows: usize, orders: &mut Orders<'_>) {
        if needs_facts(self.sort.key) {
            return;
        }
        let end = self.order.len();
        let visible = &self.order[self.top.min(end)..(self.top + rows).min(end)];
        if visible.iter().any(|&index| self.wants_facts(index)) {
            let around = self.order[self.top.saturating_sub(rows).min(end)..(self.top + 2 * rows).min(end)].to_vec();
            self.ask_facts(&around, orders);
        }
    }

    /// Sorting by what a listing did not bring needs the facts of all.
    fn want_facts(&mut self, orders: &mut Orders<'_>) {
        if needs_facts(self.sort.key) {
            let all: Vec<u32> = (0..self.entries.len() as u32).collect();
            self.ask_facts(&all, orders);
        }
    }

    fn wants_facts(&self, index: u32) -> bool {
        !self.asked.contains(index) && (self.outdated.contains(index) || lacks_facts(&self.entries[index as usize]))
    }

    /// Asks for what `indices` lack, if some of that was not asked for yet. This ends a lookup under way, so what that owes is asked
    /// for again as far as it is among them.
    fn ask_facts(&mut self, indices: &[u32], orders: &mut Orders<'_>) {
        if !indices.iter().any(|&index| self.wants_facts(index)) {
            return;
        }
        for (_, index) in self.awaited.drain() {
            self.asked.remove(index);
        }
        let mut names: Vec<EntryName> = Vec::new();
        for &index in indices.iter().filter(|&&index| self.wants_facts(index)).collect::<Vec<_>>() {
            self.asked.insert(index);
            if let Ok(name) = self.entries[index as usize].name() {
                self.awaited.insert(name.as_bytes().into(), index);
                names.push(name);
            }
        }
        if !names.is_empty() {
            let generation = self.entries_generation;
            orders.effects.push(Effect::Stat { pane: orders.side, generation, place: self.place, dir: self.dir.clone(), names });
        }
    }

    fn order_now(&mut self) {
        self.set_order(sort::order(&self.entries, self.sort, self.show_hidden, &self.filter));
    }

    /// Appends entries from `first` on as they come, unsorted.
    fn append_to_order(&mut self, first: usize) {
        let more = sort::order(&self.entries[first..], sort::Sort { key: SortKey::Unsorted, ..self.sort }, self.show_hidden, &self.filter);
        self.order.extend(more.into_iter().map(|index| index + first as u32));
    }
}

fn needs_facts(key: SortKey) -> bool {
    matches!(key, SortKey::Size | SortKey::Modified)
}

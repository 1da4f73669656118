//! Two panes that go through two trees together: what is entered or left in one is entered or left in the other.
//!
//! The link is between the two folders that were shown when it was made, and ends when a pane goes out of its own.

use super::effect::Effect;
use super::message::Side;
use super::pane::Listing;
use super::state::App;
use crate::engine::Place;
use crate::model::FilePath;

/// A place and a folder there.
type Spot = (Place, FilePath);

/// The link between two panes.
pub(super) struct Together {
    /// The folders that stand for each other.
    roots: [Spot; 2],
    /// The folder one side lacks: it can be made.
    lacking: Option<(Side, FilePath)>,
    /// It is being made, and entered once it is there.
    making: Option<(Side, FilePath)>,
}

impl App {
    /// Whether the panes go together.
    pub fn is_together(&self) -> bool {
        self.together.is_some()
    }

    /// Links the panes, or takes the link away.
    pub(super) fn toggle_together(&mut self) {
        if self.together.take().is_some() {
            self.say("each pane goes its own way again");
            return;
        }
        let [Some(left), Some(right)] = self.spots() else {
            self.refuse("both panes have to show a folder to go together".to_owned());
            return;
        };
        self.together = Some(Together { roots: [left, right], lacking: None, making: None });
        self.say("the panes go together; Y again ends it");
    }

    /// What the panes show, where that is a folder.
    pub(super) fn spots(&self) -> [Option<Spot>; 2] {
        [Side::Left, Side::Right].map(|side| self.pane(side).shown_folder().map(|folder| (folder.place, folder.dir.clone())))
    }

    /// After a key: the pane that stayed follows the one that went.
    pub(super) fn go_together(&mut self, before: &[Option<Spot>; 2], effects: &mut Vec<Effect>) {
        let after = self.spots();
        if self.together.is_none() || *before == after {
            return;
        }
        let [left, right] = before;
        if after[0] == *right && after[1] == *left {
            if let Some(together) = &mut self.together {
                together.roots.swap(0, 1);
                together.lacking = None;
            }
            return;
        }
        let side = match (before[0] == after[0], before[1] == after[1]) {
            (false, true) => Side::Left,
            (true, false) => Side::Right,
            _ => return self.part(),
        };
        match self.counterpart(side, after[side as usize].as_ref()) {
            Some(wanted) => self.follow_to(side.other(), wanted, effects),
            None => self.part(),
        }
    }

    /// The folder that stands for what `side` shows now; above the linked folders, those above them are linked.
    fn counterpart(&mut self, side: Side, spot: Option<&Spot>) -> Option<FilePath> {
        let (place, dir) = spot?;
        let together = self.together.as_mut()?;
        together.lacking = None;
        let (own_place, own_root) = &together.roots[side as usize];
        let (_, other_root) = &together.roots[side.other() as usize];
        if place != own_place {
            return None;
        }
        if dir.is_within(own_root) {
            let below = dir.names().skip(own_root.names().count());
            return Some(below.fold(other_root.clone(), |path, name| path.join(&name)));
        }
        if own_root.parent().as_ref() != Some(dir) {
            return None;
        }
        let above = other_root.parent()?;
        together.roots[side as usize].1 = dir.clone();
        together.roots[side.other() as usize].1 = above.clone();
        Some(above)
    }

    fn follow_to(&mut self, side: Side, wanted: FilePath, effects: &mut Vec<Effect>) {
        let Some(folder) = self.pane(side).shown_folder() else { return self.part() };
        if folder.dir == wanted {
            return;
        }
        let place = folder.place;
        // Where its listing tells that the folder is not there, nobody has to try.
        let is_known = wanted.parent().as_ref() == Some(&folder.dir) && folder.listing == Listing::Complete;
        let name = wanted.name();
        let has = |name: &[u8]| folder.entries().iter().any(|entry| entry.raw_name() == name && entry.is_enterable());
        if is_known && name.is_some_and(|name| !has(name.as_bytes())) {
            self.offer_folder(side, wanted);
            return;
        }
        let came_from = folder.dir.is_within(&wanted).then(|| folder.dir.names().nth(wanted.names().count())).flatten();
        self.go(side, place, wanted, came_from.map(|name| name.as_bytes().into()), effects);
    }

    /// The other side has no such folder: says so, and how it is made.
    fn offer_folder(&mut self, side: Side, wanted: FilePath) {
        let (name, pane) = (wanted.name().map(|name| name.display()).unwrap_or_default(), pane_name(side));
        if let Some(together) = &mut self.together {
            together.lacking = Some((side, wanted));
        }
        self.say(format!("the {pane} pane has no folder {name}; gm makes it there"));
    }

    /// A listing ended: a pane that was sent where there is nothing stays where it was, and does not take the other along.
    pub(super) fn stay_together(&mut self, before: &[Option<Spot>; 2]) {
        let after = self.spots();
        for side in [Side::Left, Side::Right] {
            let (was, is) = (&before[side as usize], &after[side as usize]);
            if let (Some((_, wanted)), true) = (was, self.together.is_some() && was != is) {
                self.offer_folder(side, wanted.clone());
            }
        }
    }

    /// Makes the folder the other side lacks.
    pub(super) fn make_lacking(&mut self, effects: &mut Vec<Effect>) {
        let lacking = self.together.as_mut().and_then(|together| together.lacking.take());
        let place = |side: Side| self.pane(side).shown_folder().map(|folder| folder.place);
        match lacking.and_then(|(side, path)| Some((place(side)?, side, path))) {
            Some((place, side, path)) => {
                if let Some(together) = &mut self.together {
                    together.making = Some((side, path.clone()));
                }
                effects.push(Effect::MakeDir { place, path });
            }
            None => self.say("no folder is missing in the other pane (Y lets the panes go together)"),
        }
    }

    /// An operation ended: a folder that was made for it is entered.
    pub(super) fn enter_made(&mut self, worked: bool, effects: &mut Vec<Effect>) {
        let Some((side, path)) = self.together.as_mut().and_then(|together| together.making.take()) else { return };
        if let (true, Some(place)) = (worked, self.pane(side).shown_folder().map(|folder| folder.place)) {
            self.go(side, place, path, None, effects);
        }
    }

    /// A pane went elsewhere.
    pub(super) fn part(&mut self) {
        self.together = None;
        self.say("a pane went elsewhere: each goes its own way again");
    }
}

fn pane_name(side: Side) -> &'static str {
    match side {
        Side::Left => "left",
        Side::Right => "right",
    }
}

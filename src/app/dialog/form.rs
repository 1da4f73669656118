//! A form: fields one below the other, a button that sends them, and what is wrong said beside each field.
//!
//! Knows nothing of what is filled in. The dialog around it brings the check, asks for values by the names of the
//! fields, and decides what sending means.

use super::{focus_step, letter, neighbour};
use crate::app::input::Input;
use crate::app::key::{Key, KeyCode};
use crate::secrets::Secret;

/// A form with all its state.
pub struct Form {
    /// What it is for.
    pub title: String,
    /// Its fields, in the order of the screen. Their names differ.
    pub fields: Vec<Field>,
    /// What keys go to.
    pub focus: Focus,
    /// What the button that sends it says: `Save`.
    pub button: &'static str,
}

/// What keys go to in a [`Form`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The field at this place.
    Field(usize),
    /// The button that sends it.
    Button,
    /// The button that does not.
    Cancel,
}

/// One field.
pub struct Field {
    /// By what name code asks for it; never seen.
    pub name: &'static str,
    /// What stands before it.
    pub label: &'static str,
    /// What may be filled in, said while keys go to it; may be empty.
    pub hint: &'static str,
    /// What is filled in.
    pub value: Value,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// What a field holds.
pub enum Value {
    /// A line of text.
    Text(Input),
    /// A line of which only the length is seen.
    Secret(Input),
    /// One of several.
    Choice {
        /// What can be chosen, in words; at least one.
        options: Vec<String>,
        /// The place of the one that is.
        chosen: usize,
    },
    /// Yes or no.
    Toggle(bool),
}

/// What follows from a key in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormAnswer {
    /// It is still being filled in.
    Open,
    /// It is given up.
    Cancelled,
    /// It is sent, and no check complains.
    Sent,
}

/// What is wrong: the names of fields and a sentence for each.
pub type Faults = Vec<(&'static str, String)>;

impl Field {
    fn new(name: &'static str, label: &'static str, hint: &'static str, value: Value) -> Self {
        Self { name, label, hint, value, error: None }
    }

    /// A line of text that begins with `text`.
    pub fn text(name: &'static str, label: &'static str, hint: &'static str, text: &str) -> Self {
        Self::new(name, label, hint, Value::Text(Input::new(text)))
    }

    /// An empty masked line.
    pub fn secret(name: &'static str, label: &'static str, hint: &'static str) -> Self {
        Self::new(name, label, hint, Value::Secret(Input::masked()))
    }

    /// One of `options`.
    pub fn choice<O: Into<String>>(
        name: &'static str,
        label: &'static str,
        hint: &'static str,
        options: impl IntoIterator<Item = O>,
        chosen: usize,
    ) -> Self {
        let options: Vec<String> = options.into_iter().map(Into::into).collect();
        let chosen = chosen.min(options.len().saturating_sub(1));
        Self::new(name, label, hint, Value::Choice { options, chosen })
    }

    /// Yes or no.
    pub fn toggle(name: &'static str, label: &'static str, hint: &'static str, on: bool) -> Self {
        Self::new(name, label, hint, Value::Toggle(on))
    }

    fn input_mut(&mut self) -> Option<&mut Input> {
        match &mut self.value {
            Value::Text(input) | Value::Secret(input) => Some(input),
            Value::Choice { .. } | Value::Toggle(_) => None,
        }
    }

    /// Takes a key that changes the value. Says whether it was one.
    fn key(&mut self, key: Key) -> bool {
        let step = match (key.code, letter(key)) {
            (KeyCode::Right, _) | (_, Some(' ')) => Some(true),
            (KeyCode::Left, _) => Some(false),
            _ => None,
        };
        match (&mut self.value, step) {
            (Value::Text(input) | Value::Secret(input), _) => input.key(key),
            (Value::Toggle(on), Some(_)) => {
                *on = !*on;
                true
            }
            (Value::Choice { options, chosen }, Some(forward)) => {
                let step = if forward { 1 } else { options.len().saturating_sub(1) };
                *chosen = (*chosen + step) % options.len().max(1);
                true
            }
            (Value::Toggle(_) | Value::Choice { .. }, None) => false,
        }
    }
}

impl Form {
    /// A form whose first field has the keys.
    pub fn new(title: impl Into<String>, button: &'static str, fields: Vec<Field>) -> Self {
        Self { title: title.into(), fields, focus: Focus::Field(0), button }
    }

    /// The field of a name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// What stands in a line, a masked one too; empty if there is no such line.
    pub fn text(&self, name: &str) -> &str {
        match self.field(name).map(|field| &field.value) {
            Some(Value::Text(input) | Value::Secret(input)) => input.text(),
            _ => "",
        }
    }

    /// The place of what is chosen.
    pub fn chosen(&self, name: &str) -> usize {
        match self.field(name).map(|field| &field.value) {
            Some(Value::Choice { chosen, .. }) => *chosen,
            _ => 0,
        }
    }

    /// Whether it says yes.
    pub fn is_on(&self, name: &str) -> bool {
        matches!(self.field(name).map(|field| &field.value), Some(Value::Toggle(true)))
    }

    /// Takes a masked line away; it is empty afterwards.
    pub fn take_secret(&mut self, name: &str) -> Option<Secret> {
        let field = self.fields.iter_mut().find(|field| field.name == name)?;
        field.input_mut().map(Input::take_secret)
    }

    /// Says what is wrong with a field, and goes there: what came to light only after sending.
    pub fn refuse(&mut self, name: &str, why: String) {
        if let Some(at) = self.fields.iter().position(|field| field.name == name) {
            self.fields[at].error = Some(why);
            self.focus = Focus::Field(at);
        }
    }

    /// Takes a key. `check` says what is wrong with the form as it stands: of a field when it is left, of all when it is to
    /// be sent, which it is not while anything is wrong.
    pub fn key(&mut self, key: Key, check: impl Fn(&Self) -> Faults) -> FormAnswer {
        match (key.code, self.focus) {
            (KeyCode::Esc, _) | (KeyCode::Enter, Focus::Cancel) => return FormAnswer::Cancelled,
            (KeyCode::Enter, Focus::Button) => return self.send(&check),
            _ if key == Key::ctrl('s') => return self.send(&check),
            (KeyCode::Tab | KeyCode::Enter | KeyCode::Down, _) => self.step(true, &check),
            (KeyCode::BackTab | KeyCode::Up, _) => self.step(false, &check),
            (_, Focus::Field(at)) => {
                if let Some(field) = self.fields.get_mut(at)
                    && field.key(key)
                {
                    field.error = None;
                }
            }
            (_, Focus::Button | Focus::Cancel) => {
                if let Some(forward) = focus_step(key) {
                    self.step(forward, &check);
                }
            }
        }
        FormAnswer::Open
    }

    /// Adds pasted text to the line that has the keys.
    pub fn paste(&mut self, text: &str) {
        if let Focus::Field(at) = self.focus
            && let Some(field) = self.fields.get_mut(at)
            && let Some(input) = field.input_mut()
        {
            input.insert(text);
            field.error = None;
        }
    }

    /// On to the next or the one before; the field that is left is checked.
    fn step(&mut self, forward: bool, check: &impl Fn(&Self) -> Faults) {
        if let Focus::Field(at) = self.focus {
            let faults = check(self);
            if let Some(field) = self.fields.get_mut(at) {
                field.error = of(field.name, faults);
            }
        }
        let ring: Vec<Focus> = (0..self.fields.len()).map(Focus::Field).chain([Focus::Button, Focus::Cancel]).collect();
        self.focus = neighbour(&ring, self.focus, forward);
    }

    fn send(&mut self, check: &impl Fn(&Self) -> Faults) -> FormAnswer {
        let faults = check(self);
        for field in &mut self.fields {
            field.error = of(field.name, faults.clone());
        }
        match self.fields.iter().position(|field| field.error.is_some()) {
            Some(at) => {
                self.focus = Focus::Field(at);
                FormAnswer::Open
            }
            None => FormAnswer::Sent,
        }
    }
}

/// The first fault of a field.
fn of(name: &str, faults: Faults) -> Option<String> {
    faults.into_iter().find_map(|(of, why)| (of == name).then_some(why))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::app::keymap::parse_keys;

    /// One field of each kind, and a second line that has to repeat the first.
    pub(crate) fn sample() -> Form {
        let fields = vec![
            Field::text("name", "Name", "What it is called: letters, digits, - and _.", ""),
            Field::choice("kind", "Key", "Left and Right choose.", ["Ed25519", "ECDSA P-256", "RSA 3072"], 0),
            Field::toggle("authority", "Signs others", "Whether it may sign the requests of others.", false),
            Field::secret("passphrase", "Passphrase", "At least 8 characters; it cannot be read back."),
            Field::secret("again", "Once more", ""),
        ];
        Form::new("New identity", "Make it", fields)
    }

    /// A check of one field and one of two.
    pub(crate) fn check(form: &Form) -> Faults {
        let mut faults = Vec::new();
        if form.text("name").is_empty() {
            faults.push(("name", "it needs a name".to_owned()));
        }
        if form.text("passphrase") != form.text("again") {
            faults.push(("again", "the two differ".to_owned()));
        }
        faults
    }

    pub(crate) fn keys(form: &mut Form, keys: &str) -> FormAnswer {
        parse_keys(keys).into_iter().map(|key| form.key(key, check)).last().unwrap_or(FormAnswer::Open)
    }

    fn errors(form: &Form) -> Vec<&str> {
        form.fields.iter().filter_map(|field| field.error.as_deref()).collect()
    }

    #[test]
    fn fields_are_filled_in_and_sent() {
        let mut form = sample();
        assert_eq!(keys(&mut form, "bank<enter><right><right><tab><space><down>geheim<tab>geheim<tab>"), FormAnswer::Open);
        assert_eq!(form.focus, Focus::Button);
        assert_eq!(keys(&mut form, "<enter>"), FormAnswer::Sent);
        assert_eq!((form.text("name"), form.chosen("kind"), form.is_on("authority")), ("bank", 2, true));
        assert!(form.take_secret("passphrase").is_some_and(|secret| secret.expose() == "geheim"));
        assert!(form.text("passphrase").is_empty());
    }

    #[test]
    fn nothing_is_sent_while_anything_is_wrong() {
        let mut form = sample();
        keys(&mut form, "<down><down><down>one<tab>two");
        assert_eq!(errors(&form), ["it needs a name"], "what was left is checked, what is typed in is not");
        assert_eq!(keys(&mut form, "<c-s>"), FormAnswer::Open);
        assert_eq!((errors(&form), form.focus), (vec!["it needs a name", "the two differ"], Focus::Field(0)));
        keys(&mut form, "x");
        assert_eq!(errors(&form), ["the two differ"], "typing takes the complaint back");
        assert_eq!(keys(&mut form, "<c-s>"), FormAnswer::Open);
        assert_eq!(form.focus, Focus::Field(4));
        assert_eq!(keys(&mut form, "<c-u>one<c-s>"), FormAnswer::Sent);
    }

    #[test]
    fn what_came_to_light_later_is_said_at_its_field() {
        let mut form = sample();
        keys(&mut form, "bank<tab><tab>");
        form.refuse("name", "there is one of that name".into());
        assert_eq!((errors(&form), form.focus), (vec!["there is one of that name"], Focus::Field(0)));
    }

    #[test]
    fn the_ring_goes_both_ways_and_esc_and_cancel_give_up() {
        let mut form = sample();
        keys(&mut form, "<up>");
        assert_eq!(form.focus, Focus::Cancel);
        assert_eq!(keys(&mut form, "<enter>"), FormAnswer::Cancelled);
        keys(&mut form, "<left>");
        assert_eq!(form.focus, Focus::Button, "buttons stand side by side");
        assert_eq!(keys(&mut form, "<s-tab><esc>"), FormAnswer::Cancelled);
        form.focus = Focus::Field(1);
        keys(&mut form, "<left>");
        assert_eq!(form.chosen("kind"), 2);
        form.paste("ignored");
        form.focus = Focus::Field(0);
        form.paste("pasted\n");
        assert_eq!(form.text("name"), "pasted");
    }
}

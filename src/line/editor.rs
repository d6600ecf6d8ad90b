//! A line that is typed, with what surrounds it: the history and what is offered.

use tui_input::{Input, InputRequest};

use crate::line::beginning;
use crate::line::completion::{Candidate, Language};
use crate::line::history::History;
use crate::line::key::Key;

/// A line that is being typed.
#[derive(Clone, Debug, Default)]
pub struct Editor {
    input: Input,
    /// Which line of the history stands there, and what was typed before it.
    recalled: Option<(usize, String)>,
    search: Option<Search>,
    offer: Option<Offer>,
}

/// A search of the history.
#[derive(Clone, Debug)]
struct Search {
    text: String,
    /// How many lines before the last the one is that was found.
    found: Option<usize>,
    /// What was typed before it.
    before: String,
}

/// Words that are offered.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The words.
    pub candidates: Vec<Candidate>,
    /// Which of them stands on the line; `None` before one was chosen.
    pub chosen: Option<usize>,
    before: String,
    after: String,
}

/// What came of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// Nothing.
    Nothing,
    /// The line looks otherwise now.
    Edited,
    /// The word may become several: they are offered now.
    Offered,
    /// To complete the word it has to be known which associations there are. Once that was found
    /// out, [`Key::Complete`] is to be handed in again.
    WantsAssociations,
    /// It is done: this was entered.
    Entered(String),
    /// It was thrown away.
    Cancelled,
    /// The input is at its end.
    Ended,
    /// There was nothing left to leave.
    Left,
    /// Draw anew.
    Redraw,
    /// Stop the program.
    Suspend,
}

impl Editor {
    /// Takes a key in. What is entered is kept in `history`, unless there is a secret on it.
    pub fn handle(&mut self, key: Key, history: &mut History, language: &dyn Language) -> Typed {
        if self.search.is_some() && self.handle_search(key, history) {
            return Typed::Edited;
        }
        if !matches!(key, Key::Complete | Key::CompleteBack | Key::Leave | Key::Redraw) {
            self.offer = None;
        }
        match key {
            Key::Edit(InputRequest::InsertChar(_)) if self.input.value().len() >= MOST_BYTES => {
                return Typed::Nothing;
            }
            Key::Edit(request) => {
                if self.input.handle(request).is_none() {
                    return Typed::Nothing;
                }
                self.recalled = None;
            }
            Key::Enter => {
                let line = self.take();
                if !language.is_secret(&line) {
                    history.push(&line);
                }
                return Typed::Entered(line);
            }
            Key::Complete => return self.complete(language),
            Key::CompleteBack => return self.choose(false),
            Key::Earlier => return self.recall(history, true),
            Key::Later => return self.recall(history, false),
            Key::Search => {
                let before = self.input.value().to_owned();
                self.search = Some(Search { text: String::new(), found: None, before });
            }
            Key::Leave if self.offer.take().is_some() => {}
            Key::Leave => return Typed::Left,
            Key::Cancel => {
                drop(self.take());
                return Typed::Cancelled;
            }
            Key::End if self.input.value().is_empty() => return Typed::Ended,
            Key::End => drop(self.input.handle(InputRequest::DeleteNextChar)),
            Key::Redraw => return Typed::Redraw,
            Key::Suspend => return Typed::Suspend,
        }
        Typed::Edited
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// The text as it is edited.
    pub const fn input(&self) -> &Input {
        &self.input
    }

    /// What is searched for, and whether there is such a line; `None` while none is searched.
    pub fn search(&self) -> Option<(&str, bool)> {
        let search = self.search.as_ref()?;
        Some((&search.text, search.found.is_some() || search.text.is_empty()))
    }

    /// What stands before the text: `prompt`, or what is searched for.
    pub fn label(&self, prompt: &str) -> String {
        match self.search() {
            None => prompt.to_owned(),
            Some((text, true)) => format!("(search)`{text}': "),
            Some((text, false)) => format!("(no line with)`{text}': "),
        }
    }

    /// The words that are offered.
    pub const fn offer(&self) -> Option<&Offer> {
        self.offer.as_ref()
    }

    /// What was typed, and an empty line in its place.
    fn take(&mut self) -> String {
        std::mem::take(self).input.value_and_reset()
    }

    fn set(&mut self, text: &str) {
        self.input = Input::new(text.to_owned());
    }

    /// Whether the key was one of a search; otherwise what was found is taken over.
    fn handle_search(&mut self, key: Key, history: &History) -> bool {
        let Some(search) = &mut self.search else { return false };
        match key {
            Key::Edit(InputRequest::InsertChar(letter)) if search.text.len() < MOST_BYTES => {
                search.text.push(letter);
                search.found = history.find(&search.text, search.found.unwrap_or(0));
            }
            Key::Edit(InputRequest::DeletePrevChar) => {
                search.text.pop();
                search.found = history.find(&search.text, 0).filter(|_| !search.text.is_empty());
            }
            Key::Search => {
                let next = search.found.map_or(0, |found| found + 1);
                let further = history.find(&search.text, next);
                search.found = further.or(search.found);
            }
            Key::Leave | Key::Cancel => {
                let before = std::mem::take(&mut search.before);
                self.search = None;
                self.set(&before);
                return true;
            }
            _ => {
                self.search = None;
                return false;
            }
        }
        let found = search.found.and_then(|ago| history.ago(ago)).map(str::to_owned);
        if let Some(found) = found {
            self.set(&found);
        }
        true
    }

    /// Goes one line back in the history, or forth.
    fn recall(&mut self, history: &History, earlier: bool) -> Typed {
        let place = self.recalled.as_ref().map(|(ago, _)| *ago);
        let to = match (place, earlier) {
            (None, true) => Some(0),
            (Some(ago), true) => Some(ago + 1),
            (Some(ago), false) => ago.checked_sub(1),
            (None, false) => return Typed::Nothing,
        };
        match to {
            Some(ago) => {
                let Some(line) = history.ago(ago) else { return Typed::Nothing };
                let typed = self.recalled.take().map(|(_, typed)| typed);
                let typed = typed.unwrap_or_else(|| self.input.value().to_owned());
                self.set(line);
                self.recalled = Some((ago, typed));
            }
            None => {
                if let Some((_, typed)) = self.recalled.take() {
                    self.set(&typed);
                }
            }
        }
        Typed::Edited
    }

    /// Completes the word before the cursor as far as it is certain; then offers what it may become,
    /// and takes one after the other.
    fn complete(&mut self, language: &dyn Language) -> Typed {
        if self.offer.is_some() {
            return self.choose(true);
        }
        let text = self.input.value();
        let cursor = text.char_indices().nth(self.input.cursor()).map_or(text.len(), |(at, _)| at);
        let (before, after) = text.split_at(cursor);
        let completion = language.complete(before);
        if completion.wants_associations {
            return Typed::WantsAssociations;
        }
        let (before, after) = (before.to_owned(), after.to_owned());
        let (Some(kept), Some(word)) =
            (before.get(..completion.start), before.get(completion.start..))
        else {
            return Typed::Nothing;
        };
        let mut candidates = completion.candidates;
        let texts = candidates.iter().map(|candidate| candidate.text.as_str());
        let shared = beginning::shared(texts).unwrap_or_default().to_owned();
        match candidates.len() {
            0 => return Typed::Nothing,
            1 => {
                let is_whole = candidates.pop().is_some_and(|only| !only.goes_on);
                let blank = if is_whole && !after.starts_with(' ') { " " } else { "" };
                self.put(&format!("{kept}{shared}{blank}"), &after);
                return Typed::Edited;
            }
            _ => {}
        }
        if shared.len() > word.len() && shared.starts_with(word) {
            self.put(&format!("{kept}{shared}"), &after);
        }
        self.offer = Some(Offer { candidates, chosen: None, before: kept.to_owned(), after });
        Typed::Offered
    }

    /// Puts the next, or the one before, of the words that are offered on the line.
    fn choose(&mut self, forth: bool) -> Typed {
        let Some(offer) = &mut self.offer else { return Typed::Nothing };
        let last = offer.candidates.len().saturating_sub(1);
        let place = match (offer.chosen, forth) {
            (Some(place), true) if place < last => place + 1,
            (None | Some(_), true) => 0,
            (None | Some(0), false) => last,
            (Some(place), false) => place - 1,
        };
        offer.chosen = Some(place);
        let Some(candidate) = offer.candidates.get(place) else { return Typed::Nothing };
        let (before, after) = (format!("{}{}", offer.before, candidate.text), offer.after.clone());
        self.put(&before, &after);
        Typed::Edited
    }

    /// Sets the text, the cursor between `before` and `after`.
    fn put(&mut self, before: &str, after: &str) {
        self.recalled = None;
        self.input = Input::new(format!("{before}{after}")).with_cursor(before.chars().count());
    }
}

/// Bytes of the longest line that can be typed: more than any command takes.
const MOST_BYTES: usize = 4096;

#[cfg(test)]
mod tests;

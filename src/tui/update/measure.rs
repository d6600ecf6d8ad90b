//! Measuring in this process: asked about first, then begun as a daemon of its own.
//!
//! Nothing is sent before a person said so: at the command line, or here.

use crate::backend::{Measure, Request, TargetId};
use crate::config::files::Files;
use crate::config::host::HostSpec;
use crate::config::ntp_conf::{Association, Kind, Options};
use crate::model::{Contact, Daemon};
use crate::tui::app::{App, Overlay, Plan, Screen, Tab, Target};
use crate::tui::event::Effect;

/// Asks whether to measure: the sources that were `typed`, or those that this host's own
/// configuration names.
pub fn ask(app: &mut App, typed: &str) {
    let Some(offer) = &app.offer else {
        app.message = Some("this world cannot be measured from here".into());
        return;
    };
    if typed.trim().is_empty() {
        let own = offer.sources.iter();
        let sources = own.map(|own| (own.association.clone(), Some(own.path.clone()))).collect();
        app.overlay = Some(Overlay::Measure(Plan { sources, trouble: None }));
    } else {
        take_typed(app, typed, Plan::default());
    }
}

/// Takes the sources that were `typed` into the question; what is wrong with them is told there,
/// and then it stays as it was `before`.
pub fn take_typed(app: &mut App, typed: &str, before: Plan) {
    let plan = match read(typed) {
        Ok(sources) => {
            let sources = sources.into_iter().map(|source| (source, None)).collect();
            Plan { sources, trouble: None }
        }
        Err(trouble) => Plan { trouble: Some(trouble), ..before },
    };
    app.overlay = Some(Overlay::Measure(plan));
}

/// The answer is yes.
pub fn agree(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(Overlay::Measure(plan)) = &mut app.overlay else { return };
    if plan.sources.is_empty() {
        plan.trouble = Some("there is no source to measure yet".into());
        return;
    }
    let sources = std::mem::take(&mut plan.sources);
    app.overlay = None;
    start(app, Measure::of(sources.into_iter().map(|(source, _)| source)), effects);
}

/// Lets the engine begin, and shows it.
pub fn start(app: &mut App, measure: Measure, effects: &mut Vec<Effect>) {
    app.disciplines = measure.setup.discipline;
    let place = app.tabs.iter().position(|tab| tab.target == TargetId::OWN);
    let target = Target {
        id: TargetId::OWN,
        label: OWN_LABEL.into(),
        is_local: true,
        files: Files::default(),
    };
    let mut tab = Tab::new(target);
    let contact = Contact::Asking { since: app.now.mono };
    tab.latest = std::sync::Arc::new(Daemon { contact, ..Daemon::default() });
    match place.and_then(|place| app.tabs.get_mut(place)) {
        Some(old) => *old = tab,
        None => app.tabs.push(tab),
    }
    app.current = place.unwrap_or(app.tabs.len() - 1);
    app.screens = vec![Screen::Peers];
    effects.push(Effect::Request(Request::Measure(measure)));
}

/// What `plan` is as a line to be typed.
pub fn line(plan: &Plan) -> String {
    let word = |(source, _): &(Association, _)| match source.kind {
        Kind::Pool => format!("pool {}", source.host),
        _ => source.host.to_string(),
    };
    plan.sources.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Reads hosts; `pool` in front of one says that there are many behind its name.
fn read(typed: &str) -> Result<Vec<Association>, String> {
    let mut sources = Vec::new();
    let mut kind = Kind::Server;
    for word in typed.split_whitespace() {
        match word {
            "pool" => kind = Kind::Pool,
            "server" => kind = Kind::Server,
            _ => {
                let host: HostSpec = word.parse().map_err(|rejected| format!("{rejected}"))?;
                // A person waits for the first answers.
                let options = Options { iburst: true, ..Options::default() };
                sources.push(Association { kind, host, family: None, options });
                kind = Kind::Server;
            }
        }
    }
    if sources.is_empty() { Err("no source was typed".into()) } else { Ok(sources) }
}

/// What the engine in this process is called among the daemons.
pub const OWN_LABEL: &str = "self";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_sources_are_hosts_and_pools() {
        let sources = read("a.example pool b.example [::1]:1123").unwrap();
        let hosts: Vec<_> = sources.iter().map(|s| (s.kind, s.host.to_string())).collect();
        assert_eq!(
            hosts,
            [
                (Kind::Server, "a.example".to_owned()),
                (Kind::Pool, "b.example".into()),
                (Kind::Server, "[::1]:1123".into())
            ]
        );
        let plan =
            Plan { sources: sources.into_iter().map(|s| (s, None)).collect(), trouble: None };
        assert_eq!(line(&plan), "a.example pool b.example [::1]:1123");
        assert!(read(" pool ").is_err() && read("a:b:c:99999x/").is_err());
    }
}

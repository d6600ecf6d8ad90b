//! The pace of a simulated world, and what happens to it on a key.

use crate::backend::{Pace, Request};
use crate::tui::app::{App, Overlay};
use crate::tui::command::Action;
use crate::tui::event::Effect;

/// Changes the pace as `action` says, with what was typed after its name.
pub fn pace(app: &mut App, action: Action, argument: &str, effects: &mut Vec<Effect>) {
    let Some(world) = &app.world else { return };
    let now = world.pace;
    let step = |step: isize| {
        let place = PACES.iter().position(|pace| *pace == now).unwrap_or(0);
        let last = PACES.len() - 1;
        PACES.get(place.saturating_add_signed(step).min(last)).copied().unwrap_or(now)
    };
    let wanted = match action {
        Action::Pause if now == Pace::Paused => Pace::Real,
        Action::Pause => Pace::Paused,
        Action::Slower => step(-1),
        Action::Faster => step(1),
        _ => match argument {
            "pause" | "0" => Pace::Paused,
            "1" => Pace::Real,
            "8" => Pace::Eight,
            "64" => Pace::SixtyFour,
            _ => {
                app.message = Some(format!("`{argument}` is no pace: pause, 1, 8 or 64"));
                return;
            }
        },
    };
    effects.push(Effect::Request(Request::Pace(wanted)));
}

/// Lists what may happen, or lets what has the number `argument` happen.
pub fn incident(app: &mut App, argument: &str, effects: &mut Vec<Effect>) {
    let Some(world) = &app.world else { return };
    if argument.is_empty() {
        app.overlay = Some(Overlay::Incidents);
        return;
    }
    let place = argument.parse::<u8>().ok().and_then(|number| number.checked_sub(1));
    match place.filter(|place| usize::from(*place) < world.incidents.len()) {
        Some(place) => {
            app.overlay = None;
            effects.push(Effect::Request(Request::Incident(place)));
        }
        None => app.message = Some(format!("there is no incident number {argument}")),
    }
}

/// From slow to fast; a pause is no slower pace but a state of its own.
const PACES: [Pace; 3] = [Pace::Real, Pace::Eight, Pace::SixtyFour];

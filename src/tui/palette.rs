//! Colours that a terminal can show: a theme is mapped to the nearest it has, never dropped.

use ratatui::style::{Color, Style};

/// How many colours a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// None: only bold, underlined and reversed text.
    Mono,
    /// The sixteen that the user's terminal defines.
    Sixteen,
    /// The 256 of xterm.
    Indexed,
    /// All.
    True,
}

/// `style` as a terminal of this depth can show it.
pub fn degrade(style: Style, depth: Depth) -> Style {
    let map = |color: Option<Color>| color.and_then(|color| nearest(color, depth));
    Style { fg: map(style.fg), bg: map(style.bg), ..style }
}

fn nearest(color: Color, depth: Depth) -> Option<Color> {
    match (depth, color) {
        (Depth::Mono, _) => None,
        (Depth::Indexed, Color::Rgb(r, g, b)) => Some(Color::Indexed(indexed([r, g, b]))),
        (Depth::Sixteen, Color::Rgb(r, g, b)) => Some(sixteen([r, g, b])),
        (Depth::Sixteen, Color::Indexed(i)) if i >= 16 => Some(sixteen(rgb(i))),
        _ => Some(color),
    }
}

/// The nearest of the colour cube and the greys of xterm.
fn indexed(wanted: [u8; 3]) -> u8 {
    (16..=255).min_by_key(|i| distance(rgb(*i), wanted)).unwrap_or(7)
}

/// The nearest of the sixteen, as most terminals draw them.
fn sixteen(wanted: [u8; 3]) -> Color {
    let nearest = SIXTEEN.iter().min_by_key(|(_, color)| distance(*color, wanted));
    nearest.map_or(Color::Reset, |(name, _)| *name)
}

/// What xterm shows for an index from 16 on.
fn rgb(index: u8) -> [u8; 3] {
    if index >= 232 {
        let grey = 8 + 10 * (index - 232);
        return [grey; 3];
    }
    let cube = index.saturating_sub(16);
    [cube / 36, cube / 6 % 6, cube % 6].map(|step| if step == 0 { 0 } else { 55 + 40 * step })
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

const SIXTEEN: [(Color, [u8; 3]); 16] = [
    (Color::Black, [0, 0, 0]),
    (Color::Red, [205, 0, 0]),
    (Color::Green, [0, 205, 0]),
    (Color::Yellow, [205, 205, 0]),
    (Color::Blue, [0, 0, 238]),
    (Color::Magenta, [205, 0, 205]),
    (Color::Cyan, [0, 205, 205]),
    (Color::Gray, [229, 229, 229]),
    (Color::DarkGray, [127, 127, 127]),
    (Color::LightRed, [255, 0, 0]),
    (Color::LightGreen, [0, 255, 0]),
    (Color::LightYellow, [255, 255, 0]),
    (Color::LightBlue, [92, 92, 255]),
    (Color::LightMagenta, [255, 0, 255]),
    (Color::LightCyan, [0, 255, 255]),
    (Color::White, [255, 255, 255]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_becomes_the_nearest_the_terminal_has() {
        let orange = Style::new().fg(Color::Rgb(255, 135, 0));
        assert_eq!(degrade(orange, Depth::True), orange);
        assert_eq!(degrade(orange, Depth::Indexed).fg, Some(Color::Indexed(208)));
        assert_eq!(degrade(orange, Depth::Sixteen).fg, Some(Color::Yellow));
        assert_eq!(degrade(orange, Depth::Mono).fg, None);
        let grey = Style::new().bg(Color::Indexed(240));
        assert_eq!(degrade(grey, Depth::Sixteen).bg, Some(Color::DarkGray));
    }

    #[test]
    fn the_terminals_own_sixteen_stay_as_they_are() {
        let green = Style::new().fg(Color::Green);
        assert_eq!(degrade(green, Depth::Sixteen), green);
        assert_eq!(degrade(green, Depth::Indexed), green);
    }
}

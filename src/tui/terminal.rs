//! What the terminal can show, as the environment tells it; the terminal itself is never asked.

use crate::config::app::Color;
use crate::tui::palette::Depth;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Its colours.
    pub depth: Depth,
    /// Whether only ASCII may be shown.
    pub ascii: bool,
    /// Whether the environment says that the background is light; `None` when it says nothing.
    pub light: Option<bool>,
}

impl Capabilities {
    /// Reads `TERM`, `COLORTERM`, `COLORFGBG`, `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE` and the
    /// locale through `variable`.
    ///
    /// `ascii` forces ASCII; without it ASCII is shown where the locale is not UTF-8 or the
    /// terminal is the Linux console, whose font lacks the marks used here.
    pub fn detect(variable: impl Fn(&str) -> Option<String>, color: Color, ascii: bool) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let unwanted = set("NO_COLOR").is_some() || set("CLICOLOR").as_deref() == Some("0");
        let forced = set("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let mono = match color {
            Color::Always => false,
            Color::Never => true,
            Color::Auto => {
                (unwanted && !(forced && set("NO_COLOR").is_none()))
                    || matches!(term.as_str(), "" | "dumb")
                    || term.starts_with("vt")
            }
        };
        let true_color = matches!(set("COLORTERM").as_deref(), Some("truecolor" | "24bit"));
        let depth = match () {
            () if mono => Depth::Mono,
            () if true_color || term.ends_with("-direct") => Depth::True,
            () if term.contains("256color") => Depth::Indexed,
            () => Depth::Sixteen,
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(&set).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        let console = matches!(term.as_str(), "linux" | "dumb" | "");
        Self { depth, ascii: ascii || !utf8 || console, light: light(set("COLORFGBG")) }
    }
}

/// The last number of `COLORFGBG` is the background's, one of the sixteen colours.
fn light(colors: Option<String>) -> Option<bool> {
    let background: u8 = colors?.rsplit(';').next()?.parse().ok()?;
    Some(matches!(background, 7 | 9..=15))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(variables: &[(&str, &str)]) -> Capabilities {
        let find = |name: &str| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        };
        Capabilities::detect(find, Color::Auto, false)
    }

    #[test]
    fn the_environment_says_how_many_colours_there_are() {
        assert_eq!(detect(&[("TERM", "xterm")]).depth, Depth::Sixteen);
        assert_eq!(detect(&[("TERM", "screen-256color")]).depth, Depth::Indexed);
        let truecolor = [("TERM", "xterm-256color"), ("COLORTERM", "truecolor")];
        assert_eq!(detect(&truecolor).depth, Depth::True);
        assert_eq!(detect(&[("TERM", "dumb")]).depth, Depth::Mono);
        assert_eq!(detect(&[]).depth, Depth::Mono);
    }

    #[test]
    fn no_color_is_honoured_unless_empty() {
        assert_eq!(detect(&[("TERM", "xterm"), ("NO_COLOR", "1")]).depth, Depth::Mono);
        assert_eq!(detect(&[("TERM", "xterm"), ("NO_COLOR", "")]).depth, Depth::Sixteen);
        assert_eq!(detect(&[("TERM", "xterm"), ("CLICOLOR", "0")]).depth, Depth::Mono);
        let no = |name: &str| (name == "NO_COLOR").then(|| "1".to_owned());
        assert_eq!(Capabilities::detect(no, Color::Always, false).depth, Depth::Sixteen);
    }

    #[test]
    fn ascii_is_shown_where_marks_may_be_missing() {
        assert!(!detect(&[("TERM", "xterm"), ("LANG", "en_US.UTF-8")]).ascii);
        assert!(detect(&[("TERM", "xterm"), ("LANG", "C")]).ascii);
        assert!(detect(&[("TERM", "linux"), ("LC_ALL", "C.UTF-8")]).ascii);
        assert!(detect(&[("TERM", "xterm"), ("LC_ALL", "C"), ("LANG", "C.utf8")]).ascii);
    }

    #[test]
    fn a_light_background_is_known_only_where_it_is_told() {
        assert_eq!(detect(&[("COLORFGBG", "0;15")]).light, Some(true));
        assert_eq!(detect(&[("COLORFGBG", "15;default;0")]).light, Some(false));
        assert_eq!(detect(&[]).light, None);
    }
}

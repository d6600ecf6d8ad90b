//! Themes: what each role on screen looks like.
//!
//! Few roles, and colour only for signals: a screen full of colours hides the one that matters. A
//! theme file is a patch on the built-in one, so that it need not know every role and goes on
//! working when there are more. No role is the only carrier of a meaning.

use std::fmt;

use ratatui::style::{Color, Modifier, Style};
use ron::Options;
use ron::extensions::Extensions;
use serde::Deserialize;

use crate::tui::palette::{self, Depth};

/// Which of the themes of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// For a dark background.
    #[default]
    Dark,
    /// For a light background.
    Light,
    /// Without colours.
    Mono,
}

impl Variant {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Dark, Self::Light, Self::Mono];

    /// The one called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variant| variant.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Mono => "mono",
        }
    }
}

/// What a theme file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Themes {
    dark: Theme,
    light: Theme,
    mono: Theme,
}

impl Themes {
    /// The built-in ones.
    ///
    /// # Errors
    /// When the built-in file is damaged, which a test rules out.
    pub fn built_in() -> Result<Self, ThemeError> {
        let bare = Self { dark: Theme::BARE, light: Theme::BARE, mono: Theme::BARE };
        bare.patched(BUILT_IN, "the built-in theme")
    }

    /// These with what `text`, the contents of the file called `origin`, says otherwise.
    ///
    /// # Errors
    /// A field that does not exist or a value that is no colour, with its place in the file.
    pub fn patched(self, text: &str, origin: &str) -> Result<Self, ThemeError> {
        // `fg: "red"`, not `fg: Some("red")`: people write these files.
        let options = Options::default().with_default_extension(Extensions::IMPLICIT_SOME);
        let patch: Patch = options.from_str(text).map_err(|error| ThemeError {
            origin: origin.into(),
            line: error.span.start.line,
            column: error.span.start.col,
            source: error.code,
        })?;
        Ok(Self {
            dark: self.dark.patched(patch.dark),
            light: self.light.patched(patch.light),
            mono: self.mono.patched(patch.mono),
        })
    }

    /// One of them, as a terminal of this depth can show it. Without colours it is the one made
    /// for that, whichever was asked for.
    pub fn theme(&self, variant: Variant, depth: Depth) -> Theme {
        let theme = match variant {
            _ if depth == Depth::Mono => self.mono,
            Variant::Dark => self.dark,
            Variant::Light => self.light,
            Variant::Mono => self.mono,
        };
        theme.map(|style| palette::degrade(style, depth))
    }
}

/// Why a theme file cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub struct ThemeError {
    /// The file.
    pub origin: Box<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong there.
    pub source: ron::Error,
}

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use theme {}:{}:{}: {}", self.origin, self.line, self.column, self.source)
    }
}

impl std::error::Error for ThemeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Makes the roles: the theme, its patch, and what is done to each.
macro_rules! roles {
    ($($(#[$doc:meta])+ $role:ident)+) => {
        /// A style for each role.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Theme {
            $($(#[$doc])+ pub $role: Style,)+
        }

        /// What a file says of a theme.
        #[derive(Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        struct ThemePatch {
            $($role: Option<StylePatch>,)+
        }

        impl Theme {
            const BARE: Self = Self { $($role: Style::new(),)+ };

            fn patched(self, patch: ThemePatch) -> Self {
                Self { $($role: patch.$role.map_or(self.$role, |p| p.applied(self.$role)),)+ }
            }

            fn map(self, change: impl Fn(Style) -> Style) -> Self {
                Self { $($role: change(self.$role),)+ }
            }
        }
    };
}

roles! {
    /// Plain text.
    text
    /// Units, labels, what can be overlooked.
    faint
    /// Values that are old.
    stale
    /// Headings of columns and boxes.
    heading
    /// What the eye should find: keys in hints, the name of the selected.
    accent
    /// The row under the cursor.
    selected
    /// The line at the bottom and the tab on top.
    bar
    /// What the clock follows; all is well.
    good
    /// What takes part.
    fair
    /// What is right but not used.
    idle
    /// What one should know.
    notice
    /// What one should look into.
    warning
    /// What is wrong.
    bad
}

/// A theme file.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Patch {
    dark: ThemePatch,
    light: ThemePatch,
    mono: ThemePatch,
}

/// What a file says of one role.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StylePatch {
    fg: Option<Paint>,
    bg: Option<Paint>,
    bold: Option<bool>,
    dim: Option<bool>,
    underlined: Option<bool>,
    reversed: Option<bool>,
}

impl StylePatch {
    fn applied(self, mut style: Style) -> Style {
        style.fg = self.fg.map(|paint| paint.0).or(style.fg);
        style.bg = self.bg.map(|paint| paint.0).or(style.bg);
        for (wanted, modifier) in [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.underlined, Modifier::UNDERLINED),
            (self.reversed, Modifier::REVERSED),
        ] {
            style = match wanted {
                Some(true) => style.add_modifier(modifier),
                Some(false) => style.remove_modifier(modifier),
                None => style,
            };
        }
        style
    }
}

/// A colour as a file names it.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Paint(Color);

impl TryFrom<String> for Paint {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse().map(Self).map_err(|_| format!("`{name}` is not a colour"))
    }
}

const BUILT_IN: &str = include_str!("../../themes/default.ron");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_themes_are_complete() {
        let themes = Themes::built_in().unwrap();
        for variant in ["dark", "light", "mono"] {
            let start = BUILT_IN.find(&format!("\n    {variant}: (")).unwrap();
            let part = &BUILT_IN[start..start + BUILT_IN[start..].find("\n    ),").unwrap()];
            assert_eq!(part.lines().filter(|line| line.starts_with("        ")).count(), 13);
        }
        assert_ne!(themes.dark, themes.light);
        for style in [themes.mono.good, themes.mono.bad, themes.mono.warning] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }

    #[test]
    fn a_file_of_ones_own_says_only_what_differs() {
        let built_in = Themes::built_in().unwrap();
        let patched = built_in.clone().patched("(dark: (good: (fg: \"#00ff00\")))", "x").unwrap();
        assert_eq!(patched.dark.good.fg, Some(Color::Rgb(0, 255, 0)));
        assert!(patched.dark.good.add_modifier.contains(Modifier::BOLD));
        assert_eq!(patched.light, built_in.light);
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let wrong = |text| Themes::built_in().unwrap().patched(text, "my.ron").unwrap_err();
        let unknown = wrong("(\n  dark: (godo: ()))").to_string();
        assert!(unknown.starts_with("cannot use theme my.ron:2:"), "{unknown}");
        assert!(unknown.contains("godo"), "{unknown}");
        let color = wrong("(dark: (good: (fg: \"grene\")))").to_string();
        assert!(color.contains("`grene` is not a colour"), "{color}");
    }

    #[test]
    fn without_colours_the_theme_made_for_that_is_used() {
        let themes = Themes::built_in().unwrap();
        assert_eq!(themes.theme(Variant::Light, Depth::Mono), themes.mono);
        assert_eq!(themes.theme(Variant::Mono, Depth::True), themes.mono);
    }
}

//! All state of the screens, and no terminal.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tui_input::Input;

use crate::backend::change::Signing;
use crate::backend::{Measure, Offer, TargetId, World};
use crate::config::files::Files;
use crate::config::ntp_conf::Association;
use crate::model::change::Phase;
use crate::model::programs::Program;
use crate::model::{Daemon, Interest, Peer};
use crate::tui::arming::{Armed, Arming, Left, Shown};
use crate::tui::clients::{Arranged, ClientOrder};
use crate::tui::command::Place;
use crate::tui::console::Console;
use crate::tui::format::{Format, Units};
use crate::tui::history::History;
use crate::tui::history::course::Course;
use crate::tui::keymap::Keymap;
use crate::tui::rows::PeerKey;
use crate::tui::terminal::Capabilities;
use crate::tui::theme::{Theme, Themes, Variant};
use crate::units::{AssocId, Mono, Now};

/// A screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// The table of sources.
    Peers,
    /// All of one association.
    Association,
    /// The clock and its loop.
    Clock,
    /// Who of the sources is right.
    Selection,
    /// What the daemon is and how it fares.
    Daemon,
    /// Who asks the daemon.
    Clients,
    /// Commands in the ntpq language.
    Console,
}

/// What there is to know about a screen.
#[derive(Clone, Copy, Debug)]
pub struct ScreenFacts {
    /// Which.
    pub screen: Screen,
    /// Its title.
    pub title: &'static str,
    /// What it answers.
    pub about: &'static str,
}

/// Every screen.
pub const SCREENS: [ScreenFacts; 7] = [
    ScreenFacts {
        screen: Screen::Peers,
        title: "Peers",
        about: "who do we listen to, who is used",
    },
    ScreenFacts {
        screen: Screen::Association,
        title: "Association",
        about: "all there is to know of one association",
    },
    ScreenFacts {
        screen: Screen::Clock,
        title: "Clock",
        about: "is the clock right, and by how much could it be wrong",
    },
    ScreenFacts {
        screen: Screen::Selection,
        title: "Selection",
        about: "why each source has its tally: who is right, who is wrong and by how much",
    },
    ScreenFacts {
        screen: Screen::Daemon,
        title: "Daemon",
        about: "what the daemon is and how it fares: whom it answers, refuses and loses",
    },
    ScreenFacts {
        screen: Screen::Clients,
        title: "Clients",
        about: "who asks the daemon, how often, and who asks too much",
    },
    ScreenFacts {
        screen: Screen::Console,
        title: "Console",
        about: "any question, in the ntpq language, with completion and history",
    },
];

impl Screen {
    /// What there is to know about it.
    pub fn facts(self) -> &'static ScreenFacts {
        const { assert!(!SCREENS.is_empty()) };
        SCREENS.iter().find(|facts| facts.screen == self).unwrap_or(&SCREENS[0])
    }
}

/// What lies over a screen.
#[derive(Clone, Debug)]
pub enum Overlay {
    /// Help, scrolled down by so many lines, only with the lines that hold the text.
    Help {
        /// Lines scrolled.
        scroll: usize,
        /// What lines must hold; empty for all.
        text: String,
    },
    /// Something is typed.
    Prompt(Prompt),
    /// Whether to measure is asked.
    Measure(Plan),
    /// What may happen to a simulated world is listed.
    Incidents,
    /// Whether to arm changes of the daemon is asked.
    Arm(Arming),
    /// The change of the daemon that was asked for last.
    Change,
    /// What is to become of the change of this number, which was left behind.
    Left(u32),
}

/// What would be measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The sources, each with the file that names it; `None` where it was typed.
    pub sources: Vec<(Association, Option<PathBuf>)>,
    /// What was wrong with what was typed last.
    pub trouble: Option<String>,
}

/// A line that is being typed.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What for.
    pub purpose: Purpose,
    /// What is there so far.
    pub input: Input,
    /// What was there before, to go back to.
    pub before: String,
    /// What was asked about before, to go back to.
    pub plan: Plan,
}

/// What a typed line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A command.
    Command,
    /// A filter; it acts while it is typed.
    Filter,
    /// Sources to be measured.
    Sources,
}

/// Which set of columns the peers table has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// As `ntpq -p`.
    #[default]
    Peers,
    /// With association ids.
    Apeers,
    /// With local address and dispersion.
    Opeers,
}

impl Layout {
    /// Its name, as ntpq's command.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Peers => "peers",
            Self::Apeers => "apeers",
            Self::Opeers => "opeers",
        }
    }

    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Peers => Self::Apeers,
            Self::Apeers => Self::Opeers,
            Self::Opeers => Self::Peers,
        }
    }
}

/// In which order the rows stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is a column")]
pub enum Order {
    /// The daemon's own: by association id, pool members below their pool.
    #[default]
    Daemon,
    Tally,
    Remote,
    Stratum,
    When,
    Reach,
    Delay,
    Offset,
    Jitter,
}

impl Order {
    /// All of them, in the order in which a key steps through them.
    pub const ALL: [Self; 9] = [
        Self::Daemon,
        Self::Tally,
        Self::Remote,
        Self::Stratum,
        Self::When,
        Self::Reach,
        Self::Delay,
        Self::Offset,
        Self::Jitter,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Daemon => "daemon",
            Self::Tally => "tally",
            Self::Remote => "remote",
            Self::Stratum => "st",
            Self::When => "when",
            Self::Reach => "reach",
            Self::Delay => "delay",
            Self::Offset => "offset",
            Self::Jitter => "jitter",
        }
    }

    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        let place = Self::ALL.iter().position(|order| *order == self).unwrap_or(0);
        Self::ALL.get(place + 1).copied().unwrap_or_default()
    }
}

/// What is shown and how.
#[expect(clippy::struct_excessive_bools, reason = "switches that do not depend on each other")]
#[derive(Clone, Debug, Default)]
pub struct ViewOptions {
    /// Unit of spans.
    pub units: Units,
    /// Whether names are shown where there are some.
    pub names: bool,
    /// Whether names are shown whole, whatever gives way.
    pub wide: bool,
    /// Whether only reachable associations are shown.
    pub active_only: bool,
    /// Columns.
    pub layout: Layout,
    /// Order of the rows.
    pub order: Order,
    /// Whether it is turned round.
    pub reverse: bool,
    /// Which rows, as typed.
    pub filter: String,
    /// Order of the clients.
    pub client_order: ClientOrder,
    /// Whether that is turned round.
    pub client_reverse: bool,
    /// Which clients, as typed.
    pub client_filter: String,
    /// Which span of time charts have, by its place among those there are; `None` for the one
    /// that fits.
    pub window: Option<usize>,
    /// Which theme.
    pub variant: Variant,
}

/// A daemon to be watched.
#[derive(Clone, Debug)]
pub struct Target {
    /// What the backend knows it by.
    pub id: TargetId,
    /// What it was called when it was named.
    pub label: String,
    /// Whether it is on this host.
    pub is_local: bool,
    /// What changes of it take from files.
    pub files: Files,
}

/// The association under the cursor.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    /// Its id when it was last seen.
    pub id: Option<AssocId>,
    /// Who it is, across restarts.
    pub key: Option<PeerKey>,
    /// Its place in the table then, to stay near when it is gone.
    pub place: usize,
    /// When it was moved there by the user.
    pub since: Mono,
}

/// The client under the cursor.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientCursor {
    /// Who that is; `None` while the cursor was never moved: then it stays in the first row.
    pub address: Option<IpAddr>,
    /// In which row.
    pub place: usize,
}

/// A daemon on screen.
#[derive(Clone, Debug)]
pub struct Tab {
    /// What the backend knows it by.
    pub target: TargetId,
    /// What it was called when it was named.
    pub label: String,
    /// Whether it is on this host.
    pub is_local: bool,
    /// What changes of it take from files.
    pub files: Files,
    /// The latest that is known of it.
    pub latest: Arc<Daemon>,
    /// What is held on screen instead while the display is frozen.
    pub held: Option<Arc<Daemon>>,
    /// Updates that came since the display was frozen.
    pub behind: u32,
    /// The association under the cursor.
    pub cursor: Cursor,
    /// Its clients as they stand on screen, while they do.
    pub clients: Arranged,
    /// The client under the cursor.
    pub client_cursor: ClientCursor,
    /// Lines that a screen of lines is scrolled by.
    pub scroll: usize,
    /// Offsets seen so far.
    pub history: History,
    /// How its clock stood so far.
    pub course: Course,
    /// Its console.
    pub console: Console,
    /// Whether changes of it may be sent, and signed with what.
    pub armed: Option<Armed>,
    /// The change of it that was asked for last.
    pub change: Option<Shown>,
    /// What the backend was last told of our interest.
    pub told: Option<Interest>,
    /// The key that the backend was last given for questions that need one.
    pub given: Option<Signing>,
}

impl Tab {
    /// Of which nothing is known yet.
    pub fn new(target: Target) -> Self {
        Self {
            target: target.id,
            label: target.label,
            is_local: target.is_local,
            files: target.files,
            latest: Arc::default(),
            held: None,
            behind: 0,
            cursor: Cursor::default(),
            clients: Arranged::default(),
            client_cursor: ClientCursor::default(),
            scroll: 0,
            history: History::default(),
            course: Course::default(),
            console: Console::default(),
            armed: None,
            change: None,
            told: None,
            given: None,
        }
    }

    /// Whether a change of it was sent that is neither kept nor taken back yet.
    pub fn is_changing(&self) -> bool {
        self.change.as_ref().is_some_and(|change| change.phase().is_open())
    }

    /// Whether there is a change that somebody has to look at: one that is under way, or one that
    /// has ended and was not closed yet.
    pub fn wants_a_look(&self) -> bool {
        let has_ended = |change: &Shown| change.phase() == Phase::Ended;
        self.is_changing() || self.change.as_ref().is_some_and(has_ended)
    }

    /// What is on screen: the latest, or what was when the display was frozen.
    pub fn shown(&self) -> &Daemon {
        self.held.as_ref().unwrap_or(&self.latest)
    }

    /// The association under the cursor, if it is still there.
    pub fn selected(&self) -> Option<&Arc<Peer>> {
        let peers = &self.shown().peers;
        let key = self.cursor.key.as_ref();
        let same = |peer: &&Arc<Peer>| key.is_some() && PeerKey::of(peer).as_ref() == key;
        // The id first: two associations with one server may share all that outlives them.
        let by_id = peers.iter().find(|peer| Some(peer.id) == self.cursor.id);
        by_id
            .filter(|peer| key.is_none() || PeerKey::of(peer).is_none() || same(peer))
            .or_else(|| peers.iter().find(same))
    }
}

/// Names of addresses, as they come.
#[derive(Clone, Debug, Default)]
pub struct Names {
    known: HashMap<IpAddr, Option<Arc<str>>>,
}

impl Names {
    /// The name of `address`, if one came.
    pub fn of(&self, address: IpAddr) -> Option<&str> {
        self.known.get(&address)?.as_deref()
    }

    /// How many are known.
    pub fn known(&self) -> usize {
        self.known.values().flatten().count()
    }

    /// Whether `address` is to be looked up: it is noted as asked for from now on.
    pub fn ask(&mut self, address: IpAddr) -> bool {
        if self.known.contains_key(&address) || self.known.len() >= NAMES_KEPT {
            return false;
        }
        self.known.insert(address, None);
        true
    }

    /// Takes what the look-up brought.
    pub fn learn(&mut self, address: IpAddr, name: Option<Arc<str>>) {
        if self.known.contains_key(&address) || self.known.len() < NAMES_KEPT {
            self.known.insert(address, name);
        }
    }
}

/// All state of the screens.
#[derive(Clone, Debug)]
pub struct App {
    /// The daemons.
    pub tabs: Vec<Tab>,
    /// The one on screen.
    pub current: usize,
    /// The screens that lead to the one shown, which is the last.
    pub screens: Vec<Screen>,
    /// What lies over it.
    pub overlay: Option<Overlay>,
    /// What is shown and how.
    pub view: ViewOptions,
    /// Names of addresses.
    pub names: Names,
    /// Changes that were left behind.
    pub left: Left,
    /// Programs on this host that keep time.
    pub programs: Arc<[Program]>,
    /// What the engine in this process could measure; `None` where there is none.
    pub offer: Option<Arc<Offer>>,
    /// How the world stands, when it is a simulated one.
    pub world: Option<Arc<World>>,
    /// When the display was frozen.
    pub frozen: Option<Now>,
    /// What came of the last command, until the next key.
    pub message: Option<String>,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// What the clocks showed at the last event.
    pub now: Now,
    /// What is to be measured from the start on, until it was asked for.
    pub measure: Option<Measure>,
    /// Whether what is measured disciplines this host's own clock, as only the command line can say.
    pub disciplines: bool,
    /// What does not change while the program runs.
    pub fixed: Fixed,
}

/// What does not change while the program runs.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// What the terminal can show.
    pub capabilities: Capabilities,
    /// The themes to choose from.
    pub themes: Themes,
    /// What keys mean.
    pub keymap: Keymap,
    /// What the word of a change may be that follows those before it and begins so.
    pub completions: fn(&[&str], &str, &Daemon) -> Vec<String>,
    /// Whether Ctrl-Z is not followed: it was told to discipline this host's clock, which must not
    /// run at the rate of a slew while nobody steers.
    pub stays: bool,
}

/// What the screens are to begin with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The daemons, in the order of their tabs.
    pub targets: Vec<Target>,
    /// Whether names are wanted (`-n` is not given).
    pub names: bool,
    /// Unit of spans.
    pub units: Units,
    /// What the terminal can show.
    pub capabilities: Capabilities,
    /// The themes to choose from.
    pub themes: Themes,
    /// Which of them; `None` for the one that fits the terminal's background.
    pub variant: Option<Variant>,
    /// What to measure at once, as the command line says.
    pub measure: Option<Measure>,
    /// What the word of a change may be that follows those before it and begins so.
    pub completions: fn(&[&str], &str, &Daemon) -> Vec<String>,
    /// What is to be said at once, until a key is pressed.
    pub notice: Option<String>,
}

impl App {
    /// At the start, when nothing is known.
    pub fn new(options: Options, size: (u16, u16), now: Now) -> Self {
        let light = options.capabilities.light == Some(true);
        let fitting = if light { Variant::Light } else { Variant::Dark };
        let stays = options.measure.as_ref().is_some_and(|asked| asked.setup.discipline);
        Self {
            tabs: options.targets.into_iter().map(Tab::new).collect(),
            current: 0,
            screens: vec![Screen::Peers],
            overlay: None,
            view: ViewOptions {
                names: options.names,
                units: options.units,
                variant: options.variant.unwrap_or(fitting),
                ..ViewOptions::default()
            },
            names: Names::default(),
            left: Left::default(),
            programs: Arc::default(),
            offer: None,
            world: None,
            frozen: None,
            message: options.notice,
            size,
            now,
            measure: options.measure,
            disciplines: false,
            fixed: Fixed {
                capabilities: options.capabilities,
                themes: options.themes,
                keymap: Keymap::default(),
                completions: options.completions,
                stays,
            },
        }
    }

    /// The tab on screen; `None` only when there are no daemons at all.
    pub fn tab(&self) -> Option<&Tab> {
        self.tabs.get(self.current)
    }

    /// The tab on screen, to be changed.
    pub fn tab_mut(&mut self) -> Option<&mut Tab> {
        self.tabs.get_mut(self.current)
    }

    /// The screen shown.
    pub fn screen(&self) -> Screen {
        self.screens.last().copied().unwrap_or(Screen::Peers)
    }

    /// Where a key is pressed.
    pub fn place(&self) -> Place {
        Place {
            screen: self.screen(),
            is_asked: matches!(
                self.overlay,
                Some(Overlay::Measure(_) | Overlay::Incidents | Overlay::Change | Overlay::Left(_))
            ),
            is_simulated: self.world.is_some(),
        }
    }

    /// The time that ages on screen are counted to: now, or when the display was frozen.
    pub fn shown_now(&self) -> Now {
        self.frozen.unwrap_or(self.now)
    }

    /// The styles.
    pub fn theme(&self) -> Theme {
        self.fixed.themes.theme(self.view.variant, self.fixed.capabilities.depth)
    }

    /// Whether only ASCII may be shown.
    pub const fn is_ascii(&self) -> bool {
        self.fixed.capabilities.ascii
    }

    /// `text` of ours with the marks that this terminal can show.
    pub fn marks(&self, text: &str) -> String {
        if !self.is_ascii() {
            return text.into();
        }
        text.replace('·', "|")
            .replace('→', "->")
            .replace('—', "-")
            .replace('×', "x")
            .replace('±', "+-")
            .replace('µ', "u")
    }

    /// How the spans of a tab's daemon are written.
    pub fn format(&self, tab: &Tab) -> Format {
        self.format_of(tab.shown())
    }

    /// How the spans of a daemon are written.
    pub fn format_of(&self, daemon: &Daemon) -> Format {
        let format =
            Format { units: self.view.units, fine: false, ascii: self.fixed.capabilities.ascii };
        format.for_dialect(daemon.identity.as_ref().and_then(|identity| identity.dialect))
    }
}

/// Names kept at most; a daemon shows a few, a fleet some thousands.
const NAMES_KEPT: usize = 20_000;

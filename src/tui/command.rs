//! The table of commands: every key, every line of help, the `:` prompt and the README's key
//! table come from it, so that none can say something else than another.

use crate::line::beginning;
use crate::tui::app::Screen;

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each has its sentence in the table below")]
pub enum Action {
    Quit,
    Help,
    Prompt,
    Filter,
    Down,
    Up,
    PageDown,
    PageUp,
    First,
    Last,
    ScrollDown,
    ScrollUp,
    Details,
    Clock,
    Selection,
    Daemon,
    Clients,
    Console,
    Type,
    ZoomIn,
    ZoomOut,
    Measure,
    Arm,
    LeftBehind,
    TakeBack,
    KeepLeft,
    Set,
    Prefer,
    Noselect,
    Remove,
    Yes,
    No,
    Edit,
    Choose,
    Pause,
    Slower,
    Faster,
    Pace,
    Incident,
    Back,
    NextLayout,
    Peers,
    Apeers,
    Opeers,
    Names,
    Units,
    Wide,
    Active,
    Sort,
    Reverse,
    Freeze,
    Refresh,
    NextTab,
    PreviousTab,
    Tab,
    Way,
    Theme,
    Redraw,
    Suspend,
    Panic,
}

/// Where a command's keys work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// On every screen.
    Everywhere,
    /// On one screen only; there it goes before commands of everywhere.
    On(Screen),
    /// While a question or a list to choose from is on screen, and then hardly anything else.
    Asked,
    /// On every screen over a simulated world, and known in no other.
    Simulated,
}

/// Where a key is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The screen.
    pub screen: Screen,
    /// Whether a question or a list to choose from lies over it.
    pub is_asked: bool,
    /// Whether the world is a simulated one.
    pub is_simulated: bool,
}

impl Scope {
    /// Whether a command of this scope works at `place`.
    pub fn holds(self, place: Place) -> bool {
        match self {
            Self::Everywhere => true,
            Self::On(screen) => screen == place.screen && !place.is_asked,
            Self::Asked => place.is_asked,
            Self::Simulated => place.is_simulated && !place.is_asked,
        }
    }
}

/// Under which heading help lists a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Moving about.
    Move,
    /// What is shown.
    Show,
    /// Which daemon.
    Daemons,
    /// The simulated world.
    Simulation,
    /// The program itself.
    Program,
}

impl Group {
    /// All of them in the order of the help.
    pub const ALL: [Self; 5] =
        [Self::Move, Self::Show, Self::Daemons, Self::Simulation, Self::Program];

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Move => "Move",
            Self::Show => "Show",
            Self::Daemons => "Daemons",
            Self::Simulation => "Simulated world",
            Self::Program => "Program",
        }
    }
}

/// A row of the table.
#[derive(Debug)]
pub struct Command {
    /// Its name at the `:` prompt and in key files.
    pub name: &'static str,
    /// What it does.
    pub action: Action,
    /// The keys it is bound to at first, as [`crate::tui::keymap`] reads them.
    pub keys: &'static [&'static str],
    /// What may follow its name at the prompt; empty for nothing.
    pub argument: &'static str,
    /// Where it works.
    pub scope: Scope,
    /// Under which heading it is listed.
    pub group: Group,
    /// A word for the line of hints; empty when it is not one of those most needed.
    pub hint: &'static str,
    /// What it does, in a sentence without its full stop.
    pub help: &'static str,
}

/// Makes the table; a row reads: name, action, keys, argument, scope, group, hint; help.
macro_rules! commands {
    ($($name:literal $action:ident [$($key:literal)*] $argument:literal
       $scope:ident $group:ident $hint:literal; $help:literal)+) => {
        /// Every command.
        pub static COMMANDS: &[Command] = &[$(Command {
            name: $name,
            action: Action::$action,
            keys: &[$($key),*],
            argument: $argument,
            scope: commands!(@scope $scope),
            group: Group::$group,
            hint: $hint,
            help: $help,
        }),+];
    };
    (@scope Everywhere) => { Scope::Everywhere };
    (@scope Asked) => { Scope::Asked };
    (@scope Simulated) => { Scope::Simulated };
    (@scope $screen:ident) => { Scope::On(Screen::$screen) };
}

commands! {
    "down" Down ["j" "down"] "" Peers Move ""; "next row"
    "up" Up ["k" "up"] "" Peers Move ""; "previous row"
    "next" Down ["j" "right"] "" Association Move "walk"; "next association"
    "previous" Up ["k" "left"] "" Association Move ""; "previous association"
    "scroll-down" ScrollDown ["down"] "" Association Move ""; "down one line"
    "scroll-up" ScrollUp ["up"] "" Association Move ""; "up one line"
    "selection-down" Down ["j" "down"] "" Selection Move ""; "next source"
    "selection-up" Up ["k" "up"] "" Selection Move ""; "previous source"
    "clock-down" ScrollDown ["j" "down"] "" Clock Move ""; "down one line"
    "clock-up" ScrollUp ["k" "up"] "" Clock Move ""; "up one line"
    "daemon-down" ScrollDown ["j" "down"] "" Daemon Move ""; "down one line"
    "daemon-up" ScrollUp ["k" "up"] "" Daemon Move ""; "up one line"
    "client-down" Down ["j" "down"] "" Clients Move ""; "next client"
    "client-up" Up ["k" "up"] "" Clients Move ""; "previous client"
    "page-down" PageDown ["pagedown" "ctrl-d"] "" Everywhere Move ""; "down one page"
    "page-up" PageUp ["pageup" "ctrl-u"] "" Everywhere Move ""; "up one page"
    "first" First ["g" "home"] "" Everywhere Move ""; "first row or line"
    "last" Last ["G" "end"] "" Everywhere Move ""; "last row or line"
    "details" Details ["enter" "d"] "" Peers Move "details"; "all there is to know of the association under the cursor"
    "selection-details" Details ["enter" "d"] "" Selection Move "details"; "all there is to know of the source under the cursor"
    "back" Back ["esc" "backspace"] "" Everywhere Move "back"; "back to the screen before; on the first one, drop the filter"
    "close-details" Back ["enter" "d"] "" Association Move ""; "back to the peers"
    "next-layout" NextLayout ["space"] "" Everywhere Show ""; "next set of columns: peers, apeers, opeers"
    "peers" Peers ["p"] "" Everywhere Show ""; "the peers: refid and jitter"
    "apeers" Apeers ["a"] "" Everywhere Show ""; "the peers with their association ids"
    "opeers" Opeers ["o"] "" Everywhere Show ""; "the peers with local address and dispersion"
    "clock" Clock ["c"] "" Everywhere Show "clock"; "the clock and its loop: is it right, and by how much could it be wrong"
    "selection" Selection ["v"] "" Everywhere Show "why"; "the verdicts: why each source has its tally, who is wrong and by how much"
    "console" Console [">"] "" Everywhere Show ""; "commands in the ntpq language on this daemon, with completion and history"
    "console-run" Type ["enter"] "" Console Move "run"; "run the command"
    "console-complete" Type ["tab" "backtab"] "" Console Move "complete"; "complete the word: commands, associations, variables; again for the next of those offered"
    "console-history" Type ["up" "down"] "" Console Move ""; "an earlier command, a later one"
    "console-search" Type ["ctrl-r"] "" Console Move "search"; "search the commands that were typed; again for an older one"
    "console-stop" Type ["ctrl-c"] "" Console Move "stop"; "stop the command at work; otherwise throw the line away"
    "console-leave" Type ["esc" "ctrl-d"] "" Console Move "back"; "back to the screen before, when nothing is at work and nothing typed"
    "console-next" NextTab ["ctrl-t"] "" Console Daemons "next daemon"; "the console of the next daemon"
    "zoom-in" ZoomIn ["z"] "" Clock Show "zoom"; "charts show a shorter time"
    "zoom-out" ZoomOut ["Z"] "" Clock Show ""; "charts show a longer time"
    "names" Names ["n"] "[on|off]" Everywhere Show "names"; "names or addresses"
    "units" Units ["u"] "[ms|auto|us|ns|s]" Everywhere Show "units"; "unit of spans of time"
    "wide" Wide ["w"] "[on|off]" Everywhere Show ""; "names whole, other columns give way; in details the meanings whole"
    "active" Active ["A"] "[on|off]" Peers Show ""; "only associations that are reachable"
    "sort" Sort ["s"] "[COLUMN]" Peers Show "sort"; "sort by the next column, or by the one named"
    "reverse" Reverse ["S"] "[on|off]" Peers Show ""; "turn the order round"
    "filter" Filter ["/"] "[TEXT]" Peers Show "filter"; "only rows that match: text, or tests such as tally:x reach<377 st>3 offset>5ms"
    "client-sort" Sort ["s"] "[COLUMN]" Clients Show "sort"; "sort by the next column, or by the one named"
    "client-reverse" Reverse ["S"] "[on|off]" Clients Show ""; "turn the order round"
    "client-filter" Filter ["/"] "[TEXT]" Clients Show "filter"; "only clients that match: text, or tests such as rate>1 count>100 last<60 dropped>0 v:3 fast abusive"
    "freeze" Freeze ["f"] "[on|off]" Everywhere Show "freeze"; "hold the display while collection goes on"
    "daemon" Daemon ["D"] "" Everywhere Show "daemon"; "the daemon: what it is, what it counts and how quickly, interfaces, restrictions, keys"
    "clients" Clients ["C"] "" Everywhere Show "clients"; "who asks the daemon, how often, and who asks too much"
    "refresh" Refresh ["r"] "" Everywhere Daemons ""; "ask again now, as far as politeness allows"
    "next-tab" NextTab ["tab"] "" Everywhere Daemons ""; "next daemon"
    "previous-tab" PreviousTab ["backtab"] "" Everywhere Daemons ""; "previous daemon"
    "tab" Tab ["1" "2" "3" "4" "5" "6" "7" "8" "9"] "NUMBER" Everywhere Daemons ""; "daemon by its number"
    "way" Way ["W"] "[NUMBER]" Everywhere Daemons ""; "ask the daemon in another way, where it answers in several"
    "measure" Measure ["m"] "[SOURCE]" Everywhere Daemons ""; "measure sources from this program, as the tab `self`: asks first, touches no clock"
    "arm" Arm ["!"] "" Everywhere Daemons ""; "let changes of the daemon be sent, after asking; or no longer"
    "left-behind" LeftBehind ["L"] "" Everywhere Daemons ""; "changes that a program left behind which died: to be taken back, kept, or later"
    "set" Set [] "VERB [ARGUMENT]..." Everywhere Daemons ""; "change the daemon while that is armed: shown first, sent after a yes, taken back unless kept"
    "prefer" Prefer ["F"] "" Peers Daemons ""; "while armed: prefer the association under the cursor"
    "noselect" Noselect ["N"] "" Peers Daemons ""; "while armed: never select the association under the cursor"
    "remove" Remove ["R"] "" Peers Daemons ""; "while armed: give the association under the cursor up"
    "asked-down" ScrollDown ["j" "down"] "" Asked Move ""; "down one line"
    "asked-up" ScrollUp ["k" "up"] "" Asked Move ""; "up one line"
    "yes" Yes ["y"] "" Asked Daemons "yes"; "do what is asked about"
    "no" No ["n" "esc"] "" Asked Daemons "no"; "leave it"
    "take-back" TakeBack ["t"] "" Asked Daemons ""; "take back the change that was left behind: shown before it is sent"
    "keep" KeepLeft ["K"] "" Asked Daemons ""; "keep the change that was left behind, for good"
    "edit" Edit ["e"] "" Asked Daemons "edit"; "type other sources"
    "choose" Choose ["1" "2" "3" "4" "5" "6" "7" "8" "9"] "" Asked Simulation ""; "what has that number"
    "pause" Pause ["P"] "" Simulated Simulation ""; "hold the world, or let it go on"
    "slower" Slower ["-"] "" Simulated Simulation ""; "let the world go slower: 64, 8, 1 seconds in one"
    "faster" Faster ["+"] "" Simulated Simulation ""; "let the world go faster: 1, 8, 64 seconds in one"
    "pace" Pace [] "pause|1|8|64" Simulated Simulation ""; "how many seconds of the world pass in one"
    "incident" Incident ["i"] "[NUMBER]" Simulated Simulation ""; "let something happen to the world, or end it"
    "help" Help ["?" "h" "f1"] "[TEXT]" Everywhere Program "help"; "this help; with a text, the lines that have it"
    "command" Prompt [":"] "" Everywhere Program ""; "a command by its name; the tab key completes it"
    "theme" Theme [] "dark|light|mono" Everywhere Program ""; "colours for a dark or a light terminal, or none"
    "redraw" Redraw ["ctrl-l"] "" Everywhere Program ""; "draw the screen anew"
    "suspend" Suspend ["ctrl-z"] "" Everywhere Program ""; "back to the shell until `fg`"
    "panic" Panic [] "" Everywhere Program ""; "end as an error in the program would, to see that the terminal comes back"
    "quit" Quit ["q" "x" "ctrl-c"] "" Everywhere Program "quit"; "leave"
}

/// The command called `name`, or the only one whose name begins with it.
pub fn find(name: &str) -> Option<&'static Command> {
    beginning::find(COMMANDS.iter().map(|command| (command.name, command)), name).ok()
}

/// The commands whose keys work at `place`, in the order of the table.
pub fn at(place: Place) -> impl Iterator<Item = &'static Command> {
    COMMANDS.iter().filter(move |command| command.scope.holds(place))
}

/// What to complete `start` to: as many letters as all commands that begin with it share.
pub fn complete(start: &str) -> String {
    let candidates = COMMANDS.iter().map(|c| c.name).filter(|name| name.starts_with(start));
    beginning::shared(candidates).unwrap_or(start).into()
}

/// The key table of the README, in Markdown.
pub fn key_table() -> String {
    let mut table = String::from("| key | does |\n|---|---|\n");
    for command in COMMANDS.iter().filter(|command| !command.keys.is_empty()) {
        let keys: Vec<_> = command.keys.iter().map(|key| format!("`{key}`")).collect();
        let place = match command.scope {
            Scope::Everywhere => String::new(),
            Scope::On(screen) => format!(" ({})", screen.facts().title),
            Scope::Asked => " (when asked)".into(),
            Scope::Simulated => " (simulated world)".into(),
        };
        let help = command.help.replace('|', "\\|");
        table.extend(["| ", &keys.join(" "), " | ", &help, &place, " |\n"]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keymap::Keymap;

    #[test]
    fn every_command_has_a_name_help_and_a_way_to_it() {
        let keymap = Keymap::default();
        for command in COMMANDS {
            assert!(!command.help.is_empty(), "{}", command.name);
            let plain = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(command.name.chars().all(plain), "{}", command.name);
            assert_eq!(find(command.name).map(|c| c.name), Some(command.name));
            for key in command.keys {
                let bound = keymap.bindings().any(|(c, text)| c == command.name && text == *key);
                assert!(bound, "{key} of {} is not a key, or is another's", command.name);
            }
        }
    }

    #[test]
    fn a_beginning_that_fits_one_command_is_enough() {
        assert_eq!(find("qu").map(|c| c.name), Some("quit"));
        assert_eq!(find("tab").map(|c| c.name), Some("tab"));
        assert!(find("s").is_none());
        assert!(find("zzz").is_none());
        assert_eq!(complete("na"), "names");
        assert_eq!(complete("page"), "page-");
        assert_eq!(complete("zzz"), "zzz");
    }

    #[test]
    fn the_key_table_lists_every_key() {
        let table = key_table();
        assert!(table.contains("| `q` `x` `ctrl-c` | leave |"));
        assert!(table.contains("| `j` `right` | next association (Association) |"));
    }
}

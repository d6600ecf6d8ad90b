//! The table of commands.

use crate::ntpq::command::Verb as Shared;
use crate::ntpq::style::Style;
use crate::ntpq::vocabulary::{Command, Vocabulary, commands};
use crate::wire::mode7::Code;

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Lists the commands or explains one.
    Help,
    /// Shows or chooses the current key.
    KeyId,
    /// Shows or chooses how secrets are used.
    KeyType,
    /// Shows the version.
    Version,
    /// What ntpq does by the same name.
    Shared(Shared),
    /// Lists the associations.
    ListPeers,
    /// Prints the associations as a table.
    Peers {
        /// Whether the first column tells of the selection, not of the mode.
        by_selection: bool,
    },
    /// Prints all about associations.
    ShowPeer,
    /// Prints counters of associations.
    PeerStatistics,
    /// Prints the daemon's loop.
    LoopInfo,
    /// Prints the daemon's state.
    SystemInfo,
    /// Prints the kernel's loop.
    KernelInfo,
    /// Prints the counters that this request brings.
    Counters(Code),
    /// Prints the access restrictions.
    Restrictions,
    /// Prints who asked the daemon.
    MonitorList,
    /// Prints who is told of events.
    Traps,
    /// Prints the state of reference clocks.
    ClockInfo,
    /// Prints what drivers of reference clocks keep.
    ClockDebug,
    /// Prints the addresses that the daemon listens on, as this request brings them.
    Interfaces(Code),
    /// Adds an association.
    Configure {
        /// The mode towards it.
        host_mode: u8,
        /// Whether it is a reference clock.
        is_clock: bool,
    },
    /// Changes associations by this request.
    Associations(Code),
    /// Switches parts of the daemon by this request.
    SystemFlags(Code),
    /// Changes a restriction by this request.
    Restrict(Code),
    /// Sets counters to zero.
    Reset,
    /// Has the keys file read again.
    ReadKeys,
    /// Changes which keys are trusted by this request.
    Trust(Code),
    /// Changes who is told of events by this request.
    Trap(Code),
    /// Chooses a key of the daemon's by this request.
    ChooseKey(Code),
    /// Sets a parameter of a reference clock.
    Fudge,
}

/// The commands.
pub const VOCABULARY: Vocabulary<Verb> =
    Vocabulary { program: "ntpdc", style: Style::Classic, table: COMMANDS, screen: 78 };

/// Options of a new association.
const OPTIONS: &str =
    "minpoll#|prefer|burst|iburst|'minpoll N'|'maxpoll N'|'keyid N'|'version N' ...";

/// Switches of the daemon.
const SWITCHES: &str = "auth|bclient|monitor|pll|kernel|stats";

/// Flags of a restriction.
const FLAGS: &str = "ntpport|ignore|noserve|notrust|noquery|nomodify|nopeer|version|kod";

commands! {
    "?" Verb::Help, [Text true "command"], "list the commands, or explain one";
    "help" Verb::Help, [Text true "command"], "list the commands, or explain one";
    "timeout" Verb::Shared(Shared::Timeout), [Unsigned true "msec"], "show or set how long to wait for an answer";
    "delay" Verb::Shared(Shared::Delay), [Signed true "msec"], "show or set what is added to the time in signed requests";
    "host" Verb::Shared(Shared::Host), [Text true "-4|-6", Text true "hostname"], "show the host, or turn to another";
    "passwd" Verb::Shared(Shared::Password), [Text true ""], "give the current key its secret";
    "hostnames" Verb::Shared(Shared::HostNames), [Text true "yes|no"], "show or set whether addresses are shown as names";
    "debug" Verb::Shared(Shared::Debug), [Text true "no|more|less"], "show or set the level of debugging texts";
    "quit" Verb::Shared(Shared::Quit), [], "end";
    "exit" Verb::Shared(Shared::Quit), [], "end";
    "keyid" Verb::KeyId, [Unsigned true "key#"], "show or choose the key that signs requests; 0 signs none";
    "keytype" Verb::KeyType, [Text true "(md5|des)"], "show or choose how secrets are used: AES128CMAC, MD5 or SHA1";
    "version" Verb::Version, [], "show the version of ntpdc that this is like";
    "listpeers" Verb::ListPeers, [Family true "-4|-6"], "list the associations with their modes";
    "peers" Verb::Peers { by_selection: false }, [Family true "-4|-6"], "print the associations, each with its mode";
    "dmpeers" Verb::Peers { by_selection: true }, [Family true "-4|-6"], "print the associations, each with what the selection made of it";
    "showpeer" Verb::ShowPeer, [Address false "peer_address", Address true "peer2_addr", Address true "peer3_addr", Address true "peer4_addr"], "print all about associations";
    "pstats" Verb::PeerStatistics, [Address false "peer_address", Address true "peer2_addr", Address true "peer3_addr", Address true "peer4_addr"], "print the counters of associations";
    "loopinfo" Verb::LoopInfo, [Text true "oneline|multiline"], "print the state of the daemon's loop";
    "sysinfo" Verb::SystemInfo, [], "print the daemon's state";
    "sysstats" Verb::Counters(Code::SystemStatistics), [], "print the daemon's counts of packets";
    "memstats" Verb::Counters(Code::MemoryStatistics), [], "print the use of memory for associations";
    "iostats" Verb::Counters(Code::IoStatistics), [], "print the counts of input and output";
    "timerstats" Verb::Counters(Code::TimerStatistics), [], "print the counts of the timer";
    "addpeer" Verb::Configure { host_mode: 1, is_clock: false }, [Address false "addr", Text true "keyid", Text true "version", Text true OPTIONS], "add a symmetric association";
    "addserver" Verb::Configure { host_mode: 3, is_clock: false }, [Address false "addr", Text true "keyid", Text true "version", Text true OPTIONS], "add a server";
    "addrefclock" Verb::Configure { host_mode: 3, is_clock: true }, [Address false "addr", Unsigned true "mode", Text true "minpoll|prefer", Text true "minpoll|prefer"], "add a reference clock";
    "broadcast" Verb::Configure { host_mode: 5, is_clock: false }, [Address false "addr", Text true "keyid", Text true "version", Text true "minpoll"], "send broadcasts to an address";
    "unconfig" Verb::Associations(Code::Unconfigure), [Address false "peer_address", Address true "peer2_addr", Address true "peer3_addr", Address true "peer4_addr"], "remove associations";
    "enable" Verb::SystemFlags(Code::SetSystemFlags), [Text false SWITCHES, Text true "...", Text true "...", Text true "..."], "switch on parts of the daemon: auth, bclient, calibrate, kernel, monitor, ntp, pps, stats";
    "disable" Verb::SystemFlags(Code::ClearSystemFlags), [Text false SWITCHES, Text true "...", Text true "...", Text true "..."], "switch off parts of the daemon: auth, bclient, calibrate, kernel, monitor, ntp, pps, stats";
    "reslist" Verb::Restrictions, [Family true "-4|-6"], "print the access restrictions";
    "restrict" Verb::Restrict(Code::AddRestriction), [Address false "address", Address false "mask", Text false FLAGS, Text true "..."], "add flags to a restriction, which is made when there is none";
    "unrestrict" Verb::Restrict(Code::SubtractRestriction), [Address false "address", Address false "mask", Text false FLAGS, Text true "..."], "take flags from a restriction";
    "delrestrict" Verb::Restrict(Code::RemoveRestriction), [Address false "address", Address false "mask", Text true "ntpport"], "remove a restriction";
    "monlist" Verb::MonitorList, [Signed true "version"], "print who asked the daemon; only sent when ntpdc was started with --monlist, see its --help";
    "reset" Verb::Reset, [Text false "io|sys|mem|timer|auth|ctl|allpeers", Text true "...", Text true "...", Text true "..."], "set counters to zero";
    "preset" Verb::Associations(Code::ResetPeer), [Address false "peer_address", Address true "peer2_addr", Address true "peer3_addr", Address true "peer4_addr"], "set counters of associations to zero";
    "readkeys" Verb::ReadKeys, [], "have the daemon read its keys file again";
    "trustedkey" Verb::Trust(Code::TrustKey), [Unsigned false "keyid", Unsigned true "keyid", Unsigned true "keyid", Unsigned true "keyid"], "have the daemon trust keys";
    "untrustedkey" Verb::Trust(Code::UntrustKey), [Unsigned false "keyid", Unsigned true "keyid", Unsigned true "keyid", Unsigned true "keyid"], "have the daemon trust keys no longer";
    "authinfo" Verb::Counters(Code::AuthenticationInfo), [], "print the counts of keys and digests";
    "traps" Verb::Traps, [], "print who is told of events";
    "addtrap" Verb::Trap(Code::AddTrap), [Address false "address", Unsigned true "port", Address true "interface"], "have somebody told of events";
    "clrtrap" Verb::Trap(Code::ClearTrap), [Address false "address", Unsigned true "port", Address true "interface"], "have somebody told of events no longer";
    "requestkey" Verb::ChooseKey(Code::RequestKey), [Unsigned false "keyid"], "choose the key that the daemon wants requests of ntpdc signed with";
    "controlkey" Verb::ChooseKey(Code::ControlKey), [Unsigned false "keyid"], "choose the key that the daemon wants requests of ntpq signed with";
    "ctlstats" Verb::Counters(Code::ControlStatistics), [], "print the counts of requests of ntpq";
    "clockstat" Verb::ClockInfo, [Address false "address", Address true "address", Address true "address", Address true "address"], "print the state of reference clocks";
    "fudge" Verb::Fudge, [Address false "address", Text false "time1|time2|val1|val2|flags", Text false "value"], "set a parameter of a reference clock";
    "clkbug" Verb::ClockDebug, [Address false "address", Address true "address", Address true "address", Address true "address"], "print what drivers of reference clocks keep for those who write them";
    "kerninfo" Verb::KernelInfo, [], "print the state of the kernel's loop";
    "ifstats" Verb::Interfaces(Code::InterfaceStatistics), [], "print the addresses that the daemon listens on";
    "ifreload" Verb::Interfaces(Code::InterfaceReload), [], "have the daemon look for new interfaces, and print them";
}

#[cfg(test)]
mod tests {
    use crate::line::beginning::Unfound;
    use crate::ntpq::vocabulary::MAX_PARAMETERS;

    use super::*;

    #[test]
    fn every_command_has_its_help() {
        for command in COMMANDS {
            assert!(!command.help.is_empty() && command.parameters.len() <= MAX_PARAMETERS);
        }
        assert_eq!(COMMANDS.len(), 54);
    }

    #[test]
    fn a_prefix_will_do_when_it_is_of_one_name_only() {
        let name = |text: &str| VOCABULARY.find(text).map(|command| command.name);
        assert_eq!(name("sysi"), Ok("sysinfo"));
        assert_eq!(name("host"), Ok("host"));
        assert_eq!(name("sys"), Err(Unfound::Ambiguous));
        assert_eq!(name("foo"), Err(Unfound::Unknown));
    }

    #[test]
    fn the_usage_tells_of_families_once() {
        let usage = |name: &str| VOCABULARY.find(name).unwrap().usage();
        assert_eq!(usage("clrtrap"), "usage: clrtrap [ -4|-6 ] address [ port ] [ interface ]");
        assert_eq!(usage("reslist"), "usage: reslist [ -4|-6 ]");
    }
}

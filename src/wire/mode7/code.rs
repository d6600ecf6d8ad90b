//! The table of request codes: their numbers and names, what they carry and bring back, and who is
//! permitted to ask.
//!
//! Sizes are those of ntpd 4.2.8p15 on a 64-bit machine. Replies of older daemons have shorter items,
//! whose beginnings are the same.

use crate::wire::mode7::Implementation;

/// Who is permitted to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Whoever may query the daemon at all (`noquery` keeps them out).
    Anyone,
    /// Whoever signs with the daemon's request key and may modify it.
    Keyed,
    /// Nobody gets more than the answer that there is no data: it was made for flooding others with
    /// answers that they had not asked for, and is off since 4.2.7p26.
    Retired,
    /// Nobody: the number is in the list and the request in no daemon.
    Unused,
}

/// Bytes of an item of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ItemLen {
    /// Under [`Implementation::Current`]; 0 when nothing comes back.
    pub current: u16,
    /// Under [`Implementation::Old`].
    pub old: u16,
}

impl ItemLen {
    /// Under `implementation`.
    pub const fn of(self, implementation: Implementation) -> u16 {
        match implementation {
            Implementation::Old => self.old,
            _ => self.current,
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])+ $code:ident = $number:literal $name:literal $access:ident
       $request:expr => $current:literal / $old:literal;)+) => {
        /// What is asked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])+ $code,)+
            /// A number that is not in the list.
            Other(u8),
        }

        impl Code {
            /// All that are in the list, in order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$code),+];

            /// From its number.
            pub const fn from_bits(bits: u8) -> Self {
                match bits {
                    $($number => Self::$code,)+
                    other => Self::Other(other),
                }
            }

            /// Its number.
            pub const fn bits(self) -> u8 {
                match self {
                    $(Self::$code => $number,)+
                    Self::Other(number) => number,
                }
            }

            /// What the daemon's source calls it; `None` when it is not in the list.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$code => Some($name),)+
                    Self::Other(_) => None,
                }
            }

            /// Who is permitted to ask.
            pub const fn access(self) -> Access {
                match self {
                    $(Self::$code => Access::$access,)+
                    Self::Other(_) => Access::Unused,
                }
            }

            /// How many bytes an item of the request may have, the newest form first; empty when it
            /// carries none.
            pub const fn request_lens(self) -> &'static [u16] {
                match self {
                    $(Self::$code => &$request,)+
                    Self::Other(_) => &[],
                }
            }

            /// How many bytes an item of the reply has at most.
            pub const fn reply_len(self) -> ItemLen {
                match self {
                    $(Self::$code => ItemLen { current: $current, old: $old },)+
                    Self::Other(_) => ItemLen { current: 0, old: 0 },
                }
            }
        }
    };
}

codes! {
    /// The associations, by address and mode.
    PeerList = 0 "PEER_LIST" Anyone [] => 32 / 8;
    /// The associations as a table shows them.
    PeerListSummary = 1 "PEER_LIST_SUM" Anyone [] => 72 / 32;
    /// All about associations that are named.
    PeerInfo = 2 "PEER_INFO" Anyone [32, 8] => 280 / 240;
    /// Counters of associations that are named.
    PeerStatistics = 3 "PEER_STATS" Anyone [32, 8] => 120 / 80;
    /// The daemon's state.
    SystemInfo = 4 "SYS_INFO" Anyone [] => 80 / 56;
    /// Its counters of packets.
    SystemStatistics = 5 "SYS_STATS" Anyone [] => 52 / 52;
    /// Its counters of input and output.
    IoStatistics = 6 "IO_STATS" Anyone [] => 40 / 40;
    /// Its memory for associations.
    MemoryStatistics = 7 "MEM_STATS" Anyone [] => 148 / 148;
    /// Its loop.
    LoopInfo = 8 "LOOP_INFO" Anyone [] => 24 / 24;
    /// Its timer.
    TimerStatistics = 9 "TIMER_STATS" Anyone [] => 16 / 16;
    /// Add an association.
    Configure = 10 "CONFIG" Keyed [168, 144, 16] => 0 / 0;
    /// Remove associations.
    Unconfigure = 11 "UNCONFIG" Keyed [24, 4] => 0 / 0;
    /// Set switches of the daemon.
    SetSystemFlags = 12 "SET_SYS_FLAG" Keyed [4] => 0 / 0;
    /// Clear switches of the daemon.
    ClearSystemFlags = 13 "CLR_SYS_FLAG" Keyed [4] => 0 / 0;
    /// Once: begin to remember who asks.
    Monitor = 14 "MONITOR" Unused [] => 0 / 0;
    /// Once: stop remembering who asks.
    NoMonitor = 15 "NOMONITOR" Unused [] => 0 / 0;
    /// Its access restrictions.
    Restrictions = 16 "GET_RESTRICT" Anyone [] => 56 / 16;
    /// Add flags to a restriction, which is made when there is none.
    AddRestriction = 17 "RESADDFLAGS" Keyed [60, 24, 48, 12] => 0 / 0;
    /// Take flags from a restriction.
    SubtractRestriction = 18 "RESSUBFLAGS" Keyed [60, 24, 48, 12] => 0 / 0;
    /// Remove a restriction.
    RemoveRestriction = 19 "UNRESTRICT" Keyed [60, 24, 48, 12] => 0 / 0;
    /// Who asked it, in the first form.
    MonitorList = 20 "MON_GETLIST" Retired [] => 48 / 24;
    /// Set counters to zero.
    ResetStatistics = 21 "RESET_STATS" Keyed [4] => 0 / 0;
    /// Set counters of associations to zero.
    ResetPeer = 22 "RESET_PEER" Keyed [24, 4] => 0 / 0;
    /// Read the keys file again.
    RereadKeys = 23 "REREAD_KEYS" Keyed [] => 0 / 0;
    /// Once: do as somebody else does.
    DoDirective = 24 "DO_DIRTY_HACK" Unused [] => 0 / 0;
    /// Once: do so no more.
    DontDirective = 25 "DONT_DIRTY_HACK" Unused [] => 0 / 0;
    /// Trust keys.
    TrustKey = 26 "TRUSTKEY" Keyed [8, 4] => 0 / 0;
    /// Trust keys no longer.
    UntrustKey = 27 "UNTRUSTKEY" Keyed [8, 4] => 0 / 0;
    /// Its counters of keys and digests.
    AuthenticationInfo = 28 "AUTHINFO" Anyone [] => 36 / 36;
    /// Who is told of events.
    Traps = 29 "TRAPS" Anyone [] => 64 / 28;
    /// Have somebody told of events.
    AddTrap = 30 "ADD_TRAP" Keyed [48, 12] => 0 / 0;
    /// Have them told no longer.
    ClearTrap = 31 "CLR_TRAP" Keyed [48, 12] => 0 / 0;
    /// Choose the key for these requests.
    RequestKey = 32 "REQUEST_KEY" Keyed [8, 4] => 0 / 0;
    /// Choose the key for mode 6.
    ControlKey = 33 "CONTROL_KEY" Keyed [8, 4] => 0 / 0;
    /// Its counters of mode 6.
    ControlStatistics = 34 "GET_CTLSTATS" Anyone [] => 60 / 60;
    /// Once: leap seconds.
    LeapInfo = 35 "GET_LEAPINFO" Unused [] => 0 / 0;
    /// State of reference clocks that are named.
    ClockInfo = 36 "GET_CLOCKINFO" Anyone [4] => 52 / 52;
    /// Set a parameter of a reference clock.
    SetFudge = 37 "SET_CLKFUDGE" Keyed [20] => 0 / 0;
    /// The kernel's loop.
    KernelInfo = 38 "GET_KERNEL" Anyone [] => 60 / 60;
    /// What the drivers of reference clocks that are named keep for those who write them.
    ClockDebug = 39 "GET_CLKBUGINFO" Anyone [4] => 332 / 332;
    /// Once: set the precision.
    SetPrecision = 41 "SET_PRECISION" Unused [] => 0 / 0;
    /// Who asked it, in the second form.
    MonitorList1 = 42 "MON_GETLIST_1" Retired [] => 72 / 32;
    /// Once: names of associations.
    HostnameAssociation = 43 "HOSTNAME_ASSOCID" Unused [] => 0 / 0;
    /// The addresses that it listens on.
    InterfaceStatistics = 44 "IF_STATS" Keyed [] => 136 / 48;
    /// The same, after looking for new ones.
    InterfaceReload = 45 "IF_RELOAD" Keyed [] => 136 / 48;
}

impl Code {
    /// Whether a daemon does it for those only who sign with its request key.
    pub const fn is_keyed(self) -> bool {
        matches!(self.access(), Access::Keyed)
    }

    /// Whether doing it alters the daemon: such a request is never repeated by itself. Looking for
    /// interfaces counts, for sockets come and go with them.
    pub const fn changes(self) -> bool {
        self.is_keyed() && !matches!(self, Self::InterfaceStatistics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::mode7::{MAX_REPLY_DATA, MAX_REQUEST_DATA};

    #[test]
    fn numbers_and_names_stand_for_one_code_each() {
        let mut seen = std::collections::HashSet::new();
        for (place, code) in Code::ALL.iter().enumerate() {
            assert_eq!(Code::from_bits(code.bits()), *code);
            assert!(seen.insert(code.name()), "{code:?}");
            assert!(place == 0 || Code::ALL[place - 1].bits() < code.bits());
        }
        assert_eq!(Code::Other(99).access(), Access::Unused);
        assert_eq!(Code::Other(99).name(), None);
    }

    #[test]
    fn items_fit_in_a_datagram() {
        for code in Code::ALL {
            for len in code.request_lens() {
                assert!(usize::from(*len) <= MAX_REQUEST_DATA, "{code:?}");
            }
            let len = code.reply_len();
            assert!(usize::from(len.current) <= MAX_REPLY_DATA && len.old <= len.current);
            let answers = matches!(code.access(), Access::Anyone | Access::Retired);
            assert!(!answers || len.old > 0, "{code:?}");
        }
    }

    #[test]
    fn what_changes_a_daemon_needs_a_key() {
        assert!(Code::Configure.changes() && Code::InterfaceReload.changes());
        assert!(!Code::InterfaceStatistics.changes() && Code::InterfaceStatistics.is_keyed());
        assert!(!Code::PeerList.changes() && !Code::MonitorList1.is_keyed());
    }
}

//! The items of requests that name something or change the daemon.
//!
//! Each has a form for [`Implementation::Old`], which ends where IPv6 begins and so cannot carry such
//! an address: then there is no item.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::wire::mode7::fields::{Fixed, item};
use crate::wire::mode7::{Code, Implementation, Request};

/// Where an address stands in an item, and where there was room for IPv6.
#[derive(Clone, Copy, Debug)]
struct Places {
    v4: [u8; 4],
    is_v6: [u8; 4],
    v6: [u8; 16],
}

impl Places {
    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self { v4: v4.octets(), is_v6: [0; 4], v6: [0; 16] },
            // In the daemon's own byte order, but it is only told from zero.
            IpAddr::V6(v6) => Self { v4: [0; 4], is_v6: 1_u32.to_le_bytes(), v6: v6.octets() },
        }
    }
}

/// A request about several addresses; `None` when one is IPv6 and the implementation too old.
fn about<const NEW: usize, const OLD: usize>(
    implementation: Implementation,
    code: Code,
    addresses: &[IpAddr],
    new: impl Fn(Places) -> [u8; NEW],
    old: impl Fn(Ipv4Addr) -> [u8; OLD],
) -> Option<Request> {
    if implementation != Implementation::Old {
        let items: Vec<_> = addresses.iter().map(|address| new(Places::of(*address))).collect();
        return Some(Request::with_items(implementation, code, &items));
    }
    let items: Option<Vec<_>> = addresses
        .iter()
        .map(|address| match address {
            IpAddr::V4(v4) => Some(old(*v4)),
            IpAddr::V6(_) => None,
        })
        .collect();
    Some(Request::with_items(implementation, code, &items?))
}

/// A question about associations on `port`: [`Code::PeerInfo`] or [`Code::PeerStatistics`].
pub fn peers(
    implementation: Implementation,
    code: Code,
    addresses: &[IpAddr],
    port: u16,
) -> Option<Request> {
    let port = port.to_be_bytes();
    about(
        implementation,
        code,
        addresses,
        |at| item::<32>(&[&at.v4, &port, &[0, 0], &at.is_v6, &[0; 4], &at.v6]),
        |v4| item::<8>(&[&v4.octets(), &port]),
    )
}

/// Removes associations or resets their counters: [`Code::Unconfigure`] or [`Code::ResetPeer`].
pub fn associations(
    implementation: Implementation,
    code: Code,
    addresses: &[IpAddr],
) -> Option<Request> {
    about(
        implementation,
        code,
        addresses,
        |at| item::<24>(&[&at.v4, &at.is_v6, &at.v6]),
        |v4| v4.octets(),
    )
}

/// A question about reference clocks: [`Code::ClockInfo`] or [`Code::ClockDebug`].
pub fn clocks(implementation: Implementation, code: Code, clocks: &[Ipv4Addr]) -> Request {
    let items: Vec<_> = clocks.iter().map(Ipv4Addr::octets).collect();
    Request::with_items(implementation, code, &items)
}

/// Bits of the options of a new association.
pub mod association_flags {
    /// Its packets are authenticated.
    pub const AUTHENTICATED: u8 = 0x01;
    /// It is preferred.
    pub const PREFER: u8 = 0x02;
    /// It asks in bursts.
    pub const BURST: u8 = 0x04;
    /// It begins with a burst.
    pub const INITIAL_BURST: u8 = 0x08;
    /// It is never selected.
    pub const NO_SELECT: u8 = 0x10;
}

/// A new association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewAssociation {
    /// Its address.
    pub address: IpAddr,
    /// Our mode: 1 symmetric, 3 client, 5 broadcast.
    pub host_mode: u8,
    /// NTP version.
    pub version: u8,
    /// The least poll exponent.
    pub min_poll: u8,
    /// The greatest poll exponent.
    pub max_poll: u8,
    /// See [`association_flags`].
    pub flags: u8,
    /// Time to live of packets to a group, or mode of a clock.
    pub ttl: u8,
    /// The key of its packets; 0 is none.
    pub key_id: u32,
}

/// How a new association is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssociationForm {
    /// With room for the name of an Autokey identity, and for IPv6 where the implementation has it.
    Usual,
    /// Without any of that.
    Short,
}

impl NewAssociation {
    /// Adds it; `None` when the address is IPv6 and the form or the implementation has no room.
    pub fn request(
        &self,
        implementation: Implementation,
        form: AssociationForm,
    ) -> Option<Request> {
        let code = Code::Configure;
        let rest = [
            self.host_mode,
            self.version,
            self.min_poll,
            self.max_poll,
            self.flags,
            self.ttl,
            0,
            0,
        ];
        // In the daemon's own byte order.
        let key_id = self.key_id.to_le_bytes();
        let addresses = [self.address];
        if form == AssociationForm::Short {
            let IpAddr::V4(v4) = self.address else { return None };
            let items = [item::<16>(&[&v4.octets(), &rest, &key_id])];
            return Some(Request::with_items(implementation, code, &items));
        }
        about(
            implementation,
            code,
            &addresses,
            |at| {
                let name = [0; KEY_NAME_LEN];
                item::<168>(&[&at.v4, &rest, &key_id, &name, &at.is_v6, &[0; 4], &at.v6])
            },
            |v4| item::<144>(&[&v4.octets(), &rest, &key_id]),
        )
    }
}

/// Bits that switch parts of the daemon on and off.
pub mod system_flags {
    /// Taking broadcasts.
    pub const BROADCAST_CLIENT: u32 = 0x01;
    /// Steering by a pulse per second.
    pub const PPS: u32 = 0x02;
    /// Steering the clock.
    pub const NTP: u32 = 0x04;
    /// Leaving that to the kernel.
    pub const KERNEL: u32 = 0x08;
    /// Remembering who asks.
    pub const MONITOR: u32 = 0x10;
    /// Writing statistics.
    pub const STATISTICS: u32 = 0x20;
    /// Requiring keys of unknown sources.
    pub const AUTHENTICATE: u32 = 0x40;
    /// Calibrating.
    pub const CALIBRATE: u32 = 0x80;
    /// What they are called.
    pub const NAMES: [(&str, u32); 8] = [
        ("auth", AUTHENTICATE),
        ("bclient", BROADCAST_CLIENT),
        ("calibrate", CALIBRATE),
        ("kernel", KERNEL),
        ("monitor", MONITOR),
        ("ntp", NTP),
        ("pps", PPS),
        ("stats", STATISTICS),
    ];
}

/// Counters that can be reset, by the bits that say so.
pub const RESET_FLAGS: [(&str, u32); 7] = [
    ("allpeers", 0x01),
    ("io", 0x02),
    ("sys", 0x04),
    ("mem", 0x08),
    ("timer", 0x10),
    ("auth", 0x20),
    ("ctl", 0x40),
];

/// A request of bits: [`Code::SetSystemFlags`], [`Code::ClearSystemFlags`] or
/// [`Code::ResetStatistics`].
pub fn bits(implementation: Implementation, code: Code, bits: u32) -> Request {
    Request::with_items(implementation, code, &[bits.to_be_bytes()])
}

/// A change of a restriction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestrictionChange {
    /// Whom it is about.
    pub address: IpAddr,
    /// How much of the address counts; of the same family.
    pub mask: IpAddr,
    /// What is not allowed, in the numbering that goes with the form.
    pub flags: u16,
    /// To which packets it applies.
    pub match_flags: u16,
}

/// How a change of a restriction is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestrictionForm {
    /// As daemons from 4.2.8p12 on want it.
    Current,
    /// As those before want it.
    Older,
}

impl RestrictionChange {
    /// Asks for it by `code`; `None` when the address is IPv6 and the implementation too old.
    pub fn request(
        &self,
        implementation: Implementation,
        code: Code,
        form: RestrictionForm,
    ) -> Option<Request> {
        let mask4 = match self.mask {
            IpAddr::V4(v4) => v4.octets(),
            IpAddr::V6(_) => [0; 4],
        };
        let mask6 = match self.mask {
            IpAddr::V4(_) => Ipv6Addr::UNSPECIFIED.octets(),
            IpAddr::V6(v6) => v6.octets(),
        };
        let (flags, matching) = (self.flags.to_be_bytes(), self.match_flags.to_be_bytes());
        let addresses = [self.address];
        match form {
            // Eight bytes for a limit of associations that this request does not set, and four that
            // nobody uses.
            RestrictionForm::Current => about(
                implementation,
                code,
                &addresses,
                |at| {
                    let head: [&[u8]; 6] = [&at.v4, &mask4, &[0; 8], &flags, &matching, &[0; 4]];
                    item::<60>(&[&item::<24>(&head), &at.is_v6, &at.v6, &mask6])
                },
                |v4| item::<24>(&[&v4.octets(), &mask4, &[0; 8], &flags, &matching]),
            ),
            RestrictionForm::Older => about(
                implementation,
                code,
                &addresses,
                |at| item::<48>(&[&at.v4, &mask4, &flags, &matching, &at.is_v6, &at.v6, &mask6]),
                |v4| item::<12>(&[&v4.octets(), &mask4, &flags, &matching]),
            ),
        }
    }
}

/// Trusts a key or ceases to: [`Code::TrustKey`] or [`Code::UntrustKey`].
///
/// One key a request: a 64-bit daemon insists on eight bytes a key and steps through them by four.
pub fn trust(implementation: Implementation, code: Code, key_id: u32) -> Request {
    Request::with_items(implementation, code, &[u64::from(key_id).to_le_bytes()])
}

/// How the number of a key is written where the daemon's key is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// As 64-bit daemons want it.
    Wide,
    /// As 32-bit daemons want it.
    Narrow,
}

/// Chooses a key of the daemon's: [`Code::RequestKey`] or [`Code::ControlKey`].
pub fn choose_key(
    implementation: Implementation,
    code: Code,
    key_id: u32,
    form: KeyForm,
) -> Request {
    let bytes = key_id.to_be_bytes();
    match form {
        KeyForm::Wide => Request::with_items(implementation, code, &[item::<8>(&[&bytes])]),
        KeyForm::Narrow => Request::with_items(implementation, code, &[bytes]),
    }
}

/// Has somebody told of events or ceases to: [`Code::AddTrap`] or [`Code::ClearTrap`]. `local` is
/// the daemon's address towards them, of the same family; `None` when an address is IPv6 and the
/// implementation too old.
pub fn trap(
    implementation: Implementation,
    code: Code,
    remote: IpAddr,
    port: u16,
    local: Option<IpAddr>,
) -> Option<Request> {
    let here = local.map_or(Places { v4: [0; 4], is_v6: [0; 4], v6: [0; 16] }, Places::of);
    let port = port.to_be_bytes();
    about(
        implementation,
        code,
        &[remote],
        |at| item::<48>(&[&here.v4, &at.v4, &port, &[0, 0], &at.is_v6, &here.v6, &at.v6]),
        |v4| item::<12>(&[&here.v4, &v4.octets(), &port]),
    )
}

/// What of a reference clock is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fudge {
    /// What is added to its times, in s.
    Time1(Fixed),
    /// A second parameter of its driver, in s mostly.
    Time2(Fixed),
    /// Its stratum.
    Stratum(u32),
    /// Its letters, as a number.
    ReferenceId(u32),
    /// Its flags 1 to 4, the first lowest.
    Flags(u32),
}

/// Sets a parameter of a reference clock.
pub fn fudge(implementation: Implementation, clock: Ipv4Addr, fudge: Fudge) -> Request {
    let (which, time, value) = match fudge {
        Fudge::Time1(time) => (1_u32, time, 0),
        Fudge::Time2(time) => (2, time, 0),
        Fudge::Stratum(value) => (3, Fixed::default(), value),
        Fudge::ReferenceId(value) => (4, Fixed::default(), value),
        Fudge::Flags(value) => (5, Fixed::default(), value),
    };
    let fields: [&[u8]; 4] =
        [&clock.octets(), &which.to_be_bytes(), &time.bits().to_be_bytes(), &value.to_be_bytes()];
    Request::with_items(implementation, Code::SetFudge, &[item::<20>(&fields)])
}

const KEY_NAME_LEN: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    const CURRENT: Implementation = Implementation::Current;
    const OLD: Implementation = Implementation::Old;

    fn v4() -> IpAddr {
        IpAddr::from([192, 0, 2, 77])
    }

    fn v6() -> IpAddr {
        "2001:db8::7".parse().unwrap()
    }

    fn is_in_the_table(request: &Request) -> bool {
        let len = usize::from(request.count) * usize::from(request.item_len);
        request.items.len() == len && request.code.request_lens().contains(&request.item_len)
    }

    fn one_of_each(address: IpAddr, implementation: Implementation) -> [Option<Request>; 6] {
        let association = NewAssociation {
            address,
            host_mode: 3,
            version: 4,
            min_poll: 6,
            max_poll: 10,
            flags: 0,
            ttl: 0,
            key_id: 7,
        };
        let change = RestrictionChange { address, mask: address, flags: 1, match_flags: 0 };
        let code = Code::AddRestriction;
        [
            peers(implementation, Code::PeerInfo, &[address], 123),
            associations(implementation, Code::Unconfigure, &[address]),
            association.request(implementation, AssociationForm::Usual),
            change.request(implementation, code, RestrictionForm::Current),
            change.request(implementation, code, RestrictionForm::Older),
            trap(implementation, Code::AddTrap, address, 18447, None),
        ]
    }

    #[test]
    fn every_form_has_a_size_of_the_table() {
        for (address, implementation) in [(v4(), CURRENT), (v4(), OLD), (v6(), CURRENT)] {
            for request in one_of_each(address, implementation) {
                assert!(request.as_ref().is_some_and(is_in_the_table), "{request:?}");
            }
        }
        assert_eq!(one_of_each(v6(), OLD), [const { None }; 6]);
        let clock = Ipv4Addr::new(127, 127, 1, 0);
        for request in [
            clocks(CURRENT, Code::ClockInfo, &[clock]),
            bits(CURRENT, Code::ResetStatistics, 4),
            trust(CURRENT, Code::TrustKey, 5),
            choose_key(CURRENT, Code::ControlKey, 5, KeyForm::Wide),
            choose_key(CURRENT, Code::ControlKey, 5, KeyForm::Narrow),
            fudge(CURRENT, clock, Fudge::Stratum(3)),
        ] {
            assert!(is_in_the_table(&request), "{request:?}");
        }
    }

    // Captured from ntpdc 4.2.8p15, or taken by ntpd 4.2.8p15.
    #[test]
    fn fields_stand_where_the_daemon_looks_for_them() {
        let mask = IpAddr::from([255, 255, 255, 0]);
        let change = RestrictionChange { address: v4(), mask, flags: 0x80, match_flags: 0 };
        let request = change.request(CURRENT, Code::AddRestriction, RestrictionForm::Current);
        let items = request.unwrap().items;
        assert!(items.starts_with(b"\xc0\0\x02\x4d\xff\xff\xff\0\0\0\0\0\0\0\0\0\0\x80\0\0"));
        assert!(items[20..].iter().all(|byte| *byte == 0));
        assert_eq!(trust(CURRENT, Code::TrustKey, 5).items, [5, 0, 0, 0, 0, 0, 0, 0]);
        let chosen = choose_key(CURRENT, Code::ControlKey, 5, KeyForm::Wide);
        assert_eq!(chosen.items, [0, 0, 0, 5, 0, 0, 0, 0]);
        let asked = peers(CURRENT, Code::PeerInfo, &[v6()], 123).unwrap().items;
        assert_eq!(&asked[4..12], b"\0\x7b\0\0\x01\0\0\0");
        assert_eq!(asked[16..18], [0x20, 0x01]);
    }

    #[test]
    fn a_short_form_has_no_room_for_ipv6() {
        let association = NewAssociation {
            address: v6(),
            host_mode: 3,
            version: 3,
            min_poll: 6,
            max_poll: 10,
            flags: 0,
            ttl: 0,
            key_id: 0,
        };
        assert_eq!(association.request(CURRENT, AssociationForm::Short), None);
        let association = NewAssociation { address: v4(), ..association };
        let request = association.request(CURRENT, AssociationForm::Short).unwrap();
        assert_eq!(request.item_len, 16);
    }
}

//! What replies tell of who asked the daemon, in the three forms that this took over the years.

use std::net::IpAddr;

use crate::wire::mode7::fields::{Fields, either};

/// Somebody who asked, in the last form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Who.
    pub remote: IpAddr,
    /// From which port, last.
    pub port: u16,
    /// At which of the daemon's addresses; `None` in the form before, which did not tell.
    pub local: Option<IpAddr>,
    /// How many packets.
    pub count: u32,
    /// Their mode.
    pub mode: u8,
    /// Their version.
    pub version: u8,
    /// Which restrictions they met.
    pub restrictions: u32,
    /// How far apart on average, in s.
    pub average_interval: u32,
    /// Since the last, in s.
    pub last_interval: u32,
}

impl Heard {
    /// Reads an item of the last form.
    pub fn parse(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        let [average_interval, last_interval, restrictions, count] = [(); 4].map(|()| fields.u32());
        let (remote, local) = (fields.v4(), fields.v4());
        // Whether it was to a group.
        fields.skip::<4>();
        let port = fields.u16();
        let [mode, version] = fields.array();
        let is_v6 = fields.flag();
        fields.skip::<4>();
        Self {
            remote: either(is_v6, remote, fields.v6()),
            port,
            local: Some(either(is_v6, local, fields.v6())),
            count,
            mode,
            version,
            restrictions,
            average_interval,
            last_interval,
        }
    }

    /// Reads an item of the form before.
    pub fn parse_first(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        let [average_interval, last_interval, restrictions, count] = [(); 4].map(|()| fields.u32());
        let remote = fields.v4();
        let port = fields.u16();
        let [mode, version] = fields.array();
        let is_v6 = fields.flag();
        fields.skip::<4>();
        Self {
            remote: either(is_v6, remote, fields.v6()),
            port,
            local: None,
            count,
            mode,
            version,
            restrictions,
            average_interval,
            last_interval,
        }
    }
}

/// Somebody who asked, in the oldest form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeardOfOld {
    /// Who.
    pub remote: IpAddr,
    /// From which port, last.
    pub port: u16,
    /// How many packets.
    pub count: u32,
    /// Their mode.
    pub mode: u8,
    /// Their version.
    pub version: u8,
    /// Since the last, in s.
    pub since_last: u32,
    /// Since the first, in s.
    pub since_first: u32,
}

impl HeardOfOld {
    /// Bytes of an item, by which this form is known.
    pub const LEN: usize = 40;

    /// Reads an item.
    pub fn parse(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        let [since_last, since_first, count] = [(); 3].map(|()| fields.u32());
        let remote = fields.v4();
        let port = fields.u16();
        let [mode, version] = fields.array();
        let is_v6 = fields.flag();
        Self {
            remote: either(is_v6, remote, fields.v6()),
            port,
            count,
            mode,
            version,
            since_last,
            since_first,
        }
    }
}

//! What replies tell of reference clocks.

use std::net::Ipv4Addr;

use crate::wire::mode7::fields::{Fields, Fixed};

/// The state of a reference clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Its address, 127.127.type.unit.
    pub address: Ipv4Addr,
    /// The type of its driver.
    pub kind: u8,
    /// Its flags 1 to 4, the first lowest.
    pub flags: u8,
    /// The last event.
    pub last_event: u8,
    /// Its status.
    pub status: u8,
    /// How often it was asked.
    pub polls: u32,
    /// How often it did not answer.
    pub no_response: u32,
    /// Answers that could not be read.
    pub bad_format: u32,
    /// Answers that made no sense.
    pub bad_data: u32,
    /// Since it was started, in s.
    pub running: u32,
    /// What is added to its times, in s.
    pub time1: Fixed,
    /// What a second parameter of its driver is, in s mostly.
    pub time2: Fixed,
    /// Its stratum.
    pub stratum: u32,
    /// Its letters.
    pub reference_id: [u8; 4],
}

impl Clock {
    /// Reads an item.
    pub fn parse(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        let address = fields.v4();
        let [kind, flags, last_event, status] = fields.array();
        let [polls, no_response, bad_format, bad_data, running] = [(); 5].map(|()| fields.u32());
        Self {
            address,
            kind,
            flags,
            last_event,
            status,
            polls,
            no_response,
            bad_format,
            bad_data,
            running,
            time1: fields.long(),
            time2: fields.long(),
            stratum: fields.u32(),
            reference_id: fields.array(),
        }
    }
}

/// What the driver of a reference clock keeps for those who write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debugging {
    /// Its address.
    pub address: Ipv4Addr,
    /// How many of the values it uses; it may claim more than there are.
    pub value_count: u8,
    /// How many of the times it uses; it may claim more than there are.
    pub time_count: u8,
    /// Which values are signed, the first lowest.
    pub signed_values: u16,
    /// Which times are spans rather than dates, the first lowest.
    pub signed_times: u32,
    /// The values.
    pub values: [u32; VALUES],
    /// The times, in s.
    pub times: [Fixed; TIMES],
}

impl Debugging {
    /// Reads an item.
    pub fn parse(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        Self {
            address: fields.v4(),
            value_count: fields.u8(),
            time_count: fields.u8(),
            signed_values: fields.u16(),
            signed_times: fields.u32(),
            values: [(); VALUES].map(|()| fields.u32()),
            times: [(); TIMES].map(|()| fields.long()),
        }
    }
}

/// Values that there is room for.
pub const VALUES: usize = 16;

/// Times that there is room for.
pub const TIMES: usize = 32;

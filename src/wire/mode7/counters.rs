//! What replies tell in counters.
//!
//! Each is the same: so many words, of which a few are narrower. They count since the daemon's
//! start or the last reset, which all but the first say as `since_reset`, in s.

use crate::wire::mode7::fields::Fields;

macro_rules! counters {
    ($($(#[$doc:meta])+ $name:ident { $($(#[$field_doc:meta])+ $field:ident: $width:ident,)+ })+) => {
        $(
            $(#[$doc])+
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $name {
                $($(#[$field_doc])+ pub $field: $width,)+
            }

            impl $name {
                /// Reads an item.
                pub fn parse(item: &[u8]) -> Self {
                    let mut fields = Fields::new(item);
                    Self { $($field: fields.$width(),)+ }
                }
            }
        )+
    };
}

counters! {
    /// Packets.
    SystemStatistics {
        /// Since the daemon's start, in s.
        up: u32,
        /// Since the last reset, in s.
        since_reset: u32,
        /// Packets that a restriction kept out.
        denied: u32,
        /// Packets of an earlier version.
        old_version: u32,
        /// Packets of the current version.
        current_version: u32,
        /// Packets of an unknown version, or declined for another reason.
        declined: u32,
        /// Packets of a length or form that is not allowed.
        bad_length: u32,
        /// Packets that were used.
        processed: u32,
        /// Packets with a wrong code.
        bad_authentication: u32,
        /// All packets.
        received: u32,
        /// Packets that came too often.
        rate_exceeded: u32,
        /// Packets of some who were ahead of their own past.
        lamport: u32,
        /// Readings of the clock that went backwards by rounding.
        rounding: u32,
    }

    /// Input and output.
    IoStatistics {
        /// Since the last reset, in s.
        since_reset: u32,
        /// Buffers for packets.
        receive_buffers: u16,
        /// Of these, free.
        free_buffers: u16,
        /// Of these, full.
        used_buffers: u16,
        /// How often there were too few.
        refills: u16,
        /// Packets dropped for want of one.
        dropped: u32,
        /// Packets that were not for the daemon.
        ignored: u32,
        /// Packets received.
        received: u32,
        /// Packets sent.
        sent: u32,
        /// Packets that could not be sent.
        not_sent: u32,
        /// Interrupts handled.
        interrupts: u32,
        /// Packets received by them.
        received_by_interrupt: u32,
    }

    /// The timer.
    TimerStatistics {
        /// Since the last reset, in s.
        since_reset: u32,
        /// Ticks handled.
        alarms: u32,
        /// Ticks missed.
        overruns: u32,
        /// Polls sent.
        transmits: u32,
    }

    /// Keys and digests.
    AuthenticationInfo {
        /// Since the last reset, in s.
        since_reset: u32,
        /// Keys known.
        stored: u32,
        /// Room for more.
        free: u32,
        /// Keys looked up.
        lookups: u32,
        /// Of these, not found.
        not_found: u32,
        /// Digests made.
        encryptions: u32,
        /// Digests checked.
        decryptions: u32,
        /// Keys that expired.
        expired: u32,
        /// Keys looked up past the last one used.
        uncached: u32,
    }

    /// Mode 6.
    ControlStatistics {
        /// Since the last reset, in s.
        since_reset: u32,
        /// Requests received.
        requests: u32,
        /// Requests that were not as they should be.
        bad: u32,
        /// Responses sent.
        responses: u32,
        /// Fragments sent.
        fragments: u32,
        /// Errors sent.
        errors: u32,
        /// Requests too short.
        too_short: u32,
        /// Responses where a request should be.
        input_responses: u32,
        /// Fragments where a request should be.
        input_fragments: u32,
        /// Errors where a request should be.
        input_errors: u32,
        /// Requests with an offset.
        bad_offset: u32,
        /// Requests of an unknown version.
        bad_version: u32,
        /// Requests with less data than they claim.
        data_too_short: u32,
        /// Requests with an unknown opcode.
        bad_opcode: u32,
        /// Events told unasked.
        asynchronous: u32,
    }
}

/// Memory for associations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryStatistics {
    /// Since the last reset, in s.
    pub since_reset: u32,
    /// Room for associations.
    pub total: u16,
    /// Of that, free.
    pub free: u16,
    /// How often one was looked for.
    pub lookups: u32,
    /// How often one was made.
    pub allocations: u32,
    /// How often one was removed.
    pub demobilizations: u32,
    /// How many stand in each place of the table.
    pub hash_counts: [u8; HASH_SIZE],
}

impl MemoryStatistics {
    /// Reads an item.
    pub fn parse(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        Self {
            since_reset: fields.u32(),
            total: fields.u16(),
            free: fields.u16(),
            lookups: fields.u32(),
            allocations: fields.u32(),
            demobilizations: fields.u32(),
            hash_counts: fields.array(),
        }
    }
}

/// Places in the table of associations.
pub const HASH_SIZE: usize = 128;

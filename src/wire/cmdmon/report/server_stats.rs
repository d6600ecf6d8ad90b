//! `SERVER_STATS`: what was served and what was dropped, in the four layouts there have been.

use std::time::Duration;

use crate::wire::Malformed;
use crate::wire::cmdmon::ReplyType;
use crate::wire::reader::Reader;

/// The counters of `chronyc serverstats`, since the daemon started.
///
/// Each layout has what the one before it had; what it lacks is `None`. Of the last the counters
/// have 64 bits, of the others 32, so that those go round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerStats {
    /// NTP packets received.
    pub ntp_hits: u64,
    /// Commands received over UDP.
    pub command_hits: u64,
    /// NTP packets dropped to limit a client's rate.
    pub ntp_drops: u64,
    /// Commands dropped to limit a client's rate.
    pub command_drops: u64,
    /// Records of clients dropped for want of memory.
    pub log_drops: u64,
    /// About NTS and authentication: from 4.0.
    pub nts: Option<NtsStats>,
    /// About the interleaved mode: from 4.2.
    pub interleaved: Option<InterleavedStats>,
    /// About timestamps: from 4.4.
    pub stamps: Option<StampStats>,
}

/// Counters of NTS and of authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NtsStats {
    /// Key establishments accepted.
    pub establishment_hits: u64,
    /// Key establishments dropped to limit a client's rate.
    pub establishment_drops: u64,
    /// NTP packets that were authenticated, by NTS or by a key.
    pub authenticated_hits: u64,
}

/// Counters of the interleaved mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterleavedStats {
    /// NTP packets answered in that mode.
    pub hits: u64,
    /// Timestamps that are kept for it.
    pub stored_timestamps: u64,
    /// Time between the oldest and the newest of them.
    pub timestamp_span: Duration,
}

/// Where timestamps came from: received and sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StampStats {
    /// Received, stamped by the daemon itself.
    pub daemon_received: u64,
    /// Sent, stamped by the daemon itself.
    pub daemon_sent: u64,
    /// Received, stamped by the kernel.
    pub kernel_received: u64,
    /// Sent, stamped by the kernel.
    pub kernel_sent: u64,
    /// Received, stamped by the network card.
    pub hardware_received: u64,
    /// Sent, stamped by the network card.
    pub hardware_sent: u64,
}

impl ServerStats {
    /// The layout that holds all that is there.
    pub const fn reply_type(&self) -> ReplyType {
        match self {
            Self { stamps: Some(_), .. } => ReplyType::SERVER_STATS4,
            Self { interleaved: Some(_), .. } => ReplyType::SERVER_STATS3,
            Self { nts: Some(_), .. } => ReplyType::SERVER_STATS2,
            _ => ReplyType::SERVER_STATS,
        }
    }

    /// Reads any of the four layouts.
    pub(super) fn parse(reply: ReplyType, reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        if reply == ReplyType::SERVER_STATS {
            return Self::parse_first(reader);
        }
        let read: Read<'_> = match reply {
            ReplyType::SERVER_STATS4 => Reader::u64,
            _ => |reader, field| reader.u32(field).map(u64::from),
        };
        let mut stats = Self { ntp_hits: read(reader, "NTP hits")?, ..Self::default() };
        let mut nts =
            NtsStats { establishment_hits: read(reader, "NTS-KE hits")?, ..NtsStats::default() };
        stats.command_hits = read(reader, "command hits")?;
        stats.ntp_drops = read(reader, "NTP drops")?;
        nts.establishment_drops = read(reader, "NTS-KE drops")?;
        stats.command_drops = read(reader, "command drops")?;
        stats.log_drops = read(reader, "log drops")?;
        nts.authenticated_hits = read(reader, "authenticated NTP hits")?;
        stats.nts = Some(nts);
        if reply != ReplyType::SERVER_STATS2 {
            stats.interleaved = Some(InterleavedStats {
                hits: read(reader, "interleaved NTP hits")?,
                stored_timestamps: read(reader, "stored timestamps")?,
                timestamp_span: Duration::from_secs(read(reader, "span of timestamps")?),
            });
        }
        if reply == ReplyType::SERVER_STATS4 {
            stats.stamps = Some(StampStats {
                daemon_received: read(reader, "daemon receive timestamps")?,
                daemon_sent: read(reader, "daemon transmit timestamps")?,
                kernel_received: read(reader, "kernel receive timestamps")?,
                kernel_sent: read(reader, "kernel transmit timestamps")?,
                hardware_received: read(reader, "hardware receive timestamps")?,
                hardware_sent: read(reader, "hardware transmit timestamps")?,
            });
            reader.bytes("reserved counters", RESERVED_LEN)?;
        }
        Ok(stats)
    }

    fn parse_first(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut read = |field| reader.u32(field).map(u64::from);
        Ok(Self {
            ntp_hits: read("NTP hits")?,
            command_hits: read("command hits")?,
            ntp_drops: read("NTP drops")?,
            command_drops: read("command drops")?,
            log_drops: read("log drops")?,
            ..Self::default()
        })
    }

    /// Writes the layout of [`ServerStats::reply_type`]. Counters too great for 32 bits go round.
    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        let reply = self.reply_type();
        if reply == ReplyType::SERVER_STATS {
            let counters = [
                self.ntp_hits,
                self.command_hits,
                self.ntp_drops,
                self.command_drops,
                self.log_drops,
            ];
            return emit_narrow(&counters, bytes);
        }
        let nts = self.nts.unwrap_or_default();
        let mut counters = vec![
            self.ntp_hits,
            nts.establishment_hits,
            self.command_hits,
            self.ntp_drops,
            nts.establishment_drops,
            self.command_drops,
            self.log_drops,
            nts.authenticated_hits,
        ];
        if reply != ReplyType::SERVER_STATS2 {
            let interleaved = self.interleaved.unwrap_or_default();
            counters.push(interleaved.hits);
            counters.push(interleaved.stored_timestamps);
            counters.push(interleaved.timestamp_span.as_secs());
        }
        let Some(stamps) = self.stamps else { return emit_narrow(&counters, bytes) };
        counters.extend([
            stamps.daemon_received,
            stamps.daemon_sent,
            stamps.kernel_received,
            stamps.kernel_sent,
            stamps.hardware_received,
            stamps.hardware_sent,
        ]);
        bytes.extend(counters.iter().flat_map(|counter| counter.to_be_bytes()));
        bytes.extend([0xff; RESERVED_LEN]);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a counter of 32 bits goes round")]
fn emit_narrow(counters: &[u64], bytes: &mut Vec<u8>) {
    bytes.extend(counters.iter().flat_map(|counter| (*counter as u32).to_be_bytes()));
}

/// How a counter of a layout is read.
type Read<'a> = fn(&mut Reader<'a>, &'static str) -> Result<u64, Malformed>;

/// Four counters that are not used yet: all ones.
const RESERVED_LEN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cmdmon::Report;
    use crate::wire::cmdmon::report::testing::{assert_layout, words, written};

    fn numbered(layout: ReplyType) -> ServerStats {
        let first = ServerStats {
            ntp_hits: 1,
            command_hits: 3,
            ntp_drops: 4,
            command_drops: 6,
            log_drops: 7,
            ..ServerStats::default()
        };
        let nts = NtsStats { establishment_hits: 2, establishment_drops: 5, authenticated_hits: 8 };
        let interleaved = InterleavedStats {
            hits: 9,
            stored_timestamps: 10,
            timestamp_span: Duration::from_secs(11),
        };
        let stamps = StampStats {
            daemon_received: 12,
            daemon_sent: 13,
            kernel_received: 14,
            kernel_sent: 15,
            hardware_received: 16,
            hardware_sent: 17,
        };
        ServerStats {
            nts: (layout > ReplyType::SERVER_STATS).then_some(nts),
            interleaved: (layout > ReplyType::SERVER_STATS2).then_some(interleaved),
            stamps: (layout > ReplyType::SERVER_STATS3).then_some(stamps),
            ..first
        }
    }

    #[test]
    fn every_layout_is_taken_apart_and_written_again() {
        let narrow: Vec<u32> = (1..=11).collect();
        let wide: Vec<u8> = (1..=17_u64).flat_map(u64::to_be_bytes).collect();
        for (layout, data) in [
            (ReplyType::SERVER_STATS, words(&[1, 3, 4, 6, 7])),
            (ReplyType::SERVER_STATS2, words(&narrow[..8])),
            (ReplyType::SERVER_STATS3, words(&narrow)),
            (ReplyType::SERVER_STATS4, [wide, vec![0xff; 32]].concat()),
        ] {
            let stats = numbered(layout);
            assert_eq!(stats.reply_type(), layout);
            assert_layout(&data, &Report::ServerStats(stats));
        }
    }

    #[test]
    fn the_widest_counters_are_held() {
        let mut data = vec![0xff; 168];
        data[..8].copy_from_slice(&[0, 0, 0, 1, 0, 0, 0, 2]);
        let mut stats =
            ServerStats { ntp_hits: 0x1_0000_0002, ..numbered(ReplyType::SERVER_STATS4) };
        let most = u64::MAX;
        stats.command_hits = most;
        stats.ntp_drops = most;
        stats.command_drops = most;
        stats.log_drops = most;
        stats.nts = Some(NtsStats {
            establishment_hits: most,
            establishment_drops: most,
            authenticated_hits: most,
        });
        stats.interleaved = Some(InterleavedStats {
            hits: most,
            stored_timestamps: most,
            timestamp_span: Duration::from_secs(most),
        });
        stats.stamps = Some(StampStats {
            daemon_received: most,
            daemon_sent: most,
            kernel_received: most,
            kernel_sent: most,
            hardware_received: most,
            hardware_sent: most,
        });
        assert_layout(&data, &Report::ServerStats(stats));
    }

    #[test]
    fn a_narrow_counter_goes_round() {
        let stats = ServerStats { ntp_hits: 0x1_0000_0002, ..ServerStats::default() };
        assert_eq!(written(&Report::ServerStats(stats)), words(&[2, 0, 0, 0, 0]));
    }
}

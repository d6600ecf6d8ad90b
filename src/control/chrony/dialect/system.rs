//! The clock, and what the daemon counts.

use super::{
    age, correction, count, frequency, insert, insert_absent, span, stamp, text, to_nanosecond,
    turned,
};
use crate::model::statistics::Section;
use crate::model::vars::{Variable, system};
use crate::model::{Absent, Value, Values};
use crate::units::{AssocId, Leap, NtpDuration};
use crate::wire::cmdmon::{Activity, RtcReport, ServerStats, Smoothing, Tracking};
use crate::wire::mode6::status::SystemStatus;

/// A report, or why it is not there.
pub(in crate::control::chrony) type Told<T> = Result<T, Absent>;

/// What the system's variables are put together from.
#[derive(Clone, Debug)]
pub(in crate::control::chrony) struct System {
    pub(in crate::control::chrony) tracking: Told<Tracking>,
    pub(in crate::control::chrony) activity: Told<Activity>,
    pub(in crate::control::chrony) served: Told<ServerStats>,
    pub(in crate::control::chrony) smoothing: Told<Smoothing>,
    pub(in crate::control::chrony) rtc: Told<RtcReport>,
}

impl Default for System {
    fn default() -> Self {
        Self {
            tracking: Err(Absent::NotAskedYet),
            activity: Err(Absent::NotAskedYet),
            served: Err(Absent::NotAskedYet),
            smoothing: Err(Absent::NotAskedYet),
            rtc: Err(Absent::NotAskedYet),
        }
    }
}

impl System {
    /// The variables; `version` is what the daemon is taken for, `followed` the association that
    /// the clock follows.
    pub(in crate::control::chrony) fn values(
        &self,
        version: &str,
        followed: Option<AssocId>,
    ) -> Values {
        let mut values = Values::typed([(&system::VERSION, text(version))]);
        match &self.tracking {
            Ok(tracking) => clock(&mut values, tracking, followed),
            Err(why) => insert_absent(&mut values, CLOCK, why),
        }
        match &self.activity {
            Ok(activity) => counts(&mut values, activity),
            Err(why) => insert_absent(&mut values, system::ACTIVITY_ROWS, why),
        }
        match &self.served {
            Ok(served) => service(&mut values, served),
            Err(why) => insert_absent(&mut values, system::SERVICE_ROWS, why),
        }
        match &self.smoothing {
            Ok(smoothing) => smoothed(&mut values, smoothing),
            Err(why) => insert_absent(&mut values, system::SMOOTHING_ROWS, why),
        }
        match &self.rtc {
            Ok(rtc) => real_time_clock(&mut values, rtc),
            Err(why) => insert_absent(&mut values, system::RTC_ROWS, why),
        }
        values
    }

    /// What it counts in one section, or why that is not known.
    pub(in crate::control::chrony) fn section(&self, section: Section) -> Told<Values> {
        let mut values = Values::default();
        match section {
            Section::Service => service(&mut values, self.served.as_ref().map_err(Clone::clone)?),
            Section::Activity => counts(&mut values, self.activity.as_ref().map_err(Clone::clone)?),
            Section::RealTimeClock => {
                real_time_clock(&mut values, self.rtc.as_ref().map_err(Clone::clone)?);
            }
            Section::Smoothing => {
                smoothed(&mut values, self.smoothing.as_ref().map_err(Clone::clone)?);
            }
            _ => return Err(Absent::NotInFamily),
        }
        Ok(values)
    }

    /// The status word that ntpd would have.
    pub(in crate::control::chrony) fn status(&self) -> SystemStatus {
        let Ok(tracking) = &self.tracking else { return SystemStatus::default() };
        let source = match tracking.address.ip() {
            _ if tracking.leap == Leap::Alarm => 0,
            Some(_) => FROM_NTP,
            None if tracking.reference_id.address().is_loopback() => FROM_LOCAL,
            None => FROM_OTHER,
        };
        SystemStatus::from_bits(u16::from(tracking.leap.bits()) << 14 | source << 8)
    }
}

/// The rows of `TRACKING`.
const CLOCK: &[&Variable] = &[
    &system::LEAP,
    &system::STRATUM,
    &system::ROOT_DELAY,
    &system::ROOT_DISPERSION,
    &system::ROOT_DISTANCE,
    &system::REFERENCE_ID,
    &system::REFERENCE_TIME,
    &system::PEER,
    &system::FREQUENCY,
    &system::REFERENCE_ADDRESS,
    &system::SYSTEM_TIME,
    &system::LAST_OFFSET,
    &system::RMS_OFFSET,
    &system::RESIDUAL_FREQUENCY,
    &system::SKEW,
    &system::UPDATE_INTERVAL,
];

fn clock(values: &mut Values, tracking: &Tracking, followed: Option<AssocId>) {
    let distance_s = tracking.root_delay.seconds() / 2.0 + tracking.root_dispersion.seconds();
    for (row, value) in [
        (&system::LEAP, Value::Leap(tracking.leap)),
        (&system::STRATUM, Value::Stratum(tracking.stratum)),
        (&system::ROOT_DELAY, span(tracking.root_delay)),
        (&system::ROOT_DISPERSION, span(tracking.root_dispersion)),
        (&system::ROOT_DISTANCE, Value::Duration(to_nanosecond(distance_s))),
        (&system::REFERENCE_ID, followed_by(tracking)),
        (&system::PEER, Value::Association(followed.unwrap_or(AssocId::SYSTEM))),
        // Positive on the wire when the clock runs fast, here when it has to be sped up.
        (&system::FREQUENCY, correction(tracking.frequency)),
        (&system::RESIDUAL_FREQUENCY, correction(tracking.residual_frequency)),
        // Positive on the wire when the system clock is behind, as here.
        (&system::SYSTEM_TIME, span(tracking.current_correction)),
        // Positive on the wire when the clock was ahead.
        (&system::LAST_OFFSET, turned(tracking.last_offset)),
        (&system::RMS_OFFSET, span(tracking.rms_offset)),
        (&system::SKEW, frequency(tracking.skew)),
        (&system::UPDATE_INTERVAL, span(tracking.update_interval)),
    ] {
        values.insert(row, Ok(value));
    }
    insert(values, &system::REFERENCE_TIME, stamp(tracking.reference_time));
    insert(values, &system::REFERENCE_ADDRESS, tracking.address.ip().map(Value::Address));
}

/// The reference ID: letters of a reference clock, else what stands for an address.
fn followed_by(tracking: &Tracking) -> Value {
    let id = tracking.reference_id;
    match tracking.address.ip() {
        None if id.code().is_some_and(|code| !code.is_empty()) => Value::ReferenceCode(id),
        _ => Value::ReferenceAddress(id.address()),
    }
}

fn counts(values: &mut Values, activity: &Activity) {
    for (row, number) in [
        (&system::ONLINE, activity.online),
        (&system::OFFLINE, activity.offline),
        (&system::BURST_ONLINE, activity.burst_then_online),
        (&system::BURST_OFFLINE, activity.burst_then_offline),
        (&system::UNRESOLVED, activity.unresolved),
    ] {
        values.insert(row, Ok(count(number)));
    }
}

fn service(values: &mut Values, served: &ServerStats) {
    let number = |number: Option<u64>| number.map(count);
    for (row, value) in [
        (&system::NTP_HITS, Some(served.ntp_hits)),
        (&system::NTP_DROPS, Some(served.ntp_drops)),
        (&system::COMMAND_HITS, Some(served.command_hits)),
        (&system::COMMAND_DROPS, Some(served.command_drops)),
        (&system::LOG_DROPS, Some(served.log_drops)),
        (&system::KEY_ESTABLISHMENTS, served.nts.map(|nts| nts.establishment_hits)),
        (&system::KEY_ESTABLISHMENT_DROPS, served.nts.map(|nts| nts.establishment_drops)),
        (&system::AUTHENTICATED_HITS, served.nts.map(|nts| nts.authenticated_hits)),
        (&system::INTERLEAVED_HITS, served.interleaved.map(|stats| stats.hits)),
        (&system::STAMPS_HELD, served.interleaved.map(|stats| stats.stored_timestamps)),
        (&system::DAEMON_RECEIVE_STAMPS, served.stamps.map(|stamps| stamps.daemon_received)),
        (&system::DAEMON_SEND_STAMPS, served.stamps.map(|stamps| stamps.daemon_sent)),
        (&system::KERNEL_RECEIVE_STAMPS, served.stamps.map(|stamps| stamps.kernel_received)),
        (&system::KERNEL_SEND_STAMPS, served.stamps.map(|stamps| stamps.kernel_sent)),
        (&system::HARDWARE_RECEIVE_STAMPS, served.stamps.map(|stamps| stamps.hardware_received)),
        (&system::HARDWARE_SEND_STAMPS, served.stamps.map(|stamps| stamps.hardware_sent)),
    ] {
        // What a layout lacks, that version of the daemon does not count.
        values.insert(row, number(value).ok_or(Absent::NotInFamily));
    }
    let kept = age(served.interleaved.map(|stats| stats.timestamp_span));
    values.insert(&system::STAMP_SPAN, kept.ok_or(Absent::NotInFamily));
}

fn smoothed(values: &mut Values, smoothing: &Smoothing) {
    let wander = smoothing.wander.parts_per_million();
    for (row, value) in [
        (&system::SMOOTHING_ACTIVE, Value::Flag(smoothing.is_active())),
        (&system::SMOOTHING_LEAP_ONLY, Value::Flag(smoothing.is_leap_only())),
        (&system::SMOOTHING_OFFSET, span(smoothing.offset)),
        (&system::SMOOTHING_FREQUENCY, frequency(smoothing.frequency)),
        (&system::SMOOTHING_WANDER, Value::Real(wander)),
        (&system::SMOOTHING_AGE, span(smoothing.last_update)),
        (&system::SMOOTHING_REMAINING, span(smoothing.remaining)),
    ] {
        values.insert(row, Ok(value));
    }
}

fn real_time_clock(values: &mut Values, rtc: &RtcReport) {
    for (row, value) in [
        (&system::RTC_SAMPLES, count(rtc.samples)),
        (&system::RTC_RUNS, count(rtc.runs)),
        (&system::RTC_SPAN, Value::Duration(NtpDuration::from(rtc.span))),
        (&system::RTC_OFFSET, span(rtc.offset)),
        (&system::RTC_FREQUENCY, frequency(rtc.frequency)),
    ] {
        values.insert(row, Ok(value));
    }
    insert(values, &system::RTC_REFERENCE_TIME, stamp(rtc.reference_time));
}

/// Sources of a status word.
const FROM_LOCAL: u16 = 5;
const FROM_NTP: u16 = 6;
const FROM_OTHER: u16 = 7;

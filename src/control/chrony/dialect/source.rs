//! A source: its row and its details.

use super::selection::{self, Standing};
use super::system::Told;
use super::{age, count, frequency, insert, insert_absent, reference, span, stamp, text, turned};
use crate::model::vars::{Variable, peer};
use crate::model::{Absent, Value, Values};
use crate::units::{KeyId, Mode, RefId};
use crate::wire::cmdmon::report::{AuthMode, SourceMode, StampedBy};
use crate::wire::cmdmon::{AuthData, NtpData, SelectData, SourceData, SourceId, SourceStats};
use crate::wire::mode6::status::PeerStatus;

/// What is known of a source, report by report.
#[derive(Clone, Debug)]
pub(in crate::control::chrony) struct Reports {
    pub(in crate::control::chrony) data: SourceData,
    pub(in crate::control::chrony) stats: Told<SourceStats>,
    pub(in crate::control::chrony) select: Told<SelectData>,
    pub(in crate::control::chrony) ntp: Told<NtpData>,
    pub(in crate::control::chrony) auth: Told<AuthData>,
    /// Its name as configured, where it is one that can be shown.
    pub(in crate::control::chrony) name: Option<Box<str>>,
}

impl Reports {
    /// A source of which no more is known yet.
    pub(in crate::control::chrony) const fn new(data: SourceData) -> Self {
        Self {
            data,
            stats: Err(Absent::NotAskedYet),
            select: Err(Absent::NotAskedYet),
            ntp: Err(Absent::NotAskedYet),
            auth: Err(Absent::NotAskedYet),
            name: None,
        }
    }

    /// What it is known by.
    pub(in crate::control::chrony) fn id(&self) -> SourceId {
        self.data.id()
    }

    /// What the daemon made of it.
    pub(in crate::control::chrony) fn standing(&self) -> Standing {
        selection::standing(&self.data, self.select.as_ref().ok())
    }

    /// The letters of a reference clock.
    fn clock(&self) -> Option<RefId> {
        match self.id() {
            SourceId::ReferenceClock(letters) => Some(letters),
            SourceId::Address(_) => None,
        }
    }

    /// The status word that ntpd would have.
    pub(in crate::control::chrony) fn status(&self) -> PeerStatus {
        let flag = |is_set: bool, bit: u16| if is_set { bit } else { 0 };
        let keyed = self.auth.as_ref().is_ok_and(|auth| auth.mode != AuthMode::None);
        let selected = self.select.as_ref().is_ok_and(|select| select.authenticated != 0);
        let packet = self.ntp.as_ref().is_ok_and(|ntp| ntp.tests.is_authenticated());
        let flags = flag(true, CONFIGURED)
            | flag(keyed || selected, KEYED)
            | flag(packet, AUTHENTIC)
            | flag(self.data.reach.is_reachable(), REACHABLE);
        PeerStatus::from_bits((flags | u16::from(self.standing().tally.bits())) << 8)
    }

    /// What the peers table shows: of the source, its statistics and its selection.
    pub(in crate::control::chrony) fn row(&self) -> Values {
        let data = &self.data;
        let clock = self.clock();
        let mut values = Values::typed([
            (&peer::REACH, Value::Reach(data.reach)),
            (&peer::HOST_MODE, Value::Mode(mode(data))),
            (&peer::HOST_POLL, Value::Poll(data.poll)),
            (&peer::IS_REFERENCE_CLOCK, Value::Flag(clock.is_some())),
        ]);
        let address = data.address.ip().filter(|_| clock.is_none());
        insert(&mut values, &peer::SOURCE, address.map(Value::Address));
        let letters = clock.and_then(RefId::code);
        let shown = address.map(|address| address.to_string());
        let name = self.name.as_deref().filter(|name| Some(*name) != shown.as_deref());
        insert(&mut values, &peer::SOURCE_HOST, letters.as_deref().or(name).map(text));

        let is_measured = data.last_sample.is_some();
        let measured = |value: Value| is_measured.then_some(value);
        let stratum = Value::Stratum(data.stratum);
        insert(&mut values, &peer::STRATUM, (is_measured || clock.is_some()).then_some(stratum));
        insert(&mut values, &peer::SAMPLE_AGE, age(data.last_sample));
        insert(&mut values, &peer::OFFSET, measured(turned(data.adjusted_offset)));
        insert(&mut values, &peer::MEASURED_OFFSET, measured(turned(data.measured_offset)));
        insert(&mut values, &peer::ERROR_BOUND, measured(span(data.error_bound)));
        match &self.stats {
            Ok(stats) => statistics(&mut values, stats),
            Err(why) => insert_absent(&mut values, STATISTICS, why),
        }
        self.selection(&mut values);
        values
    }

    fn selection(&self, values: &mut Values) {
        let standing = self.standing();
        values.insert(&peer::SELECTION, Ok(text(standing.word)));
        values.insert(&peer::SELECTION_REASON, Ok(text(standing.reason)));
        values.insert(&peer::SELECTION_LETTER, Ok(text(&standing.letter.to_string())));
        let select = match &self.select {
            Ok(select) => select,
            Err(why) => return insert_absent(values, CHOICE, why),
        };
        let words = |words: Vec<&'static str>| text(&words.join(" "));
        for (row, value) in [
            (&peer::AUTHENTICATED, Value::Flag(select.authenticated != 0)),
            (&peer::SELECTION_LEAP, Value::Leap(select.leap)),
            (&peer::CONFIGURED_OPTIONS, words(select.configured.words().collect())),
            (&peer::EFFECTIVE_OPTIONS, words(select.effective.words().collect())),
            (&peer::SCORE, Value::Real(select.score.value())),
        ] {
            values.insert(row, Ok(value));
        }
        insert(values, &peer::SELECTION_AGE, age(select.last_sample));
        let limits = selection::limits(select);
        // What is low by the wire's sign is high by ours.
        insert(values, &peer::LOW_LIMIT, limits.map(|(low, _)| Value::Duration(low)));
        insert(values, &peer::HIGH_LIMIT, limits.map(|(_, high)| Value::Duration(high)));
    }

    /// Its last packet, and how it is authenticated.
    pub(in crate::control::chrony) fn details(&self) -> Values {
        let mut values = Values::typed([]);
        // A reference clock sends no packets: it is read through a driver.
        let is_clock = self.clock().is_some();
        match &self.ntp {
            Ok(ntp) if !is_clock => packet(&mut values, ntp),
            told => lacking(&mut values, &[PACKET, peer::PACKET_ROWS], told, is_clock),
        }
        match &self.auth {
            Ok(auth) if !is_clock => authentication(&mut values, auth),
            told => lacking(&mut values, &[AUTHENTICATION, peer::AUTH_ROWS], told, is_clock),
        }
        values
    }
}

/// Says why none of `rows` is there: as it was told, or because there is no such thing.
fn lacking<T>(values: &mut Values, rows: &[&[&'static Variable]], told: &Told<T>, is_clock: bool) {
    let why = match told {
        Err(why) if !is_clock => why,
        _ => &Absent::NotInFamily,
    };
    for rows in rows {
        insert_absent(values, rows, why);
    }
}

const fn mode(data: &SourceData) -> Mode {
    match data.mode {
        SourceMode::Peer => Mode::SymmetricActive,
        _ => Mode::Client,
    }
}

fn statistics(values: &mut Values, stats: &SourceStats) {
    let is_known = stats.samples > 0;
    let known = |value: Value| is_known.then_some(value);
    values.insert(&peer::SAMPLES, Ok(count(stats.samples)));
    values.insert(&peer::RUNS, Ok(count(stats.runs)));
    values.insert(&peer::SPAN, Ok(Value::Duration(stats.span.into())));
    insert(values, &peer::JITTER, known(span(stats.standard_deviation)));
    // Positive on the wire when the local clock gains; here when the source does.
    insert(values, &peer::RESIDUAL_FREQUENCY, known(super::correction(stats.residual_frequency)));
    insert(values, &peer::SKEW, known(frequency(stats.skew)));
    insert(values, &peer::ESTIMATED_OFFSET, known(turned(stats.estimated_offset)));
    insert(values, &peer::OFFSET_ERROR, known(span(stats.offset_error)));
}

fn packet(values: &mut Values, ntp: &NtpData) {
    let header = &ntp.header;
    let is_heard = header.version != 0;
    let heard = |value: Value| is_heard.then_some(value);
    for (row, value) in [
        (&peer::SOURCE_PORT, Value::Unsigned(ntp.remote_port.into())),
        (&peer::PACKET_VERSION, Value::Unsigned(header.version.into())),
        (&peer::SENT, count(ntp.totals.sent)),
        (&peer::RECEIVED, count(ntp.totals.received)),
        (&peer::VALID, count(ntp.totals.valid)),
        (&peer::PACKET_TESTS, text(&ntp.tests.to_string())),
        (&peer::IS_INTERLEAVED, Value::Flag(ntp.tests.is_interleaved())),
        (&peer::AUTHENTIC, Value::Flag(ntp.tests.is_authenticated())),
    ] {
        values.insert(row, Ok(value));
    }
    let failed: Vec<_> = ntp.tests.failed().map(|test| test.failure).collect();
    let failed = if failed.is_empty() { "none".into() } else { failed.join("; ") };
    for (row, value) in [
        (&peer::LEAP, Value::Leap(header.leap)),
        (&peer::PEER_MODE, Value::Mode(header.mode)),
        (&peer::PACKET_STRATUM, Value::Stratum(header.stratum)),
        (&peer::PACKET_POLL, Value::Poll(header.poll)),
        (&peer::PRECISION, Value::Precision(header.precision)),
        (&peer::ROOT_DELAY, span(header.root_delay)),
        (&peer::ROOT_DISPERSION, span(header.root_dispersion)),
        (&peer::REFERENCE_ID, reference(header.reference_id, header.stratum)),
        // NTP's own sign, as everywhere here.
        (&peer::PACKET_OFFSET, span(ntp.sample.offset)),
        (&peer::DELAY, span(ntp.sample.peer_delay)),
        (&peer::PACKET_DISPERSION, span(ntp.sample.peer_dispersion)),
        (&peer::RESPONSE_TIME, span(ntp.sample.response_time)),
        (&peer::JITTER_ASYMMETRY, Value::Real(ntp.sample.jitter_asymmetry.value())),
        (&peer::FAILED_TESTS, text(&failed)),
    ] {
        insert(values, row, heard(value));
    }
    insert(values, &peer::REFERENCE_TIME, stamp(header.reference_time));
    insert(values, &peer::DESTINATION, ntp.local.ip().map(Value::Address));
    insert(values, &peer::SENT_STAMP, stamped_by(ntp.sent_by));
    insert(values, &peer::RECEIVED_STAMP, stamped_by(ntp.received_by));
    // What a layout lacks, that version of the daemon does not count.
    let counted = |number: Option<u32>| number.map(count).ok_or(Absent::NotInFamily);
    values.insert(&peer::GOOD, counted(ntp.totals.good));
    for (row, number) in [
        (&peer::KERNEL_SENT, ntp.stamps.map(|stamps| stamps.kernel_sent)),
        (&peer::KERNEL_RECEIVED, ntp.stamps.map(|stamps| stamps.kernel_received)),
        (&peer::HARDWARE_SENT, ntp.stamps.map(|stamps| stamps.hardware_sent)),
        (&peer::HARDWARE_RECEIVED, ntp.stamps.map(|stamps| stamps.hardware_received)),
    ] {
        values.insert(row, counted(number));
    }
}

fn stamped_by(by: StampedBy) -> Option<Value> {
    Some(text(match by {
        StampedBy::Nobody => return None,
        StampedBy::Daemon => "daemon",
        StampedBy::Kernel => "kernel",
        StampedBy::Hardware => "hardware",
        StampedBy::Other(_) => "?",
    }))
}

fn authentication(values: &mut Values, auth: &AuthData) {
    let is_nts = auth.mode == AuthMode::Nts;
    let mode = match auth.mode {
        AuthMode::None => "none",
        AuthMode::SymmetricKey => "symmetric key",
        AuthMode::Nts => "NTS",
        AuthMode::Other(_) => "?",
    };
    values.insert(&peer::AUTH_MODE, Ok(text(mode)));
    let key = if is_nts { None } else { KeyId::new(auth.key_id) };
    values.insert(&peer::KEY_ID, Ok(Value::Key(key)));
    let keyed = |value: Value| (auth.mode != AuthMode::None).then_some(value);
    let algorithm = auth.algorithm().map_or_else(|| auth.key_type.to_string(), Into::into);
    insert(values, &peer::KEY_ALGORITHM, keyed(text(&algorithm)));
    insert(values, &peer::KEY_LENGTH, keyed(count(auth.key_bits)));
    let nts = |value: Value| is_nts.then_some(value);
    insert(values, &peer::NTS_KEY, nts(count(auth.key_id)));
    insert(values, &peer::ESTABLISHMENT_AGE, age(auth.last_establishment));
    insert(values, &peer::ESTABLISHMENT_ATTEMPTS, nts(count(auth.establishment_attempts)));
    insert(values, &peer::NTS_COOKIES, nts(Value::Signed(auth.cookies.into())));
    insert(values, &peer::COOKIE_LENGTH, nts(count(auth.cookie_len)));
    insert(values, &peer::NTS_NAKS, nts(count(auth.naks)));
}

/// What only the statistics tell.
const STATISTICS: &[&Variable] = &[
    &peer::JITTER,
    &peer::SAMPLES,
    &peer::RUNS,
    &peer::SPAN,
    &peer::RESIDUAL_FREQUENCY,
    &peer::SKEW,
    &peer::ESTIMATED_OFFSET,
    &peer::OFFSET_ERROR,
];

/// What only the report on the selection tells.
const CHOICE: &[&Variable] = &[
    &peer::AUTHENTICATED,
    &peer::SELECTION_LEAP,
    &peer::CONFIGURED_OPTIONS,
    &peer::EFFECTIVE_OPTIONS,
    &peer::SELECTION_AGE,
    &peer::SCORE,
    &peer::LOW_LIMIT,
    &peer::HIGH_LIMIT,
];

/// What only the last packet tells, besides the rows that are its alone.
const PACKET: &[&Variable] = &[
    &peer::SOURCE_PORT,
    &peer::SENT,
    &peer::RECEIVED,
    &peer::AUTHENTIC,
    &peer::LEAP,
    &peer::PEER_MODE,
    &peer::PRECISION,
    &peer::ROOT_DELAY,
    &peer::ROOT_DISPERSION,
    &peer::REFERENCE_ID,
    &peer::REFERENCE_TIME,
    &peer::DELAY,
    &peer::DESTINATION,
];

/// What only the report on authentication tells, besides the rows that are its alone.
const AUTHENTICATION: &[&Variable] = &[&peer::KEY_ID, &peer::NTS_COOKIES];

/// Flags of a status word.
const CONFIGURED: u16 = 0x80;
const KEYED: u16 = 0x40;
const AUTHENTIC: u16 = 0x20;
const REACHABLE: u16 = 0x10;

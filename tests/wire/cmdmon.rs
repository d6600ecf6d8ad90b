//! chronyd's commands and answers as it was sent and as it sent them.

mod properties;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use ntpscope::units::PollExponent;
use ntpscope::wire::Malformed;
use ntpscope::wire::cmdmon::report::{Accesses, ClientAccess};
use ntpscope::wire::cmdmon::{
    Body, Change, Command, LEAST_REQUEST_LEN, NtpData, REQUEST_HEADER_LEN, Reply, Report, Request,
    RequestHeader, RequestKey, ServerStats, SourceData, SourceId, Status,
};

use crate::captures::{self, Capture};

fn exchanges() -> impl Iterator<Item = Capture> {
    captures::all().into_iter().filter(Capture::is_cmdmon)
}

fn reply(name: &str) -> Reply {
    Reply::parse(Capture::named(name).replies().next().unwrap()).unwrap()
}

fn source(name: &str) -> SourceData {
    match reply(name).report {
        Report::SourceData(source) => source,
        other => panic!("{other:?}"),
    }
}

fn ntp_data(name: &str) -> NtpData {
    match reply(name).report {
        Report::NtpData(data) => *data,
        other => panic!("{other:?}"),
    }
}

#[test]
fn captures_read_as_what_they_are() {
    let mut texts = BTreeMap::<_, String>::new();
    for capture in exchanges() {
        let name = capture.name.strip_prefix("chrony-").unwrap();
        let reply = Reply::parse(capture.replies().next().unwrap()).unwrap();
        let topic = match reply.report {
            Report::SourceData(_) => "sources",
            Report::SourceStats(_) | Report::SelectData(_) => "selection",
            Report::NtpData(_) | Report::AuthData(_) | Report::SourceName(_) => "packets",
            Report::ClientAccesses(_) | Report::ServerStats(_) => "served",
            Report::Nothing => "bare",
            _ => "clock",
        };
        let text = texts.entry(topic).or_default();
        writeln!(text, "{name}").unwrap();
        match Request::parse(capture.request()) {
            Ok(request) => writeln!(text, "  {}", question(&request)).unwrap(),
            Err(error) => writeln!(text, "  {error}").unwrap(),
        }
        writeln!(text, "  #{:08x} {}{}", reply.sequence, reply.status, summary(&reply.report))
            .unwrap();
    }
    for (topic, text) in texts {
        insta::assert_snapshot!(format!("cmdmon_{topic}"), text);
    }
}

#[test]
fn captures_are_emitted_again_byte_for_byte() {
    for capture in exchanges() {
        let bytes = capture.request();
        match Request::parse(bytes) {
            Ok(request) => {
                let again = request.emit();
                assert!(again.starts_with(bytes), "{}", capture.name);
                let is_short = capture.name == "chrony-udp-too-short";
                assert_eq!(again.len() > bytes.len(), is_short, "{}", capture.name);
            }
            Err(error) => {
                assert_eq!(capture.name, "chrony-udp-version-5", "{error}");
            }
        }
        for bytes in capture.replies() {
            assert_eq!(Reply::parse(bytes).unwrap().emit(), bytes, "{}", capture.name);
        }
    }
}

#[test]
fn every_reply_answers_its_own_request() {
    let keys: Vec<_> = exchanges()
        .map(|capture| {
            let header = RequestHeader::parse(capture.request()).unwrap();
            RequestKey { command: header.command, sequence: header.sequence }
        })
        .collect();
    for (place, capture) in exchanges().enumerate() {
        let reply = Reply::parse(capture.replies().next().unwrap()).unwrap();
        let answered: Vec<_> = (0..keys.len()).filter(|k| reply.answers(keys[*k])).collect();
        assert_eq!(answered, [place], "{}", capture.name);
    }
}

#[test]
fn another_version_is_named() {
    let capture = Capture::named("chrony-udp-version-5");
    assert_eq!(
        Request::parse(capture.request()),
        Err(Malformed::Invalid { field: "version", position: 0, value: 5 })
    );
    assert_eq!(reply("chrony-udp-version-5").status, Status::BadPacketVersion);
}

#[test]
fn a_request_too_short_is_told_by_the_table() {
    let bytes = Capture::named("chrony-udp-too-short").request().to_vec();
    assert!(bytes.len() < Command::TRACKING.request_len());
    assert_eq!(reply("chrony-udp-too-short").status, Status::BadPacketLength);
}

// The same source, asked about in two ways within a second.
#[test]
fn the_offsets_of_two_reports_have_opposite_signs() {
    let (source, packet) = (source("chrony-source-data"), ntp_data("chrony-ntp-data"));
    assert_eq!(source.address, packet.remote);
    let sum = source.measured_offset.seconds() + packet.sample.offset.seconds();
    assert!(sum.abs() < 1e-15, "{sum}");
}

// A relay made it 40 ms ahead.
#[test]
fn a_source_that_is_ahead_has_a_negative_offset() {
    let ahead = source("chrony-source-data-falseticker");
    assert!((ahead.measured_offset.seconds() + 0.04).abs() < 1e-5);
    let Report::SelectData(selection) = reply("chrony-select-data-falseticker").report else {
        panic!("no selection")
    };
    assert!(selection.low_limit.seconds() < -0.04 && selection.high_limit.seconds() < -0.039);
}

#[test]
fn the_three_reports_of_a_reference_clock_name_it_alike() {
    let source = source("chrony-source-data-refclock").id();
    let Report::SourceStats(stats) = reply("chrony-sourcestats-refclock").report else {
        panic!("no statistics")
    };
    let Report::SelectData(selection) = reply("chrony-select-data-refclock").report else {
        panic!("no selection")
    };
    assert!(matches!(source, SourceId::ReferenceClock(_)));
    assert_eq!((source, source), (stats.id(), selection.id()));
    assert_eq!(source.to_string(), "TST7");
}

#[test]
fn a_time_entered_behind_the_clock_is_an_offset_ahead() {
    let Report::ManualTimestamp(done) = reply("chrony-settime").report else {
        panic!("no answer to settime")
    };
    let Report::ManualList(list) = reply("chrony-manual-list").report else { panic!("no list") };
    let entered = match Request::parse(Capture::named("chrony-settime").request()).unwrap().body {
        Body::Change(Change::SetTime(time)) => time,
        other => panic!("{other:?}"),
    };
    let [sample] = list.samples[..] else { panic!("{list:?}") };
    assert!(sample.when > entered);
    let ahead = f64::from(sample.when.nanoseconds() - entered.nanoseconds()) * 1e-9;
    assert!((sample.original_offset.seconds() - ahead).abs() < 1e-7);
    assert_eq!(done.offset, sample.original_offset);
}

#[test]
fn a_cut_reply_is_malformed() {
    for capture in exchanges() {
        let bytes = capture.replies().next().unwrap();
        for len in 0..bytes.len() {
            assert!(Reply::parse(&bytes[..len]).is_err(), "{} at {len}", capture.name);
        }
    }
}

#[test]
fn a_cut_request_is_malformed_within_its_data() {
    for capture in exchanges() {
        let bytes = capture.request();
        let Ok(whole) = Request::parse(bytes) else { continue };
        let Some(row) = whole.body.command().row() else { continue };
        for len in 0..bytes.len() {
            let cut = Request::parse(&bytes[..len]);
            assert_eq!(cut.is_ok(), len >= REQUEST_HEADER_LEN + row.data_len, "{}", capture.name);
            let is_dropped = RequestHeader::parse(&bytes[..len]).is_err();
            assert_eq!(is_dropped, len < LEAST_REQUEST_LEN, "{}", capture.name);
        }
    }
}

#[test]
fn any_one_byte_may_be_wrong() {
    for capture in exchanges() {
        for datagram in &capture.datagrams {
            for place in 0..datagram.bytes.len() {
                for value in [0, 1, 0x7f, 0x80, 0xff] {
                    let mut bytes = datagram.bytes.clone();
                    bytes[place] = value;
                    if let Ok(reply) = Reply::parse(&bytes) {
                        let again = reply.emit();
                        assert_eq!(Reply::parse(&again), Ok(reply), "{} {place}", capture.name);
                    }
                    if let Ok(request) = Request::parse(&bytes) {
                        let again = request.emit();
                        assert_eq!(Request::parse(&again), Ok(request), "{} {place}", capture.name);
                    }
                }
            }
        }
    }
}

/// A request in a line.
fn question(request: &Request) -> String {
    let mut line = format!("#{:08x} {}", request.sequence, request.body.command());
    match &request.body {
        Body::SourceData(index) | Body::SourceStats(index) | Body::SelectData(index) => {
            write!(line, " {index}").unwrap();
        }
        Body::NtpData(address)
        | Body::SourceName(address)
        | Body::AuthData(address)
        | Body::CheckAccess(address)
        | Body::CheckCommandAccess(address) => write!(line, " {address}").unwrap(),
        Body::ClientAccesses(range) => write!(line, " {range:?}").unwrap(),
        Body::Change(change) => write!(line, " {change:?}").unwrap(),
        Body::Other { data, .. } => write!(line, " {} bytes", data.len()).unwrap(),
        _ => {}
    }
    line
}

/// A report in a few lines: what a person would want to know of it.
fn summary(report: &Report) -> String {
    match report {
        Report::Nothing => String::new(),
        Report::SourceCount(count) => format!(": {count} sources"),
        Report::SourceData(source) => format!(
            ": {}{} {} stratum {} poll {} reach {} {}\n  measured {:+.9} adjusted {:+.9} ± {:.9}",
            source.mode.character(),
            source.state.character(),
            source.id(),
            source.stratum,
            source.poll.exponent(),
            source.reach,
            age(source.last_sample),
            source.measured_offset.seconds(),
            source.adjusted_offset.seconds(),
            source.error_bound.seconds(),
        ),
        Report::SourceStats(stats) => format!(
            ": {} {} samples {} runs {:?}\n  deviation {:.9} frequency {:+.3} ± {:.3} offset {:+.9} ± {:.9}",
            stats.id(),
            stats.samples,
            stats.runs,
            stats.span,
            stats.standard_deviation.seconds(),
            stats.residual_frequency.parts_per_million(),
            stats.skew.parts_per_million(),
            stats.estimated_offset.seconds(),
            stats.offset_error.seconds(),
        ),
        Report::SelectData(selection) => format!(
            ": {} {} ({}) authenticated {} leap {:?} given {:?} in effect {:?} {}\n  score {} limits {:+.9} {:+.9}",
            selection.state,
            selection.id(),
            selection.state.code().map_or("not known", |code| code.word),
            selection.authenticated,
            selection.leap,
            selection.configured.words().collect::<Vec<_>>(),
            selection.effective.words().collect::<Vec<_>>(),
            age(selection.last_sample),
            selection.score,
            selection.low_limit.seconds(),
            selection.high_limit.seconds(),
        ),
        Report::NtpData(data) => packet(data),
        Report::AuthData(auth) => format!(
            ": {} {} key {} of {} bits, established {} after {} attempts, {} cookies of {}, {} NAKs",
            auth.mode.word(),
            auth.algorithm().unwrap_or("-"),
            auth.key_id,
            auth.key_bits,
            age(auth.last_establishment),
            auth.establishment_attempts,
            auth.cookies,
            auth.cookie_len,
            auth.naks,
        ),
        Report::SourceName(name) => format!(": {:?}", name.text()),
        Report::ClientAccesses(part) => {
            let clients: String = part.clients.iter().map(client).collect();
            format!(": {} of {}{clients}", part.next_index, part.table_size)
        }
        Report::ServerStats(stats) => served(stats),
        Report::Tracking(clock) => format!(
            ": {:?} {} stratum {} {:?} at {}.{:09}\n  correction {:+.9} last {:+.9} RMS {:.9} \
             frequency {:+.3} {:+.3} ± {:.3}\n  root {:.9} {:.9} every {:.1}",
            clock.reference_id.octets(),
            clock.address,
            clock.stratum,
            clock.leap,
            clock.reference_time.seconds(),
            clock.reference_time.nanoseconds(),
            clock.current_correction.seconds(),
            clock.last_offset.seconds(),
            clock.rms_offset.seconds(),
            clock.frequency.parts_per_million(),
            clock.residual_frequency.parts_per_million(),
            clock.skew.parts_per_million(),
            clock.root_delay.seconds(),
            clock.root_dispersion.seconds(),
            clock.update_interval.seconds(),
        ),
        other => format!(": {other:?}"),
    }
}

fn packet(data: &NtpData) -> String {
    let (header, sample, totals) = (data.header, data.sample, data.totals);
    format!(
        ": {}:{} to {} {:?} v{} {:?} stratum {} poll {} precision {} refid {:?}\n  root {:.9} {:.9} \
         offset {:+.9} delay {:.9} dispersion {:.9} response {:.9} asymmetry {}\n  {} \
         interleaved {} authenticated {} {:?} {:?} sent {} received {} valid {} good {:?}{}",
        data.remote,
        data.remote_port,
        data.local,
        header.leap,
        header.version,
        header.mode,
        header.stratum,
        header.poll.exponent(),
        header.precision.exponent(),
        header.reference_id.octets(),
        header.root_delay.seconds(),
        header.root_dispersion.seconds(),
        sample.offset.seconds(),
        sample.peer_delay.seconds(),
        sample.peer_dispersion.seconds(),
        sample.response_time.seconds(),
        sample.jitter_asymmetry,
        data.tests,
        data.tests.is_interleaved(),
        data.tests.is_authenticated(),
        data.sent_by,
        data.received_by,
        totals.sent,
        totals.received,
        totals.valid,
        totals.good,
        data.stamps.map(|stamps| format!("\n  {stamps:?}")).unwrap_or_default(),
    )
}

fn client(client: &ClientAccess) -> String {
    let accesses = |accesses: Accesses| {
        let interval = accesses.interval.map(PollExponent::exponent);
        format!("{} −{} {:?} {}", accesses.hits, accesses.drops, interval, age(accesses.last))
    };
    format!(
        "\n  {} NTP {}; NTS-KE {}; commands {}; limited {:?}",
        client.address,
        accesses(client.ntp),
        accesses(client.nts_ke),
        accesses(client.commands),
        client.limited_ntp_interval.map(PollExponent::exponent),
    )
}

fn served(stats: &ServerStats) -> String {
    let mut text = format!(
        ": NTP {} −{} commands {} −{} log −{}",
        stats.ntp_hits, stats.ntp_drops, stats.command_hits, stats.command_drops, stats.log_drops,
    );
    if let Some(nts) = stats.nts {
        write!(text, "\n  {nts:?}").unwrap();
    }
    if let Some(interleaved) = stats.interleaved {
        write!(text, "\n  {interleaved:?}").unwrap();
    }
    if let Some(stamps) = stats.stamps {
        write!(text, "\n  {stamps:?}").unwrap();
    }
    text
}

fn age(age: Option<Duration>) -> String {
    age.map_or_else(|| "never".to_owned(), |age| format!("{age:?} ago"))
}

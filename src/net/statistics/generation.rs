//! Which file of a series is the current one: `filegen`, without files.

use std::time::Duration;

use jiff::civil::{Date, date};
use jiff::{Span, Timestamp};

use crate::config::ntp_conf::records::Cut;

/// What decides which file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970, by the steered clock.
    pub seconds: i64,
    /// How long the program has run.
    pub age: Duration,
    /// Its process number.
    pub pid: u32,
}

/// A file of a series, by what tells it from the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    suffix: String,
    covers: Covers,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Covers {
    Everything,
    Process(u32),
    /// From the first to before the second, in seconds since 1970.
    Time(i64, i64),
    /// The same of the program's age.
    Age(u64, u64),
}

impl Generation {
    /// The one that is current at `moment`.
    pub fn at(cut: Cut, moment: &Moment) -> Self {
        let today = day_of(moment.seconds);
        let (year, month, day) = (today.year(), today.month(), today.day());
        let (suffix, covers) = match cut {
            Cut::None => (String::new(), Covers::Everything),
            Cut::Pid => (format!(".#{}", moment.pid), Covers::Process(moment.pid)),
            Cut::Day => (format!(".{year:04}{month:02}{day:02}"), days(today, Span::new().days(1))),
            Cut::Week => {
                let week = today.iso_week_date();
                let monday = days_before(today, week.weekday().to_monday_zero_offset());
                let suffix = format!(".{:04}w{:02}", week.year(), week.week());
                (suffix, days(monday, Span::new().weeks(1)))
            }
            Cut::Month => {
                let suffix = format!(".{year:04}{month:02}");
                (suffix, days(today.first_of_month(), Span::new().months(1)))
            }
            Cut::Year => (format!(".{year:04}"), days(today.first_of_year(), Span::new().years(1))),
            Cut::Age => {
                let age_s = moment.age.as_secs();
                let from_s = age_s - age_s % DAY_S.unsigned_abs();
                let covers = Covers::Age(from_s, from_s + DAY_S.unsigned_abs());
                (format!(".a{from_s:08}"), covers)
            }
        };
        Self { suffix, covers }
    }

    /// What stands behind the name of the series.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }

    /// Whether it is the current one at `moment`.
    pub fn covers(&self, moment: &Moment) -> bool {
        match self.covers {
            Covers::Everything => true,
            Covers::Process(pid) => pid == moment.pid,
            Covers::Time(from, until) => (from..until).contains(&moment.seconds),
            Covers::Age(from, until) => (from..until).contains(&moment.age.as_secs()),
        }
    }
}

/// The day in UTC. A time that no calendar has is taken for the first day that counts.
fn day_of(seconds: i64) -> Date {
    let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_zoned(jiff::tz::TimeZone::UTC).date()
}

fn days_before(day: Date, count: i8) -> Date {
    day.checked_sub(Span::new().days(count)).unwrap_or(day)
}

/// From the start of `first` for as long as `step`.
fn days(first: Date, step: Span) -> Covers {
    let next = first.checked_add(step).unwrap_or(Date::MAX);
    Covers::Time(start_of(first), start_of(next))
}

fn start_of(day: Date) -> i64 {
    let since = day.since((jiff::Unit::Day, EPOCH));
    since.map_or(0, |since| i64::from(since.get_days()) * DAY_S)
}

const EPOCH: Date = date(1970, 1, 1);

const DAY_S: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that runs for a while, in virtual time: the times at which it began a new file,
    /// with what that is called.
    fn run(cut: Cut, from: &str, hours: u64) -> Vec<(String, String)> {
        let from: Timestamp = from.parse().unwrap();
        let mut current: Option<Generation> = None;
        let mut begun = Vec::new();
        for minute in 0..hours * 60 {
            let age = Duration::from_secs(minute * 60);
            let seconds = from.as_second() + i64::try_from(age.as_secs()).unwrap();
            let moment = Moment { seconds, age, pid: 4711 };
            if current.as_ref().is_none_or(|current| !current.covers(&moment)) {
                let generation = Generation::at(cut, &moment);
                assert!(generation.covers(&moment), "{generation:?}");
                let at = Timestamp::from_second(seconds).unwrap().to_string();
                begun.push((at, generation.suffix().to_owned()));
                current = Some(generation);
            }
        }
        begun
    }

    fn expect(cut: Cut, from: &str, hours: u64, expected: &[(&str, &str)]) {
        let begun = run(cut, from, hours);
        let begun: Vec<_> = begun.iter().map(|(at, name)| (at.as_str(), name.as_str())).collect();
        assert_eq!(begun, expected, "{cut:?}");
    }

    #[test]
    fn a_day_begins_at_midnight_utc() {
        expect(
            Cut::Day,
            "2026-12-30T22:10:00Z",
            30,
            &[
                ("2026-12-30T22:10:00Z", ".20261230"),
                ("2026-12-31T00:00:00Z", ".20261231"),
                ("2027-01-01T00:00:00Z", ".20270101"),
            ],
        );
    }

    #[test]
    fn a_week_begins_on_monday_and_belongs_to_the_year_of_its_thursday() {
        expect(
            Cut::Week,
            "2026-12-27T12:00:00Z",
            200,
            &[
                ("2026-12-27T12:00:00Z", ".2026w52"),
                ("2026-12-28T00:00:00Z", ".2026w53"),
                ("2027-01-04T00:00:00Z", ".2027w01"),
            ],
        );
    }

    #[test]
    fn months_and_years_are_those_of_the_calendar() {
        expect(
            Cut::Month,
            "2028-02-28T23:00:00Z",
            60,
            &[("2028-02-28T23:00:00Z", ".202802"), ("2028-03-01T00:00:00Z", ".202803")],
        );
        expect(
            Cut::Year,
            "2027-12-31T00:00:00Z",
            48,
            &[("2027-12-31T00:00:00Z", ".2027"), ("2028-01-01T00:00:00Z", ".2028")],
        );
    }

    #[test]
    fn an_age_counts_from_the_start_of_the_program() {
        expect(
            Cut::Age,
            "2026-11-21T13:00:00Z",
            49,
            &[
                ("2026-11-21T13:00:00Z", ".a00000000"),
                ("2026-11-22T13:00:00Z", ".a00086400"),
                ("2026-11-23T13:00:00Z", ".a00172800"),
            ],
        );
    }

    #[test]
    fn one_file_lasts_for_ever_and_one_for_the_process() {
        expect(Cut::None, "2026-12-31T00:00:00Z", 48, &[("2026-12-31T00:00:00Z", "")]);
        expect(Cut::Pid, "2026-12-31T00:00:00Z", 48, &[("2026-12-31T00:00:00Z", ".#4711")]);
        let moment = Moment { seconds: 0, age: Duration::ZERO, pid: 4711 };
        assert!(!Generation::at(Cut::Pid, &moment).covers(&Moment { pid: 4712, ..moment }));
    }

    #[test]
    fn a_clock_that_is_stepped_back_goes_back_to_the_file_of_that_day() {
        let at = |seconds| Moment { seconds, age: Duration::ZERO, pid: 1 };
        let today = Generation::at(Cut::Day, &at(1_795_219_200));
        assert!(!today.covers(&at(1_795_219_199)));
        let yesterday = Generation::at(Cut::Day, &at(1_795_219_199));
        assert_eq!((yesterday.suffix(), today.suffix()), (".20261120", ".20261121"));
        // No calendar goes that far: it does not matter which day it is, but that there is one.
        assert_eq!(Generation::at(Cut::Day, &at(i64::MAX)).suffix(), ".19700101");
    }
}

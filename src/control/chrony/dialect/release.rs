//! Which chronyd it is, as far as its answers give away: it tells no version.

use crate::wire::cmdmon::{Command, Release, Report, Status};

/// The versions that a daemon may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::control::chrony) struct Releases {
    /// The oldest, where that is known: versions before 4.0 speak much of the same protocol.
    since: Option<Release>,
    /// The newest; `None` for those to come.
    until: Option<Release>,
}

impl Releases {
    /// Learns from a reply to `command`.
    pub(in crate::control::chrony) fn learn(
        &mut self,
        command: Command,
        status: Status,
        report: &Report,
    ) {
        match (command, status, report) {
            (Command::NULL, Status::Success, _) => self.before(4, 7),
            (Command::NULL, Status::Invalid, _) => self.from(4, 7),
            (Command::SELECT_DATA, Status::Invalid, _) => self.before(4, 0),
            (Command::SELECT_DATA, ..) => self.from(4, 0),
            (_, Status::Success, Report::ServerStats(served)) => {
                match (served.nts, served.interleaved, served.stamps) {
                    (_, _, Some(_)) => self.from(4, 4),
                    (_, Some(_), None) => self.between((4, 2), (4, 4)),
                    (Some(_), None, None) => self.between((4, 0), (4, 2)),
                    (None, None, None) => self.before(4, 0),
                }
            }
            (_, Status::Success, Report::NtpData(data)) => match (data.stamps, data.totals.good) {
                (Some(_), _) => self.from(4, 6),
                (None, Some(_)) => self.between((4, 3), (4, 6)),
                (None, None) => self.before(4, 3),
            },
            _ => {}
        }
    }

    fn from(&mut self, major: u8, minor: u8) {
        self.since = self.since.max(Some(Release::new(major, minor)));
    }

    /// Older than this one.
    fn before(&mut self, major: u8, minor: u8) {
        let last = match minor.checked_sub(1) {
            Some(minor) => Release::new(major, minor),
            // 3.5 was the last before 4.0.
            None => Release::new(major.saturating_sub(1), 5),
        };
        self.until = Some(self.until.map_or(last, |until| until.min(last)));
    }

    fn between(&mut self, first: (u8, u8), next: (u8, u8)) {
        self.from(first.0, first.1);
        self.before(next.0, next.1);
    }

    /// In words.
    pub(in crate::control::chrony) fn version(self) -> String {
        match (self.since, self.until) {
            (Some(since), Some(until)) if since == until => format!("chronyd {since}"),
            (Some(since), Some(until)) if since > until => "chronyd, of no version known".into(),
            (Some(since), Some(until)) if since.minor + 1 == until.minor => {
                format!("chronyd {since} or {until}")
            }
            (Some(since), Some(until)) => format!("chronyd {since} to {until}"),
            (Some(since), None) => format!("chronyd {since} or later"),
            (None, Some(until)) => format!("chronyd {until} or earlier"),
            (None, None) => "chronyd".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cmdmon::ServerStats;
    use crate::wire::cmdmon::report::{InterleavedStats, NtsStats, StampStats};

    fn learned(answers: &[(Command, Status, Report)]) -> String {
        let mut releases = Releases::default();
        for (command, status, report) in answers {
            releases.learn(*command, *status, report);
        }
        releases.version()
    }

    #[test]
    fn what_a_daemon_knows_tells_its_version() {
        let third = ServerStats {
            nts: Some(NtsStats::default()),
            interleaved: Some(InterleavedStats::default()),
            ..ServerStats::default()
        };
        let fourth = ServerStats { stamps: Some(StampStats::default()), ..third };
        let null = |status| (Command::NULL, status, Report::Nothing);
        let stats = |stats| (Command::SERVER_STATS, Status::Success, Report::ServerStats(stats));
        let closed = (Command::SELECT_DATA, Status::Unauthorised, Report::Nothing);
        assert_eq!(learned(&[]), "chronyd");
        assert_eq!(learned(&[null(Status::Success)]), "chronyd 4.6 or earlier");
        assert_eq!(learned(&[null(Status::Success), closed.clone()]), "chronyd 4.0 to 4.6");
        assert_eq!(learned(&[null(Status::Invalid), closed]), "chronyd 4.7 or later");
        assert_eq!(learned(&[stats(third)]), "chronyd 4.2 or 4.3");
        assert_eq!(learned(&[stats(fourth), null(Status::Success)]), "chronyd 4.4 to 4.6");
        let old = (Command::SELECT_DATA, Status::Invalid, Report::Nothing);
        assert_eq!(learned(&[old]), "chronyd 3.5 or earlier");
        assert_eq!(learned(&[stats(third), null(Status::Invalid)]), "chronyd, of no version known");
    }
}

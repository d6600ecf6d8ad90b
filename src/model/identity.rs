//! Which daemon answers: its family and version, read from its `version` variable.

/// Whose names, units and habits a daemon has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// xntpd of the 1990s and what was derived from it, such as Cisco IOS, and ntpd up to 4.2.4:
    /// they keep some names of RFC 1305, which ones differs, so they are asked for their defaults.
    Xntpd,
    /// ntpd 4.2.5 and 4.2.6, without the counters and the names of hosts.
    ClassicTo4_2_6,
    /// ntpd 4.2.7 up to 4.2.8p11.
    ClassicBeforeP12,
    /// ntpd from 4.2.8p12, where the restriction bits changed.
    Classic,
    /// NTPsec before 1.2, without network time security.
    NtpsecBefore1_2,
    /// NTPsec 1.2.0 to 1.2.2.
    NtpsecTo1_2_2,
    /// NTPsec from 1.2.3, where requests are aligned to four bytes.
    Ntpsec,
    /// Our own engine: it goes by the names, units and defaults of classic ntpd, with more digits.
    Ntpscope,
    /// chronyd: no mode 6 but a protocol of its own, so it has no column in the variable table.
    Chronyd,
}

impl Dialect {
    /// Those of mode 6, which have a column in the variable table, in its order.
    pub const ALL: [Self; 7] = [
        Self::Xntpd,
        Self::ClassicTo4_2_6,
        Self::ClassicBeforeP12,
        Self::Classic,
        Self::NtpsecBefore1_2,
        Self::NtpsecTo1_2_2,
        Self::Ntpsec,
    ];

    /// Whether it takes changes from who signs them with a key; else from who may use its socket.
    pub const fn is_told_by_signed_requests(self) -> bool {
        !matches!(self, Self::Chronyd)
    }

    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Xntpd => "xntpd",
            Self::ClassicTo4_2_6 => "ntpd_to_4.2.6",
            Self::ClassicBeforeP12 => "ntpd_before_4.2.8p12",
            Self::Classic => "ntpd",
            Self::NtpsecBefore1_2 => "ntpsec_before_1.2",
            Self::NtpsecTo1_2_2 => "ntpsec_to_1.2.2",
            Self::Ntpsec => "ntpsec",
            Self::Ntpscope => "ntpscope",
            Self::Chronyd => "chronyd",
        }
    }

    /// The dialect whose column of the variable table holds for it.
    #[must_use]
    pub const fn column(self) -> Self {
        match self {
            Self::Ntpscope => Self::Classic,
            other => other,
        }
    }

    /// Whether it tells spans of time beyond the microsecond.
    pub const fn is_fine(self) -> bool {
        self.is_ntpsec() || matches!(self, Self::Ntpscope | Self::Chronyd)
    }

    /// Whether its restriction bits are those from before 4.2.8p12, as NTPsec has them still.
    pub const fn has_older_bits(self) -> bool {
        self.is_ntpsec() || matches!(self, Self::ClassicBeforeP12 | Self::ClassicTo4_2_6)
    }

    /// Whether it is one of NTPsec's.
    pub const fn is_ntpsec(self) -> bool {
        matches!(self, Self::NtpsecBefore1_2 | Self::NtpsecTo1_2_2 | Self::Ntpsec)
    }
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What it calls itself, without quotes; hostile text.
    pub version: Box<str>,
    /// The dialect it speaks; `None` when the text is not one that is known.
    pub dialect: Option<Dialect>,
}

impl Identity {
    /// Reads the value of `version`.
    pub fn read(version: &str) -> Self {
        Self { version: version.into(), dialect: dialect(version) }
    }
}

fn dialect(version: &str) -> Option<Dialect> {
    if let Some(at) = version.find("ntpsec-") {
        let numbers = numbers(version.get(at + "ntpsec-".len()..)?);
        return Some(match numbers.as_slice() {
            early if early < [1, 2].as_slice() => Dialect::NtpsecBefore1_2,
            middle if middle <= [1, 2, 2].as_slice() => Dialect::NtpsecTo1_2_2,
            _ => Dialect::Ntpsec,
        });
    }
    if version.starts_with("ntpscope ") {
        return Some(Dialect::Ntpscope);
    }
    if version.contains("xntpd") {
        return Some(Dialect::Xntpd);
    }
    let at = version.find("ntpd ")? + "ntpd ".len();
    let text = version.get(at..)?;
    let text = text.split(['@', ' ', '-']).next()?;
    let (base, patch) = text.split_once('p').unwrap_or((text, "0"));
    let base = numbers(base);
    let patch = numbers(patch).first().copied().unwrap_or(0);
    Some(match (base.as_slice(), patch) {
        old if old < ([4, 2, 5].as_slice(), 0) => Dialect::Xntpd,
        early if early < ([4, 2, 7].as_slice(), 0) => Dialect::ClassicTo4_2_6,
        middle if middle < ([4, 2, 8].as_slice(), 12) => Dialect::ClassicBeforeP12,
        _ => Dialect::Classic,
    })
}

fn numbers(text: &str) -> Vec<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let digits = text.get(..end).unwrap_or_default();
    digits.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_families_are_told_apart() {
        let dialect = |text| Identity::read(text).dialect;
        assert_eq!(
            dialect("ntpd 4.2.8p15@1.3728-o Wed Sep 23 11:46:38 UTC 2020 (1)"),
            Some(Dialect::Classic)
        );
        assert_eq!(dialect("ntpd 4.2.8p11@1.3728-o"), Some(Dialect::ClassicBeforeP12));
        assert_eq!(dialect("ntpd 4.2.6p5@1.2349-o"), Some(Dialect::ClassicTo4_2_6));
        assert_eq!(dialect("ntpd 4.2.4p8@1.1612-o"), Some(Dialect::Xntpd));
        assert_eq!(dialect("ntpd 4.2.8@1.3265-o"), Some(Dialect::ClassicBeforeP12));
        assert_eq!(dialect("ntpd 4.3.91@1.2483"), Some(Dialect::Classic));
        assert_eq!(dialect("ntpd ntpsec-1.2.2"), Some(Dialect::NtpsecTo1_2_2));
        assert_eq!(dialect("ntpd ntpsec-1.2.0"), Some(Dialect::NtpsecTo1_2_2));
        assert_eq!(dialect("ntpd ntpsec-1.2.2a"), Some(Dialect::NtpsecTo1_2_2));
        assert_eq!(dialect("ntpd ntpsec-1.2.3+12-g1234"), Some(Dialect::Ntpsec));
        assert_eq!(dialect("ntpd ntpsec-1.1.8"), Some(Dialect::NtpsecBefore1_2));
        assert_eq!(dialect("xntpd version=3.4e"), Some(Dialect::Xntpd));
        assert_eq!(dialect("ntpscope 0.1.0"), Some(Dialect::Ntpscope));
        assert_eq!(dialect("a rock"), None);
        assert_eq!(dialect(""), None);
    }
}

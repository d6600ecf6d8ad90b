//! Spans of time in four characters, as the `when` and `poll` columns show them.

/// `seconds` in the largest unit that keeps the number short; `-` when there is none.
pub fn print(seconds: i64) -> String {
    if seconds <= 0 {
        return "-".to_owned();
    }
    if seconds <= 2048 {
        return seconds.to_string();
    }
    let minutes = (seconds + 29) / 60;
    if minutes <= 300 {
        return format!("{minutes}m");
    }
    let hours = (minutes + 29) / 60;
    if hours <= 96 {
        return format!("{hours}h");
    }
    let days = (hours + 11) / 24;
    if days <= 999 {
        return format!("{days}d");
    }
    // Years of 365¼ days, rounded.
    format!("{}y", (days * 4 + 730) / 1461)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Seen in the columns of ntpq 4.2.8p15.
    #[test]
    fn every_unit_begins_where_ntpq_begins_it() {
        const DAY: i64 = 86_400;
        for (seconds, text) in [
            (0, "-"),
            (-5, "-"),
            (2048, "2048"),
            (2049, "34m"),
            (4096, "68m"),
            (17_970, "299m"),
            (17_971, "300m"),
            (18_000, "300m"),
            (18_031, "5h"),
            (32_768, "9h"),
            (262_144, "73h"),
            (347_300, "96h"),
            (349_199, "4d"),
            (999 * DAY, "999d"),
            (1000 * DAY, "3y"),
            (1278 * DAY, "3y"),
            (1279 * DAY, "4y"),
            (3835 * DAY, "10y"),
            (3836 * DAY, "11y"),
            (7000 * DAY, "19y"),
            (7487 * DAY, "20y"),
            (7488 * DAY, "21y"),
            (1 << 30, "34y"),
            (3_769_043_969, "119y"),
        ] {
            assert_eq!(print(seconds), text, "{seconds}");
        }
    }
}

//! The words of ntp.conf as ntpd's parser calls them, for what it says of one that is out of place.
//!
//! The names are those of classic ntpd 4.2.8p15, as it tells them to `:config`.

use crate::config::ntp_conf::lexer::Word;

/// What may stand in a place, as ntpd lists it; nothing where it lists nothing, for there are more
/// than four.
pub(super) type Tokens = &'static str;

/// So many that ntpd lists none.
pub(super) const MANY: Tokens = "";
/// The end of the line.
pub(super) const END: Tokens = "T_EOC";
/// Text.
pub(super) const TEXT: Tokens = "T_String";
/// An address or a name, perhaps with its family.
pub(super) const ADDRESS: Tokens = "T_Ipv4_flag or T_Ipv6_flag or T_String";
/// A whole number.
pub(super) const INTEGER: Tokens = "T_Integer";
/// A whole number of an association.
pub(super) const OPTION: Tokens = "T_Integer or T_U_int";
/// A number.
pub(super) const NUMBER: Tokens = "T_Double or T_Integer";
/// Yes or no.
pub(super) const BOOLEAN: Tokens = "T_False or T_Integer or T_True";
/// What `discard` sets.
pub(super) const DISCARD: Tokens = "T_Average or T_Minimum or T_Monitor";
/// What is done at an interface.
pub(super) const ACTION: Tokens = "T_Drop or T_Ignore or T_Listen";
/// What `rlimit` limits.
pub(super) const RLIMIT: Tokens = "T_Filenum or T_Memlock or T_Stacksize";
/// How `serverresponse` may be.
pub(super) const FUZZ: Tokens = "T_Fuzz";
/// What a list of keys begins with.
pub(super) const KEYS: Tokens = "T_Integer or '('";
/// What is within a range of keys.
pub(super) const ELLIPSIS: Tokens = "T_Ellipsis";
/// What ends a range of keys.
pub(super) const CLOSING: Tokens = "')'";
/// What is between a variable and its value.
pub(super) const EQUALS: Tokens = "'='";

/// What ntpd calls `word`.
pub(super) fn token_of(word: &Word) -> String {
    if word.is_quoted { TEXT.to_owned() } else { token(&word.text) }
}

/// What ntpd calls the word `text`.
pub(super) fn token(text: &str) -> String {
    if let Some((_, token)) = IRREGULAR.iter().find(|(word, _)| *word == text) {
        return (*token).to_owned();
    }
    if KEYWORDS.contains(&text) {
        let mut letters = text.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        return first
            .into_iter()
            .fold("T_".to_owned(), |token, letter| token + &letter.to_string())
            + letters.as_str();
    }
    if let Some(first @ ('(' | ')' | '{' | '}' | ',' | ';' | '|' | '=')) = text.chars().next() {
        return format!("'{first}'");
    }
    number(text).unwrap_or(TEXT).to_owned()
}

/// What ntpd calls a number of this form, if it is one.
fn number(text: &str) -> Option<Tokens> {
    let is_whole = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if text.strip_prefix('-').is_some_and(is_whole) {
        return Some("T_Integer");
    }
    if is_whole(text) {
        return Some(if text.parse::<i32>().is_ok() { "T_Integer" } else { "T_U_int" });
    }
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    if hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return Some("T_U_int");
    }
    let is_of_number = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    (text.bytes().all(is_of_number) && text.parse::<f64>().is_ok()).then_some("T_Double")
}

/// Whether a word that ntpd calls `token` may stand where `tokens` may.
pub(super) fn may_be(token: &str, tokens: Tokens) -> bool {
    tokens.split(" or ").any(|expected| expected == token)
}

/// Words whose token has another name than theirs.
const IRREGULAR: [(&str, &str); 12] = [
    ("-4", "T_Ipv4_flag"),
    ("-6", "T_Ipv6_flag"),
    ("...", "T_Ellipsis"),
    ("controlkey", "T_ControlKey"),
    ("ntpsigndsocket", "T_NtpSignDsocket"),
    ("peer_clear_digest_early", "T_PCEdigest"),
    ("pollskewlist", "T_PollSkewList"),
    ("simulation_duration", "T_Sim_Duration"),
    ("beep_delay", "T_Beep_Delay"),
    ("unpeer_crypto_early", "T_UEcrypto"),
    ("unpeer_crypto_nak_early", "T_UEcryptonak"),
    ("unpeer_digest_early", "T_UEdigest"),
];

/// Words whose token is called like them, with its first letter large.
const KEYWORDS: [&str; 183] = [
    "abbrev",
    "age",
    "all",
    "allan",
    "allpeers",
    "auth",
    "autokey",
    "automax",
    "average",
    "basedate",
    "bclient",
    "bcpollbstep",
    "beacon",
    "broadcast",
    "broadcastclient",
    "broadcastdelay",
    "burst",
    "calibrate",
    "ceiling",
    "checkhash",
    "clockstats",
    "cohort",
    "crypto",
    "cryptostats",
    "ctl",
    "day",
    "default",
    "digest",
    "disable",
    "discard",
    "dispersion",
    "driftfile",
    "drop",
    "dscp",
    "duration",
    "enable",
    "end",
    "epeer",
    "false",
    "file",
    "filegen",
    "filenum",
    "flag1",
    "flag2",
    "flag3",
    "flag4",
    "flake",
    "floor",
    "freq",
    "fudge",
    "fuzz",
    "host",
    "huffpuff",
    "iburst",
    "ident",
    "ignore",
    "ignorehash",
    "incalloc",
    "includefile",
    "incmem",
    "initalloc",
    "initmem",
    "interface",
    "io",
    "ippeerlimit",
    "ipv4",
    "ipv6",
    "jitter",
    "kernel",
    "key",
    "keys",
    "keysdir",
    "kod",
    "leapfile",
    "leapsmearinterval",
    "limited",
    "link",
    "listen",
    "logconfig",
    "logfile",
    "loopstats",
    "lowpriotrap",
    "manycastclient",
    "manycastserver",
    "mask",
    "maxage",
    "maxclock",
    "maxdepth",
    "maxdist",
    "maxmem",
    "maxpoll",
    "mdnstries",
    "mem",
    "memlock",
    "minclock",
    "mindepth",
    "mindist",
    "minimum",
    "minjitter",
    "minpoll",
    "minsane",
    "mode",
    "mode7",
    "monitor",
    "month",
    "mru",
    "mssntp",
    "multicastclient",
    "nic",
    "noepeer",
    "nolink",
    "nomodify",
    "nomrulist",
    "none",
    "nonvolatile",
    "nopeer",
    "noquery",
    "noselect",
    "noserve",
    "notrap",
    "notrust",
    "ntp",
    "ntpport",
    "orphan",
    "orphanwait",
    "panic",
    "peer",
    "peerstats",
    "phone",
    "pid",
    "pidfile",
    "pool",
    "port",
    "preempt",
    "prefer",
    "protostats",
    "pw",
    "randfile",
    "rawstats",
    "refid",
    "requestkey",
    "reset",
    "restrict",
    "revoke",
    "rlimit",
    "saveconfigdir",
    "server",
    "serverresponse",
    "setvar",
    "simulate",
    "source",
    "stacksize",
    "statistics",
    "stats",
    "statsdir",
    "step",
    "stepback",
    "stepfwd",
    "stepout",
    "stratum",
    "sys",
    "sysstats",
    "tick",
    "time1",
    "time2",
    "timer",
    "timingstats",
    "tinker",
    "tos",
    "trap",
    "true",
    "trustedkey",
    "ttl",
    "type",
    "unconfig",
    "unpeer",
    "version",
    "wander",
    "week",
    "wildcard",
    "xleave",
    "xmtnonce",
    "year",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_called_as_ntpd_calls_them() {
        for (text, expected) in [
            ("server", "T_Server"),
            ("Server", "T_String"),
            ("controlkey", "T_ControlKey"),
            ("-6", "T_Ipv6_flag"),
            ("-64", "T_Integer"),
            ("2147483647", "T_Integer"),
            ("2147483648", "T_U_int"),
            ("0x1f", "T_U_int"),
            ("1.5", "T_Double"),
            ("+1", "T_Double"),
            ("1e-7", "T_Double"),
            ("inf", "T_String"),
            ("=a", "'='"),
            ("a.example", "T_String"),
            ("", "T_String"),
        ] {
            assert_eq!(token(text), expected, "{text}");
        }
        let quoted = Word { column: 1, text: "server".to_owned(), is_quoted: true };
        assert_eq!(token_of(&quoted), "T_String");
    }
}

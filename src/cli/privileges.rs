//! Gives up what rights are not needed: who is let in by a mistake of ours gets no more than these.
//!
//! Of root's rights two are left at most: to set the clock, and to open the port of NTP. Nothing is
//! believed that was not read back.
//!
//! Rights belong to threads: all this happens before there is a second one.

use std::ffi::{CStr, CString, c_char, c_int};
use std::fmt;
use std::fs;
use std::io;
use std::ptr;
use std::str::FromStr;

/// A right that this program can make use of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// `CAP_NET_BIND_SERVICE`: to open a port below 1024.
    OpenPorts,
    /// `CAP_SYS_TIME`: to set the clock.
    SetClock,
}

impl Right {
    /// The number of the capability.
    const fn number(self) -> u32 {
        match self {
            Self::OpenPorts => 10,
            Self::SetClock => 25,
        }
    }
}

/// Whom to run as: `USER` or `USER:GROUP`, by name or by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    user: String,
    group: Option<String>,
}

impl FromStr for Account {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (text, None),
        };
        let is_name = |name: &str| !name.is_empty() && !name.contains([':', '\0']);
        if !is_name(user) || !group.is_none_or(is_name) {
            return Err("it takes USER or USER:GROUP");
        }
        Ok(Self { user: user.to_owned(), group: group.map(str::to_owned) })
    }
}

/// What could not be given up; then the program must not go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failed {
    /// There is no such user.
    NoUser(String),
    /// There is no such group.
    NoGroup(String),
    /// Only root can become somebody else.
    NotRoot {
        /// Who was meant.
        user: String,
    },
    /// The system refused.
    Refused {
        /// What was tried.
        operation: &'static str,
        /// What it says.
        source: io::Error,
    },
    /// The system did something else than it said.
    Kept {
        /// What is still there, or is there no more.
        what: &'static str,
    },
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot give up privileges: ")?;
        match self {
            Self::NoUser(name) => write!(f, "there is no user {name}"),
            Self::NoGroup(name) => write!(f, "there is no group {name}"),
            Self::NotRoot { user } => {
                write!(f, "cannot become {user}: this takes to be started as root")
            }
            Self::Refused { operation, source } => write!(f, "cannot {operation}: {source}"),
            Self::Kept { what } => write!(f, "{what} are not what they were set to"),
        }
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// What is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// The user's number.
    pub user: u32,
    /// The capabilities, a bit each.
    pub capabilities: u64,
}

/// Becomes `account`, where one is named, and keeps of the rights that there are only `needed`.
///
/// # Errors
/// Why not all is given up. The program must not go on then: what is left is not known.
pub fn give_up(account: Option<&Account>, needed: &[Right]) -> Result<Left, Failed> {
    let needed = needed.iter().fold(0, |bits, right| bits | 1_u64 << right.number());
    let identity = account.map(Identity::of).transpose()?;
    let before = capabilities()?;
    let kept = before.permitted & needed;
    if before.effective & 1 << CAP_SETPCAP != 0 {
        limit_bounds(needed)?;
    }
    if let Some(identity) = &identity {
        identity.assume()?;
    }
    set_capabilities(kept)?;
    control("keep programs from regaining rights", libc::PR_SET_NO_NEW_PRIVS, 1)?;
    check(identity.as_ref(), kept)?;
    Ok(Left { user: users().0, capabilities: kept })
}

/// Reads back what was set.
fn check(identity: Option<&Identity>, kept: u64) -> Result<(), Failed> {
    let after = capabilities()?;
    if (after.effective, after.permitted, after.inheritable) != (kept, kept, 0) {
        return Err(Failed::Kept { what: "capabilities" });
    }
    if let Some(identity) = identity
        && (users() != (identity.user, identity.user, identity.user)
            || groups() != (identity.group, identity.group, identity.group))
    {
        return Err(Failed::Kept { what: "user and group" });
    }
    // SAFETY: it takes numbers and touches no memory of ours.
    let is_locked = unsafe { libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) };
    if is_locked == 1 { Ok(()) } else { Err(Failed::Kept { what: "limits of new rights" }) }
}

/// A user and a group by their numbers.
#[derive(Debug)]
struct Identity {
    /// The name by which the user's other groups are looked up, where there is one.
    name: Option<CString>,
    user: u32,
    group: u32,
    shown: String,
}

impl Identity {
    fn of(account: &Account) -> Result<Self, Failed> {
        let shown = account.user.clone();
        let no_user = || Failed::NoUser(shown.clone());
        let entry = if let Ok(number) = account.user.parse() {
            user_by(None, number).or(Some((None, number, number)))
        } else {
            let name = CString::new(account.user.as_str()).map_err(|_| no_user())?;
            user_by(Some(&name), 0)
        };
        let (name, user, mut group) = entry.ok_or_else(no_user)?;
        if let Some(wanted) = &account.group {
            let no_group = || Failed::NoGroup(wanted.clone());
            group = if let Ok(number) = wanted.parse() {
                number
            } else {
                let name = CString::new(wanted.as_str()).map_err(|_| no_group())?;
                group_named(&name).ok_or_else(no_group)?
            };
        }
        Ok(Self { name, user, group, shown })
    }

    /// Becomes it. The capabilities that are permitted stay.
    fn assume(&self) -> Result<(), Failed> {
        if users() == (self.user, self.user, self.user)
            && groups() == (self.group, self.group, self.group)
        {
            return Ok(());
        }
        if users().1 != 0 {
            return Err(Failed::NotRoot { user: self.shown.clone() });
        }
        control("keep capabilities", libc::PR_SET_KEEPCAPS, 1)?;
        if may_set_groups(fs::read_to_string("/proc/self/setgroups").as_deref().ok()) {
            done("give up groups", self.set_groups())?;
        }
        // SAFETY: these take numbers and touch no memory of ours.
        unsafe {
            done("change the group", libc::setresgid(self.group, self.group, self.group))?;
            done("change the user", libc::setresuid(self.user, self.user, self.user))
        }
    }

    fn set_groups(&self) -> c_int {
        match &self.name {
            // SAFETY: the name ends with a zero byte and outlives the call.
            Some(name) => unsafe { libc::initgroups(name.as_ptr(), self.group) },
            // SAFETY: an array of no elements is not read.
            None => unsafe { libc::setgroups(0, ptr::null()) },
        }
    }
}

/// Whether groups can be given up, as `/proc/self/setgroups` says. Where a namespace keeps them from
/// being changed at all, that is not tried. Where there is no such file it is: that they are kept
/// must not go unnoticed.
fn may_set_groups(answer: Option<&str>) -> bool {
    answer.is_none_or(|answer| answer.trim() != "deny")
}

/// Name, number and group of the user with this name, or with this number where there is no name.
fn user_by(name: Option<&CStr>, number: u32) -> Option<(Option<CString>, u32, u32)> {
    let mut texts = vec![0 as c_char; MOST_TEXT];
    let mut found = ptr::null_mut();
    // SAFETY: all zeros is a value of this type, of numbers and null pointers.
    let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
    // SAFETY: all pointers are to live memory of the sizes told, and the name ends with a zero.
    let error = unsafe {
        match name {
            Some(name) => libc::getpwnam_r(
                name.as_ptr(),
                &raw mut entry,
                texts.as_mut_ptr(),
                texts.len(),
                &raw mut found,
            ),
            None => libc::getpwuid_r(
                number,
                &raw mut entry,
                texts.as_mut_ptr(),
                texts.len(),
                &raw mut found,
            ),
        }
    };
    if error != 0 || found.is_null() {
        return None;
    }
    // SAFETY: the entry was found, so its name is a text within `texts`, which still lives.
    let name = unsafe { CStr::from_ptr(entry.pw_name) }.to_owned();
    Some((Some(name), entry.pw_uid, entry.pw_gid))
}

fn group_named(name: &CStr) -> Option<u32> {
    let mut texts = vec![0 as c_char; MOST_TEXT];
    let mut found = ptr::null_mut();
    // SAFETY: all zeros is a value of this type, of numbers and null pointers.
    let mut entry: libc::group = unsafe { std::mem::zeroed() };
    // SAFETY: all pointers are to live memory of the sizes told, and the name ends with a zero.
    let error = unsafe {
        libc::getgrnam_r(
            name.as_ptr(),
            &raw mut entry,
            texts.as_mut_ptr(),
            texts.len(),
            &raw mut found,
        )
    };
    (error == 0 && !found.is_null()).then_some(entry.gr_gid)
}

/// Nothing that is not in `needed` can come back, whatever is executed.
fn limit_bounds(needed: u64) -> Result<(), Failed> {
    for number in (0..u64::BITS).filter(|number| needed & 1 << number == 0) {
        // SAFETY: it takes numbers and touches no memory of ours.
        let result = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) };
        if result != 0 {
            let source = io::Error::last_os_error();
            // The kernel knows fewer than there are bits.
            if source.raw_os_error() == Some(libc::EINVAL) {
                return Ok(());
            }
            return Err(Failed::Refused { operation: "limit capabilities", source });
        }
    }
    Ok(())
}

/// The capabilities of this thread, a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Capabilities {
    effective: u64,
    permitted: u64,
    inheritable: u64,
}

/// What `capset(2)` calls a header: the layout of the numbers, and the thread, 0 for this one.
#[repr(C)]
struct Header {
    version: u32,
    pid: c_int,
}

/// Half of each set.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

unsafe extern "C" {
    fn capget(header: *mut Header, halves: *mut Half) -> c_int;
    fn capset(header: *mut Header, halves: *const Half) -> c_int;
}

fn capabilities() -> Result<Capabilities, Failed> {
    let mut header = Header { version: LAYOUT, pid: 0 };
    let mut halves = [Half::default(); 2];
    // SAFETY: this layout has two halves, and both pointers are to live memory of that size.
    let result = unsafe { capget(&raw mut header, halves.as_mut_ptr()) };
    done("read capabilities", result)?;
    let [low, high] = halves;
    let both = |low, high| u64::from(low) | u64::from(high) << 32;
    Ok(Capabilities {
        effective: both(low.effective, high.effective),
        permitted: both(low.permitted, high.permitted),
        inheritable: both(low.inheritable, high.inheritable),
    })
}

/// Has these and no others, and hands none on.
fn set_capabilities(kept: u64) -> Result<(), Failed> {
    let mut header = Header { version: LAYOUT, pid: 0 };
    let half = |bits: u64| {
        let bits = u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default();
        Half { effective: bits, permitted: bits, inheritable: 0 }
    };
    let halves = [half(kept), half(kept >> 32)];
    // SAFETY: this layout has two halves, and both pointers are to live memory of that size.
    let result = unsafe { capset(&raw mut header, halves.as_ptr()) };
    done("set capabilities", result)
}

fn control(operation: &'static str, option: c_int, argument: libc::c_ulong) -> Result<(), Failed> {
    // SAFETY: the options used take numbers and touch no memory of ours.
    let result = unsafe { libc::prctl(option, argument, 0, 0, 0) };
    done(operation, result)
}

/// The real, effective and saved user.
fn users() -> (u32, u32, u32) {
    let (mut real, mut effective, mut saved) = (0, 0, 0);
    // SAFETY: three pointers to live numbers. It fails for no other reason.
    unsafe { libc::getresuid(&raw mut real, &raw mut effective, &raw mut saved) };
    (real, effective, saved)
}

/// The real, effective and saved group.
fn groups() -> (u32, u32, u32) {
    let (mut real, mut effective, mut saved) = (0, 0, 0);
    // SAFETY: three pointers to live numbers. It fails for no other reason.
    unsafe { libc::getresgid(&raw mut real, &raw mut effective, &raw mut saved) };
    (real, effective, saved)
}

fn done(operation: &'static str, result: c_int) -> Result<(), Failed> {
    if result == 0 {
        return Ok(());
    }
    Err(Failed::Refused { operation, source: io::Error::last_os_error() })
}

/// `_LINUX_CAPABILITY_VERSION_3`: 64 bits in two halves.
const LAYOUT: u32 = 0x2008_0522;

/// The right to narrow what can be regained.
const CAP_SETPCAP: u32 = 8;

/// Room for the texts of an entry.
const MOST_TEXT: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_a_user_and_perhaps_a_group() {
        let account = |text: &str| text.parse::<Account>();
        let user = |user: &str, group: Option<&str>| {
            Ok(Account { user: user.to_owned(), group: group.map(str::to_owned) })
        };
        assert_eq!(account("ntp"), user("ntp", None));
        assert_eq!(account("ntp:users"), user("ntp", Some("users")));
        assert_eq!(account("113:117"), user("113", Some("117")));
        for wrong in ["", ":", "ntp:", ":users", "a:b:c", "a\0b"] {
            assert!(account(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn accounts_are_looked_up_by_name_and_by_number() {
        let identity = |text: &str| Identity::of(&text.parse().unwrap());
        let root = identity("root").unwrap();
        assert_eq!((root.user, root.group), (0, 0));
        assert_eq!(identity("0").unwrap().name.as_deref(), Some(c"root"));
        assert_eq!(identity("root:12").unwrap().group, 12);
        // A number needs no name.
        let nameless = identity("4000000007").unwrap();
        assert_eq!(
            (nameless.name, nameless.user, nameless.group),
            (None, 4_000_000_007, 4_000_000_007)
        );
        assert!(
            matches!(identity("no-such-user"), Err(Failed::NoUser(name)) if name == "no-such-user")
        );
        assert!(matches!(identity("root:no-such-group"), Err(Failed::NoGroup(_))));
    }

    #[test]
    fn groups_are_kept_only_where_the_system_says_so() {
        assert!(!may_set_groups(Some("deny\n")));
        for answer in [Some("allow\n"), Some(""), None] {
            assert!(may_set_groups(answer), "{answer:?}");
        }
    }

    #[test]
    fn what_this_process_may_is_read_as_the_system_tells_it() {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let told = |name: &str| {
            let digits = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            u64::from_str_radix(digits.trim(), 16).unwrap()
        };
        let read = capabilities().unwrap();
        assert_eq!(read.effective, told("CapEff:"));
        assert_eq!(read.permitted, told("CapPrm:"));
        assert_eq!(read.inheritable, told("CapInh:"));
        assert_eq!(Right::OpenPorts.number(), 10);
    }
}

//! What the columns of the table can say: formats, who serves a variable, how ntpq prints it.

/// How a variable's text is to be read, and in which unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A count.
    Unsigned,
    /// A signed number without unit.
    Signed,
    /// A real number without unit.
    Real,
    /// Bits, written in hexadecimal (`0x…`) or decimal.
    Bits,
    /// 0 or 1.
    Flag,
    /// A span in milliseconds.
    Milliseconds,
    /// A span in seconds.
    Seconds,
    /// A span in seconds, as an exponent of two.
    ExponentSeconds,
    /// A frequency in parts per million.
    Ppm,
    /// A poll interval as an exponent of two.
    Poll,
    /// A clock's resolution as an exponent of two.
    Precision,
    /// An NTP timestamp, `0xSSSSSSSS.FFFFFFFF`; zero is never.
    Timestamp,
    /// A calendar date in UTC: `202012280000`, or `2020-12-28T00:00Z`.
    Date,
    /// Leap indicator, 0 to 3.
    Leap,
    /// Association mode, 0 to 7.
    Mode,
    /// Stratum.
    Stratum,
    /// Reachability register, hexadecimal.
    Reach,
    /// Flash bits, hexadecimal.
    Flash,
    /// Association id; 0 is none.
    Association,
    /// Key id; 0 is none.
    Key,
    /// Reference ID: letters or a dotted quad.
    ReferenceId,
    /// An address without port.
    Address,
    /// An address with port; the unspecified one with port 0 is none.
    AddressPort,
    /// A port.
    Port,
    /// Eight samples in milliseconds, newest first.
    Samples,
    /// Kibibytes.
    Kibibytes,
    /// Bits of the kernel's clock status: their words, or the number.
    KernelStatus,
    /// Text, quoted or not.
    Text,
}

impl Format {
    /// The unit as it ends a JSON name: `offset_ms`; empty for numbers without unit.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Milliseconds | Self::Samples => "_ms",
            Self::Seconds | Self::ExponentSeconds => "_s",
            Self::Ppm => "_ppm",
            Self::Poll | Self::Precision => "_log2_s",
            Self::Kibibytes => "_kib",
            _ => "",
        }
    }

    /// The unit as people write it after a number; empty where there is none.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Milliseconds | Self::Samples => "ms",
            Self::Seconds | Self::ExponentSeconds => "s",
            Self::Ppm => "ppm",
            Self::Poll | Self::Precision => "log2 s",
            Self::Kibibytes => "KiB",
            _ => "",
        }
    }
}

/// Whether and when a kind of daemon answers with a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Served {
    /// It does not know the name (`.` in the table).
    Never,
    /// Some of its versions or builds know the name (`b`). Asked together with others it may
    /// cost the whole answer, so it is asked only among its like; some have it in their default
    /// reply.
    Sometimes,
    /// Only when asked by name (`a`).
    OnRequest,
    /// In the default reply when it has something to say (`d`); known by name in any case.
    WhenSet,
    /// In every default reply (`D`).
    Default,
}

impl Served {
    /// Reads the letters that say who answers with a variable, one a dialect.
    #[expect(
        clippy::indexing_slicing,
        clippy::panic,
        reason = "runs when the table is compiled, where a bad letter should stop the build"
    )]
    pub(super) const fn columns<const N: usize>(letters: &str) -> [Self; N] {
        let mut columns = [Self::Never; N];
        let bytes = letters.as_bytes();
        assert!(bytes.len() == N, "one letter a dialect");
        let mut i = 0;
        while i < N {
            columns[i] = match bytes[i] {
                b'.' => Self::Never,
                b'b' => Self::Sometimes,
                b'a' => Self::OnRequest,
                b'd' => Self::WhenSet,
                b'D' => Self::Default,
                _ => panic!("one of . b a d D"),
            };
            i += 1;
        }
        columns
    }
}

/// How classic ntpq (4.2.8p15) prints a variable in cooked mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cooked {
    /// As it stands.
    Raw,
    /// With a `+` in front unless negative.
    Signed,
    /// Leap indicator as two binary digits.
    Leap,
    /// Reach as three octal digits.
    Octal,
    /// Flash as hexadecimal and words.
    Flash,
    /// Timestamp as hexadecimal and date.
    Timestamp,
    /// Eight columns; what is negative comes out wrong.
    Array,
    /// Eight columns, each signed.
    SignedArray,
    /// Reference ID: `LOCAL(0)` for a reference clock's address.
    ReferenceId,
    /// An address that is looked up and may be a reference clock's.
    Host,
    /// An address as a number.
    Address,
}

/// How NTPsec's ntpq prints a variable in cooked mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CookedNtpsec {
    /// As it was read: numbers in their shortest decimal form, text in double quotes.
    Value,
    /// Text without quotes.
    Text,
    /// As [`Self::Value`]; with units, scaled from milliseconds.
    Milliseconds,
    /// As [`Self::Value`]; with units, scaled from seconds.
    Seconds,
    /// As [`Self::Value`]; with units, scaled from parts per million.
    Ppm,
    /// Leap indicator as two binary digits.
    Leap,
    /// Reach as three octal digits.
    Octal,
    /// Flash as hexadecimal and words.
    Flash,
    /// Timestamp as hexadecimal and date.
    Timestamp,
    /// Numbers with tabulators between, the name right-aligned; with units, scaled together.
    Array,
}

impl CookedNtpsec {
    /// The form of a row that names none of its own.
    pub(super) const fn like(classic: Cooked) -> Self {
        match classic {
            Cooked::Raw | Cooked::Signed => Self::Value,
            Cooked::Leap => Self::Leap,
            Cooked::Octal => Self::Octal,
            Cooked::Flash => Self::Flash,
            Cooked::Timestamp => Self::Timestamp,
            Cooked::Array | Cooked::SignedArray => Self::Array,
            Cooked::ReferenceId | Cooked::Host | Cooked::Address => Self::Text,
        }
    }
}

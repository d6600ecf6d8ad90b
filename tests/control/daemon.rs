//! A daemon that answers as its script says.

use std::collections::BTreeMap;
use std::time::Duration;

use ntpscope::units::{AssocId, Leap, Mono};
use ntpscope::wire::mac::Key;
use ntpscope::wire::mode6::auth;
use ntpscope::wire::mode6::{MAX_DATA, Message, Opcode};

/// NTPsec's limiter: each packet adds 1/20, the score decays with a time constant of 20 s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limiter {
    score: f64,
    at: Mono,
    limit: f64,
}

impl Limiter {
    /// Of `restrict limited`. Measured of NTPsec 1.2.2: 20 at once.
    pub(crate) const LIMITED: Self = Self { score: 0.0, at: Mono::from_nanos(0), limit: 1.0 };

    /// Of `restrict limited kod`. Measured of NTPsec 1.2.2: 30 at once.
    pub(crate) const KOD: Self = Self { limit: 1.5, ..Self::LIMITED };

    pub(crate) fn lets_pass(&mut self, now: Mono) -> bool {
        self.score *= (-now.since(self.at).as_secs_f64() / 20.0).exp();
        self.score += 1.0 / 20.0;
        self.at = now;
        self.score < self.limit + 0.001
    }
}

/// How the daemon behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It answers.
    Well,
    /// It does not.
    Silent,
    /// It refuses everything with this code.
    Refusing(u8),
    /// It sends back what it gets.
    Echo,
    /// It sends bytes that mean nothing.
    Garbage,
    /// Nothing listens.
    Closed,
    /// It claims far more than it sends.
    Lying,
    /// It sends the first fragment of each answer and no other.
    Stuttering,
}

/// One association: its status word and variables.
#[derive(Clone, Debug)]
pub(crate) struct Association {
    pub(crate) status: u16,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) is_clock: bool,
}

/// The scripted daemon.
#[derive(Clone, Debug)]
pub(crate) struct Daemon {
    pub(crate) mood: Mood,
    pub(crate) status: u16,
    pub(crate) system: Vec<(String, String)>,
    pub(crate) associations: BTreeMap<u16, Association>,
    pub(crate) limiter: Option<Limiter>,
    pub(crate) key: Option<Key>,
    /// Whether it looks for codes at multiples of four.
    pub(crate) four: bool,
    /// Whether its signed replies are signed wrongly.
    pub(crate) forges: bool,
    /// The most data in one datagram.
    pub(crate) fragment: usize,
    pub(crate) heard: usize,
    pub(crate) dropped: usize,
}

impl Daemon {
    /// A classic ntpd with associations `ids`.
    pub(crate) fn classic(ids: impl IntoIterator<Item = u16>) -> Self {
        Self::of("ntpd 4.2.8p15@1.3728-o Wed Sep 23 11:46:38 UTC 2020 (1)", ids)
    }

    /// An NTPsec with associations `ids`.
    pub(crate) fn ntpsec(ids: impl IntoIterator<Item = u16>) -> Self {
        Self::of("ntpd ntpsec-1.2.2", ids)
    }

    pub(crate) fn of(version: &str, ids: impl IntoIterator<Item = u16>) -> Self {
        let system = [
            ("version", format!("\"{version}\"")),
            ("processor", "\"x86_64\"".into()),
            ("system", "\"Linux/6.1.0\"".into()),
            ("leap", "0".into()),
            ("stratum", "3".into()),
            ("refid", "10.8.0.2".into()),
            ("clock", "0xeeab5bb6.00000000".into()),
            ("peer", "0".into()),
            ("offset", "0.014000".into()),
            ("frequency", "-1.500".into()),
        ];
        let mut daemon = Self {
            mood: Mood::Well,
            status: 0x0615,
            system: system.map(|(n, v)| (n.to_owned(), v)).to_vec(),
            associations: BTreeMap::new(),
            limiter: None,
            key: None,
            four: false,
            forges: false,
            fragment: MAX_DATA,
            heard: 0,
            dropped: 0,
        };
        for id in ids {
            daemon.mobilise(id);
        }
        daemon
    }

    /// Adds an association whose address tells its id.
    pub(crate) fn mobilise(&mut self, id: u16) {
        let source = format!("10.9.{}.{}", id >> 8, id & 255);
        let variables = [
            ("srcadr", source),
            ("srcport", "123".into()),
            ("dstadr", "10.8.0.1".into()),
            ("dstport", "123".into()),
            ("leap", "0".into()),
            ("stratum", "2".into()),
            ("precision", "-23".into()),
            ("rootdelay", "0.305".into()),
            ("rootdisp", "1.053".into()),
            ("refid", "10.8.0.9".into()),
            ("reftime", "0xeeab5b80.1b2c3d4e".into()),
            ("rec", "0xeeab5ba0.ea3cdc2a".into()),
            ("reach", "0xff".into()),
            ("unreach", "0".into()),
            ("hmode", "3".into()),
            ("pmode", "4".into()),
            ("hpoll", "6".into()),
            ("ppoll", "6".into()),
            ("headway", "0".into()),
            ("flash", "0x0".into()),
            ("keyid", "0".into()),
            ("offset", "0.014".into()),
            ("delay", "0.305".into()),
            ("dispersion", "0.938".into()),
            ("jitter", "0.022".into()),
            ("filtdelay", " 0.30 0.31 0.32 0.33 0.34 0.35 0.36 0.37".into()),
            ("filtoffset", " 0.01 0.01 0.02 0.01 0.01 0.01 0.01 0.01".into()),
            ("filtdisp", " 0.00 0.96 1.92 2.88 3.84 4.80 5.76 6.72".into()),
        ];
        let variables = variables.map(|(n, v)| (n.to_owned(), v)).to_vec();
        self.associations.insert(id, Association { status: 0x9614, variables, is_clock: false });
    }

    /// Changes a variable of an association.
    pub(crate) fn set(&mut self, id: u16, name: &str, value: &str) {
        let association = self.associations.get_mut(&id).unwrap();
        match association.variables.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => value.clone_into(old),
            None => association.variables.push((name.to_owned(), value.to_owned())),
        }
    }

    /// The datagrams that it answers `request` with.
    pub(crate) fn answer(&mut self, now: Mono, request: &[u8]) -> Vec<Vec<u8>> {
        self.heard += 1;
        if self.limiter.as_mut().is_some_and(|limiter| !limiter.lets_pass(now)) {
            self.dropped += 1;
            return Vec::new();
        }
        let message = Message::parse(request).expect("what is sent can be parsed");
        assert!(!message.response && request.len().is_multiple_of(4));
        match self.mood {
            Mood::Well | Mood::Stuttering => {}
            Mood::Silent | Mood::Closed => return Vec::new(),
            Mood::Refusing(code) => return vec![self.error(&message, code, false)],
            Mood::Echo => return vec![request.to_vec()],
            Mood::Garbage => return vec![b"SSH-2.0-OpenSSH_9.2".to_vec(), vec![0xff; 400]],
            Mood::Lying => return lies(&message),
        }
        let signed = match self.check_code(request, &message) {
            Ok(signed) => signed,
            Err(error) => return vec![error],
        };
        if needs_key(message.opcode) && !signed {
            return vec![self.error(&message, 1, false)];
        }
        let (status, data) = match self.data_for(now, &message) {
            Ok(found) => found,
            Err(code) => return vec![self.error(&message, code, signed)],
        };
        let mut fragments = self.fragments(&message, status, &data, signed);
        if self.mood == Mood::Stuttering {
            fragments.truncate(1);
        }
        fragments
    }

    /// The datagrams that say `text` to a request whose code is good, and what it says otherwise.
    pub(crate) fn say(&self, request: &[u8], text: &str) -> Vec<Vec<u8>> {
        let message = Message::parse(request).expect("what is sent can be parsed");
        match self.check_code(request, &message) {
            Ok(true) => self.fragments(&message, self.status, text.as_bytes(), true),
            Ok(false) => vec![self.error(&message, 1, false)],
            Err(error) => vec![error],
        }
    }

    /// Whether the request carries a good code where this daemon looks for it.
    fn check_code(&self, request: &[u8], message: &Message<'_>) -> Result<bool, Vec<u8>> {
        let Some(key) = self.key.as_ref().filter(|_| !message.trailer.is_empty()) else {
            return Ok(false);
        };
        let align = if self.four { 4 } else { 8 };
        let covered = (12 + message.data.len()).next_multiple_of(align);
        let sealed = request.get(..covered).map(|head| key.seal(head.to_vec()));
        let good = sealed.as_deref() == Some(request);
        if !good && needs_key(message.opcode) {
            return Err(self.error(message, 1, false));
        }
        Ok(good)
    }

    fn data_for(&self, now: Mono, message: &Message<'_>) -> Result<(u16, Vec<u8>), u8> {
        let id = message.association.get();
        match message.opcode {
            Opcode::ReadStatus if id == 0 => {
                let pair = |(id, association): (&u16, &Association)| {
                    [id.to_be_bytes(), association.status.to_be_bytes()].concat()
                };
                // Newest first, as daemons keep them.
                Ok((self.status, self.associations.iter().rev().flat_map(pair).collect()))
            }
            Opcode::ReadVariables if id == 0 => {
                let clock = 0xeeab_5bb6_u64 + now.since(Mono::default()).as_secs();
                let mut system = self.system.clone();
                for (_, value) in system.iter_mut().filter(|(name, _)| name == "clock") {
                    *value = format!("0x{clock:08x}.00000000");
                }
                Ok((self.status, select(&system, message.data)?))
            }
            Opcode::ReadVariables => {
                let association = self.associations.get(&id).ok_or(4_u8)?;
                Ok((association.status, select(&association.variables, message.data)?))
            }
            Opcode::ReadClock => {
                let found = self.associations.get(&id).filter(|a| a.is_clock).ok_or(4_u8)?;
                let _ = found;
                Ok((0, b"device=\"a clock\", timecode=\"12:00\", poll=7\r\n".to_vec()))
            }
            Opcode::Configure => Ok((0, b"Config Succeeded\r\n".to_vec())),
            Opcode::ReadOrderedList if message.data == b"ifstats" => {
                Ok((0, b"addr.0=127.0.0.1:123, name.0=\"lo\"\r\n".to_vec()))
            }
            Opcode::ReadOrderedList => Err(5),
            _ => Err(3),
        }
    }

    fn fragments(
        &self,
        message: &Message<'_>,
        status: u16,
        data: &[u8],
        signed: bool,
    ) -> Vec<Vec<u8>> {
        let mut pieces: Vec<&[u8]> = data.chunks(self.fragment).collect();
        if pieces.is_empty() {
            pieces.push(&[]);
        }
        let last = pieces.len() - 1;
        let reply = |(n, piece): (usize, &&[u8])| {
            let offset = u16::try_from(n * self.fragment).unwrap();
            let reply = Message {
                response: true,
                leap: Leap::None,
                more: n != last,
                status,
                offset,
                data: piece,
                trailer: &[],
                ..message.clone()
            };
            match self.key.as_ref().filter(|_| signed) {
                Some(key) => {
                    let mut bytes = auth::sign_reply(&reply, key);
                    if self.forges {
                        *bytes.last_mut().unwrap() ^= 1;
                    }
                    bytes
                }
                None => reply.emit(),
            }
        };
        pieces.iter().enumerate().map(reply).collect()
    }

    fn error(&self, message: &Message<'_>, code: u8, signed: bool) -> Vec<u8> {
        let reply = Message {
            response: true,
            error: true,
            status: u16::from(code) << 8,
            offset: 0x57b,
            data: &[],
            trailer: &[],
            ..message.clone()
        };
        match self.key.as_ref().filter(|_| signed) {
            Some(key) => auth::sign_reply(&reply, key),
            None => reply.emit(),
        }
    }
}

fn needs_key(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::ReadOrderedList | Opcode::Configure)
}

/// The variables that are asked for, in table order; all when none is named.
fn select(table: &[(String, String)], data: &[u8]) -> Result<Vec<u8>, u8> {
    let asked = String::from_utf8(data.to_vec()).unwrap();
    let names: Vec<_> = asked.split(',').filter(|name| !name.is_empty()).collect();
    // Known, and with nothing to say.
    let quiet = ["srchost", "mode", "ttl", "bias", "ntscookies", "xleave", "in", "out"];
    for name in &names {
        if !table.iter().any(|(n, _)| n == name) && !quiet.contains(name) {
            return Err(5);
        }
    }
    let given = table.iter().filter(|(n, _)| names.is_empty() || names.contains(&n.as_str()));
    let items: Vec<_> = given.map(|(n, v)| format!("{n}={v}")).collect();
    let mut text = items.join(", ");
    if !text.is_empty() {
        text.push_str("\r\n");
    }
    Ok(text.into_bytes())
}

/// Replies whose counts and offsets are not what they seem.
fn lies(message: &Message<'_>) -> Vec<Vec<u8>> {
    let reply = |offset, more, data| Message {
        response: true,
        more,
        offset,
        data,
        trailer: &[],
        ..message.clone()
    };
    let mut overrun = reply(0, false, b"abcd").emit();
    overrun[10..12].copy_from_slice(&0xffff_u16.to_be_bytes());
    let mut all = vec![overrun];
    for n in 0..40 {
        all.push(reply(65_000 - n * 7, true, b"name=xx").emit());
    }
    all.push(reply(0, true, b"").emit());
    all
}

/// An association id.
pub(crate) fn id(number: u16) -> AssocId {
    AssocId::new(number)
}

/// Milliseconds.
pub(crate) fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

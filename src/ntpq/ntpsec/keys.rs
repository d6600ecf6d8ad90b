//! The key that signs, as NTPsec's ntpq comes by it: from a file, or typed.

use crate::model::question::Failure;
use crate::model::reply::Reply;
use crate::ntpq::job::{Answer, Need};
use crate::ntpq::keys::{MAX_KEY_ID, Prompted, id_prompt};
use crate::ntpq::ntpsec::value;
use crate::ntpq::session::Session;
use crate::wire::mac::Algorithm;
use crate::wire::mode6::MAX_DATA;

/// Has the user give a key, where none was given.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyPrompt {
    awaited: Awaited,
}

/// What is awaited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Awaited {
    #[default]
    Nothing,
    Number,
    Secret,
    /// The configuration of the daemon on this machine, which names a key.
    Configuration,
}

impl KeyPrompt {
    /// Nothing was asked yet.
    pub const fn new() -> Self {
        Self { awaited: Awaited::Nothing }
    }

    /// Begins with `None`, goes on with the answer.
    pub fn go_on(&mut self, session: &mut Session, answer: Option<Answer>) -> Prompted {
        let taken = match (self.awaited, answer) {
            (Awaited::Nothing, _) => Ok(()),
            (Awaited::Configuration, Some(Answer::Read(Ok(text)))) => named(session, &text),
            (Awaited::Configuration, _) => Err(NO_CONFIGURATION),
            (Awaited::Number, Some(Answer::Line(line))) => {
                let id = value::integer(line.as_ref().map_or("", |line| line.as_str()), false);
                session.ntpsec.key_id = id.filter(|id| (1..=i128::from(MAX_KEY_ID)).contains(id));
                session.ntpsec.key_id.map(|_| ()).ok_or(BAD_KEY)
            }
            (Awaited::Number, _) => Err(BAD_KEY),
            (Awaited::Secret, Some(Answer::Line(Some(secret)))) => typed(session, secret.as_str()),
            (Awaited::Secret, _) => Err(BAD_SECRET),
        };
        if let Err(complaint) = taken {
            session.complain(complaint);
            return Prompted::Failed;
        }
        if session.ntpsec.key_id.is_none() {
            return self.find_number(session);
        }
        choose(session);
        if session.keys.current().is_some() {
            return Prompted::Ready;
        }
        self.awaited = Awaited::Secret;
        let prompt = format!("{} Password: ", session.ntpsec.key_type);
        Prompted::Need(Need::Line { prompt, hidden: true })
    }

    fn find_number(&mut self, session: &mut Session) -> Prompted {
        let has_file = session.ntpsec.key_file.iter().any(|keys| !keys.is_empty());
        if has_file && session.host_name() == "localhost" {
            self.awaited = Awaited::Configuration;
            return Prompted::Need(Need::Read(CONFIGURATION.to_owned()));
        }
        if !session.ntpsec.is_typed {
            session.complain(BAD_KEY);
            return Prompted::Failed;
        }
        self.awaited = Awaited::Number;
        Prompted::Need(id_prompt())
    }
}

/// Takes the number of the key that a configuration names for control.
fn named(session: &mut Session, text: &[u8]) -> Result<(), &'static str> {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().find(|line| line.starts_with("control")).ok_or(NO_TRUST)?;
    let id = value::words(line).nth(1).and_then(|word| value::integer(word, false));
    session.ntpsec.key_id = Some(id.ok_or(NO_TRUST)?);
    Ok(())
}

fn typed(session: &mut Session, secret: &str) -> Result<(), &'static str> {
    let id = session.ntpsec.key_id.and_then(|id| u32::try_from(id).ok()).unwrap_or(0);
    session.keys.id = id;
    // That name of the cipher is another's word for the same.
    let word = match session.ntpsec.key_type.as_str() {
        CIPHER => Algorithm::Aes128Cmac.word(),
        word => word,
    };
    if session.keys.set_algorithm(word) && session.keys.set_secret(secret) {
        Ok(())
    } else {
        Err("***Key not found\n")
    }
}

/// Makes the key of the current number, where the file has it, the one that signs.
fn choose(session: &mut Session) {
    let id = session.ntpsec.key_id.and_then(|id| u32::try_from(id).ok()).unwrap_or(0);
    session.keys.id = id;
    let known = session.ntpsec.key_file.iter().flatten().find(|key| key.id().get() == id);
    if let Some(key) = known.cloned() {
        session.ntpsec.key_type = match key.algorithm() {
            Algorithm::Aes128Cmac => CIPHER.to_owned(),
            other => other.word().to_owned(),
        };
        session.keys.set(key);
    }
}

/// Notes the status in the last of the answers, and says that they are not signed, the first time that it is so while there are
/// keys to check with.
pub fn check(session: &mut Session, answers: &[Result<Reply, Failure>]) {
    if let Some(reply) = answers.iter().filter_map(|answer| answer.as_ref().ok()).next_back() {
        session.ntpsec.status = reply.status;
    }
    let has_keys = session.ntpsec.key_file.iter().any(|keys| !keys.is_empty());
    let Some(Ok(reply)) = answers.first() else { return };
    if !has_keys || session.ntpsec.is_signed || session.ntpsec.has_warned {
        return;
    }
    session.ntpsec.has_warned = true;
    let message = HEADER_LEN + reply.data().len().min(MAX_DATA);
    let needed = message.next_multiple_of(8) + KEY_AND_DIGEST;
    let came = message.next_multiple_of(4);
    session.complain(&format!("AUTH - packet too short for MAC {came} < {needed}\n"));
}

/// The kind of digest called `word`, as it is called in full.
///
/// Differs: which there are is a matter of the system's library for NTPsec's ntpq.
pub fn known_type(word: &str) -> Option<String> {
    let upper = word.to_uppercase();
    match upper.as_str() {
        "AES" | "AES128CMAC" => Some(CIPHER.to_owned()),
        known if TYPES.contains(&known) => Some(upper),
        _ => None,
    }
}

/// What the cipher of keys is called there.
const CIPHER: &str = "AES-128";

/// Digests and ciphers that OpenSSL 3 knows, those of them that keys are made with.
const TYPES: [&str; 16] = [
    "MD4",
    "MD5",
    "RIPEMD160",
    "SHA1",
    "SHA-1",
    "SHA224",
    "SHA256",
    "SHA384",
    "SHA512",
    "SHA3-224",
    "SHA3-256",
    "SHA3-384",
    "SHA3-512",
    "AES-128",
    "AES-192",
    "AES-256",
];

/// Octets before the data of an answer.
const HEADER_LEN: usize = 12;

/// Octets of a key's number and the shortest digest.
const KEY_AND_DIGEST: usize = 20;

const CONFIGURATION: &str = "/etc/ntpsec/ntp.conf";

const NO_CONFIGURATION: &str = "***Can't read control key from /etc/ntpsec/ntp.conf\n";

const BAD_KEY: &str = "***Invalid key identifier\n";

const BAD_SECRET: &str = "***Invalid password\n";

const NO_TRUST: &str = "***No trusted keys have been declared\n";

//! Reads the captured packets in `tests/data/packets`.
//!
//! A file is one exchange: comments after `#`, then datagrams as hexadecimal dumps, each below a
//! line that says whether it is a request or a reply (or a reply of which only a part was kept).

use std::fs;
use std::path::Path;

/// One exchange.
pub(crate) struct Capture {
    /// The file's name without its ending.
    pub(crate) name: String,
    /// Its datagrams in order.
    pub(crate) datagrams: Vec<Datagram>,
}

/// One datagram of an exchange.
pub(crate) struct Datagram {
    /// Which way it went.
    pub(crate) kind: Kind,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Reply,
}

impl Capture {
    /// The capture of this name.
    pub(crate) fn named(name: &str) -> Self {
        let captures = all();
        let names: Vec<_> = captures.iter().map(|capture| capture.name.clone()).collect();
        captures
            .into_iter()
            .find(|capture| capture.name == name)
            .unwrap_or_else(|| panic!("no capture {name:?} among {names:?}"))
    }

    /// The first request.
    pub(crate) fn request(&self) -> &[u8] {
        self.of(Kind::Request).next().unwrap()
    }

    /// The replies in order.
    pub(crate) fn replies(&self) -> impl Iterator<Item = &[u8]> {
        self.of(Kind::Reply)
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &[u8]> {
        self.datagrams.iter().filter(move |d| d.kind == kind).map(|d| d.bytes.as_slice())
    }

    /// Whether the exchange is about time rather than control.
    pub(crate) fn is_ntp(&self) -> bool {
        self.name.contains("-ntp-") && !self.is_cmdmon()
    }

    /// Whether the exchange is in chronyd's own protocol.
    pub(crate) fn is_cmdmon(&self) -> bool {
        self.name.starts_with("chrony-")
    }

    /// Whether the exchange is in mode 6.
    pub(crate) fn is_control(&self) -> bool {
        !self.is_ntp() && !self.is_cmdmon()
    }
}

/// Every capture, by name.
pub(crate) fn all() -> Vec<Capture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/packets");
    let mut captures: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .map(|path| read(&path))
        .collect();
    captures.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(captures.len() > 20, "only {} captures", captures.len());
    captures
}

fn read(path: &Path) -> Capture {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let mut datagrams: Vec<Datagram> = Vec::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let kind = match line {
            "request" => Kind::Request,
            "reply" => Kind::Reply,
            _ if line.is_empty() || line.starts_with('#') => continue,
            dump => {
                let datagram = datagrams.last_mut().unwrap();
                let (offset, bytes) = dump.split_once("  ").unwrap();
                assert_eq!(usize::from_str_radix(offset, 16), Ok(datagram.bytes.len()), "{name}");
                datagram.bytes.extend(
                    bytes.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()),
                );
                continue;
            }
        };
        datagrams.push(Datagram { kind, bytes: Vec::new() });
    }
    assert!(!datagrams.is_empty(), "{name} has no datagram");
    Capture { name, datagrams }
}

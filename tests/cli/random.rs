//! Daemons that are made up: random associations with random variables, to be frozen.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

/// Numbers that look random and are the same each time (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        let place = usize::try_from(self.below(texts.len() as u64)).unwrap();
        texts.get(place).unwrap()
    }

    /// A decimal number of any size, negative at times, with so many digits behind the point.
    fn decimal(&mut self, digits: usize) -> String {
        let size = self.below(7);
        let whole = self.below(10_u64.pow(u32::try_from(size).unwrap()));
        let sign = self.one_of(&["", "", "-"]);
        if digits == 0 {
            return format!("{sign}{whole}");
        }
        let bound = 10_u64.pow(u32::try_from(digits).unwrap());
        let fraction = self.below(bound) / 10_u64.pow(u32::try_from(self.below(4)).unwrap());
        format!("{sign}{whole}.{fraction:0digits$}")
    }

    fn timestamp(&mut self) -> String {
        let near = 0xeeab_7768_u64;
        let seconds = match self.below(6) {
            0 => 0,
            1 => self.below(1 << 32),
            2 => near - self.below(10_000_000),
            3 => near + self.below(1000),
            _ => near - self.below(5000),
        };
        format!("0x{seconds:08x}.{:08x}", self.below(1 << 32))
    }

    fn samples(&mut self) -> String {
        let count = 8 + self.below(5);
        let mut text = String::new();
        for _ in 0..count {
            write!(text, "{} ", self.decimal(2)).unwrap();
        }
        text.trim_end().to_owned()
    }

    /// The value of a peer's variable; `None` where this peer has none.
    fn value(&mut self, name: &str, digits: usize) -> Option<String> {
        Some(match name {
            "srcadr" => self
                .one_of(&[
                    "10.1.2.3",
                    "224.0.1.1",
                    "0.0.0.0",
                    "fd07::12:3:4:5",
                    "127.127.20.1",
                    "::",
                ])
                .to_owned(),
            "dstadr" => self.one_of(&["10.1.2.9", "fd07::12:3:4:5:6:7:8", "0.0.0.0"]).to_owned(),
            "srchost" => match self.below(3) {
                0 => return None,
                1 => format!("\"NMEA({})\"", self.below(4)),
                _ => format!(
                    "\"{}.example\"",
                    "host".repeat(usize::try_from(1 + self.below(8)).unwrap())
                ),
            },
            "refid" => self
                .one_of(&["INIT", "POOL", "GPS", "127.127.1.0", "192.168.100.200", "\"it's\""])
                .to_owned(),
            "reftime" | "rec" | "xmt" => self.timestamp(),
            "filtdelay" | "filtoffset" | "filtdisp" => self.samples(),
            "offset" | "delay" | "jitter" | "dispersion" | "rootdelay" | "rootdisp" => {
                self.decimal(digits)
            }
            "leap" => self.below(4).to_string(),
            "reach" => format!("{:#x}", self.below(256)),
            "flash" => format!("{:#x}", self.below(1 << 13)),
            "hmode" | "pmode" => self.below(8).to_string(),
            "hpoll" | "ppoll" => self.one_of(&["0", "3", "6", "10", "17", "24"]).to_owned(),
            "ntscookies" => self.one_of(&["-1", "-1", "0", "8"]).to_owned(),
            "stratum" => self.below(17).to_string(),
            _ => self.decimal(0),
        })
    }
}

/// A capture like `known`, with other associations.
pub(crate) fn capture(known: &str, seed: u64) -> String {
    let mut random = Random(seed);
    let mut capture: Json = serde_json::from_str(known).unwrap();
    let table = capture.pointer("/tables/peer").and_then(Json::as_array).unwrap().clone();
    let mut variables = Map::new();
    let system = capture.pointer("/variables/0").unwrap().clone();
    variables.insert("0".to_owned(), system);
    let mut list = String::new();
    let mut id = 0;
    for _ in 0..12 {
        id += 1 + random.below(5000);
        let status = random.below(1 << 16);
        write!(list, "{id:04x}{status:04x}").unwrap();
        let digits = usize::try_from(random.below(7)).unwrap();
        let mut items = Map::new();
        for name in table.iter().filter_map(Json::as_str).filter(|name| PEER.contains(name)) {
            let value = random.value(name, digits);
            let item = value.map_or(String::new(), |value| format!("{name}={value}"));
            items.insert(name.to_owned(), item.into());
        }
        let told = items.values().filter_map(Json::as_str).filter(|item| !item.is_empty());
        let text = format!("{}\r\n", told.collect::<Vec<_>>().join(", "));
        let fragments: Vec<String> = text
            .as_bytes()
            .chunks(468)
            .map(|chunk| String::from_utf8(chunk.to_vec()).unwrap())
            .collect();
        let entry = json!({
            "status": status,
            "defaults": fragments,
            "items": items,
            "readstat": fragments,
        });
        variables.insert(id.to_string(), entry);
    }
    let object = capture.as_object_mut().unwrap();
    object.insert("variables".into(), variables.into());
    let names: Vec<_> =
        table.iter().filter(|name| PEER.contains(&name.as_str().unwrap())).collect();
    let names = json!(names);
    object.get_mut("tables").and_then(Json::as_object_mut).unwrap().insert("peer".into(), names);
    let status = capture.pointer("/readstat/status").unwrap().clone();
    let object = capture.as_object_mut().unwrap();
    object.insert("readstat".into(), json!({ "status": status, "data": [list] }));
    capture.to_string()
}

/// The variables that a peer has.
const PEER: [&str; 31] = [
    "srcadr",
    "srcport",
    "srchost",
    "dstadr",
    "dstport",
    "leap",
    "stratum",
    "precision",
    "rootdelay",
    "rootdisp",
    "refid",
    "reftime",
    "rec",
    "xmt",
    "reach",
    "unreach",
    "hmode",
    "pmode",
    "hpoll",
    "ppoll",
    "headway",
    "flash",
    "keyid",
    "offset",
    "delay",
    "dispersion",
    "jitter",
    "filtdelay",
    "filtoffset",
    "filtdisp",
    "ntscookies",
];

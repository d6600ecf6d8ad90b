//! `reslist`: whom the daemon lets do what. It is told to those who have a key.

use std::net::IpAddr;

use serde_json::{Map, Value as Json, json};

use crate::model::reply::Reply;
use crate::ntpq::address::NetAddress;
use crate::ntpq::job::Step;
use crate::ntpq::ordered_list::OrderedList;
use crate::ntpq::reading::{Item, leading_unsigned, row_tag};
use crate::ntpq::session::Session;
use crate::ntpq::text::printable;
use crate::ntpq::variables;
use crate::wire::mode6::RESTRICTION_LIST;

/// The table of restrictions.
pub fn restriction_table() -> OrderedList {
    OrderedList::new(RESTRICTION_LIST, print)
}

/// One restriction, as far as it was read.
#[derive(Debug, Default)]
struct Row {
    number: u32,
    fields: usize,
    address: Option<NetAddress>,
    mask: Option<NetAddress>,
    hits: u64,
    flags: String,
}

fn print(session: &mut Session, reply: &Reply) -> Step {
    session.print(HEADER);
    let mut rows = Vec::new();
    let mut row = Row::default();
    for item in variables::read_items(reply.data(), session) {
        let Some((tag, number)) = row_tag(&item) else { continue };
        // A value is taken before it is seen to which row it belongs, so that the first of a row
        // stands in what is left of the row before it: nothing, where that was complete.
        if !row.take(tag, &item) {
            continue;
        }
        if number != row.number {
            if row.number.checked_add(1) != Some(number) {
                session.complain(&format!(
                    "received reslist index {number}, have {} of {FIELDS} fields for index {}, \
                     aborting.\n",
                    row.fields, row.number
                ));
                return Step::Quit(1);
            }
            if row.fields < FIELDS {
                session.print(&incomplete(row.fields));
            }
            row.fields = 0;
            row.number = number;
        }
        row.fields += 1;
        if row.fields >= FIELDS {
            session.print(&row.print());
            rows.push(row.json());
            row = Row { number: row.number, fields: row.fields, ..Row::default() };
        }
    }
    if row.fields != FIELDS {
        session.print(&incomplete(row.fields));
    }
    session.record(Map::from_iter([("restrictions".to_owned(), Json::Array(rows))]));
    Step::Done
}

/// What is said of a row that is not whole; ntpq ends it with no line.
fn incomplete(fields: usize) -> String {
    format!("Warning: incomplete row with {fields} (of {FIELDS}) fields")
}

impl Row {
    /// Takes a value in, and says whether it is one that a row has.
    fn take(&mut self, tag: &str, item: &Item<'_>) -> bool {
        match tag {
            "addr" => return replace(&mut self.address, NetAddress::read(item.value)),
            "mask" => return replace(&mut self.mask, NetAddress::read(item.value)),
            "hits" => match leading_unsigned(item.value) {
                Some(hits) => self.hits = hits,
                None => return false,
            },
            "flags" => self.flags = printable(item.value).into_owned(),
            _ => return false,
        }
        true
    }

    fn print(&self) -> String {
        let unspecified = || NetAddress::UNSPECIFIED.to_string();
        let address = self.address.as_ref().map_or_else(unspecified, NetAddress::to_string);
        let whom = if let Some(length) = self.prefix_length() {
            format!("{address}/{length}")
        } else {
            let mask = self.mask.as_ref().map_or_else(unspecified, NetAddress::to_string);
            format!("{address} {mask}")
        };
        format!("{:10} {whom}\n           {}\n", self.hits, self.flags)
    }

    /// How many bits of the mask are set, where all of them stand before those that are not.
    fn prefix_length(&self) -> Option<u32> {
        let (bits, length) = match self.mask?.ip {
            IpAddr::V4(mask) => (u128::from(mask.to_bits()) << 96, 32),
            IpAddr::V6(mask) => (mask.to_bits(), 128),
        };
        let ones = bits.leading_ones();
        (ones + bits.checked_shl(ones).unwrap_or(0).leading_zeros() >= 128 && ones <= length)
            .then_some(ones)
    }

    fn json(&self) -> Json {
        let text = |address: &NetAddress| address.to_string();
        json!({
            "address": self.address.as_ref().map(text),
            "mask": self.mask.as_ref().map(text),
            "prefix_length": self.prefix_length(),
            "hits": self.hits,
            "flags": self.flags.split_ascii_whitespace().collect::<Vec<_>>(),
        })
    }
}

fn replace(place: &mut Option<NetAddress>, read: Option<NetAddress>) -> bool {
    *place = read.or(*place);
    read.is_some()
}

/// Fields that a row has.
const FIELDS: usize = 4;

const HEADER: &str = "   hits    addr/prefix or addr mask
           restrictions
==============================================================================
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::part::Dated;
    use crate::ntpq::{Output, Stream};
    use jiff::tz::TimeZone;

    fn run(text: &str) -> (String, String) {
        let mut session = Session::new("ntpq".into(), || TimeZone::UTC);
        print(&mut session, &Reply::new(0, text.as_bytes(), 1, Dated::default()));
        let (mut out, mut error) = (String::new(), String::new());
        while let Some(Output::Text(stream, text)) = session.poll_output() {
            let to = if stream == Stream::Error { &mut error } else { &mut out };
            to.push_str(&text);
        }
        (out.strip_prefix(HEADER).unwrap().to_owned(), error)
    }

    // As ntpq 4.2.8p15 printed it.
    #[test]
    fn rows_are_printed_with_masks_as_lengths_where_they_have_one() {
        let (out, error) =
            run("addr.0=0.0.0.0, mask.0=0.0.0.0, hits.0=12, flags.0=nomodify notrap,\r\n\
             flags.1=, hits.1=3, addr.1=10.0.0.0, xyz.1=4, mask.1=255.0.255.0, addr.2=::,\r\n\
             mask.2=::, hits.2=18446744073709551615, flags.2=ntpport interface ignore,\r\n\
             addr.3=::1, mask.3=ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, hits.3=x,\r\n\
             flags.3=kod\r\n");
        assert_eq!(
            out,
            "        12 0.0.0.0/0
           nomodify notrap
         3 10.0.0.0 255.0.255.0
           
18446744073709551615 ::/0
           ntpport interface ignore
Warning: incomplete row with 3 (of 4) fields"
        );
        assert_eq!(error, "");
    }

    #[test]
    fn every_length_of_a_mask_is_counted() {
        let row =
            |mask: &str| run(&format!("addr.0=10.0.0.1, mask.0={mask}, hits.0=1, flags.0=kod")).0;
        assert!(row("255.255.255.255").contains("10.0.0.1/32\n"));
        assert!(row("128.0.0.0").contains("10.0.0.1/1\n"));
        assert!(row("ffff::").contains("10.0.0.1/16\n"));
        assert!(row("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").contains("/128\n"));
        assert!(row("0.255.0.0").contains("10.0.0.1 0.255.0.0\n"));
    }

    #[test]
    fn rows_out_of_order_end_the_session() {
        let (_, error) = run("addr.0=10.0.0.1, hits.0=3, addr.7=1.2.3.4");
        assert_eq!(error, "received reslist index 7, have 2 of 4 fields for index 0, aborting.\n");
    }
}

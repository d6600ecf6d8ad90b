//! A command or its answer is read or refused, and what is read is written and read the same.

use ntpscope::wire::cmdmon::{Reply, Report, Request, RequestKey};

pub(crate) fn cmdmon(bytes: &[u8]) {
    if let Ok(reply) = Reply::parse(bytes) {
        let again = reply.emit();
        assert_eq!(Reply::parse(&again).as_ref(), Ok(&reply));
        assert!(again.len() <= bytes.len());
        match &reply.report {
            Report::SourceName(name) => {
                assert!(name.text().is_none_or(|text| text.chars().all(|c| c.is_ascii_graphic())));
            }
            Report::ClientAccesses(part) => {
                assert!(part.goes_on_at(7).is_none_or(|next| next > 7));
            }
            _ => {}
        }
    }
    if let Ok(request) = Request::parse(bytes) {
        let again = request.emit();
        let read = Request::parse(&again);
        assert_eq!(read.as_ref().map(RequestKey::from), Ok(RequestKey::from(&request)));
        assert_eq!(read.map(|read| read.emit()), Ok(again));
    }
}

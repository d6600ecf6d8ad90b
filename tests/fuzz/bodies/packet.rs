//! An NTP packet is read or refused, and what is read is emitted again.

use ntpscope::wire::packet::Packet;

pub(crate) fn packet(bytes: &[u8]) {
    let Ok(packet) = Packet::parse(bytes) else { return };
    assert_eq!(packet.emit(false), bytes);
    assert!(bytes.starts_with(packet.covered(bytes)));
    let _ = packet.header.kiss().map(|kiss| kiss.to_string());
}

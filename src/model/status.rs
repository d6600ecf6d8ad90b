//! Status words and flash bits, for those who look at a daemon and not at packets.

pub use crate::wire::mode6::flash::{FLASH_BITS, Flash, FlashBit};
pub use crate::wire::mode6::status::{ClockStatus, PeerStatus, SystemStatus};
pub use crate::wire::mode6::status::{PEER_EVENTS, SYSTEM_EVENTS, codes};

//! What a screen shows of a daemon, and so what is worth asking.

use crate::units::AssocId;

/// What is on screen: those who ask the daemon ask for this first and for nothing that nobody
/// looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// The associations whose rows are visible, from top to bottom; empty when not known yet,
    /// which means all.
    pub rows: Vec<AssocId>,
    /// The association whose every detail is wanted: scalars, filter samples, counters, clock.
    pub details: Option<AssocId>,
    /// Whether the daemon is on screen at all; one in a tab behind is asked for its list only.
    pub visible: bool,
    /// Whether its clients are wanted: there may be very many.
    pub clients: bool,
    /// Whether what it counts and has on its lists is wanted.
    pub statistics: bool,
}

//! What the variables of a daemon mean together, worked out here because it does not say so
//! itself. The daemon's own word stays the truth that is shown; this explains it.

pub mod prediction;
pub mod selection;

//! Unpredictable seeds, from the system.

use std::io;

/// Thirty-two bytes that nobody can guess.
///
/// # Errors
/// The system has no randomness to give, which on Linux happens only early at boot.
pub fn seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    Ok(seed)
}

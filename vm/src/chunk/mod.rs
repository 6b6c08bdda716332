//! Precompiled chunks: functions as bytes and back, the check that makes foreign bytes safe to run, and listings.
//!
//! BC1. A prototype that comes from bytes is verified before a function is made of it ([`verify`]): the interpreter trusts
//!     operands, so nothing else stands between a file and the machine's memory.

mod captured;
mod dump;
mod format;
mod list;
#[cfg(all(test, feature = "std"))]
mod tests;
mod undump;
mod verify;

pub(crate) use dump::dump;
pub use list::list;
#[cfg(feature = "testing")]
pub(crate) use list::operands;
pub(crate) use undump::undump;

//! The debug interface (manual §4.9), names for values, and the messages of runtime errors.
//!
//! It reads the frames of a thread and never trusts what it is given to find them (D1, in `info`); it changes variables,
//! but neither frames nor code.

pub(crate) mod hooks;
mod info;
mod locals;
pub(crate) mod messages;
mod names;
#[cfg(all(test, feature = "std"))]
pub(crate) mod tests;

pub use hooks::{Hook, HookEvent, HookKind, MASK_CALL, MASK_COUNT, MASK_LINE, MASK_RETURN};
pub(crate) use hooks::{begin_interrupt, call_hook_for_call, condition_before, hook_return, trace_exec};
pub(crate) use info::line_of;
pub use info::{Activation, DebugInfo};
pub(crate) use messages::{call_error, push_position};
pub use names::Name;
#[cfg(feature = "testing")]
pub(crate) use names::local_name;
pub(crate) use names::until_nul;

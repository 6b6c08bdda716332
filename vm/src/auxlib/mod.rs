//! The auxiliary library (manual §5): what natives write again and again, on top of the host API.

mod args;
mod buffer;
mod library;
mod meta;
mod report;
mod userdata;

pub use buffer::{Buffer, FixedBuf};
pub use library::{LOADED_TABLE, NO_REF, PRELOAD_TABLE, REF_NIL};
pub use userdata::UserType;
pub(crate) use userdata::is_host_s;

//! The layouts of everything that the collector manages, and what can be done with them without allocating.
//!
//! O1. An object is `repr(C)` and starts with a [`GcHeader`]; its header's tag never changes.
//! O2. A [`GcRef`] points to a live object of its type. Who makes one (an unsafe act) answers for that until it is last used.
//! O3. Fields are `Cell`s: objects are reached through shared references alone, so that no two references disagree.

mod function;
mod header;
mod nodes;
mod string;
mod table;
mod thread;
mod userdata;

pub use function::{LocalVar, LuaClosure, NativeClosure, Proto, UpVal, UpvalDesc};
pub use header::{GcHeader, GcObject, GcRef, opt_addr, opt_from_addr};
pub use nodes::Node;
pub(crate) use nodes::{Nodes, float_to_integer};
pub use string::LuaString;
pub use table::{InsertError, InvalidKey, MAX_ARRAY_SIZE, MAX_LOG_NODES, Slot, Table};
pub use thread::{CallInfo, CallStatus, Thread};
pub use userdata::{Destructor, Userdata};

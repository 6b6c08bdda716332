//! The host API: methods of `LuaState` that work on its stack (manual §4).
//!
//! An index names a value: positive from the frame's bottom, negative from its top, or a pseudo-index. A1. Every method is
//! safe: an index that names nothing reads as `LuaType::None`, and no method reaches below the frame.

mod access;
mod gc;
mod handle;
mod load;
mod push;
mod quick;
mod stack;
mod table;
mod then;
mod thread;

pub use crate::compile::ChunkReader;
pub use handle::{ArithOp, CoStatus, CompareOp, LoadMode, LuaStr, ThreadRef};
pub use load::ChunkWriter;
pub use quick::{Answer, QuickCall, QuickFn, QuickNative};
pub(crate) use quick::{first_argument, is_value};
pub(crate) use stack::is_pseudo;
pub use stack::upvalue_index;

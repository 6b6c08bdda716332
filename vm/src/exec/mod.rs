//! Execution: calls, coroutines, protected calls, the interpreter, and the semantics of every operation.
//!
//! Lua's semantics recurse (operation, metamethod, call, operation): that knot lives here alone. It takes no Rust stack:
//! an instruction that needs a call pushes a frame and the loop goes on in it; what is to happen when the frame ends is
//! noted in its status. Only the host's own `call` inside a native function nests ([`run::run`]), and that is counted.

pub(crate) mod arith;
pub(crate) mod call;
pub(crate) mod collect;
pub(crate) mod compare;
pub(crate) mod concat;
pub(crate) mod coroutine;
mod coroutine_natives;
pub(crate) mod drive;
mod finish;
mod handlers;
pub(crate) mod index;
pub(crate) mod interp;
pub(crate) mod length;
pub(crate) mod natives;
pub(crate) mod panic;
mod pcall;
pub(crate) mod protect;
pub(crate) mod raise;
pub(crate) mod switch;
pub(crate) mod unwind;
pub(crate) mod upvalue;

pub use coroutine_natives::{native_resume, native_wrapped, native_yield};
pub(crate) use interp::update_dispatch;
pub use natives::{native_ipairs_next, native_next};
pub use pcall::{native_pcall, native_xpcall};

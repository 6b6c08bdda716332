//! Continuations, errors and yields at the host API.
//!
//! Where C Lua 5.3 has the same functions, the expected traces are those that it leaves.

mod calls;
mod coroutines;
mod errors;
mod hooks;
mod memory;
mod natives;
mod stackless;
mod threads;
mod trace;
mod yields;

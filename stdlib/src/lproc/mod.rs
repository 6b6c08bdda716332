//! The library `lproc`: processes, each a state in a thread of its own, that send each other values through channels.
//!
//! A process shares nothing with the others: what it sends is made into bytes (`encode`), and what it receives is made of them
//! anew (`decode`). Its functions block the thread, coroutines and all. `docs/lproc.md` tells scripts what there is.
//!
//! The way of a message: `encode` makes it in the sender's memory; nothing can go wrong after that, as the sender waits until a
//! receiver has made the values of these very bytes, in its own memory. If that fails the message goes back to its place in the
//! channel. Only a channel with a capacity holds copies, in blocks of the memory that the group shares. So a value counts in the
//! memory of who has it, and what nobody has in that of the group.
//!
//! `channel` and `record` do the bookkeeping; `wait` lets threads sleep. `process` and `group` know who runs and who is
//! to stop, `run` what a process does from its beginning to its end. `functions`, `handle` and `library` are what scripts
//! see, `context` is how a state finds its group.
//!
//! A process is stopped by an interrupt, which makes its next instruction raise an error, and every instruction after that; if
//! it waits, the wait looks for the stop itself. So a process ends soon, unless a native function takes long.
//!
//! # Invariants
//! - **LP1.** Records, the lists in them and the nodes in these lists are read and written under the lock of the record's shard,
//!   but for what LP4 says. Under it nobody waits, allocates, frees, or copies a message.
//! - **LP2.** A record is live as long as it is in the list of its shard. It leaves that only when no call uses it, and is
//!   freed by the one who took it out. A `Channel` counts as a use.
//! - **LP3.** The nodes of waiting calls, senders' entries and receivers, lie in the frames of these calls, which are not left
//!   before the node is in no list and nobody has a claim to it.
//! - **LP4.** An entry is in the list of its channel, or somebody has a claim to it, or it is the sender's own again; never two
//!   of these. Who has it, and nobody else, may read the message and free the block. Its state changes under the lock.
//! - **LP5.** The bytes of an entry do not change and are live as long as the entry is: they belong to the waiting call, or
//!   follow the entry in its block.
//! - **LP6.** Other threads know an interrupter of a state only as long as the state is open: it is used, and taken away before
//!   the state is closed, under the lock of the process.
//! - **LP7.** The state of a process is used by the thread that starts it until that is done, and then by its own thread alone,
//!   which also closes it.
mod channel;
mod context;
mod decode;
mod encode;
mod format;
mod functions;
mod group;
mod handle;
mod library;
mod list;
mod memory;
mod path;
mod process;
mod record;
mod run;
mod wait;

pub use functions::open_lproc;
pub use group::{Processes, Settings};
pub use memory::{Budget, Budgeted};

//! Threads as a state machine: random steps on a state, and a model that says what each of them must come to.
//!
//! A step makes a thread, moves values, resumes, calls, collects garbage, and the like ([`step`]). What coroutines do is
//! written as small trees ([`body`]) that become Lua text (`source`) and that the model executes itself (`model`), without any
//! of the runtime's notions. After each step the two are compared (`real::check`): statuses, stacks, frames and their
//! variables, what was finalized, what has been collected, and what has not. The heap is checked at intervals, and the
//! allocator at the end.
//!
//! ```
//! use perilune_fuzz::threads::{episode, generate};
//!
//! let steps = generate::steps(1);
//! episode::run(&steps, |_, _| {}).unwrap();
//!
//! // Steps out of bytes, which shrink.
//! let story: generate::Story = perilune_fuzz::property::from_seed(1, 500).unwrap();
//! episode::holds(&story).unwrap();
//! ```

pub mod body;
pub mod episode;
pub mod generate;
mod model;
mod real;
mod source;
pub mod step;
pub mod value;

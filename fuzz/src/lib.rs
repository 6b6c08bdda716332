//! Generators and oracles for the Perilune runtime, as a library.
//!
//! A generator makes input from a seed; an oracle says whether the runtime keeps a promise on an input. So far there is one
//! generator, of [programs](program::generate), and two oracles: a program gives the same when it went through
//! [`string.dump`](oracle::survives_dump), and when [memory fails](oracle::survives_failures) once at any allocation.
//!
//! ```
//! let source = perilune_fuzz::program::generate(42);
//! perilune_fuzz::oracle::survives_dump(&source).unwrap();
//! ```

pub mod oracle;
pub mod program;

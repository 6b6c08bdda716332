//! Generators and oracles for the Perilune runtime, as a library.
//!
//! A generator makes input from a seed; an oracle says whether the runtime keeps a promise on an input. Of
//! [programs](program::generate) two oracles say that one gives the same when it went through
//! [`string.dump`](oracle::survives_dump), and when [memory fails](oracle::survives_failures) once at any allocation; a [sweep]
//! over whole scripts lets memory fail in other ways, too. What happens to [threads] is compared step by step with a model.
//!
//! ```
//! let source = perilune_fuzz::program::generate(42);
//! perilune_fuzz::oracle::survives_dump(&source).unwrap();
//! ```

pub mod allocations;
pub mod bytecode;
pub mod library;
pub mod oracle;
pub mod program;
pub mod property;
mod random;
pub mod reference;
pub mod regression;
pub mod source;
pub mod sweep;
pub mod tables;
pub mod threads;

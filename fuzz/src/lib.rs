//! Generators and oracles for the Perilune runtime, as a library.
//!
//! A generator makes input from bytes or a seed; an oracle says whether the runtime keeps a promise on an input.
//!
//! | Module | What it is |
//! |---|---|
//! | [`program`] | random programs, of all that the language has |
//! | [`oracle`] | promises about programs: the same as the reference, the same after a dump, in another layout, with a collection at each allocation, at any pace of the collector, when memory fails, within limits |
//! | [`reference`](mod@reference) | interpreters to be compared, and their limits |
//! | [`property`] | from one definition of a generator to `arbitrary`, `proptest`, seeds and property tests; how long tests take |
//! | [`regression`] | programs on which something was found once |
//! | [`threads`] | what happens to threads, compared with a model step by step |
//! | [`tables`] | stories of a table beside a map |
//! | [`bytecode`] | precompiled chunks that somebody has tampered with: refused, or run without harm |
//! | [`library`] | calls of library functions, which two interpreters answer alike |
//! | [`host`] | the host API used at random and against all rules |
//! | [`allocations`] | sequences of calls for the conformance kit of allocators |
//! | [`source`] | raw text as source, in a sandbox |
//! | [`sweep`] | whole scripts whose memory fails at each request |
//!
//! ```
//! use perilune_fuzz::oracle;
//! use perilune_fuzz::program::Program;
//! use perilune_fuzz::property;
//!
//! // A test of one's own: whatever the program, it gives the same when it has been dumped and loaded again.
//! property::check("dumping", 3, |program: &Program| oracle::survives_dump(&program.to_string()));
//!
//! // The program of a seed, as text.
//! let program: Program = property::from_seed(42, 300).unwrap();
//! println!("{program}");
//! ```
//!
//! | Example | What it does |
//! |---|---|
//! | `program` | prints the program of a seed, and what it comes to |
//! | `differential` | runs the programs of many seeds against the reference implementation, and shows shrunk differences |
//! | `outcomes` | prints hashes of what programs come to, to compare builds (`scripts/dispatch-agrees.sh`) |

pub mod allocations;
pub mod bytecode;
pub mod host;
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

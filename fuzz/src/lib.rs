//! Generators and oracles for the Perilune runtime, as a library.
//!
//! A generator makes input from bytes or a seed; an oracle says whether the runtime keeps a promise on an input.
//!
//! | Module | What it is |
//! |---|---|
//! | [`program`] | random programs, of all that the language has; with tokens on other lines; broken |
//! | [`oracle`] | promises about programs: the same as the reference, stripped as well, and the same refusals; the same after a dump, in another layout, with a collection at each allocation, at any pace of the collector, when memory fails, within limits |
//! | [`reference`](mod@reference) | interpreters to be compared, and their limits |
//! | [`property`] | from one definition of a generator to `arbitrary`, `proptest`, seeds and property tests; how long tests take |
//! | [`regression`] | programs on which something was found once |
//! | [`threads`] | what happens to threads, compared with a model step by step |
//! | [`tables`] | stories of a table beside a map |
//! | [`stores`] | stores into objects of all kinds, in all phases of the collector |
//! | [`bytecode`] | precompiled chunks that somebody has tampered with: refused, or run without harm |
//! | [`library`] | calls of library functions, which two interpreters answer alike |
//! | [`host`] | the host API used at random and against all rules |
//! | [`allocations`] | sequences of calls for the conformance kit of allocators |
//! | [`source`] | raw text as source, in a sandbox |
//! | [`sweep`] | whole scripts whose memory fails at each request |
//!
//! # A property test
//!
//! ```
//! use perilune_fuzz::oracle;
//! use perilune_fuzz::program::Program;
//! use perilune_fuzz::property;
//!
//! // Whatever the program, it gives the same when it has been dumped and loaded again.
//! property::check("dumping", 3, |program: &Program| oracle::survives_dump(&program.to_string()));
//!
//! // The program of a seed, as text.
//! println!("{}", Program::of_seed(42));
//! ```
//!
//! # With proptest
//!
//! Every generator is a [strategy](property::values), which goes together with others, and shrinks. With `#[test]` on it, this is a test:
//!
//! ```
//! use perilune_fuzz::program::Program;
//! use perilune_fuzz::{oracle, property};
//! use proptest::prelude::*;
//!
//! proptest! {
//!     #![proptest_config(ProptestConfig::with_cases(3))]
//!     fn one_failing_request_changes_nothing(program in property::values::<Program>(), step in 50..90u64) {
//!         prop_assert_eq!(oracle::survives_failures(&program.to_string(), step), Ok(()));
//!     }
//! }
//! one_failing_request_changes_nothing();
//! ```
//!
//! # With `arbitrary`
//!
//! A fuzz target hands its bytes to the same generators, alone or as parts of other types:
//!
//! ```
//! use arbitrary::{Arbitrary, Unstructured};
//! use perilune_fuzz::bytecode::{self, Tampered};
//! use perilune_fuzz::tables::{self, Story};
//!
//! #[derive(Arbitrary, Debug)]
//! struct Input {
//!     chunk: Tampered,
//!     story: Story,
//! }
//!
//! fn target(bytes: &[u8]) {
//!     let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(bytes)) else { return };
//!     bytecode::examine(&input.chunk).unwrap();
//!     tables::tell_all(&input.story).unwrap();
//! }
//! target(b"what a fuzzer has come upon");
//! ```
//!
//! # Another runtime
//!
//! What runs Lua 5.3 takes part by way of one trait, and is compared with Perilune:
//!
//! ```
//! use perilune_fuzz::library::{Numbers, Session};
//! use perilune_fuzz::program::Program;
//! use perilune_fuzz::reference::{Interpreter, Limits, Outcome, Perilune};
//! use perilune_fuzz::{oracle, property};
//!
//! struct Mine;
//!
//! impl Interpreter for Mine {
//!     fn name(&self) -> &str {
//!         "mine"
//!     }
//!
//!     fn run(&mut self, source: &[u8], limits: Limits) -> Outcome {
//!         // Here it would run; let it be one that loses the fraction of floats when it prints them.
//!         let outcome = Perilune.run(source, limits);
//!         Outcome { output: outcome.output.replace(".0", ""), ..outcome }
//!     }
//! }
//!
//! let fails = |program: &Program| oracle::agrees(&program.to_string(), &mut Mine, &mut Perilune).is_err();
//! let found = (1..1000).map(Program::of_seed).find(fails).unwrap();
//! let least = property::minimise(found.clone(), 1000, fails);
//! assert!(fails(&least) && least.to_string().len() < found.to_string().len());
//!
//! let mut sessions = (1..1000).map(|seed| property::from_seed::<Session<Numbers>>(seed, 500).unwrap());
//! assert!(sessions.any(|session| session.differs(&mut Mine, &mut Perilune).is_some()));
//! ```
//!
//! # Examples
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
pub mod stores;
pub mod sweep;
pub mod tables;
pub mod threads;
mod watch;

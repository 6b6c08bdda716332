//! Random programs: all of Lua's syntax, with variables in scopes, that end, and that print all that they have computed.
//!
//! A [`Program`] is a syntax tree ([`ast`]). Every tree has a text ([`print`](print())) that compiles and ends, and what it prints follows from
//! the manual alone. So a program can be made of any bytes ([`Arbitrary`](arbitrary::Arbitrary)), and cut down by leaving out or
//! replacing any part ([`Shrink`]).
//!
//! Operations are likely to meet values that they like, and if not, half of the programs give all types metamethods; errors are caught here and
//! there, and are results like others.
//!
//! ```
//! use perilune_fuzz::program::Program;
//! use perilune_fuzz::property;
//! use perilune_fuzz::reference::{End, Interpreter, Limits, Perilune};
//!
//! let program: Program = property::from_seed(7, 300).unwrap();
//! let outcome = Perilune.run(program.to_string().as_bytes(), Limits::ENDING);
//! assert!(matches!(outcome.end, End::Done | End::RuntimeError));
//! ```
//!
//! [`Shrink`]: crate::property::Shrink

pub mod ast;
pub mod broken;
mod generate;
pub mod layout;
pub mod library;
mod print;
mod shrink;

pub use ast::Program;
pub use print::{print, print_varied};

impl Program {
    /// A program of middle size, which follows from the seed.
    ///
    /// # Panics
    /// Never: programs can be made of any bytes.
    pub fn of_seed(seed: u64) -> Self {
        Self::of_bytes_of_seed(seed, 300)
    }

    /// A program of a size that follows from the seed as well: it is made of so many bytes at most.
    ///
    /// # Panics
    /// As [`of_seed`](Self::of_seed).
    pub fn of_any_size(seed: u64, most: u64) -> Self {
        Self::of_bytes_of_seed(seed, 20 + seed.wrapping_mul(7919) % most.max(1))
    }

    fn of_bytes_of_seed(seed: u64, bytes: u64) -> Self {
        crate::property::from_seed(seed, bytes as usize).expect("any bytes make a program")
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&print(self))
    }
}

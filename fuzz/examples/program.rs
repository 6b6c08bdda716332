//! Prints the program of a seed, and what it comes to.
//!
//! usage: program [SEED [BYTES]]

use perilune_fuzz::oracle;
use perilune_fuzz::program::Program;
use perilune_fuzz::property;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().expect("a number"));
    let seed = arguments.next().unwrap_or(1);
    let bytes = arguments.next().unwrap_or(300) as usize;
    let program: Program = property::from_seed(seed, bytes).expect("it takes any bytes");
    let outcome = oracle::plain(&program.to_string());
    println!("{program}\n--[[ {:?} {}\n{}]]", outcome.end, outcome.error, outcome.output);
}

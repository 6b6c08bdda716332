//! Runs the programs of many seeds and prints a hash of what they come to, a line for each hundred, so that two builds can be compared
//! (`scripts/dispatch-agrees.sh`).
//!
//! usage: outcomes [FIRST [LAST [BYTES]]]      (default: 0 200 1500)

use std::hash::{DefaultHasher, Hash, Hasher};

use perilune_fuzz::oracle;
use perilune_fuzz::program::Program;

/// How many programs share a line.
const LINE: u64 = 100;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().expect("a number"));
    let first = arguments.next().unwrap_or(0);
    let last = arguments.next().unwrap_or(200);
    let bytes = arguments.next().unwrap_or(1500);
    let mut begin = first;
    while begin < last {
        let end = (begin + LINE).min(last);
        let mut hasher = DefaultHasher::new();
        let mut errors = 0;
        for seed in begin..end {
            let outcome = oracle::plain(&Program::of_any_size(seed, bytes).to_string());
            errors += u64::from(!outcome.error.is_empty());
            (format!("{:?}", outcome.end), outcome.output, outcome.error).hash(&mut hasher);
        }
        println!("{begin}..{end}: {:016x}, {errors} errors", hasher.finish());
        begin = end;
    }
}

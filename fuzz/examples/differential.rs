//! Runs the programs of many seeds in Perilune and in the reference implementation, and shows each difference, shrunk.
//!
//! usage: differential [FIRST [LAST [THREADS [BYTES]]]]      (default: 0 500 1 600)

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use perilune_fuzz::oracle;
use perilune_fuzz::program::Program;
use perilune_fuzz::property;
use perilune_fuzz::reference::{Interpreter, Limits, Perilune};
use reference::Puc;

#[path = "../tests/common/reference.rs"]
mod reference;

/// How many seeds a thread takes at once.
const CHUNK: u64 = 50;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().expect("a number"));
    let first = arguments.next().unwrap_or(0);
    let last = arguments.next().unwrap_or(500);
    let threads = arguments.next().unwrap_or(1);
    let bytes = arguments.next().unwrap_or(600);
    let next = AtomicU64::new(first);
    let failures = Mutex::new(0);
    let none = AtomicU64::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let begin = next.fetch_add(CHUNK, Ordering::Relaxed);
                    if begin >= last {
                        break;
                    }
                    for seed in begin..(begin + CHUNK).min(last) {
                        none.fetch_add(u64::from(!try_seed(seed, bytes, &failures)), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let seconds = start.elapsed().as_secs_f64();
    let count = last.saturating_sub(first);
    let failures = failures.into_inner().expect("no thread panics");
    println!(
        "{count} programs in {seconds:.1} s, {:.0} a second: {failures} differ, {} were ended by a limit",
        count as f64 / seconds,
        none.into_inner()
    );
    std::process::exit(i32::from(failures > 0));
}

/// Compares the program of a seed; false if the reference did not come to a result.
fn try_seed(seed: u64, bytes: u64, failures: &Mutex<u64>) -> bool {
    let program = Program::of_any_size(seed, bytes);
    let agrees = |program: &Program| oracle::agrees(&program.to_string(), &mut Perilune, &mut Puc);
    match agrees(&program) {
        Ok(()) => {}
        Err(_) => {
            eprintln!("seed {seed} differs; it is made smaller, which may take minutes");
            let least = property::minimise(program, 20_000, |program| agrees(program).is_err());
            let mut failures = failures.lock().expect("no thread panics");
            *failures += 1;
            println!("seed {seed}: {}", agrees(&least).expect_err("it has failed before"));
            return true;
        }
    }
    // One in a hundred is looked at twice, to know how many say nothing.
    !seed.is_multiple_of(100) || Puc.run(program.to_string().as_bytes(), Limits::default()).is_result()
}

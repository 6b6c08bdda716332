//! The cases of the bench `switches` in instructions, counted by callgrind: the same on every run, whatever else the machine does.
//!
//! It needs `valgrind` and gungraun's runner (`cargo install gungraun-runner --version 0.20.0`); where they are not, it says so, and
//! counts nothing. With the feature: `cargo bench -p perilune-bench --features instructions --bench instructions`.

#[cfg(not(feature = "instructions"))]
fn main() {
    eprintln!("instructions: nothing is counted without the feature: add --features instructions");
}

#[cfg(feature = "instructions")]
mod cases;

#[cfg(feature = "instructions")]
#[expect(unused_qualifications, reason = "the macros of gungraun write them")]
mod counted {
    use std::hint::black_box;

    use gungraun::{library_benchmark, library_benchmark_group, main};
    use perilune_alloc_adapters::Slab;
    use perilune_vm::{LoadMode, Lua, Status};

    use super::cases::CASES;

    /// How many iterations are counted.
    const ITERATIONS: i64 = 1000;

    /// A state with a case's function on the stack, which has run once.
    fn open(case: usize) -> Lua<Slab> {
        let mut lua = Lua::new(Slab::new()).expect("a state");
        perilune_stdlib::open_libs(&mut lua).expect("the standard library");
        assert_eq!(lua.load_bytes(CASES[case].source.as_bytes(), b"=bench", LoadMode::TEXT), Status::Ok);
        lua.call(0, 1).expect("a function");
        run_once(lua)
    }

    fn run_once(mut lua: Lua<Slab>) -> Lua<Slab> {
        lua.push_value(-1).expect("room");
        lua.push_integer(black_box(ITERATIONS)).expect("room");
        lua.call(1, 0).expect("no error");
        lua
    }

    #[library_benchmark]
    #[benches::case(iter = 0..CASES.len(), setup = open)]
    fn run(lua: Lua<Slab>) -> Lua<Slab> {
        run_once(lua)
    }

    library_benchmark_group!(name = cases, benchmarks = run);
    main!(library_benchmark_groups = cases);

    /// Counts, if what is needed is there.
    pub fn start() {
        // What valgrind runs is this program again, and needs no words.
        if std::env::args().any(|argument| argument == "--gungraun-run") {
            return main();
        }
        let there = |program: &str| std::process::Command::new(program).arg("--version").output().is_ok();
        let runner = std::env::var("GUNGRAUN_RUNNER").unwrap_or_else(|_| "gungraun-runner".into());
        for program in ["valgrind", &runner] {
            if !there(program) {
                eprintln!("instructions: nothing is counted, because '{program}' is not there");
                return;
            }
        }
        for (number, case) in CASES.iter().enumerate() {
            println!("case {number}: {}{}", case.name, if case.allocates { " (makes objects)" } else { "" });
        }
        main();
    }
}

#[cfg(feature = "instructions")]
fn main() {
    counted::start();
}

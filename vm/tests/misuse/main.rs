//! The safe interface used at random and against all rules: nothing of it may harm a state's memory, and nothing may panic that
//! was not asked to. Then single cases of misuse, with what comes of each.
//!
//! The states work on an allocator that checks its blocks, and the heap is checked in between; what else goes wrong shows under
//! the address sanitizer. `PERILUNE_FUZZ_MISUSE` says how many programs are run (default 3000), `PERILUNE_FUZZ_MISUSE_SEED` with
//! which seed to begin (default 1). With `PERILUNE_FUZZ_MISUSE_TRACE` each seed is told before it is run.

mod acts;
mod cases;
mod natives;
mod random;
mod stale;

use perilune_vm::Lua;

use crate::natives::survives;
use crate::random::{below, chance};

/// Everything that follows from one seed.
fn run(seed: u64) {
    random::begin(seed);
    natives::begin(3000);
    stale::begin();
    let memory = stale::memory();
    {
        let mut lua = Lua::with_seed(&memory, 1).expect("a state");
        for (name, function) in stale::FUNCTIONS {
            lua.push_native(*function).expect("room");
            lua.set_global(name).expect("room");
        }
        for _ in 0..20 {
            survives(|| acts::from_the_base(&mut lua));
            #[cfg(feature = "testing")]
            if chance(4) {
                perilune_vm::testing::check_memory(&lua);
            }
        }
        stale::starve(if chance(4) { below(20) as u32 } else { u32::MAX - 2 });
        survives(|| drop(lua));
    }
    survives(stale::end);
    assert_eq!(natives::live_values(), 0, "seed {seed}: values that were not dropped");
    assert_eq!(memory.stats().live_bytes, 0, "seed {seed}: a leak");
    assert_eq!(memory.inner().inner().0.violations(), [], "seed {seed}");
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn natives_gone_wild() {
    let count = variable("PERILUNE_FUZZ_MISUSE").unwrap_or(if cfg!(gc_zeal) { 150 } else { 3000 });
    let first = variable("PERILUNE_FUZZ_MISUSE_SEED").unwrap_or(1);
    let trace = std::env::var_os("PERILUNE_FUZZ_MISUSE_TRACE").is_some();
    for seed in first..first + count {
        if trace {
            eprintln!("seed {seed}");
        }
        run(seed);
    }
}

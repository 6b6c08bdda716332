//! A whole allocator lab with an allocator of your own in it, and one that comes in through `GlobalAlloc`.
//!
//! `cargo run --release -p perilune-bench --example my_allocator -- matrix --quick --alloc mine,system --html report.html`

use std::process::ExitCode;

use perilune_alloc_adapters::{Global, LuaAlloc, OldSize, System};
use perilune_bench::lab::Lab;

/// Rounds sizes up to powers of two, so that what grows a little stays where it is.
struct Mine;

// SAFETY: every size is rounded in the same way, before it goes to an allocator that keeps the contract; what is too large to be
// rounded gives null, and has changed nothing.
unsafe impl LuaAlloc for Mine {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let round = |size: usize| size.max(16).checked_next_power_of_two();
        let old = if ptr.is_null() { None } else { round(osize.bytes()) }; // of a new block, `osize` is the kind
        let new = if nsize == 0 { Some(0) } else { round(nsize) };
        match (old, new) {
            (_, None) => std::ptr::null_mut(),
            (Some(old), Some(new)) if old == new => ptr,
            // SAFETY: the caller's promise, with the size that was asked of `System` for this block.
            (_, Some(new)) => unsafe { System.realloc(ptr, old.map_or(osize, OldSize::of_size), new) },
        }
    }
}

fn main() -> ExitCode {
    let lab = Lab::new().add("mine", "rounds up to powers of two", || Mine);
    lab.add("global", "Rust's system allocator", || Global::new(&std::alloc::System)).main()
}

//! The heap by itself: roots, tables, weak tables and finalizers, on an allocator of one's own.
//!
//! Run it with `cargo run -p perilune-core --example heap`.

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::cell::Cell;

use perilune_core::rooted::{Arena, Error, Value, Weakness};
use perilune_core::{LuaAlloc, OldSize};

/// The system's allocator, with a count of calls and a limit in bytes.
struct Limited {
    left: Cell<usize>,
    calls: Cell<usize>,
}

// SAFETY: the rules of the contract, one arm each: blocks are aligned to 16, and a request over the limit gets null and
// changes nothing.
unsafe impl LuaAlloc for Limited {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        let layout = |size| Layout::from_size_align(size, 16).expect("the heap asks for at most isize::MAX bytes");
        let Some(left) = (self.left.get() + old).checked_sub(nsize) else {
            return std::ptr::null_mut();
        };
        self.calls.set(self.calls.get() + 1);
        // SAFETY: the caller says that the block is ours and has `old` bytes.
        let block = unsafe {
            match (ptr.is_null(), nsize) {
                (true, 0) => ptr,
                (true, _) => alloc(layout(nsize)),
                (false, 0) => {
                    dealloc(ptr, layout(old));
                    std::ptr::null_mut()
                }
                (false, _) => realloc(ptr, layout(old), nsize),
            }
        };
        if nsize == 0 || !block.is_null() {
            self.left.set(left);
        }
        block
    }
}

fn main() -> Result<(), Error> {
    const LIMIT: usize = 64 * 1024;
    let alloc = Limited { left: Cell::new(LIMIT), calls: Cell::new(0) };
    let arena = Arena::new(&alloc, 2024)?;
    println!("an empty heap: {} bytes", arena.total_bytes());

    // Tables map any value to any value; text becomes a string of the heap.
    let moon = arena.table()?;
    moon.set("name", "Moon")?;
    moon.set("radius", 1737.4)?;
    for (i, phase) in ["new", "waxing", "full", "waning"].into_iter().enumerate() {
        moon.set(i as i64 + 1, phase)?;
    }
    println!("{} phases, then by key:", moon.border());
    for entry in moon.pairs() {
        let (key, value) = entry?;
        println!("  {key:?} -> {value:?}");
    }

    // A weak table knows its values as long as somebody else keeps them.
    let cache = arena.weak_table(Weakness::Values)?;
    cache.set("kept", &moon)?;
    cache.set("lost", arena.table()?)?;
    arena.collect();
    println!("kept: {:?}, lost: {:?}", cache.get("kept")?.lua_type(), cache.get("lost")?);

    // An object whose metatable has `__gc` comes back once when it is found unreachable.
    let class = arena.table()?;
    class.set("__gc", "close the file")?;
    for descriptor in [3, 4] {
        let file = arena.userdata(1)?;
        file.bytes()[0].set(descriptor);
        file.set_metatable(Some(&class))?;
    }
    arena.collect();
    while let Some(Value::Userdata(file)) = arena.take_finalizable()? {
        let class = file.metatable()?.expect("what has a finalizer has a metatable");
        println!("{:?} {}", class.get("__gc")?, file.bytes()[0].get());
    }

    // Garbage does not count against the limit; what is kept does, and running out of memory is an error.
    for _ in 0..10_000 {
        arena.string([b'.'; 100])?;
    }
    let hoard = arena.table()?;
    let error = loop {
        if let Err(error) = arena.string([b'x'; 1000]).and_then(|string| hoard.set(hoard.border() + 1, string)) {
            break error;
        }
    };
    println!("after {} strings of 1000 bytes: {error}", hoard.border());
    drop(hoard);
    arena.collect();
    arena.check();
    assert_eq!(arena.total_bytes(), LIMIT - alloc.left.get());
    println!("{} bytes again, {} calls of the allocator", arena.total_bytes(), alloc.calls.get());

    // What still has a finalizer at the end gets its chance.
    moon.set_metatable(Some(&class))?;
    drop((moon, cache, class));
    arena.close(|object| println!("at the end: {:?}", object.lua_type()))?;
    assert_eq!(alloc.left.get(), LIMIT);
    Ok(())
}

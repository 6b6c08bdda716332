//! What every adapter must get right, one trap at a time, and a long run of calls against a model.

use std::ptr::null_mut;

use perilune_alloc_adapters::{AllocKind, LuaAlloc, OldSize, System, UpBump};

const NEW: OldSize = OldSize::of_kind(AllocKind::Table);

/// Allocates.
fn new<A: LuaAlloc>(memory: &A, size: usize) -> *mut u8 {
    // SAFETY: a null pointer asks for a new block.
    unsafe { memory.realloc(null_mut(), NEW, size) }
}

/// Resizes.
///
/// # Safety
/// The contract's.
unsafe fn resize<A: LuaAlloc>(memory: &A, block: *mut u8, old: usize, size: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe { memory.realloc(block, OldSize::of_size(old), size) }
}

/// Nothing comes of nothing, whatever the third argument looks like.
fn null_and_zero<A: LuaAlloc>(memory: &A) {
    for osize in [0, 4, 5, 8, 1 << 40, usize::MAX] {
        // SAFETY: null is always allowed.
        assert!(unsafe { memory.realloc(null_mut(), OldSize::of_size(osize), 0) }.is_null());
    }
}

/// Freeing gives null, for every size.
fn freeing_gives_null<A: LuaAlloc>(memory: &A) {
    for size in sizes() {
        let block = new(memory, size);
        assert!(!block.is_null(), "{size}");
        // SAFETY: the block is live.
        unsafe {
            block.write_bytes(1, size);
            assert!(resize(memory, block, size, 0).is_null(), "{size}");
        }
    }
}

/// Sizes around all kinds of borders.
fn sizes() -> impl Iterator<Item = usize> {
    let borders = (4..21).flat_map(|bits| [-17isize, -16, -1, 0, 1, 15, 16].map(|off| (1isize << bits) + off));
    (1..130).chain(borders.filter(|&size| size > 0).map(|size| size as usize))
}

/// Every block is aligned to 16, from the first byte on and after a resize.
fn aligned<A: LuaAlloc>(memory: &A) {
    let mut blocks: Vec<(*mut u8, usize)> = sizes().map(|size| (new(memory, size), size)).collect();
    for (i, (block, size)) in blocks.iter_mut().enumerate() {
        assert!(!block.is_null() && block.addr().is_multiple_of(16), "{size}");
        let other = 1 + (i * 7919) % 3000;
        // SAFETY: the block is live.
        unsafe {
            *block = resize(memory, *block, *size, other);
            assert!(!block.is_null() && block.addr().is_multiple_of(16), "{size} to {other}");
            block.write_bytes(2, other);
        }
        *size = other;
    }
    for (block, size) in blocks {
        // SAFETY: the block is live.
        unsafe { resize(memory, block, size, 0) };
    }
}

/// The kind of a new block is not taken for a size.
fn a_kind_is_no_size<A: LuaAlloc>(memory: &A) {
    for kind in AllocKind::ALL {
        // SAFETY: the block is used within its size, and freed.
        unsafe {
            let block = memory.realloc(null_mut(), OldSize::of_kind(kind), 100);
            block.write_bytes(3, 100);
            resize(memory, block, 100, 0);
        }
    }
}

/// Sizes that cannot be give null, and leave an old block alone.
fn impossible_sizes<A: LuaAlloc>(memory: &A) {
    let half = isize::MAX as usize;
    for size in
        [usize::MAX, usize::MAX - 15, usize::MAX - 16, half + 2, half + 1, half, half - 15, half - 32, half / 2 + 1]
    {
        assert!(new(memory, size).is_null(), "{size}");
        for old in [1, 16, 40, 1000, 5000, 100_000] {
            // SAFETY: the block is live.
            unsafe {
                let block = new(memory, old);
                block.write_bytes(4, old);
                assert!(resize(memory, block, old, size).is_null(), "{old} to {size}");
                assert_eq!(std::slice::from_raw_parts(block, old), vec![4; old], "{old} to {size}");
                resize(memory, block, old, 0);
            }
        }
    }
}

/// A shrink never fails, keeps what is left, and the block can be used on in every way.
fn shrinking<A: LuaAlloc>(memory: &A) {
    for from in sizes().filter(|&size| size > 1) {
        for to in [1, from / 4, from / 2, from * 3 / 4, from - 1] {
            let to = to.max(1);
            // SAFETY: the blocks are live.
            unsafe {
                let block = new(memory, from);
                fill(block, from, from);
                let block = resize(memory, block, from, to);
                assert!(!block.is_null(), "{from} to {to}");
                verify(block, to, from, from);
                let block = resize(memory, block, to, from + 1);
                verify(block, to, from, from);
                fill(block, from + 1, 5);
                resize(memory, block, from + 1, 0);
            }
        }
    }
}

/// The places that are written and read: all, or in larger blocks some.
fn places(size: usize) -> impl Iterator<Item = usize> {
    (0..size.min(100)).chain((100..size).step_by(509)).chain(size.checked_sub(1))
}

/// # Safety
/// The block has `size` bytes.
unsafe fn fill(block: *mut u8, size: usize, seed: usize) {
    for i in places(size) {
        // SAFETY: the caller's promise.
        unsafe { block.add(i).write((i * 31 + seed) as u8) };
    }
}

/// # Safety
/// `fill` has filled the block with this seed when it had `filled` bytes, and it has `size`.
unsafe fn verify(block: *mut u8, size: usize, seed: usize, filled: usize) {
    for i in places(filled).filter(|&i| i < size) {
        // SAFETY: the caller's promise.
        assert_eq!(unsafe { block.add(i).read() }, (i * 31 + seed) as u8, "byte {i} of {size}");
    }
}

/// A long run of calls; every block is filled, and verified whenever it is touched again.
fn long_run<A: LuaAlloc>(memory: &A, calls: u64) {
    let mut blocks: Vec<(*mut u8, usize, usize)> = Vec::new();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below
    };
    for call in 0..calls {
        // Small blocks mostly; the number of live ones swells and shrinks.
        let size = match random(100) {
            0..70 => 1 + random(80),
            70..95 => 1 + random(2000),
            95..99 => 1 + random(20_000),
            _ => 1 + random(300_000),
        };
        let grows = (call / 2000).is_multiple_of(2);
        let seed = random(256);
        // SAFETY: the blocks are live ones of the adapter; each is filled to its size.
        unsafe {
            match random(10) {
                0..2 if !blocks.is_empty() => {
                    let place = random(blocks.len());
                    let (block, old, seed) = blocks[place];
                    let moved = resize(memory, block, old, size);
                    assert!(!moved.is_null());
                    verify(moved, size, seed, old);
                    fill(moved, size, seed);
                    blocks[place] = (moved, size, seed);
                }
                2..5 if !blocks.is_empty() => free_one(memory, &mut blocks, random(usize::MAX)),
                5..8 if !grows && !blocks.is_empty() => free_one(memory, &mut blocks, random(usize::MAX)),
                _ => {
                    let block = new(memory, size);
                    assert!(!block.is_null());
                    fill(block, size, seed);
                    blocks.push((block, size, seed));
                }
            }
        }
    }
    while !blocks.is_empty() {
        // SAFETY: as above.
        unsafe { free_one(memory, &mut blocks, 0) };
    }
}

/// # Safety
/// The blocks are live ones of the adapter.
unsafe fn free_one<A: LuaAlloc>(memory: &A, blocks: &mut Vec<(*mut u8, usize, usize)>, place: usize) {
    let (block, size, seed) = blocks.swap_remove(place % blocks.len());
    // SAFETY: the caller's promise.
    unsafe {
        verify(block, size, seed, size);
        assert!(resize(memory, block, size, 0).is_null());
    }
}

/// The adapter can be moved while its blocks live.
fn moved_while_in_use<A: LuaAlloc>(memory: A) {
    let block = new(&memory, 50);
    // SAFETY: the block is live, and freed before its allocator goes.
    unsafe {
        fill(block, 50, 1);
        let memory = Box::new(memory);
        verify(block, 50, 1, 50);
        let other = new(&*memory, 5000);
        fill(other, 5000, 2);
        verify(block, 50, 1, 50);
        resize(&*memory, other, 5000, 0);
        resize(&*memory, block, 50, 0);
    }
}

/// Blocks may be left to an adapter that frees in bulk; others need none of it.
fn left_behind<A: LuaAlloc>(memory: A) {
    if memory.frees_in_bulk() {
        for size in sizes() {
            // SAFETY: the block has so many bytes.
            unsafe { new(&memory, size).write_bytes(6, size) };
        }
    }
}

fn all<A: LuaAlloc>(make: impl Fn() -> A, calls: u64) {
    null_and_zero(&make());
    freeing_gives_null(&make());
    aligned(&make());
    a_kind_is_no_size(&make());
    impossible_sizes(&make());
    shrinking(&make());
    long_run(&make(), calls);
    moved_while_in_use(make());
    left_behind(make());
    // One adapter through everything: nothing of one part is in the way of the next.
    let one = make();
    shrinking(&one);
    aligned(&one);
    long_run(&one, calls / 4);
    impossible_sizes(&one);
}

const CALLS: u64 = 40_000;

#[test]
fn system() {
    all(|| System, CALLS);
}

#[cfg(unix)]
#[test]
fn libc() {
    all(|| perilune_alloc_adapters::Libc, CALLS);
}

#[test]
fn global() {
    all(|| perilune_alloc_adapters::Global::new(&std::alloc::System), CALLS);
}

#[cfg(feature = "allocator-api2")]
#[test]
fn bridge() {
    all(|| perilune_alloc_adapters::Bridge::new(allocator_api2::alloc::Global), CALLS);
}

#[cfg(feature = "bumpalo")]
#[test]
fn bump() {
    all(perilune_alloc_adapters::Bump::new, CALLS / 4);
}

#[cfg(feature = "bumpalo")]
#[test]
fn bump_free_list() {
    all(perilune_alloc_adapters::BumpFreeList::new, CALLS);
}

#[test]
fn up_bump() {
    all(UpBump::new, CALLS / 4);
}

#[test]
fn slab() {
    all(perilune_alloc_adapters::Slab::new, 5 * CALLS);
}

#[cfg(feature = "mimalloc")]
#[test]
fn mimalloc() {
    all(perilune_alloc_adapters::Mimalloc::new, CALLS);
}

#[cfg(feature = "mimalloc")]
#[test]
fn mimalloc_shared() {
    all(|| perilune_alloc_adapters::MimallocShared, CALLS);
}

#[cfg(feature = "jemalloc")]
#[test]
fn jemalloc() {
    all(|| perilune_alloc_adapters::Jemalloc, CALLS);
}

#[cfg(feature = "snmalloc")]
#[test]
fn snmalloc() {
    all(|| perilune_alloc_adapters::Snmalloc, CALLS);
}

/// Runs out of address space on purpose, so it does so in a process of its own.
#[cfg(target_os = "linux")]
mod exhaustion {
    use std::process::Command;

    use super::*;

    /// With the address space capped, every call either succeeds or gives null and changes nothing.
    fn exhaust<A: LuaAlloc>(memory: &A) {
        let mut blocks = Vec::with_capacity(1 << 16);
        let mut size = 1 << 20;
        while size >= 1000 {
            let block = new(memory, size);
            if block.is_null() {
                size /= 2;
                continue;
            }
            // SAFETY: the block is new.
            unsafe {
                block.write(size as u8);
                block.add(size - 1).write(9);
            }
            blocks.push((block, size));
            if blocks.len() == blocks.capacity() {
                break;
            }
        }
        assert!(!blocks.is_empty());
        // SAFETY: the blocks are live.
        unsafe {
            let (last, size) = blocks[0];
            assert!(resize(memory, last, size, 1 << 30).is_null());
            assert_eq!((last.read(), last.add(size - 1).read()), (size as u8, 9));
            // Shrinking still works, if need be in place, and what it leaves can be used and freed.
            for (block, size) in &mut blocks {
                let first = block.read();
                for to in [*size * 9 / 10, *size / 3, 2000.min(*size / 4), 20] {
                    *block = resize(memory, *block, *size, to);
                    assert!(!block.is_null(), "{size} to {to}");
                    *size = to;
                    assert_eq!(block.read(), first);
                }
            }
            for (block, size) in &mut blocks {
                let larger = resize(memory, *block, *size, 60);
                if !larger.is_null() {
                    (*block, *size) = (larger, 60);
                }
            }
            for &(block, size) in &blocks {
                resize(memory, block, size, 0);
            }
        }
        long_run(memory, 2000);
    }

    fn limited_to(name: &str, bytes: u64) {
        // snmalloc reserves address space for all its tables when it is first called, and ends the process if it does not get it.
        #[cfg(feature = "snmalloc")]
        if name == "snmalloc" {
            freeing_gives_null(&perilune_alloc_adapters::Snmalloc);
        }
        let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
        // SAFETY: the process is one that was started for this.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
        match name {
            "system" => exhaust(&System),
            "libc" => exhaust(&perilune_alloc_adapters::Libc),
            "global" => exhaust(&perilune_alloc_adapters::Global::new(&std::alloc::System)),
            "slab" => exhaust(&perilune_alloc_adapters::Slab::new()),
            #[cfg(feature = "mimalloc")]
            "mimalloc" => exhaust(&perilune_alloc_adapters::Mimalloc::new()),
            #[cfg(feature = "mimalloc")]
            "mimalloc-shared" => exhaust(&perilune_alloc_adapters::MimallocShared),
            #[cfg(feature = "jemalloc")]
            "jemalloc" => exhaust(&perilune_alloc_adapters::Jemalloc),
            #[cfg(feature = "snmalloc")]
            "snmalloc" => exhaust(&perilune_alloc_adapters::Snmalloc),
            _ => panic!("unknown name {name}"),
        }
    }

    /// Where there is no memory at all, not even for an allocator itself, there are no blocks, and that is all.
    fn nothing_left(name: &str) {
        let limit = libc::rlimit { rlim_cur: 1 << 20, rlim_max: 1 << 20 };
        // SAFETY: as above.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
        let none = match name {
            "none-slab" => new(&perilune_alloc_adapters::Slab::new(), 100 << 20),
            "none-up-bump" => new(&UpBump::new(), 100 << 20),
            #[cfg(feature = "bumpalo")]
            "none-bump" => new(&perilune_alloc_adapters::Bump::new(), 100 << 20),
            #[cfg(feature = "mimalloc")]
            "none-mimalloc" => new(&perilune_alloc_adapters::Mimalloc::new(), 100),
            #[cfg(feature = "mimalloc")]
            "none-mimalloc-shared" => new(&perilune_alloc_adapters::MimallocShared, 100),
            _ => panic!("unknown name {name}"),
        };
        assert!(none.is_null());
    }

    const VARIABLE: &str = "PERILUNE_TEST_EXHAUST";

    /// Runs one adapter to the end of memory in a process of its own.
    fn in_a_process(name: &str) {
        let program = std::env::current_exe().expect("the test's own program");
        let status = Command::new(program)
            .args(["exhaustion::one_adapter", "--exact", "--test-threads=1"])
            .env(VARIABLE, name)
            .stdout(std::process::Stdio::null())
            .status()
            .expect("a process");
        assert!(status.success(), "{name}: {status}");
    }

    /// What the processes run; without the variable there is nothing to do.
    #[test]
    fn one_adapter() {
        if let Ok(name) = std::env::var(VARIABLE) {
            if name.starts_with("none-") { nothing_left(&name) } else { limited_to(&name, 400 << 20) }
        }
    }

    #[test]
    fn no_adapter_loses_a_block_when_memory_ends() {
        let mut names = vec!["system", "libc", "global", "slab", "none-slab", "none-up-bump"];
        if cfg!(feature = "bumpalo") {
            names.push("none-bump");
        }
        if cfg!(feature = "mimalloc") {
            names.extend(["mimalloc", "mimalloc-shared", "none-mimalloc", "none-mimalloc-shared"]);
        }
        if cfg!(feature = "jemalloc") {
            names.push("jemalloc");
        }
        if cfg!(feature = "snmalloc") {
            names.push("snmalloc");
        }
        for name in names {
            in_a_process(name);
        }
    }
}

//! Criterion bench of the allocators behind the contract: allocating, freeing, replacing, growing, closing, and a block made and
//! freed again and again, each by way of the pair of function and `ud` that a state calls, and beside it the same allocator used
//! directly. At the end a table shows both, and what the contract adds to a call.
//!
//! The blocks have the sizes that Lua asks for: tables, strings, closures, and few larger ones. Where an allocator has no functions
//! of its own (ours have none but the contract), direct use is the trait's function called without the pair.

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use perilune_alloc_adapters::{
    AllocKind, Bridge, Bump, BumpFreeList, Global, Libc, LuaAlloc, Mimalloc, MimallocShared, OldSize, RawAlloc, Slab,
    System, UpBump,
};

/// How many blocks are live.
const BLOCKS: usize = 50_000;
/// How often a block is replaced by another one in a churn.
const CHURNS: usize = 50_000;
/// How often one block is made and freed, for the cost of a call alone.
const PAIRS: usize = 20_000;
/// How many blocks grow, and in how many steps each, from 64 bytes on by doubling.
const GROWING: usize = 40;
const STEPS: u32 = 10;

/// The sizes, as often as they occur: an object of each sort that programs make many of, and some strings and array parts.
const SIZES: [usize; 32] = [
    56, 56, 56, 56, 56, 56, 56, 56, 16, 16, 32, 32, 32, 32, 64, 64, 40, 40, 40, 24, 27, 30, 35, 48, 48, 80, 96, 128,
    128, 160, 320, 1024,
];

/// A number that looks random.
fn mix(number: usize) -> usize {
    let number = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (number ^ (number >> 29)) as usize >> 7
}

fn size_of_block(number: usize) -> usize {
    SIZES[mix(number) % SIZES.len()]
}

/// Something that memory comes from.
trait Subject {
    /// Makes it new.
    fn new() -> Self;
    /// Allocates.
    fn take(&self, size: usize) -> *mut u8;
    /// Frees.
    ///
    /// # Safety
    /// The block is live, with this size.
    unsafe fn give(&self, block: *mut u8, size: usize);
    /// Resizes.
    ///
    /// # Safety
    /// As for `give`.
    unsafe fn resize(&self, block: *mut u8, old: usize, new: usize) -> *mut u8;
    /// Whether dropping it frees all blocks.
    fn frees_in_bulk(&self) -> bool {
        false
    }
}

/// How an adapter is made.
trait Make {
    type Adapter: LuaAlloc;
    fn make() -> Self::Adapter;
}

/// An adapter, called as a state calls it.
struct ByPair<M: Make> {
    pair: RawAlloc,
    adapter: Box<M::Adapter>,
}

impl<M: Make> Subject for ByPair<M> {
    fn new() -> Self {
        let adapter = Box::new(M::make());
        // The compiler must not know which function it is.
        Self { pair: black_box(RawAlloc::from_adapter(&raw const *adapter)), adapter }
    }

    fn take(&self, size: usize) -> *mut u8 {
        // SAFETY: a null pointer asks for a new block.
        unsafe { self.pair.call(std::ptr::null_mut(), OldSize::of_kind(AllocKind::Table), size) }
    }

    unsafe fn give(&self, block: *mut u8, size: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.pair.call(block, OldSize::of_size(size), 0) };
    }

    unsafe fn resize(&self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.pair.call(block, OldSize::of_size(old), new) }
    }

    fn frees_in_bulk(&self) -> bool {
        self.adapter.frees_in_bulk()
    }
}

/// An adapter, called directly.
struct Direct<M: Make>(M::Adapter, PhantomData<M>);

impl<M: Make> Subject for Direct<M> {
    fn new() -> Self {
        Self(M::make(), PhantomData)
    }

    fn take(&self, size: usize) -> *mut u8 {
        // SAFETY: a null pointer asks for a new block.
        unsafe { self.0.realloc(std::ptr::null_mut(), OldSize::of_kind(AllocKind::Table), size) }
    }

    unsafe fn give(&self, block: *mut u8, size: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.0.realloc(block, OldSize::of_size(size), 0) };
    }

    unsafe fn resize(&self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.0.realloc(block, OldSize::of_size(old), new) }
    }

    fn frees_in_bulk(&self) -> bool {
        self.0.frees_in_bulk()
    }
}

/// The functions of an allocator in the C style, used directly.
macro_rules! c_functions {
    ($name:ident, $malloc:path, $realloc:path, $free:path) => {
        struct $name;

        impl Subject for $name {
            fn new() -> Self {
                Self
            }

            fn take(&self, size: usize) -> *mut u8 {
                // SAFETY: every size may be asked for.
                unsafe { $malloc(size) }.cast()
            }

            unsafe fn give(&self, block: *mut u8, _size: usize) {
                // SAFETY: the caller's promise.
                unsafe { $free(block.cast()) };
            }

            unsafe fn resize(&self, block: *mut u8, _old: usize, new: usize) -> *mut u8 {
                // SAFETY: the caller's promise.
                unsafe { $realloc(block.cast(), new) }.cast()
            }
        }
    };
}

c_functions!(RawLibc, libc::malloc, libc::realloc, libc::free);
c_functions!(RawMimalloc, libmimalloc_sys::mi_malloc, libmimalloc_sys::mi_realloc, libmimalloc_sys::mi_free);
#[cfg(feature = "jemalloc")]
c_functions!(RawJemalloc, tikv_jemalloc_sys::malloc, tikv_jemalloc_sys::realloc, tikv_jemalloc_sys::free);

/// Rust's `System`, used directly.
struct RawSystem;

/// The layout that Rust code would ask for.
fn layout(size: usize) -> Layout {
    Layout::from_size_align(size.next_multiple_of(16), 16).expect("a small size")
}

impl Subject for RawSystem {
    fn new() -> Self {
        Self
    }

    fn take(&self, size: usize) -> *mut u8 {
        // SAFETY: the size is not 0.
        unsafe { std::alloc::System.alloc(layout(size)) }
    }

    unsafe fn give(&self, block: *mut u8, size: usize) {
        // SAFETY: the caller's promise.
        unsafe { std::alloc::System.dealloc(block, layout(size)) };
    }

    unsafe fn resize(&self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { std::alloc::System.realloc(block, layout(old), layout(new).size()) }
    }
}

/// A heap of mimalloc's, used directly.
struct RawMimallocHeap(*mut libmimalloc_sys::mi_heap_t);

impl Subject for RawMimallocHeap {
    fn new() -> Self {
        // SAFETY: it may be called on every thread.
        Self(unsafe { libmimalloc_sys::mi_heap_new() })
    }

    fn take(&self, size: usize) -> *mut u8 {
        // SAFETY: the heap is one.
        unsafe { libmimalloc_sys::mi_heap_malloc(self.0, size) }.cast()
    }

    unsafe fn give(&self, block: *mut u8, _size: usize) {
        // SAFETY: the caller's promise.
        unsafe { libmimalloc_sys::mi_free(block.cast()) };
    }

    unsafe fn resize(&self, block: *mut u8, _old: usize, new: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { libmimalloc_sys::mi_heap_realloc(self.0, block.cast(), new) }.cast()
    }

    fn frees_in_bulk(&self) -> bool {
        true
    }
}

impl Drop for RawMimallocHeap {
    fn drop(&mut self) {
        // SAFETY: no block is used any more.
        unsafe { libmimalloc_sys::mi_heap_destroy(self.0) };
    }
}

/// bumpalo, used directly.
struct RawBumpalo(bumpalo::Bump<16>);

impl Subject for RawBumpalo {
    fn new() -> Self {
        Self(bumpalo::Bump::with_min_align())
    }

    fn take(&self, size: usize) -> *mut u8 {
        self.0.try_alloc_layout(layout(size)).map_or(std::ptr::null_mut(), |block| block.as_ptr())
    }

    unsafe fn give(&self, _block: *mut u8, _size: usize) {}

    unsafe fn resize(&self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        let larger = self.take(new);
        // SAFETY: the caller's promise; the new block is larger and another one.
        unsafe { larger.copy_from_nonoverlapping(block, old) };
        larger
    }

    fn frees_in_bulk(&self) -> bool {
        true
    }
}

/// The blocks of a run.
type Blocks = Vec<(*mut u8, usize)>;

/// Allocates all blocks and touches each.
fn fill<S: Subject>(subject: &S, blocks: &mut Blocks) {
    for number in 0..BLOCKS {
        let size = size_of_block(number);
        let block = subject.take(size);
        // SAFETY: the block is new and has 8 bytes at least.
        unsafe { block.cast::<usize>().write(number) };
        blocks.push((block, size));
    }
}

/// Frees all blocks in the order in which they were made, as a sweep does.
fn free<S: Subject>(subject: &S, blocks: &mut Blocks) {
    for (block, size) in blocks.drain(..) {
        // SAFETY: the block is live.
        unsafe { subject.give(block, size) };
    }
}

/// Gives an allocator's memory back.
fn close<S: Subject>(subject: S, blocks: &mut Blocks) {
    if subject.frees_in_bulk() {
        blocks.clear();
    } else {
        free(&subject, blocks);
    }
}

const OPERATIONS: [&str; 6] = ["allocate", "free", "churn", "grow", "close", "pair"];

/// How many times an operation does what it is named after in one run.
fn count(operation: &str) -> usize {
    match operation {
        "churn" => CHURNS,
        "grow" => GROWING * STEPS as usize,
        "pair" => PAIRS,
        _ => BLOCKS,
    }
}

/// Times one run of an operation.
fn time<S: Subject>(operation: &str) -> Duration {
    let mut blocks = Blocks::with_capacity(BLOCKS);
    // Memory for the list itself is touched before.
    blocks.resize(BLOCKS, (std::ptr::null_mut(), 0));
    blocks.clear();
    let subject = S::new();
    if operation == "pair" {
        let start = Instant::now();
        for _ in 0..PAIRS {
            // SAFETY: the block is live.
            unsafe { subject.give(black_box(subject.take(black_box(56))), black_box(56)) };
        }
        return start.elapsed();
    }
    if operation == "grow" {
        let start = Instant::now();
        for _ in 0..GROWING {
            let mut block = black_box(subject.take(64));
            for step in 0..STEPS {
                let size = 64 << step;
                // SAFETY: the block is live and has twice the size afterwards.
                unsafe {
                    block = black_box(subject.resize(block, size, 2 * size));
                    block.add(2 * size - 8).write(1);
                }
            }
            // SAFETY: the block is live.
            unsafe { subject.give(block, 64 << STEPS) };
        }
        return start.elapsed();
    }
    let start = Instant::now();
    fill(&subject, &mut blocks);
    let filled = start.elapsed();
    let start = Instant::now();
    match operation {
        "allocate" => {
            close(subject, &mut blocks);
            filled
        }
        "free" => {
            free(&subject, &mut blocks);
            start.elapsed()
        }
        "churn" => {
            for number in 0..CHURNS {
                let size = size_of_block(BLOCKS + number);
                let place = &mut blocks[mix(number) % BLOCKS];
                // SAFETY: the block is live; the new one has 8 bytes at least.
                unsafe {
                    subject.give(place.0, place.1);
                    *place = (subject.take(size), size);
                    place.0.cast::<usize>().write(number);
                }
            }
            let time = start.elapsed();
            close(subject, &mut blocks);
            time
        }
        _ => {
            close(subject, &mut blocks);
            start.elapsed()
        }
    }
}

/// A row of the table: a name, how it is timed by the pair, and directly.
type Row = (&'static str, fn(&str) -> Duration, fn(&str) -> Duration);

macro_rules! rows {
    ($($(#[$attribute:meta])* $name:literal, $adapter:ty, $make:expr, $raw:ty;)*) => {{
        let mut rows: Vec<Row> = Vec::new();
        $($(#[$attribute])* {
            struct This;
            impl Make for This {
                type Adapter = $adapter;
                fn make() -> $adapter {
                    $make
                }
            }
            rows.push(($name, time::<ByPair<This>>, time::<$raw>));
        })*
        rows
    }};
}

fn rows() -> Vec<Row> {
    rows! {
        "system", System, System, RawSystem;
        "libc", Libc, Libc, RawLibc;
        "global", Global<'static, std::alloc::System>, Global::new(&std::alloc::System), RawSystem;
        "bridge", Bridge<allocator_api2::alloc::Global>, Bridge::new(allocator_api2::alloc::Global), RawSystem;
        "mimalloc", Mimalloc, Mimalloc::new(), RawMimallocHeap;
        "mimalloc-shared", MimallocShared, MimallocShared, RawMimalloc;
        #[cfg(feature = "jemalloc")]
        "jemalloc", perilune_alloc_adapters::Jemalloc, perilune_alloc_adapters::Jemalloc, RawJemalloc;
        #[cfg(feature = "snmalloc")]
        "snmalloc", perilune_alloc_adapters::Snmalloc, perilune_alloc_adapters::Snmalloc, Direct<This>;
        "bump", Bump, Bump::new(), RawBumpalo;
        "bump-free-list", BumpFreeList, BumpFreeList::new(), Direct<This>;
        "up-bump", UpBump, UpBump::new(), Direct<This>;
        "slab", Slab, Slab::new(), Direct<This>;
    }
}

fn adapters(criterion: &mut Criterion) {
    for operation in OPERATIONS {
        let mut group = criterion.benchmark_group(operation);
        group.throughput(Throughput::Elements(count(operation) as u64));
        for (name, by_pair, direct) in rows() {
            for (way, run) in [("contract", by_pair), ("direct", direct)] {
                group.bench_function(BenchmarkId::new(name, way), |bencher| {
                    bencher.iter_custom(|iterations| (0..iterations).map(|_| run(operation)).sum());
                });
            }
        }
        group.finish();
    }
    table();
}

/// How often each figure of the table is taken; the least counts. Every run is short, so that some are not interrupted.
const ROUNDS: usize = 40;

/// Shows nanoseconds for each operation, by the contract and directly. The rows take turns, so that what else the machine does
/// meets all of them.
fn table() {
    let rows = rows();
    let mut best = vec![[[f64::INFINITY; 2]; OPERATIONS.len()]; rows.len()];
    for _ in 0..ROUNDS {
        for ((_, by_pair, direct), best) in rows.iter().zip(&mut best) {
            for (operation, best) in OPERATIONS.iter().zip(best) {
                for (run, best) in [by_pair, direct].into_iter().zip(best) {
                    // The second run finds the memory that the first one has given back, whoever came before.
                    let time = run(operation).min(run(operation));
                    *best = best.min(time.as_secs_f64() * 1e9 / count(operation) as f64);
                }
            }
        }
    }
    println!(
        "\nns for each block (churn: a free and an allocation; grow: a doubling from 64 B to 64 KiB), least of {ROUNDS}"
    );
    println!("pair: one block allocated and freed again and again; all by the contract / directly");
    println!("overhead: what the contract adds to one call, half the difference of the pairs\n");
    print!("{:<16}", "");
    OPERATIONS.iter().for_each(|operation| print!("{operation:>16}"));
    println!("{:>12}", "overhead");
    for ((name, ..), best) in rows.iter().zip(&best) {
        print!("{name:<16}");
        for [by_pair, direct] in best {
            print!("{:>16}", format!("{by_pair:.1} / {direct:.1}"));
        }
        let [.., [by_pair, direct]] = best;
        println!("{:>12.2}", (by_pair - direct) / 2.0);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(50))
        .measurement_time(Duration::from_millis(300));
    targets = adapters
}
criterion_main!(benches);

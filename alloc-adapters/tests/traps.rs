//! The conformance kit finds each trap that an allocator can fall into, and names the rule. In each test one trap is planted.

use std::cell::{Cell, UnsafeCell};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

use perilune_alloc_adapters::conformance::{self, Broken, Kit, Rule};
use perilune_alloc_adapters::{AllocKind, LuaAlloc, OldSize, System};

/// An allocator that is a function.
struct Planted<F>(F);

// SAFETY: it breaks the contract on purpose, in ways that the kit sees before it uses what it was given.
unsafe impl<F: Fn(*mut u8, OldSize, usize) -> *mut u8> LuaAlloc for Planted<F> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        (self.0)(ptr, osize, nsize)
    }
}

/// The platform's allocator, for what is not planted.
fn system(ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
    // SAFETY: the kit keeps the caller's part of the contract, and the traps pass its blocks on.
    unsafe { System.realloc(ptr, osize, nsize) }
}

/// Looks whether the kit finds a rule broken, in few steps, and the same way each time.
#[track_caller]
fn finds(rule: Rule, most_steps: usize, run: impl Fn() -> Result<conformance::Report, Broken>) -> Broken {
    let broken = run().expect_err("a trap is planted");
    assert_eq!(broken.rule, rule, "{broken}");
    assert!(!broken.steps.is_empty() && broken.steps.len() <= most_steps, "{broken}");
    assert!(broken.to_string().contains(rule.sentence()));
    let again = run().expect_err("a trap is planted");
    assert_eq!((again.rule, &again.steps), (rule, &broken.steps));
    broken
}

/// The same for an allocator that is a function without state.
#[track_caller]
fn finds_planted(rule: Rule, most_steps: usize, function: fn(*mut u8, OldSize, usize) -> *mut u8) -> Broken {
    finds(rule, most_steps, || conformance::run(|| Planted(function)))
}

#[test]
fn null_and_zero_give_a_block() {
    let broken = finds_planted(Rule::Empty, 1, |ptr, osize, nsize| match ptr.is_null() && nsize == 0 {
        true => system(ptr, osize, 1),
        false => system(ptr, osize, nsize),
    });
    assert_eq!(broken.steps, ["a call with a null pointer, old size 0 and new size 0"]);
}

#[test]
fn null_and_zero_reach_a_function_that_must_not_see_null() {
    fn sized_free(ptr: *mut u8, size: usize) {
        assert!(!ptr.is_null(), "null cannot be freed");
        system(ptr, OldSize::of_size(size), 0);
    }
    let broken = finds_planted(Rule::Empty, 1, |ptr, osize, nsize| {
        if nsize > 0 {
            return system(ptr, osize, nsize);
        }
        sized_free(ptr, osize.bytes());
        null_mut()
    });
    assert_eq!(broken.seen, "the call panicked: null cannot be freed");
}

#[test]
fn size_zero_gives_another_block() {
    let broken = finds_planted(Rule::Free, 2, |ptr, osize, nsize| match ptr.is_null() {
        true => system(ptr, osize, nsize),
        false => system(ptr, osize, nsize.max(1)),
    });
    assert_eq!(broken.steps[0], "block 1 = a new block of kind other of 1 bytes");
}

#[test]
fn a_kind_is_taken_for_a_size() {
    let broken = finds_planted(Rule::Kind, 1, |ptr, osize, nsize| match nsize > 0 && nsize <= osize.bytes() {
        // It looks like a shrink.
        true => ptr,
        false => system(ptr, osize, nsize),
    });
    assert_eq!(broken.seen, "a new block of 1 bytes was refused as a string (kind 4), but not as kind 0");
}

/// Counts, but takes kinds for sizes.
#[derive(Default)]
struct Miscounting(Cell<usize>);

// SAFETY: the call is only forwarded.
unsafe impl LuaAlloc for Miscounting {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let block = system(ptr, osize, nsize);
        if nsize == 0 || !block.is_null() {
            self.0.set(self.0.get().saturating_sub(osize.bytes()) + nsize);
        }
        block
    }
}

#[test]
fn a_kind_is_counted_as_a_size() {
    let broken =
        finds(Rule::Accounting, 2, || Kit::new(Miscounting::default).live_bytes(|counting| counting.0.get()).run());
    assert_eq!(broken.seen, "2 bytes are live, but the adapter says 1", "{broken}");
}

/// An arena, at whose end there is nothing more.
struct Arena {
    memory: Box<[UnsafeCell<u128>]>,
    next: Cell<usize>,
    /// The sizes that are rounded up to whole multiples of this.
    round: usize,
    shrinks_in_place: bool,
}

impl Arena {
    fn new(round: usize, shrinks_in_place: bool) -> Self {
        let memory = (0..(1 << 20) / 16).map(|_| UnsafeCell::new(0)).collect();
        Self { memory, next: Cell::new(0), round, shrinks_in_place }
    }
}

// SAFETY: with a rounding of 16 and shrinks in place the contract is kept; the tests choose others on purpose.
unsafe impl LuaAlloc for Arena {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        if nsize == 0 {
            return null_mut();
        }
        if nsize <= old && (self.shrinks_in_place || nsize > old / 2) {
            return ptr;
        }
        let first = self.next.get();
        let len = nsize.div_ceil(self.round).saturating_mul(self.round) / 16;
        if len > self.memory.len() - first {
            return null_mut();
        }
        self.next.set(first + len);
        let block = self.memory[first..].as_ptr().cast_mut().cast::<u8>();
        // SAFETY: the old block has these bytes, and the new one.
        unsafe { block.copy_from(ptr, old.min(nsize)) };
        block
    }

    fn frees_in_bulk(&self) -> bool {
        true
    }
}

#[test]
fn a_shrink_copies_and_may_fail() {
    assert!(conformance::run(|| Arena::new(16, true)).expect("no trap is planted here").filled > 0);
    let broken = finds(Rule::Shrink, 3, || conformance::run(|| Arena::new(16, false)));
    assert_eq!(broken.steps[1], "other blocks are made until no more come");
}

#[test]
fn a_resize_to_the_same_size_fails() {
    finds_planted(Rule::Shrink, 2, |ptr, osize, nsize| match !ptr.is_null() && nsize == osize.bytes() {
        true => null_mut(),
        false => system(ptr, osize, nsize),
    });
}

#[test]
fn a_failed_resize_frees_the_block() {
    // The block comes again although it is live.
    thread_local!(static FREED: Cell<*mut u8> = const { Cell::new(null_mut()) });
    finds_planted(Rule::FailureKeeps, 3, |ptr, osize, nsize| {
        if !ptr.is_null() && nsize > 1 << 40 {
            FREED.set(ptr);
            return null_mut();
        }
        if ptr.is_null() && nsize > 0 && nsize <= 16 && !FREED.get().is_null() {
            return FREED.replace(null_mut());
        }
        if ptr == FREED.get() {
            FREED.set(null_mut());
        }
        system(ptr, osize, nsize)
    });
}

/// Takes a block whose resize failed for one that the next free is about.
#[derive(Default)]
struct Confused {
    failed: Cell<*mut u8>,
    freed: Cell<*mut u8>,
}

// SAFETY: it breaks the contract on purpose: a block comes again while it is live.
unsafe impl LuaAlloc for Confused {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        if !ptr.is_null() && nsize > 1 << 40 {
            self.failed.set(ptr);
        } else if !ptr.is_null() && nsize == 0 {
            self.freed.set(self.failed.replace(null_mut()));
        } else if ptr.is_null() && (1..=16).contains(&nsize) && !self.freed.get().is_null() {
            return self.freed.replace(null_mut());
        }
        system(ptr, osize, nsize)
    }
}

#[test]
fn frees_arrive_between_a_failure_and_the_second_attempt() {
    let broken = finds(Rule::FailureKeeps, 5, || conformance::run(Confused::default));
    assert!(broken.steps.iter().any(|step| step.ends_with("is freed")), "{broken}");
}

#[test]
fn a_failed_resize_changes_the_block() {
    let broken = finds_planted(Rule::FailureKeeps, 2, |ptr, osize, nsize| {
        let block = system(ptr, osize, nsize);
        if block.is_null() && nsize > 0 && !ptr.is_null() {
            // SAFETY: the block has a byte at least.
            unsafe { *ptr ^= 1 };
        }
        block
    });
    assert!(broken.steps[1].contains("is to be resized to"), "{broken}");
}

/// Never recovers from a failure.
#[derive(Default)]
struct Sulking(Cell<bool>);

// SAFETY: the call is forwarded, or refused where that is allowed.
unsafe impl LuaAlloc for Sulking {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let grows = ptr.is_null() || nsize > osize.bytes();
        let block = if nsize > 0 && grows && self.0.get() { null_mut() } else { system(ptr, osize, nsize) };
        self.0.set(self.0.get() || (nsize > 0 && block.is_null()));
        block
    }
}

#[test]
fn nothing_is_served_after_a_failure() {
    let broken = finds(Rule::UsableAfterFailure, 2, || conformance::run(Sulking::default));
    assert!(broken.seen.contains("was refused"), "{broken}");
}

#[test]
fn small_blocks_are_aligned_to_eight() {
    /// How far from its own beginning a block is given out.
    fn shift(size: usize) -> usize {
        if size > 0 && size <= 8 { 8 } else { 0 }
    }
    let broken = finds_planted(Rule::Alignment, 1, |ptr, osize, nsize| {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        // SAFETY: the blocks have 16 bytes more than their size.
        unsafe {
            if nsize > 1 << 40 {
                return null_mut();
            }
            let block = if nsize > 0 { system(null_mut(), osize, nsize + 16).add(shift(nsize)) } else { null_mut() };
            if old > 0 {
                block.copy_from_nonoverlapping(ptr, old.min(nsize));
                system(ptr.sub(shift(old)), OldSize::of_size(old + 16), 0);
            }
            block
        }
    });
    assert!(broken.seen.contains("which is no multiple of 16"), "{broken}");
}

#[test]
fn huge_sizes_wrap_to_a_power_of_two() {
    let broken = finds_planted(Rule::Huge, 1, |ptr, osize, nsize| {
        if nsize == 0 {
            return system(ptr, osize, 0);
        }
        // What an unchecked rounding gives in a build without overflow checks.
        let rounded = nsize.checked_next_power_of_two().unwrap_or(0).max(16);
        let block = system(null_mut(), osize, rounded);
        if !ptr.is_null() && !block.is_null() {
            // SAFETY: both have these bytes; a huge block is not looked at any more.
            unsafe { block.copy_from_nonoverlapping(ptr, osize.bytes().min(rounded)) };
        }
        block
    });
    assert!(broken.steps[0].ends_with("bytes is asked for"), "{broken}");
}

#[test]
fn huge_sizes_wrap_with_a_header() {
    finds_planted(Rule::Huge, 2, |ptr, osize, nsize| {
        if nsize < 1 << 40 {
            return system(ptr, osize, nsize);
        }
        system(null_mut(), osize, nsize.wrapping_add(80))
    });
}

#[test]
fn huge_sizes_overflow_an_addition() {
    let broken = finds_planted(Rule::Huge, 1, |ptr, osize, nsize| {
        if nsize > usize::MAX - 16 {
            panic!("attempt to add with overflow");
        }
        system(ptr, osize, nsize)
    });
    assert_eq!(broken.seen, "the call panicked: attempt to add with overflow");
}

/// Serves the thread that made it, and no other.
struct ThreadBound {
    home: ThreadId,
    panics: bool,
}

// SAFETY: the call is forwarded, or refused.
unsafe impl LuaAlloc for ThreadBound {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let at_home = thread::current().id() == self.home;
        assert!(at_home || !self.panics, "called from another thread");
        let grows = nsize > 0 && (ptr.is_null() || nsize > osize.bytes());
        if grows && !at_home { null_mut() } else { system(ptr, osize, nsize) }
    }
}

#[test]
fn an_adapter_is_bound_to_its_thread() {
    for panics in [false, true] {
        let make = || ThreadBound { home: thread::current().id(), panics };
        assert!(conformance::run(make).is_ok(), "in its own thread it is right");
        let broken = finds(Rule::Threads, 3, || conformance::run_send(make));
        assert!(broken.steps.contains(&"the adapter goes to another thread".to_owned()), "{broken}");
    }
}

/// Has its memory within itself.
struct Inline {
    memory: UnsafeCell<[u128; 512]>,
    next: Cell<usize>,
}

// SAFETY: blocks do not overlap; but they do not stay when the adapter is moved.
unsafe impl LuaAlloc for Inline {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        let first = self.next.get();
        if nsize == 0 || nsize <= old {
            return if nsize == 0 { null_mut() } else { ptr };
        }
        if nsize.div_ceil(16) > 512 - first {
            return null_mut();
        }
        self.next.set(first + nsize.div_ceil(16));
        // SAFETY: the block lies within the memory, and both have these bytes.
        unsafe {
            let block = self.memory.get().cast::<u128>().add(first).cast::<u8>();
            block.copy_from_nonoverlapping(ptr, old);
            block
        }
    }
}

#[test]
fn blocks_lie_within_the_adapter() {
    let make = || Inline { memory: UnsafeCell::new([0; 512]), next: Cell::new(0) };
    let broken = finds(Rule::AdapterMoves, 1, || conformance::run(make));
    assert!(broken.seen.contains("lies within the adapter"), "{broken}");
}

/// Remembers where it was.
#[derive(Default)]
struct Rooted(Cell<usize>);

// SAFETY: the call is forwarded, or refused.
unsafe impl LuaAlloc for Rooted {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let here = &raw const *self as usize;
        if self.0.get() == 0 {
            self.0.set(here);
        }
        let grows = nsize > 0 && (ptr.is_null() || nsize > osize.bytes());
        if grows && self.0.get() != here { null_mut() } else { system(ptr, osize, nsize) }
    }
}

#[test]
fn an_adapter_depends_on_its_own_address() {
    let broken = finds(Rule::AdapterMoves, 3, || conformance::run(Rooted::default));
    assert!(broken.steps.contains(&"the adapter is moved".to_owned()), "{broken}");
}

/// Says that it frees in bulk.
struct Liar;

// SAFETY: the call is only forwarded.
unsafe impl LuaAlloc for Liar {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        system(ptr, osize, nsize)
    }

    fn frees_in_bulk(&self) -> bool {
        true
    }
}

#[test]
#[cfg(target_os = "linux")]
fn bulk_free_is_a_lie() {
    let broken = conformance::run(|| Liar).expect_err("a trap is planted");
    assert_eq!(broken.rule, Rule::Bulk, "{broken}");
    assert!(broken.seen.starts_with("the process grew by"), "{broken}");
}

/// Cannot decide whether it frees in bulk.
#[derive(Default)]
struct Fickle(Cell<u32>);

// SAFETY: the call is only forwarded.
unsafe impl LuaAlloc for Fickle {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        self.0.set(self.0.get() + 1);
        system(ptr, osize, nsize)
    }

    fn frees_in_bulk(&self) -> bool {
        self.0.get() > 2
    }
}

#[test]
fn bulk_free_changes_its_mind() {
    finds(Rule::Bulk, 3, || conformance::run(Fickle::default));
}

#[test]
fn sizes_are_rounded_down() {
    let make = || Arena { round: 1, ..Arena::new(1, true) };
    finds(Rule::Overlap, 2, || conformance::run(make));
}

#[test]
fn a_block_grows_in_place_over_its_neighbour() {
    /// Believes that there is more room than there is.
    struct Greedy(Arena);
    // SAFETY: it breaks the contract on purpose; the blocks lie within the arena.
    unsafe impl LuaAlloc for Greedy {
        unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
            if !ptr.is_null() && osize.bytes() > 16 && osize.bytes() <= 24 && nsize > 24 && nsize <= 40 {
                return ptr;
            }
            // SAFETY: the caller's promise.
            unsafe { self.0.realloc(ptr, osize, nsize) }
        }
    }
    finds(Rule::Overlap, 3, || conformance::run(|| Greedy(Arena::new(16, true))));
}

/// Keeps a word of its own in the block that was freed last, and forgets that it has given the block out again.
struct Linked(Cell<*mut u8>, Cell<bool>);

// SAFETY: it breaks the contract on purpose; the block that it writes to is never given back.
unsafe impl LuaAlloc for Linked {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let kept = self.0.get();
        if nsize == 0 && !ptr.is_null() && kept.is_null() && osize.bytes() <= 16 {
            self.0.set(ptr);
            return null_mut();
        }
        if !kept.is_null() {
            // SAFETY: the block was not given back.
            unsafe { *kept ^= 0x77 };
        }
        if ptr.is_null() && nsize > 0 && nsize <= 16 && !kept.is_null() && !self.1.replace(true) {
            return kept;
        }
        if nsize == 0 && ptr == kept { null_mut() } else { system(ptr, osize, nsize) }
    }
}

#[test]
fn a_live_block_is_written_to() {
    let broken = finds(Rule::Overlap, 4, || conformance::run(|| Linked(Cell::new(null_mut()), Cell::new(false))));
    assert!(broken.seen.ends_with("have changed without a call for it"), "{broken}");
}

#[test]
fn a_growing_block_is_copied_in_part() {
    let broken = finds_planted(Rule::Contents, 2, |ptr, osize, nsize| {
        if ptr.is_null() || nsize <= osize.bytes() || nsize > 1 << 40 {
            return system(ptr, osize, nsize);
        }
        let block = system(null_mut(), osize, nsize);
        // SAFETY: both have these bytes. The last one is forgotten, and there is something else in its place, not by chance the same.
        unsafe {
            let last = osize.bytes() - 1;
            block.copy_from_nonoverlapping(ptr, last);
            *block.add(last) = !*ptr.add(last);
        }
        system(ptr, osize, 0);
        block
    });
    assert!(broken.steps[1].starts_with("block 1 is resized to"), "{broken}");
}

#[test]
fn a_shrunk_block_is_not_copied() {
    finds_planted(Rule::Contents, 2, |ptr, osize, nsize| {
        if ptr.is_null() || nsize == 0 || nsize >= osize.bytes() {
            return system(ptr, osize, nsize);
        }
        system(ptr, osize, 0);
        system(null_mut(), OldSize::of_kind(AllocKind::Other), nsize)
    });
}

#[test]
fn large_sizes_panic() {
    let broken = finds_planted(Rule::Unwinds, 1, |ptr, osize, nsize| {
        assert!(!(30_000..1 << 40).contains(&nsize), "a table has no such class");
        system(ptr, osize, nsize)
    });
    assert_eq!(broken.seen, "the call panicked: a table has no such class");
}

#[test]
fn small_requests_are_refused() {
    finds_planted(Rule::Serves, 1, |ptr, osize, nsize| match (100..110).contains(&nsize) && ptr.is_null() {
        true => null_mut(),
        false => system(ptr, osize, nsize),
    });
}

/// Two of them have one memory, which begins anew when one of them goes.
struct Twin(&'static Arena, &'static AtomicUsize);

// SAFETY: the call is only forwarded.
unsafe impl LuaAlloc for Twin {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.0.realloc(ptr, osize, nsize) }
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        if self.1.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.next.set(0);
        } else {
            // What the other one has is lost as well.
            self.0.next.set(0);
            self.0.memory.iter().for_each(|word| {
                // SAFETY: nobody has a reference to the words.
                unsafe { *word.get() = 0 };
            });
        }
    }
}

#[test]
fn two_adapters_share_what_they_should_not() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let arena: &'static Arena = Box::leak(Box::new(Arena::new(16, true)));
    let make = || {
        COUNT.fetch_add(1, Ordering::Relaxed);
        Twin(arena, &COUNT)
    };
    let broken = finds(Rule::Independent, 3, || conformance::run(make));
    assert!(broken.seen.contains("of the first adapter have changed"), "{broken}");
}

#[test]
fn every_rule_has_a_trap() {
    // Each rule is named by a test above; a new one needs one.
    let source = include_str!("traps.rs");
    for rule in Rule::ALL {
        assert!(source.contains(&format!("Rule::{rule:?}")), "{rule:?}");
    }
}

//! Running a sequence on an adapter, beside a model of what it should hold.
//!
//! K3. A block in the model is live: the adapter gave it, it is aligned, overlaps no other one in the model and lies outside
//!     of the adapter itself, and the model knows the size that was last asked for. What breaks that ends the run at once.

use std::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{NonNull, null_mut};

use perilune_core::{AllocKind, LuaAlloc, OldSize};

use super::rule::Rule;
use super::sequence::Step;

/// What went wrong.
#[derive(Debug)]
pub(super) struct Fault {
    pub rule: Rule,
    /// What was seen, without the sequence.
    pub what: String,
}

type Checked<T = ()> = Result<T, Fault>;

fn fault<T>(rule: Rule, what: impl Into<String>) -> Checked<T> {
    Err(Fault { rule, what: what.into() })
}

/// What all runs of a kit have in common.
pub(super) struct Settings<A> {
    /// How many bytes a fresh adapter must be able to give.
    pub budget: usize,
    /// Reads the live bytes off an adapter that counts.
    pub live_bytes: Option<fn(&A) -> usize>,
    /// Bytes without order, which blocks are filled with.
    pub pattern: Vec<u8>,
}

/// How far into the pattern a block's bytes may begin.
const OFFSETS: usize = 4096;
/// The part of the pattern that is compared or copied at once.
const PART: usize = 4096;
/// How much `Step::Fill` takes at most.
const FILL_BYTES: usize = 4 << 20;
const FILL_BLOCKS: usize = 4096;
/// The numbers of the blocks of `Step::Fill` begin here.
const FILL_FIRST: usize = 1 << 32;

/// Bytes for [`Settings::pattern`].
pub(super) fn pattern() -> Vec<u8> {
    let mut state = 0x0123_4567_89AB_CDEFu64;
    let byte = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..OFFSETS + PART).map(byte).collect()
}

/// A live block.
struct Block {
    start: NonNull<u8>,
    size: usize,
}

// SAFETY: an address by itself does nothing; it is used by whoever has the adapter, which is with it in a `Run`.
unsafe impl Send for Block {}

/// The adapter, in one of two places between which it can be moved.
struct Places<A> {
    places: Box<[UnsafeCell<MaybeUninit<A>>; 2]>,
    at: usize,
}

impl<A> Places<A> {
    fn new(adapter: A) -> Self {
        let places = [MaybeUninit::new(adapter), MaybeUninit::uninit()].map(UnsafeCell::new);
        Self { places: Box::new(places), at: 0 }
    }

    fn get(&self) -> &A {
        // SAFETY: the place `at` holds the adapter, and nothing refers to it mutably.
        unsafe { (*self.places[self.at].get()).assume_init_ref() }
    }

    /// Moves the adapter; whatever still lies where it was is overwritten.
    fn shift(&mut self) {
        let (from, to) = (self.places[self.at].get(), self.places[1 - self.at].get());
        // SAFETY: the adapter is moved bit by bit to the other place, and only that one is used as it from here on.
        unsafe {
            to.copy_from_nonoverlapping(from, 1);
            from.cast::<u8>().write_bytes(0x5A, size_of::<A>());
        }
        self.at = 1 - self.at;
    }

    /// Whether bytes lie in one of the places.
    fn contains(&self, start: usize, size: usize) -> bool {
        let first = self.places.as_ptr() as usize;
        start < first + size_of_val(&*self.places) && first < start + size
    }

    /// Gives up the adapter.
    fn take(self) -> A {
        // SAFETY: the place `at` holds the adapter, and is not looked at again.
        unsafe { (*self.places[self.at].get()).assume_init_read() }
    }
}

/// What a run came to, in numbers.
#[derive(Default, Clone, Copy)]
pub(super) struct Figures {
    pub operations: u64,
    /// Requests that were refused, those for impossible sizes not among them.
    pub refused: u64,
    /// How often `Step::Fill` came to an end of memory.
    pub filled: u64,
    pub hops: u64,
}

/// An adapter and what it should hold.
pub(super) struct Run<A> {
    adapter: Places<A>,
    blocks: BTreeMap<usize, Block>,
    /// The same by address, for overlaps.
    ranges: BTreeMap<usize, usize>,
    /// The blocks of `Step::Fill`: how many of them were made.
    fillers: usize,
    /// The bytes that were asked for so far, with what an allocator may add.
    asked: usize,
    /// Whether there may be no memory.
    exhausted: bool,
    live_bytes: usize,
    bulk: bool,
    pub figures: Figures,
}

/// What a panic said.
fn message(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}

impl<A: LuaAlloc> Run<A> {
    pub(super) fn new(adapter: A) -> Self {
        let bulk = adapter.frees_in_bulk();
        Self {
            adapter: Places::new(adapter),
            blocks: BTreeMap::new(),
            ranges: BTreeMap::new(),
            fillers: 0,
            asked: 0,
            exhausted: false,
            live_bytes: 0,
            bulk,
            figures: Figures::default(),
        }
    }

    /// Calls the adapter; a panic breaks the given rule.
    ///
    /// # Safety
    /// As for [`LuaAlloc::realloc`].
    unsafe fn call(&mut self, ptr: *mut u8, osize: OldSize, nsize: usize, rule: Rule) -> Checked<*mut u8> {
        self.figures.operations += 1;
        // SAFETY: the caller's promise is the callee's.
        let call = || unsafe { self.adapter.get().realloc(ptr, osize, nsize) };
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok(block) => Ok(block),
            Err(payload) => fault(rule, format!("the call panicked: {}", message(&*payload))),
        }
    }

    /// Whether a request for so many bytes more may be refused.
    fn may_refuse(&mut self, size: usize, settings: &Settings<A>) -> bool {
        self.asked = self.asked.saturating_add(size.next_multiple_of(16) + 16);
        self.exhausted || self.asked > settings.budget
    }

    /// Takes a block that came into the model, once it may be written to.
    fn enter(&mut self, block: usize, start: *mut u8, size: usize, name: &str) -> Checked {
        let address = start as usize;
        let Some(pointer) = NonNull::new(start).filter(|_| address.checked_add(size).is_some()) else {
            return fault(Rule::Overlap, format!("{name} reaches beyond the end of the address space"));
        };
        if !address.is_multiple_of(16) {
            return fault(Rule::Alignment, format!("{name} lies at {address:#x}, which is no multiple of 16"));
        }
        if self.adapter.contains(address, size) {
            return fault(Rule::AdapterMoves, format!("{name} lies within the adapter, and would move with it"));
        }
        let before = self.ranges.range(..address + size).next_back();
        if let Some((&other, &number)) = before
            && self.blocks.get(&number).is_some_and(|block| other + block.size > address)
        {
            return fault(Rule::Overlap, format!("{name} overlaps another block, which is live"));
        }
        self.ranges.insert(address, block);
        self.blocks.insert(block, Block { start: pointer, size });
        self.live_bytes += size;
        Ok(())
    }

    /// Takes a block out of the model.
    fn leave(&mut self, block: usize) -> Option<Block> {
        let gone = self.blocks.remove(&block)?;
        self.ranges.remove(&(gone.start.as_ptr() as usize));
        self.live_bytes -= gone.size;
        Some(gone)
    }

    /// The part of the pattern that a block holds in a part of itself.
    fn expected(settings: &Settings<A>, block: usize) -> &[u8] {
        let offset = block.wrapping_mul(0x9E37_79B9) % OFFSETS;
        &settings.pattern[offset..offset + PART]
    }

    /// Writes a block's bytes from a place on.
    fn fill_bytes(&mut self, block: usize, from: usize, settings: &Settings<A>) {
        let Some(Block { start, size }) = self.blocks.get(&block) else { return };
        let bytes = Self::expected(settings, block);
        let mut at = from;
        while at < *size {
            let part = &bytes[at % PART..];
            let len = part.len().min(size - at);
            // SAFETY: K3: the bytes belong to the block.
            unsafe { start.as_ptr().add(at).copy_from_nonoverlapping(part.as_ptr(), len) };
            at += len;
        }
    }

    /// Whether the first bytes of a block are those that were written.
    fn has_bytes(block: usize, start: NonNull<u8>, size: usize, settings: &Settings<A>) -> bool {
        let bytes = Self::expected(settings, block);
        (0..size).step_by(PART).all(|at| {
            let len = PART.min(size - at);
            // SAFETY: K3: the bytes belong to the block, and were written.
            let found = unsafe { std::slice::from_raw_parts(start.as_ptr().add(at), len) };
            found == &bytes[..len]
        })
    }

    /// Checks the bytes of a block.
    fn verify(&self, block: usize, rule: Rule, when: &str, settings: &Settings<A>) -> Checked {
        match self.blocks.get(&block) {
            Some(&Block { start, size }) if !Self::has_bytes(block, start, size, settings) => {
                fault(rule, format!("bytes of a live block of {size} bytes have changed {when}"))
            }
            _ => Ok(()),
        }
    }

    /// Checks all blocks, and what the adapter says of itself.
    fn verify_all(&self, settings: &Settings<A>) -> Checked {
        for &block in self.blocks.keys() {
            self.verify(block, Rule::Overlap, "without a call for it", settings)?;
        }
        if self.adapter.get().frees_in_bulk() != self.bulk {
            return fault(Rule::Bulk, "the answer of `frees_in_bulk` has changed");
        }
        self.verify_figures(settings)
    }

    fn verify_figures(&self, settings: &Settings<A>) -> Checked {
        let Some(live_bytes) = settings.live_bytes else { return Ok(()) };
        let (said, live) = (live_bytes(self.adapter.get()), self.live_bytes);
        if said != live {
            return fault(Rule::Accounting, format!("{live} bytes are live, but the adapter says {said}"));
        }
        Ok(())
    }

    fn new_block(&mut self, block: usize, kind: AllocKind, size: usize, settings: &Settings<A>) -> Checked<bool> {
        let may_refuse = self.may_refuse(size, settings);
        // SAFETY: a null pointer asks for a new block.
        let start = unsafe { self.call(null_mut(), OldSize::of_kind(kind), size, Rule::Unwinds)? };
        if start.is_null() {
            self.figures.refused += 1;
            if may_refuse {
                return Ok(false);
            }
            let what = format!("a new block of {size} bytes was refused");
            // SAFETY: as above. If it comes, it is left.
            let other = unsafe { self.call(null_mut(), OldSize::of_kind(AllocKind::Other), size, Rule::Unwinds)? };
            if !other.is_null() {
                let (name, number) = (kind.name(), kind as usize);
                return fault(Rule::Kind, format!("{what} as a {name} (kind {number}), but not as kind 0"));
            }
            return fault(Rule::Serves, format!("{what}, with {} bytes live", self.live_bytes));
        }
        self.enter(block, start, size, "the new block")?;
        self.fill_bytes(block, 0, settings);
        Ok(true)
    }

    fn resize(&mut self, block: usize, size: usize, settings: &Settings<A>) -> Checked {
        let Some(&Block { start, size: old }) = self.blocks.get(&block) else { return Ok(()) };
        self.verify(block, Rule::Overlap, "without a call for it", settings)?;
        let may_refuse = self.may_refuse(size, settings);
        // SAFETY: K3.
        let moved = unsafe { self.call(start.as_ptr(), OldSize::of_size(old), size, Rule::Unwinds)? };
        if moved.is_null() {
            self.figures.refused += 1;
            if size <= old {
                return fault(Rule::Shrink, format!("resizing a block from {old} to {size} bytes gave null"));
            }
            self.verify(block, Rule::FailureKeeps, "by a resize that failed", settings)?;
            if may_refuse {
                return Ok(());
            }
            return fault(Rule::Serves, format!("growing a block from {old} to {size} bytes was refused"));
        }
        self.leave(block);
        self.enter(block, moved, size, "the resized block")?;
        let kept = old.min(size);
        if !Self::has_bytes(block, self.blocks[&block].start, kept, settings) {
            return fault(
                Rule::Contents,
                format!("of a block resized from {old} to {size} bytes, the first {kept} have changed"),
            );
        }
        self.fill_bytes(block, kept, settings);
        Ok(())
    }

    fn free(&mut self, block: usize, settings: &Settings<A>) -> Checked {
        self.verify(block, Rule::Overlap, "without a call for it", settings)?;
        let Some(Block { start, size }) = self.leave(block) else { return Ok(()) };
        // SAFETY: K3; the block is in the model no more.
        let answer = unsafe { self.call(start.as_ptr(), OldSize::of_size(size), 0, Rule::Free)? };
        if !answer.is_null() {
            return fault(Rule::Free, format!("freeing a block of {size} bytes gave {answer:p} instead of null"));
        }
        Ok(())
    }

    fn huge(&mut self, block: Option<usize>, kind: AllocKind, size: usize, settings: &Settings<A>) -> Checked {
        let (ptr, osize) = match block {
            None => (null_mut(), OldSize::of_kind(kind)),
            Some(block) => match self.blocks.get(&block) {
                Some(block) => (block.start.as_ptr(), OldSize::of_size(block.size)),
                None => return Ok(()),
            },
        };
        // SAFETY: K3, or a null pointer that asks for a new block.
        let answer = unsafe { self.call(ptr, osize, size, Rule::Huge)? };
        if !answer.is_null() {
            return fault(Rule::Huge, format!("a request for {size:#x} bytes gave {answer:p} instead of null"));
        }
        match block {
            Some(block) => self.verify(block, Rule::FailureKeeps, "by a resize that failed", settings),
            None => Ok(()),
        }
    }

    /// Makes blocks of falling sizes until no more come, or enough.
    fn fill(&mut self, settings: &Settings<A>) -> Checked {
        self.exhausted = true;
        let (mut bytes, first) = (0, self.fillers);
        for size in [1 << 16, 1 << 12, 256, 64, 32, 16, 1] {
            loop {
                if bytes > FILL_BYTES || self.fillers - first > FILL_BLOCKS {
                    return Ok(());
                }
                if !self.new_block(FILL_FIRST + self.fillers, AllocKind::Other, size, settings)? {
                    break;
                }
                bytes += size;
                self.fillers += 1;
            }
        }
        self.figures.filled += 1;
        Ok(())
    }

    fn drain(&mut self, settings: &Settings<A>) -> Checked {
        for block in 0..self.fillers {
            self.free(FILL_FIRST + block, settings)?;
        }
        self.fillers = 0;
        Ok(())
    }

    fn step(&mut self, step: Step, settings: &Settings<A>) -> Checked {
        match step {
            Step::New { block, kind, size } => self.new_block(block, kind, size, settings).map(drop),
            Step::Resize { block, size } => self.resize(block, size, settings),
            Step::Free { block } => self.free(block, settings),
            Step::Empty { osize } => {
                // SAFETY: a null pointer and size 0 are always allowed.
                let answer = unsafe { self.call(null_mut(), OldSize::of_size(osize), 0, Rule::Empty)? };
                match answer.is_null() {
                    true => Ok(()),
                    false => fault(Rule::Empty, format!("the call gave {answer:p}")),
                }
            }
            Step::HugeNew { kind, size } => self.huge(None, kind, size, settings),
            Step::HugeResize { block, size } => self.huge(Some(block), AllocKind::Other, size, settings),
            Step::MoveAdapter => {
                self.adapter.shift();
                Ok(())
            }
            Step::MoveThread => Ok(()),
            Step::Fill => self.fill(settings),
            Step::Drain => self.drain(settings),
        }
    }

    /// Runs steps; gives how many were done with the first fault. With care, everything is verified after each.
    pub(super) fn steps(
        &mut self,
        steps: &[Step],
        careful: bool,
        settings: &Settings<A>,
    ) -> Result<(), (usize, Fault)> {
        for (at, &step) in steps.iter().enumerate() {
            let mut result = self.step(step, settings).and_then(|()| self.verify_figures(settings));
            if result.is_ok() && (careful || at % 16 == 15) {
                result = self.verify_all(settings);
            }
            result.map_err(|fault| (at + 1, fault))?;
        }
        Ok(())
    }

    /// The end of a sequence: everything is verified and freed. If the adapter frees in bulk, blocks may be left to it.
    pub(super) fn finish(&mut self, leave: bool, settings: &Settings<A>) -> Checked {
        self.verify_all(settings)?;
        let mut blocks: Vec<usize> = self.blocks.keys().copied().collect();
        if leave && self.bulk {
            blocks.truncate(blocks.len() / 2);
        }
        for block in blocks.into_iter().rev() {
            self.free(block, settings)?;
        }
        self.verify_all(settings)
    }

    /// Drops the adapter, after a sequence in which all was right.
    pub(super) fn close(self) -> Checked {
        let adapter = self.adapter.take();
        match catch_unwind(AssertUnwindSafe(|| drop(adapter))) {
            Ok(()) => Ok(()),
            Err(payload) => fault(Rule::Unwinds, format!("dropping the adapter panicked: {}", message(&*payload))),
        }
    }

    /// The end of a sequence in which something was wrong: an arena is dropped with all that is in it. Other adapters and
    /// their blocks are left as they are, but for those that filled the memory.
    pub(super) fn abandon(mut self, settings: &Settings<A>) {
        // What more goes wrong is of no interest.
        let _ = self.drain(settings);
        let adapter = self.adapter.take();
        if self.bulk {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(adapter)));
        } else {
            std::mem::forget(adapter);
        }
    }
}

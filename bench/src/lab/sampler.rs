//! The instrument that samples live against resident memory over a run.

use std::cell::{Cell, RefCell};

use perilune_alloc_adapters::{LuaAlloc, OldSize};
use serde::{Deserialize, Serialize};

use super::os::ResidentNow;

/// The most samples that are kept; beyond that, every other one goes and the distance doubles.
const SAMPLES: usize = 256;
/// The distance of the first samples, in bytes allocated.
const FIRST_STEP: u64 = 16 << 10;

/// Memory at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The bytes that were allocated until then, which serve as the clock.
    pub allocated: u64,
    /// The sum of the sizes of live blocks.
    pub live: u64,
    /// What is resident more than at the beginning.
    pub resident: u64,
    /// What the allocator has taken from the system, if it can tell.
    pub reserved: Option<u64>,
}

/// What there is before the allocator is made: what is resident, and room for samples.
pub struct Beginning {
    resident: ResidentNow,
    start: u64,
    samples: Vec<Sample>,
}

impl Beginning {
    /// Looks at this moment.
    pub fn now() -> Self {
        let resident = ResidentNow::new();
        // The room is touched now, so that it does not count as the allocator's.
        let mut samples = vec![Sample { allocated: 1, ..Sample::default() }; SAMPLES];
        samples.clear();
        let start = resident.anonymous();
        Self { resident, start, samples }
    }
}

/// Samples memory each time that so many bytes more were allocated.
pub struct Sampler<'a, A> {
    inner: A,
    reserved: &'a dyn Fn() -> Option<usize>,
    resident: ResidentNow,
    start: u64,
    most_reserved: Cell<Option<u64>>,
    live: Cell<u64>,
    allocated: Cell<u64>,
    next: Cell<u64>,
    step: Cell<u64>,
    samples: RefCell<Vec<Sample>>,
}

impl<'a, A: LuaAlloc> Sampler<'a, A> {
    /// Wraps an allocator that was made after the beginning; `reserved` tells what it has taken from the system.
    pub fn new(beginning: Beginning, inner: A, reserved: &'a dyn Fn() -> Option<usize>) -> Self {
        let Beginning { resident, start, samples } = beginning;
        Self {
            inner,
            reserved,
            resident,
            start,
            most_reserved: Cell::new(None),
            live: Cell::new(0),
            allocated: Cell::new(0),
            next: Cell::new(0),
            step: Cell::new(FIRST_STEP),
            samples: RefCell::new(samples),
        }
    }

    /// Takes a sample now.
    pub fn sample(&self) {
        let mut samples = self.samples.borrow_mut();
        if samples.len() == SAMPLES {
            let mut place = 0;
            samples.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.step.set(2 * self.step.get());
        }
        let reserved = (self.reserved)().map(|bytes| bytes as u64);
        self.most_reserved.set(self.most_reserved.get().max(reserved));
        samples.push(Sample {
            allocated: self.allocated.get(),
            live: self.live.get(),
            resident: self.resident.anonymous().saturating_sub(self.start),
            reserved,
        });
        self.next.set(self.allocated.get() + self.step.get());
    }

    /// The most that the allocator had taken from the system at any sample, if it can tell.
    pub fn most_reserved(&self) -> Option<u64> {
        self.most_reserved.get()
    }

    /// The samples so far.
    pub fn samples(&self) -> Vec<Sample> {
        self.samples.borrow().clone()
    }
}

// SAFETY: every call is forwarded as it is, and its result returned as it is. Nothing unwinds: there is room for a sample whenever one
// is taken, and the list is borrowed only within functions that do not come back here.
unsafe impl<A: LuaAlloc> LuaAlloc for Sampler<'_, A> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: the caller's promise is the callee's.
        let block = unsafe { self.inner.realloc(ptr, osize, nsize) };
        if block.is_null() && nsize > 0 {
            return block;
        }
        let old = if ptr.is_null() { 0 } else { osize.bytes() as u64 };
        let new = nsize as u64;
        self.live.set(self.live.get().wrapping_add(new).wrapping_sub(old));
        self.allocated.set(self.allocated.get() + new.saturating_sub(old));
        if self.allocated.get() >= self.next.get() {
            self.sample();
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use perilune_alloc_adapters::{AllocKind, System};

    use super::super::os::is_alone;
    use super::*;

    #[test]
    fn samples_stay_few_and_in_order() {
        let memory = Sampler::new(Beginning::now(), System, &|| Some(7));
        for size in 1..4000 {
            // SAFETY: the block is used as the contract says, and freed.
            unsafe {
                let block = memory.realloc(null_mut(), OldSize::of_kind(AllocKind::Other), 4 * size);
                let block = memory.realloc(block, OldSize::of_size(4 * size), 8 * size);
                memory.realloc(block, OldSize::of_size(8 * size), 0);
            }
        }
        let samples = memory.samples();
        assert!(samples.len() > SAMPLES / 2 - 1 && samples.len() <= SAMPLES, "{}", samples.len());
        assert!(samples.windows(2).all(|pair| pair[0].allocated < pair[1].allocated));
        assert!(samples.iter().all(|sample| sample.live <= 8 * 4000 && sample.reserved == Some(7)));
        assert_eq!(memory.allocated.get(), 8 * (3999 * 4000 / 2));
        assert_eq!(memory.live.get(), 0);
    }

    #[test]
    fn what_an_allocator_takes_as_it_is_made_counts() {
        if !is_alone("lab::sampler::tests::what_an_allocator_takes_as_it_is_made_counts") {
            return;
        }
        let beginning = Beginning::now();
        let taken = vec![1u8; 8 << 20];
        let reserved = Cell::new(1);
        let ask = || Some(reserved.get());
        let memory = Sampler::new(beginning, System, &ask);
        for bytes in [20, 30, 10] {
            reserved.set(bytes);
            memory.sample();
        }
        assert_eq!(memory.most_reserved(), Some(30));
        assert!(memory.samples()[0].resident >= 7 << 20 && taken[1] == 1, "{:?}", memory.samples()[0]);
    }
}

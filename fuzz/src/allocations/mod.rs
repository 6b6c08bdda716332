//! Sequences of calls of an allocator, for the conformance kit of `perilune-alloc-adapters`.
//!
//! The kit has the steps, the model and the rules ([`conformance`]); here its sequences come from `arbitrary` and `proptest`, and shrink
//! as everything else does.
//!
//! ```
//! use perilune_alloc_adapters::{Slab, conformance::Kit};
//! use perilune_fuzz::{allocations::Sequence, property};
//!
//! let sequence: Sequence = property::from_seed(1, 400).unwrap();
//! sequence.keeps_contract(&Kit::new(Slab::new)).unwrap();
//! ```

use arbitrary::{Arbitrary, Result as Generated, Unstructured};
use perilune_alloc_adapters::LuaAlloc;
use perilune_alloc_adapters::conformance::{self, Kit, Step};

use crate::property::{Shrink, shorter, shorter_count};

/// A sequence of calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sequence(pub Vec<Step>);

impl Sequence {
    /// An adapter keeps the contract in this sequence. It stays in its thread unless the kit [sends](Kit::sends) it.
    ///
    /// # Errors
    /// A report that names the rule which is broken.
    pub fn keeps_contract<A: LuaAlloc>(&self, kit: &Kit<'_, A>) -> Result<(), String> {
        kit.run_steps(&self.0).map_err(|broken| broken.to_string())
    }
}

impl<'a> Arbitrary<'a> for Sequence {
    fn arbitrary(u: &mut Unstructured<'a>) -> Generated<Self> {
        // A step takes some five bytes; what is missing at the end is 0.
        let length = u.int_in_range(1..=(u.len() / 5).clamp(1, 300))?;
        let fill = u.ratio(1, 16)?;
        let mut below = |n: usize| u.int_in_range(0..=n - 1).unwrap_or(0);
        Ok(Self(conformance::steps(&mut below, length, fill, true)))
    }
}

impl Shrink for Sequence {
    fn shrink(&self, n: usize) -> Option<Self> {
        if let Some(steps) = shorter(&self.0, n) {
            return Some(Self(steps));
        }
        let simpler =
            self.0.iter().enumerate().flat_map(|(at, step)| step.simpler().into_iter().map(move |step| (at, step)));
        let (at, step) = simpler.into_iter().nth(n - shorter_count(self.0.len()))?;
        let mut steps = self.0.clone();
        steps[at] = step;
        Some(Self(steps))
    }
}

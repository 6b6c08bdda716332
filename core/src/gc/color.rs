//! The colour bits of [`GcHeader::marked`].
//!
//! A white object has one of the two white bits, a black one the black bit, a gray one none of the three.

use super::{Heap, Phase};
use crate::object::GcHeader;

/// The first white.
pub const WHITE0: u8 = 1 << 0;
/// The second white.
pub const WHITE1: u8 = 1 << 1;
/// Both whites.
pub const WHITE_BITS: u8 = WHITE0 | WHITE1;
/// Black.
pub const BLACK: u8 = 1 << 2;
/// The object has a finalizer that has not been called yet.
pub const FINALIZER: u8 = 1 << 3;
/// Of a weak table that is undecided (G12): when it was traversed, its values were weak and its keys not, so that these are marked. It means
/// nothing otherwise.
pub(super) const WEAK_VALUES: u8 = 1 << 4;
/// Used by the heap checker, and clear otherwise.
pub(super) const SEEN: u8 = 1 << 7;

/// Everything but the colour.
pub(super) const NOT_COLOR: u8 = !(WHITE_BITS | BLACK);

/// What the collector thinks of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Color {
    /// Not reached yet in this cycle, or already swept.
    White,
    /// Reached, but to be looked at (again).
    Gray,
    /// Reached and done with.
    Black,
    /// Found unreachable, and about to be freed.
    Dead,
}

impl GcHeader {
    /// Whether the object has one of the whites.
    #[inline(always)]
    pub fn is_white(&self) -> bool {
        self.marked.get() & WHITE_BITS != 0
    }

    /// Whether the object is black.
    #[inline(always)]
    pub fn is_black(&self) -> bool {
        self.marked.get() & BLACK != 0
    }

    /// Whether the object is gray.
    #[inline(always)]
    pub fn is_gray(&self) -> bool {
        self.marked.get() & (WHITE_BITS | BLACK) == 0
    }

    /// Whether the object has a finalizer that has not been called yet.
    #[inline(always)]
    pub fn has_finalizer(&self) -> bool {
        self.marked.get() & FINALIZER != 0
    }

    /// Whether an undecided table had weak values and strong keys, in all the slices of its traversal.
    #[inline(always)]
    pub(super) fn has_weak_values(&self) -> bool {
        self.marked.get() & WEAK_VALUES != 0
    }

    /// Says so.
    #[inline(always)]
    pub(super) fn set_has_weak_values(&self, has: bool) {
        self.marked.set(self.marked.get() & !WEAK_VALUES | if has { WEAK_VALUES } else { 0 });
    }

    /// White to gray.
    #[inline(always)]
    pub(super) fn make_gray(&self) {
        self.marked.set(self.marked.get() & NOT_COLOR);
    }

    /// Any colour to black.
    #[inline(always)]
    pub(super) fn make_black(&self) {
        self.marked.set(self.marked.get() & !WHITE_BITS | BLACK);
    }

    /// Any colour to the given white.
    #[inline(always)]
    pub(super) fn make_white(&self, white: u8) {
        self.marked.set(self.marked.get() & NOT_COLOR | white);
    }
}

impl Heap {
    /// The white of the dead, while sweeping.
    #[inline(always)]
    pub(crate) fn other_white(&self) -> u8 {
        self.current_white ^ WHITE_BITS
    }

    /// Whether the object waits to be swept away. A short string that is found so in the string table is brought back
    /// by [`Self::revive`].
    #[doc(alias = "isdead")]
    #[inline(always)]
    pub(crate) fn is_dead(&self, object: &GcHeader) -> bool {
        object.marked.get() & self.other_white() != 0
    }

    /// Makes a dead object white again. Only for objects that point to nothing: strings.
    #[doc(alias = "changewhite")]
    #[inline(always)]
    pub(crate) fn revive(&self, object: &GcHeader) {
        object.make_white(self.current_white);
    }

    /// Whether no black object may point to a white one now (G3).
    #[doc(alias = "keepinvariant")]
    #[inline(always)]
    pub(super) fn must_keep_invariant(&self) -> bool {
        self.phase <= Phase::Atomic
    }

    /// Whether a sweep is under way.
    #[doc(alias = "issweepphase")]
    #[inline(always)]
    pub(super) fn is_sweeping(&self) -> bool {
        self.phase >= Phase::SweepAll && self.phase <= Phase::SweepEnd
    }

    /// Whether what finalizers need is being found.
    #[inline(always)]
    pub(super) fn is_resurrecting(&self) -> bool {
        matches!(self.phase, Phase::Separate | Phase::Resurrect)
    }

    /// The object's colour.
    pub fn color(&self, object: &GcHeader) -> Color {
        if self.is_dead(object) {
            Color::Dead
        } else if object.is_white() {
            Color::White
        } else if object.is_black() {
            Color::Black
        } else {
            Color::Gray
        }
    }
}

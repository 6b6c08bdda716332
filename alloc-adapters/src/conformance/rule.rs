//! The rules that the kit checks, in words.

use std::fmt;

/// A line of the allocation contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// A null pointer and a size of 0: nothing happens, null comes back.
    Empty,
    /// A size of 0 frees the block and gives null.
    Free,
    /// A new block's third argument is its kind, no size.
    Kind,
    /// Small requests are served while little has been asked for.
    Serves,
    /// Blocks are aligned to 16 bytes.
    Alignment,
    /// Live blocks do not overlap, and keep their bytes.
    Overlap,
    /// A resize keeps the bytes that both sizes have.
    Contents,
    /// A shrink never fails.
    Shrink,
    /// A size that cannot be had gives null.
    Huge,
    /// A failed resize leaves the old block as it was.
    FailureKeeps,
    /// After a failure the allocator goes on.
    UsableAfterFailure,
    /// Blocks stay where they are when the adapter is moved.
    AdapterMoves,
    /// An adapter that is `Send` works in whichever thread it is.
    Threads,
    /// Two adapters do not disturb each other.
    Independent,
    /// `frees_in_bulk` says the truth.
    Bulk,
    /// Nothing unwinds.
    Unwinds,
    /// The figures of an adapter that counts are right.
    Accounting,
}

impl Rule {
    /// All rules.
    pub const ALL: [Rule; 17] = [
        Self::Empty,
        Self::Free,
        Self::Kind,
        Self::Serves,
        Self::Alignment,
        Self::Overlap,
        Self::Contents,
        Self::Shrink,
        Self::Huge,
        Self::FailureKeeps,
        Self::UsableAfterFailure,
        Self::AdapterMoves,
        Self::Threads,
        Self::Independent,
        Self::Bulk,
        Self::Unwinds,
        Self::Accounting,
    ];

    /// The rule as a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Empty => "a null pointer with size 0 is a call without effect, and gives null",
            Self::Free => "size 0 frees the block and gives null",
            Self::Kind => "with a null pointer, the third argument is the kind of the new block, never a size",
            Self::Serves => "a small request is served while little has been asked for",
            Self::Alignment => "blocks are aligned to 16 bytes, whatever their size",
            Self::Overlap => "live blocks do not overlap, and keep the bytes that were written into them",
            Self::Contents => "a resize keeps the bytes that the old and the new size have in common",
            Self::Shrink => "a resize to the same or a smaller size never fails",
            Self::Huge => "a size that cannot be had gives null",
            Self::FailureKeeps => "a resize that fails leaves the old block as it was",
            Self::UsableAfterFailure => "after a request that failed the allocator serves others as before",
            Self::AdapterMoves => "blocks stay where they are, and usable, when the adapter itself is moved",
            Self::Threads => "an adapter that can be sent to another thread works there",
            Self::Independent => "two adapters of one type do not disturb each other",
            Self::Bulk => "an adapter that says it frees in bulk frees everything when it is dropped",
            Self::Unwinds => "no call unwinds",
            Self::Accounting => {
                "an adapter that counts bytes counts the sizes that were asked for, kinds not among them"
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

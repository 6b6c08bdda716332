//! The heap's state and the collector: incremental, tri-colour mark and sweep, non-moving.
//!
//! Colours (see [`color`]): a *white* object has not been reached in this cycle, a *gray* one has been reached but
//! what it points to has not been looked at, a *black* one is done with. There are two whites, which swap at the end
//! of marking: from then on the old one means dead, and new objects are born in the new one.
//!
//! G1. Whatever is reachable from a root is live: main thread, running thread and those that wait for it, registry,
//!     anchors, basic metatables, fixed objects, to-be-finalized objects. Weak references (the weak side of a weak table, the
//!     cache of a prototype) do not count; they are cleared before their object is freed.
//! G2. Every object is in exactly one list through `header.next`: `all`, `finalizable` (finalizer bit set), `pending`
//!     (finalizer bit set), `fixed` (gray for ever, never swept), or `doomed` (userdata that were found dead and whose
//!     value is to be dropped; nothing refers to them).
//! G3. In the phases `Propagate` and `Atomic` no black object points to a white one. The barriers keep it so. Open
//!     upvalues and threads are black only as G11 says, so that stores into a stack need no barrier. One black table or thread
//!     may: the one that is being traversed in slices, `partial`, from its entry or slot `partial_at` on. Whoever moves a table's
//!     entries says so ([`Heap::entries_moved`], `entry_may_move`).
//! G4. In the same phases, a gray table, closure, prototype or thread is in exactly one gray list through `gclist`.
//!     In the other phases these lists are stale and are not read; the next cycle begins with empty ones.
//! G5. While sweeping, what has the other white is dead, and nothing live points to it. Outside the phases from `Separate` to
//!     `SweepEnd` no object has the other white, and between two cycles all but the fixed ones have the current white. In the phases
//!     `Separate` and `Resurrect`, what has the other white may still be needed by a finalizer; but nothing that a program can get at
//!     points to it, so that it stays as it is. What is gray then may point to it, and so may `partial`.
//! G6. `sweep` is the last object that the sweep kept in the list of the current phase, or null at the list's head.
//!     Whoever takes that object out of its list moves `sweep` to its predecessor. In the phases `Separate` and `Resurrect`, it is the last object
//!     that was found live, or that was marked, of `finalizable` and of `pending`.
//! G7. A thread with open upvalues is in `twups`. An open upvalue is alive as long as its thread; when a dead thread
//!     leaves live upvalues behind, the atomic phase closes them.
//! G8. The collector itself allocates nothing. It only frees, and shrinks stacks and the string table.
//! G9. `credit + debt` is the number of bytes in use.
//! G10. An object is freed exactly once, when its list is swept (or, after it was doomed, when its value is dropped) or at
//!     the end of the state; its size is told from its
//!     own fields, never from other objects, since those may have been freed before.
//! G11. A black thread is a coroutine that has yielded, or has not begun, and that the host has no handle of. No slot of its stack,
//!     above its top either, has a white value. Its open upvalues are black, so that stores into them have a barrier; those of other
//!     threads never are. Who is about to resume it or to touch its stack calls [`Heap::wake_thread`] first.
//! G12. The black tables in `undecided` are weak ones with elements or nodes that refer to white objects: the first of each kind, those
//!     that the distances `skip` lead to from there, and no others. Who moves an entry marks it, or says so as for `partial` (G3).

mod barrier;
mod check;
pub mod color;
mod cycle;
mod finalize;
mod free;
mod mark;
mod sweep;
mod traverse;
mod upvalues;
mod weak;

pub(crate) use mark::prefetch;

use crate::base::alloc::RawAlloc;
use crate::object::{CallInfo, GcHeader, LuaString, Table, Thread};
use crate::value::{LuaType, TValue};

pub use color::Color;

/// How many metamethod names are pinned (`TM_N`).
pub const EVENT_COUNT: usize = 25;

/// The metamethods that the collector looks for, with their places in [`Heap::event_names`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// `__gc`
    Gc = 2,
    /// `__mode`
    Mode = 3,
}

/// The phases of a collection cycle, in order.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// Gray objects are traversed.
    Propagate,
    /// The mark phase is finished in one go.
    Atomic,
    /// Dead objects with finalizers are told from live ones.
    Separate,
    /// What objects refer to that wait for their finalizer is marked.
    Resurrect,
    /// Ordinary objects are swept.
    SweepAll,
    /// Objects with finalizers are swept.
    SweepFinalizable,
    /// Objects that wait for their finalizer are swept.
    SweepPending,
    /// Nothing is left to sweep.
    SweepEnd,
    /// Pending finalizers are called (by the VM).
    CallFinalizers,
    /// Between two cycles.
    Pause,
}

/// A thread that waits for another one in code of the host, which holds this as long as it waits.
#[derive(Debug)]
pub struct Waiting {
    /// The thread.
    pub thread: *mut Thread,
    /// The one that began to wait before.
    pub outer: *const Waiting,
}

/// Everything that one state owns: its allocator, its objects and the collector's state.
#[doc(alias = "global_State")]
#[repr(C)]
pub struct Heap {
    pub(crate) alloc: RawAlloc,
    /// Bytes in use less `debt` (`totalbytes`): `total_bytes()` is the sum of both.
    pub(crate) credit: isize,
    /// Bytes allocated that the collector has not yet paid for; a step is due when positive (`GCdebt`).
    pub debt: isize,
    /// Bytes allocated that the steps so far should have paid for, but were not allowed to in one go.
    pub(crate) arrears: isize,
    /// Work done in the current step, in bytes traversed.
    pub(crate) traversed: usize,
    /// An estimate of the bytes in use after the last cycle.
    pub(crate) estimate: usize,
    /// The interned strings: a block of `bucket_room` buckets, of which the first `bucket_count` are in use.
    pub(crate) buckets: *mut *mut LuaString,
    pub(crate) bucket_count: usize,
    pub(crate) bucket_room: usize,
    pub(crate) short_strings: usize,
    /// The seed of string hashes.
    pub(crate) seed: u32,
    /// The white that new objects get ([`color::WHITE0`] or [`color::WHITE1`]).
    pub(crate) current_white: u8,
    /// The phase of the cycle.
    pub(crate) phase: Phase,
    /// Whether the current collection is an emergency one (no finalizers, no shrinking).
    pub(crate) emergency: bool,
    /// Whether the atomic phase is under way (never seen from outside the collector).
    pub(crate) in_atomic: bool,
    /// Whether a step was made for which no finalizers have been called yet.
    pub(crate) stepped: bool,
    /// Whether the collector may run.
    pub running: bool,
    /// Whether the allocator was replaced, ever.
    pub(crate) alloc_replaced: bool,
    /// Whether a userdata was ever given a destructor.
    pub(crate) has_destructors: bool,
    /// The ordinary objects, newest first.
    pub(crate) all: *mut GcHeader,
    /// Where the sweep stands: the last object that it kept, null at the head of a list (G6).
    pub(crate) sweep: *mut GcHeader,
    /// Objects with a finalizer.
    pub(crate) finalizable: *mut GcHeader,
    /// Objects to be traversed.
    pub(crate) gray: *mut GcHeader,
    /// Large tables and stacks to be traversed in slices, when nothing else is gray.
    pub(crate) large: *mut GcHeader,
    /// The table or thread that is being traversed in slices, or null (G3).
    pub(crate) partial: *mut GcHeader,
    /// The first of its slots or entries that was not looked at: elements of the array part count first, then nodes.
    pub(crate) partial_at: usize,
    /// How often it was begun anew.
    pub(crate) restarts: u32,
    /// The last of its nodes that is undecided or leads to one (G12).
    pub(crate) partial_last: usize,
    /// Whether any is undecided.
    pub(crate) partial_is_undecided: bool,
    /// Weak tables, to be traversed in slices when everything else is marked.
    pub(crate) waiting_weak: *mut GcHeader,
    /// Weak tables with entries whose fate the atomic phase decides (G12).
    pub(crate) undecided: *mut GcHeader,
    /// How many entries there are about, and whether values were marked since they were last looked at, which may be keys of others.
    pub(crate) undecided_count: usize,
    pub(crate) values_found: bool,
    /// The value of an ephemeron that was just marked, and whose own entry is to be looked at next; nil if there is none.
    pub(crate) chased: TValue,
    /// How often weak tables were traversed again in this cycle.
    pub(crate) weak_passes: u32,
    /// Tables that were black and then written to, threads that were black and then resumed.
    pub(crate) touched: *mut GcHeader,
    /// How many there are since they were last made gray.
    pub(crate) touched_count: u32,
    /// How often that has happened in this cycle.
    pub(crate) revisits: u32,
    /// Objects to be traversed again in the atomic phase: threads and some weak tables.
    pub(crate) gray_again: *mut GcHeader,
    /// Tables with weak values that are to be cleared.
    pub(crate) weak: *mut GcHeader,
    /// Tables with weak keys that have an entry with white key and white value.
    pub(crate) ephemeron: *mut GcHeader,
    /// Tables whose keys are weak and are to be cleared, values too if these are weak.
    pub(crate) all_weak: *mut GcHeader,
    /// Dead objects that wait for their finalizer.
    pub(crate) pending: *mut GcHeader,
    /// The last one of them, in the phase `Separate`.
    pub(crate) last_pending: *mut GcHeader,
    /// Dead userdata with a value that is still to be dropped.
    pub(crate) doomed: *mut GcHeader,
    /// Objects that are never collected.
    pub(crate) fixed: *mut GcHeader,
    /// Threads with open upvalues.
    pub twups: *mut Thread,
    /// Stacks for new threads (H8).
    pub(crate) spare_stacks: *mut TValue,
    /// How many these are.
    pub(crate) spare_stack_count: u32,
    /// Frames of no thread, which are still to be freed (H9).
    pub(crate) retired_frames: *mut CallInfo,
    /// How many finalizers to call in each step.
    pub(crate) finalizers_per_step: u32,
    /// How much memory must grow before the next cycle, in percent of the estimate.
    pub(crate) pause: i32,
    /// How fast the collector works relative to allocation, in percent.
    pub(crate) step_mul: i32,
    /// Roots.
    pub main_thread: *mut Thread,
    /// The thread that runs now; a root, since nothing else may point to it.
    pub running_thread: *mut Thread,
    /// The threads that wait for the running one in code of the host, the last one first.
    pub waiting: *const Waiting,
    /// The registry.
    pub registry: TValue,
    /// A table of what the VM needs for a while and programs must not get at; null before there is any.
    pub anchors: *mut Table,
    /// The metatables of the types that share one.
    pub metatables: [*mut Table; LuaType::COUNT],
    /// The names of the metamethods, pinned; the VM fills them.
    pub event_names: [*mut LuaString; EVENT_COUNT],
    /// The message of a memory error, made beforehand.
    pub memory_message: *mut LuaString,
}

//! The heap's state and the collector: incremental, tri-colour, non-moving.
//!
//! G1. Whatever is reachable from a root is live: main thread, running thread, registry, basic metatables, pinned strings,
//!     to-be-finalized objects.

use crate::base::alloc::RawAlloc;
use crate::object::{GcHeader, LuaString, Table, Thread};
use crate::value::{LuaType, TValue};

/// How many metamethod names are pinned (`TM_N`).
pub const EVENT_COUNT: usize = 25;

/// The phases of a collection cycle, in order.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// Gray objects are traversed.
    Propagate,
    /// The mark phase is finished in one go.
    Atomic,
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

/// Everything that one state owns: its allocator, its objects and the collector's state.
#[doc(alias = "global_State")]
#[repr(C)]
pub struct Heap {
    pub(crate) alloc: RawAlloc,
    /// Bytes in use less `debt` (`totalbytes`): `total_bytes()` is the sum of both.
    pub(crate) credit: isize,
    /// Bytes allocated that the collector has not yet paid for; a step is due when positive (`GCdebt`).
    pub debt: isize,
    /// Work done in the current step, in bytes traversed.
    pub(crate) traversed: usize,
    /// An estimate of the bytes in use after the last cycle.
    pub(crate) estimate: usize,
    /// The interned strings.
    pub(crate) buckets: *mut *mut LuaString,
    pub(crate) bucket_count: usize,
    pub(crate) short_strings: usize,
    /// The seed of string hashes.
    pub(crate) seed: u32,
    pub(crate) current_white: u8,
    pub(crate) phase: Phase,
    /// Whether the current collection is an emergency one (no finalizers, no shrinking).
    pub(crate) emergency: bool,
    /// Whether the collector may run.
    pub running: bool,
    pub(crate) all: *mut GcHeader,
    /// Where the sweep stands: the link that it looks at next.
    pub(crate) sweep: *mut *mut GcHeader,
    pub(crate) finalizable: *mut GcHeader,
    pub(crate) gray: *mut GcHeader,
    pub(crate) gray_again: *mut GcHeader,
    pub(crate) weak: *mut GcHeader,
    pub(crate) ephemeron: *mut GcHeader,
    pub(crate) all_weak: *mut GcHeader,
    pub(crate) pending: *mut GcHeader,
    pub(crate) fixed: *mut GcHeader,
    /// Threads with open upvalues.
    pub twups: *mut Thread,
    /// How many finalizers to call in each step.
    pub(crate) finalizers_per_step: u32,
    pub(crate) pause: i32,
    pub(crate) step_mul: i32,
    /// Roots.
    pub main_thread: *mut Thread,
    /// The thread that runs now; a root, since nothing else may point to it.
    pub running_thread: *mut Thread,
    /// The registry.
    pub registry: TValue,
    /// The metatables of the types that share one.
    pub metatables: [*mut Table; LuaType::COUNT],
    /// The names of the metamethods, pinned; the VM fills them.
    pub event_names: [*mut LuaString; EVENT_COUNT],
    /// The message of a memory error, made beforehand.
    pub memory_message: *mut LuaString,
}

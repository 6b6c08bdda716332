//! The machine's handle (`LuaState`), what all threads of a state share (`GlobalState`), and the owner (`Lua`).
//!
//! M1. A `&mut LuaState` is the address of a live `Thread`, seen through a type of size zero, so that it aliases nothing
//!     and cannot be swapped. It is made only by the VM, from a thread that stays reachable while the reference is used.
//! M2. A thread's `heap` points to the first field of a live `GlobalState`.

use core::marker::{PhantomData, PhantomPinned};
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::sync::atomic::AtomicPtr;

use perilune_core::{AllocKind, GcRef, Heap, LuaAlloc, OldSize, OutOfMemory, RawAlloc, TValue, Thread};

use crate::error::{LuaResult, Status};
use crate::exec::interp::Dispatch;

/// A thread of a Lua state: every operation of the host API is a method of it.
///
/// It is never owned: natives get a `&mut LuaState`, and [`Lua`] lends one of its main thread.
#[doc(alias = "lua_State")]
#[repr(C)]
pub struct LuaState {
    _opaque: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// A native function. Its arguments are the stack slots 1..; it returns the number of results, which lie on top.
#[doc(alias = "lua_CFunction")]
pub type NativeFn = fn(&mut LuaState) -> LuaResult<usize>;

/// What runs in place of the rest of a native function after a call that it could not wait for.
#[doc(alias = "lua_KFunction")]
pub type Continuation = fn(&mut LuaState, Status, isize) -> LuaResult<usize>;

/// What all threads of a state share.
#[doc(alias = "global_State")]
#[repr(C)]
pub(crate) struct GlobalState {
    pub(crate) heap: Heap,
    /// The handlers that threads without hooks use; an interrupt overwrites them.
    pub(crate) dispatch: Dispatch,
    /// The hook that an interrupt asks for.
    pub(crate) interrupt: AtomicPtr<()>,
    /// The coroutine that a native function asked to resume.
    pub(crate) resume_target: *mut Thread,
    /// How many values `Thrown::Call`, `Resume` or `Yield` concern: arguments, or yielded values.
    pub(crate) transfer_count: u32,
    /// How many results the caller of `call_then` wants.
    pub(crate) transfer_wanted: i16,
}

impl LuaState {
    /// The handle of a thread.
    ///
    /// # Safety
    /// The thread is live and stays so while the reference is used (M1).
    #[inline(always)]
    pub(crate) unsafe fn from_thread<'a>(thread: *mut Thread) -> &'a mut LuaState {
        thread.expose_provenance();
        // SAFETY: M1; the type has size zero and alignment one.
        unsafe { &mut *thread.cast::<LuaState>() }
    }

    /// The thread's memory, as a pointer.
    #[inline(always)]
    pub(crate) fn as_thread_ptr(&self) -> *mut Thread {
        core::ptr::with_exposed_provenance_mut(core::ptr::from_ref(self) as usize)
    }

    /// The thread's memory.
    #[inline(always)]
    pub(crate) fn th(&self) -> &Thread {
        // SAFETY: M1.
        unsafe { &*self.as_thread_ptr() }
    }

    /// The thread as an object.
    #[inline(always)]
    pub(crate) fn thread(&self) -> GcRef<Thread> {
        // SAFETY: M1.
        unsafe { GcRef::from_ptr(self.as_thread_ptr()) }
    }

    /// The heap.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "the heap is not part of the handle; uses are single expressions (M2)")]
    pub(crate) fn heap(&self) -> &mut Heap {
        // SAFETY: M2; no two of these references are used at once.
        unsafe { &mut *self.th().heap.get() }
    }

    /// What all threads share.
    #[inline(always)]
    pub(crate) fn global(&self) -> *mut GlobalState {
        self.th().heap.get().cast()
    }
}

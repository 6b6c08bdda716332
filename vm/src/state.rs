//! The machine's handle (`LuaState`), what all threads of a state share (`GlobalState`), and the owner (`Lua`).
//!
//! M1. A `&mut LuaState` is the address of a live `Thread`, seen through a type of size zero, so that it aliases nothing
//!     and cannot be swapped. It is made only by the VM, from a thread that stays reachable while the reference is used.
//! M2. A thread's `heap` points to the first field of a live `GlobalState`.

use core::cell::{Cell, UnsafeCell};
use core::marker::{PhantomData, PhantomPinned};
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, Ordering};

use perilune_core::{
    AllocKind, GcRef, Heap, LuaAlloc, LuaString, LuaType, OldSize, OutOfMemory, RawAlloc, TValue, Thread,
};

use crate::error::{LuaResult, Status};
use crate::exec::index::raw_set;
use crate::exec::interp::{Dispatch, PLAIN, request_interrupt, update_dispatch};
use crate::exec::panic::Protection;
use crate::exec::upvalue;
use crate::meta;

/// A thread of a Lua state: every operation of the host API is a method of it.
///
/// It is never owned: natives get a `&mut LuaState`, and [`Lua`] lends one of its main thread.
#[doc(alias = "lua_State")]
#[repr(C)]
pub struct LuaState {
    /// The cell says that memory behind a shared reference changes, too.
    _opaque: UnsafeCell<[u8; 0]>,
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// A native function. Its arguments are the stack slots 1..; it returns the number of results, which lie on top.
///
/// # Panics
/// It may panic, and so may continuations, hooks, finalizers, readers and writers. A panic is no error: no protected call takes it,
/// neither a script's nor the host's. It unwinds through the machine to whoever catches it (`std::panic::catch_unwind`), who may
/// be a native function further out. There the state is as before the call that the panic has left: that call's function and
/// arguments are gone from the stack (what the operation that made it has pushed besides may be left), variables of the
/// functions that ran are closed, the coroutines that ran within it are dead, and everything else, among it limits, message
/// handler and hooks, is as it was. So the state can be used on. When nobody catches the panic, the state is closed on the way.
///
/// A panic of a finalizer while the state is closed ends the finalizers; the memory is given back, and the panic goes on.
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
    /// The panic function.
    pub(crate) panic: Option<NativeFn>,
    /// Who takes errors in the host's own code (Q1).
    pub(crate) protection: *const Protection,
    /// The thread of the host's outermost call, if nobody takes its errors (Q1).
    pub(crate) outermost: *mut Thread,
    /// The coroutine that a native function asked to resume.
    pub(crate) resume_target: *mut Thread,
    /// How many values `Thrown::Call`, `Resume` or `Yield` concern: arguments, or yielded values.
    pub(crate) transfer_count: u32,
    /// How many results the caller of `call_then` wants.
    pub(crate) transfer_wanted: i16,
    /// The names of the types, pinned.
    pub(crate) type_names: [*mut LuaString; LuaType::COUNT],
    /// The name of the field that protects a metatable, pinned.
    pub(crate) protection_name: *mut LuaString,
    /// How many objects are anchored (N1).
    pub(crate) anchor_count: u32,
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

/// An owned state: the main thread's handle, closed when dropped.
///
/// The allocator moves into memory that it allocates itself; to read its figures meanwhile, pass a reference (`&A`).
///
/// When the state is closed, finalizers run and values in userdata are dropped; then every block is freed. An allocator that the
/// state owns and that [frees in bulk](LuaAlloc::frees_in_bulk) is dropped with all blocks instead.
///
/// States share nothing. One can be moved to another thread of the operating system with all that is in it if its allocator can
/// be (`Send`); none can be used by two at once.
///
/// ```compile_fail,E0277
/// fn needs_sync<T: Sync>() {}
/// struct Allocator;
/// # // SAFETY: it is never called.
/// # unsafe impl perilune_vm::LuaAlloc for Allocator {
/// #     unsafe fn realloc(&self, _: *mut u8, _: perilune_vm::OldSize, _: usize) -> *mut u8 { std::ptr::null_mut() }
/// # }
/// needs_sync::<perilune_vm::Lua<Allocator>>();
/// ```
#[doc(alias = "lua_newstate")]
pub struct Lua<A: LuaAlloc> {
    main: NonNull<Thread>,
    _owner: PhantomData<A>,
}

// SAFETY: nothing outside of a state refers to what is in it but what borrows the owner, and nothing in it belongs to a thread of
// the operating system: native functions are plain functions, values in userdata are `Send` (UD1), and what a host puts behind
// pointers, by unsafe code, it answers for.
unsafe impl<A: LuaAlloc + Send> Send for Lua<A> {}

/// The first block of a state.
#[repr(C)]
struct Block<A> {
    global: GlobalState,
    alloc: A,
}

/// What seeds the hashes of a state's strings when the host does not say.
fn default_seed(address: usize) -> u32 {
    #[cfg(feature = "std")]
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |t| t.as_nanos() as u64);
    #[cfg(not(feature = "std"))]
    let time = 0u64;
    let mixed = (address as u64 ^ time).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) as u32
}

impl<A: LuaAlloc> Lua<A> {
    /// Makes a state on an allocator (manual §4.8, `lua_newstate`), without any library.
    ///
    /// # Errors
    /// The allocator has not enough memory for the state itself.
    pub fn new(alloc: A) -> Result<Self, OutOfMemory> {
        let local = 0u8;
        Self::with_seed(alloc, default_seed(core::ptr::from_ref(&local) as usize))
    }

    /// The same with a given seed for string hashes, which makes the order of `pairs` repeatable.
    ///
    /// # Errors
    /// The allocator has not enough memory for the state itself.
    pub fn with_seed(alloc: A, seed: u32) -> Result<Self, OutOfMemory> {
        const { assert!(align_of::<Block<A>>() <= 16, "an allocator's own alignment is at most 16") };
        let size = size_of::<Block<A>>();
        // SAFETY: a null pointer asks for a new block.
        let block = unsafe { alloc.realloc(core::ptr::null_mut(), OldSize::of_kind(AllocKind::Thread), size) }
            .cast::<Block<A>>();
        if block.is_null() {
            return Err(OutOfMemory);
        }
        // SAFETY: the block is new, large enough and aligned; the adapter stays in it from here on.
        unsafe {
            (&raw mut (*block).alloc).write(alloc);
            let global = &raw mut (*block).global;
            Heap::init(&raw mut (*global).heap, RawAlloc::from_adapter(&raw const (*block).alloc), seed);
            (&raw mut (*global).dispatch).write(Dispatch::new(&PLAIN));
            (&raw mut (*global).interrupt).write(AtomicPtr::new(core::ptr::null_mut()));
            (&raw mut (*global).panic).write(None);
            (&raw mut (*global).protection).write(core::ptr::null());
            (&raw mut (*global).outermost).write(core::ptr::null_mut());
            (&raw mut (*global).resume_target).write(core::ptr::null_mut());
            (&raw mut (*global).transfer_count).write(0);
            (&raw mut (*global).transfer_wanted).write(0);
            (&raw mut (*global).type_names).write([core::ptr::null_mut(); LuaType::COUNT]);
            (&raw mut (*global).protection_name).write(core::ptr::null_mut());
            (&raw mut (*global).anchor_count).write(0);
            let heap = &mut (*global).heap;
            heap.debt += size as isize;
            if heap.open().is_err() {
                Self::release(block);
                return Err(OutOfMemory);
            }
            let main = (*global).heap.main_thread;
            let lua = LuaState::from_thread(main);
            let opened = open(lua);
            let this = Self { main: NonNull::new_unchecked(main), _owner: PhantomData };
            match opened {
                Ok(()) => {
                    lua.heap().running = true;
                    Ok(this)
                }
                Err(_) => Err(OutOfMemory),
            }
        }
    }

    /// Frees everything that a state holds and the state itself. An allocator that goes with the state and frees all its blocks then
    /// is spared the single ones, if all blocks came from it.
    ///
    /// # Safety
    /// The block is a state's whose `heap` was initialised; nothing of it is used afterwards.
    unsafe fn release(block: *mut Block<A>) {
        // SAFETY: the caller's promise.
        unsafe {
            let in_bulk = (*block).alloc.frees_in_bulk() && (*block).global.heap.has_first_allocator();
            let owner = BlockOwner { block, in_bulk };
            let heap = &mut (*owner.block).global.heap;
            if in_bulk {
                heap.abandon_all();
            } else {
                heap.free_all();
            }
        }
    }
}

/// Frees the first block of a state when it goes, also if a destructor of a value in a userdata panics.
struct BlockOwner<A: LuaAlloc> {
    block: *mut Block<A>,
    /// Whether the other blocks are left to the allocator.
    in_bulk: bool,
}

impl<A: LuaAlloc> Drop for BlockOwner<A> {
    fn drop(&mut self) {
        let block = self.block;
        // SAFETY: `Lua::release` has freed everything else, or left it to the allocator, which is dropped here.
        unsafe {
            let heap = &mut (*block).global.heap;
            heap.debt -= size_of::<Block<A>>() as isize;
            debug_assert!(self.in_bulk || heap.total_bytes() == 0, "a closed state holds nothing");
            let alloc = ManuallyDrop::new((&raw const (*block).alloc).read());
            alloc.realloc(block.cast(), OldSize::of_size(size_of::<Block<A>>()), 0);
            drop(ManuallyDrop::into_inner(alloc));
        }
    }
}

/// What a new state holds: the registry with the main thread and the globals, and the pinned names.
#[doc(alias = "f_luaopen")]
fn open(lua: &mut LuaState) -> LuaResult<()> {
    update_dispatch(lua);
    let registry = lua.heap().new_table()?;
    lua.heap().registry = TValue::object(registry);
    let main = TValue::object(lua.thread());
    let globals = lua.heap().new_table()?;
    // Both tables are reachable from here on; the globals by way of the stack until they are stored.
    lua.th().push(TValue::object(globals));
    // SAFETY: V1: all values are live.
    unsafe {
        raw_set(lua, registry, TValue::integer(RIDX_MAIN_THREAD), main)?;
        raw_set(lua, registry, TValue::integer(RIDX_GLOBALS), TValue::object(globals))?;
    }
    lua.pop(1);
    meta::init(lua)?;
    Ok(())
}

/// The version of the language that a state speaks.
#[doc(alias = "LUA_VERSION")]
pub const VERSION: &str = "Lua 5.3";
/// The version as a number: a hundred times the major version and the minor one.
#[doc(alias = "LUA_VERSION_NUM")]
pub const VERSION_NUM: i32 = 503;

/// The registry's index of the main thread.
#[doc(alias = "LUA_RIDX_MAINTHREAD")]
pub const RIDX_MAIN_THREAD: i64 = 1;
/// The registry's index of the globals, and the last one that the machine uses itself.
#[doc(alias = "LUA_RIDX_GLOBALS")]
#[doc(alias = "LUA_RIDX_LAST")]
pub const RIDX_GLOBALS: i64 = 2;

impl<A: LuaAlloc> Deref for Lua<A> {
    type Target = LuaState;

    fn deref(&self) -> &LuaState {
        // SAFETY: M1: the main thread lives as long as the state.
        unsafe { LuaState::from_thread(self.main.as_ptr()) }
    }
}

impl<A: LuaAlloc> DerefMut for Lua<A> {
    fn deref_mut(&mut self) -> &mut LuaState {
        // SAFETY: as above.
        unsafe { LuaState::from_thread(self.main.as_ptr()) }
    }
}

impl<A: LuaAlloc> Drop for Lua<A> {
    #[doc(alias = "lua_close")]
    fn drop(&mut self) {
        let lua: &mut LuaState = self;
        // Everything is freed also if a finalizer panics.
        let _release = Release(lua.global().cast::<Block<A>>());
        let th = lua.th();
        upvalue::close_from(lua, th.stack.get());
        th.ci.set(core::ptr::from_ref(&th.base_ci).cast_mut());
        th.top.set(th.base_ci.func.get().wrapping_add(1));
        th.status.set(Status::Ok as u8);
        th.n_c_calls.set(0);
        th.err_func.set(0);
        lua.heap().running_thread = lua.as_thread_ptr();
        // SAFETY: G1; finalizers run before anything is freed.
        unsafe { lua.heap().separate_all() };
        // Without propagation no error comes back.
        let _ = lua.run_all_finalizers(false);
    }
}

/// Frees a state when it goes.
struct Release<A: LuaAlloc>(*mut Block<A>);

impl<A: LuaAlloc> Drop for Release<A> {
    fn drop(&mut self) {
        // SAFETY: the block was made by `with_seed` for this very type, and nothing of the state is used any more.
        unsafe { Lua::<A>::release(self.0) };
    }
}

/// Asks a running script to stop for a hook, from a signal handler or another thread of the operating system.
#[derive(Clone, Copy)]
pub struct Interrupter(*mut GlobalState);

// SAFETY: `interrupt` uses atomics alone.
unsafe impl Send for Interrupter {}
// SAFETY: as above.
unsafe impl Sync for Interrupter {}

impl Interrupter {
    /// Makes the state call its interrupt hook at the next instruction that a thread without hooks executes.
    ///
    /// # Safety
    /// The state is still open.
    pub unsafe fn interrupt(self, hook: crate::Hook) {
        // SAFETY: the caller's promise.
        unsafe {
            (*self.0).interrupt.store(hook as *mut (), Ordering::Release);
            request_interrupt(self.0);
        }
    }
}

impl LuaState {
    /// The version of the machine, as a number (manual §4.8, `lua_version`): [`VERSION_NUM`].
    #[doc(alias = "lua_version")]
    pub fn version(&self) -> f64 {
        f64::from(VERSION_NUM)
    }

    /// The thread's extra space: a word that the machine does not use (manual §4.8, `lua_getextraspace`). It is 0 in the main
    /// thread of a new state; a new thread begins with a copy of the main thread's.
    ///
    /// It can hold an address: `lua.extra_space().set(pointer.expose_provenance())`.
    #[doc(alias = "lua_getextraspace")]
    #[doc(alias = "LUA_EXTRASPACE")]
    pub fn extra_space(&self) -> &Cell<usize> {
        &self.th().extra_space
    }

    /// What can interrupt this state's scripts.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter(self.global())
    }
}

//! The allocation contract: the trait that mirrors `lua_Alloc` (manual §4.8) and the plain pair that a state keeps of it.
//!
//! 1. `nsize == 0` frees the block and returns null. It never fails, also for a null `ptr`.
//! 2. A null `ptr` with `nsize > 0` allocates; `osize` then carries the kind of the object ([`AllocKind`]).
//! 3. Otherwise the block is resized; `osize` is exactly the size that was last asked for. Shrinking never fails.
//!    On failure null comes back and the old block stands untouched.
//! 4. Blocks are aligned to 16 bytes.

use core::ffi::c_void;

/// What a new block is for; the allocator may use it as a hint (manual §4.8).
///
/// The numbers are those of the type tags that the C implementation passes.
#[repr(usize)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum AllocKind {
    /// Anything that is not an object by itself: stacks, table parts, code, buffers.
    Other = 0,
    /// A string.
    String = 4,
    /// A table.
    Table = 5,
    /// A function: closure, upvalue or prototype.
    Function = 6,
    /// A full userdata.
    Userdata = 7,
    /// A thread.
    Thread = 8,
}

impl AllocKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [AllocKind; 6] =
        [Self::Other, Self::String, Self::Table, Self::Function, Self::Userdata, Self::Thread];

    /// The kind's name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::String => "string",
            Self::Table => "table",
            Self::Function => "function",
            Self::Userdata => "userdata",
            Self::Thread => "thread",
        }
    }
}

/// The third argument of the contract: the old block's size, or the new block's kind if there is no old block.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OldSize(usize);

impl OldSize {
    /// The size in bytes of an existing block.
    pub const fn of_size(bytes: usize) -> Self {
        Self(bytes)
    }

    /// The kind of a block that is to be made.
    pub const fn of_kind(kind: AllocKind) -> Self {
        Self(kind as usize)
    }

    /// The old block's size in bytes; meaningful only with a non-null `ptr`.
    pub const fn bytes(self) -> usize {
        self.0
    }

    /// The new block's kind; meaningful only with a null `ptr`. Unknown numbers count as [`AllocKind::Other`].
    pub const fn kind(self) -> AllocKind {
        match self.0 {
            4 => AllocKind::String,
            5 => AllocKind::Table,
            6 => AllocKind::Function,
            7 => AllocKind::Userdata,
            8 => AllocKind::Thread,
            _ => AllocKind::Other,
        }
    }
}

/// An allocator behind Lua's contract; `self` is the `ud` of `lua_Alloc`.
///
/// # Safety
/// The implementation follows the four rules at the top of this module, does not unwind, and does not use the heap or state
/// that it is called by. Its blocks stay where they are when the adapter itself is moved.
#[doc(alias = "lua_Alloc")]
pub unsafe trait LuaAlloc {
    /// Allocates, resizes or frees a block, as the rules of this module say.
    ///
    /// # Safety
    /// `ptr` is null, or a block that this allocator returned and that has not been freed since; in that case
    /// `osize` is exactly the size that was last asked for it.
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8;

    /// Whether dropping this very value frees all blocks that are left, so that a closing state that owns it need not free them one
    /// by one.
    ///
    /// It is false for a reference, which does not own the allocator: a state on a borrowed arena frees its blocks, as others may
    /// follow it there. An instrument that wraps an allocator says what that one says, unless it wants to see every block freed.
    fn frees_in_bulk(&self) -> bool {
        false
    }
}

// SAFETY: the call is only forwarded.
unsafe impl<A: LuaAlloc + ?Sized> LuaAlloc for &A {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: the caller's promise is the callee's.
        unsafe { (**self).realloc(ptr, osize, nsize) }
    }
}

/// The C form of an allocation function: `lua_Alloc`.
pub type AllocFn = unsafe extern "C" fn(ud: *mut c_void, ptr: *mut c_void, osize: usize, nsize: usize) -> *mut c_void;

/// The pair that a state keeps: a function in the C ABI and its `ud` (`lua_getallocf`).
#[derive(Clone, Copy, Debug)]
pub struct RawAlloc {
    /// The function.
    pub func: AllocFn,
    /// Its first argument.
    pub ud: *mut c_void,
}

impl RawAlloc {
    /// Makes the pair from an adapter, which must outlive every use of the pair.
    pub const fn from_adapter<A: LuaAlloc>(adapter: *const A) -> Self {
        Self { func: thunk::<A>, ud: adapter as *mut c_void }
    }

    /// Calls the function.
    ///
    /// # Safety
    /// As for [`LuaAlloc::realloc`], and `ud` is still alive.
    #[inline]
    pub unsafe fn call(self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: the caller's promise is the contract of the function.
        unsafe { (self.func)(self.ud, ptr.cast(), osize.0, nsize).cast() }
    }
}

unsafe extern "C" fn thunk<A: LuaAlloc>(ud: *mut c_void, ptr: *mut c_void, osize: usize, nsize: usize) -> *mut c_void {
    // SAFETY: `ud` was an `A` when the pair was made (`RawAlloc::from_adapter`) and lives as long as the pair is used.
    unsafe { (*ud.cast::<A>()).realloc(ptr.cast(), OldSize(osize), nsize).cast() }
}

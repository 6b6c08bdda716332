//! An allocation function of C behind the contract.

use std::ffi::c_void;

use perilune_core::{AllocFn, LuaAlloc, OldSize, RawAlloc};

/// A `lua_Alloc` with its `ud`, as `lua_newstate` takes them.
///
/// Its blocks have the alignment that the function gives them: it must be 16, which `malloc` and its kin give on 64-bit
/// systems. It is not `Send`, since nobody knows what `ud` is bound to. It forwards every call with its arguments as they are,
/// and costs the call through the pointer, one to two nanoseconds.
///
/// ```
/// use std::ffi::c_void;
/// use perilune_alloc_adapters::{CAlloc, conformance};
/// # mod libc {
/// #     use std::ffi::c_void;
/// #     unsafe extern "C" { pub fn realloc(ptr: *mut c_void, size: usize) -> *mut c_void; pub fn free(ptr: *mut c_void); }
/// # }
///
/// /// The example of the manual (`lua_Alloc`).
/// unsafe extern "C" fn l_alloc(_ud: *mut c_void, ptr: *mut c_void, _osize: usize, nsize: usize) -> *mut c_void {
///     // SAFETY: `ptr` is null or came from here (contract).
///     unsafe {
///         if nsize == 0 {
///             libc::free(ptr);
///             return std::ptr::null_mut();
///         }
///         libc::realloc(ptr, nsize)
///     }
/// }
///
/// // SAFETY: the function follows the contract and does not look at `ud`.
/// conformance::check(|| unsafe { CAlloc::new(l_alloc, std::ptr::null_mut()) });
/// ```
#[derive(Clone, Copy, Debug)]
#[doc(alias = "lua_Alloc")]
pub struct CAlloc {
    pair: RawAlloc,
}

impl CAlloc {
    /// Makes an adapter of a function and its first argument.
    ///
    /// # Safety
    /// The function follows the contract of [`LuaAlloc`] when it is called with this `ud`, from whichever place the adapter is
    /// used at; `ud` stays valid for it as long as the adapter and its copies are used.
    pub const unsafe fn new(func: AllocFn, ud: *mut c_void) -> Self {
        Self { pair: RawAlloc { func, ud } }
    }

    /// The function and its first argument.
    pub const fn pair(&self) -> RawAlloc {
        self.pair
    }
}

// SAFETY: the function follows the contract, by the promise at `CAlloc::new`; the call is only forwarded.
unsafe impl LuaAlloc for CAlloc {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: the caller's promise is the callee's (C1); `ud` is still alive, by the promise at `CAlloc::new`.
        unsafe { self.pair.call(ptr, osize, nsize) }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::ptr::null_mut;

    use perilune_core::AllocKind;

    use super::*;
    use crate::{Counting, System};

    /// Writes its arguments into `ud`, and allocates from `System`.
    unsafe extern "C" fn noting(ud: *mut c_void, ptr: *mut c_void, osize: usize, nsize: usize) -> *mut c_void {
        // SAFETY: `ud` is the cell of the test; the rest is the caller's promise.
        unsafe {
            (*ud.cast::<Cell<(usize, usize)>>()).set((osize, nsize));
            System.realloc(ptr.cast(), OldSize::of_size(osize), nsize).cast()
        }
    }

    #[test]
    fn arguments_arrive_as_they_are() {
        let seen = Cell::new((0usize, 0usize));
        // SAFETY: the function follows the contract, and the cell outlives the adapter.
        let memory = Counting::new(unsafe { CAlloc::new(noting, (&raw const seen).cast_mut().cast()) });
        // SAFETY: the block is used as the contract says.
        unsafe {
            let block = memory.realloc(null_mut(), OldSize::of_kind(AllocKind::Userdata), 40);
            assert_eq!(seen.get(), (7, 40));
            let block = memory.realloc(block, OldSize::of_size(40), 90);
            assert_eq!(seen.get(), (40, 90));
            memory.realloc(block, OldSize::of_size(90), 0);
            assert_eq!(seen.get(), (90, 0));
        }
        assert_eq!(memory.live_bytes(), 0);
        assert_eq!(memory.inner().pair().ud, (&raw const seen).cast_mut().cast());
    }
}

//! The allocators under test: how one is made, and how a state is made on it.
//!
//! What is timed must call an allocator as any state does: so [`Subject::with_state`] is compiled for each type. Instruments, whose
//! times do not matter, go around an [`Erased`] one.

use std::ffi::{CString, c_void};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use perilune_alloc_adapters::{
    AllocFn, Bump, BumpFreeList, CAlloc, Libc, LuaAlloc, Mimalloc, MimallocShared, OldSize, RawAlloc, Slab, System,
    UpBump,
};
use perilune_vm::{Lua, LuaState};

use super::os::{cpu_time, malloc_reserved};

/// How a state ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// Every object is freed by itself.
    ByObject,
    /// The blocks are left to the allocator, if it frees them in bulk.
    InBulk,
}

/// What is done with a state before it is closed.
pub type Work<'a> = dyn FnMut(&mut LuaState) -> Result<()> + 'a;

/// An allocator that the lab knows.
pub trait Subject: Send + Sync {
    /// Its name on the command line.
    fn name(&self) -> &str;
    /// What it is, in a few words.
    fn about(&self) -> &str;
    /// Whether it frees all its blocks at once when a state that owns it is closed.
    fn frees_in_bulk(&self) -> bool;
    /// A new one whose type is forgotten.
    fn make(&self) -> Erased;
    /// Makes a state on a new one, lets `work` use it, and closes it. Returns the processor time that closing took, the drop of the
    /// allocator included.
    ///
    /// # Errors
    /// There is no memory for the state, or the work failed.
    fn with_state(&self, closing: Closing, work: &mut Work<'_>) -> Result<Duration>;
}

/// An allocator by the pair that a state would call, and what else the lab asks of it.
pub struct Erased {
    pair: RawAlloc,
    owner: Box<dyn Owner>,
}

/// What an [`Erased`] keeps alive.
trait Owner {
    fn reserved(&self) -> Option<usize>;
}

impl Erased {
    /// The pair that a state on this allocator calls; valid as long as `self` is.
    pub fn pair(&self) -> RawAlloc {
        self.pair
    }

    /// How many bytes it has taken from the system, if it can tell.
    pub fn reserved(&self) -> Option<usize> {
        self.owner.reserved()
    }
}

// SAFETY: the function is the wrapped allocator's own, which follows the contract, and lives in `owner`. Blocks are freed one by one:
// `frees_in_bulk` stays false.
unsafe impl LuaAlloc for Erased {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: the caller's promise is the callee's; the allocator is alive.
        unsafe { self.pair.call(ptr, osize, nsize) }
    }
}

/// How an allocator is asked for what it has taken from the system, and may not know.
type Reserved<A> = fn(&A) -> Option<usize>;

/// An allocator of a type, and the ways to make it and to ask it.
struct Typed<A, F> {
    name: String,
    about: String,
    make: F,
    reserved: Reserved<A>,
}

/// An allocator in memory of its own, with the question that it answers.
struct Boxed<A> {
    /// It came from a box, and is this value's until that is dropped.
    adapter: NonNull<A>,
    reserved: Reserved<A>,
}

impl<A> Owner for Boxed<A> {
    fn reserved(&self) -> Option<usize> {
        // SAFETY: the allocator is alive; states that use it do so through shared references, too.
        (self.reserved)(unsafe { self.adapter.as_ref() })
    }
}

impl<A> Drop for Boxed<A> {
    fn drop(&mut self) {
        // SAFETY: it came from a box, and nobody uses it any more: the pair is valid only as long as its `Erased`.
        drop(unsafe { Box::from_raw(self.adapter.as_ptr()) });
    }
}

/// Makes a state, works with it, and returns it still open.
///
/// # Errors
/// There is no memory for the state, or the work failed.
pub fn open<A: LuaAlloc>(allocator: A, work: &mut Work<'_>) -> Result<Lua<A>> {
    let mut lua = Lua::new(allocator).map_err(|_| anyhow!("there is not enough memory for a state"))?;
    work(&mut lua)?;
    Ok(lua)
}

impl<A: LuaAlloc + 'static, F: Fn() -> A + Send + Sync> Subject for Typed<A, F> {
    fn name(&self) -> &str {
        &self.name
    }

    fn about(&self) -> &str {
        &self.about
    }

    fn frees_in_bulk(&self) -> bool {
        (self.make)().frees_in_bulk()
    }

    fn make(&self) -> Erased {
        let adapter = NonNull::from(Box::leak(Box::new((self.make)())));
        let pair = RawAlloc::from_adapter(adapter.as_ptr());
        Erased { pair, owner: Box::new(Boxed { adapter, reserved: self.reserved }) }
    }

    fn with_state(&self, closing: Closing, work: &mut Work<'_>) -> Result<Duration> {
        let adapter = (self.make)();
        let start;
        if closing == Closing::InBulk {
            let lua = open(adapter, work)?;
            start = cpu_time();
            drop(lua);
        } else {
            let lua = open(&adapter, work)?;
            start = cpu_time();
            drop(lua);
            drop(adapter);
        }
        Ok(cpu_time().saturating_sub(start))
    }
}

/// An allocator of a Rust type.
pub fn typed<A, F>(name: &str, about: &str, make: F, reserved: Reserved<A>) -> Arc<dyn Subject>
where
    A: LuaAlloc + 'static,
    F: Fn() -> A + Send + Sync + 'static,
{
    Arc::new(Typed { name: name.into(), about: about.into(), make, reserved })
}

/// The project's allocators.
pub fn known() -> Vec<Arc<dyn Subject>> {
    vec![
        typed("slab", "size classes in pages, the platform's for large blocks", Slab::new, |a| Some(a.reserved())),
        typed("system", "the platform's allocator as Rust calls it", || System, |_| malloc_reserved()),
        typed("libc", "the platform's allocator: malloc, realloc, free", || Libc, |_| malloc_reserved()),
        typed("mimalloc", "mimalloc, a heap for each state", Mimalloc::new, |_| None),
        typed("mimalloc-shared", "mimalloc, its heap for all", || MimallocShared, |_| None),
        #[cfg(feature = "jemalloc")]
        typed("jemalloc", "jemalloc", || perilune_alloc_adapters::Jemalloc, |_| None),
        #[cfg(feature = "snmalloc")]
        typed("snmalloc", "snmalloc", || perilune_alloc_adapters::Snmalloc, |_| None),
        typed("bump", "an arena that reuses nothing", Bump::new, |a| Some(a.reserved())),
        typed("bump-free-list", "an arena that reuses blocks by size", BumpFreeList::new, |a| Some(a.reserved())),
        typed("up-bump", "an arena whose last block grows in place", UpBump::new, |a| Some(a.reserved())),
    ]
}

/// A library of C that stays loaded, and the function in it.
struct CFunction(AllocFn);

/// Loads an allocator from a shared library: `PATH:SYMBOL`, where the symbol is a `lua_Alloc` that is given a null `ud`.
///
/// # Errors
/// The text has no symbol, the library cannot be loaded, or it has no such symbol.
pub fn from_library(text: &str) -> Result<Arc<dyn Subject>> {
    let Some((path, symbol)) = text.rsplit_once(':').filter(|(path, symbol)| !path.is_empty() && !symbol.is_empty())
    else {
        bail!("'{text}' names no function of a library: it must be PATH:SYMBOL, for example ./my.so:my_alloc");
    };
    // Without a slash the system would look in its own folders.
    let file = if path.contains('/') { path.to_owned() } else { format!("./{path}") };
    let name = CString::new(symbol).with_context(|| format!("the symbol of '{text}'"))?;
    // SAFETY: what a library does when it is loaded is the part of the user, who asks for it.
    let library =
        unsafe { libloading::Library::new(&file) }.with_context(|| format!("cannot load the library '{path}'"))?;
    // SAFETY: that the symbol is a function of this type is the part of the user, too.
    let function = unsafe { library.get::<AllocFn>(name.as_bytes_with_nul()) }
        .map(|function| CFunction(*function))
        .with_context(|| format!("the library '{path}' has no symbol '{symbol}'"))?;
    // Blocks and code of it may be used until the process ends.
    std::mem::forget(library);
    let about = format!("the lua_Alloc of {path}");
    let make = move || {
        let CFunction(function) = function;
        // SAFETY: by the user's promise the function follows the contract of `lua_Alloc` with a null `ud`.
        unsafe { CAlloc::new(function, std::ptr::null_mut::<c_void>()) }
    };
    Ok(typed(symbol, &about, make, |_| None))
}

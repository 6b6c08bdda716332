//! The control block: counters and a limit around the state's allocator, and the other states that a script has made.

use core::cell::{Cell, RefCell};
use core::ffi::c_void;
use core::ptr::null_mut;

use perilune_vm::{Lua, LuaAlloc, LuaResult, LuaState, LuaType, OldSize, REGISTRY_INDEX, RawAlloc, testing};

/// The registry's key of the userdata that holds the control block.
static KEY: u8 = 0;

/// An allocator that another state owns, for the states that share it.
pub(super) struct Shared(RawAlloc);

// SAFETY: the calls are only forwarded, to an allocator that follows the contract and outlives this one (T1).
unsafe impl LuaAlloc for Shared {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: the caller's promise is the callee's.
        unsafe { self.0.call(ptr, osize, nsize) }
    }
}

/// What the library knows (`Memcontrol`).
pub(super) struct Control {
    /// The allocator that the state was made with.
    inner: RawAlloc,
    total: Cell<usize>,
    blocks: Cell<usize>,
    peak: Cell<usize>,
    limit: Cell<usize>,
    states: RefCell<Vec<Lua<Shared>>>,
}

// SAFETY: blocks are those of the inner allocator; a block is refused only when it would grow.
unsafe impl LuaAlloc for Control {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        let total = self.total.get() - old;
        if nsize > old && nsize > self.limit.get().saturating_sub(total) {
            return null_mut();
        }
        // SAFETY: the caller's promise is the callee's.
        let block = unsafe { self.inner.call(ptr, osize, nsize) };
        if nsize == 0 {
            self.total.set(total);
            self.blocks.set(self.blocks.get() - !ptr.is_null() as usize);
        } else if !block.is_null() {
            self.total.set(total + nsize);
            self.blocks.set(self.blocks.get() + ptr.is_null() as usize);
            self.peak.set(self.peak.get().max(total + nsize));
        }
        block
    }
}

impl Control {
    /// The control block of a state that has the library.
    pub(super) fn of(lua: &mut LuaState) -> LuaResult<&'static Control> {
        let holder = lua.raw_get_p(REGISTRY_INDEX, (&raw const KEY).cast())?;
        let place = lua.to_userdata(-1).filter(|_| holder == LuaType::Userdata);
        lua.pop(1);
        // SAFETY: T1: only `install` stores under the key, and the block outlives the functions of the library.
        match place.and_then(|place| unsafe { (*place.cast::<*const Control>().as_ptr()).as_ref() }) {
            Some(control) => Ok(control),
            None => Err(lua.raise(format_args!("the test library is closed"))),
        }
    }

    /// Makes a state on the same allocator; `None` if there is not enough memory. Its handle is its main thread's address.
    pub(super) fn new_state(&self) -> Option<*mut c_void> {
        let shared = Shared(RawAlloc::from_adapter(self));
        let lua = Lua::new(shared).ok()?;
        let handle = address(&lua);
        self.states.borrow_mut().push(lua);
        Some(handle)
    }

    /// The state of a handle.
    pub(super) fn state<'a>(&self, handle: *mut c_void) -> Option<&'a mut LuaState> {
        let states = self.states.borrow();
        let lua = states.iter().find(|lua| core::ptr::eq(address(lua), handle))?;
        // SAFETY: T2: the main thread lives until the state is closed.
        Some(unsafe { testing::alias(lua) })
    }

    /// Closes the state of a handle; false if there is none.
    pub(super) fn close_state(&self, handle: *mut c_void) -> bool {
        let at = self.states.borrow().iter().position(|lua| core::ptr::eq(address(lua), handle));
        let state = at.map(|at| self.states.borrow_mut().swap_remove(at));
        state.is_some()
    }
}

/// The address that stands for a state.
fn address(lua: &LuaState) -> *mut c_void {
    core::ptr::from_ref(lua).cast_mut().cast()
}

/// Puts the control block around the state's allocator, unless it is there.
pub(super) fn install(lua: &mut LuaState) -> LuaResult<()> {
    let held = lua.raw_get_p(REGISTRY_INDEX, (&raw const KEY).cast())?;
    lua.pop(1);
    if held != LuaType::Nil {
        return Ok(());
    }
    let place = lua.new_userdata(size_of::<*const Control>())?.cast::<*const Control>();
    lua.create_table(0, 1)?;
    lua.push_native(take_out_of_service)?;
    lua.set_field(-2, "__gc")?;
    lua.set_metatable(-2)?;
    lua.raw_set_p(REGISTRY_INDEX, (&raw const KEY).cast())?;
    let total = lua.gc_count();
    let control = Box::into_raw(Box::new(Control {
        inner: lua.get_allocf(),
        total: Cell::new(total),
        blocks: Cell::new(testing::count_blocks(lua)),
        peak: Cell::new(total),
        limit: Cell::new(usize::MAX),
        states: RefCell::default(),
    }));
    // SAFETY: T1: the userdata is in the registry; the new allocator passes everything on to the old one.
    unsafe {
        place.write(control);
        lua.set_allocf(RawAlloc::from_adapter(control));
    }
    Ok(())
}

/// The finalizer of the userdata: closes the states that are left and gives the state its own allocator back.
fn take_out_of_service(lua: &mut LuaState) -> LuaResult<usize> {
    let Some(place) = lua.to_userdata(1) else { return Ok(0) };
    lua.raw_get_p(REGISTRY_INDEX, (&raw const KEY).cast())?;
    if lua.to_userdata(-1) != Some(place) {
        // A script has called the finalizer with something else.
        return Ok(0);
    }
    // SAFETY: T1: the userdata is that of `install`, which holds the block or, after this, null.
    unsafe {
        let control = place.cast::<*mut Control>().replace(null_mut());
        if !control.is_null() {
            lua.set_allocf((*control).inner);
            drop((*control).states.take());
            drop(Box::from_raw(control));
        }
    }
    Ok(0)
}

/// `T.totalmem ([limit | type])`: bytes, blocks and the most bytes there were; sets a limit, 0 for none; or counts objects.
#[doc(alias = "mem_query")]
pub(super) fn totalmem(lua: &mut LuaState) -> LuaResult<usize> {
    let control = Control::of(lua)?;
    if lua.is_none(1) {
        for figure in [&control.total, &control.blocks, &control.peak] {
            lua.push_integer(figure.get() as i64)?;
        }
        return Ok(3);
    }
    if lua.is_number(1) {
        let limit = lua.check_integer(1)? as usize;
        control.limit.set(if limit == 0 { usize::MAX } else { limit });
        return Ok(0);
    }
    // SAFETY: L1.
    let name = unsafe { lua.check_str(1)?.bytes() };
    let kinds = [LuaType::String, LuaType::Table, LuaType::Function, LuaType::Userdata, LuaType::Thread];
    match kinds.iter().find(|kind| kind.name().as_bytes() == name) {
        Some(&kind) => {
            lua.push_integer(testing::count_objects(lua, kind) as i64)?;
            Ok(1)
        }
        None => Err(crate::message::raise_parts(lua, &[b"unknown type '", name, b"'"])),
    }
}

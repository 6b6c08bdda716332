//! Pushing values.

use core::ffi::c_void;
use core::fmt;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use perilune_core::base::limits::{MAX_SHORT_LEN, MAX_SIZE, MAX_UPVALUES};
use perilune_core::object::InsertError;
use perilune_core::value::tag;
use perilune_core::{TValue, Thread, Userdata};

use super::{ThreadRef, upvalue_index};
use crate::auxlib::Buffer;
use crate::error::{LuaResult, Thrown};
use crate::state::{LuaState, NativeFn};

/// Plain values (manual §4.8).
impl LuaState {
    /// Pushes nil.
    #[doc(alias = "lua_pushnil")]
    #[inline]
    pub fn push_nil(&mut self) -> LuaResult<()> {
        self.push(TValue::NIL)
    }

    /// Pushes an integer.
    #[doc(alias = "lua_pushinteger")]
    #[inline]
    pub fn push_integer(&mut self, i: i64) -> LuaResult<()> {
        self.push(TValue::integer(i))
    }

    /// Pushes a float.
    #[doc(alias = "lua_pushnumber")]
    #[inline]
    pub fn push_number(&mut self, n: f64) -> LuaResult<()> {
        self.push(TValue::float(n))
    }

    /// Pushes a boolean.
    #[doc(alias = "lua_pushboolean")]
    #[inline]
    pub fn push_boolean(&mut self, b: bool) -> LuaResult<()> {
        self.push(TValue::boolean(b))
    }

    /// Pushes a light userdata.
    #[doc(alias = "lua_pushlightuserdata")]
    #[inline]
    pub fn push_light_userdata(&mut self, p: *mut c_void) -> LuaResult<()> {
        self.push(TValue::light(p))
    }

    /// Pushes a native function without upvalues.
    #[doc(alias = "lua_pushcfunction")]
    #[inline]
    pub fn push_native(&mut self, f: NativeFn) -> LuaResult<()> {
        self.push(TValue::native(f as *const ()))
    }

    /// Pushes the thread itself; true if it is the main one.
    #[doc(alias = "lua_pushthread")]
    pub fn push_thread(&mut self) -> LuaResult<bool> {
        let thread = self.thread();
        self.push(TValue::object(thread))?;
        Ok(core::ptr::eq(self.heap().main_thread, thread.as_ptr()))
    }

    /// Pushes a thread.
    ///
    /// The thread must be this one, the main one, or in a place that the running function can name: a slot of its frame or an
    /// upvalue. Otherwise an error is raised, since the handle may be stale.
    pub fn push_thread_ref(&mut self, thread: ThreadRef) -> LuaResult<()> {
        self.check_thread(thread)?;
        self.push(TValue::object(thread.object()))
    }

    /// Raises an error unless the running function can name the thread.
    pub(crate) fn check_thread(&mut self, thread: ThreadRef) -> LuaResult<()> {
        if self.can_name(thread) {
            return Ok(());
        }
        Err(self.raise_plain(format_args!("thread is not on the stack")))
    }

    /// Whether the thread is this one, the main one, or in a slot or upvalue of the running function. If so, the handle is not
    /// stale; it is only compared, not followed.
    pub(crate) fn can_name(&self, thread: ThreadRef) -> bool {
        self.can_name_thread(thread.as_ptr())
    }

    /// The same for an address.
    pub(crate) fn can_name_thread(&self, wanted: *mut Thread) -> bool {
        if core::ptr::eq(wanted, self.as_thread_ptr()) || core::ptr::eq(wanted, self.heap().main_thread) {
            return true;
        }
        let is_it = |v: TValue| v.t == tag::THREAD && v.u == wanted.addr() as u64;
        let n_upvalues = self.running_closure().map_or(0, |closure| closure.num_upvalues() as i32);
        (1..=n_upvalues).any(|i| is_it(self.value_or_nil(upvalue_index(i))))
            || (1..=self.get_top()).any(|i| is_it(self.value_or_nil(i)))
    }

    /// Pushes the table of globals.
    #[doc(alias = "lua_pushglobaltable")]
    pub fn push_global_table(&mut self) -> LuaResult<()> {
        let globals = self.globals();
        self.push(globals)
    }
}

/// Objects (manual §4.8).
impl LuaState {
    /// Pushes a string.
    #[doc(alias = "lua_pushlstring")]
    pub fn push_bytes(&mut self, bytes: &[u8]) -> LuaResult<()> {
        let string = self.heap().new_string(bytes).map_err(|_| self.memory_error())?;
        self.push(TValue::object(string))?;
        self.gc_check()
    }

    /// Pushes a string of `len` bytes, which `fill` writes where they stay.
    ///
    /// # Safety
    /// `fill` initialises all of the slice.
    pub unsafe fn push_filled(&mut self, len: usize, fill: impl FnOnce(&mut [MaybeUninit<u8>])) -> LuaResult<()> {
        if len <= MAX_SHORT_LEN {
            let mut bytes = [const { MaybeUninit::uninit() }; MAX_SHORT_LEN];
            fill(&mut bytes[..len]);
            // SAFETY: by the caller's promise.
            return self.push_bytes(unsafe { bytes[..len].assume_init_ref() });
        }
        let string = self.heap().new_long_string(len).map_err(|_| self.memory_error())?;
        // SAFETY: nobody else sees the string yet (S3).
        fill(unsafe { core::slice::from_raw_parts_mut(string.data().cast(), len) });
        self.push(TValue::object(string))?;
        self.gc_check()
    }

    /// Pushes a string.
    #[doc(alias = "lua_pushstring")]
    #[doc(alias = "lua_pushliteral")]
    #[inline]
    pub fn push_str(&mut self, s: &str) -> LuaResult<()> {
        self.push_bytes(s.as_bytes())
    }

    /// Pushes a formatted string of any length; it is gathered in the state's memory.
    #[doc(alias = "lua_pushfstring")]
    #[doc(alias = "lua_pushvfstring")]
    pub fn push_fmt(&mut self, args: fmt::Arguments<'_>) -> LuaResult<()> {
        if let Some(text) = args.as_str() {
            return self.push_str(text);
        }
        let mut buffer = Buffer::new(self)?;
        buffer.write_fmt(self, args)?;
        buffer.finish(self)?;
        self.remove(-2);
        Ok(())
    }

    /// Pushes a native function with upvalues, which are popped: 255 at most.
    #[doc(alias = "lua_pushcclosure")]
    pub fn push_native_closure(&mut self, f: NativeFn, n_upvalues: usize) -> LuaResult<()> {
        if n_upvalues == 0 { self.push_native(f) } else { self.push_closure(f as *const (), n_upvalues, false) }
    }

    /// Pushes a native closure that holds the address of a function, or of the descriptor of one.
    pub(super) fn push_closure(&mut self, f: *const (), n_upvalues: usize, is_descriptor: bool) -> LuaResult<()> {
        if n_upvalues > MAX_UPVALUES || n_upvalues as i32 > self.get_top() {
            return Err(self.raise_plain(format_args!("bad number of upvalues")));
        }
        let closure = self.heap().new_native_closure(f, n_upvalues as u8).map_err(|_| self.memory_error())?;
        let first = self.th().from_top(n_upvalues);
        for i in 0..n_upvalues {
            // SAFETY: A2 for the values, and the closure has that many upvalues. It is new, thus white: no barrier.
            unsafe { closure.upvalue_slot(i).write(*first.wrapping_add(i)) };
        }
        self.th().top.set(first);
        if is_descriptor {
            closure.mark_indirect();
        }
        self.push(TValue::object(closure))?;
        self.gc_check()
    }

    /// Pushes a new thread, which shares globals and hooks with this one.
    #[doc(alias = "lua_newthread")]
    pub fn new_thread(&mut self) -> LuaResult<ThreadRef> {
        let thread = self.heap().new_thread().map_err(|_| self.memory_error())?;
        self.push(TValue::object(thread))?;
        let own = self.th();
        thread.dispatch.set(own.dispatch.get());
        thread.hook.set(own.hook.get());
        thread.hook_mask.set(own.hook_mask.get());
        thread.base_hook_count.set(own.base_hook_count.get());
        thread.hook_count.set(own.base_hook_count.get());
        // SAFETY: G1: the main thread is a root.
        thread.extra_space.set(unsafe { (*self.heap().main_thread).extra_space.get() });
        self.gc_check()?;
        Ok(ThreadRef::from_object(thread))
    }

    /// Pushes a new full userdata of `size` bytes, all zero and aligned to 16, and returns where they are.
    #[doc(alias = "lua_newuserdata")]
    pub fn new_userdata(&mut self, size: usize) -> LuaResult<NonNull<u8>> {
        if size > MAX_SIZE - Userdata::DATA_OFFSET {
            return Err(self.run_error(format_args!("memory allocation error: block too big")));
        }
        let userdata = self.heap().new_userdata(size).map_err(|_| self.memory_error())?;
        let data = userdata.data();
        self.push(TValue::object(userdata))?;
        self.gc_check()?;
        NonNull::new(data).ok_or(Thrown::Memory)
    }

    /// Pushes a new table with room for `narray` elements and `nrecord` other entries.
    #[doc(alias = "lua_createtable")]
    pub fn create_table(&mut self, narray: usize, nrecord: usize) -> LuaResult<()> {
        let table = self.heap().new_table().map_err(|_| self.memory_error())?;
        self.push(TValue::object(table))?;
        if narray | nrecord != 0 {
            let (Ok(array), Ok(hash)) = (u32::try_from(narray), u32::try_from(nrecord)) else {
                return Err(self.insert_error(InsertError::Overflow));
            };
            // SAFETY: O2: the table was just pushed.
            let result = unsafe { self.heap().resize_table(table, array, hash) };
            result.map_err(|e| self.insert_error(e))?;
        }
        self.gc_check()
    }

    /// Pushes a new table.
    #[doc(alias = "lua_newtable")]
    pub fn new_table(&mut self) -> LuaResult<()> {
        self.create_table(0, 0)
    }
}

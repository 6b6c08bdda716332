//! Making objects other than strings.
//!
//! A new object is white and nothing refers to it: the caller makes it reachable before the next allocation (G1).

use crate::base::alloc::AllocKind;
use crate::base::error::{AllocResult, OutOfMemory};
use crate::base::limits::MAX_SIZE;
use crate::gc::Heap;
use crate::object::{GcObject, GcRef, LuaClosure, MAX_ARRAY_SIZE, NativeClosure, Proto, Table, UpVal, Userdata};
use crate::value::TValue;

impl Heap {
    /// Allocates an object of `size` bytes, writes its fixed part and enters it into the list of all objects.
    #[doc(alias = "luaC_newobj")]
    #[inline(always)]
    pub(super) fn new_object<T: GcObject>(
        &mut self,
        kind: AllocKind,
        size: usize,
        make: impl FnOnce(u8) -> T,
    ) -> AllocResult<GcRef<T>> {
        let place = self.allocate(kind, size)?.cast::<T>();
        // SAFETY: the block is new and has at least the size of a `T`. The colour is read after the allocation, which
        // may have changed it.
        unsafe {
            place.write(make(self.current_white));
            self.link(place.cast());
            Ok(GcRef::from_ptr(place))
        }
    }

    /// An empty table.
    #[doc(alias = "luaH_new")]
    #[inline]
    pub fn new_table(&mut self) -> AllocResult<GcRef<Table>> {
        self.new_object(AllocKind::Table, size_of::<Table>(), Table::new)
    }

    /// Makes a row of values the array part of a table that has no entries and no parts. The barrier is included.
    ///
    /// # Safety
    /// The table is reachable (G1), and so are the `count` values; they do not lie in a block that a collection may move.
    pub unsafe fn fill_table(&mut self, table: GcRef<Table>, values: *const TValue, count: usize) -> AllocResult<()> {
        debug_assert!(table.array_size() == 0 && table.has_no_nodes());
        if count == 0 {
            return Ok(());
        }
        if count > MAX_ARRAY_SIZE as usize {
            return Err(OutOfMemory);
        }
        let array = self.allocate(AllocKind::Other, count * size_of::<TValue>())?.cast::<TValue>();
        // SAFETY: the block is new and has room for them; the caller's promise.
        unsafe {
            array.copy_from_nonoverlapping(values, count);
            table.array.set(array);
            table.set_array_size(count as u32);
            if table.header().is_black() {
                for i in 0..count {
                    self.barrier_table(table, *array.add(i));
                }
            }
        }
        Ok(())
    }

    /// A prototype without code.
    #[doc(alias = "luaF_newproto")]
    pub fn new_proto(&mut self) -> AllocResult<GcRef<Proto>> {
        self.new_object(AllocKind::Function, size_of::<Proto>(), Proto::new)
    }

    /// A Lua function with `n` upvalues, whose pointers are null. `proto` must be reachable and sealed (F1).
    #[doc(alias = "luaF_newLclosure")]
    #[inline]
    pub fn new_lua_closure(&mut self, proto: GcRef<Proto>, n: u8) -> AllocResult<GcRef<LuaClosure>> {
        let size = LuaClosure::size_for(n as usize);
        let closure = self.new_object(AllocKind::Function, size, |marked| LuaClosure::new(marked, n, proto))?;
        for i in 0..n as usize {
            // SAFETY: F3: the closure has `n` upvalue pointers. The volatile write keeps the compiler from calling `memset`, since
            // there are few.
            unsafe { closure.upval_slot(i).write_volatile(core::ptr::null_mut()) };
        }
        Ok(closure)
    }

    /// A native function with `n` upvalues, all nil.
    #[doc(alias = "luaF_newCclosure")]
    pub fn new_native_closure(&mut self, func: *const (), n: u8) -> AllocResult<GcRef<NativeClosure>> {
        let size = NativeClosure::size_for(n as usize);
        let closure = self.new_object(AllocKind::Function, size, |marked| NativeClosure::new(marked, n, func))?;
        for i in 0..n as usize {
            // SAFETY: F3: the closure has `n` upvalues.
            unsafe { closure.upvalue_slot(i).write(TValue::NIL) };
        }
        Ok(closure)
    }

    /// A closed upvalue with the value nil.
    #[inline]
    pub fn new_upval(&mut self) -> AllocResult<GcRef<UpVal>> {
        let upvalue = self.new_object(AllocKind::Function, size_of::<UpVal>(), UpVal::new)?;
        upvalue.set_closed(TValue::NIL);
        Ok(upvalue)
    }

    /// A full userdata with `len` bytes, all zero, without metatable, its user value nil.
    #[doc(alias = "luaS_newudata")]
    pub fn new_userdata(&mut self, len: usize) -> AllocResult<GcRef<Userdata>> {
        if len > MAX_SIZE - Userdata::DATA_OFFSET {
            return Err(OutOfMemory);
        }
        let size = Userdata::size_for(len);
        let userdata = self.new_object(AllocKind::Userdata, size, |marked| Userdata::new(marked, len))?;
        // SAFETY: `len` bytes follow the fixed part.
        unsafe { userdata.data().write_bytes(0, len) };
        Ok(userdata)
    }
}

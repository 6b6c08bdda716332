//! Tables and metatables.

use core::ffi::c_void;

use perilune_core::object::InsertError;
use perilune_core::{GcRef, LuaType, TValue, Table, Userdata};

use crate::error::{LuaResult, Thrown};
use crate::exec;
use crate::meta;
use crate::state::{LuaState, NativeFn, RIDX_GLOBALS};

/// For the rest of the VM.
impl LuaState {
    /// The table of globals, as the registry has it.
    pub(crate) fn globals(&self) -> TValue {
        // SAFETY: V1: the registry is a root (G1), and always a table.
        unsafe { self.heap().registry.get::<Table>() }.map_or(TValue::NIL, |registry| registry.get_int(RIDX_GLOBALS))
    }

    /// The error of an insertion into a table that failed.
    #[cold]
    pub(crate) fn insert_error(&mut self, error: InsertError) -> Thrown {
        match error {
            InsertError::NilKey => self.raise_plain(format_args!("table index is nil")),
            InsertError::NanKey => self.raise_plain(format_args!("table index is NaN")),
            InsertError::Overflow => self.raise_plain(format_args!("table overflow")),
            InsertError::OutOfMemory => self.memory_error(),
        }
    }

    /// The table at an index; raises an error if there is none.
    #[inline]
    fn table_at(&mut self, idx: i32) -> LuaResult<GcRef<Table>> {
        // SAFETY: V1.
        match unsafe { self.value_or_nil(idx).get::<Table>() } {
            Some(table) => Ok(table),
            None => Err(self.raise_plain(format_args!("table expected"))),
        }
    }

    /// Pushes a value and returns its type.
    #[inline]
    fn push_typed(&mut self, value: TValue) -> LuaResult<LuaType> {
        self.push(value)?;
        Ok(value.lua_type())
    }

    fn get_with_key(&mut self, object: TValue, key: TValue) -> LuaResult<LuaType> {
        let value = exec::index::get(self, object, key)?;
        self.push_typed(value)
    }

    fn get_str(&mut self, object: TValue, name: &str) -> LuaResult<LuaType> {
        let key = self.heap().new_string(name.as_bytes()).map_err(|_| self.memory_error())?;
        // SAFETY: V1.
        if let Some(table) = unsafe { object.get::<Table>() } {
            let value = table.get_str(key);
            if !value.is_nil() {
                return self.push_typed(value);
            }
        }
        // The key must outlive the metamethods.
        let key = TValue::object(key);
        self.push(key)?;
        let value = exec::index::get(self, object, key)?;
        self.store(-1, value);
        Ok(value.lua_type())
    }

    fn set_str(&mut self, object: TValue, name: &str) -> LuaResult<()> {
        let key = TValue::object(self.heap().new_string(name.as_bytes()).map_err(|_| self.memory_error())?);
        let value = self.value_or_nil(-1);
        self.push(key)?;
        exec::index::set(self, object, key, value)?;
        self.pop(2);
        Ok(())
    }

    fn raw_store(&mut self, table: GcRef<Table>, key: TValue, value: TValue) -> LuaResult<()> {
        // SAFETY: V1, O2: all three lie on the stack or are no objects.
        let result = unsafe { self.heap().table_set(table, key, value) };
        result.map_err(|e| self.insert_error(e))
    }
}

/// Reading (manual §4.8). Each pushes the value and returns its type.
impl LuaState {
    /// Replaces the key on top by its value.
    #[doc(alias = "lua_gettable")]
    pub fn get_table(&mut self, idx: i32) -> LuaResult<LuaType> {
        let object = self.value_or_nil(idx);
        let key = self.value_or_nil(-1);
        let value = exec::index::get(self, object, key)?;
        self.store(-1, value);
        Ok(value.lua_type())
    }

    /// Pushes the value of a field.
    #[doc(alias = "lua_getfield")]
    pub fn get_field(&mut self, idx: i32, name: &str) -> LuaResult<LuaType> {
        let object = self.value_or_nil(idx);
        self.get_str(object, name)
    }

    /// Pushes the value of an integer key.
    #[doc(alias = "lua_geti")]
    pub fn get_i(&mut self, idx: i32, n: i64) -> LuaResult<LuaType> {
        let object = self.value_or_nil(idx);
        // SAFETY: V1.
        if let Some(table) = unsafe { object.get::<Table>() } {
            let value = table.get_int(n);
            if !value.is_nil() {
                return self.push_typed(value);
            }
        }
        self.get_with_key(object, TValue::integer(n))
    }

    /// Pushes the value of a global variable.
    #[doc(alias = "lua_getglobal")]
    pub fn get_global(&mut self, name: &str) -> LuaResult<LuaType> {
        let globals = self.globals();
        self.get_str(globals, name)
    }

    /// Replaces the key on top by its value in a table, without metamethods.
    #[doc(alias = "lua_rawget")]
    pub fn raw_get(&mut self, idx: i32) -> LuaResult<LuaType> {
        let table = self.table_at(idx)?;
        // SAFETY: V1: the key lies on the stack.
        let value = unsafe { table.get(self.value_or_nil(-1)) };
        self.store(-1, value);
        Ok(value.lua_type())
    }

    /// Pushes the value of an integer key of a table, without metamethods.
    #[doc(alias = "lua_rawgeti")]
    pub fn raw_get_i(&mut self, idx: i32, n: i64) -> LuaResult<LuaType> {
        let value = self.table_at(idx)?.get_int(n);
        self.push_typed(value)
    }

    /// Pushes the value of a pointer (as a light userdata) as key of a table, without metamethods.
    #[doc(alias = "lua_rawgetp")]
    pub fn raw_get_p(&mut self, idx: i32, p: *const c_void) -> LuaResult<LuaType> {
        let table = self.table_at(idx)?;
        // SAFETY: V1: the key is no object.
        let value = unsafe { table.get(TValue::light(p.cast_mut())) };
        self.push_typed(value)
    }

    /// Pushes the metatable of a value; pushes nothing and returns false if it has none.
    #[doc(alias = "lua_getmetatable")]
    pub fn get_metatable(&mut self, idx: i32) -> LuaResult<bool> {
        let Some(value) = self.value(idx) else {
            return Ok(false);
        };
        match meta::metatable_of(self, value) {
            None => Ok(false),
            Some(mt) => self.push(TValue::object(mt)).map(|()| true),
        }
    }

    /// Pushes the value that is associated with a full userdata; nil for anything else.
    #[doc(alias = "lua_getuservalue")]
    pub fn get_user_value(&mut self, idx: i32) -> LuaResult<LuaType> {
        // SAFETY: V1.
        let userdata = unsafe { self.value_or_nil(idx).get::<Userdata>() };
        self.push_typed(userdata.map_or(TValue::NIL, |u| u.user_value()))
    }

    /// Replaces the key on top by the next key of a table and its value; at the end pops the key and returns false.
    #[doc(alias = "lua_next")]
    pub fn next(&mut self, idx: i32) -> LuaResult<bool> {
        let table = self.table_at(idx)?;
        // SAFETY: V1: the key lies on the stack.
        match unsafe { table.next(self.value_or_nil(-1)) } {
            Ok(Some((key, value))) => {
                self.store(-1, key);
                self.push(value).map(|()| true)
            }
            Ok(None) => {
                self.pop(1);
                Ok(false)
            }
            Err(_) => Err(self.raise_plain(format_args!("invalid key to 'next'"))),
        }
    }

    /// Replaces the `n` topmost values by their concatenation.
    #[doc(alias = "lua_concat")]
    pub fn concat(&mut self, n: usize) -> LuaResult<()> {
        match n.min(self.get_top().max(0) as usize) {
            0 => self.push_str(""),
            1 => Ok(()),
            n => {
                exec::concat::concat(self, n)?;
                self.gc_check()
            }
        }
    }

    /// Pushes the length of a value, as the operator `#` gives it.
    #[doc(alias = "lua_len")]
    pub fn len(&mut self, idx: i32) -> LuaResult<()> {
        let value = self.value_or_nil(idx);
        let length = exec::length::len(self, value)?;
        self.push(length)
    }
}

/// Writing (manual §4.8). Each pops the value, and the key if that lies on the stack too.
impl LuaState {
    /// `object[key] = value`, the key below the value on top; pops both.
    #[doc(alias = "lua_settable")]
    pub fn set_table(&mut self, idx: i32) -> LuaResult<()> {
        let object = self.value_or_nil(idx);
        let (key, value) = (self.value_or_nil(-2), self.value_or_nil(-1));
        exec::index::set(self, object, key, value)?;
        self.pop(2);
        Ok(())
    }

    /// Sets a field to the value on top, which is popped.
    #[doc(alias = "lua_setfield")]
    pub fn set_field(&mut self, idx: i32, name: &str) -> LuaResult<()> {
        let object = self.value_or_nil(idx);
        self.set_str(object, name)
    }

    /// Sets an integer key to the value on top, which is popped.
    #[doc(alias = "lua_seti")]
    pub fn set_i(&mut self, idx: i32, n: i64) -> LuaResult<()> {
        let object = self.value_or_nil(idx);
        let value = self.value_or_nil(-1);
        exec::index::set(self, object, TValue::integer(n), value)?;
        self.pop(1);
        Ok(())
    }

    /// Sets a global variable to the value on top, which is popped.
    #[doc(alias = "lua_setglobal")]
    pub fn set_global(&mut self, name: &str) -> LuaResult<()> {
        let globals = self.globals();
        self.set_str(globals, name)
    }

    /// Sets a global variable to a native function.
    #[doc(alias = "lua_register")]
    pub fn register(&mut self, name: &str, function: NativeFn) -> LuaResult<()> {
        self.push_native(function)?;
        self.set_global(name)
    }

    /// `table[key] = value` without metamethods, the key below the value on top; pops both.
    #[doc(alias = "lua_rawset")]
    pub fn raw_set(&mut self, idx: i32) -> LuaResult<()> {
        let table = self.table_at(idx)?;
        let (key, value) = (self.value_or_nil(-2), self.value_or_nil(-1));
        self.raw_store(table, key, value)?;
        self.pop(2);
        Ok(())
    }

    /// Sets an integer key of a table to the value on top, which is popped, without metamethods.
    #[doc(alias = "lua_rawseti")]
    pub fn raw_set_i(&mut self, idx: i32, n: i64) -> LuaResult<()> {
        let table = self.table_at(idx)?;
        let value = self.value_or_nil(-1);
        // SAFETY: V1, O2: both lie on the stack.
        let result = unsafe { self.heap().table_set_int(table, n, value) };
        result.map_err(|e| self.insert_error(e))?;
        self.pop(1);
        Ok(())
    }

    /// Sets a pointer (as a light userdata) as key of a table to the value on top, which is popped, without metamethods.
    #[doc(alias = "lua_rawsetp")]
    pub fn raw_set_p(&mut self, idx: i32, p: *const c_void) -> LuaResult<()> {
        let table = self.table_at(idx)?;
        let value = self.value_or_nil(-1);
        self.raw_store(table, TValue::light(p.cast_mut()), value)?;
        self.pop(1);
        Ok(())
    }

    /// Makes the table or nil on top, which is popped, the metatable of a value.
    #[doc(alias = "lua_setmetatable")]
    pub fn set_metatable(&mut self, idx: i32) -> LuaResult<()> {
        let metatable = self.value_or_nil(-1);
        if !metatable.is_table() && !metatable.is_nil() {
            return Err(self.raise_plain(format_args!("table expected")));
        }
        if let Some(value) = self.value(idx) {
            // SAFETY: V1, O2: both lie on the stack.
            unsafe { self.heap().set_metatable(value, metatable.get::<Table>()) };
        }
        self.pop(1);
        Ok(())
    }

    /// Associates the value on top, which is popped, with a full userdata.
    #[doc(alias = "lua_setuservalue")]
    pub fn set_user_value(&mut self, idx: i32) -> LuaResult<()> {
        let value = self.value_or_nil(-1);
        // SAFETY: V1.
        let Some(userdata) = (unsafe { self.value_or_nil(idx).get::<Userdata>() }) else {
            return Err(self.raise_plain(format_args!("full userdata expected")));
        };
        // SAFETY: V1, O2: both lie on the stack.
        unsafe { self.heap().set_user_value(userdata, value) };
        self.pop(1);
        Ok(())
    }
}

//! Making libraries, references, and other helpers (manual §5.1).

use perilune_core::LuaType;
use perilune_core::base::limits::REGISTRY_INDEX;

use super::Buffer;
use crate::api::LuaStr;
use crate::error::{LuaResult, Thrown};
use crate::state::{LuaState, NativeFn};

/// The registry's key of the table of loaded modules (`package.loaded`).
#[doc(alias = "LUA_LOADED_TABLE")]
pub const LOADED_TABLE: &str = "_LOADED";
/// The registry's key of the table of preloaded modules (`package.preload`).
#[doc(alias = "LUA_PRELOAD_TABLE")]
pub const PRELOAD_TABLE: &str = "_PRELOAD";
/// The reference of nil.
#[doc(alias = "LUA_REFNIL")]
pub const REF_NIL: i32 = -1;
/// A reference that is never given out.
#[doc(alias = "LUA_NOREF")]
pub const NO_REF: i32 = -2;

/// The key under which a table of references chains the free ones.
const FREE_LIST: i64 = 0;

/// Libraries.
impl LuaState {
    /// Pushes the table that a field of a value holds; makes it if it is not there, and returns false then.
    #[doc(alias = "luaL_getsubtable")]
    pub fn get_subtable(&mut self, idx: i32, name: &str) -> LuaResult<bool> {
        if self.get_field(idx, name)? == LuaType::Table {
            return Ok(true);
        }
        self.pop(1);
        let idx = self.abs_index(idx);
        self.new_table()?;
        self.push_value(-1)?;
        self.set_field(idx, name)?;
        Ok(false)
    }

    /// Pushes a module; if it is not loaded yet, calls `open` with its name and notes the result as loaded. With `global`, also
    /// makes it the global variable of that name.
    #[doc(alias = "luaL_requiref")]
    pub fn require_f(&mut self, name: &str, open: NativeFn, global: bool) -> LuaResult<()> {
        self.get_subtable(REGISTRY_INDEX, LOADED_TABLE)?;
        self.get_field(-1, name)?;
        if !self.to_boolean(-1) {
            self.pop(1);
            self.push_native(open)?;
            self.push_str(name)?;
            self.call(1, 1)?;
            self.push_value(-1)?;
            self.set_field(-3, name)?;
        }
        self.remove(-2);
        if global {
            self.push_value(-1)?;
            self.set_global(name)?;
        }
        Ok(())
    }

    /// Puts functions into the table below the `n_upvalues` topmost values, which they all get as upvalues and which are
    /// popped.
    #[doc(alias = "luaL_setfuncs")]
    pub fn set_funcs(&mut self, functions: &[(&str, NativeFn)], n_upvalues: usize) -> LuaResult<()> {
        self.ensure_stack(n_upvalues, "too many upvalues")?;
        let first = self.get_top() - n_upvalues as i32 + 1;
        for &(name, function) in functions {
            for i in 0..n_upvalues as i32 {
                self.push_value(first + i)?;
            }
            self.push_native_closure(function, n_upvalues)?;
            self.set_field(first - 1, name)?;
        }
        self.pop(n_upvalues);
        Ok(())
    }

    /// Pushes a new table with room for functions, which [`set_funcs`](Self::set_funcs) puts in.
    #[doc(alias = "luaL_newlibtable")]
    pub fn new_lib_table(&mut self, functions: &[(&str, NativeFn)]) -> LuaResult<()> {
        self.create_table(0, functions.len())
    }

    /// Pushes a new table with functions.
    #[doc(alias = "luaL_newlib")]
    pub fn new_lib(&mut self, functions: &[(&str, NativeFn)]) -> LuaResult<()> {
        self.new_lib_table(functions)?;
        self.set_funcs(functions, 0)
    }
}

/// References.
impl LuaState {
    /// Pops a value, stores it in a table, and returns the number under which it is there.
    #[doc(alias = "luaL_ref")]
    pub fn ref_(&mut self, table: i32) -> LuaResult<i32> {
        if self.is_none_or_nil(-1) {
            self.pop(1);
            return Ok(REF_NIL);
        }
        let table = self.abs_index(table);
        self.raw_get_i(table, FREE_LIST)?;
        let free = self.to_integer(-1).unwrap_or(0) as i32;
        self.pop(1);
        let reference = if free != 0 {
            self.raw_get_i(table, i64::from(free))?;
            self.raw_set_i(table, FREE_LIST)?;
            free
        } else {
            self.raw_len(table) as i32 + 1
        };
        self.raw_set_i(table, i64::from(reference))?;
        Ok(reference)
    }

    /// Gives a reference back; the value is dropped from the table.
    #[doc(alias = "luaL_unref")]
    pub fn unref(&mut self, table: i32, r: i32) -> LuaResult<()> {
        if r < 0 {
            return Ok(());
        }
        let table = self.abs_index(table);
        self.raw_get_i(table, FREE_LIST)?;
        self.raw_set_i(table, i64::from(r))?;
        self.push_integer(i64::from(r))?;
        self.raw_set_i(table, FREE_LIST)
    }
}

/// Other helpers.
impl LuaState {
    /// The length of a value, as the operator `#` gives it, which must be an integer.
    #[doc(alias = "luaL_len")]
    pub fn len_i(&mut self, idx: i32) -> LuaResult<i64> {
        self.len(idx)?;
        self.take_length()
    }

    /// Pushes `s` with every occurrence of `pattern` (plain text) replaced. The slices must not lie in Lua strings that are
    /// not on the stack.
    #[doc(alias = "luaL_gsub")]
    pub fn push_gsub(&mut self, s: &[u8], pattern: &[u8], replacement: &[u8]) -> LuaResult<LuaStr> {
        let mut text = Buffer::new(self)?;
        let mut rest = s;
        if !pattern.is_empty() {
            while let Some(at) = rest.windows(pattern.len()).position(|window| window == pattern) {
                text.extend(self, &rest[..at])?;
                text.extend(self, replacement)?;
                rest = &rest[at + pattern.len()..];
            }
        }
        text.extend(self, rest)?;
        text.finish(self)?;
        self.remove(-2);
        self.to_str(-1)?.ok_or(Thrown::Runtime)
    }
}

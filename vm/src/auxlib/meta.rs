//! Metatables with names, fields of metatables, and the text of any value (manual §5.1).

use core::fmt::Write;
use core::ptr::NonNull;

use perilune_core::base::limits::REGISTRY_INDEX;
use perilune_core::{LuaType, TValue, Table};

use super::FixedBuf;
use crate::api::LuaStr;
use crate::debug::messages::push_pieces;
use crate::error::{LuaResult, Thrown};
use crate::meta;
use crate::state::LuaState;

/// Metatables that the registry knows by name.
impl LuaState {
    /// Pushes the metatable that the registry has under a name; makes it, with the name as its `__name`, if there is none, and
    /// returns true then.
    #[doc(alias = "luaL_newmetatable")]
    pub fn new_metatable(&mut self, name: &str) -> LuaResult<bool> {
        if self.get_registered_metatable(name)? != LuaType::Nil {
            return Ok(false);
        }
        self.pop(1);
        self.create_table(0, 2)?;
        self.push_str(name)?;
        self.set_field(-2, "__name")?;
        self.push_value(-1)?;
        self.set_field(REGISTRY_INDEX, name)?;
        Ok(true)
    }

    /// Pushes the metatable that the registry has under a name, or nil, and returns its type.
    #[doc(alias = "luaL_getmetatable")]
    pub fn get_registered_metatable(&mut self, name: &str) -> LuaResult<LuaType> {
        self.get_field(REGISTRY_INDEX, name)
    }

    /// Gives the value on top the metatable that the registry has under a name.
    #[doc(alias = "luaL_setmetatable")]
    pub fn set_registered_metatable(&mut self, name: &str) -> LuaResult<()> {
        self.get_registered_metatable(name)?;
        self.set_metatable(-2)
    }

    /// The bytes of a userdata that has the metatable of a name; `None` for any other value.
    #[doc(alias = "luaL_testudata")]
    pub fn test_userdata(&mut self, arg: i32, name: &str) -> Option<NonNull<u8>> {
        let data = self.to_userdata(arg)?;
        let metatable = meta::metatable_of(self, self.value_or_nil(arg))?;
        // If there is no memory for the name, it is not in the registry either.
        let key = self.heap().new_string(name.as_bytes()).ok()?;
        // SAFETY: V1: the registry is a root (G1).
        let registry = unsafe { self.heap().registry.get::<Table>() }?;
        if registry.get_str(key).same_bits(TValue::object(metatable)) { Some(data) } else { None }
    }

    /// The bytes of an argument that must be a userdata with the metatable of a name.
    #[doc(alias = "luaL_checkudata")]
    pub fn check_userdata(&mut self, arg: i32, name: &str) -> LuaResult<NonNull<u8>> {
        match self.test_userdata(arg, name) {
            Some(data) => Ok(data),
            None => Err(self.type_error(arg, name)),
        }
    }
}

/// Fields of metatables.
impl LuaState {
    /// Pushes a field of a value's metatable and returns its type; if there is none, pushes nothing and returns
    /// `LuaType::None`.
    #[doc(alias = "luaL_getmetafield")]
    pub fn get_meta_field(&mut self, obj: i32, event: &str) -> LuaResult<LuaType> {
        let value = self.value_or_nil(obj);
        let Some(metatable) = meta::metatable_of(self, value) else {
            return Ok(LuaType::None);
        };
        let key = self.heap().new_string(event.as_bytes()).map_err(|_| self.memory_error())?;
        let field = metatable.get_str(key);
        if field.is_nil() {
            return Ok(LuaType::None);
        }
        self.push(field)?;
        Ok(field.lua_type())
    }

    /// Calls a field of a value's metatable with the value and pushes the result; if there is no such field, pushes nothing
    /// and returns false.
    #[doc(alias = "luaL_callmeta")]
    pub fn call_meta(&mut self, obj: i32, event: &str) -> LuaResult<bool> {
        let obj = self.abs_index(obj);
        if self.get_meta_field(obj, event)? == LuaType::None {
            return Ok(false);
        }
        self.push_value(obj)?;
        self.call(1, 1)?;
        Ok(true)
    }

    /// Pushes the text of a value, as the function `tostring` gives it.
    #[doc(alias = "luaL_tolstring")]
    pub fn push_tostring(&mut self, idx: i32) -> LuaResult<LuaStr> {
        let idx = self.abs_index(idx);
        if self.call_meta(idx, "__tostring")? {
            if !self.is_string(-1) {
                return Err(self.raise(format_args!("'__tostring' must return a string")));
            }
        } else {
            self.push_plain_text(idx)?;
        }
        self.to_str(-1)?.ok_or(Thrown::Runtime)
    }

    /// Pushes the text of a value as if it had no metamethod `__tostring`, which the caller may have called by itself.
    pub fn push_plain_text(&mut self, idx: i32) -> LuaResult<()> {
        match self.lua_type(idx) {
            LuaType::Number => {
                self.push_value(idx)?;
                self.to_str(-1).map(|_| ())
            }
            LuaType::String => self.push_value(idx),
            LuaType::Boolean => self.push_str(if self.to_boolean(idx) { "true" } else { "false" }),
            LuaType::Nil => self.push_str("nil"),
            _ => self.push_address_text(idx),
        }
    }

    /// Pushes `type: address`, the type being the metatable's `__name` if that is a string.
    fn push_address_text(&mut self, idx: i32) -> LuaResult<()> {
        let found = self.get_meta_field(idx, "__name")?;
        let kind = if found == LuaType::String {
            // SAFETY: the name stays on the stack.
            self.to_str(-1)?.map_or(&b"?"[..], |name| unsafe { name.bytes() })
        } else {
            self.type_name_at(idx).as_bytes()
        };
        let mut address = FixedBuf::<32>::new();
        let pointer = self.to_pointer(idx);
        // A truncating buffer takes everything.
        let _ = if pointer.is_null() { write!(address, "(nil)") } else { write!(address, "{pointer:p}") };
        push_pieces(self, &[kind, b": ", address.as_bytes()])?;
        if found != LuaType::None {
            self.remove(-2);
        }
        self.gc_check()
    }
}

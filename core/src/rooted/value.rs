//! Values as the host sees them, and what the host may give as one.

use super::Error;
use super::arena::Arena;
use super::handle::Root;
use crate::object::{GcObject, LuaString, Table, Userdata};
use crate::value::{LuaType, TValue};

/// A value that came out of an [`Arena`]: plain data, or a handle that keeps an object alive.
///
/// `==` compares without conversion: objects by identity, strings by their bytes, an integer never equals a float.
#[derive(PartialEq, Debug)]
pub enum Value<'h> {
    /// No value: an absent key has it.
    Nil,
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A string.
    String(Root<'h, LuaString>),
    /// A table.
    Table(Root<'h, Table>),
    /// A userdata.
    Userdata(Root<'h, Userdata>),
}

impl<'h> Value<'h> {
    /// Whether it is [`Value::Nil`].
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// The type, as Lua sees it.
    pub fn lua_type(&self) -> LuaType {
        match self {
            Self::Nil => LuaType::Nil,
            Self::Boolean(_) => LuaType::Boolean,
            Self::Integer(_) | Self::Float(_) => LuaType::Number,
            Self::String(_) => LuaType::String,
            Self::Table(_) => LuaType::Table,
            Self::Userdata(_) => LuaType::Userdata,
        }
    }

    /// The integer, if it is one (no conversion).
    pub fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(i) = self { Some(*i) } else { None }
    }

    /// The number as a float, if it is a number.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Integer(i) => Some(*i as f64),
            Self::Float(n) => Some(*n),
            _ => None,
        }
    }

    /// The string's bytes, if it is a string.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::String(string) = self { Some(string.as_bytes()) } else { None }
    }

    /// The table, if it is one.
    pub fn as_table(&self) -> Option<&Root<'h, Table>> {
        if let Self::Table(table) = self { Some(table) } else { None }
    }

    /// The userdata, if it is one.
    pub fn as_userdata(&self) -> Option<&Root<'h, Userdata>> {
        if let Self::Userdata(userdata) = self { Some(userdata) } else { None }
    }

    /// The value with a handle of its own, if it is an object. It is reachable now.
    pub(super) fn of(arena: &'h Arena<'_>, value: TValue) -> Result<Self, Error> {
        Ok(match value.lua_type() {
            LuaType::Boolean => Self::Boolean(!value.is_falsy()),
            LuaType::Number => match value.as_integer() {
                Some(i) => Self::Integer(i),
                None => Self::Float(f64::from_bits(value.u)),
            },
            LuaType::String => Self::String(arena.root(value)?),
            LuaType::Table => Self::Table(arena.root(value)?),
            LuaType::Userdata => Self::Userdata(arena.root(value)?),
            // Values of other types are never stored by this layer.
            _ => Self::Nil,
        })
    }
}

impl<'h> From<Root<'h, LuaString>> for Value<'h> {
    fn from(string: Root<'h, LuaString>) -> Self {
        Self::String(string)
    }
}

impl<'h> From<Root<'h, Table>> for Value<'h> {
    fn from(table: Root<'h, Table>) -> Self {
        Self::Table(table)
    }
}

impl<'h> From<Root<'h, Userdata>> for Value<'h> {
    fn from(userdata: Root<'h, Userdata>) -> Self {
        Self::Userdata(userdata)
    }
}

mod sealed {
    pub trait Sealed {}
}

/// What can be given as a key or a value: numbers, booleans, text and bytes (which become strings of the arena), handles,
/// [`Value`]s, and references to all of these.
pub trait ToValue: sealed::Sealed {
    /// The value as a word of `arena`'s, for immediate use: before the next allocation it must be made reachable. All other
    /// values that are in use must be so already.
    #[doc(hidden)]
    fn lua_value(&self, arena: &Arena<'_>) -> Result<TValue, Error>;
}

/// Implements `ToValue` for types whose values become plain data or a new string.
macro_rules! to_value {
    ($($type:ty: |$value:ident, $arena:ident| $make:expr;)*) => { $(
        impl sealed::Sealed for $type {}
        impl ToValue for $type {
            fn lua_value(&self, $arena: &Arena<'_>) -> Result<TValue, Error> {
                let $value = self;
                $make
            }
        }
    )* };
}

to_value! {
    bool: |value, _arena| Ok(TValue::boolean(*value));
    i32: |value, _arena| Ok(TValue::integer((*value).into()));
    i64: |value, _arena| Ok(TValue::integer(*value));
    f64: |value, _arena| Ok(TValue::float(*value));
    str: |value, arena| value.as_bytes().lua_value(arena);
    [u8]: |value, arena| arena.new_string(value);
}

impl<T: GcObject> sealed::Sealed for Root<'_, T> {}

impl<T: GcObject> ToValue for Root<'_, T> {
    fn lua_value(&self, arena: &Arena<'_>) -> Result<TValue, Error> {
        if self.arena().is(arena) { Ok(self.value()) } else { Err(Error::OtherArena) }
    }
}

impl sealed::Sealed for Value<'_> {}

impl ToValue for Value<'_> {
    fn lua_value(&self, arena: &Arena<'_>) -> Result<TValue, Error> {
        match self {
            Self::Nil => Ok(TValue::NIL),
            Self::Boolean(b) => b.lua_value(arena),
            Self::Integer(i) => i.lua_value(arena),
            Self::Float(n) => n.lua_value(arena),
            Self::String(string) => string.lua_value(arena),
            Self::Table(table) => table.lua_value(arena),
            Self::Userdata(userdata) => userdata.lua_value(arena),
        }
    }
}

impl<T: ToValue + ?Sized> sealed::Sealed for &T {}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn lua_value(&self, arena: &Arena<'_>) -> Result<TValue, Error> {
        (**self).lua_value(arena)
    }
}

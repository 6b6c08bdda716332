//! Values: a 64-bit payload and a tag.
//!
//! V1. The payload of a collectable tag is a pointer to a live object whose header carries the same tag.
//! V2. `{u64, u8}` is copied as two scalars; an enum or a union would become a 16-byte vector move, which stalls.

use core::ffi::c_void;

use crate::object::{GcHeader, GcObject, GcRef};

/// What kind of value a [`TValue`] is, variants included.
pub type Tag = u8;

/// The tags. `FALSE` and everything below it counts as false; bit 7 marks collectable values.
pub mod tag {
    use super::Tag;
    /// nil
    pub const NIL: Tag = 0;
    /// false
    pub const FALSE: Tag = 1;
    /// true
    pub const TRUE: Tag = 2;
    /// An integer.
    pub const INT: Tag = 3;
    /// A float.
    pub const FLOAT: Tag = 4;
    /// A light userdata.
    pub const LIGHT: Tag = 5;
    /// A native function without upvalues.
    pub const NATIVE: Tag = 6;
    /// A native function with a quick form, without upvalues.
    pub const QUICK_NATIVE: Tag = 7;
    /// A key of a table node whose value was collected; compared by address alone, never dereferenced.
    pub const DEAD: Tag = 8;
    /// Set in the tag of every collectable value.
    pub const COLLECTABLE: Tag = 0x80;
    /// An interned string.
    pub const SHORT_STRING: Tag = 0x80;
    /// A string that is not interned.
    pub const LONG_STRING: Tag = 0x81;
    /// A table.
    pub const TABLE: Tag = 0x82;
    /// A Lua function.
    pub const LUA_CLOSURE: Tag = 0x83;
    /// A native function with upvalues.
    pub const NATIVE_CLOSURE: Tag = 0x84;
    /// A full userdata.
    pub const USERDATA: Tag = 0x85;
    /// A thread.
    pub const THREAD: Tag = 0x86;
    /// A prototype; never seen by scripts.
    pub const PROTO: Tag = 0x87;
    /// An upvalue; never seen by scripts.
    pub const UPVAL: Tag = 0x88;
}

/// The types of the manual's §2.1, with the numbers of the C API.
#[repr(i8)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum LuaType {
    /// No value at all: a stack index that is not valid.
    #[doc(alias = "LUA_TNONE")]
    None = -1,
    /// nil
    #[doc(alias = "LUA_TNIL")]
    Nil = 0,
    /// boolean
    #[doc(alias = "LUA_TBOOLEAN")]
    Boolean = 1,
    /// light userdata
    #[doc(alias = "LUA_TLIGHTUSERDATA")]
    LightUserdata = 2,
    /// number
    #[doc(alias = "LUA_TNUMBER")]
    Number = 3,
    /// string
    #[doc(alias = "LUA_TSTRING")]
    String = 4,
    /// table
    #[doc(alias = "LUA_TTABLE")]
    Table = 5,
    /// function
    #[doc(alias = "LUA_TFUNCTION")]
    Function = 6,
    /// full userdata
    #[doc(alias = "LUA_TUSERDATA")]
    Userdata = 7,
    /// thread
    #[doc(alias = "LUA_TTHREAD")]
    Thread = 8,
}

impl LuaType {
    /// How many types have a metatable of their own.
    #[doc(alias = "LUA_NUMTAGS")]
    pub const COUNT: usize = 9;

    /// The type's name, as the function `type` gives it.
    #[doc(alias = "lua_typename")]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "no value",
            Self::Nil => "nil",
            Self::Boolean => "boolean",
            Self::LightUserdata | Self::Userdata => "userdata",
            Self::Number => "number",
            Self::String => "string",
            Self::Table => "table",
            Self::Function => "function",
            Self::Thread => "thread",
        }
    }
}

/// A Lua value.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct TValue {
    /// The payload: integer, float bits, or pointer.
    pub u: u64,
    /// The tag.
    pub t: Tag,
}

const _: () = assert!(size_of::<TValue>() == 16);

impl TValue {
    /// nil
    pub const NIL: Self = Self { u: 0, t: tag::NIL };
    /// false
    pub const FALSE: Self = Self { u: 0, t: tag::FALSE };
    /// true
    pub const TRUE: Self = Self { u: 0, t: tag::TRUE };

    /// An integer.
    #[inline(always)]
    pub const fn integer(i: i64) -> Self {
        Self { u: i as u64, t: tag::INT }
    }

    /// A float.
    #[inline(always)]
    pub const fn float(n: f64) -> Self {
        Self { u: n.to_bits(), t: tag::FLOAT }
    }

    /// A boolean.
    #[inline(always)]
    pub const fn boolean(b: bool) -> Self {
        Self { u: 0, t: tag::FALSE + b as u8 }
    }

    /// A light userdata.
    #[inline]
    pub fn light(p: *mut c_void) -> Self {
        Self { u: p.expose_provenance() as u64, t: tag::LIGHT }
    }

    /// A native function without upvalues. The VM gives the pointer its type.
    #[inline]
    pub fn native(f: *const ()) -> Self {
        Self { u: f.expose_provenance() as u64, t: tag::NATIVE }
    }

    /// A native function with a quick form; the VM gives the descriptor that it points to its type.
    #[inline]
    pub fn quick_native(descriptor: *const ()) -> Self {
        Self { u: descriptor.expose_provenance() as u64, t: tag::QUICK_NATIVE }
    }

    /// A collectable value; the tag is the object's own.
    #[inline(always)]
    pub fn object<T: GcObject>(object: GcRef<T>) -> Self {
        Self { u: object.addr(), t: object.header().tag() }
    }

    /// The tag.
    #[inline(always)]
    pub const fn tag(self) -> Tag {
        self.t
    }

    /// The type.
    #[doc(alias = "ttnov")]
    pub const fn lua_type(self) -> LuaType {
        match self.t {
            tag::NIL | tag::DEAD => LuaType::Nil,
            tag::FALSE | tag::TRUE => LuaType::Boolean,
            tag::INT | tag::FLOAT => LuaType::Number,
            tag::LIGHT => LuaType::LightUserdata,
            tag::SHORT_STRING | tag::LONG_STRING => LuaType::String,
            tag::TABLE => LuaType::Table,
            tag::NATIVE | tag::QUICK_NATIVE | tag::LUA_CLOSURE | tag::NATIVE_CLOSURE => LuaType::Function,
            tag::USERDATA => LuaType::Userdata,
            tag::THREAD => LuaType::Thread,
            _ => LuaType::None,
        }
    }

    /// Whether it is nil.
    #[inline(always)]
    pub const fn is_nil(self) -> bool {
        self.t == tag::NIL
    }

    /// Whether it counts as false in a condition (nil or false).
    #[inline(always)]
    pub const fn is_falsy(self) -> bool {
        self.t <= tag::FALSE
    }

    /// Whether it is a number.
    #[inline(always)]
    pub const fn is_number(self) -> bool {
        self.t == tag::INT || self.t == tag::FLOAT
    }

    /// Whether it is a string, short or long.
    #[inline(always)]
    pub const fn is_string(self) -> bool {
        self.t & 0xfe == tag::SHORT_STRING
    }

    /// Whether it is a table.
    #[inline(always)]
    pub const fn is_table(self) -> bool {
        self.t == tag::TABLE
    }

    /// Whether it is a function of any kind.
    #[inline(always)]
    pub const fn is_function(self) -> bool {
        matches!(self.t, tag::NATIVE | tag::QUICK_NATIVE | tag::LUA_CLOSURE | tag::NATIVE_CLOSURE)
    }

    /// Whether it points to an object of the heap.
    #[inline(always)]
    pub const fn is_collectable(self) -> bool {
        self.t >= tag::COLLECTABLE
    }

    /// The integer, if it is one (no conversion).
    #[inline(always)]
    pub const fn as_integer(self) -> Option<i64> {
        if self.t == tag::INT { Some(self.u as i64) } else { None }
    }

    /// The float, if it is one (no conversion).
    #[inline(always)]
    pub const fn as_float(self) -> Option<f64> {
        if self.t == tag::FLOAT { Some(f64::from_bits(self.u)) } else { None }
    }

    /// The number as a float, if it is a number (strings are not converted).
    #[inline(always)]
    pub const fn as_number(self) -> Option<f64> {
        match self.t {
            tag::FLOAT => Some(f64::from_bits(self.u)),
            tag::INT => Some(self.u as i64 as f64),
            _ => None,
        }
    }

    /// The payload as a pointer (light userdata, native function).
    #[inline(always)]
    pub fn as_pointer(self) -> *mut c_void {
        core::ptr::with_exposed_provenance_mut(self.u as usize)
    }

    /// The header of a collectable value.
    ///
    /// # Safety
    /// The value is collectable and its object is live (V1).
    #[inline(always)]
    pub unsafe fn header(self) -> *mut GcHeader {
        core::ptr::with_exposed_provenance_mut(self.u as usize)
    }

    /// The object, whose type the caller knows from the tag.
    ///
    /// # Safety
    /// The tag is one of `T`'s, and the object is live (V1).
    #[inline(always)]
    pub unsafe fn as_ref<T: GcObject>(self) -> GcRef<T> {
        debug_assert!(T::is_tag(self.t));
        // SAFETY: V1.
        unsafe { GcRef::from_addr(self.u) }
    }

    /// The object, if the tag is one of `T`'s.
    ///
    /// # Safety
    /// If the value is collectable, its object is live (V1).
    #[inline(always)]
    pub unsafe fn get<T: GcObject>(self) -> Option<GcRef<T>> {
        // SAFETY: V1; the tag was just checked.
        if T::is_tag(self.t) { Some(unsafe { GcRef::from_addr(self.u) }) } else { None }
    }

    /// Whether both have the same tag and payload: raw equality but for floats, int/float pairs and long strings.
    #[inline(always)]
    pub const fn same_bits(self, other: Self) -> bool {
        self.t == other.t && (self.u == other.u || self.t <= tag::TRUE)
    }
}

impl core::fmt::Debug for TValue {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.t {
            tag::NIL => f.write_str("nil"),
            tag::FALSE => f.write_str("false"),
            tag::TRUE => f.write_str("true"),
            tag::INT => write!(f, "{}", self.u as i64),
            tag::FLOAT => write!(f, "{:?}", f64::from_bits(self.u)),
            _ => write!(f, "{}: {:#x}", self.lua_type().name(), self.u),
        }
    }
}

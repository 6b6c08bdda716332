//! Reading values of the stack.

use core::ffi::c_void;
use core::ptr::NonNull;

use perilune_core::value::tag;
use perilune_core::{LuaString, LuaType, NativeClosure, TValue, Table, Thread, Userdata};

use super::QuickNative;
use super::{ArithOp, CompareOp, LuaStr, ThreadRef};
use crate::auxlib::is_host_s;
use crate::convert;
use crate::error::LuaResult;
use crate::exec;
use crate::state::{LuaState, NativeFn};

/// The native function that a pointer of a value stands for.
///
/// # Safety
/// The pointer was made from a `NativeFn`.
#[inline(always)]
unsafe fn native_fn(pointer: *const ()) -> NativeFn {
    // SAFETY: the caller's promise.
    unsafe { core::mem::transmute::<*const (), NativeFn>(pointer) }
}

/// Types (manual §4.8).
impl LuaState {
    /// The type of a value; `LuaType::None` if the index names nothing (manual §4.8, `lua_type`).
    #[inline]
    pub fn lua_type(&self, idx: i32) -> LuaType {
        self.value(idx).map_or(LuaType::None, TValue::lua_type)
    }

    /// The name of a value's type, "no value" if the index names nothing.
    #[doc(alias = "luaL_typename")]
    pub fn type_name_at(&self, idx: i32) -> &'static str {
        self.lua_type(idx).name()
    }

    /// Whether the index names nothing.
    #[doc(alias = "lua_isnone")]
    #[inline]
    pub fn is_none(&self, idx: i32) -> bool {
        self.slot(idx).is_null()
    }

    /// Whether the value is nil.
    #[doc(alias = "lua_isnil")]
    #[inline]
    pub fn is_nil(&self, idx: i32) -> bool {
        self.value(idx).is_some_and(TValue::is_nil)
    }

    /// Whether the value is nil or the index names nothing.
    #[doc(alias = "lua_isnoneornil")]
    #[inline]
    pub fn is_none_or_nil(&self, idx: i32) -> bool {
        self.value_or_nil(idx).is_nil()
    }

    /// Whether the value is a boolean.
    #[doc(alias = "lua_isboolean")]
    #[inline]
    pub fn is_boolean(&self, idx: i32) -> bool {
        self.lua_type(idx) == LuaType::Boolean
    }

    /// Whether the value is a table.
    #[doc(alias = "lua_istable")]
    #[inline]
    pub fn is_table(&self, idx: i32) -> bool {
        self.value_or_nil(idx).is_table()
    }

    /// Whether the value is a function, of whatever kind.
    #[doc(alias = "lua_isfunction")]
    #[inline]
    pub fn is_function(&self, idx: i32) -> bool {
        self.value_or_nil(idx).is_function()
    }

    /// Whether the value is a thread.
    #[doc(alias = "lua_isthread")]
    #[inline]
    pub fn is_thread(&self, idx: i32) -> bool {
        self.lua_type(idx) == LuaType::Thread
    }

    /// Whether the value is a userdata, full or light.
    #[doc(alias = "lua_isuserdata")]
    #[inline]
    pub fn is_userdata(&self, idx: i32) -> bool {
        matches!(self.value_or_nil(idx).t, tag::USERDATA | tag::LIGHT)
    }

    /// Whether the value is a light userdata.
    #[doc(alias = "lua_islightuserdata")]
    #[inline]
    pub fn is_light_userdata(&self, idx: i32) -> bool {
        self.value_or_nil(idx).t == tag::LIGHT
    }

    /// Whether the value is a native function.
    #[doc(alias = "lua_iscfunction")]
    #[inline]
    pub fn is_native_function(&self, idx: i32) -> bool {
        matches!(self.value_or_nil(idx).t, tag::NATIVE | tag::QUICK_NATIVE | tag::NATIVE_CLOSURE)
    }

    /// Whether the value is a number, or a string that can be converted to one.
    #[doc(alias = "lua_isnumber")]
    #[inline]
    pub fn is_number(&self, idx: i32) -> bool {
        self.to_number(idx).is_some()
    }

    /// Whether the value is a string, or a number, which can always be converted to one.
    #[doc(alias = "lua_isstring")]
    #[inline]
    pub fn is_string(&self, idx: i32) -> bool {
        let v = self.value_or_nil(idx);
        v.is_string() || v.is_number()
    }

    /// Whether the value is a number that is represented as an integer.
    #[doc(alias = "lua_isinteger")]
    #[inline]
    pub fn is_integer(&self, idx: i32) -> bool {
        self.value_or_nil(idx).t == tag::INT
    }
}

/// Contents (manual §4.8).
impl LuaState {
    /// The value as an integer: an integer, or a float or string that can be converted to one.
    #[doc(alias = "lua_tointeger")]
    #[doc(alias = "lua_tointegerx")]
    #[inline]
    pub fn to_integer(&self, idx: i32) -> Option<i64> {
        let v = self.value_or_nil(idx);
        if v.t == tag::INT { Some(v.u as i64) } else { convert::to_integer(v) }
    }

    /// The value as a float: a number, or a string that can be converted to one.
    #[doc(alias = "lua_tonumber")]
    #[doc(alias = "lua_tonumberx")]
    #[inline]
    pub fn to_number(&self, idx: i32) -> Option<f64> {
        let v = self.value_or_nil(idx);
        if v.t == tag::FLOAT { Some(f64::from_bits(v.u)) } else { convert::to_number(v) }
    }

    /// Whether the value counts as true: it is there, and neither nil nor false.
    #[doc(alias = "lua_toboolean")]
    #[inline]
    pub fn to_boolean(&self, idx: i32) -> bool {
        !self.value_or_nil(idx).is_falsy()
    }

    /// The value as a string; a number is converted in place.
    #[doc(alias = "lua_tolstring")]
    #[doc(alias = "lua_tostring")]
    #[inline]
    pub fn to_str(&mut self, idx: i32) -> LuaResult<Option<LuaStr>> {
        let v = self.value_or_nil(idx);
        if v.is_string() {
            // SAFETY: V1, tag checked.
            return Ok(Some(LuaStr::new(unsafe { v.as_ref() })));
        }
        if v.is_number() { self.number_to_str(idx, v).map(Some) } else { Ok(None) }
    }

    #[inline(never)]
    fn number_to_str(&mut self, idx: i32, v: TValue) -> LuaResult<LuaStr> {
        let idx = self.abs_index(idx);
        let mut buf = [0; convert::NUMBER_BUF];
        let len = convert::number_to_buf(v, &mut buf);
        let string = self.heap().new_string(&buf[..len]).map_err(|_| self.memory_error())?;
        self.store(idx, TValue::object(string));
        self.gc_check()?;
        Ok(LuaStr::new(string))
    }

    /// The bytes of a string. Numbers are not converted.
    #[inline]
    pub fn str_at(&self, idx: i32) -> Option<&[u8]> {
        // SAFETY: V1; nothing can be collected while the state is borrowed.
        unsafe { self.value(idx)?.get::<LuaString>().map(|s| s.bytes()) }
    }

    /// The length without metamethods: bytes of a string or userdata, a border of a table, 0 for anything else.
    #[doc(alias = "lua_rawlen")]
    pub fn raw_len(&self, idx: i32) -> usize {
        let v = self.value_or_nil(idx);
        // SAFETY: V1, tags checked.
        unsafe {
            match v.t {
                tag::SHORT_STRING | tag::LONG_STRING => v.as_ref::<LuaString>().len(),
                tag::USERDATA => v.as_ref::<Userdata>().len(),
                tag::TABLE => v.as_ref::<Table>().border() as usize,
                _ => 0,
            }
        }
    }

    /// The native function behind a value.
    #[doc(alias = "lua_tocfunction")]
    pub fn to_native_function(&self, idx: i32) -> Option<NativeFn> {
        let v = self.value_or_nil(idx);
        // SAFETY: V1; values with these tags are made of `NativeFn`s alone.
        unsafe {
            match v.t {
                tag::NATIVE => Some(native_fn(v.as_pointer().cast())),
                tag::QUICK_NATIVE => Some(QuickNative::of(v).function),
                tag::NATIVE_CLOSURE => {
                    let closure = v.as_ref::<NativeClosure>();
                    let described = QuickNative::of_closure(closure).map(|native| native.function);
                    Some(described.unwrap_or_else(|| native_fn(closure.func())))
                }
                _ => None,
            }
        }
    }

    /// The address of a full userdata's bytes, or a light userdata's pointer unless that is null. A userdata that holds a
    /// [value of Rust](Self::push_userdata), or what a buffer has gathered, has no bytes of the host's.
    #[doc(alias = "lua_touserdata")]
    #[inline]
    pub fn to_userdata(&self, idx: i32) -> Option<NonNull<u8>> {
        let v = self.value_or_nil(idx);
        match v.t {
            tag::USERDATA => {
                // SAFETY: V1.
                let userdata = unsafe { v.as_ref::<Userdata>() };
                if is_host_s(userdata) { NonNull::new(userdata.data()) } else { None }
            }
            tag::LIGHT => NonNull::new(v.as_pointer().cast()),
            _ => None,
        }
    }

    /// Where the bytes of a full userdata are, and how many. A userdata that holds a [value of Rust](Self::push_userdata), or what
    /// a buffer has gathered, has no bytes of the host's.
    #[inline]
    pub fn to_userdata_bytes(&self, idx: i32) -> Option<NonNull<[u8]>> {
        // SAFETY: V1.
        let userdata = unsafe { self.value_or_nil(idx).get::<Userdata>() }.filter(|&userdata| is_host_s(userdata))?;
        Some(NonNull::slice_from_raw_parts(NonNull::new(userdata.data())?, userdata.len()))
    }

    /// A light userdata's pointer.
    pub fn to_light_userdata(&self, idx: i32) -> Option<*mut c_void> {
        let v = self.value_or_nil(idx);
        if v.t == tag::LIGHT { Some(v.as_pointer()) } else { None }
    }

    /// The thread.
    #[doc(alias = "lua_tothread")]
    pub fn to_thread(&self, idx: i32) -> Option<ThreadRef> {
        // SAFETY: V1.
        unsafe { self.value(idx)?.get::<Thread>() }.map(ThreadRef::from_object)
    }

    /// The value's address, for identification alone; null for what has none.
    #[doc(alias = "lua_topointer")]
    pub fn to_pointer(&self, idx: i32) -> *const c_void {
        let v = self.value_or_nil(idx);
        match v.t {
            tag::LIGHT | tag::NATIVE | tag::QUICK_NATIVE => v.as_pointer(),
            // SAFETY: V1.
            tag::USERDATA => unsafe { v.as_ref::<Userdata>() }.data().cast(),
            tag::SHORT_STRING | tag::LONG_STRING => core::ptr::null(),
            // SAFETY: V1.
            _ if v.is_collectable() => unsafe { v.header().cast_const().cast() },
            _ => core::ptr::null(),
        }
    }
}

/// Operations (manual §4.8).
impl LuaState {
    /// Equality without metamethods; false if an index names nothing.
    #[doc(alias = "lua_rawequal")]
    pub fn raw_equal(&self, a: i32, b: i32) -> bool {
        match (self.value(a), self.value(b)) {
            (Some(a), Some(b)) => exec::compare::raw_equals(a, b),
            _ => false,
        }
    }

    /// Compares two values, with metamethods; false if an index names nothing.
    #[doc(alias = "lua_compare")]
    pub fn compare(&mut self, a: i32, b: i32, op: CompareOp) -> LuaResult<bool> {
        let (Some(a), Some(b)) = (self.value(a), self.value(b)) else {
            return Ok(false);
        };
        match op {
            CompareOp::Eq => exec::compare::equals(self, a, b),
            CompareOp::Lt => exec::compare::less_than(self, a, b),
            CompareOp::Le => exec::compare::less_equal(self, a, b),
        }
    }

    /// Replaces the operand or the two operands on top by the operation's result.
    #[doc(alias = "lua_arith")]
    pub fn arith(&mut self, op: ArithOp) -> LuaResult<()> {
        let b = self.value_or_nil(-1);
        let (a, count) = if op.is_unary() { (b, 1) } else { (self.value_or_nil(-2), 2) };
        let result = exec::arith::arith(self, op, a, b)?;
        self.pop(count);
        self.push(result)
    }

    /// Pushes the number that a string denotes; pushes nothing and returns false if it does not denote one.
    #[doc(alias = "lua_stringtonumber")]
    pub fn string_to_number(&mut self, s: &[u8]) -> LuaResult<bool> {
        match convert::str_to_number(s) {
            None => Ok(false),
            Some(v) => self.push(v).map(|()| true),
        }
    }
}

//! Quick forms of native functions: they answer from the arguments alone, without a frame.
//!
//! A5. While a quick form runs, its arguments lie above the function's slot up to the top, in registers of the calling frame,
//!     which is saved. Nothing is allocated or collected, and the stack does not move: what the arguments hold stays alive.

use core::marker::PhantomData;

use perilune_core::value::Tag;
use perilune_core::{GcRef, LuaString, LuaType, NativeClosure, TValue, Table, Thread};

use crate::convert;
use crate::error::LuaResult;
use crate::exec::compare::raw_equals;
use crate::meta;
use crate::sequence;
use crate::state::{LuaState, NativeFn};
use crate::{CoStatus, ThreadRef};

/// A native function with a second, quick form.
///
/// When an instruction of a Lua function calls it, the quick form is asked first. It sees the arguments and gives the result, or
/// says that the call is [unusual](Answer::UNUSUAL): then the function itself is called. So the quick form is for the plain
/// cases of small functions; the function handles them, too, with the same result, since everybody else calls it directly
/// (the host, metamethods, threads with hooks), and everything else: other types, conversions, errors.
///
/// ```
/// # use std::alloc::{Layout, alloc, dealloc, realloc};
/// # struct System;
/// # // SAFETY: the rules of the contract, one arm each, for blocks aligned to 16.
/// # unsafe impl perilune_vm::LuaAlloc for System {
/// #     unsafe fn realloc(&self, ptr: *mut u8, osize: perilune_vm::OldSize, nsize: usize) -> *mut u8 {
/// #         let layout = |size| Layout::from_size_align(size, 16).expect("at most isize::MAX");
/// #         // SAFETY: the caller says that the block is ours and has the old size.
/// #         unsafe {
/// #             match (ptr.is_null(), nsize) {
/// #                 (true, 0) => ptr,
/// #                 (true, _) => alloc(layout(nsize)),
/// #                 (false, 0) => {
/// #                     dealloc(ptr, layout(osize.bytes()));
/// #                     std::ptr::null_mut()
/// #                 }
/// #                 (false, _) => realloc(ptr, layout(osize.bytes()), nsize),
/// #             }
/// #         }
/// #     }
/// # }
/// # use perilune_vm::{Answer, Lua, LuaResult, LuaState, QuickCall, QuickNative, Status};
/// fn popcount(lua: &mut LuaState) -> LuaResult<usize> {
///     let n = lua.check_integer(1)?;
///     lua.push_integer(n.count_ones().into())?;
///     Ok(1)
/// }
///
/// fn quick_popcount(call: QuickCall<'_>) -> Answer<'_> {
///     call.integer(1).map_or(Answer::UNUSUAL, |n| Answer::integer(n.count_ones().into()))
/// }
///
/// static POPCOUNT: QuickNative = QuickNative::new(popcount, quick_popcount);
///
/// # fn main() -> LuaResult<()> {
/// # let alloc = System;
/// let mut lua = Lua::new(alloc)?;
/// lua.push_quick_native(&POPCOUNT)?;
/// lua.set_global("popcount")?;
/// assert_eq!(lua.load_str("return popcount(7) + popcount('8')"), Status::Ok);
/// lua.call(0, 1)?;
/// assert_eq!(lua.to_integer(-1), Some(4));
/// # Ok(())
/// # }
/// ```
pub struct QuickNative {
    pub(crate) function: NativeFn,
    quick: QuickFn,
}

/// A quick form. It may panic like any native function.
pub type QuickFn = for<'a> fn(QuickCall<'a>) -> Answer<'a>;

impl QuickNative {
    /// A function with its quick form.
    pub const fn new(function: NativeFn, quick: QuickFn) -> Self {
        Self { function, quick }
    }

    /// The descriptor that a value with the tag of a quick native function points to.
    ///
    /// # Safety
    /// The value has that tag.
    #[inline(always)]
    pub(crate) unsafe fn of(value: TValue) -> &'static Self {
        // SAFETY: V1: `push_quick_native` alone makes such values.
        unsafe { &*core::ptr::with_exposed_provenance::<Self>(value.u as usize) }
    }

    /// The descriptor of a native closure that has a quick form.
    #[inline(always)]
    pub(crate) fn of_closure(closure: GcRef<NativeClosure>) -> Option<&'static Self> {
        // SAFETY: O2: the closure is live; `push_quick_closure` alone makes such ones, of descriptors that live for ever.
        if closure.is_indirect() { Some(unsafe { &*closure.func().cast::<Self>() }) } else { None }
    }

    /// What the quick form answers, being called at `func`: a value, or something that [`is_value`] denies.
    ///
    /// # Safety
    /// A5; the slot holds a function with this descriptor.
    #[inline(always)]
    pub(crate) unsafe fn ask(&self, thread: *mut Thread, func: *mut TValue) -> TValue {
        (self.quick)(QuickCall { thread, func, _alive: PhantomData }).value
    }
}

/// The tag bit of answers that are no values.
const SPECIAL: Tag = 0x40;
/// The call is unusual.
const UNUSUAL: Tag = SPECIAL;
/// The results are the arguments from that number on.
const ARGUMENTS: Tag = SPECIAL | 1;

/// Whether an answer is the one result.
#[inline(always)]
pub(crate) fn is_value(answer: TValue) -> bool {
    answer.t & SPECIAL == 0
}

/// From which argument on the arguments are the results, if the answer says so.
#[inline(always)]
pub(crate) fn first_argument(answer: TValue) -> Option<usize> {
    if answer.t == ARGUMENTS { Some(answer.u as usize) } else { None }
}

/// What a quick form answers: the one result of the call, all its arguments but for the first ones, or nothing.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    value: TValue,
    _alive: PhantomData<&'a ()>,
}

impl<'a> Answer<'a> {
    /// The function must be called.
    pub const UNUSUAL: Self = Self::value(TValue { u: 0, t: UNUSUAL });
    /// nil
    pub const NIL: Self = Self::value(TValue::NIL);

    #[inline(always)]
    const fn value(value: TValue) -> Self {
        Self { value, _alive: PhantomData }
    }

    /// An integer.
    #[inline(always)]
    pub const fn integer(i: i64) -> Self {
        Self::value(TValue::integer(i))
    }

    /// A float.
    #[inline(always)]
    pub const fn number(n: f64) -> Self {
        Self::value(TValue::float(n))
    }

    /// A boolean.
    #[inline(always)]
    pub const fn boolean(b: bool) -> Self {
        Self::value(TValue::boolean(b))
    }

    /// A native function.
    #[inline(always)]
    pub fn native(function: NativeFn) -> Self {
        Self::value(TValue::native(function as *const ()))
    }

    /// Whether the function must be called.
    #[inline(always)]
    pub const fn is_unusual(&self) -> bool {
        self.value.t == UNUSUAL
    }
}

/// A call as its quick form sees it. Arguments have the numbers 1 and up; nothing is converted.
#[derive(Clone, Copy)]
pub struct QuickCall<'a> {
    thread: *mut Thread,
    func: *const TValue,
    _alive: PhantomData<&'a ()>,
}

impl<'a> QuickCall<'a> {
    /// The number of arguments.
    #[inline(always)]
    pub fn count(self) -> usize {
        // SAFETY: A5.
        unsafe { (*self.thread).top.get().cast_const().offset_from_unsigned(self.func) - 1 }
    }

    /// An argument.
    #[inline(always)]
    fn value(self, arg: usize) -> Option<TValue> {
        // SAFETY: A5.
        if arg.wrapping_sub(1) < self.count() { Some(unsafe { *self.func.add(arg) }) } else { None }
    }

    #[inline(always)]
    fn table(self, arg: usize) -> Option<GcRef<Table>> {
        // SAFETY: A5, V1.
        unsafe { self.value(arg)?.get::<Table>() }
    }

    #[inline(always)]
    fn lua(self) -> &'a mut LuaState {
        // SAFETY: A5, M1: the thread runs.
        unsafe { LuaState::from_thread(self.thread) }
    }

    /// The type of an argument.
    #[inline(always)]
    pub fn lua_type(self, arg: usize) -> LuaType {
        self.value(arg).map_or(LuaType::None, TValue::lua_type)
    }

    /// Whether an argument is a table without metatable.
    #[inline(always)]
    pub fn is_plain_table(self, arg: usize) -> bool {
        self.table(arg).is_some_and(|table| table.metatable().is_none())
    }

    /// Whether an argument counts as true.
    #[inline(always)]
    pub fn truth(self, arg: usize) -> bool {
        self.value(arg).is_some_and(|v| !v.is_falsy())
    }

    /// An argument that is an integer.
    #[inline(always)]
    pub fn integer(self, arg: usize) -> Option<i64> {
        self.value(arg)?.as_integer()
    }

    /// An argument that is a float.
    #[inline(always)]
    pub fn float(self, arg: usize) -> Option<f64> {
        self.value(arg)?.as_float()
    }

    /// An argument that is a number, as a float.
    #[inline(always)]
    pub fn number(self, arg: usize) -> Option<f64> {
        self.value(arg)?.as_number()
    }

    /// The bytes of an argument that is a string.
    #[inline(always)]
    pub fn bytes(self, arg: usize) -> Option<&'a [u8]> {
        let value = self.value(arg).filter(|v| v.is_string())?;
        // SAFETY: V1, A5: the string lives as long as the call.
        Some(unsafe { value.as_ref::<LuaString>().bytes() })
    }

    /// The answer that is an argument, or nil if there is none.
    #[inline(always)]
    pub fn argument(self, arg: usize) -> Answer<'a> {
        Answer::value(self.value(arg).unwrap_or(TValue::NIL))
    }

    /// The answer that is all arguments from one on.
    #[inline(always)]
    pub fn arguments_from(self, arg: usize) -> Answer<'a> {
        let first = arg.clamp(1, self.count() + 1);
        Answer::value(TValue { u: first as u64, t: ARGUMENTS })
    }

    /// The answer that is the name of an argument's type; there must be one.
    #[inline(always)]
    pub fn type_name(self, arg: usize) -> Answer<'a> {
        let Some(value) = self.value(arg) else { return Answer::UNUSUAL };
        Answer::value(TValue::object(meta::type_name(self.lua(), value.lua_type())))
    }

    /// The status of the coroutine that an argument is.
    #[inline]
    pub fn coroutine_status(self, arg: usize) -> Option<CoStatus> {
        // SAFETY: A5, V1.
        let co = unsafe { self.value(arg)?.get::<Thread>()? };
        Some(self.lua().status_of(ThreadRef::from_object(co)))
    }

    /// The answer that is a string with these bytes. Unusual if the collector has work to do, or there is no memory.
    #[inline]
    pub fn string(self, bytes: &[u8]) -> Answer<'a> {
        let heap = self.lua().heap();
        if heap.debt > 0 || cfg!(gc_zeal) {
            return Answer::UNUSUAL;
        }
        // The form may hold other answers, which only it knows: an emergency collection would free them.
        heap.new_string_at_hand(bytes).map_or(Answer::UNUSUAL, |string| Answer::value(TValue::object(string)))
    }

    /// The answer that is the text of a number; unusual if numbers have a metatable.
    #[inline]
    pub fn number_text(self, arg: usize) -> Answer<'a> {
        let mut text = [0; convert::NUMBER_BUF];
        self.numeral(arg, &mut text).map_or(Answer::UNUSUAL, |numeral| self.string(numeral))
    }

    /// The text of an argument that is a number, written to a place, if numbers have no metatable.
    #[inline]
    pub fn numeral(self, arg: usize, place: &mut [u8; convert::NUMBER_BUF]) -> Option<&[u8]> {
        let value = self.value(arg).filter(|v| v.is_number())?;
        if meta::metatable_of(self.lua(), value).is_some() {
            return None;
        }
        let len = convert::number_to_buf(value, place);
        Some(&place[..len])
    }

    /// The answer that is the number which a string denotes, nil if it denotes none.
    #[inline]
    pub fn denoted_number(self, arg: usize) -> Answer<'a> {
        match self.bytes(arg) {
            Some(text) => Answer::value(convert::str_to_number(text).unwrap_or(TValue::NIL)),
            None => Answer::UNUSUAL,
        }
    }

    /// Whether two arguments are equal without metamethods; both must be there.
    #[inline]
    pub fn raw_equal(self, a: usize, b: usize) -> Option<bool> {
        Some(raw_equals(self.value(a)?, self.value(b)?))
    }

    /// The answer that is what a table has under a key, without metamethods; both must be there.
    #[inline]
    pub fn raw_get(self, table: usize, key: usize) -> Answer<'a> {
        match (self.table(table), self.value(key)) {
            // SAFETY: V1, A5: both are arguments.
            (Some(table), Some(key)) => Answer::value(unsafe { table.get(key) }),
            _ => Answer::UNUSUAL,
        }
    }

    /// The length of a table or string, without metamethods.
    #[inline]
    pub fn raw_len(self, arg: usize) -> Option<usize> {
        match self.table(arg) {
            Some(table) => Some(table.border() as usize),
            None => self.bytes(arg).map(<[u8]>::len),
        }
    }

    /// The answer that is the metatable of a table, nil if it has none; unusual if the metatable is protected.
    #[inline]
    pub fn metatable(self, arg: usize) -> Answer<'a> {
        match self.table(arg).map(|table| table.metatable()) {
            Some(None) => Answer::NIL,
            Some(Some(metatable)) if meta::protection(self.lua(), metatable).is_nil() => {
                Answer::value(TValue::object(metatable))
            }
            _ => Answer::UNUSUAL,
        }
    }

    /// Gives a table that has no metatable one, which is another argument; the answer is the table. Unusual, with nothing
    /// changed, if that is not what the arguments are.
    #[inline]
    pub fn set_metatable(self, arg: usize, metatable: usize) -> Answer<'a> {
        let (Some(table), Some(metatable)) = (self.table(arg), self.table(metatable)) else { return Answer::UNUSUAL };
        if table.metatable().is_some() {
            return Answer::UNUSUAL;
        }
        // SAFETY: V1, A5: both are arguments.
        unsafe { self.lua().heap().set_metatable(TValue::object(table), Some(metatable)) };
        self.argument(arg)
    }
}

/// Several results. They take the places of the arguments, which are gone then.
impl<'a> QuickCall<'a> {
    /// Where the first of `n` results goes, if there is room for them.
    #[inline]
    fn room(self, n: usize) -> Option<*mut TValue> {
        let first = self.func.cast_mut().wrapping_add(1);
        // SAFETY: A5.
        let limit = unsafe { (*self.thread).stack_last.get() };
        if n <= (limit as usize).saturating_sub(first as usize) / size_of::<TValue>() { Some(first) } else { None }
    }

    /// The answer that is the `n` results that were stored.
    ///
    /// # Safety
    /// That was done where [`room`](Self::room) said.
    #[inline]
    unsafe fn stored(self, n: usize) -> Answer<'a> {
        // SAFETY: A5; the caller's promise.
        unsafe { (*self.thread).top.set(self.func.cast_mut().add(1 + n)) };
        Answer::value(TValue { u: 1, t: ARGUMENTS })
    }

    /// The answer that is several answers of one value. Unusual, with nothing changed, if one of them is, or there is no room.
    #[inline]
    pub fn values(self, values: &[Answer<'a>]) -> Answer<'a> {
        match self.room(values.len()) {
            Some(first) if values.iter().all(|answer| is_value(answer.value)) => {
                for (i, answer) in values.iter().enumerate() {
                    // SAFETY: H1: `room` has seen to it that these are slots of the stack that nobody else uses.
                    unsafe { *first.add(i) = answer.value };
                }
                // SAFETY: H1, A5: they are stored in the slots that `room` found.
                unsafe { self.stored(values.len()) }
            }
            _ => Answer::UNUSUAL,
        }
    }

    /// The answer that is a few integers, one for each byte; unusual if there is no room.
    #[inline]
    pub fn integers(self, bytes: &[u8]) -> Answer<'a> {
        let Some(first) = self.room(bytes.len()) else { return Answer::UNUSUAL };
        for (i, &byte) in bytes.iter().enumerate() {
            // SAFETY: H1, as for `values`; the bytes lie in a string, or the form's own memory.
            unsafe { *first.add(i) = TValue::integer(byte.into()) };
        }
        // SAFETY: H1, A5: they are stored in the slots that `room` found.
        unsafe { self.stored(bytes.len()) }
    }
}

/// Upvalues of the native closure that is called, with the numbers 1 and up.
impl<'a> QuickCall<'a> {
    #[inline(always)]
    fn upvalue(self, n: usize) -> Option<*mut TValue> {
        // SAFETY: A5, V1: the slot holds the function.
        let closure = unsafe { (*self.func).get::<NativeClosure>() }?;
        if n.wrapping_sub(1) < closure.num_upvalues() { Some(closure.upvalue_slot(n - 1)) } else { None }
    }

    /// The bytes of an upvalue that is a string.
    #[inline]
    pub fn upvalue_bytes(self, n: usize) -> Option<&'a [u8]> {
        // SAFETY: V1, A5: nobody replaces it during the call, and nothing is collected.
        unsafe { Some((*self.upvalue(n)?).get::<LuaString>()?.bytes()) }
    }

    /// An upvalue that is an integer.
    #[inline]
    pub fn upvalue_integer(self, n: usize) -> Option<i64> {
        // SAFETY: V1, A5.
        unsafe { (*self.upvalue(n)?).as_integer() }
    }

    /// Makes an upvalue an integer, if there is that upvalue.
    #[inline]
    pub fn set_upvalue_integer(self, n: usize, i: i64) {
        if let Some(slot) = self.upvalue(n) {
            // SAFETY: A5; an integer needs no barrier.
            unsafe { *slot = TValue::integer(i) };
        }
    }
}

/// Elements of tables without metatable, in their array parts.
impl<'a> QuickCall<'a> {
    /// The answer that is the elements of a table from one to another (if none is named, the last one); unusual if they are too
    /// many, or not all in the array part.
    #[inline]
    pub fn elements(self, table: usize, first: i64, last: Option<i64>) -> Answer<'a> {
        let Some(table) = self.table(table).filter(|table| table.metatable().is_none()) else { return Answer::UNUSUAL };
        let last = last.unwrap_or_else(|| table.border());
        if first > last {
            return self.values(&[]);
        }
        let in_array = first >= 1 && last <= i64::from(table.array_size());
        let n = last.wrapping_sub(first) as usize + 1;
        let Some(place) = self.room(n).filter(|_| in_array) else { return Answer::UNUSUAL };
        for i in 0..n {
            // SAFETY: T1: elements of the array part; H1 for their places, as for `values`.
            unsafe { *place.add(i) = *table.array_ptr().add(first as usize - 1 + i) };
        }
        // SAFETY: H1, A5: they are stored in the slots that `room` found.
        unsafe { self.stored(n) }
    }

    /// The answer that is the string which the elements of a table from one to another (if none is named, the last one) make up, with
    /// a separator between them; unusual if they are not all strings and numbers in the array part.
    #[inline]
    pub fn joined_elements(self, table: usize, separator: &[u8], first: i64, last: Option<i64>) -> Answer<'a> {
        let Some(table) = self.table(table).filter(|table| table.metatable().is_none()) else { return Answer::UNUSUAL };
        let last = last.unwrap_or_else(|| table.border());
        if first < 1 || first > last || last > i64::from(table.array_size()) {
            return Answer::UNUSUAL;
        }
        let heap = self.lua().heap();
        if heap.debt > 0 || cfg!(gc_zeal) {
            return Answer::UNUSUAL;
        }
        let (skipped, n) = (first as usize - 1, (last - first) as usize + 1);
        // SAFETY: T1: elements of the array part, which nobody changes while nothing is collected.
        let elements = unsafe { core::slice::from_raw_parts(table.array_ptr().add(skipped), n) };
        sequence::join(heap, elements, separator)
            .map_or(Answer::UNUSUAL, |string| Answer::value(TValue::object(string)))
    }

    /// Inserts an argument into a table before the element at a position, or after the last one if none is given. The answer is
    /// no value; unusual, with nothing changed, if the position is not one of the elements or the one after, or there is no room.
    #[inline]
    pub fn insert_element(self, table: usize, position: Option<i64>, value: usize) -> Answer<'a> {
        let (Some(table), Some(value)) = (self.table(table), self.value(value)) else { return Answer::UNUSUAL };
        let len = table.border();
        let entered = sequence::insert_element(self.lua().heap(), table, position.unwrap_or(len + 1), len, value);
        if entered { self.arguments_from(usize::MAX) } else { Answer::UNUSUAL }
    }

    /// Removes the element at a position of a table, or the last one if none is given. The answer is the element; unusual, with
    /// nothing changed, if there is none.
    #[inline]
    pub fn remove_element(self, table: usize, position: Option<i64>) -> Answer<'a> {
        let Some(table) = self.table(table) else { return Answer::UNUSUAL };
        let len = table.border();
        let removed = sequence::remove_element(self.lua().heap(), table, position.unwrap_or(len), len);
        removed.map_or(Answer::UNUSUAL, Answer::value)
    }
}

impl LuaState {
    /// Pushes a native function with its quick form. To everybody else it is a native function without upvalues.
    pub fn push_quick_native(&mut self, native: &'static QuickNative) -> LuaResult<()> {
        self.push(TValue::quick_native(core::ptr::from_ref(native).cast()))
    }

    /// Pushes a native function with its quick form and with upvalues, which are popped: 255 at most, one at least.
    pub fn push_quick_closure(&mut self, native: &'static QuickNative, n_upvalues: usize) -> LuaResult<()> {
        self.push_closure(core::ptr::from_ref(native).cast(), n_upvalues, true)
    }

    /// Puts functions with quick forms into the table on top, as [`set_funcs`](Self::set_funcs) does with others.
    pub fn set_quick_funcs(&mut self, functions: &'static [(&'static str, QuickNative)]) -> LuaResult<()> {
        for (name, native) in functions {
            self.push_quick_native(native)?;
            self.set_field(-2, name)?;
        }
        Ok(())
    }
}

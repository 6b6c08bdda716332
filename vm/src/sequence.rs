//! Runs of a table's elements handled at once, where no Lua code can be involved.
//!
//! Each function says whether it did its work; if not, nothing has changed, and the caller goes element by element.

use core::cmp::Ordering;
use core::mem::MaybeUninit;

use perilune_core::base::bytes::copy_bytes;
use perilune_core::value::tag;
use perilune_core::{GcRef, Heap, LuaString, TValue, Table};

use crate::convert;
use crate::state::LuaState;

/// What all elements of a run are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integers,
    Floats,
    Numbers,
    Strings,
}

impl Kind {
    /// The kind of one value that has a place in an order; NaN has none.
    fn of(v: TValue) -> Option<Self> {
        match v.tag() {
            tag::INT => Some(Self::Integers),
            tag::FLOAT if !f64::from_bits(v.u).is_nan() => Some(Self::Floats),
            tag::SHORT_STRING | tag::LONG_STRING => Some(Self::Strings),
            _ => None,
        }
    }

    /// The kind of values of two kinds.
    fn join(self, other: Self) -> Option<Self> {
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Self::Strings, _) | (_, Self::Strings) => None,
            _ => Some(Self::Numbers),
        }
    }

    /// The kind of all elements of a run.
    fn of_all(run: &[TValue]) -> Option<Self> {
        let (first, rest) = run.split_first()?;
        rest.iter().try_fold(Self::of(*first)?, |kind, &v| kind.join(Self::of(v)?))
    }
}

/// The order of two numbers that are not NaN.
fn compare_numbers(a: TValue, b: TValue) -> Ordering {
    let less = match (a.as_integer(), b.as_integer()) {
        (Some(a), Some(b)) => return a.cmp(&b),
        (Some(a), None) => {
            let b = f64::from_bits(b.u);
            (convert::lt_int_float(a, b), convert::le_int_float(a, b))
        }
        (None, Some(b)) => {
            let a = f64::from_bits(a.u);
            (convert::lt_float_int(a, b), convert::le_float_int(a, b))
        }
        (None, None) => {
            let (a, b) = (f64::from_bits(a.u), f64::from_bits(b.u));
            (a < b, a <= b)
        }
    };
    match less {
        (true, _) => Ordering::Less,
        (false, true) => Ordering::Equal,
        (false, false) => Ordering::Greater,
    }
}

/// The order of two strings.
fn compare_strings(a: &TValue, b: &TValue) -> Ordering {
    // SAFETY: V1: both are strings, which the table in work holds.
    unsafe { a.as_ref::<LuaString>().as_bytes().cmp(b.as_ref::<LuaString>().as_bytes()) }
}

/// Enters a value before the element at `position`, or after `len`, the last one, and says so, if the table has no metatable and
/// its array part has the room.
pub(crate) fn insert_element(heap: &mut Heap, table: GcRef<Table>, position: i64, len: i64, value: TValue) -> bool {
    if table.metatable().is_some() || position < 1 || position > len + 1 || len >= table.array_size() as i64 {
        return false;
    }
    let following = (len + 1 - position) as usize;
    // SAFETY: T1: all places lie in the array part. What moves stays in the same table, which the collector is told.
    unsafe {
        let place = table.array_ptr().add(position as usize - 1);
        core::ptr::copy(place, place.add(1), following);
        // T6: payload and tag apart.
        (*place).u = value.u;
        (*place).t = value.t;
        heap.barrier_table(table, value);
        if following > 0 {
            heap.elements_shifted(table);
        }
    }
    true
}

/// Takes the element at `position` out of a table, closes the gap up to `len`, the last one, and returns the element, if the table
/// has no metatable and all of them lie in its array part.
pub(crate) fn remove_element(heap: &mut Heap, table: GcRef<Table>, position: i64, len: i64) -> Option<TValue> {
    if table.metatable().is_some() || position < 1 || position > len || len > table.array_size() as i64 {
        return None;
    }
    let following = (len - position) as usize;
    // SAFETY: as above.
    let removed = unsafe {
        let place = table.array_ptr().add(position as usize - 1);
        let removed = *place;
        core::ptr::copy(place.add(1), place, following);
        (*place.add(following)).t = tag::NIL;
        if following > 0 {
            heap.elements_shifted(table);
        }
        removed
    };
    Some(removed)
}

/// How many bytes of a string are gathered before it is made.
const GATHERED: usize = 512;

/// The text of an element: that of the string itself, or of a number, which is written to `numeral`. `None`: it is neither.
#[inline]
fn text_of<'a>(element: &'a TValue, numeral: &'a mut [u8; convert::NUMBER_BUF]) -> Option<&'a [u8]> {
    if element.is_number() {
        let len = convert::number_to_buf(*element, numeral);
        return Some(&numeral[..len]);
    }
    // SAFETY: V1: the element is in a table that lives.
    unsafe { Some(element.get::<LuaString>()?.bytes()) }
}

/// The string that elements make up with a separator between them. `None`: one of them is neither string nor number, or there is no
/// memory. Nothing is collected.
pub(crate) fn join(heap: &mut Heap, elements: &[TValue], separator: &[u8]) -> Option<GcRef<LuaString>> {
    let mut gathered = [MaybeUninit::uninit(); GATHERED];
    let mut numeral = [0; convert::NUMBER_BUF];
    let mut len = 0;
    for (i, element) in elements.iter().enumerate() {
        let text = text_of(element, &mut numeral)?;
        let before = if i == 0 { &[] } else { separator };
        if before.len() > GATHERED - len || text.len() > GATHERED - len - before.len() {
            return join_many(heap, elements, separator);
        }
        for part in [before, text] {
            gathered[len..len + part.len()].write_copy_of_slice(part);
            len += part.len();
        }
    }
    // SAFETY: all these bytes were written.
    heap.new_string_at_hand(unsafe { gathered[..len].assume_init_ref() }).ok()
}

/// The same for a long string, which is measured first. The separator is there, as it comes between two elements.
#[inline(never)]
fn join_many(heap: &mut Heap, elements: &[TValue], separator: &[u8]) -> Option<GcRef<LuaString>> {
    let mut numeral = [0; convert::NUMBER_BUF];
    let mut total = separator.len().checked_mul(elements.len() - 1)?;
    for element in elements {
        total = total.checked_add(text_of(element, &mut numeral)?.len())?;
    }
    if total <= GATHERED {
        return None;
    }
    let string = heap.new_long_string_at_hand(total).ok()?;
    let mut place = string.data();
    for (i, element) in elements.iter().enumerate() {
        let before = if i == 0 { &[] } else { separator };
        for part in [before, text_of(element, &mut numeral)?] {
            // SAFETY: S3: the parts are as long together as they were when they were measured.
            unsafe {
                copy_bytes(part, place);
                place = place.add(part.len());
            }
        }
    }
    Some(string)
}

impl LuaState {
    /// The table at an index.
    fn plain_table(&self, idx: i32) -> Option<GcRef<Table>> {
        // SAFETY: V1.
        unsafe { self.value_or_nil(idx).get::<Table>() }
    }

    /// Sorts the elements 1 to `n` of a table by `<` and says so, if they lie in its array part and are all numbers (but not
    /// NaN) or all strings: then metamethods have no say.
    pub fn raw_sort(&mut self, idx: i32, n: usize) -> bool {
        let Some(table) = self.plain_table(idx) else { return false };
        if n > table.array_size() as usize || n == 0 {
            return false;
        }
        // SAFETY: T1: the elements are initialised. Nothing else touches them meanwhile, as no comparison here runs Lua code
        // or allocates. They stay in the same table, which the collector is told.
        let run = unsafe { core::slice::from_raw_parts_mut(table.array_ptr(), n) };
        match Kind::of_all(run) {
            None => return false,
            Some(Kind::Integers) => run.sort_unstable_by_key(|v| v.u as i64),
            Some(Kind::Floats) => run.sort_unstable_by(|a, b| f64::from_bits(a.u).total_cmp(&f64::from_bits(b.u))),
            Some(Kind::Numbers) => run.sort_unstable_by(|a, b| compare_numbers(*a, *b)),
            Some(Kind::Strings) => run.sort_unstable_by(compare_strings),
        }
        self.heap().entries_moved(table);
        true
    }

    /// Pushes `count` elements of a table from position `first` on and says so, if it has no metatable and all of them lie in
    /// its array part. There must be room for them (`check_stack`).
    pub fn raw_unpack(&mut self, idx: i32, first: i64, count: usize) -> bool {
        let Some(table) = self.plain_table(idx) else { return false };
        let size = table.array_size() as usize;
        let inside = first >= 1 && count <= size && first as usize <= size - count + 1;
        let th = self.th();
        let room = (th.stack_last.get() as usize).saturating_sub(th.top.get() as usize) / size_of::<TValue>();
        if table.metatable().is_some() || !inside || room < count {
            return false;
        }
        // SAFETY: T1 and H1: the elements lie in the array part, and so many slots are free; an array is no part of a stack.
        unsafe { core::ptr::copy_nonoverlapping(table.array_ptr().add(first as usize - 1), th.top.get(), count) };
        th.top.set(th.top.get().wrapping_add(count));
        true
    }

    /// Copies `count` elements of a table from position `from` on to position `to` on and says so, if the table has no
    /// metatable and all of them lie in its array part. The ranges may overlap.
    pub fn raw_move(&mut self, idx: i32, from: i64, to: i64, count: i64) -> bool {
        let Some(table) = self.plain_table(idx) else { return false };
        let size = table.array_size() as i64;
        let inside = |first: i64| first >= 1 && count <= size && first <= size - count + 1;
        if count < 0 || table.metatable().is_some() || !inside(from) || !inside(to) {
            return false;
        }
        // SAFETY: T1: both ranges lie in the array part. The values stay in the same table, which the collector is told.
        unsafe {
            let elements = table.array_ptr();
            core::ptr::copy(elements.add(from as usize - 1), elements.add(to as usize - 1), count as usize);
        }
        self.heap().entries_moved(table);
        true
    }
}

//! Runs of a table's elements handled at once, where no Lua code can be involved.
//!
//! Each function says whether it did its work; if not, nothing has changed, and the caller goes element by element.

use core::cmp::Ordering;

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
        *place = value;
        heap.barrier_table(table, value);
    }
    if following > 0 {
        heap.entries_moved(table);
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
        removed
    };
    if following > 0 {
        heap.entries_moved(table);
    }
    Some(removed)
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

//! Tables: reads and writes of fields, methods, constructors.
//!
//! A field access carries a hint: the low eight bits of the node's index where the key was last found. The fast path looks at
//! that node alone; on a miss the handlers of [`super::find`] look for the key and correct the hint in the word. What they
//! leave, as it may call a metamethod or needs memory, goes to the slow paths here.

use perilune_core::object::GcObject;
use perilune_core::value::tag;
use perilune_core::{CallInfo, GcRef, TValue, Table, Thread};

use super::find;
use crate::error::LuaResult;
use crate::exec::drive::Next;
use crate::exec::finish::call_metamethod;
use crate::exec::index::{self, Read, Write};
#[cfg(not(perilune_tail))]
use crate::exec::interp::Flow;
use crate::exec::interp::{Dispatch, Machine, computed, settle};
use crate::opcode::{FIELDS_PER_FLUSH, Op, op_of};
use crate::state::LuaState;
use perilune_core::code::Instruction;

/// The address that a constant holds.
///
/// # Safety
/// I1: the constant is a short string.
#[inline(always)]
unsafe fn address_in(constant: *const TValue) -> u64 {
    // SAFETY: the caller's promise.
    unsafe { computed((*constant).as_pointer()) as u64 }
}

/// Whether storing the value into the table needs a barrier.
#[inline(always)]
pub(super) unsafe fn needs_barrier(table: GcRef<Table>, value: *const TValue) -> bool {
    // SAFETY: V1.
    unsafe { (*value).is_collectable() && table.header().is_black() }
}

/// The place of an integer key in the array part, counting from 0.
#[inline(always)]
fn element_index(table: GcRef<Table>, key: u64) -> Option<usize> {
    let index = key.wrapping_sub(1);
    (index < table.array_size() as u64).then_some(index as usize)
}

/// Reads a field by its hint; falls to the handler that finds the key.
macro_rules! read_field {
    ($m:ident, $object:expr, $find:path) => {{
        let key = address_in($m.kc());
        let object: *const TValue = $object;
        if (*object).t == tag::TABLE {
            let table: GcRef<Table> = GcRef::from_addr((*object).u);
            if let Some(node) = table.node_by_hint($m.x())
                && (*node).has_short(key)
            {
                *$m.a() = (*node).value();
                next!($m)
            }
        }
        goto!($m, $find)
    }};
}

/// Writes an existing field by its hint; falls to the handler that finds the key.
macro_rules! write_field {
    ($m:ident, $object:expr, $value:expr, $find:path) => {{
        let key = address_in($m.kb());
        let object: *const TValue = $object;
        if (*object).t == tag::TABLE {
            let table: GcRef<Table> = GcRef::from_addr((*object).u);
            if let Some(node) = table.node_by_hint($m.x())
                && (*node).has_short(key)
            {
                let value: *const TValue = $value;
                if !needs_barrier(table, value) {
                    (*node).set_value(*value);
                    next!($m)
                }
            }
        }
        goto!($m, $find)
    }};
}

/// Writes an existing item of the array part, or a new one of a table without metatable; falls to another handler.
macro_rules! write_item {
    ($m:ident, $key:expr, $value:expr, $other:path) => {{
        let object = $m.a();
        if (*object).t == tag::TABLE
            && let Some(key) = $key
        {
            let table: GcRef<Table> = GcRef::from_addr((*object).u);
            if let Some(index) = element_index(table, key) {
                let value: *const TValue = $value;
                if !needs_barrier(table, value) {
                    let slot = computed(table.array_ptr().add(index));
                    // Whether there was an item is asked last: it may have to come from far away, and a store need not wait.
                    if table.metatable().is_none() || (*slot).t != tag::NIL {
                        // T6: payload and tag apart.
                        (*slot).u = (*value).u;
                        (*slot).t = (*value).t;
                        next!($m)
                    }
                }
            }
        }
        goto!($m, $other)
    }};
}

/// The payload of an integer key.
#[inline(always)]
unsafe fn integer_key(key: *const TValue) -> Option<u64> {
    // SAFETY: I1: a register.
    unsafe { ((*key).t == tag::INT).then_some((*key).u) }
}

handlers! {
    fn op_get_tab_up(m) {
        read_field!(m, m.upval(m.nb()).v.get(), find::find_tab_up)
    }

    fn op_get_field(m) {
        read_field!(m, m.b(), find::find_field)
    }

    fn op_get_table(m) {
        let object = m.b();
        let key = m.c();
        if (*object).t == tag::TABLE && (*key).t == tag::INT {
            let table: GcRef<Table> = GcRef::from_addr((*object).u);
            if let Some(index) = element_index(table, (*key).u) {
                let slot = table.array_ptr().add(index);
                if (*slot).t != tag::NIL {
                    *m.a() = *slot;
                    next!(m)
                }
            }
        }
        goto!(m, find::find_any)
    }

    fn op_get_i(m) {
        let object = m.b();
        if (*object).t == tag::TABLE {
            let table: GcRef<Table> = GcRef::from_addr((*object).u);
            if let Some(index) = element_index(table, m.nc() as u64) {
                let slot = table.array_ptr().add(index);
                if (*slot).t != tag::NIL {
                    *m.a() = *slot;
                    next!(m)
                }
            }
        }
        goto!(m, find::find_item)
    }

    fn op_self_field(m) {
        let key = address_in(m.kc());
        let object = m.b();
        if (*object).t == tag::TABLE {
            let table: GcRef<Table> = GcRef::from_addr((*object).u);
            if let Some(node) = table.node_by_hint(m.x())
                && (*node).has_short(key)
            {
                let a = m.a();
                *a.add(1) = TValue::object(table);
                *a = (*node).value();
                next!(m)
            }
        }
        goto!(m, find::find_method)
    }

    fn op_set_tab_up(m) {
        write_field!(m, m.upval(m.word().a() as usize).v.get(), m.c(), find::put_tab_up)
    }

    fn op_set_tab_up_k(m) {
        write_field!(m, m.upval(m.word().a() as usize).v.get(), computed(m.kc()), find::put_tab_up_k)
    }

    fn op_set_field(m) {
        write_field!(m, m.a(), m.c(), find::put_field)
    }

    fn op_set_field_k(m) {
        write_field!(m, m.a(), computed(m.kc()), find::put_field_k)
    }

    fn op_set_table(m) {
        write_item!(m, integer_key(m.b()), m.c(), find::put_any)
    }

    fn op_set_table_k(m) {
        write_item!(m, integer_key(m.b()), computed(m.kc()), find::put_any_k)
    }

    fn op_set_i(m) {
        write_item!(m, Some(m.nb() as u64), m.c(), slow_set)
    }

    fn op_set_i_k(m) {
        write_item!(m, Some(m.nb() as u64), computed(m.kc()), slow_set)
    }

    fn op_new_table(m) {
        goto!(m, slow_new_table)
    }

    fn op_set_list(m) {
        goto!(m, slow_set_list)
    }
}

slow_paths! {
    closed slow_get => get;
    closed slow_self => get_method;
    closed slow_set => set;
    closed slow_new_table => new_table;
    open slow_set_list => set_list;
}

unsafe fn get(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        let state = LuaState::from_thread(lua);
        let result = get_slow(state, m);
        settle(state, result)
    }
}

/// The get instructions past their fast paths.
unsafe fn get_slow(lua: &mut LuaState, m: Machine) -> LuaResult<Next> {
    // SAFETY: I1.
    unsafe {
        let (place, key): (*const TValue, TValue) = match op_of(m.word()) {
            Op::GetTabUp => (m.upval(m.nb()).v.get(), *m.kc()),
            Op::GetTable => (m.b(), *m.c()),
            Op::GetI => (m.b(), TValue::integer(m.nc() as i64)),
            _ => (m.b(), *m.kc()),
        };
        let read = index::read(lua, *place, key, place)?;
        finish_get(lua, m, read, key)
    }
}

/// Puts what was read into the register that A names, or calls the metamethod.
unsafe fn finish_get(lua: &mut LuaState, m: Machine, read: Read, key: TValue) -> LuaResult<Next> {
    match read {
        Read::Value(value) => {
            // SAFETY: I1.
            unsafe { *m.a() = value };
            Ok(m.lua)
        }
        Read::Call(method, object) => Ok(call_metamethod(lua, method, &[object, key], 1)),
    }
}

unsafe fn get_method(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        let state = LuaState::from_thread(lua);
        let result = self_slow(state, m);
        settle(state, result)
    }
}

/// `SelfField` past its fast path.
unsafe fn self_slow(lua: &mut LuaState, m: Machine) -> LuaResult<Next> {
    // SAFETY: I1.
    unsafe {
        let (object, key) = (*m.b(), *m.kc());
        // R[A+1] may be R[B]'s own register, so an error message must still find the object in its place.
        let read = index::read(lua, object, key, m.b())?;
        *m.a().add(1) = object;
        finish_get(lua, m, read, key)
    }
}

unsafe fn set(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        let state = LuaState::from_thread(lua);
        let result = set_slow(state, m);
        settle(state, result)
    }
}

/// The set instructions past their fast paths.
unsafe fn set_slow(lua: &mut LuaState, m: Machine) -> LuaResult<Next> {
    // SAFETY: I1.
    unsafe {
        let word = m.word();
        let (place, key, value): (*const TValue, TValue, TValue) = match op_of(word) {
            Op::SetTabUp => (m.upval(word.a() as usize).v.get(), *m.kb(), *m.c()),
            Op::SetTabUpK => (m.upval(word.a() as usize).v.get(), *m.kb(), *m.kc()),
            Op::SetTable => (m.a(), *m.b(), *m.c()),
            Op::SetTableK => (m.a(), *m.b(), *m.kc()),
            Op::SetI => (m.a(), TValue::integer(m.nb() as i64), *m.c()),
            Op::SetIK => (m.a(), TValue::integer(m.nb() as i64), *m.kc()),
            Op::SetField => (m.a(), *m.kb(), *m.c()),
            _ => (m.a(), *m.kb(), *m.kc()),
        };
        match index::write(lua, *place, key, value, place)? {
            Write::Done => Ok(m.lua),
            Write::Call(method, object) => Ok(call_metamethod(lua, method, &[object, key, value], 0)),
        }
    }
}

unsafe fn new_table(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        let state = LuaState::from_thread(lua);
        let result = make_table(state, m);
        settle(state, result)
    }
}

unsafe fn make_table(lua: &mut LuaState, m: Machine) -> LuaResult<Next> {
    // SAFETY: I1.
    unsafe {
        let table = lua.heap().new_table()?;
        *m.a() = TValue::object(table);
        if m.nb() | m.nc() | m.x() as usize != 0 {
            make_room(lua, m, table)?;
        }
        if lua.heap().debt > 0 || cfg!(gc_zeal) {
            collect_above(lua, m)?;
        }
    }
    Ok(m.lua)
}

/// Gives a new table the room that the instruction tells.
#[inline(never)]
unsafe fn make_room(lua: &mut LuaState, m: Machine, table: GcRef<Table>) -> LuaResult<()> {
    // SAFETY: I1.
    unsafe {
        let hash = if m.nb() == 0 { 0 } else { 1u32.checked_shl(m.nb() as u32 - 1).unwrap_or(u32::MAX) };
        let array = m.nc() as u32 | (m.x() as u32) << 16;
        let made = lua.heap().resize_table(table, array, hash);
        made.map_err(|error| index::insert_error(lua, error))
    }
}

/// Has the collector do a step; of the registers, it sees those up to A.
#[cold]
#[inline(never)]
pub(super) unsafe fn collect_above(lua: &mut LuaState, m: Machine) -> LuaResult<()> {
    // SAFETY: I1.
    unsafe {
        lua.th().top.set(m.a().add(1));
        let result = lua.gc_check();
        let th = lua.th();
        th.top.set((*th.ci.get()).top.get());
        result
    }
}

unsafe fn set_list(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        let state = LuaState::from_thread(lua);
        let result = store_list(state, m);
        settle(state, result)
    }
}

/// `SetList`: stores a row of registers as consecutive items.
unsafe fn store_list(lua: &mut LuaState, m: Machine) -> LuaResult<Next> {
    // SAFETY: I1, H2.
    unsafe {
        let first = m.a();
        let count = match m.nb() {
            0 => (lua.th().top.get().offset_from(first) as usize).saturating_sub(1),
            n => n,
        };
        let th = lua.th();
        if m.nb() != 0 {
            th.top.set((*th.ci.get()).top.get());
        }
        let Some(table) = (*first).get::<Table>() else {
            return Err(crate::debug::messages::type_error(lua, first, "index"));
        };
        let block = m.nc() | (m.x() as usize) << 16;
        if block == 0 && table.array_size() == 0 && table.has_no_nodes() {
            lua.heap().fill_table(table, first.add(1), count).map_err(|_| lua.memory_error())?;
            let th = lua.th();
            th.top.set((*th.ci.get()).top.get());
            return Ok(m.lua);
        }
        let last = block * FIELDS_PER_FLUSH + count;
        if last > table.array_size() as usize
            && let Err(error) =
                lua.heap().resize_table(table, last.min(u32::MAX as usize) as u32, count_of_nodes(table))
        {
            return Err(index::insert_error(lua, error));
        }
        // SAFETY: T1: all places lie in the array part now; the registers lie in the stack, which is no part of a table.
        core::ptr::copy_nonoverlapping(first.add(1), table.array_ptr().add(block * FIELDS_PER_FLUSH), count);
        if table.header().is_black() {
            lua.heap().entries_moved(table);
            for i in 1..=count {
                lua.heap().barrier_table(table, *first.add(i));
            }
        }
        let th = lua.th();
        th.top.set((*th.ci.get()).top.get());
    }
    Ok(m.lua)
}

/// The number of a table's own nodes.
fn count_of_nodes(table: GcRef<Table>) -> u32 {
    if table.has_no_nodes() { 0 } else { table.node_count() as u32 }
}

//! Tables: reads and writes of fields, methods, constructors.
//!
//! A field access carries a hint: the low eight bits of the node's index where the key was last found. The fast path looks at
//! that node alone; on a miss the slow path finds the key and corrects the hint in the word.

use perilune_core::object::Node;
use perilune_core::value::tag;
use perilune_core::{CallInfo, GcRef, LuaString, TValue, Table, Thread};

use crate::error::LuaResult;
use crate::exec::drive::Next;
use crate::exec::finish::call_metamethod;
use crate::exec::index::{self, Read, Write};
#[cfg(not(perilune_tail))]
use crate::exec::interp::Flow;
use crate::exec::interp::{Dispatch, Machine, settle};
use crate::opcode::{FIELDS_PER_FLUSH, Op, op_of};
use crate::state::LuaState;
use perilune_core::code::Instruction;

/// The node that a hint names.
///
/// # Safety
/// The value is a live table.
#[inline(always)]
unsafe fn hinted(table: TValue, hint: u8) -> *mut Node {
    // SAFETY: T1: the index is below the node count.
    unsafe {
        let table: GcRef<Table> = GcRef::from_addr(table.u);
        let index = hint as usize & !(usize::MAX << table.log_nodes());
        table.node_ptr().add(index)
    }
}

/// Whether a node has this short string as its key.
#[inline(always)]
unsafe fn has_key(node: *mut Node, key: TValue) -> bool {
    // SAFETY: T1.
    unsafe { (*node).key.get() == key.u && (*node).key_tag.get() == tag::SHORT_STRING }
}

/// Whether storing the value into the table needs a barrier.
#[inline(always)]
unsafe fn needs_barrier(table: TValue, value: TValue) -> bool {
    // SAFETY: V1.
    unsafe { value.is_collectable() && (*table.header()).is_black() }
}

/// The place of an integer key in the array part, or null.
#[inline(always)]
unsafe fn array_slot(table: TValue, key: u64) -> *mut TValue {
    // SAFETY: T1.
    unsafe {
        let table: GcRef<Table> = GcRef::from_addr(table.u);
        let index = key.wrapping_sub(1);
        if index < table.array_size() as u64 { table.array_ptr().add(index as usize) } else { core::ptr::null_mut() }
    }
}

/// Reads a field by its hint; falls to the slow path.
macro_rules! read_field {
    ($m:ident, $object:expr) => {{
        let object: TValue = $object;
        if object.t == tag::TABLE {
            let node = hinted(object, $m.x());
            if has_key(node, *$m.kc()) && (*node).value_tag.get() != tag::NIL {
                *$m.a() = (*node).value();
                next!($m)
            }
        }
        goto!($m, slow_get)
    }};
}

/// Writes an existing field by its hint; falls to the slow path.
macro_rules! write_field {
    ($m:ident, $object:expr, $value:expr) => {{
        let object: TValue = $object;
        let value: TValue = $value;
        if object.t == tag::TABLE {
            let node = hinted(object, $m.x());
            if has_key(node, *$m.kb()) && (*node).value_tag.get() != tag::NIL && !needs_barrier(object, value) {
                (*node).set_value(value);
                next!($m)
            }
        }
        goto!($m, slow_set)
    }};
}

/// Writes an existing item of the array part, or a new one of a table without metatable; falls to the slow path.
macro_rules! write_item {
    ($m:ident, $key:expr, $value:expr) => {{
        let object = *$m.a();
        let key: TValue = $key;
        let value: TValue = $value;
        if object.t == tag::TABLE && key.t == tag::INT {
            let slot = array_slot(object, key.u);
            if !slot.is_null() && !needs_barrier(object, value) {
                let table: GcRef<Table> = GcRef::from_addr(object.u);
                if (*slot).t != tag::NIL || table.metatable().is_none() {
                    *slot = value;
                    next!($m)
                }
            }
        }
        goto!($m, slow_set)
    }};
}

handlers! {
    fn op_get_tab_up(m) {
        read_field!(m, *m.upval(m.nb()).v.get())
    }

    fn op_get_field(m) {
        read_field!(m, *m.b())
    }

    fn op_get_table(m) {
        let object = *m.b();
        let key = *m.c();
        if object.t == tag::TABLE && key.t == tag::INT {
            let slot = array_slot(object, key.u);
            if !slot.is_null() && (*slot).t != tag::NIL {
                *m.a() = *slot;
                next!(m)
            }
        }
        goto!(m, slow_get)
    }

    fn op_get_i(m) {
        let object = *m.b();
        if object.t == tag::TABLE {
            let slot = array_slot(object, m.nc() as u64);
            if !slot.is_null() && (*slot).t != tag::NIL {
                *m.a() = *slot;
                next!(m)
            }
        }
        goto!(m, slow_get)
    }

    fn op_self_field(m) {
        let object = *m.b();
        if object.t == tag::TABLE {
            let node = hinted(object, m.x());
            if has_key(node, *m.kc()) && (*node).value_tag.get() != tag::NIL {
                *m.a().add(1) = object;
                *m.a() = (*node).value();
                next!(m)
            }
        }
        goto!(m, slow_self)
    }

    fn op_set_tab_up(m) {
        write_field!(m, *m.upval(m.word().a() as usize).v.get(), *m.c())
    }

    fn op_set_tab_up_k(m) {
        write_field!(m, *m.upval(m.word().a() as usize).v.get(), *m.kc())
    }

    fn op_set_field(m) {
        write_field!(m, *m.a(), *m.c())
    }

    fn op_set_field_k(m) {
        write_field!(m, *m.a(), *m.kc())
    }

    fn op_set_table(m) {
        write_item!(m, *m.b(), *m.c())
    }

    fn op_set_table_k(m) {
        write_item!(m, *m.b(), *m.kc())
    }

    fn op_set_i(m) {
        write_item!(m, TValue::integer(m.nb() as i64), *m.c())
    }

    fn op_set_i_k(m) {
        write_item!(m, TValue::integer(m.nb() as i64), *m.kc())
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

/// Finds a short string among a table's nodes and corrects the hint of the running word.
#[inline(always)]
unsafe fn find_and_hint(m: Machine, table: GcRef<Table>, key: GcRef<LuaString>) -> *mut Node {
    let node = table.find_short(key);
    if !node.is_null() {
        // SAFETY: T1: the node is one of the table's; I1: the word can be written, and its x is a hint.
        unsafe {
            let index = node.offset_from(table.node_ptr());
            *m.pc.cast::<u8>().byte_sub(7).cast_mut() = index as u8;
        }
    }
    node
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
        let object = *place;
        if object.t == tag::TABLE && key.t == tag::SHORT_STRING {
            let table: GcRef<Table> = object.as_ref();
            let node = if op_of(m.word()) == Op::GetTable {
                table.find_short(key.as_ref())
            } else {
                find_and_hint(m, table, key.as_ref())
            };
            if !node.is_null() && (*node).value_tag.get() != tag::NIL {
                *m.a() = (*node).value();
                return Ok(m.lua);
            }
            if let Some(value) = index::inherited(lua, table, key.as_ref()) {
                *m.a() = value;
                return Ok(m.lua);
            }
        }
        let read = index::read(lua, object, key, place)?;
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
        if object.t == tag::TABLE {
            let node = find_and_hint(m, object.as_ref(), key.as_ref());
            if !node.is_null() && (*node).value_tag.get() != tag::NIL {
                *m.a().add(1) = object;
                *m.a() = (*node).value();
                return Ok(m.lua);
            }
            if let Some(value) = index::inherited(lua, object.as_ref(), key.as_ref()) {
                *m.a().add(1) = object;
                *m.a() = value;
                return Ok(m.lua);
            }
        }
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
        let object = *place;
        if object.t == tag::TABLE && key.t == tag::SHORT_STRING && !matches!(op_of(word), Op::SetTable | Op::SetTableK)
        {
            let table: GcRef<Table> = object.as_ref();
            let node = find_and_hint(m, table, key.as_ref());
            if !node.is_null() && (*node).value_tag.get() != tag::NIL {
                (*node).set_value(value);
                lua.heap().barrier_table(table, value);
                return Ok(m.lua);
            }
        }
        match index::write(lua, object, key, value, place)? {
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
            && let Err(error) = lua.heap().resize_table(
                table,
                last.min(u32::MAX as usize) as u32,
                if table.has_no_nodes() { 0 } else { table.node_count() as u32 },
            )
        {
            return Err(index::insert_error(lua, error));
        }
        for i in (1..=count).rev() {
            let key = (block * FIELDS_PER_FLUSH + i) as i64;
            if let Err(error) = lua.heap().table_set_int(table, key, *first.add(i)) {
                return Err(index::insert_error(lua, error));
            }
        }
        let th = lua.th();
        th.top.set((*th.ci.get()).top.get());
    }
    Ok(m.lua)
}

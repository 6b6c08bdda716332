//! Fields that are not where the hint says, and keys that are variables: found by their hashes, in the table itself or in those
//! that it inherits from.
//!
//! These handlers do what needs neither memory nor a call, and leave the rest to the slow paths of [`super::field`].

use core::ptr::null_mut;

use perilune_core::code::Instruction;
use perilune_core::object::{GcObject, Node, opt_from_addr};
use perilune_core::value::tag;
use perilune_core::{CallInfo, GcRef, LuaString, LuaType, TValue, Table, Thread, Userdata};

use super::field::{needs_barrier, slow_get, slow_self, slow_set};
#[cfg(not(perilune_tail))]
use crate::exec::interp::Flow;
use crate::exec::interp::{Dispatch, Machine};
use crate::meta::MetaEvent;

/// How many steps along `__index` are made here. Longer chains are the slow path's, which reports loops.
const MAX_LINKS: usize = 16;

/// Whether a handler's word has a hint to correct.
trait Hint {
    const CORRECT: bool;
}
/// The key is a constant.
struct Hinted;
/// The key is in a register.
struct Unhinted;
impl Hint for Hinted {
    const CORRECT: bool = true;
}
impl Hint for Unhinted {
    const CORRECT: bool = false;
}

/// Corrects the hint of the running word.
///
/// # Safety
/// I1: the word can be written, and its x is a hint; the node is one of the table's.
#[inline(always)]
unsafe fn correct_hint<H: Hint>(m: Machine, table: GcRef<Table>, node: *mut Node) {
    if H::CORRECT {
        // SAFETY: T1, and the caller's promise.
        unsafe { *m.pc.cast::<u8>().byte_sub(7).cast_mut() = node.offset_from(table.node_ptr()) as u8 }
    }
}

/// The value of a field, nil if there is none; `None`: the slow path is to look.
///
/// # Safety
/// I1; object and key are live.
#[inline(always)]
unsafe fn field<H: Hint>(m: Machine, object: TValue, key: GcRef<LuaString>) -> Option<TValue> {
    // SAFETY: V1, T1, and G1: a metatable, and what it holds, is live as long as its object.
    unsafe {
        let heap = (*m.lua).heap.get();
        let mut holder = object;
        let mut links = MAX_LINKS;
        loop {
            let metatable = match holder.t {
                tag::TABLE => {
                    let table: GcRef<Table> = holder.as_ref();
                    if H::CORRECT
                        && links < MAX_LINKS
                        && let Some(node) = table.node_by_hint(m.x())
                        && (*node).has_short(key.addr())
                    {
                        return Some((*node).value());
                    }
                    let node = table.find_short(key);
                    if !node.is_null() && (*node).value_tag.get() != tag::NIL {
                        correct_hint::<H>(m, table, node);
                        return Some((*node).value());
                    }
                    match table.metatable() {
                        Some(metatable) if metatable.flags() & 1 << MetaEvent::Index as u8 == 0 => metatable,
                        _ => return Some(TValue::NIL),
                    }
                }
                tag::SHORT_STRING | tag::LONG_STRING => opt_from_addr((*heap).metatables[LuaType::String as usize])?,
                tag::USERDATA => holder.as_ref::<Userdata>().metatable()?,
                _ => return None,
            };
            let node = metatable.find_short(GcRef::from_ptr((*heap).event_names[MetaEvent::Index as usize]));
            links -= 1;
            if node.is_null() || links == 0 {
                return None;
            }
            holder = (*node).value();
        }
    }
}

/// Whether a key that a table has not is nil.
#[inline(always)]
fn inherits_nothing(table: GcRef<Table>) -> bool {
    table.metatable().is_none_or(|metatable| metatable.flags() & 1 << MetaEvent::Index as u8 != 0)
}

/// Whether a float equals no integer, as far as that is told at once.
#[inline(always)]
fn is_no_integer(key: TValue) -> bool {
    let n = f64::from_bits(key.u);
    n.abs() < 9.0e15 && n as i64 as f64 != n
}

/// Stores a field, if that needs no memory, no barrier and no metamethod; says so.
///
/// # Safety
/// I1; object, key and value are live.
#[inline(always)]
unsafe fn put<H: Hint>(m: Machine, object: TValue, key: GcRef<LuaString>, value: *const TValue) -> bool {
    if object.t != tag::TABLE {
        return false;
    }
    // SAFETY: V1, T1.
    unsafe {
        let table: GcRef<Table> = object.as_ref();
        let node = table.find_short(key);
        if node.is_null() {
            return table.metatable().is_none() && !table.header().is_black() && table.enter_at_hand(key, *value);
        }
        if needs_barrier(table, value) {
            return false;
        }
        if (*node).value_tag.get() == tag::NIL {
            if table.metatable().is_some() {
                return false;
            }
            table.clear_flags();
        }
        correct_hint::<H>(m, table, node);
        (*node).set_value(*value);
        true
    }
}

/// Reads a field into R[A].
macro_rules! read {
    ($m:ident, $object:expr) => {{
        if let Some(value) = field::<Hinted>($m, $object, (*$m.kc()).as_ref()) {
            *$m.a() = value;
            next!($m)
        }
        goto!($m, slow_get)
    }};
}

/// Reads the value of a node, which may be null, into R[A], or nil if nothing is inherited.
macro_rules! read_node {
    ($m:ident, $table:expr, $node:expr) => {{
        let node: *mut Node = $node;
        if !node.is_null() && (*node).value_tag.get() != tag::NIL {
            *$m.a() = (*node).value();
            next!($m)
        }
        if inherits_nothing($table) {
            (*$m.a()).t = tag::NIL;
            next!($m)
        }
    }};
}

/// Writes a field.
macro_rules! write {
    ($m:ident, $object:expr, $value:expr) => {{
        if put::<Hinted>($m, $object, (*$m.kb()).as_ref(), $value) {
            next!($m)
        }
        goto!($m, slow_set)
    }};
}

/// Writes an item that is not in the array part.
macro_rules! write_item {
    ($m:ident, $value:expr) => {{
        let (object, key) = (*$m.a(), *$m.b());
        if key.t == tag::SHORT_STRING {
            if put::<Unhinted>($m, object, key.as_ref(), $value) {
                next!($m)
            }
        } else if key.t == tag::INT && object.t == tag::TABLE {
            let table: GcRef<Table> = object.as_ref();
            let node = table.find_int(key.u as i64);
            if !node.is_null() && (*node).value_tag.get() != tag::NIL && !needs_barrier(table, $value) {
                (*node).set_value(*$value);
                next!($m)
            }
        }
        goto!($m, slow_set)
    }};
}

handlers! {
    #[inline(never)]
    fn find_tab_up(m) { read!(m, *m.upval(m.nb()).v.get()) }

    #[inline(never)]
    fn find_field(m) { read!(m, *m.b()) }

    /// Methods of strings are mostly where they were before, in the table that the metatable's main position for `__index` has.
    #[inline(never)]
    fn find_method(m) {
        let object = *m.b();
        if object.is_string() {
            let heap = (*m.lua).heap.get();
            let key: GcRef<LuaString> = (*m.kc()).as_ref();
            if let Some(metatable) = opt_from_addr::<Table>((*heap).metatables[LuaType::String as usize])
                && let Some(index) = metatable.value_in_main_position(GcRef::from_ptr((*heap).event_names[MetaEvent::Index as usize]))
                && let Some(methods) = index.get::<Table>()
                && let Some(node) = methods.node_by_hint(m.x())
                && (*node).has_short(key.addr())
            {
                *m.a().add(1) = object;
                *m.a() = (*node).value();
                next!(m)
            }
        }
        goto!(m, find_method_by_hash)
    }

    #[inline(never)]
    fn find_method_by_hash(m) {
        let object = *m.b();
        if let Some(value) = field::<Hinted>(m, object, (*m.kc()).as_ref()) {
            *m.a().add(1) = object;
            *m.a() = value;
            next!(m)
        }
        goto!(m, slow_self)
    }

    /// Any key in a register: a short string, an integer in the nodes, or something for the slow path.
    #[inline(never)]
    fn find_any(m) {
        let (object, key) = (*m.b(), *m.c());
        if key.t == tag::SHORT_STRING {
            if let Some(value) = field::<Unhinted>(m, object, key.as_ref()) {
                *m.a() = value;
                next!(m)
            }
        } else if key.t == tag::INT && object.t == tag::TABLE {
            let table: GcRef<Table> = object.as_ref();
            read_node!(m, table, if table.has_no_nodes() { null_mut() } else { table.find_int(key.u as i64) })
        }
        goto!(m, find_bits)
    }

    /// A constant integer that is not in the array part.
    #[inline(never)]
    fn find_item(m) {
        let object = *m.b();
        if object.t == tag::TABLE {
            let table: GcRef<Table> = object.as_ref();
            read_node!(m, table, if table.has_no_nodes() { null_mut() } else { table.find_int(m.nc() as i64) })
        }
        goto!(m, slow_get)
    }

    /// A key that is an object or a float.
    #[inline(never)]
    fn find_bits(m) {
        let (object, key) = (*m.b(), *m.c());
        let is_float = key.t == tag::FLOAT && is_no_integer(key);
        if object.t == tag::TABLE && (is_float || key.is_collectable() && !key.is_string()) {
            let table: GcRef<Table> = object.as_ref();
            read_node!(m, table, table.find_bits(key))
        }
        goto!(m, slow_get)
    }

    #[inline(never)]
    fn put_tab_up(m) { write!(m, *m.upval(m.word().a() as usize).v.get(), m.c()) }

    #[inline(never)]
    fn put_tab_up_k(m) { write!(m, *m.upval(m.word().a() as usize).v.get(), m.kc()) }

    #[inline(never)]
    fn put_field(m) { write!(m, *m.a(), m.c()) }

    #[inline(never)]
    fn put_field_k(m) { write!(m, *m.a(), m.kc()) }

    #[inline(never)]
    fn put_any(m) { write_item!(m, m.c()) }

    #[inline(never)]
    fn put_any_k(m) { write_item!(m, m.kc()) }
}

//! Random graphs of objects, which are changed in the same way under different collectors: what can be reached does not depend on when objects
//! are collected.

use crate::common::{Random, TestHeap};
use crate::gc::{closure, heap, open_upvalue, set, weak_table};
use perilune_core::object::{LuaClosure, Table, Thread, Userdata};
use perilune_core::value::{TValue, tag};

/// An object as the test sees it: up to four references.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    LargeTable,
    WeakValues,
    Userdata,
    Native,
    Closure,
    Thread,
}

/// The `i`-th reference of an object.
fn edge(object: TValue, i: usize) -> TValue {
    // SAFETY: the object is live, and of the type that its tag says.
    unsafe {
        match object.tag() {
            tag::TABLE => object.as_ref::<Table>().get_int(i as i64 * 1000),
            tag::USERDATA => object.as_ref::<Userdata>().user_value(),
            tag::NATIVE_CLOSURE => *object.as_ref::<perilune_core::NativeClosure>().upvalue_slot(i),
            tag::LUA_CLOSURE => object.as_ref::<LuaClosure>().upval(0).map_or(TValue::NIL, |upval| upval.value()),
            tag::THREAD => *object.as_ref::<Thread>().stack.get().add(1 + i),
            _ => TValue::NIL,
        }
    }
}

fn set_edge(heap: &TestHeap, object: TValue, i: usize, value: TValue) {
    // SAFETY: both are live.
    unsafe {
        match object.tag() {
            tag::TABLE => set(heap, object.as_ref(), TValue::integer(i as i64 * 1000), value),
            tag::USERDATA => heap.heap().set_user_value(object.as_ref(), value),
            tag::NATIVE_CLOSURE => {
                object.as_ref::<perilune_core::NativeClosure>().upvalue_slot(i).write(value);
                heap.heap().barrier_forward(object.header(), value);
            }
            tag::LUA_CLOSURE => {
                let closure = object.as_ref::<LuaClosure>();
                if value.tag() == tag::LUA_CLOSURE && i < 2 {
                    // Both share their variable from now on.
                    let other = value.as_ref::<LuaClosure>().upval(0).expect("made with it");
                    closure.upval_slot(0).write(other.as_ptr());
                    heap.heap().barrier_object(closure.as_header(), other.as_header());
                    return;
                }
                let upval = closure.upval(0).expect("made with it");
                upval.v.get().write(value);
                heap.heap().barrier_upval(upval);
            }
            tag::THREAD => {
                heap.heap().wake_thread(object.as_ref());
                if value.tag() == tag::LUA_CLOSURE {
                    open_upvalue(heap, object.as_ref(), value.as_ref(), 1 + i);
                } else {
                    object.as_ref::<Thread>().stack.get().add(1 + i).write(value);
                }
            }
            _ => {}
        }
    }
}

fn make(heap: &TestHeap, kind: Kind, anchor: i64) -> TValue {
    match kind {
        Kind::Table => TValue::object(heap.table(anchor)),
        Kind::LargeTable => {
            let table = heap.table(anchor);
            // SAFETY: the table is anchored.
            unsafe { heap.heap().resize_table(table, 4000, 0) }.expect("memory");
            TValue::object(table)
        }
        Kind::WeakValues => TValue::object(weak_table(heap, anchor, "v")),
        Kind::Userdata => TValue::object(heap.heap().new_userdata(8).expect("memory")),
        Kind::Native => TValue::object(heap.heap().new_native_closure(std::ptr::null(), 4).expect("memory")),
        Kind::Closure => {
            let function = closure(heap, anchor);
            let upval = heap.heap().new_upval().expect("memory");
            // SAFETY: both are live.
            unsafe {
                function.upval_slot(0).write(upval.as_ptr());
                heap.heap().barrier_object(function.as_header(), upval.as_header());
            }
            TValue::object(function)
        }
        Kind::Thread => {
            let thread = heap.heap().new_thread().expect("memory");
            for _ in 0..4 {
                thread.push(TValue::NIL);
            }
            TValue::object(thread)
        }
    }
}

/// Walks everything reachable from the roots in a fixed order. Returns the tags met, with the number of the first
/// visit.
fn shape(heap: &TestHeap, roots: i64) -> Vec<(u8, usize)> {
    let mut seen = std::collections::HashMap::new();
    let mut shape = Vec::new();
    let mut queue: std::collections::VecDeque<_> = (0..roots).map(|i| heap.registry().get_int(100 + i)).collect();
    while let Some(value) = queue.pop_front() {
        let next = seen.len();
        let number = if value.is_collectable() { *seen.entry(value.u).or_insert(next) } else { 0 };
        shape.push((value.tag(), number));
        if value.is_collectable() && number == next {
            queue.extend((0..4).map(|i| edge(value, i)));
        }
    }
    shape
}

/// The same random changes, under the given collector; `after` runs between them.
fn mutate(seed: u64, after: impl Fn(&TestHeap, u64)) -> (Vec<(u8, usize)>, usize) {
    const ROOTS: i64 = 12;
    let heap = heap();
    let mut random = Random(seed);
    for count in 0..3000 {
        let root = 100 + random.below(ROOTS as u64) as i64;
        let kind = match random.below(16) {
            0 => Kind::Thread,
            1 | 2 => Kind::Userdata,
            3 | 4 => Kind::Native,
            5..=7 => Kind::Closure,
            8 => Kind::WeakValues,
            9 => Kind::LargeTable,
            _ => Kind::Table,
        };
        // Follow a random path, and hang the new object, or one that is found on another path, at its end.
        let walk = |random: &mut Random| {
            let mut at = heap.registry().get_int(100 + random.below(ROOTS as u64) as i64);
            for _ in 0..random.below(12) {
                // A weak table's content depends on when it is looked at.
                if is_weak(at) {
                    break;
                }
                let next = edge(at, random.below(4) as usize);
                if !next.is_collectable() {
                    break;
                }
                at = next;
            }
            at
        };
        let slot = random.below(4) as usize;
        match random.below(100) {
            0 | 1 => heap.anchor(root, TValue::NIL),
            2..=9 => {
                let made = make(&heap, kind, 50);
                heap.anchor(root, made);
            }
            10..=29 => {
                let target = walk(&mut random);
                let value = walk(&mut random);
                if target.is_collectable() {
                    set_edge(&heap, target, slot, value);
                }
            }
            30..=34 => {
                let target = walk(&mut random);
                if target.is_collectable() {
                    set_edge(&heap, target, slot, TValue::NIL);
                }
            }
            _ => {
                let target = walk(&mut random);
                let value = make(&heap, kind, 50);
                heap.anchor(50, value);
                if target.is_collectable() {
                    set_edge(&heap, target, slot, value);
                }
            }
        }
        heap.anchor(50, TValue::NIL);
        after(&heap, count);
    }
    // A new open upvalue keeps its value once more, and so on along a chain of threads.
    for _ in 0..20 {
        heap.collect();
    }
    // SAFETY: the heap is sound.
    (shape(&heap, ROOTS), unsafe { heap.heap().object_count() })
}

fn is_weak(value: TValue) -> bool {
    // SAFETY: the tag was checked.
    value.is_table() && unsafe { value.as_ref::<Table>() }.metatable().is_some()
}

#[test]
fn incremental_collections_keep_what_full_ones_keep() {
    for seed in 1..=12 {
        let full = mutate(seed * 7919, |heap, count| {
            if count % 50 == 0 {
                heap.collect();
            }
        });
        let steps = std::cell::RefCell::new(Random(seed));
        let incremental = mutate(seed * 7919, |heap, count| {
            // SAFETY: everything needed is anchored.
            unsafe {
                if steps.borrow_mut().below(3) == 0 {
                    heap.heap().gc_step(0);
                }
                if count % 7 == 0 {
                    heap.heap().check();
                }
            }
        });
        let never = mutate(seed * 7919, |_, _| ());
        assert_eq!(full.1, incremental.1);
        assert_eq!(full.1, never.1);
        assert!(full.0 == incremental.0 && full.0 == never.0);
        assert!(full.0.len() > 30, "the test keeps too little: {}", full.0.len());
    }
}

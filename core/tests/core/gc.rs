//! The collector: weak tables, finalizers, upvalues of dead threads, incremental cycles, pace.

use crate::common::TestHeap;
use perilune_core::gc::{Color, Phase};
use perilune_core::object::{GcObject, GcRef, LuaClosure, Proto, Table, Thread, UpVal, Userdata};
use perilune_core::value::{TValue, tag};

/// Slots of the registry from here on belong to single tests.
const ROOT: i64 = 1;

/// A heap that knows the names `__gc` and `__mode`, and collects only when it is told to.
pub(crate) fn heap() -> TestHeap {
    let heap = TestHeap::new();
    heap.heap().running = false;
    for (i, name) in [(2, "__gc"), (3, "__mode")] {
        let string = heap.heap().new_string(name.as_bytes()).expect("memory");
        heap.heap().fix(string.as_header());
        heap.heap().event_names[i] = string.as_ptr();
    }
    heap
}

pub(crate) fn set(heap: &TestHeap, table: GcRef<Table>, key: TValue, value: TValue) {
    // SAFETY: the tests pass live objects.
    unsafe {
        let thread = &*heap.heap().main_thread;
        thread.push(key);
        thread.push(value);
        heap.heap().table_set(table, key, value).expect("memory");
        thread.pop();
        thread.pop();
    }
}

fn set_str(heap: &TestHeap, table: GcRef<Table>, key: &str, value: TValue) {
    // SAFETY: the tests pass live objects.
    unsafe {
        let thread = &*heap.heap().main_thread;
        thread.push(value);
        let key = heap.heap().new_string(key.as_bytes()).expect("memory");
        set(heap, table, TValue::object(key), value);
        thread.pop();
    }
}

fn get_str(heap: &TestHeap, table: GcRef<Table>, key: &str) -> TValue {
    table.get_str(heap.heap().new_string(key.as_bytes()).expect("memory"))
}

/// A table that is anchored until the next one with this slot, with the given `__mode`.
pub(crate) fn weak_table(heap: &TestHeap, slot: i64, mode: &str) -> GcRef<Table> {
    let table = heap.table(slot);
    let metatable = heap.heap().new_table().expect("memory");
    // SAFETY: the table is anchored and keeps its metatable.
    unsafe { heap.heap().set_metatable(TValue::object(table), Some(metatable)) };
    let mode = heap.heap().new_string(mode.as_bytes()).expect("memory");
    set_str(heap, metatable, "__mode", TValue::object(mode));
    table
}

pub(crate) fn garbage_table(heap: &TestHeap) -> TValue {
    TValue::object(heap.heap().new_table().expect("memory"))
}

pub(crate) fn entries(table: GcRef<Table>) -> Vec<(TValue, TValue)> {
    let mut found = Vec::new();
    let mut key = TValue::NIL;
    // SAFETY: the key comes from the table itself.
    while let Some((k, v)) = unsafe { table.next(key) }.expect("a key of the table") {
        found.push((k, v));
        key = k;
    }
    found
}

#[test]
fn weak_values_go_and_strings_stay() {
    let heap = heap();
    let weak = weak_table(&heap, ROOT, "v");
    let kept = heap.table(ROOT + 1);
    for i in 1..=20 {
        set(&heap, weak, TValue::integer(i), garbage_table(&heap));
        set_str(&heap, weak, &format!("k{i}"), garbage_table(&heap));
    }
    let long = heap.heap().new_string(&[b'x'; 100]).expect("memory");
    set(&heap, weak, TValue::integer(21), TValue::object(long));
    set_str(&heap, weak, "short", TValue::integer(7));
    set_str(&heap, weak, "kept", TValue::object(kept));
    heap.collect();
    assert_eq!(entries(weak).len(), 3);
    assert!(weak.get_int(21).is_string());
    assert!(get_str(&heap, weak, "kept").same_bits(TValue::object(kept)));
}

#[test]
fn weak_keys_are_ephemerons() {
    let heap = heap();
    let weak = weak_table(&heap, ROOT, "k");
    // A chain of 100 entries, each value holding the next key; the first key decides.
    let first = heap.table(ROOT + 1);
    let mut key = first;
    for _ in 0..100 {
        let value = heap.heap().new_table().expect("memory");
        set(&heap, weak, TValue::object(key), TValue::object(value));
        let next = heap.heap().new_table().expect("memory");
        set(&heap, value, TValue::integer(1), TValue::object(next));
        key = next;
    }
    // An entry whose value holds its own key.
    let own = heap.heap().new_table().expect("memory");
    set(&heap, weak, TValue::object(own), TValue::object(own));
    heap.collect();
    assert_eq!(entries(weak).len(), 100);
    heap.anchor(ROOT + 1, TValue::NIL);
    heap.collect();
    assert_eq!(entries(weak).len(), 0);
}

#[test]
fn both_sides_weak() {
    let heap = heap();
    let weak = weak_table(&heap, ROOT, "kv");
    let kept = TValue::object(heap.table(ROOT + 1));
    set(&heap, weak, kept, kept);
    set(&heap, weak, kept, kept);
    set(&heap, weak, TValue::integer(1), kept);
    set(&heap, weak, TValue::integer(2), garbage_table(&heap));
    set(&heap, weak, garbage_table(&heap), TValue::integer(3));
    set(&heap, weak, garbage_table(&heap), kept);
    set(&heap, weak, kept, garbage_table(&heap));
    heap.collect();
    assert_eq!(entries(weak).len(), 1);
    assert!(weak.get_int(1).same_bits(kept));
}

/// Gives the value a metatable with a `__gc` field.
fn bless(heap: &TestHeap, value: TValue, metatable: GcRef<Table>) {
    // SAFETY: both are live.
    unsafe { heap.heap().set_metatable(value, Some(metatable)) };
}

pub(crate) fn finalizer_metatable(heap: &TestHeap, slot: i64) -> GcRef<Table> {
    let metatable = heap.table(slot);
    set_str(heap, metatable, "__gc", TValue::TRUE);
    metatable
}

/// The numbers of the pending objects, in the order in which they are to be finalized.
pub(crate) fn drain(heap: &TestHeap) -> Vec<i64> {
    let mut order = Vec::new();
    while let Some(object) = heap.heap().next_finalizer() {
        // SAFETY: the object is a live table.
        let number = unsafe { object.as_ref::<Table>() }.get_int(1);
        order.push(number.as_integer().expect("a number"));
    }
    order
}

pub(crate) fn finalizable(heap: &TestHeap, metatable: GcRef<Table>, number: i64) -> GcRef<Table> {
    let object = heap.heap().new_table().expect("memory");
    set(heap, object, TValue::integer(1), TValue::integer(number));
    bless(heap, TValue::object(object), metatable);
    object
}

#[test]
fn finalizers_run_in_reverse_order() {
    let heap = heap();
    let metatable = finalizer_metatable(&heap, ROOT);
    for i in 1..=10 {
        finalizable(&heap, metatable, i);
    }
    heap.collect();
    assert_eq!(drain(&heap), (1..=10).rev().collect::<Vec<_>>());
    // They are ordinary garbage now.
    heap.collect();
    assert!(!heap.heap().has_pending());
    // What is left over from one cycle comes before what the next one finds.
    for i in 1..=2 {
        finalizable(&heap, metatable, i);
    }
    heap.collect();
    for i in 3..=4 {
        finalizable(&heap, metatable, i);
    }
    heap.collect();
    assert_eq!(drain(&heap), [2, 1, 4, 3]);
    for i in 1..=3 {
        heap.anchor(ROOT + i, TValue::object(finalizable(&heap, metatable, i)));
    }
    heap.collect();
    assert!(!heap.heap().has_pending());
    // SAFETY: the heap ends here.
    unsafe { heap.heap().separate_all() };
    assert_eq!(drain(&heap), [3, 2, 1]);
}

#[test]
fn resurrection_and_weak_tables() {
    let heap = heap();
    let metatable = finalizer_metatable(&heap, ROOT);
    let weak_values = weak_table(&heap, ROOT + 1, "v");
    let weak_keys = weak_table(&heap, ROOT + 2, "k");
    let part = garbage_table(&heap);
    set_str(&heap, weak_values, "part", part);
    set(&heap, weak_keys, part, TValue::integer(1));
    let object = finalizable(&heap, metatable, 5);
    set(&heap, object, TValue::integer(2), part);
    set(&heap, weak_keys, TValue::object(object), TValue::integer(2));
    set(&heap, weak_values, TValue::integer(1), TValue::object(object));
    heap.collect();
    // Values go before the finalizer, keys after it.
    assert_eq!(entries(weak_values).len(), 0);
    assert_eq!(entries(weak_keys).len(), 2);
    let revived = heap.heap().next_finalizer().expect("one is due");
    heap.anchor(ROOT + 3, revived);
    heap.collect();
    assert!(!heap.heap().has_pending());
    assert!(object.get_int(2).same_bits(part));
    heap.anchor(ROOT + 3, TValue::NIL);
    heap.collect();
    assert!(!heap.heap().has_pending());
    assert_eq!(entries(weak_keys).len(), 0);
}

#[test]
fn finalizers_due_double() {
    let heap = heap();
    let metatable = finalizer_metatable(&heap, ROOT);
    for i in 1..=10 {
        finalizable(&heap, metatable, i);
    }
    let mut called = Vec::new();
    let mut done = 0;
    while done < 10 {
        // SAFETY: everything needed is anchored.
        unsafe {
            heap.heap().gc_step(0);
            heap.heap().check();
        }
        let due = heap.heap().finalizers_due();
        for _ in 0..due {
            heap.heap().next_finalizer().expect("it was due");
        }
        done += due;
        if due > 0 {
            called.push(due);
        }
    }
    assert_eq!(called, [1, 2, 4, 3]);
    assert_eq!(heap.heap().finalizers_due(), 0);
}

/// The open upvalue over a slot.
fn find_upvalue(heap: &TestHeap, thread: GcRef<Thread>, slot: usize) -> GcRef<UpVal> {
    let place = thread.stack.get().wrapping_add(slot);
    let (mut above, mut next) = (None::<GcRef<UpVal>>, thread.open_upvals.get());
    // SAFETY: the list holds live open upvalues, highest first.
    unsafe {
        while !next.is_null() && (*next).v.get() >= place {
            above = Some(GcRef::from_ptr(next));
            next = (*next).open_next();
        }
    }
    if let Some(found) = above.filter(|upval| upval.v.get() == place) {
        return found;
    }
    let upval = heap.heap().new_upval().expect("memory");
    upval.open(place, next);
    match above {
        Some(above) => above.set_open_next(upval.as_ptr()),
        None => thread.open_upvals.set(upval.as_ptr()),
    }
    heap.heap().keep_in_twups(thread);
    upval
}

#[test]
fn a_large_step_goes_through_the_finalizers() {
    let heap = heap();
    let metatable = finalizer_metatable(&heap, ROOT);
    for i in 1..=20 {
        finalizable(&heap, metatable, i);
    }
    let mut called = 0;
    // SAFETY: everything needed is anchored.
    unsafe {
        let mut ended = heap.heap().gc_step(20_000);
        loop {
            for _ in 0..heap.heap().finalizers_due() {
                heap.heap().next_finalizer().expect("it was due");
                called += 1;
            }
            if ended || !heap.heap().step_unfinished() {
                break;
            }
            ended = heap.heap().resume_step();
        }
        assert!(ended && called == 20 && heap.heap().phase() == Phase::Pause);
    }
}

/// A sealed prototype without instructions, and a closure of it with one upvalue.
pub(crate) fn closure(heap: &TestHeap, slot: i64) -> GcRef<LuaClosure> {
    let proto = heap.heap().new_proto().expect("memory");
    heap.anchor(slot, TValue { u: proto.addr(), t: tag::PROTO });
    let block = heap.heap().allocate(perilune_core::AllocKind::Other, 4 * 8).expect("memory");
    // SAFETY: the block has three words before the code and one for it (F1).
    unsafe { proto.code.set(block.cast::<perilune_core::code::Instruction>().add(3)) };
    proto.code_len.set(1);
    proto.seal();
    let closure = heap.heap().new_lua_closure(proto, 1).expect("memory");
    heap.anchor(slot, TValue::object(closure));
    closure
}

/// Makes the closure share the variable in a slot of the thread.
pub(crate) fn open_upvalue(
    heap: &TestHeap,
    thread: GcRef<Thread>,
    closure: GcRef<LuaClosure>,
    slot: usize,
) -> GcRef<UpVal> {
    let upval = find_upvalue(heap, thread, slot);
    // SAFETY: all are live.
    unsafe {
        closure.upval_slot(0).write(upval.as_ptr());
        heap.heap().barrier_object(closure.as_header(), upval.as_header());
    }
    upval
}

#[test]
fn an_upvalue_outlives_its_thread() {
    let heap = heap();
    let function = closure(&heap, ROOT);
    let thread = heap.heap().new_thread().expect("memory");
    heap.anchor(ROOT + 1, TValue::object(thread));
    thread.push(garbage_table(&heap));
    let upval = open_upvalue(&heap, thread, function, 1);
    heap.collect();
    assert!(upval.is_open());
    heap.anchor(ROOT + 1, TValue::NIL);
    heap.collect();
    assert!(!upval.is_open() && upval.value().is_table());
    heap.collect();
    assert!(upval.value().is_table());
    assert!(heap.heap().twups.is_null());
}

#[test]
fn a_thread_in_a_cycle_through_its_upvalue() {
    let heap = heap();
    let function = closure(&heap, ROOT);
    let thread = heap.heap().new_thread().expect("memory");
    heap.anchor(ROOT + 1, TValue::object(thread));
    thread.push(TValue::object(thread));
    thread.push(TValue::object(function));
    open_upvalue(&heap, thread, function, 1);
    heap.collect();
    // SAFETY: the heap is sound.
    let before = unsafe { heap.heap().object_count() };
    heap.anchor(ROOT, TValue::NIL);
    heap.anchor(ROOT + 1, TValue::NIL);
    // The new upvalue keeps its value alive once more, as in Lua 5.3.
    heap.collect();
    heap.collect();
    // SAFETY: the heap is sound.
    assert_eq!(unsafe { heap.heap().object_count() }, before - 4);
}

#[test]
fn an_upvalue_closed_between_steps() {
    let heap = heap();
    let function = closure(&heap, ROOT);
    let thread = heap.heap().new_thread().expect("memory");
    heap.anchor(ROOT + 1, TValue::object(thread));
    thread.push(TValue::NIL);
    let upval = open_upvalue(&heap, thread, function, 1);
    heap.collect();
    // SAFETY: all is anchored.
    unsafe {
        heap.heap().run_until(Phase::Atomic);
        // The thread waits until it is begun, and so its variables are watched.
        assert_eq!(heap.heap().color(upval.header()), Color::Black);
        upval.v.get().write(garbage_table(&heap));
        heap.heap().barrier_upval(upval);
        heap.heap().check();
        heap.heap().wake_thread(thread);
        assert_eq!(heap.heap().color(upval.header()), Color::Gray);
        upval.v.get().write(garbage_table(&heap));
        thread.open_upvals.set(std::ptr::null_mut());
        upval.close();
        heap.heap().barrier_upval(upval);
        thread.pop();
        heap.heap().check();
        heap.heap().run_until(Phase::Pause);
        heap.heap().check();
    }
    assert!(upval.value().is_table());
}

#[test]
fn the_running_thread_is_a_root() {
    let heap = heap();
    let (outer, inner) = (heap.heap().new_thread().expect("memory"), heap.heap().new_thread().expect("memory"));
    outer.from.set(heap.heap().main_thread);
    inner.from.set(outer.as_ptr());
    for thread in [outer, inner] {
        thread.push(TValue::object(heap.heap().new_string(b"kept").expect("memory")));
    }
    heap.heap().running_thread = inner.as_ptr();
    heap.collect();
    for thread in [outer, inner] {
        // SAFETY: the slot keeps the string.
        assert_eq!(unsafe { thread.pop().as_ref::<perilune_core::LuaString>() }.as_bytes(), b"kept");
    }
    heap.heap().running_thread = heap.heap().main_thread;
}

#[test]
fn stale_slots_become_nil() {
    let heap = heap();
    let thread = heap.heap().new_thread().expect("memory");
    heap.anchor(ROOT, TValue::object(thread));
    thread.push(garbage_table(&heap));
    thread.pop();
    heap.collect();
    // SAFETY: the slot is in the stack.
    assert!(unsafe { *thread.top.get() }.is_nil());
}

#[test]
fn deep_chains_do_not_recurse() {
    let heap = heap();
    let mut last = TValue::NIL;
    for _ in 0..100_000 {
        let userdata: GcRef<Userdata> = heap.heap().new_userdata(0).expect("memory");
        // SAFETY: both are live.
        unsafe { heap.heap().set_user_value(userdata, last) };
        last = TValue::object(userdata);
        heap.anchor(ROOT, last);
        let table = heap.heap().new_table().expect("memory");
        set(&heap, table, TValue::integer(1), last);
        last = TValue::object(table);
        heap.anchor(ROOT, last);
    }
    heap.collect();
}

/// Brings the collector to a phase, and to the next pause after `act`; the heap is sound all the time.
fn during(heap: &TestHeap, phase: Phase, act: impl FnOnce()) {
    // SAFETY: everything needed is anchored.
    unsafe {
        heap.heap().run_until(phase);
        heap.heap().check();
        act();
        heap.heap().check();
        heap.heap().run_until(Phase::Pause);
        heap.heap().check();
    }
}

#[test]
fn the_sweep_stands_on_an_object_that_leaves_its_list() {
    let heap = heap();
    let metatable = finalizer_metatable(&heap, ROOT);
    for _ in 0..2 {
        for i in 1..=10 {
            garbage_table(&heap);
            finalizable(&heap, metatable, i);
        }
        let object = TValue::object(heap.table(ROOT + 1));
        during(&heap, Phase::SweepAll, || bless(&heap, object, metatable));
        while heap.heap().next_finalizer().is_some() {}
        let string = heap.string(ROOT + 1, b"to be fixed");
        during(&heap, Phase::SweepAll, || heap.heap().fix(string.as_header()));
        let object = TValue::object(heap.table(ROOT + 1));
        during(&heap, Phase::SweepFinalizable, || bless(&heap, object, metatable));
        heap.anchor(ROOT + 1, TValue::NIL);
    }
}

#[test]
fn finalizers_run_during_a_sweep() {
    let heap = heap();
    let metatable = finalizer_metatable(&heap, ROOT);
    for phase in [Phase::SweepAll, Phase::SweepFinalizable, Phase::SweepPending] {
        for taken in [0, 1, 300, 800, 2000] {
            for i in 1..=2000 {
                finalizable(&heap, metatable, i);
            }
            during(&heap, phase, || {
                // SAFETY: everything needed is anchored.
                unsafe { heap.heap().gc_step(0) };
                for _ in 0..taken {
                    heap.heap().next_finalizer().expect("there are as many");
                }
            });
            assert_eq!(drain(&heap), (1..=2000 - taken).rev().collect::<Vec<_>>());
        }
    }
}

fn steps_to_the_end(heap: &TestHeap, kib: i32) -> usize {
    heap.collect();
    let table = heap.table(ROOT);
    for i in 1..=100 {
        let inner = heap.heap().new_table().expect("memory");
        set(heap, table, TValue::integer(i), TValue::object(inner));
        set(heap, inner, TValue::integer(1), garbage_table(heap));
        garbage_table(heap);
    }
    let before = heap.heap().total_bytes();
    let mut steps = 1;
    // SAFETY: everything needed is anchored.
    while !unsafe { heap.heap().gc_step(kib) } {
        steps += 1;
    }
    assert!(heap.heap().total_bytes() < before);
    assert!(!heap.heap().running);
    steps
}

#[test]
fn the_size_of_steps() {
    let heap = heap();
    // As many objects as a state with its libraries has.
    let many = heap.table(ROOT + 1);
    for i in 1..=400 {
        set(&heap, many, TValue::integer(i), garbage_table(&heap));
    }
    assert!(steps_to_the_end(&heap, 0) > 10);
    assert!(steps_to_the_end(&heap, 10) < steps_to_the_end(&heap, 2));
    assert_eq!(steps_to_the_end(&heap, 20_000), 1);
    // SAFETY: everything needed is anchored.
    assert!(unsafe { heap.heap().gc_step(20_000) });
}

#[test]
fn strange_parameters() {
    let heap = heap();
    heap.heap().running = true;
    for pause in [0, 2, 10, 90, 500, 5000, 30_000, i32::MAX, -1] {
        for step_mul in [0, 2, 10, 90, 500, 5000, 30_000, i32::MAX, -1] {
            heap.heap().set_gc_pause(pause);
            heap.heap().set_gc_step_mul(step_mul);
            // SAFETY: everything needed is anchored.
            unsafe {
                heap.heap().gc_step(0);
                heap.heap().gc_step(10_000);
                heap.heap().gc_step(i32::MAX);
                heap.heap().gc_step(i32::MIN);
                heap.heap().step();
            }
        }
    }
    heap.collect();
}

#[test]
fn the_pace() {
    if cfg!(gc_zeal) {
        // A collection at every allocation has no pace.
        return;
    }
    let heap = heap();
    heap.heap().running = true;
    heap.collect();
    let kept = heap.table(ROOT);
    for i in 1..=5000 {
        set(&heap, kept, TValue::integer(i), garbage_table(&heap));
    }
    heap.collect();
    let live = heap.heap().total_bytes();
    let (mut most, mut steps) = (0, 0);
    for _ in 0..200_000 {
        garbage_table(&heap);
        if heap.heap().debt > 0 {
            steps += 1;
            // SAFETY: everything needed is anchored.
            unsafe { heap.heap().step() };
        }
        most = most.max(heap.heap().total_bytes());
    }
    assert!(most > 3 * live / 2 && most < 4 * live, "{live} live, at most {most}");
    assert!(steps > 100);
    heap.collect();
}

#[test]
fn a_cached_closure_is_not_kept() {
    let heap = heap();
    let function = closure(&heap, ROOT);
    let proto: GcRef<Proto> = function.proto();
    heap.anchor(ROOT + 1, TValue { u: proto.addr(), t: tag::PROTO });
    // SAFETY: both are live.
    unsafe { heap.heap().cache_closure(proto, function) };
    heap.collect();
    assert!(!proto.cache.get().is_null() || proto.header().is_white());
    heap.anchor(ROOT, TValue::NIL);
    heap.collect();
    assert!(proto.cache.get().is_null());
}

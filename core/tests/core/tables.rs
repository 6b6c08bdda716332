//! Tables against a model.

use std::collections::BTreeMap;

use crate::common::{Random, TestHeap};
use perilune_core::object::{InsertError, InvalidKey};
use perilune_core::{GcRef, TValue, Table};

/// A key as the model sees it: tag and payload. Long strings are kept one object each.
type Key = (u8, u64);

fn model_key(value: TValue) -> Key {
    (value.tag(), value.u)
}

fn int_at(table: GcRef<Table>, key: i64) -> Option<i64> {
    table.get_int(key).as_integer()
}

fn check_border(table: GcRef<Table>) {
    let n = table.border();
    assert!(n >= 0);
    assert!(n == 0 || !table.get_int(n).is_nil(), "t[{n}] is nil");
    assert!(table.get_int(n + 1).is_nil(), "t[{}] is not nil", n + 1);
}

/// Keys of all kinds, anchored from slot 100 on.
fn make_keys(heap: &TestHeap, random: &mut Random, range: i64) -> Vec<TValue> {
    let mut keys: Vec<TValue> = Vec::new();
    for i in 0..range {
        keys.push(TValue::integer(i - range / 4));
        keys.push(TValue::integer((random.next() >> 8) as i64));
        keys.push(TValue::integer(i << 20));
        keys.push(TValue::float(i as f64 + 0.5));
        keys.push(TValue::float(random.next() as f64 * 1e-300));
        keys.push(TValue::light((i as usize * 16) as *mut _));
    }
    keys.extend([TValue::TRUE, TValue::FALSE, TValue::float(f64::INFINITY), TValue::float(-0.25)]);
    for i in 0..range {
        let short = heap.string(100 + 3 * i, format!("key {i}").as_bytes());
        let long = heap.string(101 + 3 * i, format!("{i:060}").as_bytes());
        let table = heap.table(102 + 3 * i);
        keys.extend([TValue::object(short), TValue::object(long), TValue::object(table)]);
    }
    keys
}

/// The same key in another form: an integer as a float, where that is exact.
fn disguise(key: TValue) -> TValue {
    match key.as_integer() {
        Some(i) if i.unsigned_abs() < 1 << 53 => TValue::float(i as f64),
        _ => key,
    }
}

fn compare(table: GcRef<Table>, model: &BTreeMap<Key, i64>, keys: &[TValue]) {
    for &key in keys {
        let expected = model.get(&model_key(key)).copied();
        // SAFETY: the keys are anchored.
        let found = unsafe { (table.get(key), table.get(disguise(key))) };
        assert_eq!(found.0.as_integer(), expected, "{key:?}");
        assert_eq!(found.1.as_integer(), expected, "{key:?}");
    }
    let mut seen = BTreeMap::new();
    let mut key = TValue::NIL;
    // SAFETY: the keys are anchored.
    while let Some((next, value)) = unsafe { table.next(key) }.expect("valid key") {
        assert_eq!(seen.insert(model_key(next), value.as_integer().expect("integer")), None);
        key = next;
    }
    assert_eq!(&seen, model);
    check_border(table);
}

#[test]
fn random_operations_agree_with_a_map() {
    for (seed, range) in [(1, 4), (2, 16), (3, 60), (4, 200)] {
        let heap = TestHeap::new();
        let mut random = Random(0x9e37_79b9 * seed);
        let keys = make_keys(&heap, &mut random, range);
        let table = heap.table(1);
        let mut model = BTreeMap::new();
        for round in 0..4000_u64 {
            let key = keys[random.below(keys.len() as u64) as usize];
            let written = if random.below(2) == 0 { key } else { disguise(key) };
            let present = model.contains_key(&model_key(key));
            // SAFETY: all is anchored.
            unsafe {
                if random.below(if round % 1000 < 600 { 4 } else { 2 }) == 0 {
                    heap.heap().table_set(table, written, TValue::NIL).expect("memory");
                    model.remove(&model_key(key));
                } else if !present && table.find_slot(key).is_none() {
                    heap.heap().insert_key(table, written, TValue::integer(round as i64)).expect("memory");
                    model.insert(model_key(key), round as i64);
                } else {
                    heap.heap().table_set(table, written, TValue::integer(round as i64)).expect("memory");
                    model.insert(model_key(key), round as i64);
                }
                if random.below(300) == 0 {
                    let (array, hash) = (random.below(100) as u32, random.below(100) as u32);
                    heap.heap().resize_table(table, array, hash).expect("memory");
                }
            }
            check_border(table);
            if round % 500 == 0 {
                compare(table, &model, &keys);
                heap.collect();
                compare(table, &model, &keys);
            }
        }
        compare(table, &model, &keys);
    }
}

#[test]
fn entries_may_be_cleared_during_a_traversal() {
    let heap = TestHeap::new();
    let table = heap.table(1);
    for i in 0..50 {
        // Keys that only the table keeps alive.
        let thread = heap.heap().main_thread;
        // SAFETY: what is made is pushed before the next allocation.
        unsafe {
            let key = TValue::object(heap.heap().new_table().expect("memory"));
            (*thread).push(key);
            heap.heap().table_set(table, key, TValue::integer(i)).expect("memory");
            (*thread).pop();
            let name =
                heap.heap().new_string(format!("a long key of some sort, number {i:020}").as_bytes()).expect("memory");
            (*thread).push(TValue::object(name));
            heap.heap().table_set_str(table, name, TValue::integer(i)).expect("memory");
            (*thread).pop();
            heap.heap().table_set_int(table, i + 1, TValue::integer(i)).expect("memory");
        }
    }
    let mut count = 0;
    let mut key = TValue::NIL;
    // SAFETY: the key is on the stack while it is used.
    unsafe {
        let thread = &*heap.heap().main_thread;
        while let Some((next, _)) = table.next(key).expect("valid key") {
            if count > 0 {
                thread.pop();
            }
            thread.push(next);
            key = next;
            heap.heap().table_set(table, key, TValue::NIL).expect("memory");
            count += 1;
            if count % 10 == 0 {
                heap.collect();
            }
        }
        assert_eq!(count, 150);
        thread.pop();
        assert_eq!(table.border(), 0);
        assert!(table.next(TValue::NIL).expect("valid").is_none());
        assert_eq!(table.position_after(TValue::integer(1 << 40)), Err(InvalidKey));
    }
}

#[test]
fn an_array_doubles() {
    let heap = TestHeap::new();
    let table = heap.table(1);
    for i in 1..=10_000 {
        // SAFETY: the table is anchored.
        unsafe { heap.heap().table_set_int(table, i, TValue::integer(i)).expect("memory") };
        assert_eq!(table.border(), i);
    }
    assert_eq!(table.array_size(), 16384);
    assert!(table.has_no_nodes());
    heap.count();
    // Shrinks when only a few keys are left and something new comes in.
    for i in 11..=10_000 {
        // SAFETY: the table is anchored.
        unsafe { heap.heap().table_set_int(table, i, TValue::NIL).expect("memory") };
    }
    let name = heap.string(2, b"name");
    // SAFETY: all is anchored.
    unsafe { heap.heap().table_set_str(table, name, TValue::TRUE).expect("memory") };
    assert_eq!(table.array_size(), 16);
    assert_eq!(table.border(), 10);
    assert_eq!(int_at(table, 10), Some(10));
    assert!(table.get_short(name).same_bits(TValue::TRUE));
    heap.count();
}

#[test]
fn numbers_as_keys() {
    let heap = TestHeap::new();
    let table = heap.table(1);
    // SAFETY: no key is collectable.
    unsafe {
        let set = |key: TValue, value: i64| heap.heap().table_set(table, key, TValue::integer(value));
        assert_eq!(set(TValue::NIL, 1), Err(InsertError::NilKey));
        assert_eq!(set(TValue::float(f64::NAN), 1), Err(InsertError::NanKey));
        assert_eq!(set(TValue::float(-0.0), 10), Ok(()));
        assert_eq!(set(TValue::float(3.0), 30), Ok(()));
        assert_eq!(set(TValue::float(-9_223_372_036_854_775_808.0), 40), Ok(()));
        assert_eq!(set(TValue::float(9_223_372_036_854_775_808.0), 50), Ok(()));
        assert_eq!(set(TValue::float(f64::NEG_INFINITY), 60), Ok(()));
        assert_eq!(int_at(table, 0), Some(10));
        assert_eq!(int_at(table, 3), Some(30));
        assert_eq!(int_at(table, i64::MIN), Some(40));
        assert_eq!(int_at(table, i64::MAX), None);
        assert_eq!(table.get(TValue::float(2f64.powi(63))).as_integer(), Some(50));
        assert_eq!(table.get(TValue::float(f64::NEG_INFINITY)).as_integer(), Some(60));
        assert!(table.get(TValue::float(f64::NAN)).is_nil());
        assert!(table.get(TValue::NIL).is_nil());
        assert_eq!(table.position_after(TValue::float(f64::NAN)), Err(InvalidKey));
    }
}

#[test]
fn borders_far_out() {
    let heap = TestHeap::new();
    let table = heap.table(1);
    // SAFETY: no key is collectable.
    unsafe {
        let set = |key: i64| heap.heap().table_set_int(table, key, TValue::TRUE).expect("memory");
        heap.heap().resize_table(table, 4, 0).expect("memory");
        for key in [1, 2, 4] {
            set(key);
        }
        // Just what the search for a border looks at, up to the end of the integers: it has to go one by one.
        for shift in 0..61 {
            set(5 << shift);
            check_border(table);
        }
    }
    assert_eq!(table.array_size(), 4);
    assert_eq!(table.border(), 2);
}

#[test]
fn too_large_tables_are_refused() {
    let heap = TestHeap::new();
    let table = heap.table(1);
    // SAFETY: the table is anchored.
    unsafe {
        assert_eq!(heap.heap().resize_table(table, 0, u32::MAX), Err(InsertError::Overflow));
        assert_eq!(heap.heap().resize_table(table, u32::MAX, 0), Err(InsertError::Overflow));
        assert_eq!(heap.heap().resize_table(table, 1 << 31, 10), Err(InsertError::OutOfMemory));
        assert_eq!(heap.heap().resize_table(table, 10, 1 << 30), Err(InsertError::OutOfMemory));
    }
    assert_eq!(table.array_size(), 0);
    assert!(table.has_no_nodes());
    heap.count();
}

#[test]
fn a_failed_insertion_leaves_the_table_whole() {
    for failures in [1, usize::MAX] {
        let heap = TestHeap::new();
        let mut random = Random(77);
        let keys = make_keys(&heap, &mut random, 12);
        for grant in 0..3 {
            let table = heap.table(1);
            let mut model = BTreeMap::new();
            for (i, &key) in keys.iter().enumerate() {
                let value = TValue::integer(i as i64);
                heap.alloc().grant.set(Some(grant));
                heap.alloc().failures.set(failures);
                // SAFETY: all is anchored.
                let result = unsafe { heap.heap().table_set(table, key, value) };
                heap.alloc().grant.set(None);
                match result {
                    Ok(()) => {}
                    Err(error) => {
                        assert_eq!(error, InsertError::OutOfMemory);
                        assert_eq!(failures, usize::MAX, "one failure is mended by an emergency collection");
                        compare(table, &model, &keys);
                        heap.count();
                        // SAFETY: all is anchored.
                        unsafe { heap.heap().table_set(table, key, value).expect("memory") };
                    }
                }
                model.insert(model_key(key), i as i64);
            }
            compare(table, &model, &keys);
        }
        heap.collect();
    }
}

#[test]
fn shared_metatables() {
    let heap = TestHeap::new();
    let meta = heap.table(1);
    let table = heap.table(2);
    // SAFETY: all is anchored.
    unsafe {
        heap.heap().set_metatable(TValue::object(table), Some(meta));
        assert_eq!(table.metatable(), Some(meta));
        heap.heap().set_metatable(TValue::object(table), None);
        assert_eq!(table.metatable(), None);
        heap.heap().set_metatable(TValue::integer(1), Some(meta));
    }
    let shared = heap.heap().metatables[perilune_core::LuaType::Number as usize];
    assert_eq!(shared, meta.as_ptr());
    heap.collect();
}

/// Fields of small tables lie in the order in which they were made, however many each table has room for.
#[test]
fn few_keys_lie_in_order() {
    let heap = TestHeap::new();
    let names: Vec<_> = (0..5).map(|i| heap.string(10 + i, format!("name{i}").as_bytes())).collect();
    let keys = |table: GcRef<Table>| {
        let mut keys = Vec::new();
        let mut at = 0;
        while let Some((next, key, _)) = table.entry_from(at) {
            keys.push(key);
            at = next;
        }
        keys
    };
    let key = |i: usize| TValue::object(names[i]);
    for room in 0..=4 {
        for count in 1..=4 {
            let table = heap.table(1);
            // SAFETY: all is anchored.
            unsafe {
                heap.heap().resize_table(table, 0, room).expect("memory");
                for (i, &name) in names.iter().enumerate().take(count) {
                    // Both ways of entering a field: that of the handlers, and the general one, which makes room.
                    if i % 2 == 0 || !table.enter_at_hand(name, TValue::integer(i as i64)) {
                        heap.heap().table_set(table, key(i), TValue::integer(i as i64)).expect("memory");
                    }
                }
            }
            let places: Vec<_> = keys(table)
                .iter()
                .map(|key| names.iter().position(|&name| TValue::object(name).same_bits(*key)))
                .collect();
            assert_eq!(places, (0..count).map(Some).collect::<Vec<_>>(), "{count} keys in room for {room}");
            for (i, &name) in names.iter().enumerate() {
                assert_eq!(table.get_short(name).as_integer(), (i < count).then_some(i as i64));
                // SAFETY: the key is anchored.
                let after = unsafe { table.position_after(key(i)) };
                assert_eq!(after, if i < count { Ok(i + 1) } else { Err(InvalidKey) });
            }
        }
    }
    // A full table refuses; a key that has no value any more keeps its place while others are added, and gives it up then.
    let table = heap.table(1);
    // SAFETY: all is anchored.
    unsafe {
        heap.heap().resize_table(table, 0, 2).expect("memory");
        assert!(table.enter_at_hand(names[0], TValue::TRUE) && table.enter_at_hand(names[1], TValue::TRUE));
        assert!(!table.enter_at_hand(names[2], TValue::TRUE));
        heap.heap().table_set(table, key(0), TValue::NIL).expect("memory");
        assert_eq!(table.position_after(key(0)), Ok(1));
        assert!(table.enter_at_hand(names[2], TValue::FALSE));
        assert!(table.get_short(names[0]).is_nil() && table.get_short(names[1]).same_bits(TValue::TRUE));
        assert!(table.get_short(names[2]).same_bits(TValue::FALSE));
        heap.heap().table_set(table, key(3), TValue::integer(3)).expect("memory");
        heap.heap().table_set(table, TValue::integer(-7), TValue::integer(4)).expect("memory");
        heap.heap().table_set(table, key(4), TValue::integer(5)).expect("memory");
        assert_eq!(keys(table).len(), 5, "more than four keys are found by their hashes");
        assert_eq!(int_at(table, -7), Some(4));
        for (i, value) in [(2, None), (3, Some(3)), (4, Some(5))] {
            assert_eq!(table.get_short(names[i]).as_integer(), value);
        }
    }
    assert!(!heap.table(2).enter_at_hand(names[0], TValue::TRUE), "the shared empty part is never written");
    heap.count();
}

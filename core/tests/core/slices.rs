//! The collector while the program goes on: large tables that change between the slices of their traversal, and short steps.

use crate::common::Random;
use crate::gc::{drain, entries, finalizable, finalizer_metatable, garbage_table, heap, set, weak_table};
use perilune_core::gc::Phase;
use perilune_core::object::{GcRef, Table};
use perilune_core::value::TValue;

/// Slots of the registry from here on belong to single tests.
const ROOT: i64 = 1;

/// How many tables with their own number as their item 1 a table has.
fn count_numbered(table: GcRef<Table>) -> usize {
    let tables = entries(table).into_iter().filter(|(_, value)| value.is_table());
    // SAFETY: the tag was checked, and what is in the table is live.
    tables.filter(|(_, value)| unsafe { value.as_ref::<Table>() }.get_int(1).as_integer().is_some()).count()
}

#[test]
fn a_large_table_changes_while_it_is_traversed() {
    const KEYS: u64 = 3000;
    for seed in 1..=6 {
        let heap = heap();
        let mut random = Random(seed);
        let large = heap.table(ROOT);
        let spare = heap.table(ROOT + 1);
        let mut expected = std::collections::HashMap::new();
        for count in 0..30_000_u64 {
            let number = random.below(KEYS);
            // Integer keys move between both parts when the table grows; strings collide and move among the nodes.
            let key = if number.is_multiple_of(3) {
                TValue::integer(number as i64)
            } else {
                TValue::object(heap.heap().new_string(format!("key {number}").as_bytes()).expect("memory"))
            };
            // SAFETY: the heap keeps its main thread.
            let thread = unsafe { &*heap.heap().main_thread };
            thread.push(key);
            match random.below(8) {
                0 => {
                    set(&heap, large, key, TValue::NIL);
                    expected.remove(&number);
                }
                // An entry that the collector may not have come to yet moves behind it.
                1 => {
                    let from = TValue::integer(random.below(KEYS / 3) as i64 * 3);
                    // SAFETY: the key is an integer.
                    let moved = unsafe { large.get(from) };
                    set(&heap, large, from, TValue::NIL);
                    expected.remove(&(from.u));
                    set(&heap, large, key, moved);
                    if moved.is_nil() {
                        expected.remove(&number)
                    } else {
                        expected.insert(number, ())
                    };
                }
                2 if count.is_multiple_of(512) => {
                    let (array, hash) = (random.below(2000) as u32, random.below(4000) as u32);
                    // SAFETY: the table is anchored.
                    unsafe { heap.heap().resize_table(large, array, hash) }.expect("memory");
                }
                _ => {
                    let value = garbage_table(&heap);
                    thread.push(value);
                    set(&heap, spare, TValue::integer(1), value);
                    // SAFETY: the value was just made.
                    set(&heap, unsafe { value.as_ref() }, TValue::integer(1), TValue::integer(number as i64));
                    set(&heap, large, key, value);
                    thread.pop();
                    expected.insert(number, ());
                }
            }
            thread.pop();
            // SAFETY: everything needed is anchored.
            unsafe {
                if random.below(2) == 0 {
                    heap.heap().gc_step(0);
                }
                if count.is_multiple_of(61) {
                    heap.heap().check();
                }
            }
        }
        assert_eq!(count_numbered(large), expected.len());
        heap.collect();
        assert_eq!(count_numbered(large), expected.len());
    }
}

/// A weak table changes while it is traversed: entries come and go, move, and the table is made larger and smaller. Its keys and values
/// are tables that hold their numbers; some of them are kept alive by another table, some only by each other.
fn change_weak_table(mode: &str, seed: u64, count: u64) {
    const KEYS: u64 = 4000;
    let heap = heap();
    let mut random = Random(seed);
    let weak = weak_table(&heap, ROOT, mode);
    let kept = heap.table(ROOT + 1);
    // SAFETY: the heap keeps its main thread.
    let thread = unsafe { &*heap.heap().main_thread };
    for step in 0..count {
        let number = random.below(KEYS) as i64;
        let mut partner = kept.get_int(number + 1);
        if partner.is_nil() || random.below(4) == 0 {
            partner = garbage_table(&heap);
            thread.push(partner);
            // SAFETY: it was just made.
            set(&heap, unsafe { partner.as_ref() }, TValue::integer(1), TValue::integer(number));
        } else {
            thread.push(partner);
        }
        match random.below(8) {
            0 => set(&heap, kept, TValue::integer(number + 1), TValue::NIL),
            1 | 2 => set(&heap, kept, TValue::integer(number + 1), partner),
            3 if step.is_multiple_of(64) => {
                let (array, hash) = (random.below(3000) as u32 * random.below(2) as u32, random.below(6000) as u32);
                // SAFETY: the table is anchored.
                unsafe { heap.heap().resize_table(weak, array, hash) }.expect("memory");
            }
            4 => set(&heap, weak, partner, TValue::NIL),
            5 if mode == "k" => set(&heap, weak, partner, TValue::integer(number)),
            5 => set(&heap, weak, TValue::integer(number), partner),
            _ => {
                // The value knows the key, so only an ephemeron lets both go.
                let value = garbage_table(&heap);
                thread.push(value);
                // SAFETY: it was just made.
                set(&heap, unsafe { value.as_ref() }, TValue::integer(2), partner);
                set(&heap, weak, partner, value);
                thread.pop();
            }
        }
        thread.pop();
        // SAFETY: everything needed is anchored.
        unsafe {
            if random.below(2) == 0 {
                heap.heap().gc_step(0);
            }
            if step.is_multiple_of(97) {
                heap.heap().check();
            }
        }
    }
    heap.collect();
    if mode == "v" {
        // A key is strong there, until the collection that takes its value. Till then it is found where it is a value, too.
        heap.collect();
    }
    // SAFETY: the heap is sound; what is in a table is live.
    unsafe {
        heap.heap().check();
        for (key, value) in entries(weak) {
            for side in [key, value].into_iter().filter(|side| side.is_table()) {
                let _ = side.as_ref::<Table>().get_int(1);
            }
            let is_kept = |side: TValue| {
                side.as_ref::<Table>().get_int(1).as_integer().is_some_and(|i| kept.get_int(i + 1).same_bits(side))
            };
            assert!(!key.is_table() || mode == "v" || is_kept(key), "a dead key");
            assert!(!mode.contains('v') || is_kept(value), "a dead value");
        }
    }
}

#[test]
fn a_weak_table_changes_while_it_is_traversed() {
    for seed in 1..=4 {
        for mode in ["k", "v", "kv"] {
            change_weak_table(mode, seed, 20_000);
        }
    }
}

#[test]
fn elements_change_places_while_they_are_traversed() {
    let heap = heap();
    let mut random = Random(5);
    let large = heap.table(ROOT);
    for i in 1..=5000 {
        set(&heap, large, TValue::integer(i), garbage_table(&heap));
    }
    let mut cycles = 0;
    for _ in 0..40_000 {
        let (a, b) = (random.below(5000) as usize, random.below(5000) as usize);
        // SAFETY: both are elements of the array part.
        unsafe { core::ptr::swap(large.array_ptr().add(a), large.array_ptr().add(b)) };
        heap.heap().entries_moved(large);
        // SAFETY: everything needed is anchored.
        cycles += unsafe { heap.heap().gc_step(0) } as usize;
    }
    // Though it was begun anew after each step, the traversal has come to its end.
    assert!(cycles > 10, "{cycles} cycles");
    // SAFETY: the heap is sound.
    unsafe { heap.heap().check() };
    assert_eq!(entries(large).iter().filter(|(_, value)| value.is_table()).count(), 5000);
}

#[test]
fn a_step_is_short_whatever_was_allocated() {
    if cfg!(gc_zeal) {
        // Every allocation is a whole collection.
        return;
    }
    let heap = heap();
    let large = heap.table(ROOT);
    for i in 1..=100_000 {
        set(&heap, large, TValue::integer(i), garbage_table(&heap));
    }
    heap.collect();
    heap.heap().running = true;
    // SAFETY: everything needed is anchored. As many bytes as a cycle would need are allocated at once.
    unsafe {
        let block = heap.heap().allocate(perilune_core::AllocKind::Other, 100 << 20).expect("memory");
        let mut steps = 0;
        loop {
            assert!(heap.heap().debt > 0);
            heap.heap().step();
            steps += 1;
            // The steps that follow are due soon, and go on with what this one has left.
            if heap.heap().phase() == Phase::Pause {
                break;
            }
            assert!(heap.heap().debt <= 0 && heap.heap().debt > -(64 << 10));
            heap.heap().set_debt(1);
        }
        assert!(steps > 30, "{steps} steps");
        heap.heap().free(block, 100 << 20);
    }
    heap.collect();
}

/// Objects with finalizers die many at a time, while others are made; each holds a part with its number. In between the collector makes
/// small steps. What is finalized is whole, comes once, and newer objects come before older ones that were found dead with them.
#[test]
fn finalizers_are_found_in_slices() {
    const OBJECTS: i64 = 3000;
    for has_weak_keys in [false, true] {
        let heap = heap();
        let metatable = finalizer_metatable(&heap, ROOT);
        let kept = heap.table(ROOT + 1);
        let weak_values = weak_table(&heap, ROOT + 2, "v");
        let weak_keys = weak_table(&heap, ROOT + 3, "k");
        let mut random = Random(7);
        let make = |number: i64| {
            let object = finalizable(&heap, metatable, number);
            heap.anchor(ROOT + 4, TValue::object(object));
            let part = garbage_table(&heap);
            set(&heap, object, TValue::integer(2), part);
            // SAFETY: the object holds its part.
            set(&heap, unsafe { part.as_ref() }, TValue::integer(1), TValue::integer(number));
            set(&heap, weak_values, TValue::integer(number), part);
            if has_weak_keys {
                set(&heap, weak_keys, part, TValue::integer(number));
            }
            set(&heap, kept, TValue::integer(number), TValue::object(object));
            heap.anchor(ROOT + 4, TValue::NIL);
        };
        let mut finalized = std::collections::HashSet::new();
        let mut resurrecting = 0;
        for number in 1..=OBJECTS {
            make(number);
            if random.below(700) == 0 {
                // All but a few die.
                for i in 1..=number {
                    if random.below(20) > 0 {
                        set(&heap, kept, TValue::integer(i), TValue::NIL);
                    }
                }
            }
            // SAFETY: everything needed is anchored; what comes from a list of the collector is live.
            unsafe {
                heap.heap().gc_step(0);
                resurrecting += matches!(heap.heap().phase(), Phase::Separate | Phase::Resurrect) as usize;
                if random.below(16) == 0 {
                    heap.heap().check();
                }
                let mut last = i64::MAX;
                for _ in 0..heap.heap().finalizers_due() {
                    let object = heap.heap().next_finalizer().expect("it was due").as_ref::<Table>();
                    let number = object.get_int(1).as_integer().expect("a number");
                    assert!(number < last && finalized.insert(number), "{number} after {last}");
                    last = number;
                    let part = object.get_int(2);
                    assert_eq!(part.as_ref::<Table>().get_int(1).as_integer(), Some(number));
                    assert!(kept.get_int(number).is_nil());
                    assert!(!has_weak_keys || weak_keys.get(part).as_integer() == Some(number));
                }
            }
        }
        assert!(cfg!(gc_zeal) || resurrecting > if has_weak_keys { 0 } else { 20 }, "{resurrecting} steps");
        heap.collect();
        finalized.extend(drain(&heap));
        let alive = (1..=OBJECTS).filter(|&i| !kept.get_int(i).is_nil()).count();
        assert_eq!(finalized.len() + alive, OBJECTS as usize);
        assert_eq!(entries(weak_values).len(), alive);
        heap.collect();
        assert_eq!(entries(weak_keys).len(), if has_weak_keys { alive } else { 0 });
    }
}

/// A finalizer has the collector work until it finds what else is dead; then another one is asked for.
#[test]
fn a_finalizer_is_asked_for_while_others_are_being_found() {
    let heap = heap();
    let metatable = finalizer_metatable(&heap, ROOT);
    for phase in [Phase::Separate, Phase::Resurrect] {
        for i in 1..=10 {
            finalizable(&heap, metatable, i);
        }
        heap.collect();
        assert!(heap.heap().next_finalizer().is_some());
        for i in 11..=20 {
            finalizable(&heap, metatable, i);
        }
        // SAFETY: everything needed is anchored.
        unsafe {
            heap.heap().run_until(phase);
            heap.heap().check();
        }
        assert_eq!(heap.heap().finalizers_due(), 0);
        assert_eq!(drain(&heap), (1..10).rev().chain((11..=20).rev()).collect::<Vec<_>>());
        // SAFETY: the heap is sound.
        unsafe { heap.heap().check() };
        heap.collect();
    }
}

/// Entries of ephemeron tables that lead to each other, in two tables and in any order, by values that are keys and by what these hold.
#[test]
fn ephemerons_lead_to_each_other() {
    const LENGTH: i64 = 3000;
    for seed in 1..=4 {
        let heap = heap();
        let mut random = Random(seed);
        let weak = [weak_table(&heap, ROOT, "k"), weak_table(&heap, ROOT + 1, "k")];
        let root = heap.table(ROOT + 2);
        let mut key = root;
        let mut roots = vec![key];
        for i in 0..LENGTH {
            let value = heap.heap().new_table().expect("memory");
            set(&heap, weak[random.below(2) as usize], TValue::object(key), TValue::object(value));
            // A value is the next key, or holds it, or an earlier one is followed once more.
            key = match random.below(if i < 20 { 4 } else { 60 }) {
                0 => {
                    let next = heap.heap().new_table().expect("memory");
                    set(&heap, value, TValue::integer(1), TValue::object(next));
                    next
                }
                _ => value,
            };
            roots.push(key);
        }
        // Without their beginning, as many others.
        let stray = heap.table(ROOT + 3);
        let mut key = stray;
        for _ in 0..LENGTH {
            let value = heap.heap().new_table().expect("memory");
            set(&heap, weak[0], TValue::object(key), TValue::object(value));
            key = value;
        }
        let count = || weak.iter().map(|&table| entries(table).len()).sum::<usize>() as i64;
        assert_eq!(count(), 2 * LENGTH);
        heap.anchor(ROOT + 3, TValue::NIL);
        for cycles in 0..3 {
            // SAFETY: everything needed is anchored.
            while !unsafe { heap.heap().gc_step(0) } {
                // SAFETY: the heap is sound.
                unsafe { heap.heap().check() };
            }
            assert!(cycles == 0 || count() == LENGTH);
        }
        heap.anchor(ROOT + 2, TValue::NIL);
        heap.collect();
        assert_eq!(count(), 0);
    }
}

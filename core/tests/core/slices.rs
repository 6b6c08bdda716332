//! The collector while the program goes on: large tables that change between the slices of their traversal, and short steps.

use crate::common::Random;
use crate::gc::{entries, garbage_table, heap, set, weak_table};
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
                let hash = random.below(6000) as u32;
                // SAFETY: the table is anchored.
                unsafe { heap.heap().resize_table(weak, 0, hash) }.expect("memory");
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

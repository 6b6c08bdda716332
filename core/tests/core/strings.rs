//! Strings: interning, growth of the string table, collection.

use crate::common::TestHeap;
use perilune_core::{LuaString, TValue};

#[test]
fn short_strings_are_interned() {
    let heap = TestHeap::new();
    let first = heap.string(1, b"hello");
    let again = heap.heap().new_string(b"hello").expect("memory");
    assert_eq!(first, again);
    assert!(first.is_short());
    assert_eq!(first.len(), 5);
    // SAFETY: the NUL follows the bytes.
    assert_eq!(unsafe { *first.data().add(5) }, 0);
    let empty = heap.heap().new_string(b"").expect("memory");
    assert!(empty.is_empty() && empty.as_bytes().is_empty());
    let with_nul = heap.heap().new_string(b"hel\0lo").expect("memory");
    assert_ne!(with_nul, first);
    assert_eq!(with_nul.as_bytes(), b"hel\0lo");
}

#[test]
fn the_border_between_short_and_long() {
    let heap = TestHeap::new();
    let bytes = [b'x'; 41];
    let short = heap.string(1, &bytes[..40]);
    let long = heap.string(2, &bytes);
    let other = heap.string(3, &bytes);
    assert!(short.is_short() && !long.is_short());
    assert_ne!(long, other);
    assert!(long.equals(other) && !long.equals(short));
    assert_eq!(long.hash(), other.hash());
    assert_eq!(long.len(), 41);
    // SAFETY: the NUL follows the bytes.
    assert_eq!(unsafe { *long.data().add(41) }, 0);
    assert_eq!(long.size(), LuaString::size_for(41));
    let table = heap.table(4);
    // SAFETY: all is anchored.
    unsafe { heap.heap().table_set_str(table, long, TValue::TRUE).expect("memory") };
    assert!(table.get_str(other).same_bits(TValue::TRUE));
    assert!(table.get_str(short).is_nil());
}

#[test]
fn many_strings_come_and_go() {
    let heap = TestHeap::new();
    heap.collect();
    let before = heap.heap().total_bytes();
    let names: Vec<String> = (0..3000).map(|i| format!("string number {i}")).collect();
    let strings: Vec<_> = names.iter().zip(1..).map(|(name, slot)| heap.string(slot, name.as_bytes())).collect();
    heap.collect();
    for (name, string) in names.iter().zip(&strings) {
        assert_eq!(heap.heap().new_string(name.as_bytes()).expect("memory"), *string);
        assert_eq!(string.as_bytes(), name.as_bytes());
    }
    // Garbage goes, what is anchored stays.
    for i in 0..5000 {
        heap.heap().new_string(format!("garbage {i}").as_bytes()).expect("memory");
    }
    heap.collect();
    for (name, string) in names.iter().zip(&strings) {
        assert_eq!(heap.heap().new_string(name.as_bytes()).expect("memory"), *string);
    }
    for slot in 1..=3000 {
        heap.anchor(slot, TValue::NIL);
    }
    for _ in 0..4 {
        heap.collect();
    }
    // The registry keeps its array; the strings and their buckets are gone.
    assert!(heap.heap().total_bytes() < before + 4096 * 16 + 8192);
    heap.count();
}

#[test]
fn a_dying_string_comes_back() {
    let heap = TestHeap::new();
    for i in 0..2000 {
        heap.heap().new_string(format!("dying {i}").as_bytes()).expect("memory");
    }
    // Step by step, some of the strings are found between their death and their burial.
    for i in 0..2000 {
        let string = heap.heap().new_string(format!("dying {i}").as_bytes()).expect("memory");
        heap.anchor(i + 1, TValue::object(string));
        // SAFETY: what is needed is anchored.
        unsafe {
            heap.heap().step();
            heap.heap().check();
        }
    }
    for i in 0..2000 {
        // SAFETY: it is a string.
        let string = unsafe { heap.registry().get_int(i + 1).as_ref::<LuaString>() };
        assert_eq!(string.as_bytes(), format!("dying {i}").as_bytes());
    }
    heap.collect();
}

#[test]
fn impossible_lengths_are_refused() {
    let heap = TestHeap::new();
    assert!(heap.heap().new_long_string(usize::MAX - 8).is_err());
    assert!(heap.heap().new_long_string(isize::MAX as usize).is_err());
    assert!(heap.heap().new_userdata(usize::MAX).is_err());
    heap.count();
}

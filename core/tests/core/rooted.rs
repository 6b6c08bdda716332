//! The safe layer: handles keep, dropped handles let go, and no failure breaks anything.

use crate::common::{Random, TestAlloc};
use perilune_core::rooted::{Arena, Error, Root, ToValue, Value, Weakness};
use perilune_core::{InsertError, Table};

/// Runs the test on an arena, checks the accounting, and that nothing is left at the end.
fn with_arena(test: impl FnOnce(&Arena<'_>)) {
    let alloc = TestAlloc::default();
    let arena = Arena::new(&alloc, 7).expect("memory");
    test(&arena);
    arena.check();
    assert_eq!(arena.total_bytes(), alloc.live());
    drop(arena);
    assert_eq!(alloc.live(), 0);
}

#[test]
fn handles_keep_their_objects() {
    with_arena(|arena| {
        let base = arena.object_count();
        let short = arena.string("short").expect("memory");
        let long = arena.string([b'x'; 1000]).expect("memory");
        let table = arena.table().expect("memory");
        let userdata = arena.userdata(10).expect("memory");
        arena.collect();
        assert_eq!(arena.object_count(), base + 4);
        assert_eq!((short.as_bytes(), long.as_bytes()), (&b"short"[..], &[b'x'; 1000][..]));
        assert_eq!(table.border(), 0);
        userdata.bytes()[9].set(1);
        let other = userdata.try_clone().expect("memory");
        drop((short, long, table, userdata));
        arena.collect();
        assert_eq!(arena.object_count(), base + 1);
        assert_eq!((other.bytes()[9].get(), other.bytes().len()), (1, 10));
        assert_eq!(other.bytes().as_ptr() as usize % 16, 0);
        drop(other);
        arena.collect();
        assert_eq!(arena.object_count(), base);
    });
}

#[test]
fn every_kind_of_value_comes_back() -> Result<(), Error> {
    let alloc = TestAlloc::default();
    let arena = Arena::new(&alloc, 7)?;
    let table = arena.table()?;
    let inner = arena.table()?;
    let userdata = arena.userdata(0)?;
    table.set("nil", Value::Nil)?;
    table.set(true, false)?;
    table.set(1, 2.5)?;
    table.set(2.0, i64::MIN)?;
    table.set(b"bytes\0".as_slice(), "text")?;
    table.set("table", &inner)?;
    table.set(&inner, &userdata)?;
    table.set(&userdata, Value::from(inner.try_clone()?))?;
    assert!(table.get("nil")?.is_nil() && table.get("absent")?.is_nil() && table.get(&Value::Nil)?.is_nil());
    assert_eq!(table.get(true)?, Value::Boolean(false));
    assert_eq!(table.get(1.0)?, Value::Float(2.5));
    assert_eq!(table.get(2)?.as_integer(), Some(i64::MIN));
    assert_eq!(table.get("bytes\0")?.as_bytes(), Some(&b"text"[..]));
    assert_eq!(table.get("table")?.as_table(), Some(&inner));
    assert_eq!(table.get(&inner)?.as_userdata(), Some(&userdata));
    assert_eq!(table.get(userdata)?, Value::Table(inner));
    assert_eq!(table.pairs().count(), 7);
    assert_eq!(table.border(), 2);
    arena.check();
    Ok(())
}

#[test]
fn traversal_by_key_and_by_iterator_agree() -> Result<(), Error> {
    let alloc = TestAlloc::default();
    let arena = Arena::new(&alloc, 7)?;
    let table = arena.table_with_room(4, 4)?;
    for i in 1..=100 {
        table.set(i, i * i)?;
        table.set(format!("key {i}").as_str(), i)?;
    }
    let mut key = Value::Nil;
    for entry in table.pairs() {
        let (k, v) = entry?;
        let (next, value) = table.next(key)?.expect("an entry");
        assert_eq!((&next, value), (&k, v));
        // What is found may be removed on the way.
        table.set(&next, Value::Nil)?;
        key = next;
    }
    assert_eq!(table.next(key)?, None);
    assert_eq!(table.next("never"), Err(Error::InvalidKey));
    assert_eq!(table.pairs().count(), 0);
    Ok(())
}

#[test]
fn weak_tables() -> Result<(), Error> {
    let alloc = TestAlloc::default();
    let arena = Arena::new(&alloc, 7)?;
    for (weakness, first, then) in [(Weakness::Keys, 3, 2), (Weakness::Values, 2, 2), (Weakness::Both, 1, 1)] {
        let weak = arena.weak_table(weakness)?;
        let (a, b) = (arena.table()?, arena.userdata(1)?);
        weak.set(&a, &b)?;
        weak.set(1, arena.table()?)?;
        weak.set(arena.table()?, &a)?;
        // An ephemeron: the value refers to the key.
        let key = arena.table()?;
        let value = arena.table()?;
        value.set(1, &key)?;
        weak.set(&key, &value)?;
        drop(value);
        arena.collect();
        assert_eq!(weak.pairs().count(), first, "{weakness:?}");
        drop(key);
        arena.collect();
        arena.check();
        assert_eq!(weak.pairs().count(), then, "{weakness:?}");
        assert_eq!(weak.get(&a)?, Value::Userdata(b));
    }
    Ok(())
}

/// An object with a number, whose metatable has `__gc`.
fn finalizable<'h>(arena: &'h Arena<'_>, number: i64) -> Result<Value<'h>, Error> {
    let metatable = arena.table()?;
    metatable.set("__gc", "goodbye")?;
    if number % 2 == 0 {
        let table = arena.table()?;
        table.set("number", number)?;
        table.set_metatable(Some(&metatable))?;
        Ok(table.into())
    } else {
        let userdata = arena.userdata(16)?;
        userdata.set_user_value(number)?;
        userdata.set_metatable(Some(&metatable))?;
        Ok(userdata.into())
    }
}

fn number(value: &Value<'_>) -> i64 {
    let (number, metatable) = match value {
        Value::Table(table) => (table.get("number"), table.metatable()),
        Value::Userdata(userdata) => (userdata.user_value(), userdata.metatable()),
        other => panic!("{other:?} has no finalizer"),
    };
    let metatable = metatable.expect("memory").expect("a metatable");
    assert_eq!(metatable.get("__gc").expect("memory").as_bytes(), Some(&b"goodbye"[..]));
    number.expect("memory").as_integer().expect("a number")
}

#[test]
fn finalizers_come_once_and_in_reverse_order() -> Result<(), Error> {
    let alloc = TestAlloc::default();
    let arena = Arena::new(&alloc, 7)?;
    let objects = (1..=5).map(|i| finalizable(&arena, i)).collect::<Result<Vec<_>, Error>>()?;
    assert_eq!(arena.take_finalizable()?, None);
    drop(objects);
    arena.collect();
    let fifth = arena.take_finalizable()?.expect("an object");
    assert_eq!(number(&fifth), 5);
    let mut found = Vec::new();
    arena.finalize(|value| found.push(number(&value)))?;
    assert_eq!(found, [4, 3, 2, 1]);
    // A resurrected object is an ordinary one, until it gets a finalizer anew.
    arena.collect();
    assert_eq!(number(&fifth), 5);
    if let Value::Userdata(userdata) = &fifth {
        let metatable = userdata.metatable()?;
        userdata.set_metatable(metatable.as_ref())?;
    }
    drop(fifth);
    arena.collect();
    arena.check();
    assert_eq!(arena.take_finalizable()?.map(|value| number(&value)), Some(5));
    arena.collect();
    assert_eq!(arena.take_finalizable()?, None);
    Ok(())
}

#[test]
fn closing_finalizes_everything() -> Result<(), Error> {
    let alloc = TestAlloc::default();
    let arena = Arena::new(&alloc, 7)?;
    let kept = arena.table()?;
    for i in 1..=4 {
        kept.set(i, finalizable(&arena, i)?)?;
    }
    arena.step(1);
    drop(kept);
    let mut found = Vec::new();
    arena.close(|value| found.push(number(&value)))?;
    assert_eq!(found, [4, 3, 2, 1]);
    assert_eq!(alloc.live(), 0);
    Ok(())
}

#[test]
fn misuse_is_an_error() -> Result<(), Error> {
    let alloc = TestAlloc::default();
    let (arena, other) = (Arena::new(&alloc, 7)?, Arena::new(&alloc, 8)?);
    let (table, foreign) = (arena.table()?, other.table()?);
    assert_eq!(table.set(1, &foreign), Err(Error::OtherArena));
    assert_eq!(table.set(&foreign, 1), Err(Error::OtherArena));
    assert_eq!(table.get(&foreign), Err(Error::OtherArena));
    assert_eq!(table.next(&foreign), Err(Error::OtherArena));
    assert_eq!(table.set_metatable(Some(&foreign)), Err(Error::OtherArena));
    assert_eq!(arena.userdata(1)?.set_user_value(other.string("x")?), Err(Error::OtherArena));
    assert_eq!(table.set(Value::Nil, 1), Err(Error::Insert(InsertError::NilKey)));
    assert_eq!(table.set(f64::NAN, 1), Err(Error::Insert(InsertError::NanKey)));
    assert!(matches!(arena.table_with_room(u32::MAX, 0), Err(Error::Insert(InsertError::Overflow))));
    assert_eq!(arena.userdata(usize::MAX).map(drop), Err(Error::OutOfMemory));
    assert_eq!(arena.userdata(isize::MAX as usize - 100).map(drop), Err(Error::OutOfMemory));
    // Equal strings of different arenas are equal, tables are not.
    assert_eq!(arena.string("x")?, other.string("x")?);
    assert_ne!(table, foreign);
    assert!(table.get(1)?.is_nil() && table.pairs().next().is_none());
    Ok(())
}

#[test]
fn garbage_is_collected_without_being_asked() -> Result<(), Error> {
    let alloc = TestAlloc::default();
    let arena = Arena::new(&alloc, 7)?;
    let table = arena.table()?;
    let mut most = 0;
    for i in 0..50_000 {
        match i % 3 {
            0 => table.set(1, arena.table()?)?,
            // The text becomes a string, which nobody keeps.
            1 => assert!(table.get(format!("{i}").as_str())?.is_nil()),
            _ => table.set("text", format!("{i:050}").as_str())?,
        }
        most = most.max(arena.total_bytes());
    }
    assert!(most < 100_000, "{most}");
    assert_eq!(arena.set_pause(150), 200);
    assert_eq!(arena.set_step_mul(1), 200);
    assert_eq!(arena.set_step_mul(200), 40);
    arena.stop();
    for _ in 0..5_000 {
        arena.table()?;
    }
    assert!(arena.total_bytes() > 5_000 * 48);
    arena.restart();
    while !arena.step(10) {}
    assert!(arena.total_bytes() < 100_000);
    Ok(())
}

/// Does something random with a few handles and tables.
fn work(arena: &Arena<'_>, random: &mut Random, rounds: usize) -> Result<(), Error> {
    let mut handles = Vec::new();
    for _ in 0..4 {
        handles.push(arena.table()?);
    }
    handles.push(arena.weak_table(Weakness::Both)?);
    for round in 0..rounds {
        let table = &handles[random.below(5) as usize];
        let key = random.below(12) as i64;
        match random.below(9) {
            0 => table.set(key, arena.table()?)?,
            1 => table.set(format!("{key}").as_str(), &handles[random.below(5) as usize])?,
            2 => table.set(arena.userdata(round % 50)?, key)?,
            3 => table.set(key, finalizable(arena, key)?)?,
            4 => table.set(table.get(key)?, "x".repeat(round % 60).as_str()).or_else(|error| match error {
                Error::Insert(InsertError::NilKey) => Ok(()),
                other => Err(other),
            })?,
            5 => {
                if let Some((key, _)) = table.next(Value::Nil)? {
                    table.set(key, Value::Nil)?;
                }
            }
            6 => {
                arena.step(1);
            }
            7 => arena.finalize(|value| assert!(number(&value) < 12))?,
            _ => handles[random.below(4) as usize] = arena.table_with_room(3, 3)?,
        }
    }
    Ok(())
}

#[test]
fn random_work_keeps_the_heap_sound() -> Result<(), Error> {
    let alloc = TestAlloc::default();
    let arena = Arena::new(&alloc, 7)?;
    let mut random = Random(1);
    for _ in 0..100 {
        work(&arena, &mut random, 60)?;
        arena.check();
        assert_eq!(arena.total_bytes(), alloc.live());
    }
    Ok(())
}

#[test]
fn any_allocation_may_fail() {
    for grant in 0..300 {
        for failures in [1, 2, usize::MAX] {
            let alloc = TestAlloc::default();
            alloc.grant.set(Some(grant));
            alloc.failures.set(failures);
            if let Ok(arena) = Arena::new(&alloc, 7) {
                let done = work(&arena, &mut Random(grant as u64 + 1), 100);
                assert!(matches!(done, Ok(()) | Err(Error::OutOfMemory)), "{done:?}");
                arena.check();
                assert_eq!(arena.total_bytes(), alloc.live());
                alloc.grant.set(None);
                assert_eq!(work(&arena, &mut Random(5), 20), Ok(()));
                arena.check();
            }
            assert_eq!(alloc.live(), 0);
        }
    }
}

/// Whatever can be given can be given by reference, also through a generic function.
#[test]
fn references_are_values() -> Result<(), Error> {
    fn set(table: &Root<'_, Table>, key: &impl ToValue, value: &dyn ToValue) -> Result<(), Error> {
        table.set(key, value)
    }
    let alloc = TestAlloc::default();
    let arena = Arena::new(&alloc, 7)?;
    let table = arena.table()?;
    set(&table, &"key", &5)?;
    assert_eq!(table.get("key")?, Value::Integer(5));
    assert_eq!(format!("{:?} {:?}", table.get("key")?, arena.string("a\n")?), "Integer(5) \"a\\n\"");
    Ok(())
}

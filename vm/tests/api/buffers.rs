//! Buffers (manual §5.1, `luaL_Buffer`).

use core::fmt::Write;

use perilune_vm::{Buffer, FixedBuf, LuaResult, LuaState, LuaType};

use crate::{new_state, string, within};

/// The bytes that a number of steps append.
fn gather(lua: &mut LuaState, act: impl FnOnce(&mut LuaState, &mut Buffer) -> LuaResult<()>) -> LuaResult<Vec<u8>> {
    let before = lua.get_top();
    let mut buffer = Buffer::new(lua)?;
    act(lua, &mut buffer)?;
    let bytes = buffer.as_bytes(lua).to_vec();
    assert_eq!((buffer.len(), buffer.is_empty()), (bytes.len(), bytes.is_empty()));
    buffer.finish(lua)?;
    // The result lies above the buffer's place.
    assert_eq!(lua.get_top(), before + 2);
    assert_eq!(lua.str_at(-1), Some(&bytes[..]));
    assert!(lua.is_nil(-2));
    lua.pop(2);
    Ok(bytes)
}

#[test]
fn appending() -> LuaResult<()> {
    let mut lua = new_state();
    assert_eq!(gather(&mut lua, |_, _| Ok(()))?, b"");
    let bytes = gather(&mut lua, |lua, buffer| {
        buffer.push_byte(lua, b'a')?;
        buffer.extend(lua, b"\0b")?;
        buffer.extend(lua, b"")?;
        buffer.write_fmt(lua, format_args!("{}-{:03}", "c", 7))
    })?;
    assert_eq!(bytes, b"a\0bc-007");
    Ok(())
}

#[test]
fn all_sizes() -> LuaResult<()> {
    let mut lua = new_state();
    // The first bytes lie in the buffer itself, later ones in a userdata that grows.
    for size in [1, 3, 100, 255, 256, 257, 511, 512, 513, 5000] {
        let piece: Vec<u8> = (0..size).map(|i| i as u8).collect();
        let expected = piece.repeat(12);
        assert_eq!(gather(&mut lua, |lua, buffer| (0..12).try_for_each(|_| buffer.extend(lua, &piece)))?, expected);
        let bytes = gather(&mut lua, |lua, buffer| expected.iter().try_for_each(|&byte| buffer.push_byte(lua, byte)))?;
        assert_eq!(bytes, expected);
        let bytes = gather(&mut lua, |lua, buffer| {
            for _ in 0..12 {
                let room = buffer.reserve(lua, size)?;
                assert_eq!(room.len(), size);
                room.copy_from_slice(&piece);
                buffer.advance(size);
            }
            Ok(())
        })?;
        assert_eq!(bytes, expected);
    }
    Ok(())
}

#[test]
fn reserved_bytes() -> LuaResult<()> {
    let mut lua = new_state();
    let bytes = gather(&mut lua, |lua, buffer| {
        buffer.extend(lua, b"a")?;
        buffer.reserve(lua, 300)?[..3].copy_from_slice(b"bcd");
        buffer.advance(2);
        // No more can be counted in than was reserved.
        buffer.reserve(lua, 1)?[0] = b'e';
        buffer.advance(100);
        buffer.advance(100);
        Ok(())
    })?;
    assert_eq!(bytes, b"abce");
    // The last bytes and the end in one.
    let mut buffer = Buffer::with_capacity(&mut lua, 10)?;
    buffer.reserve(&mut lua, 10)?[..4].copy_from_slice(b"done");
    buffer.finish_reserved(&mut lua, 4)?;
    assert_eq!(string(&lua, -1), "done");
    let mut buffer = Buffer::with_capacity(&mut lua, 10_000)?;
    assert!(buffer.is_empty());
    buffer.reserve(&mut lua, 10_000)?.fill(b'x');
    buffer.finish_reserved(&mut lua, 10_000)?;
    assert_eq!(string(&lua, -1), "x".repeat(10_000));
    Ok(())
}

#[test]
fn values() -> LuaResult<()> {
    let mut lua = new_state();
    let bytes = gather(&mut lua, |lua, buffer| {
        lua.push_str("text ")?;
        buffer.add_value(lua)?;
        lua.push_integer(-7)?;
        buffer.add_value(lua)?;
        lua.push_number(1.0)?;
        buffer.add_at(lua, -1)?;
        assert_eq!(lua.lua_type(-1), LuaType::Number, "it stays, and stays a number");
        lua.pop(1);
        lua.push_bytes(&[b'z'; 1000])?;
        buffer.add_value(lua)
    })?;
    assert_eq!(bytes, [&b"text -71.0"[..], &[b'z'; 1000]].concat());
    let mut buffer = Buffer::new(&mut lua)?;
    lua.new_table()?;
    assert!(buffer.add_value(&mut lua).is_err());
    assert_eq!(string(&lua, -1), "string expected");
    Ok(())
}

#[test]
fn shortening() -> LuaResult<()> {
    let mut lua = new_state();
    let bytes = gather(&mut lua, |lua, buffer| {
        buffer.extend(lua, &[b'x'; 1000])?;
        buffer.truncate(5);
        buffer.truncate(50);
        buffer.push_byte(lua, b'y')
    })?;
    assert_eq!(bytes, b"xxxxxy");
    Ok(())
}

#[test]
fn other_values_above() -> LuaResult<()> {
    let mut lua = new_state();
    let mut buffer = Buffer::new(&mut lua)?;
    for i in 0..100 {
        lua.push_integer(i)?;
        buffer.extend(&mut lua, &[b'x'; 50])?;
    }
    lua.gc_collect()?;
    lua.pop(100);
    buffer.finish(&mut lua)?;
    assert_eq!((lua.raw_len(-1), lua.get_top()), (5000, 2));
    Ok(())
}

#[test]
fn lost_places() -> LuaResult<()> {
    let mut lua = new_state();
    let mut buffer = Buffer::new(&mut lua)?;
    buffer.extend(&mut lua, &[b'x'; 1000])?;
    lua.pop(1);
    assert_eq!(buffer.as_bytes(&lua), b"");
    assert!(buffer.push_byte(&mut lua, b'y').is_err());
    assert_eq!(string(&lua, -1), "the buffer's place on the stack was overwritten");
    assert!(buffer.finish(&mut lua).is_err());
    Ok(())
}

/// Leaves a buffer in its first slot and goes on with it in a continuation.
fn parked(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(0)?;
    let mut buffer = Buffer::new(lua)?;
    buffer.extend(lua, b"before")?;
    buffer.park(lua)?;
    buffer.push_byte(lua, b',')?;
    buffer.park(lua)?;
    lua.push_native(|lua| lua.gc_collect().map(|()| 0))?;
    lua.call_then(0, 0, 0, |lua, _, _| {
        let mut buffer = Buffer::unpark(lua, 1)?;
        buffer.extend(lua, b" after")?;
        buffer.finish(lua)?;
        Ok(1)
    })
}

#[test]
fn parking() -> LuaResult<()> {
    let mut lua = new_state();
    within(&mut lua, parked);
    assert_eq!(string(&lua, 1), "before, after");
    assert!(Buffer::unpark(&mut lua, 1).is_err(), "a string is no buffer");
    Ok(())
}

#[test]
fn fixed_buffers() {
    let mut text = FixedBuf::<5>::new();
    assert_eq!(text.as_bytes(), b"");
    assert!(write!(text, "abc").is_ok() && write!(text, "defg").is_ok());
    assert_eq!(text.as_bytes(), b"abcde", "what does not fit is dropped");
    assert_eq!(FixedBuf::<2>::default().as_bytes(), b"");
}

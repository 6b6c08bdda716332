//! Loading and dumping chunks (manual §4.8 and §5.1).

use perilune_vm::{ChunkReader, ChunkWriter, LoadMode, LuaResult, LuaState, LuaType, Status};

use crate::{new_state, run, string, types};

/// Hands out a chunk in pieces of one size.
struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
}

impl ChunkReader for Pieces<'_> {
    fn read(&mut self, _: &mut LuaState) -> LuaResult<&[u8]> {
        let (piece, rest) = self.rest.split_at(self.size.min(self.rest.len()));
        self.rest = rest;
        Ok(piece)
    }
}

/// Gathers a dumped function.
#[derive(Default)]
struct Gather(Vec<u8>);

impl ChunkWriter for Gather {
    fn write(&mut self, _: &mut LuaState, bytes: &[u8]) -> LuaResult<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

const FUNCTION: &str = "local a, b = ...
local function f(n) if n < 2 then return 1 end return n * f(n - 1) end
local t = {f(5), 'text', 1.5, nil, true}
return a + b, t[1], #t[2], t[3], g";

#[test]
fn text_in_pieces() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_str("global")?;
    lua.set_global("g")?;
    for size in [1, 2, 7, 1000] {
        let mut reader = Pieces { rest: FUNCTION.as_bytes(), size };
        assert_eq!(lua.load(&mut reader, b"=pieces", LoadMode::TEXT), Status::Ok);
        lua.push_integer(1)?;
        lua.push_integer(2)?;
        lua.call(2, 5)?;
        assert_eq!((types(&lua).as_str(), lua.to_integer(1), lua.to_integer(2)), ("dddds", Some(3), Some(120)));
        lua.set_top(0)?;
    }
    // Nothing at all is an empty chunk.
    assert_eq!(lua.load(&mut Pieces { rest: b"", size: 1 }, b"=none", LoadMode::ANY), Status::Ok);
    lua.call(0, -1)?;
    assert_eq!(lua.get_top(), 0);
    Ok(())
}

#[test]
fn dump_and_load() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_str("global")?;
    lua.set_global("g")?;
    assert_eq!(lua.load_bytes(FUNCTION.as_bytes(), b"=dumped", LoadMode::TEXT), Status::Ok);
    let mut sizes = Vec::new();
    for strip in [false, true] {
        let mut dumped = Gather::default();
        assert!(lua.dump(&mut dumped, strip)?);
        assert_eq!(types(&lua), "f", "the function stays");
        assert_eq!(&dumped.0[..4], b"\x1bLua");
        sizes.push(dumped.0.len());
        for size in [1, 3, 10_000] {
            let mut reader = Pieces { rest: &dumped.0, size };
            assert_eq!(lua.load(&mut reader, b"=again", LoadMode::BINARY), Status::Ok);
            lua.push_integer(1)?;
            lua.push_integer(2)?;
            lua.call(2, 5)?;
            assert_eq!(
                (types(&lua).as_str(), lua.to_integer(3), string(&lua, 6).as_str()),
                ("fdddds", Some(120), "global")
            );
            lua.set_top(1)?;
        }
        // The lines are known as long as they were not left out.
        assert_eq!(lua.load_bytes(&dumped.0, b"=again", LoadMode::ANY), Status::Ok);
        assert_eq!(lua.pcall(0, 0, 0), Status::ErrRun);
        let place = if strip { "?:-1:" } else { "dumped:4:" };
        let name = if strip { "a nil value" } else { "a nil value (local 'a')" };
        assert_eq!(string(&lua, -1), format!("{place} attempt to perform arithmetic on {name}"));
        lua.set_top(1)?;
        // Broken chunks are refused.
        let cut = lua.load_bytes(&dumped.0[..dumped.0.len() - 1], b"=cut", LoadMode::ANY);
        assert_eq!((cut, string(&lua, -1).as_str()), (Status::ErrSyntax, "cut: truncated precompiled chunk"));
        lua.set_top(1)?;
    }
    assert!(sizes[0] > sizes[1]);
    Ok(())
}

fn native(_: &mut LuaState) -> LuaResult<usize> {
    Ok(0)
}

#[test]
fn what_cannot_be_dumped() -> LuaResult<()> {
    let mut lua = new_state();
    let mut dumped = Gather::default();
    assert!(!lua.dump(&mut dumped, false)?);
    lua.push_native(native)?;
    assert!(!lua.dump(&mut dumped, false)?);
    lua.push_str("text")?;
    assert!(!lua.dump(&mut dumped, true)?);
    assert!(dumped.0.is_empty());
    Ok(())
}

/// Refuses every piece but the first.
struct Stubborn(usize);

impl ChunkWriter for Stubborn {
    fn write(&mut self, lua: &mut LuaState, _: &[u8]) -> LuaResult<()> {
        self.0 += 1;
        if self.0 > 1 { Err(lua.raise_plain(format_args!("enough"))) } else { Ok(()) }
    }
}

#[test]
fn writers_that_fail() {
    let mut lua = new_state();
    // More than what is gathered before a piece is written.
    assert_eq!(lua.load_str(&FUNCTION.repeat(3).replace("return a + b", "a = a + b")), Status::Ok);
    let mut writer = Stubborn(0);
    assert!(lua.dump(&mut writer, false).is_err());
    assert_eq!((writer.0, string(&lua, -1).as_str()), (2, "enough"), "nothing is written after an error");
}

/// Raises an error instead of a piece.
struct Broken;

impl ChunkReader for Broken {
    fn read(&mut self, lua: &mut LuaState) -> LuaResult<&[u8]> {
        Err(lua.raise_plain(format_args!("no more")))
    }
}

#[test]
fn readers_that_fail() {
    let mut lua = new_state();
    assert_eq!(lua.load(&mut Broken, b"=broken", LoadMode::ANY), Status::ErrRun);
    assert_eq!((lua.get_top(), string(&lua, -1).as_str()), (1, "no more"));
}

#[test]
fn modes() -> LuaResult<()> {
    let mut lua = new_state();
    assert_eq!(lua.load_str("return 1"), Status::Ok);
    let mut dumped = Gather::default();
    lua.dump(&mut dumped, true)?;
    let text = b"return 1";
    assert!(LoadMode::ANY.text() && LoadMode::ANY.binary());
    assert!(LoadMode::TEXT.text() && !LoadMode::TEXT.binary());
    assert!(!LoadMode::BINARY.text() && LoadMode::BINARY.binary());
    for (chunk, mode, message) in [
        (&text[..], LoadMode::BINARY, "attempt to load a text chunk (mode is 'b')"),
        (&dumped.0, LoadMode::TEXT, "attempt to load a binary chunk (mode is 't')"),
        (&text[..], LoadMode::from_bytes(b""), "attempt to load a text chunk (mode is '')"),
        (&text[..], LoadMode::from_bytes(b"xyz"), "attempt to load a text chunk (mode is 'xyz')"),
    ] {
        assert_eq!(lua.load_bytes(chunk, b"=m", mode), Status::ErrSyntax);
        assert_eq!(string(&lua, -1), message);
    }
    assert_eq!(LoadMode::from_bytes(b"tb").name(), b"tb");
    assert_eq!(lua.load_bytes(text, b"=m", LoadMode::from_bytes(b"xt")), Status::Ok);
    assert_eq!(lua.load_bytes(&dumped.0, b"=m", LoadMode::from_bytes(b"tb")), Status::Ok);
    Ok(())
}

#[test]
fn names_of_chunks() {
    let mut lua = new_state();
    for (name, shown) in [
        (&b"=free"[..], "free"),
        (b"@file.lua", "file.lua"),
        (b"error text", "[string \"error text\"]"),
        (b"two\nlines", "[string \"two...\"]"),
        (b"", "[string \"\"]"),
    ] {
        assert_eq!(lua.load_bytes(b"x x", name, LoadMode::TEXT), Status::ErrSyntax);
        assert_eq!(string(&lua, -1), format!("{shown}:1: syntax error near 'x'"));
    }
    assert_eq!(lua.load_str("x x"), Status::ErrSyntax);
    assert_eq!(string(&lua, -1), "[string \"x x\"]:1: syntax error near 'x'");
}

#[test]
fn the_first_upvalue_is_the_globals() -> LuaResult<()> {
    let mut lua = new_state();
    assert_eq!(lua.load_str("x = 1"), Status::Ok);
    assert!(lua.get_upvalue(1, 1)?.is_some());
    lua.push_global_table()?;
    assert!(lua.raw_equal(2, 3));
    Ok(())
}

#[test]
fn strings_that_are_run() -> LuaResult<()> {
    let mut lua = new_state();
    assert_eq!(lua.do_str("return 1, 'two', {}"), Status::Ok);
    assert_eq!(types(&lua), "dst");
    lua.set_top(0)?;
    assert_eq!(lua.do_str("x ="), Status::ErrSyntax);
    assert_eq!(string(&lua, -1), "[string \"x =\"]:1: unexpected symbol near <eof>");
    lua.set_top(0)?;
    assert_eq!(lua.do_str("x()"), Status::ErrRun);
    assert_eq!(
        (types(&lua).as_str(), string(&lua, -1).as_str()),
        ("s", "[string \"x()\"]:1: attempt to call a nil value (global 'x')")
    );
    assert_eq!(lua.do_str("y = 5"), Status::Ok);
    assert_eq!((lua.get_global("y")?, run(&mut lua, "return y").as_str()), (LuaType::Number, "5"));
    Ok(())
}

/// The listing of the function on top.
#[test]
fn listings() {
    let mut lua = new_state();
    assert_eq!(lua.load_str("return 1 + x"), Status::Ok);
    let mut listing = String::new();
    assert_eq!(perilune_vm::list(&mut lua, &mut listing, true), Ok(()));
    assert!(listing.contains("RETURN") && listing.contains("main"), "{listing}");
}

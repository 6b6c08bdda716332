//! What the crate offers a host besides its libraries: files as chunks, results of system calls, streams, the standard streams,
//! and each library by itself. The texts were compared with the auxiliary library of the reference.

#![cfg(unix)]

use std::fs;
use std::path::PathBuf;

use perilune_alloc_adapters::System;
use perilune_stdlib::{
    FILE_HANDLE, do_file, exec_result, file_result, load_file, new_stream, open_base, open_bit32, open_coroutine,
    open_debug, open_io, open_libs, open_math, open_os, open_package, open_string, open_table, open_utf8,
};
use perilune_vm::{LOADED_TABLE, LoadMode, Lua, LuaResult, LuaState, LuaType, NativeFn, REGISTRY_INDEX, Status};

fn new_state() -> Lua<System> {
    Lua::new(System).expect("there is memory")
}

fn string(lua: &LuaState, idx: i32) -> String {
    String::from_utf8_lossy(lua.str_at(idx).expect("a string")).into_owned()
}

/// A file that is removed at the end.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn new(name: &str, contents: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("perilune-{}-{name}", std::process::id()));
        fs::write(&path, contents).expect("the file can be written");
        Self(path)
    }

    fn name(&self) -> &[u8] {
        self.0.as_os_str().as_encoded_bytes()
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // What cannot be removed stays.
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn files_as_chunks() -> LuaResult<()> {
    let mut lua = new_state();
    let chunks: [(&[u8], i64); 6] = [
        (b"return 1", 1),
        (b"#!/usr/bin/lua\nreturn 2", 2),
        (b"\xef\xbb\xbfreturn 3", 3),
        (b"\xef\xbb\xbf# comment\nreturn 4", 4),
        (b"#", 0),
        (b"", 0),
    ];
    for (i, (contents, result)) in chunks.into_iter().enumerate() {
        let file = TemporaryFile::new(&format!("chunk{i}"), contents);
        assert_eq!(load_file(&mut lua, Some(file.name()), LoadMode::ANY), Ok(Status::Ok), "{i}");
        assert_eq!((lua.get_top(), lua.lua_type(1)), (1, LuaType::Function));
        lua.call(0, 1)?;
        assert_eq!(lua.to_integer(-1).unwrap_or(0), result);
        lua.set_top(0)?;
    }
    Ok(())
}

#[test]
fn files_that_are_no_chunks() -> LuaResult<()> {
    let mut lua = new_state();
    let file = TemporaryFile::new("faulty", b"# first\n\nx x");
    let name = file.0.display().to_string();
    assert_eq!(load_file(&mut lua, Some(file.name()), LoadMode::ANY), Ok(Status::ErrSyntax));
    assert_eq!(string(&lua, -1), format!("{name}:3: syntax error near 'x'"));
    assert_eq!(load_file(&mut lua, Some(file.name()), LoadMode::BINARY), Ok(Status::ErrSyntax));
    assert_eq!(string(&lua, -1), "attempt to load a text chunk (mode is 'b')");
    assert_eq!(load_file(&mut lua, Some(b"/nowhere/at all"), LoadMode::ANY), Ok(Status::ErrFile));
    assert_eq!(string(&lua, -1), "cannot open /nowhere/at all: No such file or directory");
    assert_eq!(load_file(&mut lua, Some(b"/"), LoadMode::ANY), Ok(Status::ErrFile));
    assert_eq!(string(&lua, -1), "cannot read /: Is a directory");
    assert_eq!(lua.get_top(), 4, "one message each");
    Ok(())
}

#[test]
fn files_that_are_run() -> LuaResult<()> {
    let mut lua = new_state();
    let file = TemporaryFile::new("run", b"return 1, 'two', ...");
    assert_eq!(do_file(&mut lua, Some(file.name())), Ok(Status::Ok));
    assert_eq!((lua.get_top(), lua.to_integer(1), string(&lua, 2).as_str()), (2, Some(1), "two"));
    let file = TemporaryFile::new("fails", b"\nlocal t = nil + 1");
    assert_eq!(do_file(&mut lua, Some(file.name())), Ok(Status::ErrRun));
    assert!(string(&lua, -1).ends_with("fails:2: attempt to perform arithmetic on a nil value"));
    assert_eq!(do_file(&mut lua, Some(b"/nowhere")), Ok(Status::ErrFile));
    assert_eq!(lua.get_top(), 4);
    Ok(())
}

#[test]
fn results_of_requests_to_the_system() -> LuaResult<()> {
    let mut lua = new_state();
    assert_eq!(file_result(&mut lua, true, None), Ok(1));
    assert!(lua.to_boolean(-1) && lua.get_top() == 1);
    for (name, message) in
        [(None, "No such file or directory"), (Some(&b"a file"[..]), "a file: No such file or directory")]
    {
        fs::metadata("/nowhere/at all").expect_err("there is no such file");
        assert_eq!(file_result(&mut lua, false, name), Ok(3));
        assert!(lua.is_nil(-3));
        assert_eq!((string(&lua, -2).as_str(), lua.to_integer(-1)), (message, Some(2)));
    }
    Ok(())
}

#[test]
fn results_of_processes() -> LuaResult<()> {
    let mut lua = new_state();
    // As `system` returns them: the code in the second byte, or a signal in the first one.
    for (status, ok, what, code) in
        [(0, true, "exit", 0), (3 << 8, false, "exit", 3), (9, false, "signal", 9), (255 << 8, false, "exit", 255)]
    {
        assert_eq!(exec_result(&mut lua, status), Ok(3));
        assert_eq!((lua.to_boolean(-3), lua.is_nil(-3)), (ok, !ok));
        assert_eq!((string(&lua, -2).as_str(), lua.to_integer(-1)), (what, Some(code)));
    }
    // There was no process.
    fs::metadata("/nowhere/at all").expect_err("there is no such file");
    assert_eq!(exec_result(&mut lua, -1), Ok(3));
    assert_eq!((string(&lua, -2).as_str(), lua.to_integer(-1)), ("No such file or directory", Some(2)));
    Ok(())
}

/// Closes the stream of its argument.
fn close(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_str("closed by the host")?;
    Ok(1)
}

#[test]
fn streams_of_the_host() -> LuaResult<()> {
    let mut lua = new_state();
    open_libs(&mut lua)?;
    let stream = new_stream(&mut lua)?;
    lua.push_value(-1)?;
    lua.set_global("stream")?;
    assert!(lua.test_userdata(-1, FILE_HANDLE).is_some());
    assert_eq!(lua.do_str("return tostring(stream), io.type(stream), pcall(stream.read, stream)"), Status::Ok);
    assert_eq!((string(&lua, -4).as_str(), string(&lua, -3).as_str()), ("file (closed)", "closed file"));
    assert_eq!(string(&lua, -1), "attempt to use a closed file");
    let file = TemporaryFile::new("stream", b"line one\nline two\n");
    // SAFETY: the handle lies on the stack, and the C strings end with a NUL.
    unsafe {
        let name = std::ffi::CString::new(file.name()).expect("no NUL in it");
        (*stream.as_ptr()).file = libc::fopen(name.as_ptr(), c"r".as_ptr());
        assert!(!(*stream.as_ptr()).file.is_null());
        (*stream.as_ptr()).close = Some(close);
    }
    assert_eq!(lua.do_str("return stream:read('l', 'n', 'L'), io.type(stream), stream:close()"), Status::Ok);
    assert_eq!((string(&lua, -3).as_str(), string(&lua, -2).as_str()), ("line one", "file"));
    assert_eq!(string(&lua, -1), "closed by the host");
    assert_eq!(lua.do_str("return io.type(stream)"), Status::Ok);
    assert_eq!(string(&lua, -1), "closed file");
    // SAFETY: the handle still lies on the stack; the host has kept the C stream.
    unsafe { libc::fclose((*stream.as_ptr()).file) };
    Ok(())
}

/// The libraries, one function of each, and the number of fields that the reference gives them.
const LIBRARIES: [(&str, NativeFn, &str, i64); 11] = [
    ("_G", open_base, "ipairs", 24),
    ("package", open_package, "searchpath", 8),
    ("coroutine", open_coroutine, "wrap", 7),
    ("table", open_table, "concat", 7),
    ("io", open_io, "lines", 14),
    ("os", open_os, "time", 11),
    ("string", open_string, "rep", 17),
    ("math", open_math, "floor", 35),
    ("utf8", open_utf8, "char", 6),
    ("debug", open_debug, "traceback", 16),
    ("bit32", open_bit32, "band", 12),
];

fn count_fields(lua: &mut LuaState) -> LuaResult<i64> {
    let mut count = 0;
    lua.push_nil()?;
    while lua.next(-2)? {
        lua.pop(1);
        count += 1;
    }
    Ok(count)
}

#[test]
fn each_library_by_itself() -> LuaResult<()> {
    for (name, open, function, fields) in LIBRARIES {
        let mut lua = new_state();
        lua.require_f(name, open, false)?;
        assert_eq!(lua.get_top(), 1);
        assert_eq!(lua.get_field(-1, function)?, LuaType::Function, "{name}.{function}");
        lua.pop(1);
        let count = count_fields(&mut lua)?;
        assert_eq!(count, fields, "{name}");
        lua.get_global(name)?;
        assert_eq!(lua.is_nil(-1), name != "_G", "{name} is no global yet");
    }
    Ok(())
}

#[test]
fn all_libraries() -> LuaResult<()> {
    let mut lua = new_state();
    open_libs(&mut lua)?;
    assert_eq!(lua.get_top(), 0);
    lua.get_field(REGISTRY_INDEX, LOADED_TABLE)?;
    for (name, _, function, _) in LIBRARIES {
        assert_eq!(lua.get_global(name)?, LuaType::Table);
        assert_eq!(lua.get_field(-1, function)?, LuaType::Function);
        lua.get_field(1, name)?;
        assert!(lua.raw_equal(-1, -3), "{name} is loaded");
        lua.set_top(1)?;
    }
    assert_eq!(count_fields(&mut lua)?, LIBRARIES.len() as i64);
    Ok(())
}

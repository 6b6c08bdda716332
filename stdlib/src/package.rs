//! The package library (manual §6.3).
//!
//! `require` keeps its state in fixed slots of its frame (name, loaded table, searchers, what the searchers said) and calls
//! searchers and loaders stacklessly. There is no dynamic linking: the two C searchers find files and then say so.

use perilune_vm::{
    LOADED_TABLE, LoadMode, LuaResult, LuaState, LuaType, NativeFn, PRELOAD_TABLE, REGISTRY_INDEX, Status,
    upvalue_index,
};

use crate::message::{c_bytes, push_parts, raise_parts};

/// What stands between the directories of a path.
const DIRECTORY_SEPARATOR: &str = if cfg!(windows) { "\\" } else { "/" };
/// The initial `package.path`: the reference's, and where distributions put libraries, as their own packages of Lua look there.
const DEFAULT_PATH: &str = "/usr/local/share/lua/5.3/?.lua;/usr/local/share/lua/5.3/?/init.lua;\
    /usr/local/lib/lua/5.3/?.lua;/usr/local/lib/lua/5.3/?/init.lua;\
    /usr/share/lua/5.3/?.lua;/usr/share/lua/5.3/?/init.lua;./?.lua;./?/init.lua";
/// The initial `package.cpath`.
const DEFAULT_CPATH: &str = "/usr/local/lib/lua/5.3/?.so;/usr/local/lib/lua/5.3/loadall.so;./?.so";
/// Why a C library cannot be loaded.
const NO_LIBRARIES: &str = "dynamic libraries not enabled; check your Lua installation";

/// The slot of the module's name in `require`.
const NAME_SLOT: i32 = 1;
/// The slot of the table of loaded modules in `require`.
const LOADED_SLOT: i32 = 2;
/// The slot of the table of searchers in `require`.
const SEARCHERS_SLOT: i32 = 3;
/// The slot of what the searchers have said so far, in `require`.
const MESSAGE_SLOT: i32 = 4;

/// `require (modname)` (§6.3)
fn require(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1.
    let name = unsafe { lua.check_str(NAME_SLOT)?.bytes() };
    lua.set_top(NAME_SLOT)?;
    if name.contains(&0) {
        // A module's name ends at a NUL, for all that follows.
        lua.push_bytes(c_bytes(name))?;
        lua.replace(NAME_SLOT);
    }
    lua.get_field(REGISTRY_INDEX, LOADED_TABLE)?;
    lua.seem_unyieldable();
    lua.push_value(NAME_SLOT)?;
    lua.get_table_then(LOADED_SLOT, 0, |lua, _, _| require_unless_loaded(lua))?;
    require_unless_loaded(lua)
}

/// Returns what is loaded already, which is on top, or goes on with the table of searchers.
fn require_unless_loaded(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.to_boolean(-1) {
        return Ok(1);
    }
    lua.pop(1);
    lua.get_field_then(upvalue_index(1), "searchers", 0, |lua, _, _| ask_searchers(lua))?;
    ask_searchers(lua)
}

/// Asks the searchers, whose table is on top.
fn ask_searchers(lua: &mut LuaState) -> LuaResult<usize> {
    if !lua.is_table(SEARCHERS_SLOT) {
        return Err(lua.raise(format_args!("'package.searchers' must be a table")));
    }
    lua.push_str("")?;
    ask_searcher(lua, 1)
}

/// Calls the searcher number `index` for a loader of the module.
fn ask_searcher(lua: &mut LuaState, index: isize) -> LuaResult<usize> {
    if lua.raw_get_i(SEARCHERS_SLOT, index as i64)? == LuaType::Nil {
        let name = lua.to_str(NAME_SLOT)?;
        let message = lua.to_str(MESSAGE_SLOT)?;
        // SAFETY: L1, for both.
        let [name, message] = unsafe { [name, message].map(|text| text.map_or(&[][..], |text| text.bytes())) };
        return Err(raise_parts(lua, &[b"module '", name, b"' not found:", c_bytes(message)]));
    }
    lua.push_value(NAME_SLOT)?;
    lua.call_then(1, 2, index, heed_searcher)
}

/// Calls the loader that a searcher found, or notes what the searcher said and asks the next one.
fn heed_searcher(lua: &mut LuaState, _: Status, index: isize) -> LuaResult<usize> {
    if lua.is_function(-2) {
        // The loader gets the name and then what the searcher returned with it.
        lua.push_value(NAME_SLOT)?;
        lua.insert(-2);
        return lua.call_then(2, 1, 0, finish_require);
    }
    lua.pop(1);
    if lua.is_string(-1) {
        lua.push_value(MESSAGE_SLOT)?;
        lua.insert(-2);
        lua.concat(2)?;
        lua.replace(MESSAGE_SLOT);
    } else {
        lua.pop(1);
    }
    ask_searcher(lua, index + 1)
}

/// Notes what the loader returned as the module's value.
fn finish_require(lua: &mut LuaState, _: Status, _: isize) -> LuaResult<usize> {
    if !lua.is_nil(-1) {
        lua.push_value(NAME_SLOT)?;
        lua.insert(-2);
        lua.set_table_then(LOADED_SLOT, 0, |lua, _, _| read_module(lua))?;
    }
    read_module(lua)
}

/// Reads the module's value.
fn read_module(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_value(NAME_SLOT)?;
    lua.get_table_then(LOADED_SLOT, 0, |lua, _, _| return_module(lua))?;
    return_module(lua)
}

/// Returns the module's value, which is on top; if nobody set one, it is true.
fn return_module(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.is_nil(-1) {
        lua.push_boolean(true)?;
        lua.push_value(NAME_SLOT)?;
        lua.push_boolean(true)?;
        lua.set_table_then(LOADED_SLOT, 0, |_, _, _| Ok(1))?;
    }
    Ok(1)
}

/// `package.loadlib (libname, funcname)` (§6.3)
fn loadlib(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_str(1)?;
    lua.check_str(2)?;
    lua.push_nil()?;
    lua.push_str(NO_LIBRARIES)?;
    lua.push_str("absent")?;
    Ok(3)
}

/// `package.searchpath (name, path [, sep [, rep]])` (§6.3)
fn searchpath(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1, for all four.
    let (name, path, separator, replacement) = unsafe {
        (
            lua.check_str(1)?.bytes(),
            lua.check_str(2)?.bytes(),
            lua.opt_str(3)?.map_or(&b"."[..], |text| text.bytes()),
            lua.opt_str(4)?.map_or(DIRECTORY_SEPARATOR.as_bytes(), |text| text.bytes()),
        )
    };
    if search(lua, c_bytes(name), c_bytes(path), c_bytes(separator), c_bytes(replacement))? {
        return Ok(1);
    }
    lua.push_nil()?;
    lua.insert(-2);
    Ok(2)
}

/// Looks for a readable file of a path and pushes its name; if there is none, pushes a message with all that was tried.
///
/// The strings must stay in their slots.
fn search(lua: &mut LuaState, name: &[u8], path: &[u8], separator: &[u8], replacement: &[u8]) -> LuaResult<bool> {
    let name = if separator.is_empty() {
        name
    } else {
        // SAFETY: L1; it stays below what is pushed later.
        c_bytes(unsafe { lua.push_gsub(name, separator, replacement)?.bytes() })
    };
    lua.push_str("")?;
    let message = lua.get_top();
    for template in path.split(|&byte| byte == b';').filter(|template| !template.is_empty()) {
        // SAFETY: L1.
        let file_name = unsafe { lua.push_gsub(template, b"?", name)?.bytes() };
        if is_readable(file_name) {
            return Ok(true);
        }
        lua.push_value(message)?;
        push_parts(lua, &[b"\n\tno file '", file_name, b"'"])?;
        lua.concat(2)?;
        lua.replace(message);
        lua.set_top(message)?;
    }
    Ok(false)
}

/// Whether a file can be opened for reading.
fn is_readable(file_name: &[u8]) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        std::fs::File::open(std::ffi::OsStr::from_bytes(file_name)).is_ok()
    }
    #[cfg(not(unix))]
    {
        core::str::from_utf8(file_name).is_ok_and(|name| std::fs::File::open(name).is_ok())
    }
}

/// Looks for a module's file in the path on top, the value of `package.path` or `package.cpath`; see [`search`].
fn find_file(lua: &mut LuaState, name: &[u8], path_field: &str) -> LuaResult<bool> {
    let Some(path) = lua.to_str(-1)? else {
        return Err(lua.raise(format_args!("'package.{path_field}' must be a string")));
    };
    // SAFETY: L1.
    let path = unsafe { path.bytes() };
    search(lua, name, c_bytes(path), b".", DIRECTORY_SEPARATOR.as_bytes())
}

/// Raises the error that a file was found but could not be loaded, for the reason on top of its name.
fn raise_load_error(lua: &mut LuaState, name: &[u8], file_name: &[u8]) -> LuaResult<usize> {
    // SAFETY: L1.
    let reason = lua.to_str(-1)?.map_or(&[][..], |text| unsafe { text.bytes() });
    let reason = c_bytes(reason);
    Err(raise_parts(lua, &[b"error loading module '", name, b"' from file '", file_name, b"':\n\t", reason]))
}

/// The name of the module that a searcher is asked for.
fn name_argument<'a>(lua: &mut LuaState) -> LuaResult<&'a [u8]> {
    // SAFETY: L1; the argument stays for the whole call, and the callers use it no longer.
    Ok(c_bytes(unsafe { lua.check_str(1)?.bytes() }))
}

/// The first searcher: `package.preload`.
fn search_preload(lua: &mut LuaState) -> LuaResult<usize> {
    let name = name_argument(lua)?;
    lua.get_field(REGISTRY_INDEX, PRELOAD_TABLE)?;
    lua.push_bytes(name)?;
    lua.get_table_then(-2, 0, |lua, _, _| return_preloaded(lua))?;
    return_preloaded(lua)
}

/// Returns the loader on top, or says that there is none.
fn return_preloaded(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.is_nil(-1) {
        let name = name_argument(lua)?;
        push_parts(lua, &[b"\n\tno field package.preload['", name, b"']"])?;
    }
    Ok(1)
}

/// The second searcher: a Lua file of `package.path`.
fn search_lua(lua: &mut LuaState) -> LuaResult<usize> {
    name_argument(lua)?;
    lua.get_field_then(upvalue_index(1), "path", 0, |lua, _, _| search_lua_file(lua))?;
    search_lua_file(lua)
}

/// Looks for a Lua file in the path on top.
fn search_lua_file(lua: &mut LuaState) -> LuaResult<usize> {
    let name = name_argument(lua)?;
    if !find_file(lua, name, "path")? {
        return Ok(1);
    }
    // SAFETY: L1; the name stays below the function.
    let file_name = lua.to_str(-1)?.map_or(&[][..], |text| unsafe { text.bytes() });
    if crate::load_file(lua, Some(file_name), LoadMode::ANY)? != Status::Ok {
        return raise_load_error(lua, name, file_name);
    }
    lua.push_bytes(file_name)?;
    Ok(2)
}

/// The third searcher: a C library of `package.cpath`, which cannot be loaded.
fn search_c(lua: &mut LuaState) -> LuaResult<usize> {
    name_argument(lua)?;
    lua.get_field_then(upvalue_index(1), "cpath", 0, |lua, _, _| refuse_own_library(lua))?;
    refuse_own_library(lua)
}

/// Looks for the C library of the name itself in the path on top.
fn refuse_own_library(lua: &mut LuaState) -> LuaResult<usize> {
    let name = name_argument(lua)?;
    refuse_library(lua, name, name)
}

/// The fourth searcher: a C library for the root of the name, which cannot be loaded.
fn search_c_root(lua: &mut LuaState) -> LuaResult<usize> {
    if !name_argument(lua)?.contains(&b'.') {
        return Ok(0);
    }
    lua.get_field_then(upvalue_index(1), "cpath", 0, |lua, _, _| refuse_root_library(lua))?;
    refuse_root_library(lua)
}

/// Looks for the C library of the name's root in the path on top.
fn refuse_root_library(lua: &mut LuaState) -> LuaResult<usize> {
    let name = name_argument(lua)?;
    let root = name.split(|&byte| byte == b'.').next().unwrap_or(name);
    refuse_library(lua, name, root)
}

/// Looks for the C library of `root` in the path on top; raises an error if there is one.
fn refuse_library(lua: &mut LuaState, name: &[u8], root: &[u8]) -> LuaResult<usize> {
    if !find_file(lua, root, "cpath")? {
        return Ok(1);
    }
    // SAFETY: L1.
    let file_name = lua.to_str(-1)?.map_or(&[][..], |text| unsafe { text.bytes() });
    lua.push_str(NO_LIBRARIES)?;
    raise_load_error(lua, name, file_name)
}

/// Sets `package.path` or `package.cpath` in the table on top, from the environment if it says something.
fn set_path(lua: &mut LuaState, field: &str, variables: [&str; 2], default: &str) -> LuaResult<()> {
    lua.get_field(REGISTRY_INDEX, "LUA_NOENV")?;
    let ignore_environment = lua.to_boolean(-1);
    lua.pop(1);
    match variables.into_iter().find_map(std::env::var_os).filter(|_| !ignore_environment) {
        None => lua.push_str(default)?,
        Some(path) => {
            // Two separators in a row stand for the default, which a mark keeps apart from the path meanwhile.
            // SAFETY: L1.
            let marked = unsafe { lua.push_gsub(path.as_encoded_bytes(), b";;", b";\x01;")?.bytes() };
            lua.push_gsub(marked, b"\x01", default.as_bytes())?;
            lua.remove(-2);
        }
    }
    lua.set_field(-2, field)
}

/// Makes the table of searchers, each with the package table on top as its upvalue, and sets it there.
fn set_searchers(lua: &mut LuaState) -> LuaResult<()> {
    const SEARCHERS: [NativeFn; 4] = [search_preload, search_lua, search_c, search_c_root];
    lua.create_table(SEARCHERS.len(), 0)?;
    for (index, searcher) in (1..).zip(SEARCHERS) {
        lua.push_value(-2)?;
        lua.push_native_closure(searcher, 1)?;
        lua.raw_set_i(-2, index)?;
    }
    lua.set_field(-2, "searchers")
}

/// The functions of the table, in the manual's order; `require` is a global.
const FUNCTIONS: &[(&str, NativeFn)] = &[("loadlib", loadlib), ("searchpath", searchpath)];

/// Opens the package library: sets `require` and pushes the table `package`.
#[doc(alias = "luaopen_package")]
pub fn open_package(lua: &mut LuaState) -> LuaResult<usize> {
    lua.new_lib(FUNCTIONS)?;
    set_searchers(lua)?;
    set_path(lua, "path", ["LUA_PATH_5_3", "LUA_PATH"], DEFAULT_PATH)?;
    set_path(lua, "cpath", ["LUA_CPATH_5_3", "LUA_CPATH"], DEFAULT_CPATH)?;
    push_parts(lua, &[DIRECTORY_SEPARATOR.as_bytes(), b"\n;\n?\n!\n-\n"])?;
    lua.set_field(-2, "config")?;
    lua.get_subtable(REGISTRY_INDEX, LOADED_TABLE)?;
    lua.set_field(-2, "loaded")?;
    lua.get_subtable(REGISTRY_INDEX, PRELOAD_TABLE)?;
    lua.set_field(-2, "preload")?;
    lua.push_global_table()?;
    lua.push_value(-2)?;
    lua.set_funcs(&[("require", require)], 1)?;
    lua.pop(1);
    Ok(1)
}

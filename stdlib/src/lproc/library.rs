//! Tables that every state has of its own: the libraries. In a message they stand for the receiver's.

use perilune_vm::{LOADED_TABLE, LuaResult, LuaState, LuaType, REGISTRY_INDEX};

/// The registry's key of the table from libraries to their names is the address of this.
static KEY: u8 = 0;

/// The libraries that processes have from the beginning, but for the globals.
const NAMES: &[&str] = &["package", "coroutine", "table", "io", "os", "string", "math", "utf8", "debug", "bit32"];

/// Notes the libraries that the state has by now, and this one, whose table is on top.
pub(super) fn note(lua: &mut LuaState) -> LuaResult<()> {
    let own = lua.get_top();
    lua.create_table(0, NAMES.len() + 1)?;
    lua.get_subtable(REGISTRY_INDEX, LOADED_TABLE)?;
    for name in NAMES {
        lua.push_str(name)?;
        if lua.raw_get(own + 2)? == LuaType::Table {
            lua.push_str(name)?;
            lua.raw_set(own + 1)?;
        } else {
            lua.pop(1);
        }
    }
    lua.pop(1);
    lua.push_value(own)?;
    lua.push_str("lproc")?;
    lua.raw_set(own + 1)?;
    lua.raw_set_p(REGISTRY_INDEX, (&raw const KEY).cast())
}

/// Pushes the table from libraries to their names, or nil.
pub(super) fn push_names(lua: &mut LuaState) -> LuaResult<()> {
    lua.raw_get_p(REGISTRY_INDEX, (&raw const KEY).cast())?;
    if !lua.is_table(-1) {
        lua.pop(1);
        lua.push_nil()?;
    }
    Ok(())
}

/// Pushes the library of a name.
pub(super) fn push(lua: &mut LuaState, name: &[u8]) -> LuaResult<()> {
    lua.push_str(LOADED_TABLE)?;
    lua.raw_get(REGISTRY_INDEX)?;
    if lua.is_table(-1) {
        lua.push_bytes(name)?;
        if lua.raw_get(-2)? == LuaType::Table {
            lua.remove(-2);
            return Ok(());
        }
    }
    let name = String::from_utf8_lossy(name);
    Err(lua.raise_plain(format_args!("a message needs the library '{name}', which is not loaded here")))
}

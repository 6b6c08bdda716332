//! Where an error happened: positions and tracebacks (manual §5.1, `luaL_where` and `luaL_traceback`).

use core::fmt::Write;

use perilune_core::LuaType;
use perilune_core::base::limits::REGISTRY_INDEX;

use super::library::LOADED_TABLE;
use super::{Buffer, FixedBuf};
use crate::api::ThreadRef;
use crate::debug::messages::push_pieces;
use crate::debug::{Activation, DebugInfo};
use crate::error::LuaResult;
use crate::state::LuaState;

/// How many levels a long traceback shows at its beginning.
const FIRST_LEVELS: i32 = 10;
/// How many it shows at its end.
const LAST_LEVELS: i32 = 11;

impl LuaState {
    /// Pushes `chunk:line: ` for the function at a level, or an empty string if that is not known. Level 0 is the running
    /// function, level 1 the one that called it.
    #[doc(alias = "luaL_where")]
    pub fn where_(&mut self, level: i32) -> LuaResult<()> {
        if let Some(activation) = self.get_stack(level) {
            let info = self.get_info("Sl", Some(activation))?;
            if info.current_line > 0 {
                let mut line = FixedBuf::<16>::new();
                // A truncating buffer takes everything.
                let _ = write!(line, ":{}: ", info.current_line);
                return push_pieces(self, &[info.short_src(), line.as_bytes()]);
            }
        }
        self.push_str("")
    }

    /// Pushes a traceback of a thread (by default this one) from a level on, behind a message if there is one.
    ///
    /// The thread must be one that the running function can name (see [`push_thread_ref`](Self::push_thread_ref)). If the
    /// message is a slice of a Lua string, that must stay on the stack.
    #[doc(alias = "luaL_traceback")]
    pub fn traceback(&mut self, of: Option<ThreadRef>, msg: Option<&[u8]>, level: i32) -> LuaResult<()> {
        let of = of.unwrap_or(ThreadRef::from_object(self.thread()));
        self.check_thread(of)?;
        // SAFETY: M1: `check_thread` found the thread, and from now on it lies on the stack.
        let other = unsafe { of.state() };
        let top = self.get_top();
        // A finalizer may change the upvalue that holds the thread, but not the frame.
        self.push_thread_ref(of)?;
        let mut text = Buffer::new(self)?;
        if let Some(msg) = msg {
            text.extend(self, msg)?;
            text.push_byte(self, b'\n')?;
        }
        text.extend(self, b"stack traceback:")?;
        let last = last_level(other);
        let mut level = level;
        let mut until_gap = if last.saturating_sub(level) > FIRST_LEVELS + LAST_LEVELS { FIRST_LEVELS } else { -1 };
        while let Some(activation) = other.get_stack(level) {
            if until_gap == 0 {
                text.extend(self, b"\n\t...")?;
                level = last - LAST_LEVELS + 1;
            } else {
                add_level(self, other, activation, &mut text)?;
                level += 1;
            }
            until_gap -= 1;
        }
        text.finish(self)?;
        self.copy(-1, top + 1);
        self.set_top(top + 1)
    }

    /// Replaces the function on top by its name, if a loaded module has it as a field; otherwise pops it and returns false.
    #[doc(alias = "pushglobalfuncname")]
    pub(crate) fn name_global_function(&mut self) -> LuaResult<bool> {
        let function = self.get_top();
        self.get_field(REGISTRY_INDEX, LOADED_TABLE)?;
        if !find_field(self, function, 2)? {
            self.set_top(function - 1)?;
            return Ok(false);
        }
        if let Some(name) = self.to_str(-1)? {
            // SAFETY: the name stays on the stack.
            let bytes = unsafe { name.bytes() };
            if let Some(rest) = bytes.strip_prefix(b"_G.") {
                self.push_bytes(rest)?;
            }
        }
        self.copy(-1, function);
        self.set_top(function)?;
        Ok(true)
    }
}

/// Looks in the table on top, and `level - 1` tables deep in its fields, for a value that is equal to the one at an index.
/// Pushes the path of names to it if there is one.
#[doc(alias = "findfield")]
fn find_field(lua: &mut LuaState, wanted: i32, level: i32) -> LuaResult<bool> {
    if level == 0 || !lua.is_table(-1) {
        return Ok(false);
    }
    lua.push_nil()?;
    while lua.next(-2)? {
        if lua.lua_type(-2) == LuaType::String {
            if lua.raw_equal(wanted, -1) {
                lua.pop(1);
                return Ok(true);
            }
            if find_field(lua, wanted, level - 1)? {
                lua.remove(-2);
                lua.push_str(".")?;
                lua.insert(-2);
                lua.concat(3)?;
                return Ok(true);
            }
        }
        lua.pop(1);
    }
    Ok(false)
}

/// The highest level that there is: doubles, then halves.
#[doc(alias = "lastlevel")]
fn last_level(lua: &LuaState) -> i32 {
    let (mut low, mut high) = (1, 1);
    while lua.get_stack(high).is_some() {
        low = high;
        high *= 2;
    }
    while low < high {
        let middle = (low + high) / 2;
        if lua.get_stack(middle).is_some() { low = middle + 1 } else { high = middle }
    }
    high - 1
}

/// Adds a traceback's line about one level.
fn add_level(lua: &mut LuaState, other: &mut LuaState, activation: Activation, text: &mut Buffer) -> LuaResult<()> {
    if !other.check_stack(4) {
        return Err(lua.raise_plain(format_args!("stack overflow")));
    }
    let info = other.get_info("Slntf", Some(activation))?;
    other.xmove(lua, 1)?;
    // The thread may go on and its functions may vanish while text is added: finalizers can do anything.
    // SAFETY: nothing has run since the name was found.
    unsafe { lua.push_name(info.name) }?;
    lua.rotate(-2, 1);
    text.extend(lua, b"\n\t")?;
    text.extend(lua, info.short_src())?;
    text.push_byte(lua, b':')?;
    if info.current_line > 0 {
        text.write_fmt(lua, format_args!("{}:", info.current_line))?;
    }
    text.extend(lua, b" in ")?;
    add_function_name(lua, &info, text)?;
    lua.pop(1);
    if info.is_tail_call {
        text.extend(lua, b"\n\t(...tail calls...)")?;
    }
    Ok(())
}

/// Adds what a traceback calls the function that lies on top, above its name, and pops the function.
#[doc(alias = "pushfuncname")]
fn add_function_name(lua: &mut LuaState, info: &DebugInfo, text: &mut Buffer) -> LuaResult<()> {
    lua.push_value(-1)?;
    if lua.name_global_function()? {
        text.extend(lua, b"function '")?;
        text.add_value(lua)?;
        text.push_byte(lua, b'\'')?;
    } else if let (false, Some(name)) = (info.name_what.is_empty(), info.name) {
        text.extend(lua, info.name_what.as_bytes())?;
        text.extend(lua, b" '")?;
        // SAFETY: O2: the name lies on the stack, if it is no fixed one.
        text.extend(lua, unsafe { name.bytes() })?;
        text.push_byte(lua, b'\'')?;
    } else if info.what == "main" {
        text.extend(lua, b"main chunk")?;
    } else if info.what != "C" {
        text.extend(lua, b"function <")?;
        text.extend(lua, info.short_src())?;
        text.write_fmt(lua, format_args!(":{}>", info.line_defined))?;
    } else {
        text.push_byte(lua, b'?')?;
    }
    lua.pop(1);
    Ok(())
}

//! The basic library (manual §6.1).
//!
//! What runs other functions (`pcall`, `xpcall`, `dofile`, `pairs`, `print`, `tostring`, a `load` with a reader) does so
//! stacklessly: it asks for the call and goes on in a continuation, so that it takes no native stack and a coroutine may
//! yield inside. Where the reference cannot yield, `coroutine.isyieldable` says no.

use perilune_vm::{
    Answer, ChunkReader, LoadMode, LuaResult, LuaState, LuaType, MULTRET, NativeFn, QuickCall, QuickNative,
    SAME_HANDLER, Status, Thrown, native_ipairs_next, native_next, native_pcall, native_xpcall,
};

use crate::message::c_bytes;

/// `assert (v [, message])` (§6.1)
fn assert(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.to_boolean(1) {
        return Ok(lua.get_top() as usize);
    }
    lua.check_any(1)?;
    lua.remove(1);
    if lua.get_top() == 0 {
        lua.push_str("assertion failed!")?;
    }
    lua.set_top(1)?;
    error(lua)
}

/// `collectgarbage ([opt [, arg]])` (§6.1)
fn collectgarbage(lua: &mut LuaState) -> LuaResult<usize> {
    const OPTIONS: &[&str] = &["stop", "restart", "collect", "count", "step", "setpause", "setstepmul", "isrunning"];
    let option = lua.check_option(1, Some("collect"), OPTIONS)?;
    // The argument is a C int there: the higher bits are dropped.
    let arg = lua.opt_integer(2, 0)? as i32;
    let mut result = 0;
    match OPTIONS[option] {
        "stop" => lua.gc_stop(),
        "restart" => lua.gc_restart(),
        "collect" => lua.gc_collect()?,
        "count" => {
            lua.push_number(lua.gc_count() as f64 / 1024.0)?;
            return Ok(1);
        }
        "step" => {
            let finished = lua.gc_step(arg)?;
            lua.push_boolean(finished)?;
            return Ok(1);
        }
        "setpause" => result = lua.gc_set_pause(arg),
        "setstepmul" => result = lua.gc_set_step_mul(arg),
        _ => {
            lua.push_boolean(lua.gc_is_running())?;
            return Ok(1);
        }
    }
    lua.push_integer(i64::from(result))?;
    Ok(1)
}

/// `dofile ([filename])` (§6.1)
#[cfg(feature = "std")]
fn dofile(lua: &mut LuaState) -> LuaResult<usize> {
    let file_name = lua.opt_str(1)?;
    lua.set_top(1)?;
    // SAFETY: L1.
    let file_name = file_name.map(|name| unsafe { name.bytes() });
    if crate::load_file(lua, file_name, LoadMode::ANY)? != Status::Ok {
        return Err(lua.error());
    }
    lua.call_then(0, MULTRET, 0, |lua, _, _| Ok(lua.get_top() as usize - 1))
}

/// `error (message [, level])` (§6.1)
fn error(lua: &mut LuaState) -> LuaResult<usize> {
    let level = lua.opt_integer(2, 1)? as i32;
    lua.set_top(1)?;
    if lua.lua_type(1) == LuaType::String && level > 0 {
        lua.where_(level)?;
        lua.push_value(1)?;
        lua.concat(2)?;
    }
    Err(lua.error())
}

/// `getmetatable (object)` (§6.1)
fn getmetatable(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_any(1)?;
    if lua.get_metatable(1)? {
        // If there is such a field, its value comes on top of the metatable.
        lua.get_meta_field(1, "__metatable")?;
    } else {
        lua.push_nil()?;
    }
    Ok(1)
}

/// Calls a metamethod that answers for `pairs` or `ipairs`, if the argument has it.
fn call_iteration_metamethod(lua: &mut LuaState, event: &str) -> LuaResult<Option<LuaResult<usize>>> {
    lua.check_any(1)?;
    if has_meta_field(lua, event)? {
        lua.push_value(1)?;
        lua.seem_unyieldable();
        return Ok(Some(lua.call_then(1, 3, 0, |_, _, _| Ok(3))));
    }
    Ok(None)
}

/// Pushes a metafield of the first argument, if it is there and not nil.
fn has_meta_field(lua: &mut LuaState, event: &str) -> LuaResult<bool> {
    Ok(!matches!(lua.get_meta_field(1, event)?, LuaType::None | LuaType::Nil))
}

/// `ipairs (t)` (§6.1)
fn ipairs(lua: &mut LuaState) -> LuaResult<usize> {
    if let Some(called) = call_iteration_metamethod(lua, "__ipairs")? {
        return called;
    }
    lua.push_native(native_ipairs_next)?;
    lua.push_value(1)?;
    lua.push_integer(0)?;
    Ok(3)
}

/// `load (chunk [, chunkname [, mode [, env]]])` (§6.1)
fn load(lua: &mut LuaState) -> LuaResult<usize> {
    let chunk = lua.to_str(1)?;
    let mode = load_mode(lua, 3)?;
    let name = lua.opt_str(2)?;
    if let Some(chunk) = chunk {
        // SAFETY: L1.
        let (chunk, name) = unsafe { (chunk.bytes(), name.unwrap_or(chunk).bytes()) };
        let env = environment_argument(lua, 4);
        let status = lua.load_bytes(chunk, c_bytes(name), mode);
        return finish_load(lua, status, env);
    }
    lua.check_type(1, LuaType::Function)?;
    // Whether there is an environment must outlive the slots that are added: the flag at 5 says so.
    let has_env = !lua.is_none(4);
    lua.set_top(4)?;
    lua.push_boolean(has_env)?;
    if !lua.can_yield() {
        // SAFETY: L1.
        let name = lua.opt_str(2)?.map_or(&b"=(load)"[..], |name| unsafe { name.bytes() });
        lua.push_nil()?;
        let status = lua.load(&mut ReaderFunction, c_bytes(name), mode);
        return finish_load(lua, status, has_env.then_some(4));
    }
    lua.new_table()?;
    lua.push_integer(0)?;
    lua.push_integer(0)?;
    lua.seem_unyieldable();
    ask_for_piece(lua, 0)
}

/// Calls the reader of `load` for each piece when the compiler wants it, where the reader could not yield anyway.
struct ReaderFunction;

impl ChunkReader for ReaderFunction {
    fn read(&mut self, lua: &mut LuaState) -> LuaResult<&[u8]> {
        lua.ensure_stack(2, "too many nested functions")?;
        lua.push_value(1)?;
        lua.call(0, 1)?;
        if lua.is_nil(-1) {
            lua.pop(1);
            return Ok(&[]);
        }
        if !lua.is_string(-1) {
            return Err(lua.raise(format_args!("{NO_STRING}")));
        }
        // The piece stays there until the next one is wanted.
        lua.replace(LOAD_PIECES);
        // SAFETY: L1.
        Ok(unsafe { lua.check_str(LOAD_PIECES)?.bytes() })
    }
}

/// What is wrong with a piece that is no text.
const NO_STRING: &str = "reader function must return a string";
/// The slot that tells `load` whether an environment was given.
const LOAD_ENV_FLAG: i32 = 5;
/// The slot of the piece that a reader gave last, or, if the reader may yield, of the table of all pieces that it gave. The compiler
/// cannot wait in its midst; so it tries what there is from the beginning, and gives up where it needs what is not there yet.
const LOAD_PIECES: i32 = 6;
/// The slot of how many bytes the pieces have.
const LOAD_BYTES: i32 = 7;
/// The slot of how many bytes were tried, all attempts together.
const LOAD_TRIED: i32 = 8;
/// How many bytes more than there are may be tried: up to here there is an attempt after each piece, so that the reader is not called
/// any more after an error; beyond, there is one when the bytes have doubled, lest a chunk of many pieces take long.
const TRIED_FREELY: i64 = 64 << 10;

/// Calls the reader of `load` for the piece after the first `count`.
fn ask_for_piece(lua: &mut LuaState, count: isize) -> LuaResult<usize> {
    lua.ensure_stack(2, "too many nested functions")?;
    lua.push_value(1)?;
    lua.pcall_then(0, 1, SAME_HANDLER, count, take_piece)
}

/// Keeps the piece that the reader of `load` returned, and asks for another one unless the chunk ends here, or in an error before.
fn take_piece(lua: &mut LuaState, status: Status, count: isize) -> LuaResult<usize> {
    if status.is_error() {
        return finish_load(lua, status, None);
    }
    let length = match lua.to_str(-1)? {
        Some(piece) => piece.len() as i64,
        None if lua.is_nil(-1) => 0,
        None => {
            let thrown = lua.raise(format_args!("{NO_STRING}"));
            lua.error_to_top(thrown);
            return finish_load(lua, thrown.status(), None);
        }
    };
    let mut pieces = Pieces { next: 1, count: count as i64, is_all: length == 0, ran_out: false };
    if pieces.is_all {
        lua.pop(1);
    } else {
        pieces.count += 1;
        lua.raw_set_i(LOAD_PIECES, pieces.count)?;
        let bytes = lua.to_integer(LOAD_BYTES).unwrap_or(0) + length;
        lua.push_integer(bytes)?;
        lua.replace(LOAD_BYTES);
        let tried = lua.to_integer(LOAD_TRIED).unwrap_or(0);
        if tried > bytes + TRIED_FREELY {
            return ask_for_piece(lua, count + 1);
        }
        lua.push_integer(tried + bytes)?;
        lua.replace(LOAD_TRIED);
    }
    // SAFETY: L1.
    let name = lua.opt_str(2)?.map_or(&b"=(load)"[..], |name| unsafe { name.bytes() });
    let mode = load_mode(lua, 3)?;
    let env = lua.to_boolean(LOAD_ENV_FLAG).then_some(4);
    let status = lua.load(&mut pieces, c_bytes(name), mode);
    if pieces.ran_out {
        lua.pop(1);
        return ask_for_piece(lua, count + 1);
    }
    finish_load(lua, status, env)
}

/// Reads the pieces that `load` has gathered, which all stay in their table.
struct Pieces {
    next: i64,
    count: i64,
    /// Whether the chunk ends with them; if not, who asks for more gets an error.
    is_all: bool,
    /// Whether that has happened.
    ran_out: bool,
}

impl ChunkReader for Pieces {
    fn read(&mut self, lua: &mut LuaState) -> LuaResult<&[u8]> {
        if self.next > self.count {
            if self.is_all {
                return Ok(&[]);
            }
            self.ran_out = true;
            // It is nobody's error, so no message handler is to hear of it.
            lua.push_nil()?;
            return Err(Thrown::Runtime);
        }
        lua.raw_get_i(LOAD_PIECES, self.next)?;
        self.next += 1;
        let piece = lua.to_str(-1)?;
        lua.pop(1);
        // SAFETY: L1; the string stays in the table.
        Ok(piece.map_or(&[], |piece| unsafe { piece.bytes() }))
    }
}

/// The load mode that an optional argument names, whose string must stay in the argument's slot.
fn load_mode(lua: &mut LuaState, arg: i32) -> LuaResult<LoadMode<'static>> {
    // SAFETY: L1; the functions here leave their arguments where they are until the chunk is loaded.
    Ok(lua.opt_str(arg)?.map_or(LoadMode::ANY, |mode| LoadMode::from_bytes(c_bytes(unsafe { mode.bytes() }))))
}

/// The index of the environment argument, if it was given (nil counts).
fn environment_argument(lua: &LuaState, arg: i32) -> Option<i32> {
    (!lua.is_none(arg)).then_some(arg)
}

/// Gives a loaded function on top its environment and returns it, or returns nil and the message on top.
fn finish_load(lua: &mut LuaState, status: Status, env: Option<i32>) -> LuaResult<usize> {
    if status != Status::Ok {
        lua.push_nil()?;
        lua.insert(-2);
        return Ok(2);
    }
    if let Some(env) = env {
        lua.push_value(env)?;
        // A function without upvalues has no use for an environment, and leaves the value on the stack.
        if lua.set_upvalue(-2, 1)?.is_none() {
            lua.pop(1);
        }
    }
    Ok(1)
}

/// `loadfile ([filename [, mode [, env]]])` (§6.1)
#[cfg(feature = "std")]
fn loadfile(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1.
    let file_name = lua.opt_str(1)?.map(|name| unsafe { name.bytes() });
    let mode = load_mode(lua, 2)?;
    let env = environment_argument(lua, 3);
    let status = crate::load_file(lua, file_name, mode)?;
    finish_load(lua, status, env)
}

/// `pairs (t)` (§6.1)
fn pairs(lua: &mut LuaState) -> LuaResult<usize> {
    if let Some(called) = call_iteration_metamethod(lua, "__pairs")? {
        return called;
    }
    lua.push_native(native_next)?;
    lua.push_value(1)?;
    lua.push_nil()?;
    Ok(3)
}

/// `print (···)` (§6.1)
#[cfg(feature = "std")]
fn print(lua: &mut LuaState) -> LuaResult<usize> {
    lua.seem_unyieldable();
    lua.push_global_table()?;
    lua.get_field_then(-1, "tostring", 0, |lua, _, _| print_from(lua, 1))?;
    print_from(lua, 1)
}

/// Prints the arguments from `arg` on. Above the arguments lie the table of globals and the function `tostring`.
#[cfg(feature = "std")]
fn print_from(lua: &mut LuaState, arg: isize) -> LuaResult<usize> {
    let count = lua.get_top() as isize - 2;
    if arg > count {
        crate::stdio::end_stdout_line();
        return Ok(0);
    }
    lua.push_value(-1)?;
    lua.push_value(arg as i32)?;
    lua.call_then(1, 1, arg, print_text)
}

/// Prints what `tostring` has made of `arg`, and goes on with the next one.
#[cfg(feature = "std")]
fn print_text(lua: &mut LuaState, _: Status, arg: isize) -> LuaResult<usize> {
    let Some(text) = lua.to_str(-1)? else {
        return Err(lua.raise(format_args!("'tostring' must return a string to 'print'")));
    };
    if arg > 1 {
        crate::stdio::write_stdout(b"\t");
    }
    // SAFETY: L1.
    crate::stdio::write_stdout(unsafe { text.bytes() });
    lua.pop(1);
    print_from(lua, arg + 1)
}

/// `rawequal (v1, v2)` (§6.1)
fn rawequal(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_any(1)?;
    lua.check_any(2)?;
    lua.push_boolean(lua.raw_equal(1, 2))?;
    Ok(1)
}

/// `rawget (table, index)` (§6.1)
fn rawget(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_type(1, LuaType::Table)?;
    lua.check_any(2)?;
    lua.set_top(2)?;
    lua.raw_get(1)?;
    Ok(1)
}

/// `rawlen (v)` (§6.1)
fn rawlen(lua: &mut LuaState) -> LuaResult<usize> {
    let measurable = matches!(lua.lua_type(1), LuaType::Table | LuaType::String);
    lua.arg_check(measurable, 1, "table or string expected")?;
    lua.push_integer(lua.raw_len(1) as i64)?;
    Ok(1)
}

/// `rawset (table, index, value)` (§6.1)
fn rawset(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_type(1, LuaType::Table)?;
    lua.check_any(2)?;
    lua.check_any(3)?;
    lua.set_top(3)?;
    lua.raw_set(1)?;
    Ok(1)
}

/// `select (n, ···)` (§6.1)
fn select(lua: &mut LuaState) -> LuaResult<usize> {
    let top = i64::from(lua.get_top());
    if lua.str_at(1).is_some_and(|text| text.first() == Some(&b'#')) {
        lua.push_integer(top - 1)?;
        return Ok(1);
    }
    let wanted = lua.check_integer(1)?;
    let first = if wanted < 0 { wanted.wrapping_add(top) } else { wanted.min(top) };
    lua.arg_check(first >= 1, 1, "index out of range")?;
    Ok((top - first) as usize)
}

/// `setmetatable (table, metatable)` (§6.1)
fn setmetatable(lua: &mut LuaState) -> LuaResult<usize> {
    let kind = lua.lua_type(2);
    lua.check_type(1, LuaType::Table)?;
    lua.arg_check(matches!(kind, LuaType::Nil | LuaType::Table), 2, "nil or table expected")?;
    if has_meta_field(lua, "__metatable")? {
        return Err(lua.raise(format_args!("cannot change a protected metatable")));
    }
    lua.set_top(2)?;
    lua.set_metatable(1)?;
    Ok(1)
}

/// `tonumber (e [, base])` (§6.1)
fn tonumber(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.is_none_or_nil(2) {
        lua.check_any(1)?;
        if lua.lua_type(1) == LuaType::Number {
            lua.set_top(1)?;
            return Ok(1);
        }
        if let Some(text) = lua.to_str(1)? {
            // SAFETY: L1.
            if lua.string_to_number(unsafe { text.bytes() })? {
                return Ok(1);
            }
        }
    } else {
        let base = lua.check_integer(2)?;
        // Numbers are not taken for strings here.
        lua.check_type(1, LuaType::String)?;
        lua.arg_check((2..=36).contains(&base), 2, "base out of range")?;
        if let Some(value) = lua.str_at(1).and_then(|text| parse_in_base(text, base as u32)) {
            lua.push_integer(value)?;
            return Ok(1);
        }
    }
    lua.push_nil()?;
    Ok(1)
}

/// Reads an integer numeral in a base of at most 36; it wraps around like any integer.
fn parse_in_base(text: &[u8], base: u32) -> Option<i64> {
    const SPACE: fn(u8) -> bool = |byte| matches!(byte, b' ' | 0x09..=0x0d);
    let start = text.iter().position(|&byte| !SPACE(byte))?;
    let end = text.iter().rposition(|&byte| !SPACE(byte))?;
    let numeral = &text[start..=end];
    let (negative, digits) = match numeral {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value: i64 = 0;
    for &digit in digits {
        let digit = char::from(digit).to_digit(base)?;
        value = value.wrapping_mul(i64::from(base)).wrapping_add(i64::from(digit));
    }
    Some(if negative { value.wrapping_neg() } else { value })
}

/// `tostring (v)` (§6.1)
fn tostring(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_any(1)?;
    lua.push_tostring_then(1, 0, |lua, _, _| lua.check_text().map(|()| 1))?;
    Ok(1)
}

/// `type (v)` (§6.1)
fn type_(lua: &mut LuaState) -> LuaResult<usize> {
    lua.arg_check(!lua.is_none(1), 1, "value expected")?;
    lua.push_str(lua.type_name_at(1))?;
    Ok(1)
}

/// Quick forms, for calls that raise no error.
mod quick {
    use super::*;

    pub(super) fn assert(call: QuickCall<'_>) -> Answer<'_> {
        if call.truth(1) { call.arguments_from(1) } else { Answer::UNUSUAL }
    }

    pub(super) fn getmetatable(call: QuickCall<'_>) -> Answer<'_> {
        call.metatable(1)
    }

    /// Of tables without metatable, as it may have a metamethod.
    pub(super) fn ipairs(call: QuickCall<'_>) -> Answer<'_> {
        if !call.is_plain_table(1) {
            return Answer::UNUSUAL;
        }
        call.values(&[Answer::native(native_ipairs_next), call.argument(1), Answer::integer(0)])
    }

    pub(super) fn pairs(call: QuickCall<'_>) -> Answer<'_> {
        if !call.is_plain_table(1) {
            return Answer::UNUSUAL;
        }
        call.values(&[Answer::native(native_next), call.argument(1), Answer::NIL])
    }

    pub(super) fn rawequal(call: QuickCall<'_>) -> Answer<'_> {
        call.raw_equal(1, 2).map_or(Answer::UNUSUAL, Answer::boolean)
    }

    pub(super) fn rawget(call: QuickCall<'_>) -> Answer<'_> {
        call.raw_get(1, 2)
    }

    pub(super) fn rawlen(call: QuickCall<'_>) -> Answer<'_> {
        call.raw_len(1).map_or(Answer::UNUSUAL, |length| Answer::integer(length as i64))
    }

    pub(super) fn select(call: QuickCall<'_>) -> Answer<'_> {
        let count = call.count();
        match call.integer(1) {
            Some(n) if n > 0 => call.arguments_from((n as usize).min(count) + 1),
            None if call.bytes(1).is_some_and(|text| text.first() == Some(&b'#')) => Answer::integer(count as i64 - 1),
            _ => Answer::UNUSUAL,
        }
    }

    pub(super) fn setmetatable(call: QuickCall<'_>) -> Answer<'_> {
        call.set_metatable(1, 2)
    }

    pub(super) fn tonumber(call: QuickCall<'_>) -> Answer<'_> {
        match call.lua_type(1) {
            _ if call.count() != 1 => Answer::UNUSUAL,
            LuaType::Number => call.argument(1),
            _ => call.denoted_number(1),
        }
    }

    pub(super) fn tostring(call: QuickCall<'_>) -> Answer<'_> {
        call.number_text(1)
    }

    pub(super) fn type_(call: QuickCall<'_>) -> Answer<'_> {
        call.type_name(1)
    }
}

/// The functions that have no quick form, in the manual's order.
const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("collectgarbage", collectgarbage),
    #[cfg(feature = "std")]
    ("dofile", dofile),
    ("error", error),
    ("load", load),
    #[cfg(feature = "std")]
    ("loadfile", loadfile),
    ("next", native_next),
    ("pcall", native_pcall),
    #[cfg(feature = "std")]
    ("print", print),
    ("rawset", rawset),
    ("xpcall", native_xpcall),
];

/// The others.
static QUICK_FUNCTIONS: [(&str, QuickNative); 12] = [
    ("assert", QuickNative::new(assert, quick::assert)),
    ("getmetatable", QuickNative::new(getmetatable, quick::getmetatable)),
    ("ipairs", QuickNative::new(ipairs, quick::ipairs)),
    ("pairs", QuickNative::new(pairs, quick::pairs)),
    ("rawequal", QuickNative::new(rawequal, quick::rawequal)),
    ("rawget", QuickNative::new(rawget, quick::rawget)),
    ("rawlen", QuickNative::new(rawlen, quick::rawlen)),
    ("select", QuickNative::new(select, quick::select)),
    ("setmetatable", QuickNative::new(setmetatable, quick::setmetatable)),
    ("tonumber", QuickNative::new(tonumber, quick::tonumber)),
    ("tostring", QuickNative::new(tostring, quick::tostring)),
    ("type", QuickNative::new(type_, quick::type_)),
];

/// Opens the basic library: sets its functions, `_G` and `_VERSION` in the table of globals, and pushes that table.
#[doc(alias = "luaopen_base")]
pub fn open_base(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_global_table()?;
    lua.set_funcs(FUNCTIONS, 0)?;
    lua.set_quick_funcs(&QUICK_FUNCTIONS)?;
    lua.push_value(-1)?;
    lua.set_field(-2, "_G")?;
    lua.push_str("Lua 5.3")?;
    lua.set_field(-2, "_VERSION")?;
    Ok(1)
}

//! The debug library (manual §6.10).
//!
//! Where a function may concern another thread, values come from and go to that thread's stack, and room there is made
//! first, so that no error arises on a stack that does not run.

use perilune_vm::{
    HookEvent, HookKind, LuaResult, LuaState, LuaType, MASK_CALL, MASK_COUNT, MASK_LINE, MASK_RETURN, NativeFn,
    REGISTRY_INDEX, ThreadRef,
};
#[cfg(feature = "std")]
use perilune_vm::{LoadMode, Status};

use crate::message::c_bytes;

/// The key of the hook table in the registry is the address of this. The table maps threads to hook functions.
static HOOK_KEY: u8 = 0;

/// The address that is the key of the hook table.
fn hook_key() -> *const core::ffi::c_void {
    (&raw const HOOK_KEY).cast()
}

/// The thread that a function concerns, if it is another one than the running one, and the number of arguments that it
/// takes (the optional thread comes first).
fn thread_argument(lua: &mut LuaState) -> LuaResult<(Option<ThreadRef>, i32)> {
    let Some(thread) = lua.to_thread(1) else { return Ok((None, 0)) };
    lua.push_thread()?;
    let running = lua.to_thread(-1);
    lua.pop(1);
    Ok(((running != Some(thread)).then_some(thread), 1))
}

/// Does something on the other thread, if there is one, and else on the running one.
fn on<R>(lua: &mut LuaState, other: Option<ThreadRef>, action: impl FnOnce(&mut LuaState) -> R) -> R {
    match other {
        // SAFETY: L5; it is the first argument.
        Some(thread) => action(unsafe { thread.state() }),
        None => action(lua),
    }
}

/// Makes room for values on the stack of another thread.
fn make_room(lua: &mut LuaState, other: Option<ThreadRef>, count: usize) -> LuaResult<()> {
    // SAFETY: L5; it is the first argument.
    match other.map(|thread| unsafe { thread.state() }.check_stack(count)) {
        Some(false) => Err(lua.raise(format_args!("stack overflow"))),
        _ => Ok(()),
    }
}

/// Moves the topmost value to the other thread, if there is one.
fn send(lua: &mut LuaState, other: Option<ThreadRef>) -> LuaResult<()> {
    match other {
        // SAFETY: L5; it is the first argument.
        Some(thread) => lua.xmove(unsafe { thread.state() }, 1),
        None => Ok(()),
    }
}

/// Moves the topmost value of the other thread here, if there is one.
fn receive(lua: &mut LuaState, other: Option<ThreadRef>) -> LuaResult<()> {
    match other {
        // SAFETY: L5; it is the first argument.
        Some(thread) => unsafe { thread.state() }.xmove(lua, 1),
        None => Ok(()),
    }
}

/// Pushes a thread: the other one, if there is one, and else the running one.
fn push_target(lua: &mut LuaState, other: Option<ThreadRef>) -> LuaResult<()> {
    match other {
        Some(thread) => lua.push_thread_ref(thread),
        None => lua.push_thread().map(|_| ()),
    }
}

/// `debug.debug ()` (§6.10)
#[cfg(feature = "std")]
fn debug(lua: &mut LuaState) -> LuaResult<usize> {
    use crate::stdio::{read_stdin_line, write_stderr};
    lua.seem_unyieldable();
    loop {
        let mut line = [0; 249];
        write_stderr(b"lua_debug> ");
        let len = read_stdin_line(&mut line);
        let line = c_bytes(&line[..len]);
        if len == 0 || line == b"cont\n" {
            return Ok(0);
        }
        lua.set_top(0)?;
        if lua.load_bytes(line, b"=(debug command)", LoadMode::ANY) == Status::Ok {
            return lua.pcall_then(0, 0, 0, 0, |lua, status, _| {
                if status != Status::Ok {
                    report(lua)?;
                }
                debug(lua)
            });
        }
        report(lua)?;
    }
}

/// Prints the error on top.
#[cfg(feature = "std")]
fn report(lua: &mut LuaState) -> LuaResult<()> {
    // SAFETY: L1.
    let message = lua.to_str(-1)?.map_or(&b"(null)"[..], |message| unsafe { message.bytes() });
    crate::stdio::write_stderr(c_bytes(message));
    crate::stdio::write_stderr(b"\n");
    Ok(())
}

/// `debug.gethook ([thread])` (§6.10)
fn gethook(lua: &mut LuaState) -> LuaResult<usize> {
    let (other, _) = thread_argument(lua)?;
    let (hook, mask, count) = on(lua, other, |target| target.get_hook());
    match hook {
        None => lua.push_nil()?,
        Some(hook) if !core::ptr::fn_addr_eq(hook, call_hook_function as perilune_vm::Hook) => {
            lua.push_str("external hook")?;
        }
        Some(_) => {
            lua.raw_get_p(REGISTRY_INDEX, hook_key())?;
            push_target(lua, other)?;
            lua.raw_get(-2)?;
            lua.remove(-2);
        }
    }
    let mut letters = [0; 3];
    let mut len = 0;
    for (bit, letter) in [(MASK_CALL, b'c'), (MASK_RETURN, b'r'), (MASK_LINE, b'l')] {
        if mask & bit != 0 {
            letters[len] = letter;
            len += 1;
        }
    }
    lua.push_bytes(&letters[..len])?;
    lua.push_integer(i64::from(count))?;
    Ok(3)
}

/// `debug.getinfo ([thread,] f [, what])` (§6.10)
fn getinfo(lua: &mut LuaState) -> LuaResult<usize> {
    let (other, arg) = thread_argument(lua)?;
    // SAFETY: L1.
    let options = lua.opt_str(arg + 2)?.map_or(&b"flnStu"[..], |options| c_bytes(unsafe { options.bytes() }));
    make_room(lua, other, 3)?;
    let top = on(lua, other, |target| target.get_top());
    let activation = if lua.is_function(arg + 1) {
        lua.push_value(arg + 1)?;
        send(lua, other)?;
        None
    } else {
        let level = lua.check_integer(arg + 1)? as i32;
        let found = on(lua, other, |target| target.get_stack(level));
        if found.is_none() {
            lua.push_nil()?;
            return Ok(1);
        }
        found
    };
    // A byte that is not UTF-8 is no option either.
    let options = core::str::from_utf8(options).unwrap_or("?");
    let info = on(lua, other, |target| target.get_info(options, activation))?;
    if !info.valid {
        on(lua, other, |target| target.set_top(top))?;
        return Err(lua.arg_error(arg + 2, "invalid option"));
    }
    if other.is_some() {
        // A finalizer may end the other thread, and these belong to its functions.
        // SAFETY: nothing has run since they were found.
        unsafe {
            lua.push_name(info.name)?;
            lua.push_name(options.contains('S').then_some(info.source))?;
        }
    }
    lua.new_table()?;
    if options.contains('S') {
        // SAFETY: the function is an argument or runs, so it stays reachable; what belongs to another thread was pushed.
        set_text(lua, "source", Some(unsafe { info.source.bytes() }))?;
        set_text(lua, "short_src", Some(info.short_src()))?;
        set_integer(lua, "linedefined", info.line_defined)?;
        set_integer(lua, "lastlinedefined", info.last_line_defined)?;
        set_text(lua, "what", Some(info.what.as_bytes()))?;
    }
    if options.contains('l') {
        set_integer(lua, "currentline", info.current_line)?;
    }
    if options.contains('u') {
        set_integer(lua, "nups", i32::from(info.nups))?;
        set_integer(lua, "nparams", i32::from(info.nparams))?;
        set_boolean(lua, "isvararg", info.is_vararg)?;
    }
    if options.contains('n') {
        // SAFETY: as above; the name belongs to a function that runs.
        set_text(lua, "name", info.name.map(|name| unsafe { name.bytes() }))?;
        set_text(lua, "namewhat", Some(info.name_what.as_bytes()))?;
    }
    if options.contains('t') {
        set_boolean(lua, "istailcall", info.is_tail_call)?;
    }
    if options.contains('L') {
        take_field(lua, other, "activelines")?;
    }
    if options.contains('f') {
        take_field(lua, other, "func")?;
    }
    Ok(1)
}

/// Sets a field of the table on top to a text; none is nil.
fn set_text(lua: &mut LuaState, field: &str, text: Option<&[u8]>) -> LuaResult<()> {
    match text {
        Some(text) => lua.push_bytes(text)?,
        None => lua.push_nil()?,
    }
    lua.set_field(-2, field)
}

/// Sets a field of the table on top to an integer.
fn set_integer(lua: &mut LuaState, field: &str, value: i32) -> LuaResult<()> {
    lua.push_integer(i64::from(value))?;
    lua.set_field(-2, field)
}

/// Sets a field of the table on top to a boolean.
fn set_boolean(lua: &mut LuaState, field: &str, value: bool) -> LuaResult<()> {
    lua.push_boolean(value)?;
    lua.set_field(-2, field)
}

/// Sets a field of the table on top to the value that `get_info` left: below the table, or on the other thread.
fn take_field(lua: &mut LuaState, other: Option<ThreadRef>, field: &str) -> LuaResult<()> {
    if other.is_none() {
        lua.rotate(-2, 1);
    } else {
        receive(lua, other)?;
    }
    lua.set_field(-2, field)
}

/// `debug.getlocal ([thread,] f, local)` (§6.10)
fn getlocal(lua: &mut LuaState) -> LuaResult<usize> {
    let (other, arg) = thread_argument(lua)?;
    let number = lua.check_integer(arg + 2)? as i32;
    if lua.is_function(arg + 1) {
        lua.push_value(arg + 1)?;
        let name = lua.get_local(None, number)?;
        // SAFETY: the function stays on the stack.
        push_name(lua, name.map(|name| unsafe { name.bytes() }))?;
        return Ok(1);
    }
    let level = lua.check_integer(arg + 1)? as i32;
    let Some(activation) = on(lua, other, |target| target.get_stack(level)) else {
        return Err(lua.arg_error(arg + 1, "level out of range"));
    };
    make_room(lua, other, 1)?;
    let Some(name) = on(lua, other, |target| target.get_local(Some(activation), number))? else {
        lua.push_nil()?;
        return Ok(1);
    };
    receive(lua, other)?;
    // SAFETY: the function runs, so it stays reachable.
    lua.push_bytes(unsafe { name.bytes() })?;
    lua.rotate(-2, 1);
    Ok(2)
}

/// Pushes a name, or nil if there is none.
fn push_name(lua: &mut LuaState, name: Option<&[u8]>) -> LuaResult<()> {
    match name {
        Some(name) => lua.push_bytes(name),
        None => lua.push_nil(),
    }
}

/// `debug.getmetatable (value)` (§6.10)
fn getmetatable(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_any(1)?;
    if !lua.get_metatable(1)? {
        lua.push_nil()?;
    }
    Ok(1)
}

/// `debug.getregistry ()` (§6.10)
fn getregistry(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_value(REGISTRY_INDEX)?;
    Ok(1)
}

/// `debug.getupvalue (f, up)` (§6.10)
fn getupvalue(lua: &mut LuaState) -> LuaResult<usize> {
    let number = lua.check_integer(2)? as i32;
    lua.check_type(1, LuaType::Function)?;
    let Some(name) = lua.get_upvalue(1, number)? else { return Ok(0) };
    // SAFETY: the function is an argument and stays reachable.
    lua.push_bytes(unsafe { name.bytes() })?;
    lua.insert(-2);
    Ok(2)
}

/// `debug.getuservalue (u)` (§6.10)
fn getuservalue(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.lua_type(1) == LuaType::Userdata {
        lua.get_user_value(1)?;
    } else {
        lua.push_nil()?;
    }
    Ok(1)
}

/// `debug.sethook ([thread,] hook, mask [, count])` (§6.10)
fn sethook(lua: &mut LuaState) -> LuaResult<usize> {
    let (other, arg) = thread_argument(lua)?;
    let mut hook: Option<perilune_vm::Hook> = None;
    let mut mask = 0;
    let mut count = 0;
    if lua.is_none_or_nil(arg + 1) {
        lua.set_top(arg + 1)?;
    } else {
        // SAFETY: L1.
        let letters = c_bytes(unsafe { lua.check_str(arg + 2)?.bytes() });
        lua.check_type(arg + 1, LuaType::Function)?;
        count = lua.opt_integer(arg + 3, 0)? as i32;
        hook = Some(call_hook_function);
        for (bit, letter) in [(MASK_CALL, b'c'), (MASK_RETURN, b'r'), (MASK_LINE, b'l')] {
            if letters.contains(&letter) {
                mask |= bit;
            }
        }
        if count > 0 {
            mask |= MASK_COUNT;
        }
    }
    push_hook_table(lua)?;
    push_target(lua, other)?;
    lua.push_value(arg + 1)?;
    lua.raw_set(-3)?;
    on(lua, other, |target| target.set_hook(hook, mask, count));
    Ok(0)
}

/// Pushes the hook table, which is made if it is not there. Its keys are weak.
fn push_hook_table(lua: &mut LuaState) -> LuaResult<()> {
    if lua.raw_get_p(REGISTRY_INDEX, hook_key())? == LuaType::Table {
        return Ok(());
    }
    lua.pop(1);
    lua.create_table(0, 2)?;
    lua.push_value(-1)?;
    lua.raw_set_p(REGISTRY_INDEX, hook_key())?;
    lua.push_str("k")?;
    lua.set_field(-2, "__mode")?;
    // It is its own metatable.
    lua.push_value(-1)?;
    lua.set_metatable(-2)
}

/// The hook of all threads that have one: calls the function that the hook table has for the thread.
fn call_hook_function(lua: &mut LuaState, event: &HookEvent) -> LuaResult<()> {
    if lua.raw_get_p(REGISTRY_INDEX, hook_key())? != LuaType::Table {
        return Ok(());
    }
    lua.push_thread()?;
    if lua.raw_get(-2)? != LuaType::Function {
        return Ok(());
    }
    lua.push_str(event.kind.name())?;
    match event.kind {
        // A stripped function has no lines.
        HookKind::Line(line) if line >= 0 => lua.push_integer(i64::from(line))?,
        _ => lua.push_nil()?,
    }
    lua.call(2, 0)
}

/// `debug.setlocal ([thread,] level, local, value)` (§6.10)
fn setlocal(lua: &mut LuaState) -> LuaResult<usize> {
    let (other, arg) = thread_argument(lua)?;
    let level = lua.check_integer(arg + 1)? as i32;
    let number = lua.check_integer(arg + 2)? as i32;
    let Some(activation) = on(lua, other, |target| target.get_stack(level)) else {
        return Err(lua.arg_error(arg + 1, "level out of range"));
    };
    lua.check_any(arg + 3)?;
    lua.set_top(arg + 3)?;
    make_room(lua, other, 1)?;
    send(lua, other)?;
    let name = on(lua, other, |target| target.set_local(activation, number))?;
    if name.is_none() {
        on(lua, other, |target| target.pop(1));
    }
    // SAFETY: the function runs, so it stays reachable.
    push_name(lua, name.map(|name| unsafe { name.bytes() }))?;
    Ok(1)
}

/// `debug.setmetatable (value, table)` (§6.10)
fn setmetatable(lua: &mut LuaState) -> LuaResult<usize> {
    let kind = lua.lua_type(2);
    lua.arg_check(matches!(kind, LuaType::Nil | LuaType::Table), 2, "nil or table expected")?;
    lua.set_top(2)?;
    lua.set_metatable(1)?;
    Ok(1)
}

/// `debug.setupvalue (f, up, value)` (§6.10)
fn setupvalue(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_any(3)?;
    let number = lua.check_integer(2)? as i32;
    lua.check_type(1, LuaType::Function)?;
    let Some(name) = lua.set_upvalue(1, number)? else { return Ok(0) };
    // SAFETY: the function is an argument and stays reachable.
    lua.push_bytes(unsafe { name.bytes() })?;
    Ok(1)
}

/// `debug.setuservalue (udata, value)` (§6.10)
fn setuservalue(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_type(1, LuaType::Userdata)?;
    lua.check_any(2)?;
    lua.set_top(2)?;
    lua.set_user_value(1)?;
    Ok(1)
}

/// `debug.traceback ([thread,] [message [, level]])` (§6.10)
fn traceback(lua: &mut LuaState) -> LuaResult<usize> {
    let (other, arg) = thread_argument(lua)?;
    let message = lua.to_str(arg + 1)?;
    if message.is_none() && !lua.is_none_or_nil(arg + 1) {
        // What is not a message is returned as it is.
        lua.push_value(arg + 1)?;
        return Ok(1);
    }
    let level = lua.opt_integer(arg + 2, if other.is_none() { 1 } else { 0 })? as i32;
    // SAFETY: L1.
    let message = message.map(|message| c_bytes(unsafe { message.bytes() }));
    lua.traceback(other, message, level)?;
    Ok(1)
}

/// The number of an upvalue that must exist.
fn check_upvalue(lua: &mut LuaState, function: i32, arg: i32) -> LuaResult<i32> {
    let number = lua.check_integer(arg)? as i32;
    lua.check_type(function, LuaType::Function)?;
    let found = lua.get_upvalue(function, number)?.is_some();
    lua.arg_check(found, arg, "invalid upvalue index")?;
    Ok(number)
}

/// `debug.upvalueid (f, n)` (§6.10)
fn upvalueid(lua: &mut LuaState) -> LuaResult<usize> {
    let number = check_upvalue(lua, 1, 2)?;
    let id = lua.upvalue_id(1, number).unwrap_or(core::ptr::null());
    lua.push_light_userdata(id.cast_mut())?;
    Ok(1)
}

/// `debug.upvaluejoin (f1, n1, f2, n2)` (§6.10)
fn upvaluejoin(lua: &mut LuaState) -> LuaResult<usize> {
    let first = check_upvalue(lua, 1, 2)?;
    let second = check_upvalue(lua, 3, 4)?;
    lua.arg_check(!lua.is_native_function(1), 1, "Lua function expected")?;
    lua.arg_check(!lua.is_native_function(3), 3, "Lua function expected")?;
    lua.upvalue_join(1, first, 3, second);
    Ok(0)
}

/// The functions, in the manual's order.
const FUNCTIONS: &[(&str, NativeFn)] = &[
    #[cfg(feature = "std")]
    ("debug", debug),
    ("gethook", gethook),
    ("getinfo", getinfo),
    ("getlocal", getlocal),
    ("getmetatable", getmetatable),
    ("getregistry", getregistry),
    ("getupvalue", getupvalue),
    ("getuservalue", getuservalue),
    ("sethook", sethook),
    ("setlocal", setlocal),
    ("setmetatable", setmetatable),
    ("setupvalue", setupvalue),
    ("setuservalue", setuservalue),
    ("traceback", traceback),
    ("upvalueid", upvalueid),
    ("upvaluejoin", upvaluejoin),
];

/// Opens the debug library and pushes its table.
#[doc(alias = "luaopen_debug")]
pub fn open_debug(lua: &mut LuaState) -> LuaResult<usize> {
    lua.new_lib(FUNCTIONS)?;
    Ok(1)
}

//! The commands of the little language: nearly each is one call of the host API.

use core::ffi::c_void;

use perilune_vm::{ArithOp, CompareOp, LoadMode, LuaResult, LuaState, Status, upvalue_index};

use super::natives;
use super::runner::{Flow, Runner};
use crate::load_file;
use crate::message::c_bytes;
use crate::stdio::{end_stdout_line, write_stdout};

/// A command: it reads its operands and acts.
type Command = fn(&mut Runner<'_>) -> LuaResult<Flow>;

/// The command of a name.
pub(super) fn find(name: &[u8]) -> Option<Command> {
    COMMANDS.iter().chain(ENDINGS).find(|(word, _)| word.as_bytes() == name).map(|&(_, command)| command)
}

/// The table of commands after which the next one follows, each with its body.
macro_rules! commands {
    ($($name:literal: |$r:ident| $body:expr;)*) => {
        const COMMANDS: &[(&str, Command)] = &[$(($name, |$r| {
            $body;
            Ok(Flow::Next)
        })),*];
    };
}

commands! {
    "absindex": |r| { let i = r.index()?; r.on.push_number(f64::from(r.on.abs_index(i)))? };
    "append": |r| { let i = r.index()?; let n = r.on.raw_len(i); r.on.raw_set_i(i, n as i64 + 1)? };
    "arith": |r| arith(r)?;
    "call": |r| { let (n, wanted) = (r.count()?, r.number()?); r.on.call(n, wanted)? };
    "callk": |r| {
        let (n, wanted, ctx) = (r.count()?, r.number()?, r.index()?);
        r.on.call_k(n, wanted, ctx as isize, natives::continue_script)?
    };
    "checkstack": |r| { let (n, message) = (r.count()?, r.name()?); r.on.ensure_stack(n, message)? };
    "compare": |r| compare(r)?;
    "concat": |r| { let n = r.count()?; r.on.concat(n)? };
    "copy": |r| { let (from, to) = (r.index()?, r.index()?); r.on.copy(from, to) };
    "func2num": |r| {
        let i = r.index()?;
        let address = r.on.to_native_function(i).map_or(0, |function| function as usize);
        r.on.push_number(address as f64)?
    };
    "getfield": |r| { let (i, name) = (r.index()?, r.name()?); r.on.get_field(i, name)? };
    "getglobal": |r| { let name = r.name()?; r.on.get_global(name)? };
    "getmetatable": |r| { let i = r.index()?; if !r.on.get_metatable(i)? { r.on.push_nil()? } };
    "gettable": |r| { let i = r.index()?; r.on.get_table(i)? };
    "gettop": |r| r.on.push_integer(i64::from(r.on.get_top()))?;
    "gsub": |r| gsub(r)?;
    "insert": |r| { let i = r.number()?; r.on.insert(i) };
    "iscfunction": |r| test(r, LuaState::is_native_function)?;
    "isfunction": |r| test(r, LuaState::is_function)?;
    "isnil": |r| test(r, LuaState::is_nil)?;
    "isnull": |r| test(r, LuaState::is_none)?;
    "isnumber": |r| test(r, LuaState::is_number)?;
    "isstring": |r| test(r, LuaState::is_string)?;
    "istable": |r| test(r, LuaState::is_table)?;
    "isudataval": |r| test(r, LuaState::is_light_userdata)?;
    "isuserdata": |r| test(r, LuaState::is_userdata)?;
    "len": |r| { let i = r.index()?; r.on.len(i)? };
    "Llen": |r| { let i = r.index()?; let n = r.on.len_i(i)?; r.on.push_integer(n)? };
    "loadfile": |r| { let i = r.number()?; let name = text(r.on, i)?; let _ = load_file(r.on, Some(&name), LoadMode::ANY)?; };
    "loadstring": |r| {
        let i = r.number()?;
        let chunk = text(r.on, i)?;
        let _ = r.on.load_bytes(c_bytes(&chunk), &chunk, LoadMode::ANY);
    };
    "newmetatable": |r| { let name = r.name()?; let made = r.on.new_metatable(name)?; r.on.push_boolean(made)? };
    "newtable": |r| r.on.new_table()?;
    "newthread": |r| r.on.new_thread()?;
    "newuserdata": |r| { let size = r.count()?; r.on.new_userdata(size)? };
    "next": |r| r.on.next(-2)?;
    "objsize": |r| { let i = r.index()?; r.on.push_integer(r.on.raw_len(i) as i64)? };
    "pcall": |r| { let (n, wanted, handler) = (r.count()?, r.number()?, r.number()?); r.status = r.on.pcall(n, wanted, handler) };
    "pcallk": |r| {
        let (n, wanted, ctx) = (r.count()?, r.number()?, r.index()?);
        r.status = r.on.pcall_k(n, wanted, 0, ctx as isize, natives::continue_script)?
    };
    "pop": |r| { let n = r.count()?; r.on.pop(n) };
    "print": |r| print(r)?;
    "pushbool": |r| { let n = r.number()?; r.on.push_boolean(n != 0)? };
    "pushcclosure": |r| { let n = r.count()?; r.on.push_native_closure(natives::test_c, n)? };
    "pushint": |r| { let n = r.number()?; r.on.push_integer(i64::from(n))? };
    "pushnil": |r| r.on.push_nil()?;
    "pushnum": |r| { let n = r.number()?; r.on.push_number(f64::from(n))? };
    "pushstatus": |r| r.on.push_str(status_name(r.status))?;
    "pushstring": |r| { let text = r.word()?; r.on.push_bytes(text)? };
    "pushupvalueindex": |r| { let n = r.number()?; r.on.push_integer(i64::from(upvalue_index(n)))? };
    "pushvalue": |r| { let i = r.index()?; r.on.push_value(i)? };
    "rawgeti": |r| { let (i, n) = (r.index()?, r.number()?); r.on.raw_get_i(i, i64::from(n))? };
    "rawgetp": |r| { let (i, n) = (r.index()?, r.number()?); r.on.raw_get_p(i, pointer(n))? };
    "rawsetp": |r| { let (i, n) = (r.index()?, r.number()?); r.on.raw_set_p(i, pointer(n))? };
    "remove": |r| { let i = r.number()?; r.on.remove(i) };
    "replace": |r| { let i = r.index()?; r.on.replace(i) };
    "resume": |r| resume(r)?;
    "rotate": |r| { let (i, n) = (r.index()?, r.number()?); r.on.rotate(i, n) };
    "setfield": |r| { let (i, name) = (r.index()?, r.name()?); r.on.set_field(i, name)? };
    "setglobal": |r| { let name = r.name()?; r.on.set_global(name)? };
    "sethook": |r| { let (mask, n, script) = (r.number()?, r.number()?, r.word()?); natives::set_script_hook(r.on, mask as u8, n, script)? };
    "setmetatable": |r| { let i = r.index()?; r.on.set_metatable(i)? };
    "settable": |r| { let i = r.index()?; r.on.set_table(i)? };
    "settop": |r| { let n = r.number()?; r.on.set_top(n)? };
    "testudata": |r| {
        let (i, name) = (r.index()?, r.name()?);
        let found = r.on.test_userdata(i, name).is_some();
        r.on.push_boolean(found)?
    };
    "tobool": |r| test(r, LuaState::to_boolean)?;
    "tocfunction": |r| {
        let i = r.index()?;
        match r.on.to_native_function(i) {
            Some(function) => r.on.push_native(function)?,
            None => r.on.push_nil()?,
        }
    };
    "tointeger": |r| { let i = r.index()?; r.on.push_integer(r.on.to_integer(i).unwrap_or(0))? };
    "tonumber": |r| { let i = r.index()?; r.on.push_number(r.on.to_number(i).unwrap_or(0.0))? };
    "topointer": |r| { let i = r.index()?; r.on.push_number(r.on.to_pointer(i).addr() as f64)? };
    "tostring": |r| {
        let i = r.index()?;
        match r.on.to_str(i)? {
            Some(_) => r.on.push_value(i)?,
            None => r.on.push_nil()?,
        }
    };
    "type": |r| { let i = r.number()?; r.on.push_str(r.on.type_name_at(i))? };
    "xmove": |r| xmove(r)?;
}

/// The commands that may end the script.
const ENDINGS: &[(&str, Command)] = &[
    ("error", |r| Err(r.on.error())),
    ("return", give_results),
    ("throw", |r| Err(r.on.raise(format_args!("C++")))),
    ("yield", |r| {
        let n = r.count()?;
        r.on.yield_values(n).map(Flow::Return)
    }),
    ("yieldk", |r| {
        let (n, ctx) = (r.count()?, r.index()?);
        r.on.yield_k(n, ctx as isize, natives::continue_script).map(Flow::Return)
    }),
];

/// The bytes of a string argument.
pub(super) fn text(lua: &mut LuaState, idx: i32) -> LuaResult<Vec<u8>> {
    // SAFETY: L1.
    Ok(unsafe { lua.check_str(idx)?.bytes() }.to_vec())
}

/// The address that a small number stands for.
fn pointer(n: i32) -> *const c_void {
    core::ptr::without_provenance(n as usize)
}

/// Pushes what a test says of a value.
fn test(r: &mut Runner<'_>, test: fn(&LuaState, i32) -> bool) -> LuaResult<()> {
    let i = r.index()?;
    let truth = test(r.on, i);
    r.on.push_boolean(truth)
}

/// `arith OP`: the operators of the language, but `\` for `//`, one `<` or `>` for a shift, `_` for the unary minus and `!` for
/// the unary `~`.
fn arith(r: &mut Runner<'_>) -> LuaResult<()> {
    let op = match r.script.character() {
        Some(b'+') => ArithOp::Add,
        Some(b'-') => ArithOp::Sub,
        Some(b'*') => ArithOp::Mul,
        Some(b'%') => ArithOp::Mod,
        Some(b'^') => ArithOp::Pow,
        Some(b'/') => ArithOp::Div,
        Some(b'\\') => ArithOp::IDiv,
        Some(b'&') => ArithOp::BAnd,
        Some(b'|') => ArithOp::BOr,
        Some(b'~') => ArithOp::BXor,
        Some(b'<') => ArithOp::Shl,
        Some(b'>') => ArithOp::Shr,
        Some(b'_') => ArithOp::Unm,
        Some(b'!') => ArithOp::BNot,
        _ => return Err(r.complain_with(&[b"unknown operator"])),
    };
    r.on.arith(op)
}

/// `compare EQ|LT|LE a b`
fn compare(r: &mut Runner<'_>) -> LuaResult<()> {
    let op = match r.word()? {
        b"EQ" => CompareOp::Eq,
        b"LT" => CompareOp::Lt,
        b"LE" => CompareOp::Le,
        other => return Err(r.complain_with(&[b"unknown comparison ", other])),
    };
    let (a, b) = (r.index()?, r.index()?);
    let truth = r.on.compare(a, b, op)?;
    r.on.push_boolean(truth)
}

/// `gsub s pattern replacement`, all three numbers of slots.
fn gsub(r: &mut Runner<'_>) -> LuaResult<()> {
    let places = [r.number()?, r.number()?, r.number()?];
    let [s, pattern, replacement] = [text(r.on, places[0])?, text(r.on, places[1])?, text(r.on, places[2])?];
    r.on.push_gsub(&s, &pattern, &replacement).map(|_| ())
}

/// `print n`: a value, or the whole stack for 0.
fn print(r: &mut Runner<'_>) -> LuaResult<()> {
    let n = r.number()?;
    let (first, last) = if n == 0 { (1, r.on.get_top()) } else { (n, n) };
    for i in first..=last {
        if n == 0 {
            write_stdout(format!("{i:3}: ").as_bytes());
        }
        // SAFETY: L1.
        write_stdout(unsafe { r.on.push_tostring(i)?.bytes() });
        end_stdout_line();
        r.on.pop(1);
    }
    Ok(())
}

/// `resume thread n`
fn resume(r: &mut Runner<'_>) -> LuaResult<()> {
    let (i, n) = (r.index()?, r.count()?);
    let Some(co) = r.on.to_thread(i) else { return Err(r.complain_with(&[b"thread expected"])) };
    // SAFETY: L5.
    r.status = unsafe { co.state() }.resume(Some(r.own), n);
    Ok(())
}

/// `return n`: from another thread, the values go over as strings.
fn give_results(r: &mut Runner<'_>) -> LuaResult<Flow> {
    let n = r.count()?;
    if !core::ptr::eq(r.own, r.on) {
        for i in (1..=n as i32).rev() {
            push_text_of(r.own, r.on, -i)?;
        }
    }
    Ok(Flow::Return(n))
}

/// Pushes a value of another thread as a string, or nil if it cannot be one.
pub(super) fn push_text_of(lua: &mut LuaState, other: &mut LuaState, idx: i32) -> LuaResult<()> {
    match other.to_str(idx)? {
        // SAFETY: L1: the string stays on the other stack.
        Some(text) => lua.push_bytes(unsafe { text.bytes() }),
        None => lua.push_nil(),
    }
}

/// `xmove from to n`: threads by their slots, 0 for the script's; all values if `n` is 0.
fn xmove(r: &mut Runner<'_>) -> LuaResult<()> {
    let (from, to) = (r.index()?, r.index()?);
    let n = r.count()?;
    let thread = |i| if i == 0 { None } else { r.on.to_thread(i) };
    let (from_thread, to_thread) = (thread(from), thread(to));
    if (from != 0 && from_thread.is_none()) || (to != 0 && to_thread.is_none()) {
        return Err(r.complain_with(&[b"thread expected"]));
    }
    // SAFETY: L5, for both; the script's own thread is reachable (M1).
    unsafe {
        let own = || perilune_vm::testing::alias(r.on);
        let from = from_thread.map_or_else(own, |thread| thread.state());
        let to = to_thread.map_or_else(own, |thread| thread.state());
        let n = if n == 0 { from.get_top() as usize } else { n };
        from.xmove(to, n)
    }
}

/// The name of a status, as `pushstatus` gives it.
pub(super) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Ok => "OK",
        Status::Yield => "YIELD",
        Status::ErrRun => "ERRRUN",
        Status::ErrSyntax => "ERRSYNTAX",
        Status::ErrMem => "ERRMEM",
        Status::ErrGcmm => "ERRGCMM",
        Status::ErrErr => "ERRERR",
        Status::ErrFile => "ERRFILE",
    }
}

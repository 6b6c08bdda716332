//! The native functions of the tests. Most note their whole stack when they begin and when they are continued.

use std::cell::Cell;

use perilune_vm::{
    HookEvent, HookKind, LuaResult, LuaState, MASK_COUNT, MASK_LINE, MULTRET, NativeFn, Status, ThreadRef,
    native_resume, native_wrapped, native_yield,
};

use crate::trace::{check_heap, line, note, show};

thread_local! {
    static HOOK_YIELDS: Cell<bool> = const { Cell::new(false) };
    static HOOK_IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

const FUNCTIONS: [(&str, NativeFn); 40] = [
    ("note", |lua| {
        note(lua, "note");
        Ok(0)
    }),
    ("y", |lua| lua.yield_values(count(lua, 0))),
    ("y2", |lua| lua.yield_values(count(lua, 2))),
    ("yk", yk),
    ("again", again),
    ("fail", |lua| {
        lua.set_top(1)?;
        Err(lua.error())
    }),
    ("lfail", |lua| {
        let message = String::from_utf8_lossy(lua.str_at(1).unwrap_or(b"?")).into_owned();
        Err(lua.raise(format_args!("{message}")))
    }),
    ("callk", callk),
    ("pcallk", pcallk),
    ("chain", |lua| chain_from(lua, 2)),
    ("callthen", callthen),
    ("pcallthen", pcallthen),
    ("chainthen", |lua| chain_then(lua, 2)),
    ("call", |lua| {
        lua.call(count(lua, 1), MULTRET)?;
        Ok(count(lua, 0))
    }),
    ("pcall", |lua| {
        let status = lua.pcall(count(lua, 1), MULTRET, 0);
        note(lua, &format!("plain {status:?}"));
        Ok(count(lua, 0))
    }),
    ("create", create),
    ("res", res),
    ("resthen", resthen),
    ("status", |lua| {
        // SAFETY: the thread is an argument.
        let status = unsafe { thread(lua, 1).state() }.status();
        lua.push_fmt(format_args!("{status:?}"))?;
        Ok(1)
    }),
    ("setmt", |lua| {
        lua.set_top(2)?;
        lua.set_metatable(1)?;
        Ok(1)
    }),
    ("gc", |lua| {
        lua.gc_collect()?;
        check_heap(lua);
        Ok(0)
    }),
    ("isy", |lua| {
        let answer = lua.is_yieldable();
        lua.push_boolean(answer)?;
        Ok(1)
    }),
    ("trace", |lua| {
        let message = lua.str_at(2).map(<[u8]>::to_vec);
        let level = lua.to_integer(3).unwrap_or(0) as i32;
        lua.traceback(Some(thread(lua, 1)), message.as_deref(), level)?;
        Ok(1)
    }),
    ("localof", |lua| {
        // SAFETY: the thread is an argument.
        let co = unsafe { thread(lua, 1).state() };
        let activation = co.get_stack(number(lua, 2) as i32);
        match co.get_local(activation, number(lua, 3) as i32)? {
            // SAFETY: the function runs in the coroutine.
            Some(name) => lua.push_bytes(unsafe { name.bytes() })?,
            None => return Ok(0),
        }
        co.xmove(lua, 1)?;
        Ok(2)
    }),
    ("memory", |lua| {
        lua.new_userdata(1 << 30)?;
        Ok(1)
    }),
    ("self", |lua| {
        lua.push_thread()?;
        Ok(1)
    }),
    ("callon", callon),
    ("pcallon", pcallon),
    ("levels", levels),
    ("stackof", |lua| {
        // SAFETY: the thread is an argument.
        let co = unsafe { thread(lua, 1).state() };
        note(co, &format!("stack {:?}", co.status()));
        Ok(0)
    }),
    ("push", |lua| {
        // SAFETY: the thread is an argument, and none of its functions waits for anything but to be resumed.
        lua.xmove(unsafe { thread(lua, 1).state() }, count(lua, 1))?;
        Ok(0)
    }),
    ("settop", |lua| {
        // SAFETY: as above.
        unsafe { thread(lua, 1).state() }.set_top(number(lua, 2) as i32)?;
        Ok(0)
    }),
    ("resn", resn),
    ("resnone", |lua| {
        // SAFETY: the thread is an argument.
        let co = unsafe { thread(lua, 1).state() };
        let _ = co.resume(None, 0);
        co.xmove(lua, 1)?;
        Ok(1)
    }),
    ("hook", set_hook),
    ("resume", native_resume),
    ("yield", native_yield),
    ("wrap", |lua| {
        let thread = lua.new_thread()?;
        lua.push_value(1)?;
        // SAFETY: the thread is on the stack.
        lua.xmove(unsafe { thread.state() }, 1)?;
        lua.push_native_closure(native_wrapped, 1)?;
        Ok(1)
    }),
    ("swallow", |lua| {
        let kept = lua.get_top();
        if lua.call(kept as usize - 1, 0).is_err() {
            lua.set_top(0)?;
            note(lua, "swallowed");
        }
        Ok(0)
    }),
    ("linger", |lua| {
        let thrown = lua.call(count(lua, 1), 0);
        lua.gc_collect()?;
        check_heap(lua);
        thrown.map(|()| 0)
    }),
];

/// Makes them globals.
pub fn open(lua: &mut LuaState) -> LuaResult<()> {
    lua.push_global_table()?;
    lua.set_funcs(&FUNCTIONS, 0)?;
    lua.set_top(0)
}

/// How many values there are above the `below` lowest.
fn count(lua: &LuaState, below: usize) -> usize {
    lua.get_top() as usize - below
}

fn thread(lua: &LuaState, idx: i32) -> ThreadRef {
    lua.to_thread(idx).expect("a thread")
}

fn number(lua: &LuaState, idx: i32) -> i64 {
    lua.to_integer(idx).expect("an integer")
}

/// `yk (a, b, ...)`: yields what follows the first two; returns what lies above these in the end.
fn yk(lua: &mut LuaState) -> LuaResult<usize> {
    note(lua, "yk");
    lua.yield_k(count(lua, 2), 7, |lua, status, ctx| {
        note(lua, &format!("yk k {status:?} {ctx}"));
        Ok(count(lua, 2))
    })
}

/// `again (n)`: yields `n` times, each time from the continuation of the last; the context counts down.
fn again(lua: &mut LuaState) -> LuaResult<usize> {
    let n = number(lua, 1) as isize;
    continue_again(lua, Status::Ok, n)
}

fn continue_again(lua: &mut LuaState, status: Status, ctx: isize) -> LuaResult<usize> {
    note(lua, &format!("again k {status:?} {ctx}"));
    if ctx == 0 {
        return Ok(count(lua, 0));
    }
    lua.push_integer(ctx as i64)?;
    lua.yield_k(1, ctx - 1, continue_again)
}

/// `callk (context, results, f, ...)`: calls `f` by `call_k` and returns the results with the number that was wanted before.
fn callk(lua: &mut LuaState) -> LuaResult<usize> {
    let ctx = number(lua, 1) as isize;
    note(lua, &format!("call {ctx}"));
    lua.call_k(count(lua, 3), number(lua, 2) as i32, ctx, |lua, status, ctx| {
        note(lua, &format!("call k {status:?} {ctx}"));
        Ok(count(lua, 2))
    })?;
    note(lua, &format!("call after {ctx}"));
    Ok(count(lua, 2))
}

/// `pcallk (context, results, handler or nil, f, ...)`: the same by `pcall_k`.
fn pcallk(lua: &mut LuaState) -> LuaResult<usize> {
    let ctx = number(lua, 1) as isize;
    note(lua, &format!("pcall {ctx}"));
    let status = lua.pcall_k(count(lua, 4), number(lua, 2) as i32, handler(lua, 3), ctx, |lua, status, ctx| {
        note(lua, &format!("pcall k {status:?} {ctx}"));
        Ok(count(lua, 3))
    })?;
    note(lua, &format!("pcall after {status:?} {ctx}"));
    Ok(count(lua, 3))
}

/// The index of a message handler, if there is one.
fn handler(lua: &LuaState, idx: i32) -> i32 {
    if lua.is_nil(idx) { 0 } else { idx }
}

/// `chain (handler or nil, f, g, ...)`: calls one function after the other by `pcall_k`, keeps a value of each, and raises an
/// error at the end. Each function after a yield or an error is called by the continuation of the last.
fn chain_from(lua: &mut LuaState, first: i32) -> LuaResult<usize> {
    let mut i = first;
    while lua.is_function(i) {
        lua.push_value(i)?;
        let status = lua.pcall_k(0, 1, handler(lua, 1), i as isize, |lua, status, ctx| {
            note(lua, &format!("chain k {status:?} {ctx}"));
            chain_from(lua, ctx as i32 + 1)
        })?;
        note(lua, &format!("chain after {status:?} {i}"));
        i += 1;
    }
    lua.push_str("chain end")?;
    Err(lua.error())
}

/// `callk` in the stackless form.
fn callthen(lua: &mut LuaState) -> LuaResult<usize> {
    let ctx = number(lua, 1) as isize;
    note(lua, &format!("call {ctx}"));
    lua.call_then(count(lua, 3), number(lua, 2) as i32, ctx, |lua, status, ctx| {
        note(lua, &format!("call then {status:?} {ctx}"));
        Ok(count(lua, 2))
    })
}

/// `pcallk` in the stackless form.
fn pcallthen(lua: &mut LuaState) -> LuaResult<usize> {
    let ctx = number(lua, 1) as isize;
    note(lua, &format!("pcall {ctx}"));
    lua.pcall_then(count(lua, 4), number(lua, 2) as i32, handler(lua, 3), ctx, |lua, status, ctx| {
        note(lua, &format!("pcall then {status:?} {ctx}"));
        Ok(count(lua, 3))
    })
}

/// `chain` in the stackless form.
fn chain_then(lua: &mut LuaState, i: i32) -> LuaResult<usize> {
    if !lua.is_function(i) {
        lua.push_str("chain end")?;
        return Err(lua.error());
    }
    lua.push_value(i)?;
    lua.pcall_then(0, 1, handler(lua, 1), i as isize, |lua, status, ctx| {
        note(lua, &format!("chain then {status:?} {ctx}"));
        chain_then(lua, ctx as i32 + 1)
    })
}

/// `create (f, ...)`: a thread with these values on its stack.
fn create(lua: &mut LuaState) -> LuaResult<usize> {
    let thread = lua.new_thread()?;
    lua.insert(1);
    // SAFETY: the thread is on the stack.
    lua.xmove(unsafe { thread.state() }, count(lua, 1))?;
    Ok(1)
}

/// `res (co, ...)`: resumes a coroutine by the host's `resume`; returns the status and what the coroutine has on its stack,
/// or its error.
fn res(lua: &mut LuaState) -> LuaResult<usize> {
    let nargs = count(lua, 1);
    // SAFETY: the thread is an argument.
    let co = unsafe { thread(lua, 1).state() };
    lua.xmove(co, nargs)?;
    let status = co.resume(Some(lua), nargs);
    if status.is_error() {
        line(format!("res {status:?} {:?}:{}", co.status(), show(co, -1)));
        lua.push_fmt(format_args!("{status:?}"))?;
        co.xmove(lua, 1)?;
        return Ok(2);
    }
    note(co, &format!("res {status:?} {:?}", co.status()));
    lua.push_fmt(format_args!("{status:?}"))?;
    let n = co.get_top() as usize;
    lua.ensure_stack(n, "")?;
    co.xmove(lua, n)?;
    Ok(n + 1)
}

/// `resn (co, n)`: resumes a coroutine with `n` values that lie on its stack already, and leaves there what it brings.
fn resn(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: the thread is an argument.
    let co = unsafe { thread(lua, 1).state() };
    let nargs = number(lua, 2) as usize;
    let status = co.resume(Some(lua), nargs);
    note(co, &format!("res {status:?} {:?}", co.status()));
    Ok(0)
}

/// `res` in the stackless form.
fn resthen(lua: &mut LuaState) -> LuaResult<usize> {
    let nargs = count(lua, 1);
    let thread = thread(lua, 1);
    // SAFETY: the thread is an argument.
    lua.xmove(unsafe { thread.state() }, nargs)?;
    lua.resume_then(thread, nargs, 0, |lua, status, _| {
        // SAFETY: the thread is an argument.
        let own = unsafe { self::thread(lua, 1).state() }.status();
        let values: String = (2..=lua.get_top()).map(|idx| show(lua, idx)).collect();
        line(format!("res {status:?} {own:?}:{values}"));
        lua.push_fmt(format_args!("{status:?}"))?;
        lua.insert(2);
        Ok(count(lua, 1))
    })
}

/// `callon (co, f, ...)`: the first result of an unprotected call on another thread.
fn callon(lua: &mut LuaState) -> LuaResult<usize> {
    let nargs = count(lua, 2);
    // SAFETY: the thread is an argument.
    let co = unsafe { thread(lua, 1).state() };
    lua.xmove(co, nargs + 1)?;
    co.call(nargs, 1)?;
    co.xmove(lua, 1)?;
    Ok(1)
}

/// `pcallon (co, f, ...)`: the same, protected; returns the status, too.
fn pcallon(lua: &mut LuaState) -> LuaResult<usize> {
    let nargs = count(lua, 2);
    // SAFETY: the thread is an argument.
    let co = unsafe { thread(lua, 1).state() };
    lua.xmove(co, nargs + 1)?;
    let status = co.pcall(nargs, 1, 0);
    lua.push_fmt(format_args!("{status:?}"))?;
    note(co, "on");
    co.xmove(lua, 1)?;
    Ok(2)
}

/// `levels (n, f, passes_on)`: calls `f` within `n` coroutines, each resumed by the host's `resume` in the one before.
fn levels(lua: &mut LuaState) -> LuaResult<usize> {
    let n = number(lua, 1);
    lua.set_top(3)?;
    if n == 0 {
        lua.set_top(2)?;
        lua.call_k(0, 1, 0, |_, _, _| Ok(1))?;
        return Ok(1);
    }
    let thread = lua.new_thread()?;
    // SAFETY: the thread is on the stack.
    let co = unsafe { thread.state() };
    co.push_native(levels)?;
    co.push_integer(n - 1)?;
    lua.push_value(2)?;
    lua.xmove(co, 1)?;
    let status = co.resume(Some(lua), 2);
    co.xmove(lua, 1)?;
    if status.is_error() && lua.to_boolean(3) {
        return Err(lua.error());
    }
    Ok(1)
}

/// `hook (co or nil, letters, count, is_quiet)`: sets a hook for lines (`l`) or a number of instructions (`n`), which
/// yields (`y`).
fn set_hook(lua: &mut LuaState) -> LuaResult<usize> {
    let letters = lua.str_at(2).map(<[u8]>::to_vec).unwrap_or_default();
    HOOK_YIELDS.set(letters.contains(&b'y'));
    HOOK_IS_QUIET.set(lua.to_boolean(4));
    let mut mask = 0;
    for (letter, bit) in [(b'l', MASK_LINE), (b'n', MASK_COUNT)] {
        mask |= if letters.contains(&letter) { bit } else { 0 };
    }
    let every = lua.to_integer(3).unwrap_or(0) as i32;
    match lua.to_thread(1) {
        // SAFETY: the thread is an argument.
        Some(co) => unsafe { co.state() }.set_hook(Some(hook), mask, every),
        None => lua.set_hook(Some(hook), mask, every),
    }
    Ok(0)
}

fn hook(lua: &mut LuaState, event: &HookEvent) -> LuaResult<()> {
    if !HOOK_IS_QUIET.get() {
        match event.kind {
            HookKind::Line(number) => line(format!("line {number}")),
            _ => line("count".to_owned()),
        }
    }
    if HOOK_YIELDS.get() { lua.yield_values(0).map(|_| ()) } else { Ok(()) }
}

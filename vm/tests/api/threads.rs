//! Threads and coroutines (manual §4.7, §4.8).

use std::panic::{self, AssertUnwindSafe, catch_unwind};

use perilune_alloc_adapters::System;
use perilune_vm::{
    ChunkReader, CoStatus, LoadMode, Lua, LuaResult, LuaState, NativeFn, Status, Thrown, VERSION, VERSION_NUM,
    native_resume, native_wrapped, native_yield, upvalue_index,
};

use crate::{integers, new_state, run, state_with, string, types, within};

/// Yields its arguments and returns what it is resumed with.
fn give(lua: &mut LuaState) -> LuaResult<usize> {
    lua.yield_values(lua.get_top() as usize)
}

#[test]
fn resuming() -> LuaResult<()> {
    let mut lua = state_with(&[("give", give)]);
    let thread = lua.new_thread()?;
    // SAFETY: the thread lies in a slot.
    let co = unsafe { thread.state() };
    assert_eq!(co.status(), Status::Ok);
    assert_eq!(lua.coroutine_status(thread), CoStatus::Dead, "it has no function");
    assert_eq!(co.load_str("local a, b = ... local c = give(a + b, 'x') give() return c, 'end'"), Status::Ok);
    assert_eq!(lua.coroutine_status(thread), CoStatus::Suspended);
    co.push_integer(1)?;
    co.push_integer(2)?;
    assert_eq!(co.resume(Some(&mut lua), 2), Status::Yield);
    assert_eq!((co.status(), types(co).as_str(), co.to_integer(1)), (Status::Yield, "ds", Some(3)));
    assert_eq!(lua.coroutine_status(thread), CoStatus::Suspended);
    co.pop(2);
    co.push_integer(10)?;
    assert_eq!(co.resume(None, 1), Status::Yield);
    assert_eq!(co.get_top(), 0);
    assert_eq!(co.resume(None, 0), Status::Ok);
    assert_eq!((co.status(), types(co).as_str(), co.to_integer(1)), (Status::Ok, "ds", Some(10)));
    co.set_top(0)?;
    assert_eq!(lua.coroutine_status(thread), CoStatus::Dead);
    assert_eq!(co.resume(None, 0), Status::ErrRun);
    assert_eq!(string(co, -1), "cannot resume dead coroutine");
    Ok(())
}

#[test]
fn errors_in_coroutines() -> LuaResult<()> {
    let mut lua = state_with(&[]);
    let thread = lua.new_thread()?;
    // SAFETY: the thread lies in a slot.
    let co = unsafe { thread.state() };
    assert_eq!(co.load_str("local x = ... error(x)"), Status::Ok);
    co.push_str("mine")?;
    assert_eq!(co.resume(Some(&mut lua), 1), Status::ErrRun);
    assert_eq!((co.status(), string(co, -1).as_str()), (Status::ErrRun, "mine"));
    assert_eq!(lua.coroutine_status(thread), CoStatus::Dead);
    // The frames are still there, for a traceback.
    lua.traceback(Some(thread), None, 0)?;
    let expected =
        "stack traceback:\n\t[C]: in function 'error'\n\t[string \"local x = ... error(x)\"]:1: in main chunk";
    assert_eq!(string(&lua, -1), expected);
    Ok(())
}

#[test]
fn work_on_other_threads() -> LuaResult<()> {
    let mut lua = state_with(&[("give", give)]);
    let thread = lua.new_thread()?;
    lua.push_str("below")?;
    assert_eq!(lua.load_str("local a, b = ... return give(a .. b, 2), 'end'"), Status::Ok);
    lua.move_to_thread(1, 1)?;
    assert_eq!(lua.coroutine_status(thread), CoStatus::Suspended);
    for word in ["x", "y"] {
        lua.push_str(word)?;
    }
    lua.move_to_thread(-4, 2)?;
    assert_eq!(types(&lua), "cs");
    assert_eq!(lua.with_thread(1, |co| co.resume(None, 2)), Ok(Status::Yield));
    lua.move_from_thread(1, usize::MAX)?;
    assert_eq!((types(&lua).as_str(), string(&lua, 3).as_str(), lua.to_integer(4)), ("cssd", "xy", Some(2)));
    lua.move_to_thread(1, 1)?;
    assert_eq!(lua.with_thread(1, |co| (co.resume(None, 1), types(co))), Ok((Status::Ok, "ds".into())));
    // What the body gives comes back, whatever it is; an error with its value.
    assert_eq!(lua.with_thread(1, |co| co.check_integer(2)), Ok(Err(Thrown::Runtime)));
    assert_eq!(string(&lua, -1), "bad argument #2 (number expected, got string)");
    lua.pop(1);
    lua.with_thread(1, |co| co.set_top(0))??;
    assert_eq!((lua.coroutine_status(thread), types(&lua).as_str()), (CoStatus::Dead, "css"));
    // Nothing moves when there are no values.
    lua.move_from_thread(1, 3)?;
    assert_eq!(types(&lua), "css");
    Ok(())
}

/// `within (co, f, ...)`: calls the function on the thread and returns the status and what it returned or its error.
fn within_thread(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.get_top() as usize - 1;
    lua.move_to_thread(1, n)?;
    let status = lua.with_thread(1, |co| co.pcall(n - 1, 1, 0))?;
    lua.push_integer(status as i64)?;
    lua.move_from_thread(1, 1)?;
    Ok(2)
}

#[test]
fn threads_that_cannot_be_worked_on() -> LuaResult<()> {
    let mut lua = state_with(COROUTINES);
    lua.register("within", within_thread)?;
    let refused = |lua: &mut LuaState, chunk: &str| run(lua, &format!("return pcall(function() {chunk} end)"));
    assert_eq!(refused(&mut lua, "within(nil, status)"), "2 thread expected");
    assert_eq!(refused(&mut lua, "within((running()), status)"), "2 thread is in use");
    let waits = "local co; co = create(function() return within(co, status) end) return resume(co)";
    assert_eq!(run(&mut lua, waits), "false thread is in use");
    let resumer =
        "local co; co = create(function() return resume(create(function() return within(co, status) end)) end)
        return resume(co)";
    assert_eq!(run(&mut lua, resumer), "true false thread is in use");
    // A thread that is worked on is in use, and so is the one that waits for that.
    let works = "local co = create(give) return within(co, function(co) return pcall(within, co, status) end, co)";
    assert_eq!(run(&mut lua, works), "0 2");
    let works = "local co, main = create(give), running() return within(co, function() return status(main) end)";
    assert_eq!(run(&mut lua, works), "0 normal");
    let works =
        "local co, main = create(give), running() return within(co, function() return select(2, resume(main)) end)";
    lua.register("select", |lua| {
        lua.remove(1);
        lua.remove(1);
        Ok(lua.get_top() as usize)
    })?;
    assert_eq!(run(&mut lua, works), "0 cannot resume non-suspended coroutine");
    // On suspended threads and on dead ones it works.
    let suspended = "local co = create(function() give(1, 2) return 'end' end) resume(co)
        local a, b = within(co, function() return status(co) end) return a, b, resume(co)";
    assert_eq!(run(&mut lua, suspended), "0 running true end");
    let dead = "local co = create(error) resume(co, 'e') return within(co, function() return status(co) end)";
    assert_eq!(run(&mut lua, dead), "0 running");
    Ok(())
}

#[test]
fn the_host_s_own_frame_waits_too() -> LuaResult<()> {
    let mut lua = state_with(COROUTINES);
    lua.push_thread()?;
    lua.set_global("main")?;
    assert_eq!(lua.load_str("return 'should not run'"), Status::Ok);
    lua.new_thread()?;
    let words = lua.with_thread(-1, |co| run(co, "return status(main), resume(main)"))?;
    assert_eq!(words, "normal false cannot resume non-suspended coroutine");
    assert_eq!((lua.status(), types(&lua).as_str()), (Status::Ok, "fc"));
    // Also when the work ends with a panic.
    let panicked = catch_unwind(AssertUnwindSafe(|| lua.with_thread(-1, |_| panic::resume_unwind(Box::new(())))));
    assert!(panicked.is_err());
    assert_eq!((lua.status(), types(&lua).as_str()), (Status::Ok, "fc"));
    lua.insert(1);
    assert_eq!(lua.resume(None, 0), Status::Ok);
    assert_eq!(string(&lua, -1), "should not run");
    Ok(())
}

#[test]
fn a_thread_lives_while_it_is_worked_on() -> LuaResult<()> {
    let mut lua = new_state();
    lua.new_thread()?;
    lua.push_native_closure(
        |lua| {
            lua.with_thread(upvalue_index(1), |co| -> LuaResult<()> {
                // The only reference goes.
                co.get_global("holder")?;
                co.push_nil()?;
                assert!(co.set_upvalue(-2, 1)?.is_some());
                co.set_top(0)?;
                co.gc_collect()?;
                assert_eq!(co.do_str("local t = {} for i = 1, 100 do t[i] = {} end return #t"), Status::Ok);
                assert_eq!(co.to_integer(-1), Some(100));
                Ok(())
            })??;
            assert!(lua.is_nil(upvalue_index(1)));
            Ok(0)
        },
        1,
    )?;
    lua.push_value(-1)?;
    lua.set_global("holder")?;
    lua.gc_collect()?;
    let before = lua.gc_count();
    lua.call(0, 0)?;
    lua.gc_collect()?;
    assert!(lua.gc_count() < before, "the thread has gone afterwards");
    Ok(())
}

/// Gives one piece, and looks at the thread that loads meanwhile.
struct Watcher(bool);

impl ChunkReader for Watcher {
    fn read(&mut self, lua: &mut LuaState) -> LuaResult<&[u8]> {
        assert_eq!(lua.status(), Status::Ok);
        if std::mem::replace(&mut self.0, true) {
            return Ok(&[]);
        }
        lua.push_thread()?;
        lua.set_global("loader")?;
        let words = "return status(loader), resume(create(function() return status(loader), resume(loader) end))";
        assert_eq!(run(lua, words), "running true normal false cannot resume non-suspended coroutine");
        Ok(b"return 1")
    }
}

#[test]
fn a_thread_that_loads_runs() -> LuaResult<()> {
    let mut lua = state_with(COROUTINES);
    // With the host's frame, and with that of a function.
    assert_eq!(lua.load(&mut Watcher(false), b"=watched", LoadMode::TEXT), Status::Ok);
    lua.set_top(0)?;
    within(&mut lua, |lua| {
        assert_eq!(lua.load(&mut Watcher(false), b"=watched", LoadMode::TEXT), Status::Ok);
        Ok(1)
    });
    assert_eq!((types(&lua).as_str(), lua.status()), ("f", Status::Ok));
    Ok(())
}

/// `status (co)`
fn status(lua: &mut LuaState) -> LuaResult<usize> {
    let Some(co) = lua.to_thread(1) else { return Err(lua.arg_error(1, "coroutine expected")) };
    let status = lua.coroutine_status(co).name();
    lua.push_str(status)?;
    Ok(1)
}

/// `create (f)`
fn create(lua: &mut LuaState) -> LuaResult<usize> {
    let thread = lua.new_thread()?;
    lua.push_value(1)?;
    // SAFETY: the thread lies in a slot.
    lua.xmove(unsafe { thread.state() }, 1)?;
    Ok(1)
}

/// `isyieldable ()`, and whether a yield would work.
fn yieldable(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_boolean(lua.is_yieldable())?;
    lua.push_boolean(lua.can_yield())?;
    Ok(2)
}

/// Asks to seem unyieldable and calls its argument.
fn seem(lua: &mut LuaState) -> LuaResult<usize> {
    lua.seem_unyieldable();
    lua.call_then(0, 2, 0, |_, _, _| Ok(2))
}

/// `running ()`: the thread, and whether it is the main one.
fn running(lua: &mut LuaState) -> LuaResult<usize> {
    let main = lua.push_thread()?;
    lua.push_boolean(main)?;
    Ok(2)
}

const COROUTINES: &[(&str, NativeFn)] = &[
    ("give", give),
    ("yield", native_yield),
    ("status", status),
    ("create", create),
    ("resume", native_resume),
    ("yieldable", yieldable),
    ("seem", seem),
    ("running", running),
];

#[test]
fn statuses() {
    let mut lua = state_with(COROUTINES);
    let normal = "local co; co = create(function() return resume(create(function() return status(co) end)) end)
        return resume(co)";
    assert_eq!(run(&mut lua, normal), "true true normal");
    assert_eq!(run(&mut lua, "return status((running()))"), "running");
    let own = "local co; co = create(function() return status(co), resume(co) end) return resume(co)";
    assert_eq!(run(&mut lua, own), "true running false cannot resume non-suspended coroutine");
    assert_eq!(run(&mut lua, "local _, main = running() return main"), "true");
    assert_eq!(run(&mut lua, "local _, _, main = resume(create(running)) return main"), "false");
}

#[test]
fn who_may_yield() {
    let mut lua = state_with(COROUTINES);
    assert_eq!(run(&mut lua, "return yieldable()"), "false false");
    assert_eq!(run(&mut lua, "return resume(create(yieldable))"), "true true true");
    assert_eq!(run(&mut lua, "return resume(create(function() return seem(yieldable) end))"), "true false true");
    let across = "attempt to yield across a C-call boundary";
    assert_eq!(run(&mut lua, "return resume(create(function() return pcall(give) end))"), format!("true 2 {across}"));
}

/// `wrap (f)`: a function that resumes a new coroutine.
fn wrap(lua: &mut LuaState) -> LuaResult<usize> {
    create(lua)?;
    lua.push_native_closure(native_wrapped, 1)?;
    Ok(1)
}

#[test]
fn natives_of_coroutines() {
    let mut lua = state_with(COROUTINES);
    assert_eq!(lua.register("wrap", wrap), Ok(()));
    assert_eq!(lua.register("yield", native_yield), Ok(()));
    let chunk = "local f = wrap(function(a) local b = yield(a + 1) local c = yield() return b + c end)
        local x = f(1) f(10) return x, f(20)";
    assert_eq!(run(&mut lua, chunk), "2 30");
    assert_eq!(run(&mut lua, "local f = wrap(function() end) f() f()"), "ErrRun: t:1: cannot resume dead coroutine");
    assert_eq!(run(&mut lua, "resume(1)"), "ErrRun: t:1: bad argument #1 to 'resume' (thread expected)");
    assert_eq!(run(&mut lua, "yield()"), "ErrRun: attempt to yield from outside a coroutine");
    assert_eq!(run(&mut lua, "return resume(create(function() return resume(create(yield), 5) end))"), "true true 5");
}

/// `resume2 (co, ···)`: resumes without native stack and tells the status.
fn resume2(lua: &mut LuaState) -> LuaResult<usize> {
    let Some(co) = lua.to_thread(1) else { return Err(lua.arg_error(1, "coroutine expected")) };
    let nargs = lua.get_top() as usize - 1;
    // SAFETY: the thread is an argument.
    lua.xmove(unsafe { co.state() }, nargs)?;
    lua.resume_then(co, nargs, 9, |lua, status, ctx| {
        lua.push_fmt(format_args!("{status:?} {ctx}"))?;
        lua.replace(1);
        Ok(lua.get_top() as usize)
    })
}

#[test]
fn stackless_resumption() {
    let mut lua = state_with(&[("create", create), ("resume2", resume2), ("give", give)]);
    let chunk = "local co = create(function(a) local b = give(a + 1) error(b) end)
        local s1, r1 = resume2(co, 1) local s2, r2 = resume2(co, 'e') local s3, r3 = resume2(co)
        return s1, r1, s2, r2, s3, r3";
    assert_eq!(run(&mut lua, chunk), "Yield 9 2 ErrRun 9 e ErrRun 9 cannot resume dead coroutine");
    // Coroutines within coroutines are limited all the same.
    let deep = "local function f(n) local _, r = resume2(create(f), n + 1) return r end return f(0)";
    assert_eq!(run(&mut lua, deep), "C stack overflow");
}

/// `on_thread (f)`: calls a function on a new thread, which becomes the global `other`, without resuming it.
fn on_thread(lua: &mut LuaState) -> LuaResult<usize> {
    let thread = lua.new_thread()?;
    lua.push_value(-1)?;
    lua.set_global("other")?;
    lua.push_value(1)?;
    // SAFETY: the thread lies in a slot.
    let co = unsafe { thread.state() };
    lua.xmove(co, 1)?;
    co.call(0, 0)?;
    Ok(0)
}

/// `on_protected_thread (f)`: the same with a protected call on the thread.
fn on_protected_thread(lua: &mut LuaState) -> LuaResult<usize> {
    let thread = lua.new_thread()?;
    lua.push_value(-1)?;
    lua.set_global("other")?;
    lua.push_value(1)?;
    // SAFETY: the thread lies in a slot.
    let co = unsafe { thread.state() };
    lua.xmove(co, 1)?;
    let status = co.pcall(0, 0, 0);
    lua.push_integer(status as i64)?;
    co.xmove(lua, co.get_top() as usize)?;
    Ok(lua.get_top() as usize - 2)
}

#[test]
fn threads_that_nobody_protects() -> LuaResult<()> {
    let mut lua = state_with(COROUTINES);
    lua.register("on_thread", on_thread)?;
    lua.register("on_protected_thread", on_protected_thread)?;
    // The error goes on in the function that called, and the thread is dead.
    let chunk = "local s, e = pcall(on_thread, function() error('mine') end) return s, e, status(other), resume(other)";
    assert_eq!(run(&mut lua, chunk), "2 mine dead false cannot resume dead coroutine");
    lua.get_global("other")?;
    // SAFETY: the thread lies in a slot.
    let other = unsafe { lua.to_thread(-1).expect("a thread").state() };
    assert_eq!(other.status(), Status::ErrRun);
    lua.pop(1);
    // Where all goes well, or the thread has its own protection, it lives.
    assert_eq!(run(&mut lua, "on_thread(running) return status(other)"), "dead", "it has no function");
    lua.get_global("other")?;
    // SAFETY: the thread lies in a slot.
    let other = unsafe { lua.to_thread(-1).expect("a thread").state() };
    assert_eq!(other.status(), Status::Ok);
    lua.pop(1);
    assert_eq!(run(&mut lua, "return on_protected_thread(function() error('mine') end)"), "2 mine");
    lua.get_global("other")?;
    // SAFETY: the thread lies in a slot.
    let other = unsafe { lua.to_thread(-1).expect("a thread").state() };
    assert_eq!(other.status(), Status::Ok);
    Ok(())
}

#[test]
fn threads_are_independent() -> LuaResult<()> {
    let mut lua = new_state();
    let thread = lua.new_thread()?;
    // SAFETY: the thread lies in a slot.
    let co = unsafe { thread.state() };
    co.push_integer(1)?;
    lua.push_integer(2)?;
    assert_eq!((integers(co), lua.get_top()), (vec![1], 2));
    co.set_global("shared")?;
    lua.get_global("shared")?;
    assert_eq!(lua.to_integer(-1), Some(1));
    Ok(())
}

#[test]
fn extra_space() -> LuaResult<()> {
    let mut lua = new_state();
    assert_eq!(lua.extra_space().get(), 0);
    lua.extra_space().set(7);
    let thread = lua.new_thread()?;
    // SAFETY: the thread lies in a slot.
    let co = unsafe { thread.state() };
    assert_eq!(co.extra_space().get(), 7, "it begins with the main thread's");
    co.extra_space().set(8);
    assert_eq!(lua.extra_space().get(), 7);
    // Also if another thread makes it.
    let thread = co.new_thread()?;
    // SAFETY: the thread lies in a slot.
    assert_eq!(unsafe { thread.state() }.extra_space().get(), 7);
    Ok(())
}

#[test]
fn seeds() -> LuaResult<()> {
    // The order of a table's fields depends on the seed alone.
    let order = |seed| {
        let mut lua = Lua::with_seed(System, seed).expect("there is memory");
        lua.new_table()?;
        for i in 0..50 {
            lua.push_integer(i)?;
            lua.set_field(1, &format!("field {i}"))?;
        }
        let mut order = Vec::new();
        lua.push_nil()?;
        while lua.next(1)? {
            order.extend(lua.to_integer(-1));
            lua.pop(1);
        }
        LuaResult::Ok(order)
    };
    assert_eq!(order(1)?, order(1)?);
    assert_ne!(order(1)?, order(2)?);
    Ok(())
}

#[test]
fn version() {
    let lua = new_state();
    assert_eq!((lua.version(), VERSION_NUM, VERSION), (503.0, 503, "Lua 5.3"));
}

#[test]
fn a_coroutine_that_has_ended_is_used_again() -> LuaResult<()> {
    let mut lua = state_with(COROUTINES);
    // More than are kept, and enough for their stacks to come back.
    for round in 0..40 {
        lua.set_top(0)?;
        // A fixed number of parameters, begun and ended by instructions.
        let chunk = "ended = create(function(a) return a end) local ok, v = resume(ended, 7) fine = ok and v == 7";
        assert_eq!(lua.do_str(chunk), Status::Ok);
        lua.get_global("fine")?;
        assert!(lua.to_boolean(-1));
        lua.get_global("ended")?;
        let co = lua.get_top();
        if round % 2 == 0 {
            lua.gc_collect()?;
        }
        lua.with_thread(co, |co| {
            assert_eq!((co.get_top(), co.status()), (0, Status::Ok));
            for i in 0..round {
                co.push_integer(i)?;
            }
            assert_eq!(i64::from(co.get_top()), round);
            co.set_top(0)?;
            assert_eq!(co.load_str("local a, b = ... return b, a, yield(a)"), Status::Ok);
            co.push_integer(1)?;
            co.push_integer(2)?;
            assert_eq!((co.resume(None, 2), co.get_top(), co.to_integer(-1)), (Status::Yield, 1, Some(1)));
            co.push_integer(3)?;
            assert_eq!((co.resume(None, 1), co.get_top(), co.to_integer(1)), (Status::Ok, 3, Some(2)));
            co.set_top(0)?;
            let chunk = "local function f(n) if n > 0 then return 1 + f(n - 1) end return 0 end return f(100)";
            assert_eq!((co.do_str(chunk), co.to_integer(-1)), (Status::Ok, Some(100)));
            LuaResult::Ok(())
        })??;
    }
    Ok(())
}

#[test]
fn room_where_a_coroutine_waits() -> LuaResult<()> {
    let mut lua = state_with(COROUTINES);
    // The more registers, the nearer to the end of the stack the coroutine waits; the host passes many values then.
    for registers in 1..60 {
        lua.set_top(0)?;
        let names: Vec<String> = (0..registers).map(|i| format!("v{i}")).collect();
        let chunk = format!(
            "ended = create(function(a) local {} = a local t = {{yield(a)}} return #t end) resume(ended, 7)",
            names.join(", ")
        );
        assert_eq!(lua.do_str(&chunk), Status::Ok);
        lua.get_global("ended")?;
        lua.with_thread(1, |co| {
            assert_eq!((co.status(), co.get_top()), (Status::Yield, 0));
            for i in 0..40 {
                co.push_integer(i)?;
            }
            assert_eq!((co.resume(None, 40), co.get_top(), co.to_integer(-1)), (Status::Ok, 1, Some(40)));
            LuaResult::Ok(())
        })??;
    }
    Ok(())
}

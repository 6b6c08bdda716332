//! Single cases of misuse: what each comes to is an error, a missing value or nothing, and never harm.

use std::cell::Cell;

use perilune_alloc_adapters::{Checking, Counting, System};
use perilune_vm::{
    Buffer, ChunkReader, ChunkWriter, HookEvent, LoadMode, Lua, LuaResult, LuaState, LuaType, MASK_COUNT, MULTRET,
    REGISTRY_INDEX, Status, Thrown, native_resume, native_wrapped, native_yield, upvalue_index,
};

type Memory = Counting<Checking<System>>;

/// Runs a test on a state whose blocks are checked.
fn with_state(test: impl FnOnce(&mut Lua<&Memory>)) {
    let memory = Counting::new(Checking::recording(System));
    {
        let mut lua = Lua::with_seed(&memory, 5).expect("a state");
        lua.register("collect", |lua| lua.gc_collect().map(|()| 0)).expect("room");
        lua.register("setmetatable", |lua| lua.set_metatable(1).map(|()| 1)).expect("room");
        lua.register("yield", native_yield).expect("room");
        lua.register("resume", native_resume).expect("room");
        lua.register("wrap", wrap).expect("room");
        test(&mut lua);
        #[cfg(feature = "testing")]
        perilune_vm::testing::check_memory(&lua);
    }
    assert_eq!(memory.stats().live_bytes, 0, "a leak");
    assert_eq!(memory.inner().violations(), []);
}

fn wrap(lua: &mut LuaState) -> LuaResult<usize> {
    let co = lua.new_thread()?;
    lua.push_value(1)?;
    // SAFETY: the thread lies on the stack.
    lua.xmove(unsafe { co.state() }, 1)?;
    lua.push_native_closure(native_wrapped, 1)?;
    Ok(1)
}

fn load(lua: &mut LuaState, chunk: &str) {
    assert_eq!(lua.load_bytes(chunk.as_bytes(), b"=case", LoadMode::TEXT), Status::Ok, "{chunk}");
}

/// Calls the function on top, without arguments, and gives the status and the message or text that it leaves.
fn outcome(lua: &mut LuaState) -> (Status, String) {
    let status = lua.pcall(0, 1, 0);
    let text = String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"")).into_owned();
    lua.pop(1);
    (status, text)
}

/// The message of the error that the function on top raises.
fn error_of(lua: &mut LuaState) -> String {
    let (status, text) = outcome(lua);
    assert_eq!(status, Status::ErrRun, "{text}");
    text
}

fn is_well(lua: &mut LuaState) {
    load(lua, "local t = {} for i = 1, 300 do t[i] = {i .. 'x'} end collect() return t[300][1]");
    assert_eq!(outcome(lua), (Status::Ok, "300x".into()));
}

#[test]
fn numbers_that_are_too_large() {
    with_state(|lua| {
        for n in [1_000_000, 1 << 31, 1 << 32, usize::MAX / 16, isize::MAX as usize, usize::MAX - 8, usize::MAX] {
            assert!(!lua.check_stack(n), "{n}");
            assert!(lua.ensure_stack(n, "case").is_err());
            lua.set_top(0).expect("fewer values");
            assert!(lua.push_native_closure(is_never_called, n).is_err());
            lua.set_top(0).expect("fewer values");
            assert!(lua.call(n, 0).is_err());
            lua.set_top(0).expect("fewer values");
            assert!(lua.set_funcs(&[("f", is_never_called)], n).is_err());
            lua.set_top(0).expect("fewer values");
            assert_eq!(lua.pcall(n, 0, 0), Status::ErrRun);
            lua.set_top(0).expect("fewer values");
            lua.new_table().expect("room");
            assert!(!lua.raw_sort(1, n) && !lua.raw_unpack(1, 1, n));
            lua.concat(n).expect("one value is its own concatenation");
            lua.pop(n);
            assert_eq!(lua.get_top(), 0);
        }
        assert!(lua.new_userdata(usize::MAX).is_err() && lua.new_userdata(isize::MAX as usize).is_err());
        assert!(lua.create_table(usize::MAX, 0).is_err() && lua.create_table(0, usize::MAX).is_err());
        assert!(lua.set_top(i32::MAX).is_err());
        lua.set_top(0).expect("fewer values");
        lua.rotate(1, i32::MIN);
        lua.set_top(i32::MIN).expect("fewer values");
        assert_eq!(lua.get_top(), 0);
        for _ in 0..100 {
            lua.gc_set_pause(i32::MAX);
            lua.gc_set_step_mul(i32::MAX);
            lua.gc_step(i32::MIN).expect("a step");
            lua.gc_step(i32::MAX).expect("a step");
            lua.gc_set_pause(i32::MIN);
            lua.gc_set_step_mul(i32::MIN);
            lua.gc_step(1).expect("a step");
        }
        is_well(lua);
    });
}

fn is_never_called(_: &mut LuaState) -> LuaResult<usize> {
    unreachable!()
}

#[test]
fn more_results_than_a_call_can_have() {
    with_state(|lua| {
        // With so many arguments there would be room for so many results.
        lua.push_native(|lua| Ok(lua.get_top() as usize)).expect("room");
        lua.set_top(50_001).expect("room");
        assert!(lua.call(50_000, 40_000).is_err());
        lua.set_top(50_001).expect("fewer values");
        assert_eq!(lua.pcall(50_000, i32::MAX, 0), Status::ErrRun);
        lua.set_top(0).expect("fewer values");
        lua.push_native(|lua| Ok(lua.get_top() as usize)).expect("room");
        lua.set_top(50_001).expect("room");
        lua.call(50_000, i32::from(i16::MAX)).expect("that is the limit");
        assert_eq!(lua.get_top(), i32::from(i16::MAX));
        lua.set_top(0).expect("fewer values");
        // A native function that says more than it has.
        lua.push_native(|_| Ok(usize::MAX)).expect("room");
        lua.push_integer(1).expect("room");
        lua.call(1, MULTRET).expect("what there is comes back");
        assert_eq!((lua.get_top(), lua.to_integer(1)), (1, Some(1)));
        is_well(lua);
    });
}

/// A reader that does what its function says before each piece.
struct Meddler<F: FnMut(&mut LuaState, usize)> {
    pieces: Vec<&'static [u8]>,
    reads: usize,
    meddle: F,
}

impl<F: FnMut(&mut LuaState, usize)> ChunkReader for Meddler<F> {
    fn read(&mut self, lua: &mut LuaState) -> LuaResult<&[u8]> {
        (self.meddle)(lua, self.reads);
        self.reads += 1;
        Ok(self.pieces.get(self.reads - 1).copied().unwrap_or(&[]))
    }
}

const PIECES: [&[u8]; 5] = [
    b"local a = 'a text that is longer than short ",
    b"strings are, in two pieces' local function f",
    b"() return a end ",
    b"return f",
    b"() .. #'x'",
];

/// Loads the pieces, and expects the same value on top of `below` others, whatever happens in between.
fn load_meddled(lua: &mut LuaState, below: i32, meddle: impl FnMut(&mut LuaState, usize)) {
    let mut reader = Meddler { pieces: PIECES.to_vec(), reads: 0, meddle };
    assert_eq!(lua.load(&mut reader, b"=pieces", LoadMode::ANY), Status::Ok);
    assert_eq!(lua.get_top(), below + 1);
    assert_eq!(outcome(lua), (Status::Ok, "a text that is longer than short strings are, in two pieces1".into()));
    lua.set_top(0).expect("fewer values");
    is_well(lua);
}

#[test]
fn readers_that_use_the_stack() {
    with_state(|lua| {
        // What the compiler needs does not lie there.
        load_meddled(lua, 0, |lua, _| {
            assert_eq!(lua.get_top(), 0);
            lua.set_top(0).expect("fewer values");
            lua.gc_collect().expect("a collection");
        });
        for i in 0..5 {
            lua.push_integer(i).expect("room");
        }
        load_meddled(lua, 5, |lua, _| {
            lua.set_top(0).expect("fewer values");
            lua.gc_collect().expect("a collection");
            lua.gc_collect().expect("a collection");
        });
        load_meddled(lua, 0, |lua, _| lua.set_top(lua_top_and(lua, 10_000)).expect("room"));
        // Up to the last slot that there is.
        load_meddled(lua, 0, |lua, reads| {
            if reads == 1 {
                while lua.check_stack(1000) {
                    lua.set_top(lua_top_and(lua, 1000)).expect("room");
                }
                while lua.push_integer(1).is_ok() {}
            } else if reads == 2 {
                lua.set_top(0).expect("fewer values");
            }
        });
        load_meddled(lua, 0, |lua, _| is_well(lua));
        // The thread can be neither resumed nor yielded from meanwhile.
        load_meddled(lua, 0, |lua, _| {
            load(lua, "return 1");
            assert_eq!(lua.resume(None, 0), Status::ErrRun);
            assert!(lua.yield_values(0).is_err());
            lua.set_top(0).expect("fewer values");
        });
    });
}

fn lua_top_and(lua: &LuaState, more: i32) -> i32 {
    lua.get_top() + more
}

#[test]
fn a_reader_on_a_suspended_coroutine() {
    with_state(|lua| {
        let co = lua.new_thread().expect("room");
        // SAFETY: the thread lies on the stack.
        let co = unsafe { co.state() };
        load(co, "local a = yield(1) return a + 1");
        assert_eq!(co.resume(Some(lua), 0), Status::Yield);
        let mut reader = Meddler {
            pieces: PIECES.to_vec(),
            reads: 0,
            meddle: |co: &mut LuaState, _| {
                assert_eq!(co.resume(None, 0), Status::ErrRun);
                co.set_top(0).expect("fewer values");
                co.push_native(native_resume).expect("room");
                co.push_thread().expect("room");
                co.call(1, 2).expect("it says no");
                assert_eq!(co.str_at(-1), Some(&b"cannot resume non-suspended coroutine"[..]));
                co.set_top(0).expect("fewer values");
            },
        };
        assert_eq!(co.load(&mut reader, b"=pieces", LoadMode::ANY), Status::Ok);
        co.set_top(0).expect("fewer values");
        co.push_integer(41).expect("room");
        assert_eq!(co.resume(Some(lua), 1), Status::Ok);
        assert_eq!(co.to_integer(-1), Some(42));
    });
}

/// A writer that takes the function off the stack.
struct Remover(Vec<u8>);

impl ChunkWriter for Remover {
    fn write(&mut self, lua: &mut LuaState, bytes: &[u8]) -> LuaResult<()> {
        self.0.extend_from_slice(bytes);
        lua.set_top(0)?;
        lua.gc_collect()?;
        lua.gc_collect()
    }
}

#[test]
fn a_writer_that_removes_the_function() {
    with_state(|lua| {
        let source: String = (0..200)
            .map(|i| format!("local function f{i}() return 'constant {i}' end f{i}() do local x end "))
            .take(150)
            .collect();
        load(lua, &source);
        let mut whole = Remover(Vec::new());
        assert_eq!(lua.dump(&mut whole, false), Ok(true));
        assert_eq!(lua.get_top(), 0);
        assert_eq!(lua.load_bytes(&whole.0, b"=binary", LoadMode::BINARY), Status::Ok);
        assert_eq!(lua.pcall(0, 0, 0), Status::Ok);
        is_well(lua);
    });
}

#[test]
fn an_error_without_a_value() {
    with_state(|lua| {
        // The handler must not get at the function below.
        lua.push_native(|_| Ok(1)).expect("room");
        lua.push_native(|lua| {
            lua.set_top(0)?;
            let _ = lua.error();
            assert_eq!((lua.get_top(), lua.lua_type(-1)), (1, LuaType::Nil));
            lua.set_top(0)?;
            lua.push_value(upvalue_index(1))?;
            Ok(1)
        })
        .expect("room");
        load(lua, "local f = ... return function(...) local t = {...} return f(#t, ...) end");
        lua.insert(-2);
        lua.call(1, 1).expect("a function");
        assert_eq!(lua.pcall(0, 1, 1), Status::Ok);
        lua.set_top(1).expect("fewer values");
        // In a hook the function below is one of Lua.
        lua.set_hook(Some(errs_without_a_value), MASK_COUNT, 1);
        load(lua, "local function v(...) local a, b = ... return function() return b end end return v(1, 'two')()");
        // The registers are the hook's to spoil; whether the script notices does not matter.
        assert!(matches!(lua.pcall(0, 1, 1), Status::Ok | Status::ErrRun));
        lua.set_hook(None, 0, 0);
        lua.set_top(0).expect("fewer values");
        is_well(lua);
    });
}

fn errs_without_a_value(lua: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
    lua.set_top(0)?;
    let _ = lua.error();
    Ok(())
}

#[test]
fn a_buffer_s_place_and_source_among_upvalues() {
    with_state(|lua| {
        // A box that is no slot of the stack is no buffer's place.
        lua.push_native(|lua| {
            let mut buffer = Buffer::new(lua)?;
            buffer.extend(lua, b"parked")?;
            buffer.park(lua)?;
            lua.push_native_closure(|lua| Buffer::unpark(lua, upvalue_index(1)).map(|_| 0), 1)?;
            let message = error_of(lua);
            assert_eq!(message, "the buffer's place on the stack was overwritten");
            assert!(Buffer::unpark(lua, REGISTRY_INDEX).is_err());
            Ok(0)
        })
        .expect("room");
        assert_eq!(lua.pcall(0, 0, 0), Status::Ok);
        // The string is an upvalue, which a finalizer changes while the buffer grows.
        thread_local!(static CHANGED: Cell<bool> = const { Cell::new(false) });
        lua.push_bytes(&[b's'; 5000]).expect("room");
        lua.push_native_closure(
            |lua| {
                let mut buffer = Buffer::new(lua)?;
                lua.push_value(upvalue_index(2))?;
                load(lua, "local f = ... setmetatable({}, {__gc = f}) return 1");
                lua.insert(-2);
                lua.call(1, 0)?;
                for _ in 0..100 {
                    buffer.add_at(lua, upvalue_index(1))?;
                    lua.gc_step(0)?;
                    if CHANGED.get() {
                        break;
                    }
                }
                assert!(buffer.as_bytes(lua).iter().all(|&byte| byte == b's'));
                buffer.finish(lua)?;
                Ok(1)
            },
            1,
        )
        .expect("room");
        lua.push_value(-1).expect("room");
        lua.set_global("f").expect("room");
        assert!(matches!(lua.pcall(0, 1, 0), Status::Ok | Status::ErrRun));
        lua.set_top(0).expect("fewer values");
        is_well(lua);
    });
}

#[test]
fn a_call_on_a_coroutine_that_waits() {
    with_state(|lua| {
        let co = lua.new_thread().expect("room");
        // SAFETY: the thread lies on the stack.
        let co = unsafe { co.state() };
        load(co, "local a = yield(1) return a");
        assert_eq!(co.resume(Some(lua), 0), Status::Yield);
        co.set_top(0).expect("fewer values");
        // While the host calls something on it, nobody can resume it, by whatever way.
        for chunk in [
            "local co = ... local ok, why = resume(co) return why",
            "local co = ... local function f() local ok, why = resume(co) return why end return (f())",
            "local co = ... local why = wrap(function() local ok, why = resume(co) return why end)() return why",
        ] {
            load(co, chunk);
            co.push_thread().expect("room");
            co.call(1, 1).expect("it says no");
            assert!(co.str_at(-1).is_some_and(|why| why.starts_with(b"cannot resume ")));
            co.pop(1);
        }
        // An error in there leaves it as it was.
        load(co, "local x = nil + 1");
        assert_eq!(co.pcall(0, 0, 0), Status::ErrRun);
        co.set_top(0).expect("fewer values");
        assert_eq!(co.status(), Status::Yield);
        co.push_integer(7).expect("room");
        assert_eq!(co.resume(Some(lua), 1), Status::Ok);
        assert_eq!(co.to_integer(-1), Some(7));
    });
}

#[test]
fn threads_that_are_no_more() {
    with_state(|lua| {
        let stale = lua.new_thread().expect("room");
        lua.pop(1);
        lua.gc_collect().expect("a collection");
        assert!(lua.push_thread_ref(stale).is_err());
        lua.set_top(0).expect("fewer values");
        assert!(lua.traceback(Some(stale), None, 0).is_err());
        lua.set_top(0).expect("fewer values");
        assert!(matches!(lua.resume_then(stale, 0, 0, |_, _, _| Ok(0)), Err(Thrown::Runtime)));
        lua.set_top(0).expect("fewer values");
        assert_eq!(lua.coroutine_status(stale).name(), "dead");
        // Nor does the handle of another state name anything, though its thread is alive.
        let mut other = Lua::with_seed(System, 5).expect("a state");
        let foreign = other.new_thread().expect("room");
        assert!(lua.push_thread_ref(foreign).is_err());
        assert!(lua.resume_then(foreign, 0, 0, |_, _, _| Ok(0)).is_err());
        assert_eq!(lua.coroutine_status(foreign).name(), "dead");
        assert!(lua.traceback(Some(foreign), None, 0).is_err());
        lua.set_top(0).expect("fewer values");
        other.push_str("value").expect("room");
        let refused = other.xmove(lua, 1);
        assert!(
            refused.is_err() && other.str_at(-1) == Some(b"cannot move values between states") && lua.get_top() == 0
        );
        // An activation of one state, or of a call that is over, is none of another.
        let activation = Cell::new(None);
        thread_local!(static KEPT: Cell<Option<perilune_vm::Activation>> = const { Cell::new(None) });
        lua.push_native(|lua| {
            KEPT.set(lua.get_stack(0));
            Ok(0)
        })
        .expect("room");
        lua.call(0, 0).expect("it works");
        activation.set(KEPT.get());
        for state in [&mut **lua, &mut *other] {
            assert!(!state.get_info("nSltu", activation.get()).expect("room").valid);
            assert!(state.get_local(activation.get(), 1).expect("room").is_none());
            state.push_nil().expect("room");
            assert!(state.set_local(activation.get().expect("it was kept"), 1).expect("room").is_none());
        }
        lua.set_top(0).expect("fewer values");
        is_well(lua);
    });
}

/// `visit (co, f)`: calls the function on the thread.
fn visit(lua: &mut LuaState) -> LuaResult<usize> {
    lua.move_to_thread(1, 1)?;
    lua.with_thread(1, |co| co.call(0, 1))??;
    lua.move_from_thread(1, 1)?;
    Ok(1)
}

/// The same by resumption.
fn visit_by_resumption(lua: &mut LuaState) -> LuaResult<usize> {
    lua.move_to_thread(1, 1)?;
    let status = lua.with_thread(1, |co| co.resume(None, 0))?;
    assert_eq!(status, Status::Ok);
    lua.move_from_thread(1, 1)?;
    Ok(1)
}

/// `forget (f)`: takes the function's first upvalue away.
fn forget_upvalue(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    lua.push_nil()?;
    lua.set_upvalue(1, 1)?;
    Ok(0)
}

#[test]
fn threads_wait_for_others_though_nothing_refers_to_them() {
    for visit in [visit, visit_by_resumption] {
        with_state(|lua| {
            lua.register("visit", visit).expect("room");
            lua.register("forget", forget_upvalue).expect("room");
            lua.register("create", |lua| lua.new_thread().map(|_| 1)).expect("room");
            load(
                lua,
                "local gen
                gen = wrap(function(...)
                    local a, b = 'kept', {'too'}
                    local result = visit(create(), function()
                        local inner
                        inner = wrap(function()
                            return visit(create(), function()
                                -- Nothing refers to the two threads whose functions wait for this one.
                                forget(gen) forget(inner)
                                collect() collect()
                                for i = 1, 300 do local t = {i .. 'x', wrap(function() return t end)} end
                                collect()
                                return 'result'
                            end)
                        end)
                        return inner()
                    end)
                    return result .. a .. b[1]
                end)
                return gen()",
            );
            assert_eq!(outcome(lua), (Status::Ok, "resultkepttoo".into()));
            is_well(lua);
        });
    }
}

#[test]
fn the_box_of_a_buffer_is_not_the_host_s() {
    with_state(|lua| {
        let mut buffer = Buffer::new(lua).expect("room");
        buffer.extend(lua, &[b'x'; 600]).expect("room");
        assert_eq!((lua.lua_type(1), lua.raw_len(1)), (LuaType::Userdata, 600));
        // Its bytes are whatever a script wants: nobody is to take them for something that he has made.
        assert_eq!(lua.to_userdata(1), None);
        lua.new_metatable("kind").expect("room");
        lua.set_metatable(1).expect("room");
        assert_eq!(lua.test_userdata(1, "kind"), None);
        assert_eq!(buffer.as_bytes(lua).len(), 600);
        buffer.finish(lua).expect("room");
        assert_eq!(lua.raw_len(-1), 600);
    });
}

#[test]
fn a_buffer_in_another_state() {
    with_state(|lua| {
        let mut other = Lua::with_seed(System, 5).expect("a state");
        other.push_integer(1).expect("room");
        let mut small = Buffer::new(lua).expect("room");
        small.extend(lua, b"small").expect("room");
        let mut large = Buffer::with_capacity(lua, 1000).expect("room");
        large.extend(lua, &[b'x'; 900]).expect("room");
        assert_eq!(large.as_bytes(&other), b"");
        assert!(large.extend(&mut other, &[b'y'; 2000]).is_err() && large.reserve(&mut other, 10).is_err());
        assert!(small.extend(&mut other, &[b'y'; 2000]).is_err() && large.park(&mut other).is_err());
        other.set_top(0).expect("fewer values");
        assert_eq!(small.as_bytes(lua), b"small");
        small.finish(&mut other).expect("what it holds itself goes anywhere");
        assert_eq!(other.str_at(-1), Some(&b"small"[..]));
        drop(other);
        large.finish(lua).expect("the place is still there");
        assert_eq!(lua.str_at(-1), Some(&[b'x'; 900][..]));
        lua.set_top(0).expect("fewer values");
        is_well(lua);
    });
}

#[test]
fn swapped_handles() {
    let mut one = Lua::with_seed(System, 1).expect("a state");
    let mut two = Lua::with_seed(System, 2).expect("a state");
    one.push_integer(1).expect("room");
    two.push_integer(2).expect("room");
    // The handles have no contents that could change places.
    std::mem::swap::<LuaState>(&mut one, &mut two);
    assert_eq!((one.to_integer(1), two.to_integer(1)), (Some(1), Some(2)));
    // The owners have.
    std::mem::swap(&mut one, &mut two);
    assert_eq!((one.to_integer(1), two.to_integer(1)), (Some(2), Some(1)));
    drop(one);
    assert_eq!(two.to_integer(1), Some(1));
}

#[test]
fn a_traceback_of_a_coroutine_that_a_finalizer_ends() {
    with_state(|lua| {
        // Its functions' names belong to functions that are collected while the text is made.
        load(
            lua,
            "local source = [[
                local function a_function_with_a_name_that_is_longer_than_short_strings() yield() end
                return function() a_function_with_a_name_that_is_longer_than_short_strings() return 1 end]]
            local co = ...
            return source",
        );
        lua.call(0, 1).expect("a text");
        let source = lua.str_at(-1).expect("a text").to_vec();
        for _ in 0..20 {
            let co = lua.new_thread().expect("room");
            // SAFETY: the thread lies on the stack.
            let state = unsafe { co.state() };
            assert_eq!(state.load_bytes(&source, &source, LoadMode::TEXT), Status::Ok);
            state.call(0, 1).expect("a function");
            assert_eq!(state.resume(Some(lua), 0), Status::Yield);
            load(lua, "local co = ... setmetatable({}, {__gc = function() resume(co) collect() collect() end})");
            lua.push_value(-2).expect("room");
            lua.call(1, 0).expect("it works");
            lua.gc_set_pause(0);
            lua.gc_step(0).expect("a step");
            let message = [b'm'; 3000];
            lua.traceback(Some(co), Some(&message), 0).expect("a text");
            assert!(lua.str_at(-1).is_some_and(|text| text.starts_with(&message)));
            lua.set_top(1).expect("fewer values");
        }
    });
}

/// Suspends the coroutine once, before an instruction that takes a variable number of values.
fn yields_in_line(lua: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
    lua.yield_values(0).map(|_| ())
}

#[test]
fn values_that_are_left_alone_when_a_hook_yields() {
    with_state(|lua| {
        let co = lua.new_thread().expect("room");
        // SAFETY: the thread lies on the stack.
        let co = unsafe { co.state() };
        lua.register("three", |lua| {
            for i in 1..=3 {
                lua.push_integer(i)?;
            }
            Ok(3)
        })
        .expect("room");
        lua.register("count", |lua| {
            lua.push_integer(i64::from(lua.get_top()))?;
            Ok(1)
        })
        .expect("room");
        load(
            co,
            "local function v(...) return count(...), ... end
            local t = {v(three())}
            return count(three()) * 1000 + #t * 100 + count(v(v(three())))",
        );
        co.set_hook(Some(yields_in_line), MASK_COUNT, 1);
        let mut yields = 0;
        loop {
            // What is passed, or what the host does meanwhile, is nobody's business.
            match co.resume(Some(lua), co.get_top().max(0) as usize * usize::from(yields > 0)) {
                Status::Yield => yields += 1,
                status => {
                    assert_eq!(status, Status::Ok);
                    break;
                }
            }
            co.set_top(0).expect("fewer values");
            for i in 0..yields % 5 {
                co.push_integer(i).expect("room");
            }
            lua.gc_collect().expect("a collection");
        }
        assert!(yields > 20);
        assert_eq!(co.to_integer(-1), Some(3405));
    });
}

#[test]
fn a_yield_that_a_native_function_keeps_for_a_while() {
    with_state(|lua| {
        // A hook has suspended a function with extra arguments; the native function below spoils its frame, then passes the
        // yield on.
        lua.register("keeper", |lua| {
            let result = lua.call_k(2, 1, 0, |_, _, _| Ok(1));
            assert_eq!(result, Err(Thrown::Yield));
            let _ = lua.set_top(0);
            for _ in 0..30 {
                let _ = lua.push_integer(13);
            }
            let _ = lua.gc_collect();
            Err(Thrown::Yield)
        })
        .expect("room");
        let co = lua.new_thread().expect("room");
        // SAFETY: the thread lies on the stack.
        let co = unsafe { co.state() };
        load(
            co,
            "return keeper(function(...) local a, b = ... local function f(...) return a, b, ... end return f(a) end, 1, 2)",
        );
        co.set_hook(Some(yields_in_line), MASK_COUNT, 4);
        for _ in 0..200 {
            if co.resume(Some(lua), 0) != Status::Yield {
                break;
            }
            lua.gc_collect().expect("a collection");
        }
        assert_ne!(co.status(), Status::Yield);
        is_well(lua);
    });
}

/// Empties the frame that it finds.
fn empties(lua: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
    lua.set_hook(None, 0, 0);
    lua.set_top(0)?;
    lua.gc_collect()
}

#[test]
fn an_interrupt_that_is_served_by_a_native_function() {
    with_state(|lua| {
        lua.push_native(|lua| {
            let text = lua.check_str(1)?;
            // SAFETY: the state is open.
            unsafe { lua.interrupter().interrupt(empties) };
            lua.serve_interrupt()?;
            // SAFETY: the string lies in its slot, which belongs to this function alone.
            assert!(unsafe { text.bytes() }.iter().all(|&byte| byte == b't'));
            assert_eq!(lua.get_top(), 1);
            Ok(0)
        })
        .expect("room");
        lua.push_bytes(&[b't'; 500]).expect("room");
        assert_eq!(lua.pcall(1, 0, 0), Status::Ok);
        is_well(lua);
    });
}

#[test]
fn requests_that_are_not_passed_on() {
    with_state(|lua| {
        for native in [
            |lua: &mut LuaState| {
                lua.push_native(is_never_called)?;
                let _ = lua.call_then(0, 0, 0, |_, _, _| unreachable!());
                Ok(1)
            },
            |lua: &mut LuaState| {
                lua.push_native(is_never_called)?;
                let _ = lua.pcall_then(0, 0, 1, 0, |_, _, _| unreachable!());
                lua.set_top(0)?;
                Ok(1)
            },
            |lua: &mut LuaState| {
                let _ = lua.yield_values(5);
                Ok(5)
            },
        ] {
            lua.push_native(native).expect("room");
            assert_eq!(lua.pcall(0, 1, 0), Status::Ok);
            lua.set_top(0).expect("fewer values");
        }
        // What is asked for is gone when the function comes back.
        for native in [
            |lua: &mut LuaState| {
                lua.push_native(is_never_called)?;
                lua.push_integer(1)?;
                let request = lua.call_then(1, 0, 0, |_, _, _| unreachable!());
                lua.set_top(0)?;
                request
            },
            |_: &mut LuaState| Err(Thrown::Call),
            |_: &mut LuaState| Err(Thrown::Resume),
            |lua: &mut LuaState| {
                let co = lua.new_thread()?;
                let request = lua.resume_then(co, 7, 0, |_, _, _| unreachable!());
                lua.set_top(0)?;
                lua.gc_collect()?;
                request
            },
            |_: &mut LuaState| Err(Thrown::Yield),
        ] {
            lua.push_native(native).expect("room");
            assert_eq!(lua.pcall(0, 0, 0), Status::ErrRun);
            lua.set_top(0).expect("fewer values");
        }
        is_well(lua);
    });
}

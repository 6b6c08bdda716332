//! Panics of the host's code: no protected call takes them, they leave a state that can be used on, and nothing leaks.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use perilune_alloc_adapters::{Checking, Counting, System};
use perilune_vm::{
    ChunkReader, ChunkWriter, HookEvent, LoadMode, Lua, LuaResult, LuaState, LuaType, MASK_CALL, MASK_COUNT, MASK_LINE,
    MASK_RETURN, MULTRET, Status, UserType, native_resume, native_wrapped, native_yield, upvalue_index,
};

type State<'a> = Lua<&'a Counting<Checking<System>>>;

/// Runs a test on a state whose blocks are checked, and expects that all of them have come back in the end.
fn with_state(test: impl FnOnce(&mut State<'_>)) {
    let memory = Counting::new(Checking::recording(System));
    {
        let mut lua = Lua::with_seed(&memory, 7).expect("a state");
        for (name, function) in FUNCTIONS {
            lua.push_native(*function).expect("room");
            lua.set_global(name).expect("room");
        }
        test(&mut lua);
    }
    assert_eq!(memory.stats().live_bytes, 0, "a leak");
    assert_eq!(memory.inner().violations(), []);
}

/// What scripts can call.
const FUNCTIONS: &[(&str, perilune_vm::NativeFn)] = &[
    ("boom", boom),
    ("pcall", pcall),
    ("setmetatable", setmetatable),
    ("create", create),
    ("wrap", wrap),
    ("resume", native_resume),
    ("yield", native_yield),
    ("status", status),
    ("nested", nested),
    ("call_then", call_then),
    ("boom_after", boom_after),
    ("boom_in_k", boom_in_k),
    ("rescue", rescue),
    ("collect", collect),
];

/// A panic that prints nothing.
fn go_off() -> ! {
    resume_unwind(Box::new("boom"))
}

fn boom(_: &mut LuaState) -> LuaResult<usize> {
    go_off()
}

/// `pcall` of the base library, without Rust stack.
fn pcall(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_boolean(true)?;
    lua.insert(1);
    let nargs = lua.get_top() as usize - 2;
    lua.pcall_then(nargs, MULTRET, 0, 0, |lua, status, _| {
        if status.is_error() {
            lua.push_boolean(false)?;
            lua.insert(-2);
            return Ok(2);
        }
        Ok(lua.get_top() as usize)
    })
}

fn setmetatable(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_metatable(1)?;
    Ok(1)
}

fn create(lua: &mut LuaState) -> LuaResult<usize> {
    let co = lua.new_thread()?;
    lua.push_value(1)?;
    // SAFETY: the thread lies on the stack.
    lua.xmove(unsafe { co.state() }, 1)?;
    Ok(1)
}

fn wrap(lua: &mut LuaState) -> LuaResult<usize> {
    create(lua)?;
    lua.push_native_closure(native_wrapped, 1)?;
    Ok(1)
}

fn status(lua: &mut LuaState) -> LuaResult<usize> {
    let Some(co) = lua.to_thread(1) else { return Ok(0) };
    lua.push_str(lua.coroutine_status(co).name())?;
    Ok(1)
}

/// Calls its first argument, nesting on the Rust stack.
fn nested(lua: &mut LuaState) -> LuaResult<usize> {
    let nargs = lua.get_top() as usize - 1;
    lua.call(nargs, MULTRET)?;
    Ok(lua.get_top() as usize)
}

/// Calls its first argument without nesting.
fn call_then(lua: &mut LuaState) -> LuaResult<usize> {
    let nargs = lua.get_top() as usize - 1;
    lua.call_then(nargs, MULTRET, 0, |lua, _, _| Ok(lua.get_top() as usize))
}

/// Calls its first argument without nesting, and panics afterwards.
fn boom_after(lua: &mut LuaState) -> LuaResult<usize> {
    lua.call_then(0, 0, 0, |_, _, _| go_off())
}

/// Calls its first argument, which may yield, and panics in the continuation.
fn boom_in_k(lua: &mut LuaState) -> LuaResult<usize> {
    lua.call_k(0, 0, 0, |_, _, _| go_off())?;
    go_off()
}

/// Catches a panic of the function that it calls, as a native function in the middle of a script may, and goes on.
fn rescue(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_integer(7)?;
    lua.insert(1);
    let nargs = lua.get_top() as usize - 2;
    assert!(goes_off(lua, |lua| lua.pcall(nargs, MULTRET, 0)));
    assert_eq!(lua.get_top(), 1, "the function and its arguments are gone");
    lua.push_str("rescued")?;
    Ok(2)
}

fn collect(lua: &mut LuaState) -> LuaResult<usize> {
    lua.gc_collect()?;
    Ok(0)
}

/// Whether an action panics as `boom` does.
fn goes_off<T>(lua: &mut LuaState, action: impl FnOnce(&mut LuaState) -> T) -> bool {
    match catch_unwind(AssertUnwindSafe(|| drop(action(lua)))) {
        Ok(()) => false,
        Err(payload) if payload.downcast_ref::<&str>() == Some(&"boom") => true,
        Err(other) => resume_unwind(other),
    }
}

/// Loads a chunk, which must be right.
fn load(lua: &mut LuaState, chunk: &str) {
    assert_eq!(lua.load_bytes(chunk.as_bytes(), b"=test", LoadMode::TEXT), Status::Ok, "{chunk}");
}

/// Runs a chunk and expects true.
fn holds(lua: &mut LuaState, chunk: &str) {
    load(lua, chunk);
    let status = lua.pcall(0, 1, 0);
    let text = String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"")).into_owned();
    assert!(status == Status::Ok && lua.to_boolean(-1), "{chunk}: {status:?} {text}");
    lua.pop(1);
}

/// What a state must still be able to do after a panic.
fn is_well(lua: &mut LuaState) {
    #[cfg(feature = "testing")]
    perilune_vm::testing::check_memory(lua);
    let top = lua.get_top();
    assert!(lua.gc_is_running(), "the collector was left stopped");
    assert!(lua.get_stack(0).is_none(), "a frame was left");
    holds(
        lua,
        "local t = {}
        for i = 1, 200 do t[i] = function() i = i + 1 return i end end
        local ok, message = pcall(function() local x = nil + 1 end)
        if ok or message ~= 'test:3: attempt to perform arithmetic on a nil value' then return message end
        local co = wrap(function(a) while true do a = yield(a * 2) end end)
        local function deep(n) if n == 0 then return 0 end return 1 + nested(deep, n - 1) end
        return t[10]() == 11 and co(4) == 8 and co(5) == 10 and deep(150) == 150 and deep(150) == 150",
    );
    // Everything that waits for a continuation works, too.
    holds(
        lua,
        "local co = wrap(function() return call_then(function() return yield(1) + 1 end) end)
        return co() == 1 and co(2) == 3",
    );
    lua.gc_collect().expect("a collection");
    assert_eq!(lua.get_top(), top);
}

/// A chunk that panics goes off out of every protected call, the script's and the host's, and the state is well afterwards.
fn chunk_goes_off(lua: &mut LuaState, chunk: &str) {
    let top = lua.get_top();
    load(lua, chunk);
    assert!(goes_off(lua, |lua| lua.pcall(0, MULTRET, 0)), "{chunk}");
    assert_eq!(lua.get_top(), top, "{chunk}");
    is_well(lua);
}

#[test]
fn out_of_calls_by_instructions() {
    with_state(|lua| {
        for chunk in [
            "boom()",
            "return boom()",
            "local a, b = 1, boom()",
            "pcall(boom)",
            "pcall(pcall, boom)",
            "pcall(function() pcall(function() boom() end) end)",
            "for k in boom do end",
            "local function f(...) return boom(...) end f(1, 2, 3)",
            "nested(boom)",
            "nested(function() pcall(nested, function() boom() end) end)",
            "call_then(boom)",
            "call_then(nested, call_then, boom)",
        ] {
            chunk_goes_off(lua, chunk);
        }
    });
}

#[test]
fn out_of_metamethods() {
    with_state(|lua| {
        for (event, expression) in [
            ("__add", "x + 1"),
            ("__index", "x.y"),
            ("__index", "x[1]"),
            ("__newindex", "(function() x.y = 1 end)()"),
            ("__concat", "x .. 'a'"),
            ("__concat", "'a' .. 'b' .. x .. 'c'"),
            ("__eq", "x == setmetatable({}, {})"),
            ("__lt", "x < x"),
            ("__le", "x <= 1"),
            ("__lt", "not (x <= 1)"),
            ("__len", "#x"),
            ("__unm", "-x"),
            ("__call", "x(1)"),
            ("__call", "(function() return x(1) end)()"),
        ] {
            chunk_goes_off(
                lua,
                &format!(
                    "local x = setmetatable({{}}, {{{event} = boom}}) return pcall(function() return {expression} end)"
                ),
            );
        }
    });
}

#[test]
fn out_of_the_api_s_metamethods() {
    with_state(|lua| {
        load(
            lua,
            "return setmetatable({}, {__index = boom, __newindex = boom, __len = boom, __lt = boom, __concat = boom})",
        );
        assert_eq!(lua.pcall(0, 1, 0), Status::Ok);
        let operations: [fn(&mut LuaState) -> bool; 5] = [
            |lua| lua.get_field(1, "x").is_ok(),
            |lua| lua.push_nil().and_then(|()| lua.set_field(1, "x")).is_ok(),
            |lua| lua.len(1).is_ok(),
            |lua| lua.compare(1, 1, perilune_vm::CompareOp::Lt).is_ok(),
            |lua| lua.push_value(1).and_then(|()| lua.push_value(1)).and_then(|()| lua.concat(2)).is_ok(),
        ];
        for operation in operations {
            assert!(goes_off(lua, operation));
            lua.set_top(1).expect("fewer values");
            is_well(lua);
        }
    });
}

#[test]
fn out_of_coroutines() {
    with_state(|lua| {
        for chunk in [
            "wrap(boom)()",
            "wrap(function() boom() end)()",
            "resume(create(boom))",
            "pcall(wrap(function() pcall(wrap(function() yield() boom() end)) end))
             local co = wrap(function() yield(1) boom() end) co() co()",
            "local function deep(n) if n == 0 then boom() end wrap(deep)(n - 1) end deep(100)",
            "wrap(function() nested(function() wrap(function() nested(boom) end)() end) end)()",
        ] {
            chunk_goes_off(lua, chunk);
        }
        // Those that ran are dead; those that waited for something else are not.
        chunk_goes_off(
            lua,
            "outer = create(function() other = create(function(a) return a + yield(a) end) resume(other, 5)
                inner = create(function() boom() end) resume(inner) end)
            resume(outer)",
        );
        holds(
            lua,
            "local ok, message = resume(inner)
            return status(outer) == 'dead' and status(inner) == 'dead' and not ok
                and message == 'cannot resume dead coroutine' and not resume(outer)
                and status(other) == 'suspended'",
        );
        holds(lua, "local ok, sum = resume(other, 10) return ok and sum == 15 and status(other) == 'dead'");
    });
}

#[test]
fn out_of_a_resumption_by_the_host() {
    with_state(|lua| {
        for chunk in ["boom()", "yield() boom()", "wrap(boom)()", "pcall(nested, function() wrap(boom)() end)"] {
            let co = lua.new_thread().expect("room");
            // SAFETY: the thread lies on the stack.
            let co = unsafe { co.state() };
            load(co, chunk);
            if chunk.starts_with("yield") {
                assert_eq!(co.resume(Some(lua), 0), Status::Yield);
            }
            assert!(goes_off(lua, |lua| co.resume(Some(lua), 0)), "{chunk}");
            assert_eq!(co.status(), Status::ErrRun);
            assert_eq!(co.resume(Some(lua), 0), Status::ErrRun);
            assert_eq!(co.str_at(-1), Some(&b"cannot resume dead coroutine"[..]));
            lua.set_top(0).expect("fewer values");
            is_well(lua);
        }
    });
}

#[test]
fn out_of_a_resumption_of_the_main_thread() {
    for chunk in ["boom()", "yield() boom()", "local x = 1 local function f() return x end pcall(boom, f)"] {
        with_state(|lua| {
            load(lua, chunk);
            if chunk.starts_with("yield") {
                assert_eq!(lua.resume(None, 0), Status::Yield);
            }
            assert!(goes_off(lua, |lua| lua.resume(None, 0)));
            // As a coroutine it is dead, but the host still works with it.
            assert_eq!(lua.status(), Status::ErrRun);
            assert_eq!(lua.resume(None, 0), Status::ErrRun);
            assert_eq!(lua.str_at(-1), Some(&b"cannot resume dead coroutine"[..]));
            assert_eq!(lua.set_top(0), Ok(()));
            holds(lua, "local co = wrap(function(a) return yield(a) end) return co(4) == 4 and nested(co, 5) == 5");
            lua.gc_collect().expect("a collection");
            assert!(lua.get_stack(0).is_some(), "the frames are still there, for a traceback");
        });
    }
}

#[test]
fn out_of_work_on_another_thread() {
    with_state(|lua| {
        assert!(lua.new_thread().is_ok());
        let going: [fn(&mut LuaState); 4] = [
            |_| go_off(),
            |co| {
                let _ = co.do_str("boom()");
            },
            |co| {
                let _ = co.load_str("boom()");
                let _ = co.resume(None, 0);
            },
            // From there back to the thread that waits, which is refused, and off.
            |co| {
                let _ = co.do_str("resume(main) boom()");
            },
        ];
        assert!(lua.push_thread().is_ok() && lua.set_global("main").is_ok());
        for go in going {
            assert!(goes_off(lua, |lua| lua.with_thread(1, go)));
            assert_eq!((lua.status(), lua.get_top()), (Status::Ok, 1));
            is_well(lua);
        }
        // The thread itself died when it was resumed.
        assert_eq!(lua.with_thread(1, |co| co.status()), Ok(Status::ErrRun));
    });
}

#[test]
fn out_of_continuations() {
    with_state(|lua| {
        for chunk in [
            "boom_after(function() end)",
            "pcall(boom_after, function() end)",
            "boom_in_k(function() end)",
            "local co = wrap(function() boom_in_k(function() yield() end) end) co() co()",
            "local co = wrap(function() boom_after(function() yield() end) end) co() pcall(co)",
            "wrap(function() pcall(boom_after, collect) end)()",
        ] {
            chunk_goes_off(lua, chunk);
        }
    });
}

#[test]
fn into_a_native_function_in_between() {
    with_state(|lua| {
        for inner in ["boom", "function() boom() end", "wrap(function() nested(boom) end)", "nested, boom"] {
            holds(
                lua,
                &format!(
                    "local n, text = rescue({inner}) return n == 7 and text == 'rescued' and rescue({inner}) == 7"
                ),
            );
            holds(lua, &format!("return wrap(function() return rescue({inner}) end)() == 7"));
            holds(lua, &format!("local ok, n = pcall(rescue, {inner}) return ok and n == 7"));
            is_well(lua);
        }
    });
}

#[test]
fn variables_are_closed() {
    with_state(|lua| {
        load(
            lua,
            "local a = 1 get = function() return a end set = function(v) a = v end a = 2 nested(function() a = 3 boom() end)",
        );
        assert!(goes_off(lua, |lua| lua.pcall(0, 0, 0)));
        // What lay in the stack is overwritten.
        holds(lua, "local x, y, z, w = 9, 9, 9, 9 return get() == 3");
        holds(lua, "set(4) return get() == 4");
        is_well(lua);
    });
}

#[test]
fn again_and_again() {
    with_state(|lua| {
        load(lua, "return function() pcall(nested, wrap(function() local t = {} call_then(nested, boom) end)) end");
        assert_eq!(lua.pcall(0, 1, 0), Status::Ok);
        for _ in 0..1000 {
            lua.push_value(1).expect("room");
            assert!(goes_off(lua, |lua| lua.pcall(0, MULTRET, 0)));
            assert_eq!(lua.get_top(), 1);
        }
        lua.pop(1);
        is_well(lua);
    });
}

fn boom_hook(lua: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
    lua.set_hook(None, 0, 0);
    go_off()
}

#[test]
fn out_of_hooks() {
    with_state(|lua| {
        for mask in [MASK_CALL, MASK_RETURN, MASK_LINE, MASK_COUNT] {
            for chunk in ["local a = 1\nreturn a", "return pcall(function(...) local t = {...} return #t end, 1, 2)"] {
                load(lua, chunk);
                lua.set_hook(Some(boom_hook), mask, 1);
                assert!(goes_off(lua, |lua| lua.pcall(0, 0, 0)));
                assert_eq!(lua.get_top(), 0);
                is_well(lua);
            }
        }
        // Hooks are not left switched off.
        load(lua, "return 1");
        lua.set_hook(Some(boom_hook), MASK_CALL, 0);
        assert!(goes_off(lua, |lua| lua.pcall(0, 0, 0)));
    });
}

#[test]
fn out_of_message_handlers() {
    with_state(|lua| {
        lua.push_native(boom).expect("room");
        for chunk in ["local x = nil + 1", "nested(function() local x = {} < {} end)"] {
            load(lua, chunk);
            assert!(goes_off(lua, |lua| lua.pcall(0, 0, 1)));
            assert_eq!(lua.get_top(), 1);
        }
        lua.pop(1);
        // No handler is left behind.
        load(lua, "local x = nil + 1");
        assert_eq!(lua.pcall(0, 0, 0), Status::ErrRun);
        lua.pop(1);
        is_well(lua);
    });
}

/// Lets go of what a chunk has kept.
fn forget(lua: &mut LuaState) {
    lua.push_nil().expect("room");
    lua.set_global("keep").expect("room");
}

#[test]
fn out_of_finalizers() {
    with_state(|lua| {
        chunk_goes_off(lua, "setmetatable({}, {__gc = boom}) collect()");
        chunk_goes_off(
            lua,
            "setmetatable({}, {__gc = function() nested(boom) end}) local t = {} while true do t = {t} t = {} end",
        );
        load(lua, "keep = setmetatable({}, {__gc = boom})");
        assert_eq!(lua.pcall(0, 0, 0), Status::Ok);
        forget(lua);
        assert!(goes_off(lua, |lua| lua.gc_collect()));
        is_well(lua);
        // One that panics is not called again, and the others are.
        load(
            lua,
            "count, keep = 0, {} for i = 1, 3 do keep[i] = setmetatable({}, {__gc = function() count = count + 1 boom() end}) end",
        );
        assert_eq!(lua.pcall(0, 0, 0), Status::Ok);
        forget(lua);
        for _ in 0..3 {
            assert!(goes_off(lua, |lua| lua.gc_collect()));
        }
        lua.gc_collect().expect("nothing is left to finalize");
        holds(lua, "return count == 3");
    });
}

#[test]
fn out_of_closing() {
    let memory = Counting::new(Checking::recording(System));
    let mut lua = Lua::with_seed(&memory, 7).expect("a state");
    lua.push_native(boom).expect("room");
    lua.set_global("boom").expect("room");
    lua.push_native(setmetatable).expect("room");
    lua.set_global("setmetatable").expect("room");
    load(&mut lua, "keep = {} for i = 1, 10 do keep[i] = setmetatable({}, {__gc = boom}) end");
    assert_eq!(lua.pcall(0, 0, 0), Status::Ok);
    let panic = catch_unwind(AssertUnwindSafe(|| drop(lua))).expect_err("the first finalizer panics");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"boom"));
    assert_eq!(memory.stats().live_bytes, 0, "a leak");
    assert_eq!(memory.inner().violations(), []);
}

#[test]
fn a_state_that_is_closed_by_a_panic() {
    let memory = Counting::new(Checking::recording(System));
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let mut lua = Lua::with_seed(&memory, 7).expect("a state");
        for (name, function) in FUNCTIONS {
            lua.push_native(*function).expect("room");
            lua.set_global(name).expect("room");
        }
        load(
            &mut lua,
            "done = setmetatable({}, {__gc = function() collect() end}) nested(wrap(function() nested(boom) end))",
        );
        let _ = lua.pcall(0, 0, 0);
    }))
    .expect_err("the chunk panics");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"boom"));
    assert_eq!(memory.stats().live_bytes, 0, "a leak");
    assert_eq!(memory.inner().violations(), []);
}

/// Hands out a chunk in pieces, then panics.
struct BoomReader {
    pieces: std::vec::IntoIter<Vec<u8>>,
    piece: Vec<u8>,
}

impl BoomReader {
    fn new(pieces: &[&[u8]]) -> Self {
        let pieces: Vec<_> = pieces.iter().map(|piece| piece.to_vec()).collect();
        Self { pieces: pieces.into_iter(), piece: Vec::new() }
    }
}

impl ChunkReader for BoomReader {
    fn read(&mut self, lua: &mut LuaState) -> LuaResult<&[u8]> {
        lua.push_str("left behind")?;
        self.piece = self.pieces.next().unwrap_or_else(|| go_off());
        Ok(&self.piece)
    }
}

struct BoomWriter(usize);

impl ChunkWriter for BoomWriter {
    fn write(&mut self, _: &mut LuaState, _: &[u8]) -> LuaResult<()> {
        if self.0 == 0 {
            go_off();
        }
        self.0 -= 1;
        Ok(())
    }
}

#[test]
fn out_of_readers_and_writers() {
    with_state(|lua| {
        let sources: [&[&[u8]]; 4] = [
            &[],
            &[b"local a = 'x' .. "],
            &[
                b"local function f() local t = {1, 2, 3, function() goto done ",
                b"for i = 1, 10 do while true do a.b, c = ",
            ],
            &[b"\x1bLua"],
        ];
        for source in sources {
            let mut reader = BoomReader::new(source);
            assert!(goes_off(lua, |lua| lua.load(&mut reader, b"=pieces", LoadMode::ANY)));
            assert_eq!(lua.get_top(), 0);
            is_well(lua);
        }
        // The rest of a precompiled chunk is gathered in a block of its own.
        let mut whole = Vec::new();
        load(lua, "local t = {} for i = 1, 10 do t[i] = function() return t, i end end return t");
        assert_eq!(lua.dump(&mut Collector(&mut whole), false), Ok(true));
        let (head, _) = whole.split_at(whole.len() - 10);
        let mut reader = BoomReader::new(&[head]);
        assert!(goes_off(lua, |lua| lua.load(&mut reader, b"=pieces", LoadMode::ANY)));
        for writes in 0..2 {
            assert!(goes_off(lua, |lua| lua.dump(&mut BoomWriter(0), writes == 1)));
            assert_eq!(lua.lua_type(-1), LuaType::Function);
        }
        lua.set_top(0).expect("fewer values");
        is_well(lua);
    });
}

/// Takes a dumped function.
struct Collector<'a>(&'a mut Vec<u8>);

impl ChunkWriter for Collector<'_> {
    fn write(&mut self, _: &mut LuaState, bytes: &[u8]) -> LuaResult<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

struct BoomText;

impl fmt::Display for BoomText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&"long ".repeat(200))?;
        go_off()
    }
}

#[test]
fn out_of_formatting() {
    with_state(|lua| {
        assert!(goes_off(lua, |lua| lua.push_fmt(format_args!("{BoomText}"))));
        assert!(goes_off(lua, |lua| lua.raise(format_args!("{BoomText}"))));
        lua.set_top(0).expect("fewer values");
        is_well(lua);
    });
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);

/// A value that panics when it is dropped, if it says so.
struct BoomValue(bool);

impl UserType for BoomValue {
    const NAME: &'static str = "BoomValue";
}

impl Drop for BoomValue {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
        if self.0 {
            go_off();
        }
    }
}

#[test]
fn out_of_destructors() {
    let memory = Counting::new(Checking::recording(System));
    let mut lua = Lua::with_seed(&memory, 7).expect("a state");
    for booms in [true, false, true, false] {
        lua.push_userdata(BoomValue(booms)).expect("room");
    }
    lua.set_top(0).expect("fewer values");
    // Each panic leaves the rest to the next collection.
    assert!(goes_off(&mut lua, |lua| lua.gc_collect()));
    assert!(goes_off(&mut lua, |lua| lua.gc_collect()));
    lua.gc_collect().expect("nothing is left to drop");
    assert_eq!(DROPPED.load(Ordering::Relaxed), 4);
    // At the end of the state all are dropped, though one panics.
    for booms in [false, true, false] {
        lua.push_userdata(BoomValue(booms)).expect("room");
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(lua))).is_err());
    assert_eq!(DROPPED.load(Ordering::Relaxed), 7);
    assert_eq!(memory.stats().live_bytes, 0, "a leak");
    assert_eq!(memory.inner().violations(), []);
}

#[test]
fn out_of_native_closures() {
    // A native closure that panics is found and freed like any other.
    with_state(|lua| {
        lua.push_str("kept").expect("room");
        lua.push_native_closure(
            |lua| {
                assert_eq!(lua.str_at(upvalue_index(1)), Some(&b"kept"[..]));
                go_off()
            },
            1,
        )
        .expect("room");
        assert!(goes_off(lua, |lua| lua.call(0, 0)));
        assert_eq!(lua.get_top(), 0);
        is_well(lua);
    });
}

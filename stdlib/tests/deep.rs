//! Depth of every kind on a thread with little Rust stack: each script ends in its result or in an error of Lua.

use perilune_alloc_adapters::{Counting, Limit, System};
use perilune_stdlib::open_libs;
use perilune_vm::{LoadMode, Lua, Status};

/// What a script may use of the Rust stack, the test's own part included: more where `PERILUNE_TEST_FRAMES` says that frames are larger.
fn stack() -> usize {
    let factor = std::env::var("PERILUNE_TEST_FRAMES").map_or(1, |text| text.parse().expect("a number"));
    factor * (256 << 10)
}
/// What a script may use of the state's memory.
const MEMORY: usize = 1 << 30;

/// Runs a script on a thread with a small stack, and returns what it returned, as text.
fn run(script: &str) -> String {
    let script = script.to_owned();
    let thread = std::thread::Builder::new().stack_size(stack()).spawn(move || {
        let memory = Counting::new(Limit::new(System, MEMORY));
        let text = {
            let mut lua = Lua::with_seed(&memory, 1).expect("a state");
            open_libs(&mut lua).expect("libraries");
            let mut status = lua.load_bytes(script.as_bytes(), b"=s", LoadMode::TEXT);
            if status == Status::Ok {
                status = lua.pcall(0, 1, 0);
            }
            let prefix = if status == Status::Ok { String::new() } else { format!("{status:?}: ") };
            prefix
                + &lua
                    .push_tostring(-1)
                    .map_or("?".to_owned(), |_| String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"?")).into_owned())
        };
        assert_eq!(memory.stats().live_bytes, 0, "{text}");
        text
    });
    thread.expect("a thread").join().expect("the script's thread ends well")
}

#[track_caller]
fn gives(script: &str, expected: &str) {
    let text = run(script);
    assert!(text.contains(expected), "{script}\n  gives: {}", &text[..text.floor_char_boundary(500)]);
}

/// The message of the error in which the script ends.
#[track_caller]
fn fails(script: &str, expected: &str) {
    gives(&format!("local ok, message = pcall(function() {script} end) assert(not ok) return message"), expected);
}

#[test]
fn calls_that_are_no_tail_calls() {
    fails("local function f(n) return 1 + f(n + 1) end return f(1)", "stack overflow");
    fails("local function f(n) if n > 0 then return 1 + f(n - 1) end return 0 end return f(1000000)", "stack overflow");
    fails("local function f(...) return 1 + f(1, ...) end return f()", "stack overflow");
    gives("local function f(n) if n > 0 then return 1 + f(n - 1) end return 0 end return f(150000)", "150000");
    gives("local function f(n) if n > 0 then return f(n - 1) end return 'end' end return f(1000000)", "end");
    fails("local t = setmetatable({}, {}) getmetatable(t).__call = t return t()", "attempt to call a table value");
    fails(
        "local t = setmetatable({}, {}) getmetatable(t).__call = function(x) return 1 + x() end return t()",
        "stack overflow",
    );
}

#[test]
fn metamethods() {
    for event in ["index", "add", "concat", "unm", "len", "eq", "lt", "le", "call", "newindex"] {
        let operation = match event {
            "index" => "local _ = a.field",
            "newindex" => "a.field = 1",
            "add" => "local _ = a + 1",
            "concat" => "local _ = a .. 1",
            "unm" => "local _ = -a",
            "len" => "local _ = #a",
            "eq" => "local _ = a == b",
            "lt" => "local _ = a < b",
            "le" => "local _ = a <= b",
            _ => "local _ = a()",
        };
        fails(
            &format!(
                "local mt, a, b = {{}}, {{}}, {{}} setmetatable(a, mt) setmetatable(b, mt) \
                 mt.__{event} = function() {operation} return 1 end {operation}"
            ),
            "stack overflow",
        );
    }
    fails(
        "local t = {} for i = 1, 1000000 do local u = t t = setmetatable({}, { __index = function(_, k) return u[k] end }) end return t.x",
        "stack overflow",
    );
    gives(
        "local t = { x = 'found' } for i = 1, 100000 do local u = t t = setmetatable({}, { __index = function(_, k) return u[k] end }) end return t.x",
        "found",
    );
    fails(
        "local t = {} for i = 1, 1000000 do t = setmetatable({}, { __index = t }) end return t.x",
        "'__index' chain too long",
    );
    fails("local t = setmetatable({}, {}) getmetatable(t).__newindex = t t.x = 1", "'__newindex' chain too long");
    fails(
        "local t = setmetatable({}, {}) getmetatable(t).__tostring = function(x) return tostring(x) end return tostring(t)",
        "overflow",
    );
    fails(
        "local t = setmetatable({}, {}) getmetatable(t).__tostring = function(x) return ('%s'):format(x) end return ('%s'):format(t)",
        "overflow",
    );
    fails(
        "local t = setmetatable({}, {}) getmetatable(t).__pairs = function(x) return pairs(x) end return pairs(t)",
        "overflow",
    );
    fails(
        "local t = setmetatable({}, {}) getmetatable(t).__len = function(x) return table.concat(x) end return table.concat(t)",
        "overflow",
    );
    fails(
        "local t = setmetatable({}, {}) getmetatable(t).__index = function(x, k) return table.concat(x, '', 1, 2) end return table.concat(t, '', 1, 2)",
        "overflow",
    );
    fails(
        "local t = setmetatable({}, {}) getmetatable(t).__index = function(x, k) return table.unpack(x, 1, 2) end return table.unpack(t, 1, 2)",
        "overflow",
    );
    fails(
        "local t = setmetatable({}, {}) getmetatable(t).__lt = function(a, b) table.sort { a, b, a } return true end table.sort { t, t, t }",
        "overflow",
    );
    fails(
        "local function compare(a, b) table.sort({ 1, 2, 3 }, compare) return a < b end table.sort({ 1, 2, 3 }, compare)",
        "overflow",
    );
}

#[test]
fn protected_calls_and_handlers() {
    gives("local function f(n) local ok, m = pcall(f, n + 1) return ok or n end return tostring(f(1))", "");
    gives("local n = 0 local function f() n = n + 1 local ok = pcall(f) return ok end f() return n > 50000", "true");
    gives(
        "local n = 0 local function f() n = n + 1 local ok = xpcall(f, tostring) return ok end f() return n > 50000",
        "true",
    );
    gives("return tostring(select(2, xpcall(error, function(m) error(m) end, 'x')))", "");
    gives("local function h(m) return h(m) .. '' end return tostring(select(2, xpcall(error, h, 'x')))", "");
    gives(
        "return tostring(select(2, xpcall(function() local function f() return 1 + f() end return f() end, debug.traceback)))",
        "stack overflow",
    );
    gives(
        "local function f() return f() + 1 end return tostring(select(2, xpcall(f, function() return f() end)))",
        "error",
    );
    gives(
        "return tostring(select(2, xpcall(string.rep, function(...) local t = setmetatable({}, { __index = function(t, k) return t[k + 1] end }) return t[1] end)))",
        "",
    );
    gives(
        "local function f() error(setmetatable({}, { __tostring = f })) end local ok, e = pcall(f) return tostring(select(2, pcall(tostring, e)))",
        "",
    );
}

#[test]
fn coroutines() {
    fails("local function f() return coroutine.wrap(f)() end return f()", "C stack overflow");
    fails(
        "local function f() local ok, m = coroutine.resume(coroutine.create(f)) error(m, 0) end return f()",
        "C stack overflow",
    );
    gives(
        "local function f(n) if n == 0 then return 'end' end return coroutine.wrap(f)(n - 1) end return f(190)",
        "end",
    );
    fails("local function f(n) return pcall(coroutine.wrap(f)) end assert(false, select(2, f()))", "");
    gives(
        "local co = coroutine.wrap(function() local function f(n) if n == 0 then coroutine.yield('deep') else return 1 + f(n - 1) end return 0 end \
         return f(100000) end) return co() .. co()",
        "deep100000",
    );
    gives(
        "local n = 0 local co co = coroutine.wrap(function() local function f() n = n + 1 coroutine.yield() local ok = pcall(f) end f() return 'x' end) \
         for i = 1, 10000 do co() end return n",
        "10000",
    );
    gives(
        "local t = {} for i = 1, 20000 do t[i] = coroutine.wrap(function() coroutine.yield(i) end) t[i]() end return #t",
        "20000",
    );
    // A chain of suspended coroutines, each the only one to know the next.
    gives(
        "local co = coroutine.create(function() coroutine.yield() end) \
         for i = 1, 20000 do local inner = co co = coroutine.create(function() coroutine.yield() return inner end) coroutine.resume(co) end \
         collectgarbage() co = nil collectgarbage() return collectgarbage('count') < 2000",
        "true",
    );
}

/// Asserts that a chunk does not load because of its depth.
#[track_caller]
fn too_deep(make_chunk: &str) {
    let script = format!("local ok, message = load({make_chunk}) return ok and 'loaded' or message:sub(1, 300)");
    let text = run(&script);
    // Some expressions use up the registers first.
    assert!(
        text.contains("C levels") || text.contains("too many registers") || text.contains("too many local"),
        "{script}\n  gives: {text}"
    );
}

#[test]
fn syntax() {
    for (open, close) in [
        ("(", ")"),
        ("{", "}"),
        ("- ", ""),
        ("not ", ""),
        ("#", ""),
        ("~", ""),
        ("a[", "]"),
        ("f(", ")"),
        ("a..", ""),
        ("2^", ""),
        ("function() return ", " end"),
        ("a{b=", "}"),
        ("{[", "]=1}"),
    ] {
        too_deep(&format!("'return ' .. ('{open}'):rep(1000000) .. 'x' .. ('{close}'):rep(1000000)"));
        gives(
            &format!(
                "return load('return ' .. ('{open}'):rep(150) .. 'x' .. ('{close}'):rep(150)) and 'loaded' or 'not'"
            ),
            "",
        );
    }
    for (open, close) in [
        ("do ", " end"),
        ("while x do ", " end"),
        ("if x then ", " end"),
        ("for i = 1, 2 do ", " end"),
        ("for k in f do ", " end"),
        ("repeat ", " until x"),
        ("function f() ", " end"),
        ("local function f() ", " end"),
        ("if x then else ", " end"),
    ] {
        too_deep(&format!("('{open}'):rep(1000000) .. ('{close}'):rep(1000000)"));
        gives(&format!("return load(('{open}'):rep(180) .. ('{close}'):rep(180)) and 'loaded' or 'not'"), "");
    }
    too_deep("('f('):rep(1000000)");
    too_deep("'a' .. (', a'):rep(1000000) .. ' = 1'");
    gives("return load('x = ' .. ('{'):rep(1000000)) and 'loaded' or 'not'", "not");
    gives("return load('return a' .. ('.b'):rep(1000000)) and 'loaded' or 'not'", "loaded");
    gives("return load('return a' .. ('[1]'):rep(1000000)) and 'loaded' or 'not'", "loaded");
    gives("return load('return a' .. ('()'):rep(1000000)) and 'loaded' or 'not'", "loaded");
    gives("return load('return a' .. (':b()'):rep(1000000)) and 'loaded' or 'not'", "loaded");
    gives("return load('return 1' .. (' + 1'):rep(1000000))()", "1000001");
    gives("return load('return a' .. (' + a'):rep(1000000)) and 'loaded' or 'not'", "loaded");
    gives("return load('return a' .. (' or a'):rep(10000)) and 'loaded' or 'not'", "loaded");
    gives(
        "local ok, m = load('if x then' .. (' elseif x then'):rep(10000) .. ' end') return ok and 'loaded' or m:sub(1, 200)",
        "loaded",
    );
    gives("return load(('local x '):rep(1000000)) and 'loaded' or 'not'", "not");
    gives("return load('return {' .. ('1,'):rep(1000000) .. '}') and 'loaded' or 'not'", "loaded");
    gives("return load('f(' .. ('1,'):rep(1000000) .. '1)') and 'loaded' or 'not'", "not");
    gives("return load('goto l ' .. ('do ::l:: end '):rep(10000) .. '::l::') and 'loaded' or 'not'", "loaded");
    gives("return load('return ' .. ('='):rep(1000000)) and 'loaded' or 'not'", "not");
    gives("return load('return [' .. ('='):rep(1000000) .. '[x]' .. ('='):rep(1000000) .. ']')()", "x");
    gives("return #load('return \"' .. ('\\\\z '):rep(1000000) .. '\"')()", "0");
}

#[test]
fn functions_in_functions() {
    gives(
        "local s = 'return 1' for i = 1, 90 do s = 'return (function() local u' .. i .. ' ' .. s .. ' end)()' end \
         return load(string.dump(load(s)))()",
        "1",
    );
    gives(
        "local s = ('local function f() '):rep(180) .. (' end'):rep(180) local f = load(s) \
         if not f then return 'limit' end return load(string.dump(f)) and 'loaded' or 'not'",
        "loaded",
    );
    fails("local function f() return load(f)() end return f()", "");
    gives("local n = 0 local function reader() n = n + 1 load(reader) return nil end load(reader) return n", "");
    gives(
        "local n = 0 local function r() n = n + 1 assert(load(r)) return nil end return tostring(pcall(load, r)) .. n",
        "",
    );
    fails("s = 'return 1 + load(s)()' return load(s)()", "stack overflow");
}

#[test]
fn callbacks_in_callbacks() {
    fails("local function f() return (('x'):gsub('x', f)) end return f()", "overflow");
    fails("local function f(x) return (('x'):gsub('x', setmetatable({}, { __index = f }))) end return f()", "overflow");
    fails(
        "local function f() for _ in ('x'):gmatch(setmetatable({}, { __tostring = f })) do end return f() .. '' end return f()",
        "",
    );
    fails(
        "local n = 0 package.searchers[1] = function() n = n + 1 return require('m' .. n) end return require('x')",
        "overflow",
    );
    fails(
        "local n = 0 setmetatable(package.preload, { __index = function() n = n + 1 return require('m' .. n) end }) return require('x')",
        "overflow",
    );
    fails(
        "local function f() return select(2, dofile(f)) end return (function() local function g() return string.rep('x', 2, g()) .. '' end return g() end)()",
        "overflow",
    );
    fails(
        "local mt = {} mt.__index = function(t, k) return rawget(t, k) or utf8.char(t[k]) end return setmetatable({}, mt).x",
        "overflow",
    );
    gives(
        "local function hook() debug.sethook(hook, 'l') local x = 1 end debug.sethook(hook, 'l') local y = 1 debug.sethook() return 'done'",
        "done",
    );
    gives(
        "local n = 0 local function gc(o) n = n + 1 if n < 5000 then setmetatable({}, { __gc = gc }) o = nil collectgarbage() end end \
         setmetatable({}, { __gc = gc }) local ok, message = pcall(collectgarbage) return n .. message",
        "C stack overflow",
    );
    gives(
        "local function gc() local function f() return 1 + f() end f() end setmetatable({}, { __gc = gc }) \
         return tostring(select(2, pcall(collectgarbage)))",
        "error in __gc metamethod",
    );
}

#[test]
fn patterns() {
    fails("return ('x'):rep(1000000):find(('x?'):rep(1000000) .. 'y')", "pattern too complex");
    fails("return ('x'):rep(300000):match(('.-'):rep(300000) .. 'y')", "");
    fails("return ('('):rep(1000):find(('(' ):rep(1000))", "");
    gives("return tostring(('a'):rep(3000):find('.-b'))", "nil");
    gives("return #('a'):rep(1000000):match('.*')", "1000000");
    gives("return #('a'):rep(1000000):match('a-$')", "1000000");
    gives("return #(('('):rep(3000):gsub('%b()', ''))", "3000");
    gives("return #(('('):rep(100000) .. (')'):rep(100000)):match('%b()')", "200000");
    gives("return tostring(pcall(string.find, ('x'):rep(300), ('(x'):rep(300)))", "false");
    gives("return tostring(pcall(string.find, 'x', ('%f[x]'):rep(100000)))", "");
    gives("return tostring(pcall(string.find, ('x'):rep(200000), ('x'):rep(200000)))", "true");
    gives("return tostring(pcall(string.find, ('x'):rep(250000), ('[x]'):rep(250000) .. '()'))", "");
}

#[test]
fn structures() {
    gives(
        "local t for i = 1, 1000000 do t = { t } end collectgarbage() t = nil collectgarbage() return collectgarbage('count') < 2000",
        "true",
    );
    gives(
        "local f for i = 1, 500000 do local g = f f = function() return g end end collectgarbage() f = nil collectgarbage() return collectgarbage('count') < 2000",
        "true",
    );
    gives(
        "local t = {} for i = 1, 300000 do t = setmetatable({}, t) end collectgarbage() collectgarbage('step', 1000) return 'done'",
        "done",
    );
    gives(
        "local t = setmetatable({}, { __mode = 'k' }) local k = {} for i = 1, 200000 do local n = {} t[k] = n k = n end collectgarbage() return 'done'",
        "done",
    );
    gives(
        "local t for i = 1, 100000 do t = setmetatable({ t }, { __gc = function() end }) end t = nil collectgarbage() return 'done'",
        "done",
    );
    gives(
        "local t = {} for i = 1, 100000 do local u = t t = setmetatable({}, { __mode = 'v', u }) end collectgarbage() return 'done'",
        "done",
    );
}

/// Ten million turns of a loop, and calls, hardly use Rust stack.
#[test]
fn ten_million_instructions() {
    let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(|| {
        let mut lua = Lua::with_seed(System, 1).expect("a state");
        let script = b"local function add(a, b) return a + b end \
            local t, s = { 0 }, 0 \
            for i = 1, 10000000 do s = s + (i & 1) end \
            for i = 1, 1000000 do s = add(s, 1) t[1] = t[1] + 1 if s < 0 then break end end \
            return s + t[1]";
        assert_eq!(lua.load_bytes(script, b"=script", LoadMode::TEXT), Status::Ok);
        assert_eq!(lua.pcall(0, 1, 0), Status::Ok);
        lua.to_integer(-1)
    });
    assert_eq!(thread.expect("a thread").join().expect("the thread ends well"), Some(7_000_000));
}

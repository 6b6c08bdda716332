//! Lack of memory, at every place where memory is asked for: a single refusal is never seen, since a collection and a second
//! attempt follow; lasting lack is an error that scripts can catch, after which the state goes on and closes without a leak.

use perilune_alloc_adapters::{Checking, Counting, FailAfter, FailOnce, Limit, System};
use perilune_stdlib::open_libs;
use perilune_vm::{LoadMode, Lua, LuaState, Status};

/// Which requests are refused, counted from 1.
#[derive(Clone, Copy, Debug)]
enum Refused {
    None,
    /// One of them.
    One(u64),
    /// One and the next, which is the second attempt.
    Two(u64),
    /// One and all that follow.
    From(u64),
}

/// What refuses: what the outer one refuses, the inner ones do not see.
type Failing<A> = FailOnce<FailOnce<FailAfter<A>>>;

/// Memory that refuses.
fn failing<A>(inner: A, refused: Refused) -> Failing<A> {
    let (first, second, rest) = match refused {
        Refused::None => (0, 0, 0),
        Refused::One(n) => (n, 0, 0),
        Refused::Two(n) => (n, n, 0),
        Refused::From(n) => (0, 0, n),
    };
    FailOnce::new(FailOnce::new(FailAfter::new(inner, rest), second), first)
}

/// Each returns a text that does not depend on addresses, time, or the order of `pairs`.
const SCRIPTS: &[(&str, &str)] = &[
    (
        "tables and closures",
        r##"
        local out = {}
        for i = 1, 40 do
          local t = { i, i * 2, name = "n" .. i }
          t[#t + 1] = function() i = i + 1 return i end
          out[#out + 1] = t.name .. t[3]() .. t[3]()
        end
        local h = {}
        for i = 1, 100 do h["key" .. i] = i end
        local sum = 0
        for k, v in pairs(h) do sum = sum + v h[k] = nil end
        return table.concat(out, ",") .. sum
        "##,
    ),
    (
        "coroutines",
        r##"
        local out = {}
        local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i, {}) end end) end
        for i in gen(5) do out[#out + 1] = i end
        local co = coroutine.create(function(...)
          local ok, message = pcall(function(...) coroutine.yield(...) error({ code = 7 }) end, ...)
          local t = setmetatable({}, { __index = function(_, k) return coroutine.yield(k) end,
            __lt = function() return coroutine.yield("lt") end, __concat = function(a, b) return coroutine.yield("..") end })
          local x = t.field
          if t < t then x = x .. "lt" end
          x = x .. ("a" .. t)
          table.sort({ 3, 1, 2 }, function(a, b) coroutine.yield("cmp") return a < b end)
          x = x .. ("abc"):gsub(".", function(c) return coroutine.yield(c) end)
          return x, message.code
        end)
        local pass = "start"
        for i = 1, 40 do
          local r = table.pack(coroutine.resume(co, pass, i))
          out[#out + 1] = tostring(r[1]) .. ":" .. tostring(r[2]) .. tostring(r[3])
          pass = "p" .. i
          if coroutine.status(co) == "dead" then break end
        end
        return table.concat(out, ",")
        "##,
    ),
    (
        "strings",
        r##"
        local out = {}
        out[#out + 1] = ("x"):rep(1000, "-"):gsub("x%-", function(s) return s:upper() .. "!" end):sub(1, 30)
        out[#out + 1] = ("%5d|%-10s|%q|%g"):format(42, "hi", "a\n\0b", 2 ^ 0.5)
        for w in ("one two three four"):gmatch("%a+") do out[#out + 1] = w:reverse() end
        out[#out + 1] = string.pack(">I4s2z", 77, "hello", "zero"):byte(-3)
        out[#out + 1] = utf8.char(228, 8364, 0x10FFFF) .. utf8.len("äöü")
        out[#out + 1] = tostring(1e15) .. tostring(2 ^ 63) .. 10 // 3 .. 7.5 % 2
        local s = ""
        for i = 1, 60 do s = s .. i .. "," .. i / 2 end
        out[#out + 1] = #s
        out[#out + 1] = table.concat({ table.unpack({ 1, 2, 3, 4, 5 }, 2, 4) }, "-")
        return table.concat(out, "|")
        "##,
    ),
    (
        "load and dump",
        r##"
        local out = {}
        local source = { "local a, b = ... ", "local function f(x) ", "local t = { 1, 2, x, y = { z = x } } ",
          "for i, v in ipairs(t) do a = a + v end ", "goto done ", "do a = nil end ::done:: ",
          "return function() b = b .. 'é' return a, b, t.y.z end end ", "return f(10)()" }
        local i = 0
        local f = assert(load(function() i = i + 1 return source[i] end, "=reader"))
        out[#out + 1] = table.concat({ f(1, "s") }, " ")
        local again = assert(load(string.dump(f), "dumped", "b"))
        out[#out + 1] = table.concat({ again(2, "t") }, " ")
        out[#out + 1] = select(2, load("x = = 1", "=bad"))
        out[#out + 1] = select(2, load("\27Lua", "bin"))
        local long = {}
        for n = 1, 60 do long[n] = "local v" .. n .. " = " .. n .. ".5 .. 'text" .. n .. "'" end
        out[#out + 1] = #string.dump(assert(load(table.concat(long, "\n"))))
        return table.concat(out, "|")
        "##,
    ),
    (
        "errors and finalizers",
        r##"
        local out = {}
        local function deep(n) if n == 0 then error("bottom") end return 1 + deep(n - 1) end
        out[#out + 1] = select(2, pcall(deep, 30))
        out[#out + 1] = (select(2, xpcall(deep, debug.traceback, 5)):gsub("\n.*", ""))
        out[#out + 1] = select(2, pcall(function() return nil .. "x" end))
        out[#out + 1] = select(2, pcall(string.rep, "x", -1, {})) == "" and "rep" or "?"
        local count = 0
        for i = 1, 20 do setmetatable({}, { __gc = function() count = count + 1 end }) end
        collectgarbage() collectgarbage()
        out[#out + 1] = count
        local weak = setmetatable({}, { __mode = "kv" })
        for i = 1, 20 do weak[i] = {} weak[{}] = i end
        collectgarbage()
        out[#out + 1] = next(weak) == nil and "empty" or "full"
        local lines = 0
        debug.sethook(function() lines = lines + 1 end, "l")
        local x = 1
        x = x + 1
        debug.sethook()
        out[#out + 1] = lines
        out[#out + 1] = debug.getinfo(1, "S").what .. debug.getinfo(print).what
        local t = table.pack(pcall(error, setmetatable({}, { __tostring = function() return "obj" end })))
        out[#out + 1] = tostring(t[2])
        return table.concat(out, "|")
        "##,
    ),
    (
        "varargs and sorting",
        r##"
        local function count(...) return select("#", ...), ... end
        local t = {}
        for i = 1, 200 do t[i] = (i * 7919) % 211 end
        local n, first = count(table.unpack(t))
        table.sort(t, function(a, b) return a > b end)
        local m = setmetatable({}, { __call = function(self, ...) return count(...) end, __len = function() return 9 end })
        table.move(t, 1, 50, 10)
        table.insert(t, 5, "five")
        return n .. " " .. first .. " " .. t[1] .. " " .. m(1, nil, 3) .. #m .. t[5] .. table.remove(t, 3)
        "##,
    ),
];

/// Runs a script in a state; gives what it returned, or how it failed.
fn run(lua: &mut LuaState, script: &str) -> Outcome {
    let top = lua.get_top();
    let mut status = lua.load_bytes(script.as_bytes(), b"=script", LoadMode::TEXT);
    if status == Status::Ok {
        status = lua.pcall(0, 1, 0);
    }
    let text = String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"?")).into_owned();
    lua.pop((lua.get_top() - top) as usize);
    if status == Status::Ok { Ok(text) } else { Err((status, text)) }
}

/// What a script returns, or how it failed.
type Outcome = Result<String, (Status, String)>;

/// What a script returns in a state whose allocator refuses some requests; `None` if there was no state.
fn run_failing(script: &str, refused: Refused) -> (Option<Outcome>, u64) {
    let memory = Counting::new(Checking::recording(System));
    let failing = failing(&memory, refused);
    let mut result = None;
    if let Ok(mut lua) = Lua::with_seed(&failing, 1) {
        result = Some(match open_libs(&mut lua) {
            Ok(()) => run(&mut lua, script),
            Err(thrown) => Err((thrown.status(), String::new())),
        });
        if !matches!(refused, Refused::From(_)) && result.as_ref().is_some_and(|result| result.is_err()) {
            // The state goes on working.
            lua.set_top(0).expect("there is memory again");
            lua.gc_collect().expect("finalizers work again");
            assert!(open_libs(&mut lua).is_ok());
            let (_, expected) = SCRIPTS[0];
            assert_eq!(run(&mut lua, expected).map_err(|e| e.1).map(|s| s.len() > 100), Ok(true), "after {refused:?}");
        }
    }
    assert_eq!(memory.stats().live_bytes, 0, "{refused:?}");
    assert_eq!(memory.inner().violations(), [], "{refused:?}");
    (result, failing.count())
}

/// Numbers of requests to refuse: all the first ones, then fewer and fewer.
fn samples(count: u64) -> impl Iterator<Item = u64> {
    let every = std::env::var("PERILUNE_EVERY_REQUEST").is_ok();
    let dense: u64 = if every { u64::MAX } else { 40 };
    let mut next = 0;
    std::iter::from_fn(move || {
        next += if next < dense { 1 } else { 37 };
        (next <= count).then_some(next)
    })
}

#[test]
fn a_single_refusal_is_not_seen() {
    for (name, script) in SCRIPTS {
        let (expected, count) = run_failing(script, Refused::None);
        let expected = expected.expect("a state").expect(name);
        for n in samples(count) {
            match run_failing(script, Refused::One(n)).0 {
                // Before the state is whole, nothing can be collected.
                None => assert!(n < 100, "{name}: request {n}"),
                Some(result) => assert_eq!(result.as_ref(), Ok(&expected), "{name}: request {n}"),
            }
        }
    }
}

#[test]
fn a_refusal_that_lasts_is_an_error() {
    for (name, script) in SCRIPTS {
        let (_, count) = run_failing(script, Refused::None);
        for n in samples(count) {
            if let Some(Err((status, text))) = run_failing(script, Refused::From(n)).0 {
                let known = text.is_empty() || text.contains("not enough memory") || status == Status::ErrErr;
                assert!(known, "{name}: request {n}: {status:?} {text}");
            }
        }
    }
}

#[test]
fn the_state_goes_on_after_a_refusal() {
    for (name, script) in SCRIPTS {
        let (_, count) = run_failing(script, Refused::None);
        for n in samples(count) {
            // The second attempt is refused, too, and no other.
            let _ = run_failing(script, Refused::Two(n)).0.is_some_and(|result| {
                if let Err((status, text)) = &result {
                    // `table.unpack` cannot tell a stack that may not grow from one that cannot, as in C (`lua_checkstack`).
                    let words = ["not enough memory", "too many results to unpack"];
                    let known = text.is_empty() || words.iter().any(|words| text.contains(words));
                    assert!(known, "{name}: {n}: {status:?} {text}");
                }
                result.is_ok()
            });
        }
    }
}

/// Scripts that ask for more than there is. Each ends in an error that can be caught, and the state goes on.
const GREEDY: &[&str] = &[
    "string.rep('x', 1 << 40)",
    "string.rep('x', 1 << 30)",
    "('x'):rep(1 << 20, ('y'):rep(1 << 10))",
    "local s = 'x' while true do s = s .. s end",
    "local t = {} while true do t[#t + 1] = #t end",
    "local t = {} for i = 1, math.huge do t['k' .. i] = i end",
    "local t = {} for i = 1, 1 << 20 do t[i] = ('x'):rep(100) end table.concat(t)",
    "local t = setmetatable({}, { __index = function() return ('x'):rep(1000) end }) table.concat(t, ',', 1, 1 << 20)",
    "(('x'):rep(1 << 12)):gsub('x', ('y'):rep(1 << 14))",
    "(('x'):rep(1 << 12)):gsub('', function() return ('y'):rep(1 << 14) end)",
    "local t = {} while true do t[#t + 1] = coroutine.create(print) end",
    "local t = {} while true do t = { t } end",
    "local f = print while true do local g = f f = function() return g end end",
    "local function f(n) return { f(n + 1) } end f(1)",
    "local function f() return coroutine.wrap(function() local t = {} for i = 1, 1e4 do t[i] = {} end return f() end)() end f()",
    "local t = {} for i = 1, 1e9 do t[i] = coroutine.wrap(function(...) coroutine.yield(...) end) t[i](1, 2, 3) end",
    "assert(load(function() return 'local t = { 1, 2, 3, \"a long enough string\", 4.5 } ' end))",
    "assert(load(('x = '):rep(1 << 22)))",
    "assert(load('return ' .. ('\"' .. ('x'):rep(1000) .. '\" .. '):rep(1 << 12) .. '1'))",
    "string.format('%s', setmetatable({}, { __tostring = function() return ('x'):rep(1 << 26) end }))",
    "local t = {} for i = 1, 100 do t[i] = ('x'):rep(1 << 18) end string.format(('%s'):rep(100), table.unpack(t))",
    "select('#', table.unpack({}, 1, 1e6))",
    "local t = {} for i = 1, 1e9 do t[i] = utf8.char(i % 1000 + 1000):rep(10) .. i end",
    "string.pack(('s'):rep(200), ('x'):rep(1 << 23))",
    "local t = {} while true do t = setmetatable({}, { __index = t, __gc = function() end }) end",
    "local s = ('a'):rep(1 << 20) local t = {} for w in s:gmatch('a') do t[#t + 1] = s .. w end",
    "table.pack(table.unpack({}, 1, 900000))",
    "local t = {} for i = 1, 1e6 do t[i] = i .. '' end table.sort(t, function(a, b) return a .. b < b .. a end)",
    "string.dump(assert(load(('x = {} '):rep(1 << 20))))",
];

#[test]
fn greedy_scripts_get_an_error() {
    for script in GREEDY {
        let memory = Counting::new(Limit::new(System, 16 << 20));
        {
            let mut lua = Lua::with_seed(&memory, 1).expect("a state");
            open_libs(&mut lua).expect("libraries");
            let whole = format!(
                "local ok, message = pcall(function() {script} end) \
                 collectgarbage() \
                 return tostring(ok) .. ' ' .. tostring(message) .. ' ' .. #('x'):rep(1000)"
            );
            let result = run(&mut lua, &whole);
            let text = result.unwrap_or_else(|(status, text)| format!("{status:?}: {text}"));
            // Some meet another limit first.
            let limits = ["not enough memory", "overflow", "too many", "too large", "limit"];
            let known = text.ends_with(" 1000") && limits.iter().any(|limit| text.contains(limit));
            assert!(known, "{script}: {text}");
        }
        let stats = memory.stats();
        assert_eq!(stats.live_bytes, 0, "{script}");
        assert!(stats.peak_bytes <= 16 << 20, "{script}");
    }
}

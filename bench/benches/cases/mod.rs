//! What the benches of calls and coroutine switches run, in time (`switches`) and in instructions (`instructions`).

/// A case.
pub struct Case {
    /// Its name: what it is about, and what it does.
    pub name: &'static str,
    /// A chunk that returns a Lua function of the number of iterations.
    pub source: &'static str,
    /// Whether it allocates, so that it is run on several allocators.
    pub allocates: bool,
}

/// A case that makes no objects.
const fn plain(name: &'static str, source: &'static str) -> Case {
    Case { name, source, allocates: false }
}

/// A case that makes objects.
const fn making(name: &'static str, source: &'static str) -> Case {
    Case { name, source, allocates: true }
}

/// A coroutine within others, as many as the macro's argument says, whose innermost one yields through all of them: each iteration is
/// one switch to and fro. (The language allows fewer than 200, in the reference, too.)
macro_rules! nested {
    ($depth:literal) => {
        plain(
            concat!("coroutine/nested ", $depth),
            concat!(
                "local y = coroutine.yield local function level(d) \
                   if d == 1 then return coroutine.wrap(function() while true do y() end end) end \
                   local inner = level(d - 1) \
                   return coroutine.wrap(function() while true do inner() y() end end) \
                 end \
                 return function(n) local f = level(",
                $depth,
                ") for i = 1, n, ",
                $depth,
                " do f() end end"
            ),
        )
    };
}

/// So many coroutines in a ring, resumed one after the other.
macro_rules! ring {
    ($number:literal) => {
        plain(
            concat!("coroutine/ring of ", $number),
            concat!(
                "local y, r = coroutine.yield, coroutine.resume return function(n) \
                   local ring = {} \
                   for i = 1, ",
                $number,
                " do ring[i] = coroutine.create(function() while true do y() end end) end \
                   for i = 1, n, ",
                $number,
                " do for k = 1, ",
                $number,
                " do r(ring[k]) end end \
                 end"
            ),
        )
    };
}

/// All cases.
pub const CASES: &[Case] = &[
    // What all others have in them, too.
    plain("call/none, the loop alone", "return function(n) for i = 1, n do end end"),
    plain("call/no arguments", "local function f() end return function(n) for i = 1, n do f() end end"),
    plain("call/1 argument", "local function f(a) return a end return function(n) for i = 1, n do f(i) end end"),
    plain(
        "call/1 argument, 8 calls in a row",
        "local function f(a) return a end \
         return function(n) for i = 1, n, 8 do f(i) f(i) f(i) f(i) f(i) f(i) f(i) f(i) end end",
    ),
    plain(
        "call/8 arguments",
        "local function f(a, b, c, d, e, f, g, h) return h end \
         return function(n) for i = 1, n do f(1, 2, 3, 4, 5, 6, 7, i) end end",
    ),
    plain("call/vararg", "local function f(...) return ... end return function(n) for i = 1, n do f(i, i) end end"),
    plain(
        "call/tail",
        "local function g(a) return a end local function f(a) return g(a) end \
         return function(n) for i = 1, n do f(i) end end",
    ),
    plain("call/method", "local o = {m = function(self) end} return function(n) for i = 1, n do o:m() end end"),
    plain("call/native", "local f = math.abs return function(n) for i = 1, n do f(i) end end"),
    plain("call/pcall", "local function f() end return function(n) for i = 1, n do pcall(f) end end"),
    plain(
        "call/metamethod",
        "local t = setmetatable({}, {__add = function(a, b) return b end}) \
         return function(n) for i = 1, n do local x = t + i end end",
    ),
    making("call/closure", "return function(n) for i = 1, n do local f = function() return i end end end"),
    plain(
        "coroutine/switch",
        "local y, r = coroutine.yield, coroutine.resume \
         return function(n) local c = coroutine.create(function() while true do y() end end) for i = 1, n do r(c) end end",
    ),
    plain(
        "coroutine/switch with values",
        "local y, r = coroutine.yield, coroutine.resume \
         return function(n) \
           local c = coroutine.create(function(a, b) while true do a, b = y(b, a) end end) \
           for i = 1, n do local ok, a, b = r(c, i, n) end \
         end",
    ),
    plain(
        "coroutine/wrap",
        "local y = coroutine.yield \
         return function(n) local f = coroutine.wrap(function() while true do y() end end) for i = 1, n do f() end end",
    ),
    plain(
        "coroutine/across pcall",
        "local y, r = coroutine.yield, coroutine.resume \
         return function(n) \
           local c = coroutine.create(function() pcall(function() while true do y() end end) end) \
           for i = 1, n do r(c) end \
         end",
    ),
    making(
        "coroutine/create and finish",
        "local c, r = coroutine.create, coroutine.resume local function f() end \
         return function(n) for i = 1, n do r(c(f)) end end",
    ),
    plain(
        "call/metamethod __index function",
        "local t = setmetatable({}, {__index = function(t, k) return k end}) \
         return function(n) for i = 1, n do local x = t[i] end end",
    ),
    plain(
        "call/metamethod __call",
        "local t = setmetatable({}, {__call = function(self, a) return a end}) \
         return function(n) for i = 1, n do t(i) end end",
    ),
    making(
        "call/closure with an upvalue of its own",
        "return function(n) for i = 1, n do local v = i local f = function() v = v + 1 return v end f() end end",
    ),
    making(
        "call/vararg in a table",
        "local function f(...) local t = {...} return #t end return function(n) for i = 1, n do f(i, i, i) end end",
    ),
    nested!(1),
    nested!(10),
    nested!(100),
    nested!(190),
    ring!(1000),
];

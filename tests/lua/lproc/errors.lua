-- Every error of the library, and what cannot be copied, which is named with its place. Nothing of such a message is sent.
local lproc = require "lproc"
local function err(f, ...) print(select(2, pcall(f, ...))) end

err(lproc.start) --> expect: bad argument #1 to 'lproc.start' (string or function expected, got no value)
err(lproc.start, 1) --> expect: bad argument #1 to 'lproc.start' (string or function expected, got number)
err(lproc.start, {limit = 1e6}) --> expect: bad argument #2 to 'lproc.start' (string or function expected, got no value)
err(lproc.start, {}, {}, "") --> expect: bad argument #2 to 'lproc.start' (string or function expected, got table)
err(lproc.start, "x x") --> expect: error in thread body: [string "x x"]:1: syntax error near 'x'
err(lproc.start, "\27Lua") --> expect: error in thread body: binary string: truncated precompiled chunk
err(lproc.start, print) --> expect: cannot pass a native function (argument 1)
err(lproc.start, function() end, print) --> expect: cannot pass a native function (argument 2)
err(lproc.start, "", 1, print) --> expect: cannot pass a native function (argument 3)
err(lproc.start, {limit = 1e6}, function() end, print) --> expect: cannot pass a native function (argument 3)
err(lproc.start, function() end, {limit = 1e6}, 1, print) --> expect: cannot pass a native function (argument 4)
err(lproc.start, "", {limit = 1e6}, print) --> expect: cannot pass a native function (argument 3)
err(lproc.start, {limit = 1e6}, "", 1, print) --> expect: cannot pass a native function (argument 4)
local p, t = print, {}
err(lproc.start, function() return p end) --> expect: cannot pass a native function (argument 1, upvalue 'p')
err(lproc.start, {limit = 1e6}, function() return p end)
--> expect: cannot pass a native function (argument 2, upvalue 'p')
err(lproc.start, function() return p end, {limit = 1e6})
--> expect: cannot pass a native function (argument 1, upvalue 'p')

-- Options.
err(lproc.start, {unknown = 1}, "") --> expect: bad argument #1 to 'lproc.start' (unknown option 'unknown')
err(lproc.start, {1}, "") --> expect: bad argument #1 to 'lproc.start' (unknown option '1')
err(lproc.start, {alloc = 1}, "") --> expect: bad argument #1 to 'lproc.start' (option 'alloc' must be a name)
err(lproc.start, "", {alloc = false}) --> expect: bad argument #2 to 'lproc.start' (option 'alloc' must be a name)
err(lproc.start, {limit = -1}, "") --> expect: bad argument #1 to 'lproc.start' (option 'limit' must be a number of bytes)
err(lproc.start, "", {limit = 1.5}) --> expect: bad argument #2 to 'lproc.start' (option 'limit' must be a number of bytes)
err(lproc.start, "", {limit = "much"})
--> expect: bad argument #2 to 'lproc.start' (option 'limit' must be a number of bytes)
print((select(2, pcall(lproc.start, {alloc = "none"}, "")):gsub("%(.*%)", "(...)")))
--> expect: unknown allocator 'none' (...)
err(lproc.start, {limit = 0}, "") --> expect: unable to create new state: not enough memory
err(lproc.start, {limit = 20000}, "") --> expect: unable to create new state: not enough memory
err(lproc.start, {limit = 500000}, "", ("x"):rep(500000)) --> expect: unable to create new state: not enough memory

-- Channels and times.
err(lproc.send) --> expect: bad argument #1 to 'lproc.send' (string expected, got no value)
err(lproc.send, {}) --> expect: bad argument #1 to 'lproc.send' (string expected, got table)
err(lproc.receive) --> expect: bad argument #1 to 'lproc.receive' (string expected, got no value)
err(lproc.receive, "c", "soon") --> expect: bad argument #2 to 'lproc.receive' (number expected, got string)
err(lproc.receive, "c", -1) --> expect: bad argument #2 to 'lproc.receive' (a number of seconds expected)
err(lproc.receive, "c", 0/0) --> expect: bad argument #2 to 'lproc.receive' (a number of seconds expected)
err(lproc.send_timeout, "c", 1) --> expect: bad argument #1 to 'lproc.send_timeout' (number expected, got string)
err(lproc.send_timeout, -0.1, "c") --> expect: bad argument #1 to 'lproc.send_timeout' (a number of seconds expected)
err(lproc.send_timeout, 1) --> expect: bad argument #2 to 'lproc.send_timeout' (string expected, got no value)
err(lproc.channel, "c") --> expect: bad argument #2 to 'lproc.channel' (number expected, got no value)
err(lproc.channel, "c", -1) --> expect: bad argument #2 to 'lproc.channel' (must not be negative)
err(lproc.channel, "c", 1, -1) --> expect: bad argument #3 to 'lproc.channel' (must not be negative)
err(lproc.channel, nil, 1) --> expect: bad argument #1 to 'lproc.channel' (string expected, got nil)
err(lproc.wait, {}) --> expect: bad argument #1 to 'lproc.wait' (number expected, got table)

-- What cannot be copied.
err(lproc.send, "c", print) --> expect: cannot send a native function (argument 2)
err(lproc.send, "c", 1, io.stdout) --> expect: cannot send a userdata (argument 3)
err(lproc.send, "c", coroutine.create(function() end)) --> expect: cannot send a thread (argument 2)
err(lproc.send_timeout, 0, "c", 1, 2, print) --> expect: cannot send a native function (argument 5)
err(lproc.send, "c", {1, 2, print}) --> expect: cannot send a native function (argument 2, index 3)
err(lproc.send, "c", {[-1] = print}) --> expect: cannot send a native function (argument 2, index -1)
err(lproc.send, "c", {[1.5] = print}) --> expect: cannot send a native function (argument 2, index 1.5)
err(lproc.send, "c", {[true] = print}) --> expect: cannot send a native function (argument 2, index true)
err(lproc.send, "c", {[t] = print}) --> expect: cannot send a native function (argument 2, the value of a table as key)
err(lproc.send, "c", {[print] = 1}) --> expect: cannot send a native function (argument 2, a key)
err(lproc.send, "c", {{{[print] = 1}}}) --> expect: cannot send a native function (argument 2, index 1, index 1, a key)
err(lproc.send, "c", {[{io.stdout}] = 1}) --> expect: cannot send a userdata (argument 2, a key, index 1)
err(lproc.send, "c", {a = {b = {1, {c = io.stdout}}}})
--> expect: cannot send a userdata (argument 2, field 'a', field 'b', index 2, field 'c')
err(lproc.send, "c", {[("long"):rep(20)] = print})
--> expect: cannot send a native function (argument 2, field 'longlonglonglonglonglonglonglonglonglong...')
err(lproc.send, "c", setmetatable({}, {__index = {f = print}}))
--> expect: cannot send a native function (argument 2, metatable, field '__index', field 'f')
local function f() return {p, t} end
err(lproc.send, "c", t, {{f}}) --> expect: cannot send a native function (argument 3, index 1, index 1, upvalue 'p')
t.t, t.f = t, f
err(lproc.send, "c", t) --> expect: cannot send a native function (argument 2, field 'f', upvalue 'p')
local where = select(2, pcall(function() lproc.send("c", print) end))
print(where) --> expect: errors.lua:79: cannot send a native function (argument 2)
-- Of all that nothing is in the channel, nor has it kept anything from being sent.
print(lproc.receive("c", 0)) --> expect: nil\ttimeout
t.f = nil
lproc.channel("c", 1)
lproc.send("c", t)
print(lproc.receive("c").t.t.t ~= nil) --> expect: true

-- Results.
local handle = lproc.start("return 1, {io.stdout}")
print(pcall(handle.join, handle)) --> expect: false\tcannot return a userdata (result 2, index 1)
print(pcall(handle.join, handle)) --> expect: false\tcannot return a userdata (result 2, index 1)
print(handle:status()) --> expect: done

-- Handles.
err(handle.join) --> expect: bad argument #1 to '?' (lproc.process expected, got no value)
err(handle.status, io.stdout) --> expect: bad argument #1 to '?' (lproc.process expected, got FILE*)
err(handle.cancel, {}) --> expect: bad argument #1 to '?' (lproc.process expected, got table)
err(handle.join, handle, -1) --> expect: bad argument #2 to '?' (a number of seconds expected)
err(lproc.send, "c", handle) --> expect: cannot send a userdata (argument 2)

-- Only who is no process can wait for all.
print(lproc.start("lproc.wait()"):join()) --> expect: false\t[string "lproc.wait()"]:1: a process cannot wait for all processes

-- A library that the receiver has lost.
local missing = lproc.start("package.loaded.string = nil return pcall(lproc.receive, 'library')")
local sender = lproc.start("lproc.send('library', string)")
print(missing:join()) --> expect: true\tfalse\ta message needs the library 'string', which is not loaded here
print(lproc.receive("library") == string) --> expect: true

-- A function whose upvalue was taken away.
debug.setupvalue(lproc.send, 1, nil)
err(lproc.send, "c", 1) --> expect: lproc is not open in this state

-- Tracebacks say how functions are known.
local function handler(m) return debug.traceback(m, 2) end
local function inner() error("oops") end
function global_function() inner() end
local object = { method = function(self) global_function() end }
local function tail() return object:method() end
print(select(2, xpcall(function() tail() end, handler)))
--> expect: traceback.lua:3: oops
--> expect: stack traceback:
--> expect: \t[C]: in function 'error'
--> expect: \ttraceback.lua:3: in upvalue 'inner'
--> expect: \ttraceback.lua:4: in function 'global_function'
--> expect: \ttraceback.lua:5: in function <traceback.lua:5>
--> expect: \t(...tail calls...)
--> expect: \ttraceback.lua:7: in function <traceback.lua:7>
--> expect: \t[C]: in function 'xpcall'
--> expect: \ttraceback.lua:7: in main chunk
--> expect: \t[C]: in ?
print(select(2, xpcall(string.rep, handler)))
--> expect: bad argument #1 to 'string.rep' (string expected, got no value)
--> expect: stack traceback:
--> expect: \t[C]: in function 'string.rep'
--> expect: \t[C]: in function 'xpcall'
--> expect: \ttraceback.lua:19: in main chunk
--> expect: \t[C]: in ?
print(select(2, xpcall(function() local t = setmetatable({}, { __add = function() error("in add", 0) end }); return t + 1 end, handler)))
--> expect: in add
--> expect: stack traceback:
--> expect: \t[C]: in function 'error'
--> expect: \ttraceback.lua:26: in metamethod '__add'
--> expect: \ttraceback.lua:26: in function <traceback.lua:26>
--> expect: \t[C]: in function 'xpcall'
--> expect: \ttraceback.lua:26: in main chunk
--> expect: \t[C]: in ?
local function recurse(n) if n == 0 then error("deep") end recurse(n - 1) end
print(select(2, xpcall(recurse, handler, 40)))
--> expect: traceback.lua:35: deep
--> expect: stack traceback:
--> expect: \t[C]: in function 'error'
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \t...
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \ttraceback.lua:35: in upvalue 'recurse'
--> expect: \ttraceback.lua:35: in function <traceback.lua:35>
--> expect: \t[C]: in function 'xpcall'
--> expect: \ttraceback.lua:36: in main chunk
--> expect: \t[C]: in ?
print(select(2, xpcall(function() for k in function() error("in iterator") end do end end, handler)))
--> expect: traceback.lua:61: in iterator
--> expect: stack traceback:
--> expect: \t[C]: in function 'error'
--> expect: \ttraceback.lua:61: in for iterator 'for iterator'
--> expect: \ttraceback.lua:61: in function <traceback.lua:61>
--> expect: \t[C]: in function 'xpcall'
--> expect: \ttraceback.lua:61: in main chunk
--> expect: \t[C]: in ?
print(select(2, xpcall(function() table.sort({ 3, 2, 1 }, function() error("compare") end) end, handler)))
--> expect: traceback.lua:70: compare
--> expect: stack traceback:
--> expect: \t[C]: in function 'error'
--> expect: \ttraceback.lua:70: in function <traceback.lua:70>
--> expect: \t[C]: in function 'table.sort'
--> expect: \ttraceback.lua:70: in function <traceback.lua:70>
--> expect: \t[C]: in function 'xpcall'
--> expect: \ttraceback.lua:70: in main chunk
--> expect: \t[C]: in ?
print(select(2, xpcall(load("error('chunk')", "=loaded"), handler)))
--> expect: loaded:1: chunk
--> expect: stack traceback:
--> expect: \t[C]: in function 'error'
--> expect: \tloaded:1: in main chunk
--> expect: \t[C]: in function 'xpcall'
--> expect: \ttraceback.lua:80: in main chunk
--> expect: \t[C]: in ?

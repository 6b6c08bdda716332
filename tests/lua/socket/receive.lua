-- Patterns, prefixes, and what comes with an error.
local socket = require "socket"
local server = assert(socket.bind("127.0.0.1", 0))
local port = select(2, server:getsockname())
local function pair()
  local a = assert(socket.connect("127.0.0.1", port))
  local b = assert(server:accept())
  b:settimeout(0.2)
  return a, b
end
local function show(...)
  local values = table.pack(...)
  for i = 1, values.n do
    values[i] = type(values[i]) == "string" and ("%q"):format(values[i]):gsub("\\\n", "\\n"):gsub("\\13", "\\r") or tostring(values[i])
  end
  print(table.concat(values, "\t"))
end

local a, b = pair()
a:send("one\ntwo\r\nth\rree\r\r\n\nrest")
show(b:receive()) --> expect: "one"\tnil\tnil
show(b:receive("*l")) --> expect: "two"\tnil\tnil
show(b:receive("*line")) --> expect: "three"\tnil\tnil
show(b:receive()) --> expect: ""\tnil\tnil
show(b:receive()) --> expect: nil\t"timeout"\t"rest"
show(b:receive(nil, "pre")) --> expect: nil\t"timeout"\t"pre"
a:send("more\n")
show(b:receive("*l", "rest")) --> expect: "restmore"\tnil\tnil

a:send("0123456789")
show(b:receive(3)) --> expect: "012"\tnil\tnil
show(b:receive("2")) --> expect: "34"\tnil\tnil
show(b:receive(2.9)) --> expect: "56"\tnil\tnil
show(b:receive(0)) --> expect: ""\tnil\tnil
show(b:receive(1, "")) --> expect: "7"\tnil\tnil
show(b:receive(4, "ab")) --> expect: "ab89"\tnil\tnil
show(b:receive(2, "ab")) --> expect: "ab"\tnil\tnil
show(b:receive(1, "abc")) --> expect: "abc"\tnil\tnil
show(b:receive(0, "abc")) --> expect: "abc"\tnil\tnil
show(b:receive(0)) --> expect: nil\t"timeout"\t""
show(b:receive(5)) --> expect: nil\t"timeout"\t""
a:send("xy")
show(b:receive(5)) --> expect: nil\t"timeout"\t"xy"
show(b:receive(5, "xy")) --> expect: nil\t"timeout"\t"xy"
a:send("z")
show(b:receive(3, "xy")) --> expect: "xyz"\tnil\tnil
show(b:receive(3, 12)) --> expect: nil\t"timeout"\t"12"

-- Bytes of all kinds.
local all = {}
for i = 0, 255 do if i ~= 10 and i ~= 13 then all[#all + 1] = string.char(i) end end
all = table.concat(all)
a:send(all .. "\n")
print(b:receive() == all) --> expect: true

-- Longer than every buffer.
local long = ("x"):rep(300) .. "\r" .. ("y"):rep(700)
a:send(long .. "\n" .. long:rep(20) .. "\r\n" .. long:rep(30) .. "!")
print(b:receive() == long:gsub("\r", "")) --> expect: true
print(#b:receive()) --> expect: 20000
print(b:receive(30030) == long:rep(30), b:receive(1)) --> expect: true\t!\tnil\tnil
a:send(("z"):rep(20000))
local part, err, rest = b:receive(20001)
print(part, err, #rest) --> expect: nil\ttimeout\t20000
a:send("last")
part, err, rest = b:receive(20004, rest)
print(#part, err, rest) --> expect: 20004\tnil\tnil
part, err, rest = b:receive("*l", ("z"):rep(10000))
print(part, err, #rest) --> expect: nil\ttimeout\t10000

-- The other end closes.
a:send("line\nno end")
a:close()
show(b:receive()) --> expect: "line"\tnil\tnil
show(b:receive()) --> expect: nil\t"closed"\t"no end"
show(b:receive()) --> expect: nil\t"closed"\t""
show(b:receive(2)) --> expect: nil\t"closed"\t""
show(b:receive(0)) --> expect: nil\t"closed"\t""
show(b:receive("*a")) --> expect: nil\t"closed"\t""
show(b:receive("*a", "prefix")) --> expect: nil\t"closed"\t"prefix"

a, b = pair()
a:send("every\r\nthing\n")
show(b:receive("*a")) --> expect: nil\t"timeout"\t"every\\r\\nthing\\n"
a:send("more")
a:close()
show(b:receive("*a")) --> expect: "more"\tnil\tnil
show(b:receive("*a")) --> expect: nil\t"closed"\t""
a, b = pair()
a:send("0123456789")
show(b:receive(2)) --> expect: "01"\tnil\tnil
a:close()
show(b:receive("*a", "ab")) --> expect: "ab23456789"\tnil\tnil
show(b:receive("*a")) --> expect: nil\t"closed"\t""
a, b = pair()
a:send(("0123456789"):rep(20000))
a:close()
print(#b:receive(5), #b:receive("*a")) --> expect: 5\t199995

-- What is no pattern.
a, b = pair()
for _, pattern in ipairs { "l", "a", "*x", "", "*", -1, "-5", true, {} } do
  print(tostring(pattern):gsub("0x%x+", ""), pcall(b.receive, b, pattern))
--> expect: l\tfalse\tbad argument #2 to '?' (invalid receive pattern)
--> expect: a\tfalse\tbad argument #2 to '?' (invalid receive pattern)
--> expect: *x\tfalse\tbad argument #2 to '?' (invalid receive pattern)
--> expect: \tfalse\tbad argument #2 to '?' (invalid receive pattern)
--> expect: *\tfalse\tbad argument #2 to '?' (invalid receive pattern)
--> expect: -1\tfalse\tbad argument #2 to '?' (invalid receive pattern)
--> expect: -5\tfalse\tbad argument #2 to '?' (invalid receive pattern)
--> expect: true\tfalse\tbad argument #2 to '?' (string expected, got boolean)
--> expect: table: \tfalse\tbad argument #2 to '?' (string expected, got table)
end
print(pcall(b.receive, b, 0 / 0)) --> expect: false\tbad argument #2 to '?' (invalid receive pattern)
print(pcall(b.receive, b, "*l", {})) --> expect: false\tbad argument #3 to '?' (string expected, got table)
print(pcall(b.receive, b, {}, {})) --> expect: false\tbad argument #3 to '?' (string expected, got table)
print(select("#", b:receive())) --> expect: 3
a:send("\n")
print(select("#", b:receive())) --> expect: 3

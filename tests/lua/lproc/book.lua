-- The forms of "Programming in Lua": code in strings, values through channels with names.
lproc = require "lproc"

-- A producer and a consumer, each in a process, and the main program, which hears from the latter.
lproc.start([[
  for i = 1, 3 do lproc.send("numbers", tostring(i), "squared is", tostring(i * i)) end
  lproc.send("numbers", nil)
]])
lproc.start([[
  local lproc = require "lproc"
  while true do
    local n, word, square = lproc.receive("numbers")
    if not n then break end
    lproc.send("lines", n .. " " .. word .. " " .. square)
  end
  lproc.send("lines", "end")
]])
print(lproc.receive("lines")) --> expect: 1 squared is 1
print(lproc.receive("lines")) --> expect: 2 squared is 4
print(lproc.receive("lines")) --> expect: 3 squared is 9
print(lproc.receive("lines")) --> expect: end

-- All standard libraries are there, and lproc as a global and a loaded library.
lproc.start([[
  local names = {}
  for name in pairs(package.loaded) do names[#names + 1] = name end
  table.sort(names)
  lproc.send("libraries", table.concat(names, " "), lproc == require "lproc", lproc == package.loaded.lproc)
]])
print(lproc.receive("libraries"))
--> expect: _G bit32 coroutine debug io lproc math os package string table utf8\ttrue\ttrue

-- Processes start processes, which outlive them.
lproc.start([[
  lproc.start("lproc.start('lproc.send([=[deep]=], [=[here]=])')")
]])
print(lproc.receive("deep")) --> expect: here

-- Globals are each process's own.
x = "main"
lproc.start([[ x = "process" lproc.send("x", x) ]])
print(lproc.receive("x"), x) --> expect: process\tmain

-- A process ends by exit, wherever it is called; what it still has to finalize is finalized.
lproc.start([[
  local ended = setmetatable({}, {__gc = function() lproc.send("ended", "finalized") end})
  pcall(coroutine.wrap(function() pcall(lproc.exit) lproc.send("ended", "caught") end))
  lproc.send("ended", "went on")
]])
print(lproc.receive("ended")) --> expect: finalized

-- Another name of receive.
lproc.start([[ lproc.send("recv", lproc.recv("to recv")) ]])
lproc.send("to recv", 5)
print(lproc.recv("recv")) --> expect: 5

-- The chunk is compiled here, so here the error comes up.
print(pcall(lproc.start, "x ="))
--> expect: false\terror in thread body: [string "x ="]:1: unexpected symbol near <eof>
print(pcall(lproc.start, "return\n1 1"))
--> expect: false\terror in thread body: [string "return..."]:2: <eof> expected near '1'

-- Names of channels are strings of bytes, also empty ones; numbers are taken for strings.
lproc.start([[ lproc.send("", 1) lproc.send("a\0b", 2) lproc.send(12, 3) ]])
print(lproc.receive(""), lproc.receive("a\0b"), lproc.receive("12")) --> expect: 1\t2\t3

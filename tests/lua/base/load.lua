-- load, loadstring's absence, dofile, loadfile, manual §6.1
print(load("return 1 + 1")()) --> expect: 2
print(load("return ...")(1, 2)) --> expect: 1\t2
print(load("x =")) --> expect: nil\t[string "x ="]:1: unexpected symbol near <eof>
print(load("x =", "=name")) --> expect: nil\tname:1: unexpected symbol near <eof>
print(load("x =", "@file.lua")) --> expect: nil\tfile.lua:1: unexpected symbol near <eof>
print(load("x =", "a long piece of source text that is cut because it does not fit into the message at all")) --> expect: nil\t[string "a long piece of source text that is cut becau..."]:1: unexpected symbol near <eof>
print(load("x =\n1 1", "first line\nsecond line")) --> expect: nil\t[string "first line..."]:2: unexpected symbol near '1'
local pieces = { "return ", "'pie", "ces'", nil }
local i = 0
print(load(function() i = i + 1 return pieces[i] end)()) --> expect: pieces
print(pcall(load, function() return {} end)) --> expect: true\tnil\treader function must return a string
print(pcall(load, function() error("in reader", 0) end)) --> expect: true\tnil\tin reader
print(load("return 1", "chunk", "b")) --> expect: nil\tattempt to load a text chunk (mode is 'b')
print(load(string.dump(function() return 1 end), "chunk", "t")) --> expect: nil\tattempt to load a binary chunk (mode is 't')
print(load(string.dump(function() return "dumped" end), "chunk", "b")()) --> expect: dumped
print(load("return x", "chunk", "t", { x = "from env" })()) --> expect: from env
local up = 5
local f = load(string.dump(function() return up end))
print((pcall(f))) --> expect: true
debug.setupvalue(f, 1, 7)
print(f()) --> expect: 7
print(pcall(load, nil)) --> expect: false\tbad argument #1 to 'load' (function expected, got nil)
print(dofile == nil, loadfile("/no/such/file")) --> expect: false\tnil\tcannot open /no/such/file: No such file or directory
print(pcall(dofile, "/no/such/file")) --> expect: false\tcannot open /no/such/file: No such file or directory
local name = os.tmpname()
local file = io.open(name, "w")
file:write("#!shebang\nreturn 'from file', ...")
file:close()
print(dofile(name)) --> expect: from file
print(loadfile(name)("argument")) --> expect: from file\targument
print(loadfile(name, "b") == nil) --> expect: true
os.remove(name)
-- Errors of a reader go through the message handler around `load`; those of the syntax do not.
local function handler(message) return "handled: " .. tostring(message) end
local readers = {
  function() error("of the reader", 0) end,
  function() return {} end,
  function() local none return none + 1 end,
  function() return "x x" end,
  function() error() end,
}
local function try(...)
  for _, reader in ipairs(readers) do print(select(2, xpcall(load, handler, reader, ...))) end
  print(select(2, xpcall(load, error, readers[1])))
end
try("=name")
--> expect: nil\thandled: of the reader
--> expect: nil\thandled: reader function must return a string
--> expect: nil\thandled: load.lua:39: attempt to perform arithmetic on a nil value (local 'none')
--> expect: nil\tname:1: syntax error near 'xx'
--> expect: nil\thandled: nil
--> expect: nil\terror in error handling
--> expect: nil\thandled: of the reader
--> expect: nil\thandled: reader function must return a string
--> expect: nil\thandled: load.lua:39: attempt to perform arithmetic on a nil value (local 'none')
--> expect: nil\tname:1: syntax error near 'xx'
--> expect: nil\thandled: nil
--> expect: nil\terror in error handling
coroutine.wrap(try)("=name")
print(xpcall(function() return load(readers[1]), error("after", 0) end, handler)) --> expect: false\thandled: after
local function levels() return (debug.traceback("trace", 2):gsub("\n[^\n]*in function", "\nin function")) end
print(xpcall(function() local f, trace = load(readers[3]) return trace end, levels))
--> expect: true\ttrace
--> expect: stack traceback:
--> expect: in function <load.lua:39>
--> expect: in function 'load'
--> expect: in function <load.lua:63>
--> expect: in function 'xpcall'
--> expect: \tload.lua:63: in main chunk
--> expect: \t[C]: in ?
print(coroutine.wrap(function() return xpcall(function() local f, trace = load(readers[3]) return trace end, levels) end)())
--> expect: true\ttrace
--> expect: stack traceback:
--> expect: in function <load.lua:39>
--> expect: in function 'load'
--> expect: in function <load.lua:72>
--> expect: in function 'xpcall'
--> expect: in function <load.lua:72>

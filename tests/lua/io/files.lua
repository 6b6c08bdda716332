-- Manual §6.8: files.
local name = os.tmpname()
local file = assert(io.open(name, "w"))
print(io.type(file), io.type(io.stdout), io.type(42), tostring(file):match("^file %(")) --> expect: file\tfile\tnil\tfile (
print(file:write("line 1\n", 2, " ", 3.5, "\n", "0x10 1e2 nan\n", "last") == file) --> expect: true
print(file:seek("cur"), file:seek("set", 3), file:seek("end")) --> expect: 30\t3\t30
print(file:close(), io.type(file), tostring(file)) --> expect: true\tclosed file\tfile (closed)
print(pcall(file.write, file, "x")) --> expect: false\tattempt to use a closed file
for line in io.lines(name) do io.write("[", line, "]") end
print() --> expect: [line 1][2 3.5][0x10 1e2 nan][last]
for line in io.lines(name, "L") do io.write(line) end --> expect: line 1 --> expect: 2 3.5 --> expect: 0x10 1e2 nan
print() --> expect: last
for a, b in io.lines(name, 1, 2) do io.write(a, "-", b or "nil", " ") break end
print() --> expect: l-in 
file = io.open(name)
print(file:read(), file:read("n", "n"), file:read("l"), file:read("n", "n"), file:read("n")) --> expect: line 1\t2\t\t16\tnil
print(file:read("a")) --> expect: nan --> expect: last
print(file:read("a"), file:read("l"), file:read(0), file:read("n")) --> expect: \tnil\tnil\tnil
file:seek("set")
print(file:read(4), file:read(0), file:read("*l"), file:read("L")) --> expect: line\t\t 1\t2 3.5 --> expect: 
print(pcall(file.read, file, "x")) --> expect: false\tbad argument #2 to '?' (invalid format)
print(pcall(file.seek, file, "nowhere")) --> expect: false\tbad argument #2 to '?' (invalid option 'nowhere')
file:close()
print(io.open("/no/such/file")) --> expect: nil\t/no/such/file: No such file or directory\t2
print(pcall(io.open, name, "bad mode")) --> expect: false\tbad argument #2 to 'io.open' (invalid mode)
print(pcall(io.lines, "/no/such/file")) --> expect: false\tcannot open file '/no/such/file' (No such file or directory)
file = io.open(name, "a+")
file:write("\nappended")
file:seek("set")
print(#file:read("a")) --> expect: 39
file:close()
file = io.open(name, "r+")
file:write("LINE")
file:seek("set", 0)
print(file:read()) --> expect: LINE 1
print(file:setvbuf("no"), file:setvbuf("full", 100), file:flush() == file) --> expect: true\ttrue\tfalse
file:close()
local old = io.input()
io.input(name)
print(io.read("l", "n")) --> expect: LINE 1\t2
io.close(io.input())
io.input(old)
old = io.output()
io.output(name)
io.write("through io.output")
io.close()
io.output(old)
print(io.open(name):read("a")) --> expect: through io.output
local pipe = io.popen("echo from a pipe; exit 5")
print(pipe:read("a")) --> expect: from a pipe --> expect: 
print(pipe:close()) --> expect: nil\texit\t5
print(pcall(io.popen, "true", "x")) --> expect: false\tbad argument #2 to 'io.popen' (invalid mode)
local temporary = io.tmpfile()
temporary:write("x")
temporary:seek("set")
print(temporary:read("a")) --> expect: x
print(pcall(function() for l in io.lines(name, "x") do end end)) --> expect: false\tfiles.lua:57: bad argument #2 to 'for iterator' (invalid format)
do
  local lines = io.lines(name)
  lines() lines()
  print(pcall(lines)) --> expect: false\tfile is already closed
end
print(io.open("/"):read(1)) --> expect: nil\tIs a directory\t21
os.remove(name)

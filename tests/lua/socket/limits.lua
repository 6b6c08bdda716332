-- What happens when the process has no descriptors left, and that `select` takes as many sockets as there may be, in both sets.
if not arg[1] then
  local first = 0
  while arg[first - 1] do first = first - 1 end
  local pipe = assert(io.popen(("ulimit -n 100; '%s' limits.lua again"):format(arg[first])))
  for line in pipe:lines() do print(line) end
  print(pipe:close())
  return
end
local socket, unix = require "socket", require "socket.unix"
local server = assert(socket.bind("127.0.0.1", 0, 100))
local port = select(2, server:getsockname())
local objects = {}
for i = 1, 40 do
  objects[2 * i - 1] = assert(socket.connect("127.0.0.1", port))
  objects[2 * i] = assert(server:accept())
end
local readable, writable, err = socket.select(objects, objects, 0)
print(#readable, #writable, err) --> expect: 0\t80\tnil
for _, object in ipairs(objects) do object:send("x\ny") end
readable, writable, err = socket.select(objects, objects, 5)
print(#readable, #writable, err) --> expect: 80\t80\tnil
for _, object in ipairs(objects) do object:receive() end
-- Now all of them are dirty: there is nothing to wait for, but who can send is told.
readable, writable, err = socket.select(objects, objects)
print(#readable, #writable, err, readable[1] == objects[1], readable[objects[80]]) --> expect: 80\t80\tnil\ttrue\t80.0

-- One descriptor is left for a connection that nobody can accept.
local last
while true do
  local object = socket.udp4()
  if not object then break end
  last, objects[#objects + 1] = object, object
end
last:close()
objects[#objects + 1] = assert(socket.connect("127.0.0.1", port))
print(server:accept()) --> expect: nil\tToo many open files
print(socket.tcp4()) --> expect: nil\tToo many open files
print(socket.udp4()) --> expect: nil\tToo many open files
print(socket.tcp():connect("127.0.0.1", port)) --> expect: nil\tToo many open files
print(socket.tcp():bind("127.0.0.1", 0)) --> expect: nil\tToo many open files
print(socket.connect("127.0.0.1", port)) --> expect: nil\tToo many open files
print(socket.bind("127.0.0.1", 0)) --> expect: nil\tToo many open files
print(socket.udp():sendto("x", "127.0.0.1", port)) --> expect: nil\tToo many open files
print(socket.udp():setsockname("127.0.0.1", 0)) --> expect: nil\tToo many open files
print(unix.stream()) --> expect: nil\tToo many open files
print(unix.dgram()) --> expect: nil\tToo many open files
for _, object in ipairs(objects) do object:close() end
print(server:accept() ~= nil, socket.tcp4() ~= nil) --> expect: true\ttrue
--> expect: true\texit\t0

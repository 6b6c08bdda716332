-- The echo server with a process for each core: each is a state in a thread of its own, with its own listening socket,
-- scheduler and coroutines. The sockets listen on the same port (SO_REUSEPORT), and the system gives each connection to one
-- of them.
--
-- usage: perilune echo_lproc.lua [PORT [PROCESSES]]
--
-- It serves until the end of the standard input (Ctrl-D), then says how many clients each process had. It needs Perilune, and a
-- system that spreads connections over such sockets, as Linux does.

local lproc = require "lproc"

-- A socket for the port, or for a free one if that is 0. Processes are to run this, too, and each has libraries of its own: so
-- it takes `socket` from its state, and not from a variable outside.
local function bind(port)
  local socket = require "socket"
  local object = assert(socket.tcp4())
  assert(object:setoption("reuseaddr", true))
  assert(object:setoption("reuseport", true))
  assert(object:bind("127.0.0.1", port))
  return object
end

-- The number of cores.
local function count_cores()
  local pipe = io.popen("getconf _NPROCESSORS_ONLN")
  local count = pipe and pipe:read("n")
  if pipe then pipe:close() end
  return count or 1
end

-- What a process does. The functions are copied to it with the variables that they use.
local function serve(path, port)
  package.path = path
  local scheduler, echo = require "scheduler", require "echo"
  local server, clients = bind(port), 0
  assert(server:listen(1024))
  echo.listen(server, math.huge, function() clients = clients + 1 end)
  scheduler.spawn(function()
    lproc.send("ready", true)
    -- Channels are nothing that `select` can watch, so from time to time one looks.
    while not lproc.receive("stop", 0) do scheduler.sleep(0.05) end
    scheduler.stop()
  end)
  scheduler.run()
  return clients
end

local path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path
local count = tonumber(arg[2]) or count_cores()
-- Bound, but not listening: it finds a free port and keeps it until all others have it.
local reserved = bind(tonumber(arg[1]) or 0)
local port = select(2, reserved:getsockname())
local processes = {}
for i = 1, count do processes[i] = lproc.start(serve, path, port) end
for _ = 1, count do assert(lproc.receive("ready", 10)) end
reserved:close()
print("listening on port " .. port .. " with " .. count .. " processes")
io.stdout:flush()

io.read("a")
for _ = 1, count do lproc.send("stop", true) end
for i, process in ipairs(processes) do
  local ok, clients = process:join()
  print("process " .. i .. ": " .. (ok and clients .. " clients" or "failed: " .. tostring(clients)))
end

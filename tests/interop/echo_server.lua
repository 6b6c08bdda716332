-- An echo server in the style of tutorials: a coroutine for each client, resumed in turn, of which each waits for its own
-- connection for a second at most.
--
-- usage: echo_server.lua CLIENTS
--
-- The first line of output is the port. The server ends after so many clients and says what it has done.

local socket = require "socket"

local expected = tonumber(arg[1])
local server = assert(socket.bind("127.0.0.1", 0, 1024))
local _, port = server:getsockname()
print(port)
io.stdout:flush()
server:settimeout(0)

-- Receives a line, however many pieces it comes in.
local function receive(conn)
  local rest
  while true do
    local line, err, part = conn:receive("*l", rest)
    if line then return line end
    if err ~= "timeout" then return nil, err, part end
    rest = part
    if #socket.select({ conn }, nil, 1) == 0 then coroutine.yield() end
  end
end

-- Sends everything, however little the system takes at once.
local function send(conn, data)
  local from = 1
  while from <= #data do
    local last, err, partial = conn:send(data, from)
    if not last and err ~= "timeout" then return nil, err end
    from = (last or partial) + 1
    if from <= #data then
      local _, writable = socket.select(nil, { conn }, 1)
      if #writable == 0 then coroutine.yield() end
    end
  end
  return true
end

local totals = { clients = 0, lines = 0, bytes = 0, longest = 0 }
local reasons = {}
local function serve(conn)
  conn:settimeout(0)
  while true do
    local line, err, part = receive(conn)
    if not line then
      reasons[#reasons + 1] = err .. " after '" .. part .. "'"
      break
    end
    totals.lines = totals.lines + 1
    totals.bytes = totals.bytes + #line
    totals.longest = math.max(totals.longest, #line)
    if not send(conn, line .. "\n") then break end
    coroutine.yield()
  end
  print(conn:close())
end

local threads = {}
while totals.clients < expected or #threads > 0 do
  if #threads == 0 then socket.select({ server }, nil, 1) end
  local conn, err = server:accept()
  while conn do
    local accepted = conn
    totals.clients = totals.clients + 1
    threads[#threads + 1] = coroutine.create(function() serve(accepted) end)
    conn, err = server:accept()
  end
  assert(err == "timeout", err)
  for i = #threads, 1, -1 do
    assert(coroutine.resume(threads[i]))
    if coroutine.status(threads[i]) == "dead" then table.remove(threads, i) end
  end
end
print(server:close())

print(totals.clients .. " clients", totals.lines .. " lines", totals.bytes .. " bytes", "the longest has " .. totals.longest)
table.sort(reasons)
print(table.concat(reasons, ", "))
print(server:accept())

-- The client of echo_server.lua: some connections, each of which has one line on its way at any time.
--
-- usage: echo_client.lua PORT CLIENTS

local socket = require "socket"

local port, count = tonumber(arg[1]), tonumber(arg[2])

local function send(conn, data)
  local from = 1
  while from <= #data do
    local last, err, partial = conn:send(data, from)
    assert(last or err == "timeout", err)
    from = (last or partial) + 1
    if from <= #data then socket.select(nil, { conn }, 1) end
  end
end

local function receive(conn)
  local rest
  while true do
    local line, err, part = conn:receive("*l", rest)
    if line then return line end
    assert(err == "timeout", err)
    rest = part
    socket.select({ conn }, nil, 1)
  end
end

local conns = {}
for i = 1, count do
  conns[i] = assert(socket.connect("127.0.0.1", port))
  conns[i]:settimeout(0)
end

-- Short lines with any bytes but the ends of lines, the empty line, and one that fills all buffers on the way.
local function line(i, round)
  if round == 3 then return "" end
  if round == 5 then return i == 1 and ("0123456789"):rep(200000) or "short" end
  local bytes = {}
  for byte = 0, 255 do
    if byte ~= 10 and byte ~= 13 then bytes[#bytes + 1] = string.char(byte) end
  end
  return table.concat(bytes, "", 1, (i * 37 + round * 11) % #bytes + 1) .. i .. "/" .. round
end

-- In each round, all connections send before any of them receives: so the server never waits for one that has nothing to say.
local right, bytes = 0, 0
for round = 1, 8 do
  for i, conn in ipairs(conns) do send(conn, line(i, round) .. "\n") end
  for i, conn in ipairs(conns) do
    local answer = receive(conn)
    bytes = bytes + #answer
    if answer == line(i, round) then right = right + 1 else print("wrong", i, round, #answer) end
  end
end
print(right .. " lines are right", bytes .. " bytes")

-- A line that has no end is not echoed; half a connection can still be read from.
for i, conn in ipairs(conns) do
  send(conn, "rest " .. i)
  print(conn:shutdown("send"))
end
for _, conn in ipairs(conns) do
  while true do
    local data, err, part = conn:receive("*a")
    if err ~= "timeout" then
      print(data, err, part)
      break
    end
    socket.select({ conn }, nil, 1)
  end
  print(conn:close(), conn:close())
  print(conn:send("more"))
  print(conn:receive())
end

-- A client of the echo servers: some connections at once, a coroutine for each.
--
-- usage: echo_client.lua PORT [CONNECTIONS [LINES]]
--
-- Each connection sends so many lines, one after the other, and every one must come back as it was.

package.path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path
local socket = require "socket"
local scheduler = require "scheduler"

local port = assert(tonumber(arg[1]), "usage: echo_client.lua PORT [CONNECTIONS [LINES]]")
local connections, lines = tonumber(arg[2]) or 100, tonumber(arg[3]) or 10
local PATIENCE = 60

-- Talks to the server; its errors are those of the connection.
local function talk(number)
  local client = assert(scheduler.connect("127.0.0.1", port, PATIENCE))
  for i = 1, lines do
    local line = "line " .. i .. " of connection " .. number .. " " .. ("-"):rep((number + i) % 50)
    assert(scheduler.send(client, line .. "\n", PATIENCE))
    local answer = assert(scheduler.receive(client, "*l", PATIENCE))
    assert(answer == line, "another line came back")
  end
  scheduler.close(client)
end

local finished, failure = 0, nil
function scheduler.failed(_, message)
  failure = failure or message
end
local start = socket.gettime()
for number = 1, connections do
  scheduler.spawn(function()
    talk(number)
    finished = finished + 1
  end)
end
scheduler.run()

if failure then
  io.stderr:write(finished, " of ", connections, " connections ended well; one failed: ", tostring(failure), "\n")
  os.exit(1)
end
print(connections .. " connections, " .. connections * lines .. " lines came back as they were")
io.stderr:write(("%.0f lines a second\n"):format(connections * lines / (socket.gettime() - start)))

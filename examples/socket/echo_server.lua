-- An echo server with a coroutine for each client.
--
-- usage: echo_server.lua [PORT [CLIENTS]]
--
-- It listens on the loopback, on the port that it names in its first line, and ends after so many clients; without a number
-- it serves for ever. Try it with `nc 127.0.0.1 PORT`, or with echo_client.lua.

package.path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path
local socket = require "socket"
local scheduler = require "scheduler"
local echo = require "echo"

local port, clients = tonumber(arg[1]) or 0, tonumber(arg[2]) or math.huge
local server = assert(socket.bind("127.0.0.1", port, 1024))
print("listening on port " .. select(2, server:getsockname()))
io.stdout:flush()

echo.listen(server, clients)
scheduler.run()

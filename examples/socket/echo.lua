-- The echo service: each line that a client sends comes back to it. One coroutine accepts, one more serves each client.

local scheduler = require "scheduler"

local echo = {}

-- A client that says nothing, or takes nothing, for so many seconds is left.
local PATIENCE = 60

local function serve(client)
  repeat
    local line = scheduler.receive(client, "*l", PATIENCE)
  until not line or not scheduler.send(client, line .. "\n", PATIENCE)
  scheduler.close(client)
end

-- Accepts some number of clients, or any number without end. `accepted` is called for each one.
function echo.listen(server, count, accepted)
  server:settimeout(0)
  scheduler.spawn(function()
    while count > 0 do
      local client, reason = scheduler.accept(server)
      if client then
        count = count - 1
        if accepted then accepted(client) end
        scheduler.spawn(serve, client)
      elseif reason == "closed" then
        return
      else
        -- Mostly this means that there are too many connections; some will end.
        io.stderr:write("cannot accept: ", reason, "\n")
        scheduler.sleep(0.1)
      end
    end
    scheduler.close(server)
  end)
end

return echo

-- A producer, a filter and a consumer: coroutines that pull lines through one another. The producer reads the standard input.

local function receive(producer)
  local status, value = coroutine.resume(producer)
  assert(status, value)
  return value
end

local function send(value)
  coroutine.yield(value)
end

local function producer()
  return coroutine.create(function()
    while true do
      local line = io.read()
      send(line)
      if not line then break end
    end
  end)
end

-- Numbers the lines, and leaves empty ones out.
local function filter(source)
  return coroutine.create(function()
    local number = 1
    for line in function() return receive(source) end do
      if #line > 0 then
        send(string.format("%5d %s", number, line))
      end
      number = number + 1
    end
    send(nil)
  end)
end

-- Cuts lines into words, each of which goes on alone.
local function words(source)
  return coroutine.create(function()
    for line in function() return receive(source) end do
      for word in line:gmatch("%S+") do send(word) end
      send("|")
    end
    send(nil)
  end)
end

local function consumer(source)
  local count, bytes = 0, 0
  while true do
    local value = receive(source)
    if value == nil then break end
    count, bytes = count + 1, bytes + #value
    io.write(value, "\n")
  end
  return count, bytes
end

local source = producer()
local numbered = filter(source)
local last = words(numbered)
print("begin", coroutine.status(source), coroutine.status(numbered), coroutine.status(last))
print("end", consumer(last))
print("status", coroutine.status(source), coroutine.status(numbered), coroutine.status(last))
-- What has ended cannot go on; what has not can, once.
for _, co in ipairs { source, numbered, last } do
  print(coroutine.resume(co))
  print(coroutine.resume(co))
end

-- A scheduler of coroutines that wait for sockets and for time. All of them wait together, in one `socket.select`.
--
--   local scheduler = require "scheduler"
--   scheduler.spawn(function(server)
--     local client = assert(scheduler.accept(server))
--     local line = assert(scheduler.receive(client, "*l", 60))
--     ...
--   end, server)
--   scheduler.run()
--
-- What waits is called in a coroutine that `spawn` has made, and with sockets that do not block (`settimeout(0)`; what
-- `accept` and `connect` return is so already). A timeout is in seconds, for the whole operation; without one it may last for
-- ever.
--
-- With LuaSocket, `select` can watch 1024 descriptors at most; with Perilune, as many as the system allows.

local socket = require "socket"
local gettime = socket.gettime

local scheduler = {}

-- How many operations in a row a coroutine may do that need not wait, until others get their turn.
local OPERATIONS_IN_A_ROW = 64

-- How many coroutines have not ended, the one that runs, and whether `run` is to return.
local alive, running, stopped = 0, nil, false

-- ---- Tasks that can go on: a queue ----

local queue, first, last = {}, 1, 0

local function make_ready(task)
  if first > last then first, last = 1, 0 end
  last = last + 1
  queue[last] = task
end

-- ---- Tasks with a deadline: a heap with the earliest one at its root; each task knows its place ----

local heap = {}

local function put(task, place)
  heap[place] = task
  task.place = place
end

-- Puts a task at a free place, or above it.
local function put_up(task, place)
  while place > 1 and task.deadline < heap[place // 2].deadline do
    put(heap[place // 2], place)
    place = place // 2
  end
  put(task, place)
end

-- Puts a task at a free place, or below it.
local function put_down(task, place)
  local size = #heap
  while 2 * place <= size do
    local child = 2 * place
    if child < size and heap[child + 1].deadline < heap[child].deadline then child = child + 1 end
    if task.deadline <= heap[child].deadline then break end
    put(heap[child], place)
    place = child
  end
  put(task, place)
end

local function add_deadline(task, deadline)
  task.deadline = deadline
  put_up(task, #heap + 1)
end

local function remove_deadline(task)
  local place, moved = task.place, heap[#heap]
  task.place = nil
  heap[#heap] = nil
  if moved ~= task then
    if place > 1 and moved.deadline < heap[place // 2].deadline then
      put_up(moved, place)
    else
      put_down(moved, place)
    end
  end
end

-- ---- Tasks that wait for a socket: a set for each direction, with the list that `select` takes ----

local readers = { list = {}, places = {}, tasks = {} }
local writers = { list = {}, places = {}, tasks = {} }

local function add(set, object, task)
  if set.tasks[object] then error("another coroutine waits for this socket") end
  local place = #set.list + 1
  set.list[place], set.places[object], set.tasks[object] = object, place, task
end

local function remove(set, object)
  local list, places = set.list, set.places
  local place, moved = places[object], list[#list]
  list[place], places[moved] = moved, place
  list[#list], places[object], set.tasks[object] = nil, nil, nil
end

-- ---- Waiting and waking ----

-- The running task.
local function current()
  if not running or coroutine.running() ~= running.coroutine then
    error("only coroutines of the scheduler can do this")
  end
  return running
end

-- Waits until something is possible with a socket, or until a deadline; either may be nil. Returns true, or nil and a reason.
local function wait(set, object, deadline)
  local task = current()
  if set then add(set, object, task) end
  if deadline then add_deadline(task, deadline) end
  task.set, task.object, task.waits = set, object, true
  return coroutine.yield()
end

-- Makes a waiting task go on, with what `wait` returns.
local function wake(task, result, reason)
  if task.set then remove(task.set, task.object) end
  if task.place then remove_deadline(task) end
  task.set, task.object, task.waits = nil, nil, false
  task.result, task.reason = result, reason
  make_ready(task)
end

-- Runs a task until it waits, gives way, or ends.
local function resume(task)
  local arguments, ok, message = task.arguments, nil, nil
  running, task.turns = task, OPERATIONS_IN_A_ROW
  if arguments then
    task.arguments = nil
    ok, message = coroutine.resume(task.coroutine, table.unpack(arguments, 1, arguments.n))
  else
    ok, message = coroutine.resume(task.coroutine, task.result, task.reason)
  end
  running = nil
  if coroutine.status(task.coroutine) == "dead" then
    alive = alive - 1
    if not ok then scheduler.failed(task.coroutine, message) end
  elseif not task.waits then
    task.result, task.reason = nil, nil
    make_ready(task)
  end
end

-- Lets others go on, if the running task has done much without a wait.
local function share()
  local task = current()
  task.turns = task.turns - 1
  if task.turns <= 0 then coroutine.yield() end
end

-- The deadline of what begins now.
local function deadline_of(timeout)
  return timeout and gettime() + timeout
end

-- ---- What programs use ----

-- Makes a coroutine that calls a function with arguments as soon as `run` comes to it. It may call `coroutine.yield` to let the
-- others go on.
function scheduler.spawn(f, ...)
  alive = alive + 1
  make_ready { coroutine = coroutine.create(f), arguments = table.pack(...), waits = false }
end

-- Waits until something that tasks wait for has happened, and wakes them.
local function wait_for_events()
  local limit
  if first <= last then
    limit = 0
  elseif heap[1] then
    limit = math.max(0, heap[1].deadline - gettime())
  end
  local readable, writable = socket.select(readers.list, writers.list, limit)
  for _, object in ipairs(readable) do wake(readers.tasks[object], true) end
  for _, object in ipairs(writable) do wake(writers.tasks[object], true) end
  if heap[1] then
    local now = gettime()
    while heap[1] and heap[1].deadline <= now do wake(heap[1], nil, "timeout") end
  end
end

-- Runs until all coroutines have ended, or until `stop`.
function scheduler.run()
  stopped = false
  while alive > 0 do
    -- Those that can go on now; those that they wake come next time.
    for place = first, last do
      local task = queue[place]
      queue[place], first = nil, place + 1
      resume(task)
      if stopped then return end
    end
    if alive > 0 then wait_for_events() end
  end
end

-- Has `run` return; called again, it goes on where it was.
function scheduler.stop()
  stopped = true
end

-- Is called when a coroutine fails, with it and the error. Programs may replace it.
function scheduler.failed(co, message)
  io.stderr:write(debug.traceback(co, tostring(message)), "\n")
end

-- Waits for some seconds.
function scheduler.sleep(seconds)
  wait(nil, nil, gettime() + seconds)
end

-- Waits until something is possible with a socket. Returns true, or nil and "timeout" or "closed".
function scheduler.wait_readable(object, timeout)
  return wait(readers, object, deadline_of(timeout))
end

function scheduler.wait_writable(object, timeout)
  return wait(writers, object, deadline_of(timeout))
end

-- As `server:accept()`.
function scheduler.accept(server, timeout)
  local deadline = deadline_of(timeout)
  local client, reason = server:accept()
  while reason == "timeout" do
    local ok, why = wait(readers, server, deadline)
    if not ok then return nil, why end
    client, reason = server:accept()
  end
  if client then client:settimeout(0) end
  share()
  return client, reason
end

-- As `socket.connect(host, port)`.
function scheduler.connect(host, port, timeout)
  local client = socket.tcp()
  client:settimeout(0)
  local ok, reason = client:connect(host, port)
  if reason == "timeout" then
    ok, reason = wait(writers, client, deadline_of(timeout))
    if ok then
      reason = client:getoption("error")
      ok = not reason
    end
  end
  if ok then return client end
  client:close()
  return nil, reason
end

-- As `client:receive(pattern)`.
function scheduler.receive(client, pattern, timeout)
  local deadline = deadline_of(timeout)
  local data, reason, part = client:receive(pattern)
  while reason == "timeout" do
    local ok, why = wait(readers, client, deadline)
    if not ok then return nil, why, part end
    data, reason, part = client:receive(pattern, part)
  end
  share()
  return data, reason, part
end

-- As `client:send(data)`.
function scheduler.send(client, data, timeout)
  local deadline = deadline_of(timeout)
  local count, reason, last_sent = client:send(data)
  while reason == "timeout" do
    local ok, why = wait(writers, client, deadline)
    if not ok then return nil, why, last_sent end
    count, reason, last_sent = client:send(data, last_sent + 1)
  end
  share()
  return count, reason, last_sent
end

-- As `object:close()`; whoever waits for it goes on, with nil and "closed".
function scheduler.close(object)
  for _, set in ipairs { readers, writers } do
    local task = set.tasks[object]
    if task then wake(task, nil, "closed") end
  end
  return object:close()
end

return scheduler

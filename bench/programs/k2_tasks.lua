-- Coroutines: a round-robin scheduler over many short-lived tasks.
local create, resume, yield, status = coroutine.create, coroutine.resume, coroutine.yield, coroutine.status
local done = 0
local function task(steps) for i = 1, steps do yield(i) end done = done + steps return "end" end
local queue, head, tail = {}, 1, 0
for i = 1, 60000 do tail = tail + 1 queue[tail] = create(task) resume(queue[tail], i % 70) end
while head <= tail do
  local co = queue[head]
  queue[head] = nil
  head = head + 1
  resume(co)
  if status(co) ~= "dead" then tail = tail + 1 queue[tail] = co end
end
print("tasks", done)

-- Mixed: an operating system in small, after the idea of Richards: tasks of several kinds with queues and priorities, packets
-- that go to and fro between them, a scheduler that always runs the first task that can run.
local Task, Idle, Worker, Handler = {}, {}, {}, {}
Task.__index = Task
for _, class in ipairs {Idle, Worker, Handler} do class.__index = class setmetatable(class, Task) end
local tasks, order, sent, held
function Task.new(class, name, priority)
  local task = setmetatable({name = name, priority = priority, queue = nil, waiting = true, done = 0}, class)
  tasks[name] = task
  order[#order + 1] = task
  table.sort(order, function(a, b) return a.priority > b.priority end)
  return task
end
function Task:put(packet)
  packet.next = nil
  if not self.queue then self.queue = packet else
    local last = self.queue
    while last.next do last = last.next end
    last.next = packet
  end
  self.waiting = false
  sent = sent + 1
end
function Task:get()
  local packet = self.queue
  if packet then self.queue = packet.next else self.waiting = true held = held + 1 end
  return packet
end
function Idle:run()
  self.left = self.left - 1
  if self.left == 0 then self.waiting = true return end
  self.seed = self.seed * 16807 % 2147483647
  local target = self.seed % 2 == 0 and "reader" or "writer"
  tasks[target]:put({to = "worker", data = {self.seed % 26, self.left % 26}})
end
function Worker:run()
  local packet = self:get()
  if not packet then return end
  for i = 1, #packet.data do self.count = (self.count + packet.data[i]) % 1000 end
  packet.to = self.count % 3 == 0 and "reader" or nil
  self.done = self.done + 1
  if packet.to then tasks[packet.to]:put(packet) end
end
function Handler:run()
  local packet = self:get()
  if not packet then return end
  self.done = self.done + 1
  packet.data[1] = (packet.data[1] + 1) % 26
  tasks.worker:put(packet)
end
local function schedule()
  while true do
    local ready
    for i = 1, #order do if not order[i].waiting then ready = order[i] break end end
    if not ready then return end
    ready:run()
  end
end
local sum = 0
for round = 1, 12 do
  tasks, order, sent, held = {}, {}, 0, 0
  local idle = Task.new(Idle, "idle", 1)
  idle.left, idle.seed, idle.waiting = 20000, 17 + round, false
  Task.new(Worker, "worker", 5).count = 0
  Task.new(Handler, "reader", 3)
  Task.new(Handler, "writer", 2)
  schedule()
  sum = (sum * 31 + sent + held + tasks.worker.done + tasks.reader.done * 3) % 1000003
end
print("tasks", sum, sent, held)

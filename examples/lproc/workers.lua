-- A pool of workers: each takes the next job from one channel, and sends what comes of it to another one.
-- Here the jobs are to count the primes of a range.
--
-- usage: perilune workers.lua [WORKERS [LIMIT]]
local lproc = require "lproc"

local workers = math.tointeger(tonumber(arg and arg[1] or 4))
local limit = math.tointeger(tonumber(arg and arg[2] or 200000))
local step = 10000

local function count_primes(from, to)
  local count = 0
  for n = math.max(from, 2), to do
    local prime = true
    for d = 2, math.floor(math.sqrt(n)) do
      if n % d == 0 then
        prime = false
        break
      end
    end
    if prime then count = count + 1 end
  end
  return count
end

-- The function goes to the process with `count_primes`, which it refers to; each worker has at most 4 MB.
local function work(id)
  while true do
    local from, to = lproc.receive("jobs")
    if from == "end" then return id end
    lproc.send("results", id, from, count_primes(from, to))
  end
end

local handles = {}
for id = 1, workers do handles[id] = lproc.start(work, {limit = 4 * 1024 * 1024}, id) end

-- So many jobs can wait that nobody waits for the results.
local jobs = (limit + step - 1) // step
lproc.channel("jobs", jobs + workers)
for from = 1, limit, step do lproc.send("jobs", from, math.min(from + step - 1, limit)) end
for _ = 1, workers do lproc.send("jobs", "end") end

local total, done_by = 0, {}
for _ = 1, jobs do
  local id, _, count = lproc.receive("results")
  total, done_by[id] = total + count, (done_by[id] or 0) + 1
end
for id, handle in ipairs(handles) do
  local ok, result = handle:join()
  assert(ok and result == id, result)
  io.write("worker ", id, " did ", done_by[id] or 0, " jobs\n")
end
io.write("there are ", total, " primes up to ", limit, "\n")

-- Limits of time, tries, and channels with a capacity.
local lproc = require "lproc"

-- A try: 0 seconds. Nobody is there.
print(lproc.receive("c", 0)) --> expect: nil\ttimeout
print(lproc.send_timeout(0, "c", 1)) --> expect: nil\ttimeout
-- What was not sent in time does not arrive later.
print(lproc.receive("c", 0)) --> expect: nil\ttimeout

-- With a limit.
local function elapsed(f, ...)
  local before = os.time()
  local result = table.pack(f(...))
  return os.time() - before <= 5, table.unpack(result, 1, result.n)
end
print(elapsed(lproc.receive, "c", 0.02)) --> expect: true\tnil\ttimeout
print(elapsed(lproc.send_timeout, 0.02, "c")) --> expect: true\tnil\ttimeout
print(lproc.receive("c", 1e-9)) --> expect: nil\ttimeout

-- Somebody comes in time, or is there already.
lproc.start("lproc.receive('nothing', 0.02) lproc.send('late', 'at last')")
print(lproc.receive("late", 60)) --> expect: at last
lproc.start("lproc.receive('nothing', 0.02) lproc.receive('late')")
print(lproc.send_timeout(60, "late")) --> expect: true
local waiting = lproc.start("return lproc.send('here', 'waited')")
while waiting:status() ~= "waiting" do lproc.receive("nothing", 0.001) end
print(lproc.receive("here", 0)) --> expect: waited
print(waiting:join()) --> expect: true\ttrue
local waiting = lproc.start("return lproc.receive('here')")
while waiting:status() ~= "waiting" do lproc.receive("nothing", 0.001) end
print(lproc.send_timeout(0, "here", "tried")) --> expect: true
print(waiting:join()) --> expect: true\ttried

-- Limits that are so far away that they never come.
lproc.start("lproc.send('far', lproc.receive('far away', math.huge))")
lproc.start("lproc.send_timeout(1e300, 'far away', 'near')")
print(lproc.receive("far", 1e15)) --> expect: near

-- A channel with a capacity takes messages for which nobody waits, so many.
lproc.channel("buffer", 2)
print(lproc.send("buffer", 1), lproc.send("buffer", 2)) --> expect: true\ttrue
print(lproc.send_timeout(0, "buffer", 3)) --> expect: nil\ttimeout
print(lproc.send_timeout(0.01, "buffer", 3)) --> expect: nil\ttimeout
print(lproc.receive("buffer")) --> expect: 1
print(lproc.send_timeout(0, "buffer", 4)) --> expect: true
-- Who waits for room gets it in turn.
local senders = {}
for i = 1, 3 do
  senders[i] = lproc.start("lproc.send('buffer', ...)", 10 * i)
  while senders[i]:status() ~= "waiting" do lproc.receive("nothing", 0.001) end
end
print(lproc.receive("buffer"), senders[1]:join()) --> expect: 2\ttrue
print(senders[2]:status()) --> expect: waiting
-- More capacity lets the others go on.
lproc.channel("buffer", 10)
print(senders[2]:join(), senders[3]:join()) --> expect: true\ttrue
print(lproc.receive("buffer"), lproc.receive("buffer"), lproc.receive("buffer"), lproc.receive("buffer"))
--> expect: 4\t10\t20\t30

-- Less capacity loses nothing.
for i = 1, 5 do lproc.send("buffer", i) end
lproc.channel("buffer", 0)
print(lproc.send_timeout(0, "buffer", 6)) --> expect: nil\ttimeout
local sum = 0
for i = 1, 5 do sum = sum + lproc.receive("buffer", 0) end
print(sum, lproc.receive("buffer", 0)) --> expect: 15\tnil\ttimeout

-- A capacity in bytes.
lproc.channel("bytes", 100, 1000)
print(lproc.send_timeout(0, "bytes", ("x"):rep(900))) --> expect: true
print(lproc.send_timeout(0, "bytes", ("x"):rep(900))) --> expect: nil\ttimeout
print(lproc.send_timeout(0, "bytes", "short")) --> expect: true
-- What is larger than that is handed over, as where there is no capacity.
lproc.receive("bytes") lproc.receive("bytes")
local sender = lproc.start("lproc.send('bytes', ('x'):rep(5000))")
print(#lproc.receive("bytes")) --> expect: 5000
print(sender:join()) --> expect: true

-- First come, first served, also among receivers.
local receivers = {}
for i = 1, 5 do
  receivers[i] = lproc.start("return lproc.receive 'turn'")
  while receivers[i]:status() ~= "waiting" do lproc.receive("nothing", 0.001) end
end
for i = 1, 5 do lproc.send("turn", i) end
for i = 1, 5 do io.write(select(2, receivers[i]:join()), i < 5 and " " or "\n") end --> expect: 1 2 3 4 5

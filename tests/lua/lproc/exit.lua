-- The main program's end by exit: the processes go on, and what they print is printed; then finalizers run, and the status is 0.
local lproc = require "lproc"
local keep = setmetatable({}, {__gc = function() print "finalized" end})
local done = lproc.start([[
  print(lproc.receive("go"))
  lproc.start("lproc.receive('nothing', 0.05) print 'the last one'")
]])
lproc.start([[ lproc.receive("nothing", 0.02) lproc.send("go", "the first one") error("is reported, but does not count") ]])
print "main" --> expect: main
pcall(coroutine.wrap(function() lproc.exit() end))
print "not reached"
--> expect: the first one
--> expect: the last one
--> expect: finalized

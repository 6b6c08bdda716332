-- When the main program returns, the whole program ends, whatever processes do.
local lproc = require "lproc"
lproc.start("while true do end")
lproc.start("lproc.receive 'nothing'")
lproc.start("lproc.send('nobody', 1)")
lproc.start("local ok, why = pcall(lproc.start('lproc.receive [[nothing]]').join)")
local handle = lproc.start("while true do lproc.send('ticks', {}) end")
for i = 1, 100 do lproc.receive("ticks") end
local status = handle:status()
print(status == "waiting" or status == "running") --> expect: true

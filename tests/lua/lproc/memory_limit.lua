--> options: --mem-limit 8M
-- The program's limit holds for the main state, all processes, and what lies in channels, together.
local lproc = require "lproc"
local handles, ok, why = {}, nil, nil
for i = 1, 1000 do
  ok, why = pcall(lproc.start, "lproc.receive 'go'")
  if not ok then break end
  handles[i] = why
end
print(ok, (why:gsub("^unable to create new state: ", ""))) --> expect: false\tnot enough memory
print(#handles > 20 and #handles < 500) --> expect: true
for _, handle in ipairs(handles) do handle:cancel() end
print(lproc.wait(60)) --> expect: true

lproc.channel("full", 1e9)
local text, n = ("x"):rep(100000), 0
while lproc.send_timeout(0, "full", text) do n = n + 1 end
print(n > 60 and n < 90) --> expect: true
print(pcall(string.rep, "x", 2500000)) --> expect: false\tnot enough memory
while lproc.receive("full", 0) do n = n - 1 end
print(n) --> expect: 0
print(#string.rep("x", 2500000)) --> expect: 2500000

-- The message is the sender's, its copy the receiver's: who has no room gets an error, and the message goes on to somebody else.
local sender = lproc.start("lproc.send('large', ('x'):rep(1000000))")
local small = lproc.start("return pcall(lproc.receive, 'large')", {limit = 300000})
print(small:join(60)) --> expect: true\tfalse\tnot enough memory
print(#lproc.receive("large"), sender:join(60)) --> expect: 1000000\ttrue

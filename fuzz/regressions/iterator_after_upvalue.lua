-- oracles: differential
-- An upvalue that is indexed by a variable takes a register more than in the reference, and the message about the iterator names it.
local t, a, c = {}, 1, 2
print(pcall(function() for v in c == #{t[a]} do return v end end))
print(pcall(function()
  for v in
    c == #{t[a]} do return v end
end))

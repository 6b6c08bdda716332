-- The upvalues of gmatch's iterator may be anything, if the debug library puts it there. (The reference crashes.)
local it = ("aXbXc"):gmatch("%a")
print(it(), it()) --> expect: a\tX
for _, value in ipairs {5, "x", {}, 2.5, -1, 100} do
  debug.setupvalue(it, 3, value)
  print(pcall(it))
--> expect: true
--> expect: true\ta
--> expect: true\ta
--> expect: true\ta
--> expect: true\ta
--> expect: true
end
debug.setupvalue(it, 3, 0)
debug.setupvalue(it, 1, "zyx")
print(it(), it()) --> expect: z\ty
debug.setupvalue(it, 1, 12)
debug.setupvalue(it, 2, ".")
print(it(), it(), it()) --> expect: nil\tnil
debug.setupvalue(it, 2, {})
print(pcall(it)) --> expect: false\tbad argument #2 to '?' (string expected, got table)
print(pcall(function() for x in it do print(x) end end)) --> expect: false\tgmatch_upvalues.lua:22: bad argument #2 to 'for iterator' (string expected, got table)

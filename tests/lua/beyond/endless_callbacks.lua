-- Endless recursion through a library function ends in the error of the Lua stack: neither way leads out of the native one.
--> zeal: no
local t = setmetatable({}, {})
getmetatable(t).__index = function(t) return table.concat(t, "", 1, 1) end
local ok, message = pcall(table.concat, t, "", 1, 1)
print(ok, message:match("stack overflow")) --> expect: false\tstack overflow

-- about: an embedder's pattern: many small states, each opened with the standard library, used once, and closed
-- stresses: the first and the last blocks of a state; what an allocator of its own costs each state
-- driver: states
-- sizes: quick 150, default 1000, long 8000
local id = tonumber((...)) or 1

-- The host runs this in a state of its own for each number from 1 to the size, and adds the results up.
local request = {path = "/item/" .. id, headers = {}, body = ("field=%d&"):rep(20):format(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
  12, 13, 14, 15, 16, 17, 18, 19, 20)}
for i = 1, 12 do request.headers["h" .. i] = "value " .. i * id end
local fields, sum = {}, 0
for name, value in request.body:gmatch("(%w+)=(%d+)") do
  fields[#fields + 1] = {name = name, value = tonumber(value)}
end
for _, field in ipairs(fields) do sum = sum + field.value end
for _, value in pairs(request.headers) do sum = sum + #value end
return sum

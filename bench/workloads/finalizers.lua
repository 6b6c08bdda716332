-- about: userdata with a finalizer each, some of which come to life again
-- stresses: userdata of 16 to 512 bytes; blocks that live a cycle longer than they are used
-- sizes: quick 250000, default 2000000, long 15000000
local count = tonumber((...)) or 250000

-- The lab's host makes userdata; without it tables serve.
local new = host and host.userdata or function(_, metatable) return setmetatable({}, metatable) end
local finished, revived = 0, {}
local metatable = {}
metatable.__gc = function(object)
  finished = finished + 1
  if finished % 10 == 0 and #revived < 200 then revived[#revived + 1] = object end
end

local keep = {}
for i = 1, count do
  local object = new(16 << i % 6, metatable)
  if i % 50 == 0 then keep[i // 50 % 300 + 1] = object end
end
keep = nil
collectgarbage()
collectgarbage()
print("finalizers", finished == count, #revived)

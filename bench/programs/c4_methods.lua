-- Calls: methods of objects found through one and three levels of __index, and fields that they update.
local Base = {}
Base.__index = Base
function Base:add(n) self.total = self.total + n return self end
function Base:get() return self.total end
local Middle = setmetatable({}, Base)
Middle.__index = Middle
local Leaf = setmetatable({}, Middle)
Leaf.__index = Leaf
function Leaf:twice(n) return self:add(n):add(n) end
local near, far = setmetatable({total = 0}, Base), setmetatable({total = 0}, Leaf)
for i = 1, 2500000 do
  near:add(i % 7)
  far:twice(i % 5)
  if near:get() > 1000000 then near.total = 0 end
  if far:get() > 1000000 then far.total = 0 end
end
print("methods", near:get(), far:get())

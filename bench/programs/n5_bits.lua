-- Numbers: 64-bit integers of Lua 5.3: shifts, masks, a xorshift generator, a hash, counting bits, integer division. LuaJIT has none.
local x, h, bits, q = 88172645463325252, 0x4bf29ce484222325, 0, 0
for i = 1, 5000000 do
  x = x ~ x << 13
  x = x ~ x >> 7
  x = x ~ x << 17
  h = (h ~ (x & 0xff)) * 1099511628211
  local b = x & 0xffff
  while b ~= 0 do b = b & (b - 1) bits = bits + 1 end
  q = q + (x & 0xfffff) // (i & 31 | 1)
end
print("bits", x, h, bits, q)

-- Allocation: linked lists made, reversed, filtered and dropped, and a queue of nodes that lives through it all.
local function make(n) local l for i = n, 1, -1 do l = {value = i, next = l} end return l end
local function reverse(l) local r while l do local rest = l.next l.next = r r, l = l, rest end return r end
local function filter(l, k) if not l then return nil end local rest = filter(l.next, k) if l.value % k == 0 then return rest end return {value = l.value, next = rest} end
local head = {value = 0}
local tail, sum = head, 0
for i = 1, 30000 do
  local l = filter(reverse(make(60)), 3)
  while l do sum = sum + l.value l = l.next end
  for _ = 1, 4 do tail.next = {value = i} tail = tail.next end
  if i % 2 == 0 then for _ = 1, 6 do sum = sum + head.value % 5 head = head.next end end
end
print("lists", sum)

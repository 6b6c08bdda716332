-- Tables: table.insert and table.remove at the end, at the begin and within, a stack, a queue, and table.concat of numbers.
local insert, remove, concat = table.insert, table.remove, table.concat
local stack, sum = {}, 0
for i = 1, 4000000 do
  insert(stack, i)
  if i % 3 ~= 0 then sum = sum + remove(stack) % 5 end
end
local row = {}
for i = 1, 100 do row[i] = i end
for i = 1, 120000 do
  insert(row, 1, remove(row))
  insert(row, 50, remove(row, 20))
end
local digits = {}
for i = 1, 1000 do digits[i] = i % 10 end
for _ = 1, 1000 do sum = sum + #concat(digits, ",", 1, 500) end
print("insert_remove", sum, #stack, row[1], row[50])

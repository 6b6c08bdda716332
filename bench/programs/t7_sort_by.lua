-- Tables: table.sort with comparators: by a field, by two fields, by an order in another table.
local seed = 5
local function random(n) seed = seed * 16807 % 2147483647 return seed % n end
local sum = 0
for round = 1, 7 do
  local people, order, rank = {}, {}, {}
  for i = 1, 20000 do
    people[i] = {age = random(90), name = "n" .. random(5000)}
    order[i], rank[i] = i, random(1000000)
  end
  table.sort(people, function(a, b) return a.age < b.age end)
  sum = sum + people[1].age + people[10000].age * 3
  table.sort(people, function(a, b) if a.name ~= b.name then return a.name < b.name end return a.age > b.age end)
  for i = 1, #people, 500 do sum = (sum * 7 + people[i].age + #people[i].name) % 1000003 end
  table.sort(order, function(a, b) return rank[a] > rank[b] end)
  sum = sum + rank[order[1]] % 1000
end
print("sort_by", sum)

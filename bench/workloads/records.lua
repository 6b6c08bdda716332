-- about: records with named fields, made from text, indexed, changed and thrown away by the batch
-- stresses: tables with a hash part, strings beside them: a third each of tables, nodes and strings
-- sizes: quick 10, default 80, long 600
local batches = tonumber((...)) or 10

local function make(id)
  return {
    id = id, name = "customer " .. id, city = "city " .. id % 97,
    account = {balance = id * 3 % 1009, currency = id % 2 == 0 and "EUR" or "USD"},
    tags = {"a" .. id % 13, "b" .. id % 17},
  }
end

local sum, previous = 0, {}
for batch = 1, batches do
  local by_name, by_city = {}, {}
  for i = 1, 3000 do
    local record = make(batch * 3000 + i)
    by_name[record.name] = record
    local list = by_city[record.city]
    if list then list[#list + 1] = record else by_city[record.city] = {record} end
  end
  for _, list in pairs(by_city) do
    for i = 1, #list do
      local record = list[i]
      record.account.balance = record.account.balance + #record.tags
      record.note = record.id % 5 == 0 and "checked" or nil
      sum = sum + record.account.balance
    end
  end
  -- The last batch stays while the next one is made.
  previous = by_name
end
print("records", sum, next(previous) ~= nil)

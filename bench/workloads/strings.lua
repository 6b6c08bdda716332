-- about: short strings cut out of text, interned, counted in a table, and forgotten
-- stresses: strings of 25 to 60 bytes, most of them equal to one that is there
-- sizes: quick 25, default 200, long 1500
local rounds = tonumber((...)) or 25

local words = {}
for i = 1, 1200 do words[i] = ("w%x"):format(i * 2654435761 % 99991) end
local line = table.concat(words, " ")

local seen, total = {}, 0
for round = 1, rounds do
  local counts = {}
  for word in line:gmatch("%w+") do
    for cut = 2, #word do
      local part = word:sub(1, cut) .. round % 7
      counts[part] = (counts[part] or 0) + 1
    end
    local key = word:upper() .. ":" .. round
    seen[key:sub(2, 4)] = true
    total = total + #key
  end
  for part, count in pairs(counts) do total = total + #part * count end
end
local different = 0
for _ in pairs(seen) do different = different + 1 end
print("strings", total, different)

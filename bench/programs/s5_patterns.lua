-- Strings: find, match, gmatch and gsub with classes, captures, anchors, back references, and plain searches that fail.
local words = {}
for i = 1, 400 do words[i] = ("word%d key%d=%d (%d, %d) [tag%d] "):format(i, i % 7, i * 3, i, -i, i % 3) end
local text, sum = table.concat(words), 0
for _ = 1, 150 do
  for key, value in text:gmatch("(%w+)=(%d+)") do sum = sum + #key + tonumber(value) end
  for a, b in text:gmatch("%((%-?%d+), (%-?%d+)%)") do sum = sum + tonumber(a) + tonumber(b) end
  sum = sum + select(2, text:gsub("%s+", " ")) + #text:gsub("%[(.-)%]", "<%1>")
  sum = sum + select(2, text:gsub("%a+", {word = "w", key = "k"})) + #text:gsub("%d", function(d) return d == "0" and "" or nil end)
  for i = 1, #words do
    local w = words[i]
    if w:find("^word%d+") then sum = sum + 1 end
    if w:match("(%d)%1") then sum = sum + 2 end
    if not w:find("nowhere", 1, true) and not w:find("x%d+y") then sum = sum + 3 end
  end
end
print("patterns", sum)

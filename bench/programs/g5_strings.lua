-- Allocation: new strings, short and long, some kept under their text in a table that is emptied from time to time.
local seen, n, sum = {}, 0, 0
for i = 1, 500000 do
  local short = "s" .. i * 17 % 300007
  local long = short .. "-with-a-tail-that-makes-it-too-long-to-be-interned-" .. i
  if not seen[short] then seen[short] = long n = n + 1 end
  sum = sum + #long
  if n >= 50000 then seen, n = {}, 0 end
end
print("strings", sum, n)

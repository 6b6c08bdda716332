-- oracles: differential
-- A range in a set had taken the first half of an escape; the other half, which stood before the bracket at the set's end, escaped it no longer.
for _, pattern in ipairs {"[a-%%]", "[]-%%]", "[^a-%%]", " ?[]-%%]", "[a-%]"} do
  print(pattern, pcall(string.find, "b%]", pattern))
  print(pcall(string.gsub, "b%]a-", pattern, "x"))
end

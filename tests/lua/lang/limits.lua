-- Limits of the implementation are errors, with the reference's messages.
local function message(source) return (select(2, load(source, "=chunk"))) end
local function first(text) return (text:match("^[^\n]*"):sub(1, 90)) end
do
  local names = {}
  for i = 1, 201 do names[i] = "v" .. i end
  print(first(message("local " .. table.concat(names, ",")))) --> expect: chunk:1: too many local variables (limit is 200) in main function near <eof>
end
do
  local lines = {}
  for i = 1, 150 do lines[i] = ("local a%d, b%d = 1, 2"):format(i, i) end
  print(first(message(table.concat(lines, " ")))) --> expect: chunk:1: too many local variables (limit is 200) in main function near ','
end
do
  local outer, inner = {}, {}
  for i = 1, 130 do outer[i] = "o" .. i end
  local middle = {}
  for i = 1, 130 do middle[i] = "m" .. i end
  local uses = table.concat(outer, " = ") .. ""
  local source = "local " .. table.concat(outer, ",") .. "\nreturn function() local " .. table.concat(middle, ",") ..
    "\nreturn function() return " .. table.concat(outer, "+") .. "+" .. table.concat(middle, "+") .. " end end"
  print(first(message(source))) --> expect: chunk:3: too many upvalues (limit is 255) in function at line 3 near '+'
end
print(first(message(("("):rep(300) .. "1" .. (")"):rep(300)))) --> expect: chunk:1: too many C levels (limit is 200) in main function near '('
print(first(message("return " .. ("("):rep(300) .. "1" .. (")"):rep(300)))) --> expect: chunk:1: too many C levels (limit is 200) in main function near '('
print(first(message(("do "):rep(300) .. ("end "):rep(300)))) --> expect: chunk:1: too many C levels (limit is 200) in main function near 'do'
print(first(message("return " .. ("{"):rep(300) .. ("}"):rep(300)))) --> expect: chunk:1: too many C levels (limit is 200) in main function near '{'
print(first(message("x = " .. ("a.."):rep(300) .. "a"))) --> expect: chunk:1: too many C levels (limit is 200) in main function near 'a'
print(#load("return '" .. ("x"):rep(100000) .. "'")()) --> expect: 100000

-- string.gsub, string.gmatch, manual §6.4
print(("hello world"):gsub("o", "0"), ("hello"):gsub("l", "L", 1), ("hello"):gsub("", "-")) --> expect: hell0 w0rld\theLlo\t-h-e-l-l-o-\t6
print(("hello world"):gsub("(%w+)", "<%1>"), ("hello"):gsub("(h)(e)", "%2%1%0"), ("x"):gsub("x", "%%")) --> expect: <hello> <world>\tehhello\t%\t1
print(("$name is $age"):gsub("%$(%w+)", { name = "Lua", age = 30 }), ("abc"):gsub("%w", { a = false, b = true and "B" })) --> expect: Lua is 30\taBc\t3
print(("abc"):gsub("%w", function(c) if c == "b" then return nil end return c:upper() end)) --> expect: AbC\t3
print(("abc"):gsub("(a)(b)", function(...) return select("#", ...) end)) --> expect: 2c\t1
print(("abc"):gsub("b*", "x"), ("abc"):gsub("^a", "x"), ("aaa"):gsub("^a", "x"), ("abc"):gsub(".", { a = 1, b = 2.5 })) --> expect: xaxcx\txbc\txaa\t12.5c\t3
print(("a,b,,c"):gsub(",", ";", 2), ("x"):gsub("x", "y", 0), ("x"):gsub("x", "y", -1)) --> expect: a;b;,c\tx\tx\t0
print(("abc"):gsub("()", "%1")) --> expect: 1a2b3c4\t4
print(pcall(string.gsub, "x", "x", "%2")) --> expect: false\tinvalid capture index %2
print(pcall(string.gsub, "x", "x", "%a")) --> expect: false\tinvalid use of '%' in replacement string
print(pcall(string.gsub, "x", "x", function() return {} end)) --> expect: false\tinvalid replacement value (a table)
print(pcall(string.gsub, "x", "x")) --> expect: false\tbad argument #3 to 'string.gsub' (string/function/table expected)
print(pcall(string.gsub, "x", "x", nil)) --> expect: false\tbad argument #3 to 'string.gsub' (string/function/table expected)
for word in ("one two  three"):gmatch("%a+") do io.write("[", word, "]") end
print() --> expect: [one][two][three]
for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do io.write(k, "->", v, " ") end
print() --> expect: a->1 b->2 
for position in ("abc"):gmatch("()") do io.write(position, " ") end
print() --> expect: 1 2 3 4 
local count = 0
for _ in (""):gmatch("") do count = count + 1 end
print(count) --> expect: 1
print(("x = 1"):gsub("%s+", "")) --> expect: x=1\t2
local result = ("abc"):gsub("%w", "%0%0")
print(result) --> expect: aabbcc

-- Mixed: a small language: its text is scanned by patterns, parsed into a tree, turned into closures, and run.
local source = [[
  n = 30000 a = 0 b = 1 i = 0
  while i < n do
    c = (a + b) % 10007 a = b b = c
    if c % 2 < 1 then s = s + c * 2 else s = s - 1 end
    i = i + 1
  end
]]
local function scan(text)
  local tokens, at = {}, 1
  while true do
    at = text:find("%S", at)
    if not at then tokens[#tokens + 1] = {"end of text"} return tokens end
    local word = text:match("^%a+", at) or text:match("^%d+", at) or text:sub(at, at)
    tokens[#tokens + 1] = {word, number = tonumber(word), name = word:match("^%a+$")}
    at = at + #word
  end
end
local keywords = {["while"] = true, ["do"] = true, ["end"] = true, ["if"] = true, ["then"] = true, ["else"] = true}
local tokens, at
local function peek() return tokens[at][1] end
local function take(what) assert(peek() == what, what) at = at + 1 end
local levels, make = {["<"] = 1, ["+"] = 2, ["-"] = 2, ["*"] = 3, ["%"] = 3}, {}
make["<"] = function(a, b) return function(e) return a(e) < b(e) end end
make["+"] = function(a, b) return function(e) return a(e) + b(e) end end
make["-"] = function(a, b) return function(e) return a(e) - b(e) end end
make["*"] = function(a, b) return function(e) return a(e) * b(e) end end
make["%"] = function(a, b) return function(e) return a(e) % b(e) end end
local function expression(level)
  local left
  local token = tokens[at]
  at = at + 1
  if token[1] == "(" then left = expression(1) take(")")
  elseif token.number then local n = token.number left = function() return n end
  else local name = token.name left = function(e) return e[name] end end
  while levels[peek()] and levels[peek()] >= level do
    local op = peek()
    at = at + 1
    left = make[op](left, expression(levels[op] + 1))
  end
  return left
end
local function block()
  local list = {}
  while peek() ~= "end" and peek() ~= "else" and peek() ~= "end of text" do
    local word = peek()
    at = at + 1
    if word == "while" then
      local test = expression(1)
      take("do")
      local body = block()
      take("end")
      list[#list + 1] = function(e) while test(e) do body(e) end end
    elseif word == "if" then
      local test = expression(1)
      take("then")
      local yes = block()
      take("else")
      local no = block()
      take("end")
      list[#list + 1] = function(e) if test(e) then yes(e) else no(e) end end
    else
      assert(not keywords[word])
      take("=")
      local value = expression(1)
      list[#list + 1] = function(e) e[word] = value(e) end
    end
  end
  local n = #list
  return function(e) for i = 1, n do list[i](e) end end
end
local sum = 0
for _ = 1, 24 do
  tokens, at = scan(source), 1
  local env = {s = 0}
  block()(env)
  sum = (sum + env.s + env.c) % 1000003
end
for _ = 1, 1600 do tokens, at = scan(source), 1 block() end
print("interpreter", sum)

-- Mixed: the queens on a board of nine, and a list of instructions that is carried out on a stack.
local solutions = 0
local function place(n, row, columns, up, down)
  if row > n then solutions = solutions + 1 return end
  for c = 1, n do
    if not columns[c] and not up[row + c] and not down[row - c + n] then
      columns[c], up[row + c], down[row - c + n] = true, true, true
      place(n, row + 1, columns, up, down)
      columns[c], up[row + c], down[row - c + n] = nil, nil, nil
    end
  end
end
place(9, 1, {}, {}, {})
local program, ops = {}, {push = function(s, v) s[#s + 1] = v end, add = function(s) local v = table.remove(s) s[#s] = s[#s] + v end}
for i = 1, 1000 do program[#program + 1] = {"push", i} if i > 1 then program[#program + 1] = {"add"} end end
local stack
for _ = 1, 2000 do stack = {} for _, op in ipairs(program) do ops[op[1]](stack, op[2]) end end
print("queens", solutions, stack[1])

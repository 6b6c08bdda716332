-- Mixed: a spreadsheet, after the idea of DeltaBlue: cells with constraints of several kinds as objects, a plan found by a walk
-- through what depends on what, and values propagated along it.
local Cell, Sum, Scale, Limit = {}, {}, {}, {}
for _, class in ipairs {Cell, Sum, Scale, Limit} do class.__index = class end
local stamp = 0
local function cell(value) return setmetatable({value = value, readers = {}, mark = 0}, Cell) end
local function connect(class, out, inputs, extra)
  local c = setmetatable({out = out, inputs = inputs, extra = extra}, class)
  for i = 1, #inputs do local readers = inputs[i].readers readers[#readers + 1] = c end
  out.from = c
  return c
end
function Sum:execute() local s = 0 for i = 1, #self.inputs do s = s + self.inputs[i].value end self.out.value = s % 1000003 end
function Scale:execute() self.out.value = self.inputs[1].value * self.extra.factor + self.extra.offset end
function Limit:execute() local v = self.inputs[1].value if v > self.extra then v = v % self.extra end self.out.value = v end
function Cell:visit(plan)
  if self.mark == stamp then return end
  self.mark = stamp
  for i = 1, #self.readers do self.readers[i].out:visit(plan) end
  if self.from then plan[#plan + 1] = self.from end
end
local function plan_for(source)
  stamp = stamp + 1
  local plan = {}
  source:visit(plan)
  for i = 1, #plan / 2 do plan[i], plan[#plan - i + 1] = plan[#plan - i + 1], plan[i] end
  return plan
end
local function run(plan) for i = 1, #plan do plan[i]:execute() end end
local first, last = cell(1), nil
local row = {first}
for i = 2, 400 do
  local new = cell(0)
  if i % 3 == 0 then connect(Scale, new, {row[i - 1]}, {factor = i % 4 + 1, offset = i})
  elseif i % 3 == 1 then connect(Limit, new, {row[i - 1]}, 5000 + i)
  else connect(Sum, new, {row[i - 1], row[math.floor(i / 2)]}) end
  row[i] = new
  last = new
end
local sum = 0
for i = 1, 4000 do
  first.value = i
  run(plan_for(first))
  local middle = row[i % 200 + 100]
  middle.value = middle.value + 1
  run(plan_for(middle))
  sum = (sum * 7 + last.value) % 1000003
end
print("constraints", sum)

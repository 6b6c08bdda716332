-- Weak tables that change while the collector goes through them step by step.
local function step(n) for _ = 1, n do collectgarbage("step", 0) end end
local seed = 7
local function random(n) seed = seed * 16807 % 2147483647 return seed % n + 1 end

-- What is read from a weak table stays; what is in it and nowhere else goes in the end.
for _, mode in ipairs {"k", "v", "kv"} do
  local weak, kept, wrong = setmetatable({}, {__mode = mode}), {}, 0
  for round = 1, 1500 do
    local n = random(200)
    local key = kept[n]
    if not key then key = {n} kept[n] = key weak[key] = {key} weak[n] = key end
    if round % 7 == 0 then kept[random(200)] = nil end
    if round % 5 == 0 then kept[n] = weak[n] end
    if round % 3 == 0 then step(1) end
    local value = weak[key]
    if value and value[1] ~= key then wrong = wrong + 1 end
  end
  if mode == "k" then for n = 1, 200 do weak[n] = nil end end
  collectgarbage()
  local entries = 0
  for key, value in pairs(weak) do
    entries = entries + 1
    local n = type(key) == "table" and key[1] or key
    if mode ~= "v" and kept[n] == nil then wrong = wrong + 1 end
    if type(key) == "number" and kept[key] ~= value then wrong = wrong + 1 end
  end
  print(mode, wrong, entries > 0) --> expect: k\t0\ttrue --> expect: v\t0\ttrue --> expect: kv\t0\ttrue
end

-- Chains of ephemerons, each the key of the next one, held at their end or not.
for round = 1, 6 do
  local e, first = setmetatable({}, {__mode = "k"}), {}
  local object = first
  for i = 1, 150 do
    local following = {i}
    e[object] = following
    object = following
    if i % 9 == 0 then step(1) end
  end
  step(round)
  object = first
  local length = 0
  while e[object] do object = e[object] length = length + 1 end
  if length ~= 150 then print("lost", round, length) end
  first, object = nil, nil
  collectgarbage()
  if next(e) then print("left", round) end
end

-- A table that stops being weak, or becomes so, keeps what it has to.
for round = 1, 20 do
  local t, mt = {}, {__mode = "k"}
  setmetatable(t, mt)
  for i = 1, 50 do t[{}] = {i} end
  step(round)
  local before = 0
  for _ in pairs(t) do before = before + 1 end
  if round % 2 == 0 then mt.__mode = nil else setmetatable(t, nil) end
  collectgarbage()
  local after, sum = 0, 0
  for _, v in pairs(t) do after = after + 1 sum = sum + v[1] end
  if before ~= after then print("changed", before, after) end
end

-- Finalizers see keys of ephemerons, but no weak values of what dies.
local seen = 0
do
  local keys, values = setmetatable({}, {__mode = "k"}), setmetatable({}, {__mode = "v"})
  for i = 1, 30 do
    local object = setmetatable({}, {__gc = function(o)
      if keys[o] == i and values[i] == nil then seen = seen + 1 end
    end})
    keys[object], values[i] = i, object
  end
  for i = 1, 300 do step(1) local t = {} end
  collectgarbage()
end
print(seen) --> expect: 30

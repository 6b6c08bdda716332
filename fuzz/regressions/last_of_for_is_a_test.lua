-- oracles: differential
-- The jumps of the third expression came before the loop's own in its list, so that the loop went back to one of them and never to its body.
local function iterator(state, control) if control ~= 3 then return (control or 1) + 1, state end end
for _, x in ipairs {1, 2, 3} do
  for i, s in iterator, x, x ~= 2 and 1 do print(x, i, s) end
end

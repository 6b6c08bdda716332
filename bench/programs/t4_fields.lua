-- Tables: fields of records read and written under constant names, records in records, and global variables.
total = 0
local world = {size = {w = 640, h = 480}, player = {pos = {x = 1, y = 1}, step = {x = 3, y = 2}, score = 0}}
for i = 1, 5000000 do
  local player = world.player
  local pos, step = player.pos, player.step
  pos.x = pos.x + step.x
  pos.y = pos.y + step.y
  if pos.x < 0 or pos.x > world.size.w then step.x = -step.x player.score = player.score + 1 end
  if pos.y < 0 or pos.y > world.size.h then step.y = -step.y player.score = player.score + 1 end
  total = total + pos.x % 2
end
print("fields", total, world.player.score, world.player.pos.x, world.player.pos.y)

-- Numbers: floats in fields and locals: bodies that attract each other, a few steps of a small system.
local bodies, sqrt = {}, math.sqrt
for i = 1, 6 do bodies[i] = {x = i * 1.5, y = 7.0 - i, z = i % 3 + 0.25, vx = 0.0, vy = 0.1 * i, vz = -0.05 * i, m = 1.0 / i} end
local function step(dt)
  for i = 1, #bodies do
    local a = bodies[i]
    for j = i + 1, #bodies do
      local b = bodies[j]
      local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
      local d2 = dx * dx + dy * dy + dz * dz + 0.01
      local force = dt / (d2 * sqrt(d2))
      a.vx = a.vx - dx * b.m * force; a.vy = a.vy - dy * b.m * force; a.vz = a.vz - dz * b.m * force
      b.vx = b.vx + dx * a.m * force; b.vy = b.vy + dy * a.m * force; b.vz = b.vz + dz * a.m * force
    end
  end
  for i = 1, #bodies do
    local a = bodies[i]
    a.x, a.y, a.z = a.x + dt * a.vx, a.y + dt * a.vy, a.z + dt * a.vz
  end
end
for _ = 1, 130000 do step(0.001) end
print("floats", string.format("%.6f %.6f", bodies[1].x, bodies[6].vz))

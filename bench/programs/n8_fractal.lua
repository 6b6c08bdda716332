-- Numbers: floats in registers alone: points of the Mandelbrot set.
local n, limit, inside, steps = 600, 200, 0, 0
for py = 0, n - 1 do
  local ci = py * 2.5 / n - 1.25
  for px = 0, n - 1 do
    local cr, zr, zi, k = px * 3.0 / n - 2.2, 0.0, 0.0, 0
    local rr, ii = 0.0, 0.0
    while k < limit and rr + ii < 4.0 do
      zi = 2.0 * zr * zi + ci
      zr = rr - ii + cr
      rr, ii = zr * zr, zi * zi
      k = k + 1
    end
    if k == limit then inside = inside + 1 end
    steps = steps + k
  end
end
print("fractal", inside, steps)

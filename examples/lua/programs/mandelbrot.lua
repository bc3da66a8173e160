-- Float arithmetic in nested loops: the Mandelbrot set.
local n = tonumber(arg and arg[1]) or 500

local inside, checksum = 0, 0
for y = 0, n - 1 do
  local ci = 2.0 * y / n - 1.0
  for x = 0, n - 1 do
    local cr = 2.0 * x / n - 1.5
    local zr, zi, zr2, zi2 = 0.0, 0.0, 0.0, 0.0
    local k = 0
    while k < 50 and zr2 + zi2 <= 4.0 do
      zi = 2.0 * zr * zi + ci
      zr = zr2 - zi2 + cr
      zr2, zi2 = zr * zr, zi * zi
      k = k + 1
    end
    if k == 50 then inside = inside + 1 end
    checksum = (checksum * 31 + k) % 1000003
  end
end
print(inside, checksum)

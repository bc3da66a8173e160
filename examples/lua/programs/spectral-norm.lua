-- Float loops through functions: the spectral norm of an infinite matrix.
local n = tonumber(arg and arg[1]) or 350

local function a(i, j)
  local ij = i + j - 1
  return 1.0 / (ij * (ij - 1) * 0.5 + i)
end

local function times_u(v, out)
  for i = 1, n do
    local sum = 0
    for j = 1, n do sum = sum + v[j] * a(i, j) end
    out[i] = sum
  end
end

local function times_transposed(v, out)
  for i = 1, n do
    local sum = 0
    for j = 1, n do sum = sum + v[j] * a(j, i) end
    out[i] = sum
  end
end

local u, v, t = {}, {}, {}
for i = 1, n do u[i] = 1 end
for _ = 1, 10 do
  times_u(u, t)
  times_transposed(t, v)
  times_u(v, t)
  times_transposed(t, u)
end
local vbv, vv = 0, 0
for i = 1, n do
  vbv = vbv + u[i] * v[i]
  vv = vv + v[i] * v[i]
end
print(string.format("%.9f", math.sqrt(vbv / vv)))

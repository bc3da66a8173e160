-- Arrays of arrays: multiplying matrices.
local n = tonumber(arg and arg[1]) or 200

local function make(seed)
  local m = {}
  for i = 1, n do
    local row = {}
    for j = 1, n do row[j] = (i * seed + j * 7) % 11 - 5.5 end
    m[i] = row
  end
  return m
end

local function transposed(m)
  local t = {}
  for i = 1, n do
    local row = {}
    for j = 1, n do row[j] = m[j][i] end
    t[i] = row
  end
  return t
end

local function product(a, b)
  local t, c = transposed(b), {}
  for i = 1, n do
    local row, ai = {}, a[i]
    for j = 1, n do
      local sum, tj = 0.0, t[j]
      for k = 1, n do sum = sum + ai[k] * tj[k] end
      row[j] = sum
    end
    c[i] = row
  end
  return c
end

local a, b = make(3), make(5)
local c = product(product(a, b), b)
local trace = 0
for i = 1, n do trace = trace + c[i][i] end
print(string.format("%.4f %.4f %.4f", trace, c[1][n], c[n][1]))

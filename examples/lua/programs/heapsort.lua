-- Comparing and moving in an array: heapsort.
local n = tonumber(arg and arg[1]) or 150000

local seed = 42
local function random()
  seed = (seed * 3877 + 29573) % 139968
  return seed / 139968
end

local function heapsort(a, n)
  local i, j, ir, l, rra
  l, ir = math.floor(n / 2) + 1, n
  while true do
    if l > 1 then
      l = l - 1
      rra = a[l]
    else
      rra = a[ir]
      a[ir] = a[1]
      ir = ir - 1
      if ir == 1 then
        a[1] = rra
        return
      end
    end
    i, j = l, l * 2
    while j <= ir do
      if j < ir and a[j] < a[j + 1] then j = j + 1 end
      if rra < a[j] then
        a[i] = a[j]
        i, j = j, j * 2
      else
        j = ir + 1
      end
    end
    a[i] = rra
  end
end

local a = {}
for i = 1, n do a[i] = random() end
heapsort(a, n)
for i = 2, n do assert(a[i - 1] <= a[i]) end
print(string.format("%.6f %.6f %.6f", a[1], a[math.floor(n / 2)], a[n]))

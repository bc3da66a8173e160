-- Functions as values: counters, composition, folds.
local n = tonumber(arg and arg[1]) or 1000000

local function counter(step)
  local value = 0
  return function()
    value = value + step
    return value
  end
end

local function compose(f, g)
  return function(x) return f(g(x)) end
end

local function map(list, f)
  local out = {}
  for i = 1, #list do out[i] = f(list[i]) end
  return out
end

local function fold(list, f, start)
  local value = start
  for i = 1, #list do value = f(value, list[i]) end
  return value
end

local c1, c2 = counter(1), counter(3)
local sum = 0
for _ = 1, n do sum = sum + c1() + c2() end

local list = {}
for i = 1, 100 do list[i] = i end
local total = 0
for round = 1, math.floor(n / 1000) do
  local shifted = compose(function(x) return x * 2 end, function(x) return x + round end)
  total = (total + fold(map(list, shifted), function(a, b) return a + b end, 0)) % 1000003
end

local makers = {}
for i = 1, math.floor(n / 10) do makers[i] = function() return i end end
local made = 0
for i = 1, #makers do made = made + makers[i]() end
print(sum, total, made)

-- Switching between coroutines: a token in a ring, and a pipeline of generators.
local n = tonumber(arg and arg[1]) or 300000

local ring = {}
local size = 100
for i = 1, size do
  ring[i] = coroutine.wrap(function(token)
    while true do token = coroutine.yield(token + i) end
  end)
end
local token, at = 0, 1
for _ = 1, n do
  token = ring[at](token) % 1000003
  at = at % size + 1
end

local function numbers(max)
  return coroutine.wrap(function() for i = 1, max do coroutine.yield(i) end end)
end

local function filter(source, keeps)
  return coroutine.wrap(function()
    for value in source do
      if keeps(value) then coroutine.yield(value) end
    end
  end)
end

local sum = 0
local source = numbers(n)
for _, prime in ipairs { 2, 3, 5 } do
  source = filter(source, function(value) return value % prime ~= 0 end)
end
for value in source do sum = sum + value end
print(token, sum)

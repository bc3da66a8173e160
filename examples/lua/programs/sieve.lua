-- Integer loops over an array of booleans: prime numbers.
local n = tonumber(arg and arg[1]) or 3000000

local is_composite = {}
local count = 0
for i = 2, n do
  if not is_composite[i] then
    count = count + 1
    for j = i * i, n, i do is_composite[j] = true end
  end
end
print(count)

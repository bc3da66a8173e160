-- Strings as keys: counting the parts of a long random sequence.
local n = tonumber(arg and arg[1]) or 300000

local seed = 42
local function random(max)
  seed = (seed * 3877 + 29573) % 139968
  return math.floor(max * seed / 139968)
end

local letters = { "a", "c", "g", "t" }
local parts = {}
for i = 1, n do parts[i] = letters[random(4) + 1] end
local sequence = table.concat(parts)

local function count(length)
  local counts = {}
  for i = 1, #sequence - length + 1 do
    local part = sequence:sub(i, i + length - 1)
    counts[part] = (counts[part] or 0) + 1
  end
  return counts
end

for length = 1, 6 do
  local counts = count(length)
  local keys = {}
  for key in pairs(counts) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a < b
  end)
  for i = 1, math.min(3, #keys) do print(keys[i]:upper(), counts[keys[i]]) end
end

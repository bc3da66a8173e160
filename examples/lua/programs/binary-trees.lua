-- Allocation: many short-lived trees.
local n = tonumber(arg and arg[1]) or 13

local function bottom_up(depth)
  if depth == 0 then return { false, false } end
  return { bottom_up(depth - 1), bottom_up(depth - 1) }
end

local function check(tree)
  if not tree[1] then return 1 end
  return 1 + check(tree[1]) + check(tree[2])
end

local min_depth = 4
local max_depth = math.max(min_depth + 2, n)
print("stretch", max_depth + 1, check(bottom_up(max_depth + 1)))
local long_lived = bottom_up(max_depth)
for depth = min_depth, max_depth, 2 do
  local count = 1
  for _ = 1, max_depth - depth + min_depth do count = count * 2 end
  local sum = 0
  for _ = 1, count do sum = sum + check(bottom_up(depth)) end
  print("trees", count, depth, sum)
end
print("long lived", max_depth, check(long_lived))

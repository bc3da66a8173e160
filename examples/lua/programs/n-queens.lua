-- Backtracking over arrays: placing queens on a board.
local n = tonumber(arg and arg[1]) or 11

local columns, up, down = {}, {}, {}
for i = 1, 2 * n do columns[i], up[i], down[i] = false, false, false end

local function place(row)
  if row > n then return 1 end
  local count = 0
  for column = 1, n do
    local d, u = row + column - 1, row - column + n
    if not columns[column] and not up[u] and not down[d] then
      columns[column], up[u], down[d] = true, true, true
      count = count + place(row + 1)
      columns[column], up[u], down[d] = false, false, false
    end
  end
  return count
end

print(place(1))

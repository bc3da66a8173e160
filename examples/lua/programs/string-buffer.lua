-- Building strings: appending, joining, formatting, searching.
local n = tonumber(arg and arg[1]) or 100000

local parts = {}
for i = 1, n do
  parts[#parts + 1] = string.format("%d:%s", i, ("x"):rep(i % 7))
end
local joined = table.concat(parts, ";")

local count, total = 0, 0
for number, marks in joined:gmatch("(%d+):(x*)") do
  count = count + 1
  total = total + tonumber(number) * #marks
end

local reversed = joined:reverse():upper()
local replaced, hits = reversed:gsub("X+", function(run) return tostring(#run) end)

local short = ""
for i = 1, math.floor(n / 10) do
  short = short .. string.char(97 + i % 26)
  if #short > 500 then short = short:sub(-100) end
end

local bytes = 0
for i = 1, #joined do bytes = (bytes * 31 + joined:byte(i)) % 65521 end
print(#joined, count, total, #replaced, hits, #short, bytes)

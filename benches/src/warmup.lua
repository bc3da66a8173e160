-- Runs a program again and again in one process, and prints the seconds of each run.
local path, runs = arg[1], tonumber(arg[2])
local show = print
print = function() end
arg = { [0] = path }
local program = assert(loadfile(path))
local times = {}
for i = 1, runs do
  local start = os.clock()
  program()
  times[i] = string.format("%.6f", os.clock() - start)
end
show(table.concat(times, " "))

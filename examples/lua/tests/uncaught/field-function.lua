local M = {}
function M.run(x) return x + nil end
M.run(1)

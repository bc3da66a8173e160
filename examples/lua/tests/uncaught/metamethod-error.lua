local t = setmetatable({}, { __add = function(a, b) error("no adding") end })
local x = t + 1

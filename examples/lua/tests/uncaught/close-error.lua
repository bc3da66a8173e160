local x <close> = setmetatable({}, { __close = function(_, e) print("closing", e) end })
error("leaving")

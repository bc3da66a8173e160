local function f() error("in tail") end
local function g() return f() end
g()

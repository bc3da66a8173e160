local helper
local function f() helper() end
f()

local function level3() error("deep") end
local function level2() level3() end
local function level1() level2() end
print(xpcall(level1, debug.traceback))
print(xpcall(level1, function(m) return "handled: " .. m end))
print(debug.traceback("here"))

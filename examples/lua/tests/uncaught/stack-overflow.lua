local function f(n) return 1 + f(n + 1) end
local ok, message = pcall(f, 1)
print(ok, message:match("stack overflow"))
local t = setmetatable({}, {})
getmetatable(t).__index = function(t, k) return t[k + 1] end
print((select(2, pcall(function() return t[1] end))):match("stack overflow"))
print(pcall(string.rep, "x", 1 << 50))
local s = string.rep("x", 1 << 20)
print(#s:rep(4))
local function g() local ok, m = pcall(g) return ok, m end
print(type(g()))
print(select(2, pcall(function() local a = {} for i = 1, 1e6 do a = { a } end return #a end)))
local co = coroutine.wrap(function() return pcall(f, 1) end)
print((select(2, co())):match("stack overflow"))
local function deep(n) return string.gsub("x", "x", function() return deep(n + 1) end) end
print((select(2, pcall(deep, 1))):match("stack overflow"))
local function coco(n) return coroutine.wrap(function() return coco(n + 1) end)() end
print((select(2, pcall(coco, 1))):match("stack overflow"))
print(load("return " .. ("("):rep(300) .. "1" .. (")"):rep(300)) == nil)
print(load("return " .. ("{"):rep(100) .. "1" .. ("}"):rep(100)) ~= nil)
print(#load("return '" .. ("x"):rep(100000) .. "'")())

-- errors, messages-2: a group of checks per number.

local function e(f, ...) print(select(2, pcall(f, ...))) end
local up

--[[2]] do e(function() local t = {{}} ; return t[1][1]() end) end

--[[3]] do e(function() local t, i = {{}}, 1 ; return t[i][i]() end) end

--[[4]] do e(function() return (1)() end) end

--[[5]] do e(function() return ("x")() end) end

--[[6]] do e(function() return ({})() end) end

--[[7]] do e(function() return (nil).x end) end

--[[8]] do e(function() return (nil)[1] end) end

--[[9]] do e(function() table.concat({1,print,3}) end) end

--[[10]] do e(function() table.concat({1,2,3}, {}) end) end

--[[11]] do e(function() table.concat({1,2,3}, ",", 1, 5) end) end

--[[12]] do e(function() table.unpack({}, 1, 1e8) end) end

--[[13]] do e(function() table.insert({}) end) end

--[[14]] do e(function() table.insert({}, 1, 2, 3) end) end

--[[15]] do e(function() table.insert({}, "a", 2) end) end

--[[16]] do e(function() table.remove({}, 5) end) end

--[[17]] do e(function() table.sort({3,2,1,5,3,1,3}, function(a,b) return true end) end) end

--[[18]] do e(function() table.sort({1,"x"}) end) end

--[[19]] do e(function() ("x"):bad() end) end

--[[20]] do e(function() string.bad() end) end

--[[21]] do e(function() ("x").y.z = 1 end) end

--[[22]] do e(function() ("%d"):format("1.5") end) end

--[[23]] do e(function() ("%d"):format() end) end

--[[24]] do e(function() ("%q"):format({}) end) end

--[[25]] do e(function() ("%10q"):format("x") end) end

--[[26]] do e(function() ("%"):format(1) end) end

--[[27]] do e(function() ("%123d"):format(1) end) end

--[[28]] do e(function() ("%.123f"):format(1) end) end

--[[29]] do e(function() ("%#d"):format(1) end) end

--[[30]] do e(function() ("%-#10x"):format(255) end) end

--[[31]] do e(function() ("%0c"):format(1) end) end

--[[32]] do e(function() string.char(-1) end) end

--[[33]] do e(function() string.char("x") end) end

--[[34]] do e(function() utf8.char(-1) end) end

--[[35]] do e(function() utf8.codepoint("\xff") end) end

--[[36]] do e(function() utf8.len("abc", 10) end) end

--[[37]] do e(function() utf8.offset("a\x80", 1, 2) end) end

--[[38]] do e(function() for _ in utf8.codes("a\xffb") do end end) end

--[[39]] do e(function() ("x"):find("[a") end) end

--[[40]] do e(function() ("x"):find("%") end) end

--[[41]] do e(function() ("x"):find("(x") end) end

--[[42]] do e(function() ("x"):find("x)") end) end

--[[43]] do e(function() ("x"):find("%1") end) end

--[[44]] do e(function() ("x"):find("(x)%2") end) end

--[[45]] do e(function() ("x"):find("%f") end) end

--[[46]] do e(function() ("x"):find("%b") end) end

--[[47]] do e(function() ("x"):gsub("x", "%2") end) end

--[[48]] do e(function() ("x"):gsub("x", "%") end) end

--[[49]] do e(function() ("x"):gsub("x", "%a") end) end

--[[50]] do e(function() ("x"):gsub("x", true) end) end

--[[51]] do e(function() ("x"):gsub("x", function() return {} end) end) end

--[[52]] do e(function() ("x"):gsub("(", "") end) end

--[[53]] do e(function() string.pack("i17", 1) end) end

--[[54]] do e(function() string.pack("y", 1) end) end

--[[55]] do e(function() string.pack("i1", 300) end) end

--[[56]] do e(function() string.pack("I1", 300) end) end

--[[57]] do e(function() string.pack("c", "x") end) end

--[[58]] do e(function() string.pack("z", "a\0b") end) end

--[[59]] do e(function() string.unpack("i4", "abc") end) end

--[[60]] do e(function() string.unpack("z", "abc") end) end

--[[61]] do e(function() string.unpack("s1", "\5ab") end) end

--[[62]] do e(function() string.packsize("s") end) end

--[[63]] do e(function() string.unpack("i4", "abcd", 10) end) end

--[[64]] do e(function() string.pack("!3 i4", 1) end) end

--[[65]] do e(function() string.pack("Xz") end) end

--[[66]] do e(function() string.pack("X") end) end

--[[67]] do e(function() coroutine.resume(1) end) end

--[[68]] do e(function() coroutine.create(1) end) end

--[[69]] do e(function() coroutine.yield() end) end

--[[70]] do e(function() coroutine.wrap(function() error("x") end)() end) end

--[[71]] do e(function() coroutine.wrap(function() error({}) end)() end and function() end) end

--[[72]] do e(function() local c = coroutine.wrap(function() end); c(); c() end) end

--[[73]] do e(function() coroutine.close(coroutine.running()) end) end

--[[74]] do e(function() setmetatable({}, 1) end) end

--[[75]] do e(function() setmetatable({}) end) end

--[[76]] do e(function() setmetatable(setmetatable({}, {__metatable=1}), {}) end) end

--[[77]] do e(function() rawset(1, 2, 3) end) end

--[[78]] do e(function() rawset({}, nil, 3) end) end

--[[79]] do e(function() rawlen(5) end) end

--[[80]] do e(function() rawget({}) end) end

--[[81]] do e(function() select("x") end) end

--[[82]] do e(function() tostring() end) end

--[[83]] do e(function() tonumber() end) end

--[[84]] do e(function() tonumber("z", 10) ; tonumber(10, 10) end) end

--[[85]] do e(function() tonumber("z", 1) end) end

--[[86]] do e(function() assert() end) end

--[[87]] do e(function() assert(false) end) end

--[[88]] do e(function() assert(nil, "m") end) end

--[[89]] do e(function() assert(nil, {}) end and function() assert(false, 42) end) end

--[[90]] do e(function() os.time({}) end) end

--[[91]] do e(function() os.date("%Ez") end) end

--[[92]] do e(function() os.date("%Q") end) end

--[[93]] do e(function() math.random(0, -1) end) end

--[[94]] do e(function() math.random(1,2,3) end) end

--[[95]] do e(function() math.abs() end) end

--[[96]] do e(function() math.max() end) end

--[[97]] do e(function() collectgarbage("bogus") end) end

--[[98]] do e(function() xpcall() end) end

--[[99]] do e(function() pcall() end) end

--[[100]] do e(function() error(setmetatable({}, {__tostring = function() return "custom" end})) end and function() end) end

--[[101]] do e(function() local t = setmetatable({}, {__name = "MyType"}); return t + 1 end) end

--[[102]] do e(function() local t = setmetatable({}, {__name = "MyType"}); return #t < t end) end

--[[103]] do e(function() local t = setmetatable({}, {__name = "MyType"}); string.rep(t) end) end

--[[104]] do e(function() local t = setmetatable({}, {__index = function() error("deep") end}); return t.x end) end

--[[105]] do e(function() local t = setmetatable({}, {__tostring = function() return 1 end}); return tostring(t) end) end

--[[106]] do e(function() local t = setmetatable({}, {__len = function() return "x" end}); table.unpack(t) end) end

--[[107]] do e(function() local x <close> = 42 end) end

--[[108]] do e(function() local t = {}; t = setmetatable(t, {__index = t}); return t.x.y end) end

--[[109]] do e(function() local t = setmetatable({}, {}); getmetatable(t).__index = t; return t.x end) end

--[[110]] do e(function() local t = setmetatable({}, {}); getmetatable(t).__newindex = t; t.x = 1 end) end

--[[111]] do e(function() string.rep("x", -1):rep(3, 4, 5):foo() end) end

--[[112]] do e(function() return math.huge // 1 | 1 end) end

--[[113]] do e(function() return 1e100 | 1 end) end

--[[114]] do e(function() return "1e100" | 1 end) end

--[[115]] do e(function() local t = {} t[1.5] = 1; next(t, 2.5) end) end

--[[116]] do print(load("x", "n", "b")) end

--[[117]] do print(load("\27Lua", "n", "t")) end

--[[118]] do e(string.format, "%d", "x") end

--[[119]] do e(function() string.format("%s") end) end

--[[120]] do e(function() ("x"):rep(1, 2, 3) ("y") end) end

--[[121]] do e(function() local function f() error("lvl2", 2) end f() end) end

--[[122]] do e(function() local function f() error("lvl3", 3) end local function g() f() end g() end) end

--[[123]] do e(next, {}, 1) end

--[[124]] do e(ipairs) end

--[[125]] do e(setmetatable, 1) end

--[[126]] do e(function() string.format("%s", setmetatable({}, {__tostring = function() return {} end})) end) end

--[[127]] do e(function() print(setmetatable({}, {__tostring = function() error("in tostring") end})) end) end

-- errors, messages-1: a group of checks per number.

local function e(f, ...) print(select(2, pcall(f, ...))) end
local up

--[[2]] do e(function() local a; a.b.c = 1 end) end

--[[3]] do e(function() local a = {}; a.b.c = 1 end) end

--[[4]] do e(function() x.y = 1 end) end

--[[5]] do e(function() return 1 + nil end) end

--[[6]] do e(function() local s = "a"; return s + 1 end) end

--[[7]] do e(function() return "abc" + 1 end) end

--[[8]] do e(function() return {} + 1 end) end

--[[9]] do e(function() return 2^53 | 0.5 end) end

--[[10]] do e(function() local t = {}; return t .. "x" end) end

--[[11]] do e(function() return nil .. "x" end) end

--[[12]] do e(function() return 1 < "2" end) end

--[[13]] do e(function() return {} < {} end) end

--[[14]] do e(function() return nil > 1 end) end

--[[15]] do e(function() foo() end) end

--[[16]] do e(function() local t = {} t.foo() end) end

--[[17]] do e(function() local t = {} t:bar() end) end

--[[18]] do e(function() ("x"):nope() end) end

--[[19]] do e(function() return #5 end) end

--[[20]] do e(function() return -{} end) end

--[[21]] do e(function() return 1 // 0 end) end

--[[22]] do e(function() return 1 % 0 end) end

--[[23]] do e(function() for i = 1, 10, 0 do end end) end

--[[24]] do e(function() for i = "a", 10 do end end) end

--[[25]] do e(function() for i = 1, {} do end end) end

--[[26]] do e(function() local t = {} t[nil] = 1 end) end

--[[27]] do e(function() local t = {} t[0/0] = 1 end) end

--[[28]] do e(function() string.rep() end) end

--[[29]] do e(string.rep) end

--[[30]] do e(function() ("x"):rep({}) end) end

--[[31]] do e(function() ("x"):rep(1.5) end) end

--[[32]] do e(function() setmetatable(1, {}) end) end

--[[33]] do e(function() error("msg", 2) end) end

--[[34]] do e(function() error("msg", 0) end) end

--[[35]] do e(function() error() end) end

--[[37]] do e(function() table.concat({1,{},3}) end) end

--[[38]] do e(function() table.insert({1,2,3}, 6, 1) end) end

--[[39]] do e(function() math.floor("x") end) end

--[[40]] do e(function() tonumber("10", 99) end) end

--[[41]] do e(function() string.format("%d", 1.5) end) end

--[[42]] do e(function() string.format("%d", "x") end) end

--[[43]] do e(function() string.format("%y", 1) end) end

--[[44]] do e(function() return math.tointeger({}) end) end

--[[45]] do e(function() local a <const> = 1; return a.b.c end) end

--[[46]] do e(function() up.x = 1 end) end

--[[47]] do e(function() up() end) end

--[[48]] do e(function() local t = {{}} ; t[1][2][3] = 1 end) end

--[[49]] do e(function() local t = {} ; local k = "kk"; t[k].x = 1 end) end

--[[50]] do e(function() return 1 & 1.5 end) end

--[[51]] do e(function() return "a" | 1 end) end

--[[52]] do e(function() return 1 << {} end) end

--[[53]] do e(function() for a in 5 do end end) end

--[[54]] do e(function() for a in nil do end end) end

--[[55]] do e(function() string.char(256) end) end

--[[56]] do e(function() select(0) end) end

--[[57]] do e(function() local t = setmetatable({}, {__index = function(t, k) error("idx " .. k) end}) return t.foo end) end

--[[58]] do e(function() return a.b.c end) end

--[[59]] do e(function() return math.foo.bar end) end

--[[60]] do e(function() ipairs() end) end

--[[61]] do e(function() next({}, "nokey") end) end

--[[62]] do print(load("x = = 1")) end

--[[63]] do print(load("for")) end

--[[64]] do print(load("x = 'abc")) end

--[[65]] do print(load("goto nope")) end

--[[66]] do print(load("break")) end

--[[67]] do print(load("::a:: ::a::")) end

--[[68]] do print(load("local x <const> = 1; x = 2")) end

--[[69]] do print(load("function f() return ... end")) end

--[[70]] do print(load("x = }")) end

--[[71]] do print(load("x = 3x")) end

--[[72]] do print(load("if x then", "=chunk")) end

--[[73]] do print(load("\n\nfoo bar", "@file.lua")) end

--[[74]] do print(load("local x <foo> = 1")) end

--[[75]] do print(load("a.b:c = 1")) end

--[[76]] do print(load("goto l; local a; ::l:: print(a)")) end

--[[77]] do print(load("x = \"\\400\"")) end

--[[78]] do print(load("--[[ unfinished")) end

--[[79]] do print(load("return 'a\\u{110000000}'")) end

--[[80]] do e(function() return 1 + "abc" end) end

--[[81]] do e(function() return "abc" + "def" end) end

--[[82]] do e(function() return {} + "1" end) end

--[[83]] do e(function() return "1" + {} end) end

--[[84]] do e(function() return "x" + {} end) end

--[[85]] do e(function() return "10" - {} end) end

--[[86]] do e(function() return -"abc" end) end

--[[87]] do e(function() return "a" * 2 end) end

--[[88]] do e(function() return "a" / 2 end) end

--[[89]] do e(function() return "a" % 2 end) end

--[[90]] do e(function() return "a" ^ 2 end) end

--[[91]] do e(function() return "a" // 2 end) end

--[[92]] do e(function() return "10" // "0" end) end

--[[93]] do e(function() return "10" % 0 end) end

--[[94]] do e(function() return "a" | 2 end) end

--[[95]] do e(function() return "1.5" | 2 end) end

--[[96]] do e(function() return 1.5 | 2 end) end

--[[97]] do e(function() return 2 | 1.5 end) end

--[[98]] do e(function() local x = 1.5 return x | 2 end) end

--[[99]] do e(function() return "3" | 2 end) end

--[[100]] do e(function() return ~"a" end) end

--[[101]] do e(function() return ~{} end) end

--[[102]] do e(function() local s = "abc" return s + 1 end) end

--[[103]] do e(function() local s = "abc" return nil + s end) end

--[[104]] do e(function() local t = {} return t.x + 1 end) end

--[[105]] do e(function() local t = {} return 1 + t.x end) end

--[[106]] do e(function() local t = {} return t.x .. "a" end) end

--[[107]] do e(function() local t = {} return "a" .. t.x end) end

--[[108]] do e(function() local t = {} return "a" .. t.x .. "b" end) end

--[[109]] do e(function() local t = {} return "a" .. {} .. "b" end) end

--[[110]] do e(function() local a <const> = 1; return a.b end) end

--[[111]] do e(function() local a <const> = "x"; return a.b.c end) end

--[[112]] do e(function() local a <const> = nil; return a.b.c end) end

--[[113]] do e(function() for i = 1, 2, {} do end end) end

--[[114]] do e(function() for i = 1, 2, 0.0 do end end) end

--[[115]] do e(function() for i = 1.5, "x" do end end) end

--[[116]] do e(function() for i = "10", 1 do end end) end

--[[117]] do e(function() return math.fmod(1, 0) end) end

--[[118]] do e(function() return 5 % 0 end) end

--[[119]] do e(function() local a, b = 5, 0 return a % b end) end

--[[120]] do e(function() return "a" < 1 end) end

--[[121]] do e(function() return nil < nil end) end

--[[122]] do e(function() return {} <= 1 end) end

--[[123]] do e(function() return print < print end) end

--[[124]] do e(function() local t = {} ; t[1].x = 1 end) end

--[[125]] do e(function() local t = {{}} ; t[1].x.y = 1 end) end

--[[126]] do e(function() local t = {{}} ; return t[1].x() end) end

-- metatables, operators: a group of checks per number.

--[[1]] do local V = {} V.__index = V local function new(x) return setmetatable({x = x}, V) end V.__add = function(a, b) return new((type(a) == "table" and a.x or a) + (type(b) == "table" and b.x or b)) end print((new(1) + new(2)).x, (new(1) + 5).x, (5 + new(1)).x) end

--[[2]] do local log = {} local mt = {} for _, op in ipairs{"add", "sub", "mul", "div", "mod", "pow", "idiv", "band", "bor", "bxor", "shl", "shr", "concat"} do mt["__" .. op] = function(a, b) return op end end local o = setmetatable({}, mt) print(o + 1, o - 1, o * 1, o / 1, o % 1, o ^ 1, o // 1, o & 1, o | 1, o ~ 1, o << 1, o >> 1, o .. "x") end

--[[3]] do local mt = {} for _, op in ipairs{"add", "sub", "mul", "div", "mod", "pow", "idiv", "band", "bor", "bxor", "shl", "shr", "concat"} do mt["__" .. op] = function(a, b) return op .. ":" .. type(a) end end local o = setmetatable({}, mt) print(1 + o, 1 - o, 2 * o, 1 / o, 1 % o, 2 ^ o, 1 // o, 1 & o, 1 | o, 1 ~ o, 1 << o, 1 >> o, "x" .. o) end

--[[4]] do local o = setmetatable({}, {__unm = function() return "unm" end, __bnot = function() return "bnot" end, __len = function() return 42 end}) print(-o, ~o, #o) end

--[[5]] do local mt = {__eq = function(a, b) return a.v == b.v end} local a, b, c = setmetatable({v = 1}, mt), setmetatable({v = 1}, mt), setmetatable({v = 2}, mt) print(a == b, a == c, a ~= b, a == 1, rawequal(a, b)) end

--[[6]] do local mt = {__lt = function(a, b) return a.v < b.v end, __le = function(a, b) return a.v <= b.v end} local a, b = setmetatable({v = 1}, mt), setmetatable({v = 2}, mt) print(a < b, a > b, a <= b, a >= b, not (a < b)) end

--[[7]] do local mt = {__lt = function(a, b) return "yes" end} local o = setmetatable({}, mt) print(o < 1, 1 < o, o > 1, pcall(function() return o <= 1 end)) end

--[[8]] do local o = setmetatable({}, {__call = function(self, ...) return select("#", ...), ... end}) print(o(), o(1, nil), o("x")) end

--[[9]] do local o = setmetatable({}, {__call = setmetatable({}, {__call = function(a, b, c) return type(a), type(b), c end})}) print(o(7)) end

--[[10]] do local o = setmetatable({}, {__index = function(t, k) return k .. "!" end}) print(o.foo, o[1], rawget(o, "foo")) end

--[[11]] do local base = {x = 1, f = function(self) return self.y end} local o = setmetatable({y = 2}, {__index = base}) print(o.x, o:f(), o.z) end

--[[12]] do local a = {v = "a"} local b = setmetatable({}, {__index = a}) local c = setmetatable({}, {__index = b}) print(c.v) a.v = "changed" print(c.v) b.v = "b" print(c.v) end

--[[13]] do local log = {} local o = setmetatable({}, {__newindex = function(t, k, v) log[#log + 1] = k rawset(t, k, v) end}) o.a = 1 o.a = 2 o.b = 3 print(table.concat(log, ","), o.a, o.b) end

--[[14]] do local store = {} local o = setmetatable({}, {__newindex = store}) o.x = 1 print(rawget(o, "x"), store.x) end

--[[15]] do local o = setmetatable({}, {__tostring = function() return "I am o" end, __name = "My"}) print(tostring(o), ("%s"):format(o)) print((tostring(setmetatable({}, {__name = "My"})):gsub("0x%x+", "PTR"))) end

--[[16]] do print(getmetatable("").__index == string, getmetatable({}), getmetatable(setmetatable({}, {__metatable = "locked"})), pcall(setmetatable, setmetatable({}, {__metatable = 1}), {})) end

--[[17]] do local o = setmetatable({}, {__pairs = function(t) return function(_, k) if not k then return 1, "one" end end, t, nil end}) for k, v in pairs(o) do print(k, v) end end

--[[18]] do local o = setmetatable({}, {__index = function(t, i) if i <= 3 then return i * 10 end end}) for i, v in ipairs(o) do io.write(i, "=", v, " ") end print() end

--[[19]] do local o = setmetatable({}, {__len = function() return 3 end, __index = function(_, i) return i end}) print(table.concat(o, ","), table.unpack(o)) end

--[[20]] do local log = {} do local a <close> = setmetatable({}, {__close = function(_, e) log[#log + 1] = "a" .. tostring(e) end}) local b <close> = setmetatable({}, {__close = function() log[#log + 1] = "b" end}) log[#log + 1] = "body" end print(table.concat(log, " ")) end

--[[21]] do local function f() local x <close> = setmetatable({}, {__close = function() io.write("closing ") end}) return "result", 2 end print(f()) end

--[[22]] do print(pcall(function() local x <close> = setmetatable({}, {__close = function(_, e) print("saw", e) end}) error("boom", 0) end)) end

--[[23]] do print(pcall(function() local x <close> = setmetatable({}, {__close = function() error("in close", 0) end}) error("boom", 0) end)) end

--[[24]] do for i = 1, 3 do local x <close> = setmetatable({}, {__close = function() io.write("c", i, " ") end}) if i == 2 then break end end print() end

--[[25]] do local x <close> = nil local y <close> = false print("nil and false are fine") end

--[[26]] do local mt = {} mt.__index = mt function mt.new() return setmetatable({}, mt) end function mt:get() return self.v or "none" end function mt:set(v) self.v = v return self end print(mt.new():get(), mt.new():set(5):get()) end

--[[27]] do local Animal = {} Animal.__index = Animal function Animal.new(n) return setmetatable({name = n}, Animal) end function Animal:speak() return self.name .. " makes a sound" end local Dog = setmetatable({}, {__index = Animal}) Dog.__index = Dog function Dog.new(n) return setmetatable(Animal.new(n), Dog) end function Dog:speak() return Animal.speak(self) .. ": woof" end print(Animal.new("Cat"):speak(), Dog.new("Rex"):speak()) end

--[[28]] do local ok = setmetatable({}, {__eq = function() return true end}) local other = setmetatable({}, {}) print(ok == other, other == ok, ok == {}, ok ~= {}) end

--[[29]] do local cmp = setmetatable({}, {__lt = function() return nil end, __le = function() return 0 end}) print(cmp < cmp, cmp <= cmp) end

--[[30]] do local o = setmetatable({}, {__concat = function(a, b) return (type(a) == "table" and "T" or a) .. "+" .. (type(b) == "table" and "T" or b) end}) print(o .. "a", "a" .. o, o .. o, "a" .. o .. "b", "a" .. "b" .. o .. "c" .. "d") end

--[[31]] do local o = setmetatable({}, {__div = function(a, b) return "div" end, __idiv = function() return "idiv" end}) print(o / 0, 0 / o, o // 0) end

--[[32]] do local t = setmetatable({}, {__index = function(_, k) return function(...) return k, select("#", ...) end end}) print(t.a(1, 2), t:b(1)) end

--[[33]] do local proxy = setmetatable({}, {__index = _G}) print(proxy.print == print, proxy.nope) end

--[[34]] do local cnt = 0 local t = setmetatable({}, {__index = function(t, k) cnt = cnt + 1 local v = k * k rawset(t, k, v) return v end}) print(t[4], t[4], t[5], cnt) end

--[[35]] do local ro = setmetatable({}, {__index = {a = 1}, __newindex = function(t, k) error("readonly " .. k, 0) end}) print(ro.a, pcall(function() ro.b = 1 end)) end

--[[36]] do local mt = {__index = function(t, k) return "dyn" end} local t = setmetatable({}, mt) print(t.x) mt.__index = nil print(t.x) mt.__index = {x = "tab"} print(t.x) end

--[[37]] do local w = setmetatable({}, {__mode = "k"}) local key = {} w[key] = 1 print(w[key]) end

--[[38]] do local mt = {__add = function(a, b) return "first" end} local mt2 = {__add = function(a, b) return "second" end} print(setmetatable({}, mt) + setmetatable({}, mt2), setmetatable({}, {}) + setmetatable({}, mt2)) end

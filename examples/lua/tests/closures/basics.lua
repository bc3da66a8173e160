-- closures, basics: a group of checks per number.

--[[1]] do local function counter() local n = 0 return function() n = n + 1 return n end end local a, b = counter(), counter() print(a(), a(), b(), a()) end

--[[2]] do local x = 1 local function get() return x end local function set(v) x = v end set(5) print(get(), x) end

--[[3]] do local fs = {} for i = 1, 3 do local j = i * 10 fs[i] = function() j = j + 1 return i, j end end print(fs[1](), fs[1](), fs[3]()) end

--[[4]] do local function fact(n) if n <= 1 then return 1 end return n * fact(n - 1) end print(fact(20)) end

--[[5]] do local fact fact = function(n) return n <= 1 and 1 or n * fact(n - 1) end print(fact(10)) end

--[[6]] do local function even(n) if n == 0 then return true end return odd(n - 1) end function odd(n) if n == 0 then return false end return even(n - 1) end print(even(10), odd(7)) end

--[[7]] do local function f(...) return select("#", ...), ... end print(f(), f(nil), f(1, nil, 3)) end

--[[8]] do local function f(a, b, ...) local t = {...} return a, b, #t, ... end print(f(1), f(1, 2), f(1, 2, 3, 4)) end

--[[9]] do local function f(...) local a, b = ... return a, b end print(f(1), f(1, 2, 3)) end

--[[10]] do print((function(...) return ... end)(1, 2, 3), (function() end)(), ((function() return 1, 2 end)())) end

--[[11]] do local function tail(n) if n == 0 then return "done" end return tail(n - 1) end print(tail(100000)) end

--[[12]] do local t = {a = {}} function t.a.f(x) return x * 2 end function t.a:m(x) return self == t.a, x end print(t.a.f(4), t.a:m(5)) end

--[[13]] do local function compose(...) local fs = {...} return function(x) for i = #fs, 1, -1 do x = fs[i](x) end return x end end print(compose(function(x) return x + 1 end, function(x) return x * 2 end)(5)) end

--[[14]] do local function outer() local a = 1 local function mid() local function inner() a = a + 1 return a end return inner end return mid(), function() return a end end local inc, get = outer() print(inc(), inc(), get()) end

--[[15]] do local a = 1 do local a = 2 do local a = 3 print(a) end print(a) end print(a) end

--[[16]] do local function f() return 1, 2, 3 end local a, b, c, d = f() print(a, b, c, d) local x, y = f(), 10 print(x, y) print(f(), f()) print((f())) end

--[[17]] do local t = {f = function(self, x) return x end} print(t:f(1), t.f(t, 2), t["f"](t, 3)) end

--[[18]] do print(pcall(function(...) return select("#", ...) end, 1, nil, nil)) end

--[[19]] do local env = {print = print} local f = load("x = 5 return x", "chunk", "t", env) print(f(), env.x, x) end

--[[20]] do local f = load("local a, b = ... return b, a") print(f(1, 2)) end

--[[21]] do do local _ENV = {print = print} y = 10 print(y) end print(y) end

--[[22]] do local function f() local _ENV = {z = 1} return z end print(f()) end

--[[23]] do local s = 0 for i = 1, 10 do local function add() s = s + i end add() end print(s) end

--[[24]] do local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end local s = 0 for v in gen(10) do s = s + v end print(s) end

--[[25]] do local k = 1 local function f() return k end k = 2 print(f()) k = 3 print(f()) end

--[[26]] do local up1, up2 = 1, 2 local function sw() up1, up2 = up2, up1 end sw() print(up1, up2) end

--[[27]] do local function curry(f, n) n = n or 2 if n <= 1 then return f end return function(a) return curry(function(...) return f(a, ...) end, n - 1) end end print(curry(function(a, b, c) return a + b + c end, 3)(1)(2)(3)) end

--[[28]] do local memo = setmetatable({}, {__mode = "k"}) local function fib(n, m) m = m or {} if n < 2 then return n end if m[n] then return m[n] end local v = fib(n - 1, m) + fib(n - 2, m) m[n] = v return v end print(fib(80)) end

--[[29]] do local obj = {n = 0} function obj:inc(by) self.n = self.n + (by or 1) return self end print(obj:inc():inc(5).n) end

--[[30]] do local list for i = 1, 3 do list = {next = list, value = i} end local n = list while n do io.write(n.value, " ") n = n.next end print() end

--[[31]] do local i = 1 local fns = {} while i <= 3 do local j = i fns[i] = function() return j end i = i + 1 end print(fns[1](), fns[2](), fns[3]()) end

--[[32]] do local fns = {} local i = 0 repeat i = i + 1 local j = i fns[i] = function() return j end until j >= 3 print(fns[1](), fns[3]()) end

--[[33]] do do local fns = {} local n = 0 ::top:: n = n + 1 local v = n fns[n] = function() v = v + 1 return v end if n < 3 then goto top end print(fns[1](), fns[2](), fns[1]()) end end

--[[34]] do local function va(...) local n = select("#", ...) local t = {n = n, ...} return t end local t = va(nil, 2, nil) print(t.n, t[1], t[2], t[3]) end

--[[35]] do local a <const> = 5 local function f() return a * 2 end print(f()) end

--[[36]] do print(#arg >= 0, type(arg[0])) end

--[[37]] do local function f(a, a2) a = a or "default" return a, a2 end print(f(), f(1), f(false, 2), f(nil, 3)) end

--[[38]] do local s = {} for _, w in ipairs{"x", "y"} do s[#s + 1] = function(suffix) return w .. suffix end end print(s[1]("1"), s[2]("2")) end

--[[39]] do local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end print(deep(10000)) end

--[[40]] do local t = {} for i = 1, 250 do t[i] = i end print(select("#", table.unpack(t)), (select(250, table.unpack(t)))) end

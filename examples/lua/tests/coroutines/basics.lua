-- coroutines, basics: a group of checks per number.

--[[1]] do local co = coroutine.create(function(a, b) print("start", a, b) local c = coroutine.yield(a + b) print("got", c) local d, e = coroutine.yield(c * 2) print("got", d, e) return "end", 99 end) print(coroutine.resume(co, 1, 2)) print(coroutine.resume(co, 10)) print(coroutine.resume(co, "x", "y")) print(coroutine.resume(co)) print(coroutine.status(co)) end

--[[2]] do local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) print(co(), co(), co(), co()) end

--[[3]] do local co = coroutine.create(function() error("oops") end) print(coroutine.resume(co)) print(coroutine.status(co), coroutine.resume(co)) end

--[[4]] do local co = coroutine.create(function() error({code = 5}) end) local ok, e = coroutine.resume(co) print(ok, e.code) end

--[[5]] do local co co = coroutine.create(function() print(coroutine.status(co), coroutine.running() == co, coroutine.isyieldable()) end) print(coroutine.status(co)) coroutine.resume(co) print(coroutine.status(co)) end

--[[6]] do print(coroutine.isyieldable(), select(2, coroutine.running())) end

--[[7]] do local co = coroutine.wrap(function() print(pcall(function() coroutine.yield("in pcall") error("after", 0) end)) return "fin" end) print(co()) print(co()) end

--[[8]] do local co = coroutine.wrap(function() local ok, v = pcall(coroutine.yield, "direct") return ok, v end) print(co()) print(co("back")) end

--[[9]] do local co = coroutine.wrap(function() local t = setmetatable({}, {__index = function(_, k) return coroutine.yield(k) end}) return t.foo end) print(co()) print(co("value")) end

--[[10]] do local co = coroutine.wrap(function() local t = setmetatable({}, {__add = function(a, b) return coroutine.yield("add") end, __lt = function() return coroutine.yield("lt") end, __concat = function() return coroutine.yield("cat") end}) local r = t + 1 if t < t then r = r .. "!" end return r, t .. "x" .. "y" end) print(co()) print(co("sum")) print(co(true)) print(co("joined")) end

--[[11]] do local co = coroutine.wrap(function() for k in (function() return coroutine.yield("iter") end) do return k end end) print(co()) print(co("item")) end

--[[12]] do local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end local s = 0 for i in gen(100) do s = s + i end print(s) end

--[[13]] do local inner = coroutine.wrap(function() coroutine.yield(1) coroutine.yield(2) end) local outer = coroutine.wrap(function() coroutine.yield(inner()) coroutine.yield(inner()) end) print(outer(), outer()) end

--[[14]] do local a, b a = coroutine.create(function() print(coroutine.status(b)) coroutine.yield() end) b = coroutine.create(function() coroutine.resume(a) print(coroutine.status(a)) end) coroutine.resume(b) print(coroutine.status(a), coroutine.status(b)) end

--[[15]] do local co = coroutine.create(function() coroutine.yield() end) coroutine.resume(co) print(coroutine.close(co), coroutine.status(co)) end

--[[16]] do local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() print("closed") end}) coroutine.yield() end) coroutine.resume(co) print(coroutine.close(co)) end

--[[17]] do local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() error("bad close", 0) end}) coroutine.yield() end) coroutine.resume(co) print(coroutine.close(co)) print(coroutine.status(co)) end

--[[18]] do print(coroutine.close(coroutine.create(print))) end

--[[19]] do print(pcall(coroutine.wrap(function() error("wrapped", 0) end))) end

--[[20]] do local co = coroutine.wrap(function() return 1 end) co() print(pcall(co)) end

--[[21]] do print(pcall(coroutine.resume, coroutine.running()), coroutine.resume(coroutine.running())) end

--[[22]] do print(select("#", coroutine.resume(coroutine.create(function(...) return ... end), nil, nil))) end

--[[23]] do local co = coroutine.wrap(function(...) local args = {...} while true do args = {coroutine.yield(#args)} end end) print(co(1, 2, 3), co(), co(nil, nil), co("a")) end

--[[24]] do local function perm(a, n) n = n or #a if n <= 1 then coroutine.yield(table.concat(a)) else for i = 1, n do a[n], a[i] = a[i], a[n] perm(a, n - 1) a[n], a[i] = a[i], a[n] end end end for p in coroutine.wrap(function() perm{"a", "b", "c"} end) do io.write(p, " ") end print() end

--[[25]] do local co = coroutine.wrap(function() table.sort({3, 2, 1}, function(a, b) coroutine.yield() return a < b end) end) print(pcall(co)) end

--[[26]] do local producer = coroutine.create(function() for _, v in ipairs{"a", "b"} do coroutine.yield(v) end return nil end) while true do local _, v = coroutine.resume(producer) if not v then break end io.write(v, " ") end print() end

--[[27]] do local co = coroutine.create(function() return pcall(function() local x <close> = setmetatable({}, {__close = function() print("close x") end}) coroutine.yield(1) error("err", 0) end) end) print(coroutine.resume(co)) print(coroutine.resume(co)) end

--[[28]] do local log = {} local function task(name, n) return coroutine.create(function() for i = 1, n do log[#log + 1] = name .. i coroutine.yield() end end) end local tasks = {task("a", 2), task("b", 3)} while #tasks > 0 do for i = #tasks, 1, -1 do coroutine.resume(tasks[i]) if coroutine.status(tasks[i]) == "dead" then table.remove(tasks, i) end end end print(table.concat(log, " ")) end

--[[29]] do local co = coroutine.create(function() coroutine.yield(coroutine.isyieldable()) end) print(coroutine.resume(co)) end

--[[30]] do local co = coroutine.wrap(function() return coroutine.wrap(function() return coroutine.wrap(function() coroutine.yield("deep") return "x" end)() end)() end) print(co()) end

--[[31]] do print(coroutine.resume(coroutine.create(function() return xpcall(function() coroutine.yield("y") error("E", 0) end, function(m) return "handled " .. m end) end))) end

--[[32]] do local co = coroutine.create(function() return xpcall(function() coroutine.yield("y") error("E", 0) end, function(m) return "handled " .. m end) end) coroutine.resume(co) print(coroutine.resume(co)) end

--[[33]] do local n = 0 local cos = {} for i = 1, 200 do cos[i] = coroutine.wrap(function() while true do n = n + i coroutine.yield() end end) end for r = 1, 3 do for i = 1, 200 do cos[i]() end end print(n) end

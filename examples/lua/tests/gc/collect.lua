-- gc, collect: a group of checks per number.

--[[1]] do collectgarbage() local before = collectgarbage("count") local t = {} for i = 1, 10000 do t[i] = {i} end local during = collectgarbage("count") t = nil collectgarbage() local after = collectgarbage("count") print(during > before + 100, after < during - 100) end

--[[2]] do collectgarbage() local before = collectgarbage("count") for i = 1, 1000 do local a, b = {}, {} a.b, b.a = b, a end collectgarbage() print(collectgarbage("count") < before + 50) end

--[[3]] do local w = setmetatable({}, {__mode = "v"}) w[1] = {} w[2] = "string" w.x = {} local keep = {} w.keep = keep collectgarbage() print(w[1], w[2], w.x, w.keep == keep) end

--[[4]] do local w = setmetatable({}, {__mode = "k"}) w[{}] = 1 local k = {} w[k] = 2 w.s = {} collectgarbage() local n = 0 for _ in pairs(w) do n = n + 1 end print(n, w[k]) end

--[[5]] do local w = setmetatable({}, {__mode = "k"}) do local k = {} w[k] = {k} end collectgarbage() print(next(w)) end

--[[6]] do local w = setmetatable({}, {__mode = "kv"}) w[{}] = {} w[1] = {} local v = {} w[2] = v collectgarbage() local n = 0 for _ in pairs(w) do n = n + 1 end print(n) end

--[[7]] do local log = {} do local x = setmetatable({}, {__gc = function() log[#log + 1] = "gc" end}) end collectgarbage() collectgarbage() print(table.concat(log, ",")) end

--[[8]] do local n = 0 for i = 1, 100 do setmetatable({}, {__gc = function() n = n + 1 end}) end collectgarbage() collectgarbage() print(n) end

--[[9]] do local alive do local o = setmetatable({v = 7}, {__gc = function(o) alive = o end}) end collectgarbage() collectgarbage() print(alive and alive.v) end

--[[10]] do local co = coroutine.wrap(function() local t = {} for i = 1, 100 do t[i] = {i} coroutine.yield(t[i][1]) end end) local s = 0 for i = 1, 100 do s = s + co() if i % 10 == 0 then collectgarbage() end end print(s) end

--[[11]] do local fs = {} for i = 1, 100 do local t = {i} fs[i] = function() t[1] = t[1] + 1 return t[1] end end collectgarbage() local s = 0 for i = 1, 100 do s = s + fs[i]() end print(s) end

--[[12]] do local s = {} for i = 1, 20000 do s[i % 100 + 1] = ("x"):rep(i % 50) .. i end collectgarbage() print(#s, s[1]) end

--[[13]] do local t = {} for i = 1, 200 do t["key" .. i] = "value" .. i end collectgarbage() local ok = true for i = 1, 200 do ok = ok and t["key" .. i] == "value" .. i end print(ok) end

--[[14]] do local function make(d) if d == 0 then return {} end return {make(d - 1), make(d - 1)} end local t = make(12) collectgarbage() local function count(t) local n = 1 for _, c in ipairs(t) do n = n + count(c) end return n end print(count(t)) end

--[[15]] do local r = {} for i = 1, 300 do r[#r + 1] = table.concat({i, ("y"):rep(100)}, ":"):sub(1, 5) end collectgarbage() print(#r, r[300]) end

--[[16]] do local x = {} for i = 1, 50 do x = {x} end collectgarbage() local n = 0 while x[1] do x = x[1] n = n + 1 end print(n) end

--[[17]] do for i = 1, 30 do local s = string.rep("z", 100000) end collectgarbage() print(collectgarbage("count") < 20000) end

--[[18]] do local t = setmetatable({}, {__index = function(t, k) collectgarbage() return {k} end}) local a, b = t.x, t.y collectgarbage() print(a[1], b[1]) end

--[[19]] do print(select("#", table.unpack((function() local t = {} for i = 1, 200 do t[i] = {i} end collectgarbage() return t end)()))) end

--[[20]] do local t = {} for i = 1, 100 do t[i] = function() collectgarbage() return i end end local s = 0 for _, f in ipairs(t) do s = s + f() end print(s) end

--[[21]] do local log = {} for i = 1, 3 do local t = setmetatable({}, {__close = function() collectgarbage() log[#log + 1] = i end}) do local c <close> = t end end print(table.concat(log, ",")) end

--[[22]] do local t = {5, 3, 1, 4} table.sort(t, function(a, b) collectgarbage("step") return a < b end) print(table.concat(t, " ")) end

--[[23]] do print((("a b c"):gsub("%a", function(c) collectgarbage() return c .. c end))) end

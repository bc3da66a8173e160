-- tables, basics: a group of checks per number.

--[[1]] do local t = {1, 2, 3, n = 4, [10] = 5}; print(#t, t[1], t.n, t[10], t[11]) end

--[[2]] do local t = {} t[1] = "a" t[2] = "b" t[3] = "c" print(#t, t[#t]) t[#t] = nil print(#t) t[#t + 1] = "d" print(#t, t[3]) end

--[[3]] do local t = {} for i = 1, 100 do t[i] = i end for i = 100, 51, -1 do t[i] = nil end print(#t) end

--[[4]] do local t = {} for i = 100, 1, -1 do t[i] = i end print(#t, t[50]) end

--[[5]] do local t = {[1.0] = "one", [2] = "two"}; print(t[1], t[2.0], #t) end

--[[6]] do local t = {} t[1.5] = "x" t[-1] = "y" t[0] = "z" print(t[1.5], t[-1], t[0], #t) end

--[[7]] do local t = {} t["1"] = "s" t[1] = "i" print(t["1"], t[1]) end

--[[8]] do local t = {} t[true] = 1 t[false] = 2 print(t[true], t[false]) end

--[[9]] do local k = {} local t = {[k] = 1} print(t[k], t[{}]) end

--[[10]] do local t = {f = function() return 1 end, ["a b"] = 2, 10, 20; 30} print(t.f(), t["a b"], #t) end

--[[11]] do local t = {(function() return 1, 2, 3 end)()} print(#t) local t = {(function() return 1, 2, 3 end)(), 10} print(#t, t[2]) end

--[[12]] do local t = {n = 0} for k, v in pairs({a = 1, b = 2, c = 3}) do t.n = t.n + v end print(t.n) end

--[[13]] do local t = {} for i = 1, 10 do t[i] = i end local sum = 0 for k, v in pairs(t) do sum = sum + k * v t[k] = nil end print(sum, next(t)) end

--[[14]] do local t = {x = 1, y = 2, z = 3} for k in pairs(t) do t[k] = nil end print(next(t)) end

--[[15]] do local t = {10, 20, 30} table.insert(t, 40) table.insert(t, 1, 5) print(table.concat(t, ",")) print(table.remove(t), table.remove(t, 1), table.concat(t, ",")) end

--[[16]] do print(table.remove({}), table.remove({}, 0), #{}, table.remove({1, 2, 3}, 4)) end

--[[17]] do local t = {5, 2, 8, 1} table.sort(t) print(table.concat(t, " ")) table.sort(t, function(a, b) return a > b end) print(table.concat(t, " ")) end

--[[18]] do local t = {"banana", "apple", "cherry"} table.sort(t) print(table.concat(t, " ")) end

--[[19]] do local t = {} for i = 1, 200 do t[i] = (i * 7919) % 211 end table.sort(t) local ok = true for i = 2, 200 do ok = ok and t[i - 1] <= t[i] end print(ok) end

--[[20]] do print(table.unpack({1, 2, 3})) print(table.unpack({1, 2, 3}, 2)) print(table.unpack({1, 2}, 1, 3)) print(table.unpack({}, 1, 0)) end

--[[21]] do local t = table.pack(1, nil, 3) print(t.n, t[1], t[2], t[3]) print(table.pack().n) end

--[[22]] do print(table.concat(table.move({1, 2, 3}, 1, 3, 2), ",")) print(table.concat(table.move({1, 2, 3}, 2, 3, 1), ",")) print(table.concat(table.move({1, 2}, 1, 2, 3, {9, 9}), ",")) end

--[[23]] do print(select("#"), select("#", nil, nil), select(2, "a", "b", "c"), select(-1, "a", "b")) end

--[[24]] do print(next({}), next({5}), rawlen({1, 2}), rawlen("abc"), rawget({7}, 1), rawequal("a", "a")) end

--[[25]] do local t = rawset({}, "k", "v") print(t.k) end

--[[26]] do local t = {} t.x = {} t.x.y = {} t.x.y.z = 5 print(t.x.y.z, t.x.q) end

--[[27]] do local a, b = {}, {} print(a == b, a == a, a ~= b) end

--[[28]] do local t = {[1] = 1, [2] = 2, [4] = 4} print(t[1], t[2], t[3], t[4]) end

--[[29]] do local t = {nil, nil, 3} print(#t, t[3]) end

--[[30]] do local t = {} for i = 1, 1000 do t["k" .. i] = i end local n = 0 for k, v in pairs(t) do n = n + v end print(n, t.k500) end

--[[31]] do local t = {} for i = 1, 100 do t["k" .. i] = i end for i = 1, 100, 2 do t["k" .. i] = nil end local n = 0 for _ in pairs(t) do n = n + 1 end print(n) end

--[[32]] do local t = {} for i = 1, 20000 do t[i] = i end local n = 0 for i, v in ipairs(t) do n = n + v end print(n) end

--[[33]] do local t = {} for i = -50, 50 do t[i] = i end local n = 0 for k in pairs(t) do n = n + 1 end print(n, #t) end

--[[34]] do local t = setmetatable({}, {__index = table}) t:insert("a") t:insert("b") print(t:concat("-")) end

--[[35]] do local q = {first = 1, last = 0} for i = 1, 1000 do q.last = q.last + 1 q[q.last] = i if i % 2 == 0 then q[q.first] = nil q.first = q.first + 1 end end print(q.first, q.last, q[q.first]) end

--[[36]] do print(pcall(next, {}, "nope"), pcall(table.insert, {}, 5, 1), pcall(table.concat, {{}})) end

--[[37]] do local t = {1, 2, 3, 4, 5} print(#t, table.unpack(t, -1, 1)) end

--[[38]] do local grid = {} for y = 1, 3 do grid[y] = {} for x = 1, 3 do grid[y][x] = x * y end end print(grid[2][3], grid[3][3], #grid, #grid[1]) end

--[[39]] do local t = {10, 20, 30, x = 1} local keys = {} for k in pairs(t) do keys[#keys + 1] = tostring(k) end print(table.concat(keys, " ")) end

--[[40]] do local t = {a = 1} t.a = nil t.b = 2 t.a = 3 print(t.a, t.b) end

--[[41]] do local big = {} for i = 1, 300 do big[#big + 1] = i end print(#big, select("#", table.unpack(big))) end

--[[42]] do local t = {1, 2, 3} t[5] = 5 t[4] = 4 print(#t) end

--[[43]] do local i, t = 1, {} i, t[i] = i + 1, 20 print(i, t[1], t[2]) end

--[[44]] do local a = {1, 2} a[1], a[2] = a[2], a[1] print(a[1], a[2]) end

--[[45]] do local t = {} t[1], t[2], t[3] = (function() return 1, 2 end)() print(t[1], t[2], t[3]) end

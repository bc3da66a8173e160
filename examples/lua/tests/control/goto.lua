-- control, goto: a group of checks per number.

--[[1]] do do local i = 1 ::top:: if i <= 3 then io.write(i, " ") i = i + 1 goto top end print() end end

--[[2]] do for i = 1, 3 do for j = 1, 3 do if j == 2 then goto next end io.write(i, j, " ") ::next:: end end print() end

--[[3]] do for i = 1, 3 do for j = 1, 3 do if i * j == 4 then goto out end io.write(i * j, " ") end end ::out:: print("out") end

--[[4]] do do goto skip local x = 1 ::skip:: print("skipped") end end

--[[5]] do print(load("goto nope"), load("do ::a:: end goto a")) end

--[[6]] do print(load("::a:: ::a::")) end

--[[7]] do print(load("goto f local x ::f:: print(x)")) end

--[[8]] do print(load("break")) end

--[[9]] do do local a = true ::again:: if a then a = false goto again end print(a) end end

--[[10]] do local n = 0 while true do n = n + 1 if n > 5 then break end if n % 2 == 0 then goto cont end io.write(n, " ") ::cont:: end print() end

--[[11]] do if nil then print("no") elseif false then print("no") else print("yes") end end

--[[12]] do if 0 then print("0 is true") end if "" then print("'' is true") end end

--[[13]] do print(nil and 1, false and 1, 1 and 2, nil or 1, false or nil, 1 or 2, not nil, not 0) end

--[[14]] do print(1 and nil or 3, false == nil, nil == false, 1 < 2 and "lt" or "ge") end

--[[15]] do local a, b, c = 1, nil, false print(a and b, a and c, b or c, c or b, a and (b or a), not (a and b)) end

--[[16]] do local function t() io.write("t ") return true end local function f() io.write("f ") return false end print(t() and f(), f() and t(), t() or f(), f() or t()) end

--[[17]] do local x = 5 print(x > 3 and x < 10, x > 3 and "big" or "small", (x == 5) == true, not (x == 5)) end

--[[18]] do local x = nil local y = x and x.z or "safe" print(y) end

--[[19]] do local r = {} for i = 1, 15 do r[i] = i % 15 == 0 and "FizzBuzz" or i % 3 == 0 and "Fizz" or i % 5 == 0 and "Buzz" or i end print(table.concat(r, " ")) end

--[[20]] do local v = 3 while v do v = v > 0 and v - 1 io.write(tostring(v), " ") end print() end

--[[21]] do local a = 1; local b = 2; do local a = a + b; print(a) end; print(a); end

--[[22]] do local function f() do return 1 end end print(f()) end

--[[23]] do local function f(n) if n > 0 then return "pos" elseif n < 0 then return "neg" end return "zero" end print(f(1), f(-1), f(0)) end

--[[24]] do local s = 0 for i = 10, 1, -3 do s = s * 10 + i end print(s) end

--[[25]] do print(({[true] = "yes", [false] = "no"})[1 < 2], (#"abc" == 3) and "three") end

--[[26]] do local i = 0 repeat i = i + 1 if i == 2 then goto skip end io.write(i, " ") ::skip:: until i >= 4 print() end

--[[27]] do local t = {} for i = 1, 3 do t[#t + 1] = i == 2 and {} or i end print(type(t[2]), t[1], t[3]) end

--[[28]] do local function multi() return 1, 2, 3 end local t = {multi(), multi()} print(#t) print(multi(), (multi())) end

--[[29]] do local a, b = 1, 2 a, b = b, a print(a, b) local x, y, z = (function() return 1, 2 end)() print(x, y, z) end

--[[30]] do local t = {1, 2, 3} for i = #t, 1, -1 do table.remove(t, i) end print(#t) end

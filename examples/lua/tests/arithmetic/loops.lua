-- arithmetic, loops: a group of checks per number.

--[[1]] do for i = 1, 3 do io.write(i, " ") end print() end

--[[2]] do for i = 3, 1, -1 do io.write(i, " ") end print() end

--[[3]] do for i = 1, 0 do io.write("never") end print("none") end

--[[4]] do for i = 1.0, 3 do io.write(i, " ") end print() end

--[[5]] do for i = 1, 2, 0.5 do io.write(i, " ") end print() end

--[[6]] do for i = math.maxinteger - 1, math.maxinteger do io.write(i, " ") end print() end

--[[7]] do for i = math.mininteger, math.mininteger + 2 do io.write(i, " ") end print() end

--[[8]] do for i = math.mininteger + 1, math.mininteger, -1 do io.write(i, " ") end print() end

--[[9]] do for i = 1, 3.9 do io.write(i, " ") end print() end

--[[10]] do for i = 3, 1.1, -1 do io.write(i, " ") end print() end

--[[11]] do for i = 1, math.huge do if i > 3 then break end io.write(i, " ") end print() end

--[[12]] do for i = -1, -math.huge, -1 do if i < -3 then break end io.write(i, " ") end print() end

--[[13]] do for i = 1, 10, 4 do io.write(i, " ") end print() end

--[[14]] do for i = 1, 3 do local j = i; i = 10; io.write(j, ":", i, " ") end print() end

--[[15]] do local fs = {} for i = 1, 3 do fs[i] = function() i = i + 1 return i end end print(fs[1](), fs[1](), fs[2](), fs[3]()) end

--[[16]] do local n = 0 for i = 1, 3 do for j = i, 3 do n = n + i * j end end print(n) end

--[[17]] do for i = 0.1, 0.35, 0.1 do io.write(i, " ") end print() end

--[[18]] do print(pcall(function() for i = 1, 10, 0 do end end)) end

--[[19]] do print(pcall(function() for i = 1, 10, 0.0 do end end)) end

--[[20]] do print(pcall(function() for i = {}, 10 do end end)) end

--[[21]] do print(pcall(function() for i = 1, {} do end end)) end

--[[22]] do print(pcall(function() for i = 1, 2, {} do end end)) end

--[[23]] do for i = 1, 3 do if i == 2 then goto continue end io.write(i, " ") ::continue:: end print() end

--[[24]] do local i = 1 while i < 100 do i = i * 3 if i > 20 then break end end print(i) end

--[[25]] do local i = 0 repeat local k = i; i = i + 1 until k >= 3 print(i) end

--[[26]] do repeat local done = true until done print("done") end

--[[27]] do for k, v in next, {10, 20} do io.write(k, "=", v, " ") end print() end

--[[28]] do for i, v in ipairs({1, 2, nil, 4}) do io.write(i, "=", v, " ") end print() end

--[[29]] do for w in string.gmatch("one two three", "%a+") do io.write(w, ".") end print() end

--[[30]] do local function range(n) local i = 0 return function() i = i + 1 if i <= n then return i, i * i end end end for a, b in range(3) do io.write(a, ":", b, " ") end print() end

--[[31]] do local t = setmetatable({}, {__call = function(self, s, c) c = c + 1 if c < 4 then return c end end}) for x in t, nil, 0 do io.write(x, " ") end print() end

--[[32]] do for a, b, c in function(s, c) if c < 2 then return c + 1 end end, nil, 0 do print(a, b, c) end end

--[[33]] do do local log = {} for k in next, {1}, nil, setmetatable({}, {__close = function() log[#log + 1] = "closed" end}) do log[#log + 1] = k end print(table.concat(log, ",")) end end

--[[34]] do do local log = {} for k in next, {1, 2, 3}, nil, setmetatable({}, {__close = function() log[#log + 1] = "closed" end}) do log[#log + 1] = k break end print(table.concat(log, ",")) end end

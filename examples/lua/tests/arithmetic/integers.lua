-- arithmetic, integers: a group of checks per number.

--[[1]] do print(math.maxinteger + 1 == math.mininteger, math.mininteger - 1 == math.maxinteger) end

--[[2]] do print(math.maxinteger * 2, math.mininteger * -1) end

--[[3]] do print(7 // 2, -7 // 2, 7 // -2, -7 // -2) end

--[[4]] do print(7 % 3, -7 % 3, 7 % -3, -7 % -3) end

--[[5]] do print(math.mininteger // -1, math.mininteger % -1) end

--[[6]] do print(5 & 3, 5 | 3, 5 ~ 3, ~5) end

--[[7]] do print(1 << 63, 1 << 64, 1 << -1, -1 >> 1, -1 >> 63, -1 >> 64) end

--[[8]] do print(1 << 62, 1 >> 1, 2 >> -1, 3 << 1) end

--[[9]] do print(2^53 == 2^53 + 1, (1 << 53) == (1 << 53) + 1) end

--[[10]] do print(10 / 2, 3 / 2, -3 / 2) end

--[[11]] do print(2^2, 2^0.5, (-2)^2, -2^2) end

--[[12]] do print(0x10, 0xff, 0xFFFFFFFFFFFFFFFF, 0x7fffffffffffffff) end

--[[13]] do print(9223372036854775807, 9223372036854775808, -9223372036854775808) end

--[[14]] do print(1e3, 1E-2, .5, 3., 0x.8p1, 0xA.8p0) end

--[[15]] do print(3 == 3.0, math.type(3), math.type(3.0), math.type("3")) end

--[[16]] do print(1 < 1.5, 2 > 1.5, 1 <= 1.0, -1 < -0.5) end

--[[17]] do print(math.maxinteger < 2^63, math.maxinteger + 0.0 == 2^63, math.mininteger <= -2^63) end

--[[18]] do print(math.maxinteger < math.huge, math.mininteger > -math.huge, 1 < 0/0, 1 > 0/0) end

--[[19]] do print("10" + 5, "0x10" + 0, "1e1" * 1, " 7 " + 1) end

--[[20]] do print("10" + "20", "3" * "4", "7" // "2", "2" ^ "3", -"4", - "1.5") end

--[[21]] do print(10 // 0.0, -10 // 0.0, 0/0 ~= 0/0, 10 % math.huge, -10 % math.huge) end

--[[22]] do print(5.5 // 2, -5.5 // 2, 5.5 % 2, -5.5 % 2, 5.5 % -2) end

--[[23]] do print(1e15, 1e16, 123456789012345, 1e100, 2^63, -2^63) end

--[[24]] do print(0.1 + 0.2, 1/3, 100 / 3, 1e-5, 123.456e10) end

--[[25]] do print(-0.0, 0.0, 1/-0.0, 0.0 == -0.0) end

--[[26]] do local a <const>, b <const> = 10, 3; print(a + b, a - b, a * b, a / b, a // b, a % b, a ^ b) end

--[[27]] do local x = 5; x = x + 1; x = x * x; x = -x; print(x, ~x, not x) end

--[[28]] do print(1 + 2 * 3 - 4 / 2, (1 + 2) * 3, 2 * 3 % 4, 2 ^ 3 ^ 2, -3 ^ 2) end

--[[29]] do print(1 .. 2, 1.5 .. "", -0.0 .. "", 2^63 .. "") end

--[[30]] do print(7 // 1.0, 7 % 1.5, 2^31 | 0, 3.0 & 1) end

--[[31]] do local s = 0; for i = 1, 100 do s = s + i * i % 7 end; print(s) end

--[[32]] do print(math.tointeger(3.0), math.tointeger(3.5), math.tointeger("8"), math.tointeger({})) end

--[[33]] do print(string.format("%d", 3.0), pcall(string.format, "%d", 3.5)) end

--[[34]] do print(1 ~= 1.0, "1" == 1, 0 == -0, "a" == "a") end

--[[35]] do print(5 // 0.3, 5 % 0.3, -5 // 0.3) end

--[[36]] do print(math.ult(1, -1), math.ult(-1, 1), math.abs(math.mininteger), math.abs(-3.5)) end

--[[37]] do print((2^53 + 1) | 0, 1e308 * 10, -1e308 * 10) end

--[[38]] do print(tostring(3) == "3", tostring(3.0) == "3.0", 3 | 0 == 3) end

-- library, misc: a group of checks per number.

--[[1]] do print(type(nil), type(1), type("x"), type({}), type(print), type(function() end), type(coroutine.create(print)), type(io.stdout)) end

--[[2]] do print(math.floor(3.7), math.floor(-3.7), math.ceil(3.2), math.ceil(-3.2), math.floor(5), math.floor(1e100)) end

--[[3]] do print(math.max(1, 2.5, -1), math.min(3, 1, 2), math.max(1), math.min(1.0, 1)) end

--[[4]] do print(math.sqrt(16), math.sin(0), math.cos(0), math.exp(0), math.log(1), math.log(8, 2), math.log(100, 10), math.log(27, 3)) end

--[[5]] do print(math.fmod(7, 3), math.fmod(-7, 3), math.fmod(7, -3), math.fmod(5.5, 2), pcall(math.fmod, 1, 0)) end

--[[6]] do print(math.modf(3.7), math.modf(-3.7), math.modf(5), math.modf(1/0)) end

--[[7]] do print(math.pi, math.huge, -math.huge, math.maxinteger, math.mininteger) end

--[[8]] do print(string.format("%.6f %.6f %.6f", math.atan(1), math.atan(1, -1), math.asin(1)), math.deg(math.pi), string.format("%.6f", math.rad(180))) end

--[[9]] do math.randomseed(42) local a, b = math.random(), math.random(100) math.randomseed(42) print(a == math.random(), b == math.random(100)) end

--[[10]] do math.randomseed(123) print(math.random(1000), math.random(1000), math.random(5, 10), math.random(0) ~= nil) end

--[[11]] do math.randomseed(7, 9) print(math.random(1, 1000000), math.random(-5, 5), string.format("%.10f", math.random())) end

--[[12]] do for i = 1, 100 do local r = math.random(3) assert(r >= 1 and r <= 3) local f = math.random() assert(f >= 0 and f < 1) end print("in range") end

--[[13]] do print(pcall(math.random, 2, 1), pcall(math.random, 0.5), pcall(math.floor, {})) end

--[[14]] do print(os.time({year = 2020, month = 1, day = 1, hour = 12}) - os.time({year = 2019, month = 12, day = 31, hour = 12})) end

--[[15]] do print(os.date("!%Y-%m-%d %H:%M:%S", 0), os.date("!%Y-%m-%d %H:%M:%S", 1700000000), os.date("!%j %a %b %p %y", 86400 * 59)) end

--[[16]] do local d = os.date("!*t", 1e9 // 1 | 0) print(d.year, d.month, d.day, d.hour, d.min, d.sec, d.wday, d.yday, d.isdst) end

--[[17]] do print(os.time({year = 2000, month = 1, day = 1, hour = 0}), os.time({year = 2000, month = 13, day = 32, hour = 0}), os.difftime(5, 3)) end

--[[18]] do print(type(os.time()), type(os.clock()), os.getenv("NO_SUCH_VARIABLE"), type(os.getenv("PATH"))) end

--[[19]] do local name = os.tmpname() local f = assert(io.open(name, "w")) print(f:write("line 1\n", 2, " ", 3.5, "\nline 3") == f, io.type(f)) f:close() print(io.type(f), pcall(f.write, f, "x")) for l in io.lines(name) do io.write("[", l, "]") end print() local f = io.open(name) print(f:read("l", "n", "n", "l", "a")) print(f:read("a"), f:read("l"), f:read(0)) print(f:seek("set", 2), f:read(3), f:seek("cur"), f:seek("end")) f:close() print(os.remove(name), (select(2, os.remove(name))):gsub("^.*: ", "")) end

--[[20]] do local name = os.tmpname() local f = io.open(name, "w") f:write("1\n2\n3\n") f:close() local s = 0 for n in io.lines(name, "n") do s = s + n end print(s) for a, b in io.lines(name, 1, "L") do io.write(a, "|", b) end local f = io.open(name, "a+") f:write("4\n") f:seek("set") print(#f:read("a")) f:close() os.remove(name) end

--[[21]] do local f = io.tmpfile() f:write("hello") f:seek("set", 0) print(f:read(2), f:read("a"), f:read("a"), f:read("l")) f:close() end

--[[22]] do print(io.open("/no/such/file")) print(pcall(io.lines, "/no/such/file")) print(pcall(io.open, "x", "bad")) end

--[[23]] do print(tostring(io.stdout):match("^file %("), io.type(io.stdout), io.type(42), io.output() == io.stdout) end

--[[24]] do io.write("a", 1, 2.5, "\n") print(io.write("") == io.stdout) end

--[[25]] do print(load("return 1 + 1")(), load("syntax error here")) end

--[[26]] do local parts = {"return ", "1", " + 2"} local i = 0 print(load(function() i = i + 1 return parts[i] end)()) end

--[[27]] do print(pcall(load, "return 1", "n", "b"), load("return 1", "n", "b")) end

--[[28]] do print(require("string") == string, package.loaded.math == math, type(package.path), type(package.preload)) end

--[[29]] do package.preload.mymod = function(name, extra) return {name = name, extra = extra} end local m = require("mymod") print(m.name, m.extra, require("mymod") == m) end

--[[30]] do print(_VERSION, _G._G == _G, _G.print == print) end

--[[31]] do print(xpcall(function() error("E", 0) end, function(m) return m .. "!" end), xpcall(function(...) return ... end, print, 1, 2)) end

--[[32]] do print(select("#", pcall(error)), pcall(error, nil), pcall(error, "m", 0)) end

--[[33]] do print(pcall(assert, false), pcall(assert, nil, "msg"), pcall(assert, 1, 2), select("#", assert(1, 2, 3))) end

--[[34]] do print(collectgarbage("count") > 0, collectgarbage(), collectgarbage("isrunning")) end

--[[35]] do print(collectgarbage("stop"), collectgarbage("isrunning"), collectgarbage("restart"), collectgarbage("isrunning")) end

--[[36]] do print(debug.traceback("msg", 1):match("^msg\nstack traceback:\n"), type(debug.getinfo(1)), debug.getinfo(print).what, debug.getinfo(1, "l").currentline) end

--[[37]] do local t = debug.getinfo(function(a, b, ...) end) print(t.what, t.nparams, t.isvararg, t.short_src ~= nil) end

--[[38]] do print(rawequal({}, {}), rawlen({1, 2, 3}), rawget(setmetatable({}, {__index = {x = 1}}), "x")) end

--[[39]] do print(next({}, nil), type(next), pcall(ipairs), pcall(setmetatable, 1, {})) end

--[[40]] do print(#table.pack(string.byte(("x"):rep(50), 1, -1)), (string.rep("ab", 3, ","))) end

--[[41]] do print(tostring(1e308 * 10), tostring(-1e308 * 10), (tostring(0/0):gsub("-", "")), 1e15, 1e14, 123456.789) end

--[[42]] do print(string.format("%q", "\r\n\t\0001"), ("%s"):rep(3, "-"):format(1, 2, 3)) end

--[[43]] do print(os.rename("/no/such/a", "/no/such/b")) print(os.execute() ~= nil, os.setlocale("C"), os.setlocale("xx")) end

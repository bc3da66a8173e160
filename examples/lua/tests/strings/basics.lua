-- strings, basics: a group of checks per number.

--[[1]] do print(#"abc", #"", #"a\0b") end

--[[2]] do print(("abc"):upper(), ("ABC"):lower(), ("abc"):reverse(), ("abc"):len()) end

--[[3]] do print(("hello"):sub(2, 3), ("hello"):sub(-3), ("hello"):sub(2), ("hello"):sub(0), ("hello"):sub(10), ("hello"):sub(-100, 2), ("hello"):sub(3, 2)) end

--[[4]] do print(("ab"):rep(3), ("ab"):rep(0), ("ab"):rep(-1), ("ab"):rep(2, "-"), (""):rep(10)) end

--[[5]] do print(("abc"):byte(), ("abc"):byte(2), ("abc"):byte(-1), ("abc"):byte(1, -1), ("abc"):byte(10)) end

--[[6]] do print(string.char(72, 105), string.char(), #string.char(0, 255)) end

--[[7]] do print("a" < "b", "a" < "B", "abc" < "abd", "" < "a", "a\0b" < "a\0c", "Z" < "a") end

--[[8]] do print("a" .. "b" .. "c", 1 .. "", "x" .. 1.5) end

--[[9]] do print("\65\066\x43\u{44}\u{20AC}\z
       end") end

--[[10]] do print("tab\tquote\"backslash\\", 'single\'', [[long
string]], [==[with ]] inside]==]) end

--[[11]] do print(tostring(nil), tostring(true), tostring(12), tostring(1.5), tostring("x")) end

--[[12]] do print(tonumber("12"), tonumber("0x1F"), tonumber("1e2"), tonumber("  5  "), tonumber("5x"), tonumber(""), tonumber("0x"), tonumber("1 2")) end

--[[13]] do print(tonumber("ff", 16), tonumber("zz", 36), tonumber("8", 8), tonumber("-101", 2), tonumber("7", 8), tonumber("1.5", 10)) end

--[[14]] do print(tonumber(nil), pcall(tonumber)) end

--[[15]] do print(("x"):rep(3):upper():lower():len()) end

--[[16]] do print(("abc" == "abc"), ("a" .. "bc") == "abc", #("x"):rep(100) == 100) end

--[[17]] do local long = ("x"):rep(50); local t = {[long] = 1}; print(t[("x"):rep(50)], t[("x"):rep(51)]) end

--[[18]] do print(("%s|%s|%s"):format(1, true, nil), ("%%"):format()) end

--[[19]] do print(("%5s|%-5s|%.2s|%5.1s|"):format("abc", "abc", "abc", "abc")) end

--[[20]] do print(("%d|%5d|%-5d|%05d|%+d|% d"):format(42, 42, 42, 42, 42, 42)) end

--[[21]] do print(("%x|%X|%#x|%o|%c|%u"):format(255, 255, 255, 8, 65, 7)) end

--[[22]] do print(("%f|%.2f|%10.3f|%-10.1f|%+f"):format(1.5, 1.555, 1.5, 1.5, 1.5)) end

--[[23]] do print(("%e|%.3e|%E"):format(12345.678, 12345.678, 0.00012)) end

--[[24]] do print(("%g|%g|%g|%g|%.3g|%#g"):format(1, 1e20, 1e-5, 0.1, 1234.5, 1)) end

--[[25]] do print(("%a|%A|%.2a"):format(1, 0.5, 3.14159)) end

--[[26]] do print(("%q"):format('a "quoted"\n\0\1\r\\ string'), ("%q"):format(1), ("%q"):format(1.5), ("%q"):format(true), ("%q"):format(nil)) end

--[[27]] do print(("%q"):format(math.mininteger), ("%q"):format(1/0), ("%q"):format(-1/0), ("%q"):format(0.1)) end

--[[28]] do print(("%i"):format(3.0), ("%s"):format(3.0), ("%d"):format("10")) end

--[[29]] do print(("%-10s|"):format("hi"), ("%10s|"):format("hi"), ("%.0s|"):format("hi")) end

--[[30]] do print(("%5.2f|%05.1f|%+.0f"):format(3.14159, 2.5, 2.5)) end

--[[31]] do print(("%g %g %g"):format(1/0, -1/0, 100000000000000)) end

--[[32]] do print(("%.14g"):format(0.1), ("%.17g"):format(0.1), ("%.3f"):format(2/3), ("%.20f"):format(0.1)) end

--[[33]] do print(("%s %s"):format(setmetatable({}, {__tostring = function() return "obj" end}), "x")) end

--[[34]] do print(pcall(string.format, "%d", "x"), pcall(string.format, "%z", 1)) end

--[[35]] do print(#string.format("%99d", 1), pcall(string.format, "%100d", 1)) end

--[[36]] do print(("a,b,,c"):find(",", 1, true), ("a.b"):find(".", 1, true), ("abc"):find("b", -1), ("abc"):find("", 10), ("abc"):find("", 4)) end

--[[37]] do print(table.concat({1, 2, 3}), table.concat({"a", "b"}, ", "), table.concat({}, "x"), table.concat({1, 2, 3}, "-", 2, 3), table.concat({1, 2}, "-", 3)) end

--[[38]] do print(#"\u{7FFFFFFF}", "\u{48}\u{49}", "\x41\x42") end

--[[39]] do print(("test"):len(), #"test", string.len("\0\0")) end

--[[40]] do print(math.type(#"abc"), -"2", "10" / 2, "3" // 1) end

--[[41]] do local s = "" for i = 1, 5 do s = s .. i .. "," end print(s) end

--[[42]] do print(("abc"):gsub("", "-"), ("abc"):gsub(".", "%0%0"), ("hello world"):gsub("o", "0", 1)) end

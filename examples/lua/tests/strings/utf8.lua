-- strings, utf8: a group of checks per number.

--[[1]] do print(utf8.char(72, 228, 8364, 128512), utf8.char(), #utf8.char(0x7FFFFFFF)) end

--[[2]] do print(utf8.len("häß€"), utf8.len(""), utf8.len("\xff"), utf8.len("abc", 2), utf8.len("abc", -1)) end

--[[3]] do print(utf8.codepoint("häß", 1, -1), utf8.codepoint("€")) end

--[[4]] do for p, c in utf8.codes("aé€") do io.write(p, ":", c, " ") end print() end

--[[5]] do print(utf8.offset("aé€x", 3), utf8.offset("aé€x", -1), utf8.offset("aé€x", 0, 3), utf8.offset("abc", 5), utf8.offset("abc", 4)) end

--[[6]] do for c in ("aé€"):gmatch(utf8.charpattern) do io.write(#c, " ") end print() end

--[[7]] do print(utf8.len("\u{D7FF}"), utf8.len("\u{10FFFF}"), utf8.len("\u{110000}"), utf8.len("\u{110000}", 1, -1, true)) end

--[[8]] do print(pcall(utf8.codepoint, "\xff"), pcall(utf8.char, -1), pcall(utf8.len, "abc", 5)) end

--[[9]] do print(utf8.len("\xC0\x80"), utf8.len("\xE2\x82"), utf8.len("a\x80b")) end

--[[10]] do print(pcall(function() for _ in utf8.codes("a\xffb") do end end)) end

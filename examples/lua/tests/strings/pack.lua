-- strings, pack: a group of checks per number.

--[[1]] do local function hex(s) return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end print(hex(string.pack("<i4", 1)), hex(string.pack(">i4", 1))) end

--[[2]] do local function hex(s) return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end print(hex(string.pack("<i2i8", -1, 2)), hex(string.pack("bB", -1, 255))) end

--[[3]] do local function hex(s) return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end print(hex(string.pack("z", "hi")), hex(string.pack("<s1", "abc")), hex(string.pack("<s2", "abc")), hex(string.pack("c5", "abc"))) end

--[[4]] do local function hex(s) return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end print(hex(string.pack("<d", 1.5)), hex(string.pack("<f", 1.5)), hex(string.pack(">d", -2))) end

--[[5]] do local function hex(s) return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end print(hex(string.pack("<!4 b i4", 1, 2)), hex(string.pack("<!8 b Xd d", 1, 2)), hex(string.pack("<bxh", 1, 2))) end

--[[6]] do local function hex(s) return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end print(hex(string.pack("<i16", -2)), hex(string.pack(">I16", 5)), hex(string.pack("<i3", -2))) end

--[[7]] do print(string.unpack("<i4", "\1\0\0\0"), string.unpack(">i4", "\0\0\0\1"), string.unpack("<I2", "\255\255"), string.unpack("<i2", "\255\255")) end

--[[8]] do print(string.unpack("z", "hello\0rest"), string.unpack("s1", "\3abcd"), string.unpack("c3", "abcdef")) end

--[[9]] do print(string.unpack("<i4", "xxxx\5\0\0\0", 5), string.unpack("bbb", "\1\2\3"), string.unpack("<d", string.pack("<d", 0.1))) end

--[[10]] do print(string.packsize("i4"), string.packsize("<!8 b d"), string.packsize("c10 b"), string.packsize("jnT")) end

--[[11]] do print(pcall(string.pack, "i1", 200), pcall(string.pack, "I1", -1), pcall(string.unpack, "i4", "abc")) end

--[[12]] do print(pcall(string.pack, "z", "a\0b"), pcall(string.pack, "c2", "abc"), pcall(string.packsize, "z")) end

--[[13]] do print(string.unpack("<i16", string.pack("<i16", math.mininteger)), string.unpack("<f", string.pack("<f", 0.5))) end

--[[14]] do print(select("#", string.unpack("<i1i1i1", "\1\2\3")), string.unpack("", "abc")) end

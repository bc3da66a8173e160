-- strings, patterns: a group of checks per number.

--[[1]] do print(("hello world"):find("wor"), ("hello"):find("l"), ("hello"):find("xyz"), ("hello"):find("l", 4)) end

--[[2]] do print(("hello"):match("h(.-)o"), ("key = value"):match("^(%w+)%s*=%s*(%w+)$"), ("abc"):match("()b()")) end

--[[3]] do print(("2024-01-15"):match("(%d+)-(%d+)-(%d+)")) end

--[[4]] do print(("  trim  "):match("^%s*(.-)%s*$") .. "|") end

--[[5]] do print(("abc123def"):gsub("%d", "#"), ("abc"):gsub("%w", "%0%0"), ("abc def"):gsub("(%w+) (%w+)", "%2 %1")) end

--[[6]] do print(("hello"):gsub("l", {l = "L"}), ("hello"):gsub("[el]", {e = 3, l = false}), ("hello"):gsub("l", function(c) return c:upper() end)) end

--[[7]] do print(("abc"):gsub("b", "%%"), ("a.b.c"):gsub("%.", "/"), ("x^2"):gsub("%^", "**")) end

--[[8]] do print(("f(a(b)c)d"):match("%b()"), ("[[x]]"):match("%b[]"), ("(()"):match("%b()")) end

--[[9]] do print(("THE (quick) fox"):find("%((%a+)%)"), ("THE (quick) fox"):gsub("%f[%a]%a+", "W")) end

--[[10]] do print(("aaa"):match("a-b"), ("aaab"):match("a-b"), ("aaab"):match("a*"), ("b"):match("a*"), ("aab"):match("a+"), ("ab"):match("a?b"), ("b"):match("a?b")) end

--[[11]] do print(("a-b-c"):gsub("-", "+"), ("a+b"):gsub("%+", "-"), ("100%"):gsub("%%", " percent")) end

--[[12]] do print(("x"):match("[]]"), ("]"):match("[]]"), ("a]"):match("[^]]"), ("-"):match("[a-]"), ("b"):match("[a-c]"), ("^"):match("[%^x]")) end

--[[13]] do print(("abcabc"):match("(abc)%1"), ("abab"):match("(a)(b)%1%2"), ("aXa"):match("(.)X%1")) end

--[[14]] do for k, v in ("a=1, b=2, c=3"):gmatch("(%w+)=(%w+)") do io.write(k, v, ";") end print() end

--[[15]] do for w in ("a b c"):gmatch("%S") do io.write(w, ".") end print() end

--[[16]] do for a in ("abc"):gmatch("") do io.write("[", a, "]") end print() end

--[[17]] do for p in ("abc"):gmatch("()") do io.write(p, " ") end print() end

--[[18]] do print(("hello\nworld"):match("o.w"), ("tab\there"):match("%c"), ("x\0y"):match("%z"), ("x\0y"):find("\0")) end

--[[19]] do print(("ABC"):match("%u+"), ("abc"):match("%l+"), ("a1_"):match("%w+"), ("!?"):match("%p+"), ("ff"):match("%x+"), ("  "):match("%s+"), ("g1"):match("%g+")) end

--[[20]] do print(("ABC"):match("%U"), ("abc1"):match("%L"), ("a b"):match("%W"), ("12a"):match("%D")) end

--[[21]] do print(("foo.bar.baz"):match("([^.]+)$"), ("/usr/lib/x.so"):match("([^/]+)%.so$"), ("/a/b/c"):match("^(.*)/")) end

--[[22]] do print(string.rep("a", 1000):find(("a"):rep(999) .. "$"), ("aXb"):find("%u"), ("ab"):find("^b"), ("ab"):find("b$")) end

--[[23]] do print(("$name is $age"):gsub("%$(%w+)", {name = "Bob", age = 42})) end

--[[24]] do print(("one two"):gsub("%w+", "%0 %0", 1), ("abc"):gsub("(b)", "[%1]"), ("abc"):gsub("b", "")) end

--[[25]] do print(("hello world from lua"):gsub("(%w+)", string.upper)) end

--[[26]] do print(("x = 1 -- c"):gsub("%s*%-%-.*$", ""), ("a\\b"):gsub("\\", "/")) end

--[[27]] do print(("abc"):find("b", 1, true), ("a+b"):find("+", 1, true), ("a+b"):find("a+", 1, true)) end

--[[28]] do print(pcall(string.find, "a", "[a"), pcall(string.find, "a", "%"), pcall(string.gsub, "a", "(", ""), pcall(string.gsub, "a", "a", "%2")) end

--[[29]] do print(pcall(string.rep, "x", 1 << 40), pcall(string.match, "a", "%f")) end

--[[30]] do print(("äöü"):len(), ("äöü"):upper() == "äöü", ("naïve"):find("v")) end

--[[31]] do print(("a,b;c"):gsub("[,;]", {[","] = "<", [";"] = ">"}), ("abc"):gsub("%w", {a = 1, b = true and 2})) end

--[[32]] do print(("k1=v1;k2=v2"):gsub("(%w+)=(%w+)", "%2=%1"), ("abc"):gsub(".", {a = "x"}, 2)) end

--[[33]] do print(("  x y  "):gsub("^%s+", ""), ("aaa"):gsub("^a", "b"), ("aaa"):gsub("a$", "b")) end

--[[34]] do print(#("x"):rep(10000):gsub("x", "yy"), (("ab"):rep(100)):gsub("ab", "") == "") end

--[[35]] do print(("int x; int y"):gsub("int (%w+)", function(n) if n == "x" then return "var " .. n end end)) end

--[[36]] do print(string.find("abc", "(b)(c)"), string.find("", ""), string.find("abc", "", 2), string.match("abc", "b", 3)) end

--[[37]] do print(("\\n"):gsub("\\(.)", {n = "\n"}), ("%d"):gsub("%%d", "num"), ("[x]"):gsub("[%[%]]", "|")) end

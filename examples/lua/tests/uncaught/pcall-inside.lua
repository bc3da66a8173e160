print(pcall(error, "caught"))
local ok = pcall(function() error("also caught") end)
print(ok)
string.rep()

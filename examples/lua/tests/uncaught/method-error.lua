local Class = {}
Class.__index = Class
function Class:fail() return self.missing.field end
local object = setmetatable({}, Class)
local ok, message = pcall(object.fail, object)
print(message)
object:fail()

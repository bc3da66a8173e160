function global_function(t)
  return t.x.y
end
local t = { method = function(self) global_function({}) end }
t:method()

-- A module that `require` loads once.
loads = (loads or 0) + 1
local n = 0
local counter = { loads = loads }
function counter.next()
  n = n + 1
  return n
end
return counter

local co = coroutine.wrap(function() error("in coroutine") end)
co()

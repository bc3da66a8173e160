for k in function() error("in iterator") end do print(k) end

print("before")
error(nil)

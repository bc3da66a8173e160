print("fine")
os.exit(true)

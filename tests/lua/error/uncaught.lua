-- An error that nobody catches ends the program with a message and exit code 1.
print("before") --> expect: before
local t = {}
t.field.x = 1
print("never")
--> expect error: uncaught.lua:4: attempt to index a nil value (field 'field')

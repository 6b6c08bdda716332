-- When a state closes, all finalizers run, the latest first.
for i = 1, 3 do
  _G["keep" .. i] = setmetatable({}, { __gc = function() print("finalizer", i) end })
end
print("end of script")
--> expect: end of script
--> expect: finalizer\t3
--> expect: finalizer\t2
--> expect: finalizer\t1

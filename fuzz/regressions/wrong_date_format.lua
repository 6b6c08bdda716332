-- oracles: differential
-- The message about a conversion that os.date does not know had other bytes than the format, if these were no UTF-8.
for _, format in ipairs {"%\200z", "%E\255", "%\0", "%", "%O", "%Ez"} do print(pcall(os.date, "!" .. format, 0)) end

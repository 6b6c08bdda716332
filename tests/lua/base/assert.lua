-- assert (v [, message]), manual §6.1
print(assert(1, 2, 3))
print(pcall(assert, false))
print(pcall(assert, nil, "message"))
print((pcall(assert, false, { 1 })), type(select(2, pcall(assert, false, {}))))
print(pcall(assert))
print(select("#", assert(true)))

-- assert (v [, message]), manual §6.1
print(assert(1, 2, 3)) --> expect: 1\t2\t3
print(pcall(assert, false)) --> expect: false\tassertion failed!
print(pcall(assert, nil, "message")) --> expect: false\tmessage
print((pcall(assert, false, { 1 })), type(select(2, pcall(assert, false, {})))) --> expect: false\ttable
print(pcall(assert)) --> expect: false\tbad argument #1 to 'assert' (value expected)
print(select("#", assert(true))) --> expect: 1

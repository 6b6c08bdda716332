-- select (n, ...), manual §6.1
print(select("#"), select("#", nil, nil), select(2, "a", "b", "c")) --> expect: 0\t2\tb\tc
print(select(-1, "a", "b", "c")) --> expect: c
print(select(-3, "a", "b", "c")) --> expect: a\tb\tc
print(select(10, "a")) --> expect: 
print(pcall(select, 0)) --> expect: false\tbad argument #1 to 'select' (index out of range)
print(pcall(select, -4, 1, 2, 3)) --> expect: false\tbad argument #1 to 'select' (index out of range)
print(pcall(select, "x")) --> expect: false\tbad argument #1 to 'select' (number expected, got string)
print(select("2", "a", "b")) --> expect: b

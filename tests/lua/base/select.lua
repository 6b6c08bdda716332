-- select (n, ...), manual §6.1
print(select("#"), select("#", nil, nil), select(2, "a", "b", "c"))
print(select(-1, "a", "b", "c"))
print(select(-3, "a", "b", "c"))
print(select(10, "a"))
print(pcall(select, 0))
print(pcall(select, -4, 1, 2, 3))
print(pcall(select, "x"))
print(select("2", "a", "b"))

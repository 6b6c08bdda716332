-- oracles: differential
-- The message about an iterator that cannot be called named a long key, which had been in the register of its copy.
local long = 'a longer string, which is not interned because of its length'
print(pcall(load("for d in nil, nil, ({})['" .. long .. "'] do end")))
print(pcall(load("for d in nil, nil, {'x'} do end")))
print(pcall(load("local t = {} t['" .. long .. "']()")))

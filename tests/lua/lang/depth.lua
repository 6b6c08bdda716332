--> zeal: no
-- How deep calls may go, and how large results may be.
local function deep(n) return n == 0 and 0 or 1 + deep(n - 1) end
print(deep(2000)) --> expect: 2000
-- Frames of 200 values are enough for the sweep of failing allocations, which would fail each of half a million small ones.
local function wide(n, ...) return n == 0 and 0 or 1 + wide(n - 1, ...) end
print((select(2, pcall(wide, 1e7, table.unpack({}, 1, 200))):gsub("^.-:%d+: ", ""))) --> expect: stack overflow
print((select(2, pcall(string.rep, "x", 100, ("y"):rep(1 << 16) )) or ""):len()) --> expect: 6488164
print(select("#", table.unpack({}, 1, 200)), pcall(table.unpack, {}, 1, 1e7)) --> expect: 200\tfalse\ttoo many results to unpack
local s = setmetatable({}, {})
getmetatable(s).__index = s
print(pcall(function() return s.x end)) --> expect: false\tdepth.lua:12: '__index' chain too long; possible loop

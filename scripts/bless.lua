-- Writes what a test script prints into its `--> expect:` comments. Run it with the reference, whose output is the truth:
--
--     lua5.3 scripts/bless.lua tests/lua/string/format.lua ...
--
-- Each line of output goes behind the line of the script that was running when it was printed; where that is not possible
-- (loops run back), behind the furthest line so far. Look at the difference before you commit it.

local function escape(text)
  return (text:gsub("[\\\t\r\0]", { ["\\"] = "\\\\", ["\t"] = "\\t", ["\r"] = "\\r", ["\0"] = "\\0" }))
end

-- Runs the script by itself, after a prelude if there is one, and returns the lines that it prints.
local function run(path, prelude)
  local directory, base = path:match("^(.*)/([^/]*)$")
  local options = prelude and ("-e '%s' "):format(prelude) or ""
  local pipe = assert(io.popen(("cd '%s' && '%s' %s'%s' 2> /dev/null"):format(directory or ".", arg[-1], options, base or path)))
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

-- Makes a script print, in place of each of its lines of output, the number of the line that the main chunk was in.
-- (No single quotes in it: it goes through the shell.)
local prelude = [[
  local write, stdout, getinfo, tostring, pack, concat = io.write, io.output(), debug.getinfo, tostring, table.pack, table.concat
  local function note(written)
    local level, current = 2, 0
    while true do
      local info = getinfo(level, "lS")
      if not info then break end
      if info.what == "main" then current = info.currentline end
      level = level + 1
    end
    for _ in written:gmatch("\n") do stdout:write(current, "\n") end
  end
  print = function(...)
    local parts = pack(...)
    for i = 1, parts.n do parts[i] = tostring(parts[i]) end
    note(concat(parts, "\t") .. "\n")
  end
  io.write = function(...)
    if io.output() ~= stdout then return write(...) end
    note(concat({ ... }))
    return stdout
  end
]]

-- How many lines of output belong behind each line of the script.
local function count_lines(path)
  local counts, furthest = {}, 1
  for _, number in ipairs(run(path, prelude)) do
    furthest = math.max(furthest, tonumber(number) or 0)
    counts[furthest] = (counts[furthest] or 0) + 1
  end
  return counts
end

local function bless(path)
  local source = {}
  for line in io.lines(path) do
    if not line:find("^%s*%-%-> expect: ?") then
      source[#source + 1] = (line:gsub("%s*%-%-> expect:.*$", ""))
    end
  end
  local function write(lines)
    local file = assert(io.open(path, "w"))
    file:write(table.concat(lines, "\n"), "\n")
    file:close()
  end
  write(source)

  -- The comments that are put in move the lines below, whose numbers may be part of what is printed: so the places are
  -- settled in the first round, and the texts are right in the second.
  local counts, before = count_lines(path), nil
  for _ = 1, 2 do
    local printed, next_line, blessed = run(path), 1, {}
    assert(not before or before == #printed, "a comment landed inside of a string: put the string into a local variable")
    before = #printed
    for number, line in ipairs(source) do
      local count = math.min(counts[number] or 0, #printed - next_line + 1)
      if number == #source then count = #printed - next_line + 1 end
      local marks = {}
      for i = 1, count do
        marks[i] = "--> expect: " .. escape(printed[next_line])
        next_line = next_line + 1
      end
      if count > 0 and count <= 3 then
        blessed[#blessed + 1] = line .. " " .. table.concat(marks, " ")
      else
        blessed[#blessed + 1] = line
        table.move(marks, 1, count, #blessed + 1, blessed)
      end
    end
    write(blessed)
  end
end

for _, path in ipairs(arg) do
  bless(path)
  print("blessed " .. path)
end

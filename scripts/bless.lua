-- Writes what a test script prints into its `--> expect:` comments. Run it with the reference, whose output is the truth:
--
--     lua5.3 scripts/bless.lua tests/lua/strings/format.lua ...
--
-- Each line of output goes behind the line of the script that was running when it was printed; where that is not possible
-- (loops run back), behind the furthest line so far. Look at the difference before you commit it.

local function escape(text)
  return (text:gsub("[\\\t\r\0]", { ["\\"] = "\\\\", ["\t"] = "\\t", ["\r"] = "\\r", ["\0"] = "\\0" }))
end

local function bless(path)
  local source = {}
  for line in io.lines(path) do
    if not line:find("^%s*%-%-> expect: ?") then
      source[#source + 1] = (line:gsub("%s*%-%-> expect:.*$", ""))
    end
  end
  local text = table.concat(source, "\n") .. "\n"
  local chunk = assert(load(text, "@" .. path:match("[^/]*$")))

  local outputs, furthest, pending = {}, 1, ""
  local function note(written)
    local level = 2
    while true do
      local info = debug.getinfo(level, "fl")
      if not info then break end
      if info.func == chunk then
        furthest = math.max(furthest, info.currentline)
        break
      end
      level = level + 1
    end
    pending = pending .. written
    for line in pending:gmatch("([^\n]*)\n") do
      outputs[furthest] = outputs[furthest] or {}
      table.insert(outputs[furthest], line)
    end
    pending = pending:match("[^\n]*$")
  end
  local real_print, real_write = print, io.write
  print = function(...)
    local parts = table.pack(...)
    for i = 1, parts.n do parts[i] = tostring(parts[i]) end
    note(table.concat(parts, "\t") .. "\n")
  end
  io.write = function(...)
    note(table.concat({ ... }))
    return io.stdout
  end
  local ok, message = xpcall(chunk, debug.traceback)
  print, io.write = real_print, real_write
  if not ok and not text:find("--> expect error: ", 1, true) then
    error(path .. " failed: " .. tostring(message))
  end

  local file = assert(io.open(path, "w"))
  for number, line in ipairs(source) do
    file:write(line)
    local lines = outputs[number]
    if lines and #lines <= 3 then
      for _, output in ipairs(lines) do file:write(" --> expect: ", escape(output)) end
      lines = nil
    end
    file:write("\n")
    for _, output in ipairs(lines or {}) do file:write("--> expect: ", escape(output), "\n") end
  end
  file:close()
end

for _, path in ipairs(arg) do
  bless(path)
  print("blessed " .. path)
end

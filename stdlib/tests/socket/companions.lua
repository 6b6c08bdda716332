-- What LuaSocket's modules that are written in Lua do on these libraries: url, ltn12, mime, headers, http, smtp, ftp.
-- Clients and servers are coroutines of this one state, so everything that they call must let them yield.
--
-- It runs in two ways: as a program it prints its report, else it returns it.
local socket = require "socket"
local url, http, ltn12 = require "socket.url", require "socket.http", require "ltn12"
local mime, smtp, ftp = require "mime", require "socket.smtp", require "socket.ftp"
local headers, tp = require "socket.headers", require "socket.tp"

local lines = {}
local function say(...)
  local values = table.pack(...)
  for i = 1, values.n do
    values[i] = (tostring(values[i]):gsub("[^ -~]", function(c) return ("\\%d"):format(c:byte()) end))
  end
  lines[#lines + 1] = table.concat(values, " ")
end
local function sorted(t)
  local list = {}
  for k, v in pairs(t) do list[#list + 1] = k .. "=" .. tostring(v) end
  table.sort(list)
  return table.concat(list, " ")
end

---- Coroutines that wait for sockets ----

-- A socket whose methods yield where they would wait.
local Patient = {}
Patient.__index = Patient
local function patient(object)
  object:settimeout(0)
  return setmetatable({ object = object }, Patient)
end
function Patient:settimeout() return 1 end
function Patient:getfd() return self.object:getfd() end
function Patient:dirty() return self.object:dirty() end
function Patient:getpeername() return self.object:getpeername() end
function Patient:close() return self.object:close() end
function Patient:connect(...)
  local ok, err = self.object:connect(...)
  while not ok and (err == "timeout" or err == "Operation already in progress") do
    coroutine.yield(nil, self.object)
    ok, err = self.object:connect(...)
    if err == "already connected" then ok, err = 1, nil end
  end
  return ok, err
end
function Patient:receive(pattern, part)
  local data, err
  data, err, part = self.object:receive(pattern, part)
  while err == "timeout" do
    coroutine.yield(self.object)
    data, err, part = self.object:receive(pattern, part)
  end
  return data, err, part
end
function Patient:send(data, first, last)
  local sent, err, at = self.object:send(data, first or 1, last or -1)
  while err == "timeout" do
    coroutine.yield(nil, self.object)
    sent, err, at = self.object:send(data, at + 1, last or -1)
  end
  return sent, err, at
end
function Patient:accept()
  local object, err = self.object:accept()
  while err == "timeout" do
    coroutine.yield(self.object)
    object, err = self.object:accept()
  end
  return patient(assert(object, err))
end
local function create() return patient(assert(socket.tcp())) end
local function listen()
  local server = assert(socket.bind("127.0.0.1", 0))
  return patient(server), tonumber((select(2, server:getsockname())))
end

-- Runs some functions in turns until the first of them returns.
local function together(...)
  local threads = {}
  for i, f in ipairs { ... } do threads[i] = coroutine.create(f) end
  local readable, writable = {}, {}
  while true do
    local receivers, senders = {}, {}
    for i, thread in ipairs(threads) do
      if coroutine.status(thread) ~= "dead" then
        local ok, receiver, sender = coroutine.resume(thread)
        if not ok then error(debug.traceback(thread, receiver), 0) end
        receivers[#receivers + 1] = receiver
        senders[#senders + 1] = sender
      elseif i == 1 then
        return
      end
    end
    -- Whoever is ready, all go on and look for themselves.
    if coroutine.status(threads[1]) ~= "dead" then
      local _, _, err = socket.select(receivers, senders, 20)
      if err then error("nothing happens: " .. err) end
    end
  end
end

---- url ----

say(sorted(url.parse("http://user:secret@host.example:8080/a/b;p=1?q=2#f")))
say(url.build(url.parse("http://user@host.example:8080/a/b;p=1?q=2#f")))
say(url.absolute("http://host/a/b/c", "../d/./e?x"), url.absolute("http://host/a/b/c", "//other/x"))
say(url.escape("a b/c?ä"), url.unescape("a%20b%2Fc"))
say(url.build_path(url.parse_path("/one/tw%20o/three")), #url.parse_path("/one/two/three"))

---- ltn12 ----

local collected = {}
local chunks = { "one ", "two ", "three" }
local source = ltn12.source.cat(ltn12.source.string("zero "), ltn12.source.simplify(function() return table.remove(chunks, 1) end))
local upper = function(chunk) return chunk and chunk:upper() end
local sink, result = ltn12.sink.table()
say(ltn12.pump.all(ltn12.source.chain(source, upper), ltn12.sink.chain(ltn12.filter.cycle(function(ctx, chunk)
  collected[#collected + 1] = chunk
  return chunk, ctx
end), sink)))
say(table.concat(result), #collected)

---- mime ----

local binary = {}
for i = 0, 255 do binary[#binary + 1] = string.char(i) end
binary = table.concat(binary):rep(9)
local function through(text, filter, step)
  local parts, i = {}, 0
  local given = ltn12.source.simplify(function()
    if i < #text then
      i = i + step
      return text:sub(i - step + 1, i)
    end
  end)
  local taken, t = ltn12.sink.table()
  assert(ltn12.pump.all(ltn12.source.chain(given, filter), taken))
  return table.concat(t)
end
for _, step in ipairs { 1, 7, 4096 } do
  local encoded = through(binary, ltn12.filter.chain(mime.encode("base64"), mime.wrap("base64")), step)
  say(step, #encoded, encoded:match("^[^\r]*"), through(encoded, mime.decode("base64"), step) == binary)
  local text = "A line = with\ttabs \r\nand a very long one: " .. ("x y "):rep(40) .. "\r\n\0\255 end \r\n"
  encoded = through(text, ltn12.filter.chain(mime.encode("quoted-printable"), mime.wrap("quoted-printable")), step)
  say(step, encoded)
  say(through(encoded, mime.decode("quoted-printable"), step) == text)
end
say(through("a\nb\rc\r\nd", mime.normalize("\n"), 1), through(".\r\n..\r\nx.", mime.stuff(), 2))
say(headers.canonic["content-type"], mime._VERSION)

---- http ----

local web, port = listen()
local requests = {}
local function read_request(client)
  local line = client:receive("*l")
  if not line then return end
  local method, path = line:match("^(%S+) (%S+) HTTP/1.1$")
  local fields, length = {}, 0
  while true do
    local field = client:receive("*l")
    if not field or field == "" then break end
    local name, value = field:match("^([^:]+): *(.*)$")
    fields[name:lower()] = value
  end
  local body
  if fields["transfer-encoding"] == "chunked" then
    body = ""
    repeat
      local size = tonumber(client:receive("*l"), 16)
      if size > 0 then body = body .. client:receive(size) end
      client:receive("*l")
    until size == 0
  elseif fields["content-length"] then
    body = client:receive(tonumber(fields["content-length"]))
  end
  return method, path, fields, body
end
local big = ("0123456789abcdef"):rep(20000)
local pages = {
  ["/plain"] = function(client) client:send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX-A: one\r\nx-a: two\r\n\r\nplain") end,
  ["/until-closed"] = function(client) client:send("HTTP/1.0 200 OK\r\n\r\nno length") end,
  ["/chunked"] = function(client)
    client:send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
    client:send(("%x\r\n%s\r\n0\r\nx-trailer: yes\r\n\r\n"):format(#big, big))
  end,
  ["/moved"] = function(client) client:send("HTTP/1.1 302 Found\r\nlocation: /plain\r\ncontent-length: 0\r\n\r\n") end,
  ["/secret"] = function(client, _, fields)
    if fields.authorization == "Basic " .. mime.b64("user:password") then
      client:send("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nwelcome")
    else
      client:send('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n')
    end
  end,
  ["/echo"] = function(client, method, fields, body)
    body = method .. " " .. tostring(fields["content-type"]) .. " " .. tostring(body)
    client:send(("HTTP/1.1 201 Created\r\ncontent-length: %d\r\n\r\n%s"):format(#body, body))
  end,
  ["/nothing"] = function(client) client:send("HTTP/1.1 204 No Content\r\n\r\n") end,
  ["/broken"] = function(client) client:send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc") end,
}
local function web_server()
  while true do
    local client = web:accept()
    local method, path, fields, body = read_request(client)
    requests[#requests + 1] = method .. path
    local page = pages[path]
    if page then page(client, method, fields, body) else client:send("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n") end
    client:close()
  end
end
local function web_client()
  local base = "http://127.0.0.1:" .. port
  local function get(path, options)
    local answer, t = ltn12.sink.table()
    -- A redirection forgets `create` unless the scheme is told.
    local request = { url = base .. path, scheme = "http", sink = answer, create = create }
    for k, v in pairs(options or {}) do request[k] = v end
    local ok, code, fields, status = http.request(request)
    local body = table.concat(t)
    say(path, ok, code, status, #body, body:sub(1, 40), fields and sorted(fields))
    return body
  end
  get("/plain")
  get("/until-closed")
  say(get("/chunked") == "first" .. big)
  get("/moved")
  get("/moved", { redirect = false })
  get("/secret")
  get("/secret", { user = "user", password = "password" })
  get("/none")
  get("/nothing")
  get("/broken")
  get("/plain", { method = "HEAD" })
  local text = "what is sent"
  get("/echo", { method = "POST", source = ltn12.source.string(text), headers = { ["content-length"] = #text, ["content-type"] = "text/x" } })
  get("/echo", { method = "PUT", source = ltn12.source.string(text) })
  say(http.request { url = "http://127.0.0.1:" .. port .. "/plain", create = create, sink = function() return nil, "enough" end })
  say(pcall(http.request, { url = base .. "/plain", create = function() error("no socket", 0) end }))
end
together(web_client, web_server)
say(table.concat(requests, " "))
web:close()
say(http.request("http://127.0.0.1:" .. port .. "/"))

---- smtp ----

local mail, mail_port = listen()
local letters = {}
local function mail_server()
  local client = mail:accept()
  client:send("220-hello\r\n220 there\r\n")
  while true do
    local line = client:receive("*l")
    if not line then break end
    letters[#letters + 1] = line
    local command = line:upper():match("^%a+")
    if command == "EHLO" then
      client:send("250-here\r\n250 AUTH PLAIN\r\n")
    elseif command == "AUTH" then
      client:send("235 yes\r\n")
    elseif command == "RCPT" and line:find("nobody") then
      client:send("550 no such user\r\n")
    elseif command == "DATA" then
      client:send("354 go on\r\n")
      repeat
        line = client:receive("*l")
        letters[#letters + 1] = line
      until line == "."
      client:send("250 taken\r\n")
    elseif command == "QUIT" then
      client:send("221 bye\r\n")
      break
    else
      client:send("250 ok\r\n")
    end
  end
  client:close()
end
local function send_mail(to)
  local message = smtp.message {
    headers = { to = "b@example", subject = "words", date = "Mon, 01 Jan 2024 00:00:00 +0000" },
    body = { { body = "the text\r\n.with dots\r\n" }, { headers = { ["content-type"] = "text/x" }, body = "part two" } },
  }
  return smtp.send { from = "<a@example>", rcpt = { "<" .. to .. "@example>" }, source = message, server = "127.0.0.1",
    port = mail_port, create = create, domain = "here", user = "u", password = "p" }
end
together(function() say(send_mail("b")) end, mail_server)
together(function() say(send_mail("nobody")) end, mail_server)
local boundary = table.concat(letters, "\n"):match('boundary="([^"]+)"') or "?"
-- The order of a message's headers is that of `pairs`.
local block
for _, line in ipairs(letters) do
  line = line:gsub(boundary:gsub("%p", "%%%0"), "BOUNDARY")
  if block and line ~= "" then
    block[#block + 1] = line
  else
    table.sort(block or {})
    for _, header in ipairs(block or {}) do say(header) end
    say(line)
    block = line == "DATA" and {} or nil
  end
end

---- ftp ----

local files, files_port = listen()
local stored
local function file_server()
  local client = files:accept()
  client:send("220 ready\r\n")
  local data, data_port
  while true do
    local line = client:receive("*l")
    if not line then break end
    say("ftp:", line)
    local command = line:upper():match("^%a+")
    if command == "USER" then
      client:send("331 and?\r\n")
    elseif command == "PASS" then
      client:send("230 in\r\n")
    elseif command == "EPSV" then
      data, data_port = listen()
      client:send(("229 Entering (|||%d|)\r\n"):format(data_port))
    elseif command == "PASV" then
      data, data_port = listen()
      client:send(("227 Entering (127,0,0,1,%d,%d)\r\n"):format(data_port // 256, data_port % 256))
    elseif command == "RETR" then
      local connection = data:accept()
      client:send("150 here it comes\r\n")
      connection:send("contents of the file")
      connection:close()
      client:send("226 that is it\r\n")
    elseif command == "STOR" then
      client:send("150 go on\r\n")
      local connection = data:accept()
      stored = connection:receive("*a")
      connection:close()
      client:send("226 stored\r\n")
    elseif command == "QUIT" then
      client:send("221 bye\r\n")
      break
    else
      client:send("200 ok\r\n")
    end
    if data and (command == "RETR" or command == "STOR") then data:close() end
  end
  client:close()
end
together(function()
  local answer, t = ltn12.sink.table()
  say(ftp.get { host = "127.0.0.1", port = files_port, path = "/dir/file", sink = answer, create = create, type = "i" })
  say(table.concat(t))
end, file_server)
together(function()
  say(ftp.put { host = "127.0.0.1", port = files_port, path = "new", source = ltn12.source.string("what is put"), create = create })
end, file_server)
say(stored)
say(type(tp.connect), type(ftp.open), type(smtp.open))

local report = table.concat(lines, "\n") .. "\n"
if arg then io.write(report) end
return report

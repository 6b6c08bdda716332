-- What the tables hold, and what the objects can do.
local function names(t, skip)
  local found = {}
  for name, value in pairs(t) do
    local kind = type(value)
    if kind == "number" or kind == "string" then kind = kind .. " " .. value end
    found[#found + 1] = ("%s (%s)"):format(name, kind)
  end
  table.sort(found)
  return table.concat(found, ", ")
end

local core = require "socket.core"
print(names(core)) --> expect: _DATAGRAMSIZE (number 8192), _SETSIZE (number 1024), _SOCKETINVALID (number -1), _VERSION (string LuaSocket 3.0.0), __unload (function), connect (function), dns (table), gettime (function), newtry (function), protect (function), select (function), skip (function), sleep (function), tcp (function), tcp4 (function), tcp6 (function), udp (function), udp4 (function), udp6 (function)
print(names(core.dns)) --> expect: getaddrinfo (function), gethostname (function), getnameinfo (function), tohostname (function), toip (function)
local socket = require "socket"
print(socket == core) --> expect: true
print(names(socket)) --> expect: BLOCKSIZE (number 2048), _DATAGRAMSIZE (number 8192), _SETSIZE (number 1024), _SOCKETINVALID (number -1), _VERSION (string LuaSocket 3.0.0), __unload (function), bind (function), choose (function), connect (function), connect4 (function), connect6 (function), dns (table), gettime (function), newtry (function), protect (function), select (function), sink (function), sinkt (table), skip (function), sleep (function), source (function), sourcet (table), tcp (function), tcp4 (function), tcp6 (function), try (function), udp (function), udp4 (function), udp6 (function)
print(names(socket.sourcet)) --> expect: by-length (function), default (function), until-closed (function)
print(names(socket.sinkt)) --> expect: close-when-done (function), default (function), keep-open (function)
print(socket._DEBUG) --> expect: nil
local unix = require "socket.unix"
print(names(unix), getmetatable(unix) == unix) --> expect: __call (function), dgram (function), stream (function), tcp (function), udp (function)\ttrue
print(type(require "socket.serial")) --> expect: function
print(names(require "mime.core")) --> expect: _VERSION (string MIME 1.0.3), b64 (function), dot (function), eol (function), qp (function), qpwrp (function), unb64 (function), unqp (function), wrp (function)

for _, object in ipairs { socket.tcp(), socket.udp(), unix.stream(), unix.dgram() } do
  local class = getmetatable(object)
  print((tostring(object):gsub("0x%x+", "ADDRESS"))) --> expect: tcp{master}: ADDRESS
  print(names(class)) --> expect: __gc (function), __index (table), __name (string tcp{master}), __tostring (function), tcp{any} (boolean)
  print(names(class.__index))
--> expect: accept (function), bind (function), class (string tcp{master}), close (function), connect (function), dirty (function), getfamily (function), getfd (function), getoption (function), getpeername (function), getsockname (function), getstats (function), gettimeout (function), listen (function), receive (function), send (function), setfd (function), setoption (function), setpeername (function), setsockname (function), setstats (function), settimeout (function), shutdown (function)
--> expect: udp{unconnected}: ADDRESS
--> expect: __gc (function), __index (table), __name (string udp{unconnected}), __tostring (function), select{able} (boolean), udp{any} (boolean)
--> expect: class (string udp{unconnected}), close (function), dirty (function), getfamily (function), getfd (function), getoption (function), getpeername (function), getsockname (function), gettimeout (function), receive (function), receivefrom (function), send (function), sendto (function), setfd (function), setoption (function), setpeername (function), setsockname (function), settimeout (function)
--> expect: unixstream{master}: ADDRESS
--> expect: __gc (function), __index (table), __name (string unixstream{master}), __tostring (function), unixstream{any} (boolean)
--> expect: accept (function), bind (function), class (string unixstream{master}), close (function), connect (function), dirty (function), getfd (function), getsockname (function), getstats (function), listen (function), receive (function), send (function), setfd (function), setoption (function), setpeername (function), setsockname (function), setstats (function), settimeout (function), shutdown (function)
--> expect: unixdgram{unconnected}: ADDRESS
--> expect: __gc (function), __index (table), __name (string unixdgram{unconnected}), __tostring (function), select{able} (boolean), unixdgram{any} (boolean)
--> expect: bind (function), class (string unixdgram{unconnected}), close (function), connect (function), dirty (function), getfd (function), getsockname (function), gettimeout (function), receive (function), receivefrom (function), send (function), sendto (function), setfd (function), setoption (function), setpeername (function), setsockname (function), settimeout (function)
end
print(getmetatable(socket.protect(print))) --> expect: nil

-- Manual §6.3.
print(type(package.path), type(package.cpath), package.config:sub(1, 1), #package.searchers, package.loaded._G == _G) --> expect: string\tstring\t/\t4\ttrue
package.preload.virtual = function(...) print("loading", ...) return { name = "virtual" } end
print(require("virtual").name, require("virtual") == package.loaded.virtual) --> expect: loading\tvirtual\tnil --> expect: virtual\ttrue
local name = os.tmpname()
local directory, base = name:match("^(.*)/(.*)$")
os.rename(name, name .. ".lua")
local file = io.open(name .. ".lua", "w")
file:write("local name, path = ...; return { name == '" .. base .. "', path }")
file:close()
package.path = directory .. "/?.lua"
local module = require(base)
print(module[1], module[2] == name .. ".lua", require(base) == module) --> expect: true\ttrue\ttrue
print(package.searchpath(base, package.path) == name .. ".lua") --> expect: true
print(package.searchpath("a.b", "./?.x;/?/y", ".")) --> expect: nil\t --> expect: \tno file './a/b.x' --> expect: \tno file '/a/b/y'
print(package.searchpath("a-b", "?;?.z", "-", "+")) --> expect: nil\t --> expect: \tno file 'a+b' --> expect: \tno file 'a+b.z'
os.remove(name .. ".lua")
package.path, package.cpath = "./?.nothing", "./?.nothing.so"
print(pcall(require, "not.there"))
--> expect: false\tmodule 'not.there' not found:
--> expect: \tno field package.preload['not.there']
--> expect: \tno file './not/there.nothing'
--> expect: \tno file './not/there.nothing.so'
--> expect: \tno file './not.nothing.so'
package.preload.failing = function() error("while loading", 0) end
print(pcall(require, "failing")) --> expect: false\twhile loading
package.preload.silent = function() end
print(require("silent"), package.loaded.silent) --> expect: true\ttrue
package.path = nil
print(pcall(require, "x")) --> expect: false\t'package.path' must be a string
print(pcall(require)) --> expect: false\tbad argument #1 to 'require' (string expected, got no value)

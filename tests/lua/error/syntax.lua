-- Syntax errors with the reference's words.
local function try(source) print((select(2, load(source, "=x")))) end
try "x =" --> expect: x:1: unexpected symbol near <eof>
try "x" --> expect: x:1: syntax error near <eof>
try "= 1" --> expect: x:1: unexpected symbol near '='
try "if x then" --> expect: x:1: 'end' expected near <eof>
try "if x" --> expect: x:1: 'then' expected near <eof>
try "for i = 1 do end" --> expect: x:1: ',' expected near 'do'
try "for i in do end" --> expect: x:1: unexpected symbol near 'do'
try "for 1 = 1, 2 do end" --> expect: x:1: <name> expected near '1'
try "function end" --> expect: x:1: <name> expected near 'end'
try "function f( end" --> expect: x:1: <name> or '...' expected near 'end'
try "function f(a,) end" --> expect: x:1: <name> or '...' expected near ')'
try "function f(..., a) end" --> expect: x:1: ')' expected near ','
try "local 1" --> expect: x:1: <name> expected near '1'
try "local function" --> expect: x:1: <name> expected near <eof>
try "return return" --> expect: x:1: unexpected symbol near 'return'
try "return 1," --> expect: x:1: unexpected symbol near <eof>
try "x = }" --> expect: x:1: unexpected symbol near '}'
try "x = {1, 2" --> expect: x:1: '}' expected near <eof>
try "x = {1 2}" --> expect: x:1: '}' expected near '2'
try "x = (1" --> expect: x:1: ')' expected near <eof>
try "f(1" --> expect: x:1: ')' expected near <eof>
try "f(\n1\n" --> expect: x:3: ')' expected (to close '(' at line 1) near <eof>
try "x = 'abc" --> expect: x:1: unfinished string near <eof>
try "x = \"abc\ndef\"" --> expect: x:1: unfinished string near '"abc'
try "x = [[abc" --> expect: x:1: unfinished long string (starting at line 1) near <eof>
try "x = 1 .. " --> expect: x:1: unexpected symbol near <eof>
try "x = not" --> expect: x:1: unexpected symbol near <eof>
try "x = #" --> expect: x:1: unexpected symbol near <eof>
try "a.1 = 1" --> expect: x:1: syntax error near '.1'
try "a:b" --> expect: x:1: function arguments expected near <eof>
try "a.b:c.d()" --> expect: x:1: function arguments expected near '.'
try "goto" --> expect: x:1: <name> expected near <eof>
try "::x" --> expect: x:1: '::' expected near <eof>
try "::1::" --> expect: x:1: <name> expected near '1'
try "while true do" --> expect: x:1: 'end' expected near <eof>
try "repeat" --> expect: x:1: 'until' expected near <eof>
try "repeat until" --> expect: x:1: unexpected symbol near <eof>
try "do" --> expect: x:1: 'end' expected near <eof>
try "end" --> expect: x:1: <eof> expected near 'end'
try "else" --> expect: x:1: <eof> expected near 'else'
try "x = function() return 1" --> expect: x:1: 'end' expected near <eof>
try "x = ..." --> expect: nil
try "function f() return ... end" --> expect: x:1: cannot use '...' outside a vararg function near '...'
try "x = 0x" --> expect: x:1: malformed number near '0x'
try "x = 1e" --> expect: x:1: malformed number near '1e'
try "x = 3..2" --> expect: x:1: malformed number near '3..2'
try "x = @" --> expect: x:1: unexpected symbol near '@'
try "x = $" --> expect: x:1: unexpected symbol near '$'
try "x = ~" --> expect: x:1: unexpected symbol near <eof>
try "x = a ! b" --> expect: x:1: unexpected symbol near '!'
try "local x <const> = 1" --> expect: x:1: unexpected symbol near '<'
try "x += 1" --> expect: x:1: syntax error near '+'
try "and" --> expect: x:1: unexpected symbol near 'and'
try "x = 'a' 'b'" --> expect: x:1: unexpected symbol near ''b''
try "f{}.x" --> expect: x:1: syntax error near <eof>
try "(f)" --> expect: x:1: syntax error near <eof>
try "f() = 1" --> expect: x:1: syntax error near '='
try "1 = x" --> expect: x:1: unexpected symbol near '1'
try "'x' = 1" --> expect: x:1: unexpected symbol near ''x''
try "local t = {[1] 2}" --> expect: x:1: '=' expected near '2'
try "local t = {x = }" --> expect: x:1: unexpected symbol near '}'
try "--[==[ comment" --> expect: x:1: unfinished long comment (starting at line 1) near <eof>
try "\27invalid" --> expect: x: not a precompiled chunk
try "x = \0" --> expect: x:1: unexpected symbol

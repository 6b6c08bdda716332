-- Patterns (manual §6.4.1) where the matcher takes a short way: how a match begins, what must follow a repetition, sets, depth
local function all(s, p)
  local found = {}
  for a, b in s:gmatch(p) do found[#found + 1] = b and a .. "," .. b or a end
  return table.concat(found, " ")
end
-- The whole pattern is one item
print(all("one two, three", "%a+"), all("a1b2", "%d"), all("a,,b", "[^,]+"), all("xx", "."), all("", ".+"), all("aXbX", "X")) --> expect: one two three\t1 2\ta b\tx x\t\tX X
print(("a.b.c"):gsub("%.", "-"), ("hello"):gsub("l+", "L"), ("hello"):gsub("[aeiou]", "<%0>"), ("abc"):gsub(".", "%0%0")) --> expect: a-b-c\theLo\th<e>ll<o>\taabbcc\t3
-- A repetition that only one byte can follow
print(all("k1=v1, k2 = v2,k3=v3", "(%w+)=(%w+)"), all("aaa=b=c", "(%a+)="), all("aaaa", "a+b"), all("aa=", "%a+="), all("==", "%a+=")) --> expect: k1,v1 k3,v3\taaa b\t\taa=\t
print(all("a1a2a3", "%a+%d"), all("aaab", "a+ab"), all("aab aaab", "(a+)(a)b"), all("x==y", "=+=y"), all("[[a]]", "%[+%a")) --> expect: a1 a2 a3\taaab\ta,a aa,a\t==y\t[[a
-- Text at the beginning
print(("xxkey1=1"):find("key(%d)="), ("kekey"):find("key"), ("ab"):find("abc?"), ("abab"):match("abab+"), ("aab"):match("aab-c?")) --> expect: 3\t3\t1\tabab\taa
print(("abc"):find("abcd*"), ("ab"):find("abcd*"), ("abd"):find("abc?d"), ("a)b"):find("a%)b"), ("ac"):find("abc-"), ("ab]c"):find("b]c")) --> expect: 1\tnil\t1\t1\tnil\t2\t4
-- Greedy and lazy repetitions give back or take what is needed
print(("aaa"):match("^(a*)(a)$"), ("aaa"):match("^(a-)(a*)$"), ("  x y  "):match("^%s*(.-)%s*$"), ("a,b,c"):match("^(.*),(.-)$")) --> expect: aa\t\tx y\ta,b\tc
print(("key = value # c"):match("^(%w+)%s*=%s*(.-)%s*#"), ("<<a>>"):match("<(.-)>"), ("((a)b)"):match("%((.-)%)"), ("ab"):match("^(.-)$")) --> expect: key\t<a\t(a\tab
print(("aXbXc"):match("(.-)X(.*)"), ("abc"):match(".-c$"), ("abc"):match("^.-$"), ("abcb"):match("^.-b$"), ("x"):match("^.-()$")) --> expect: a\tabc\tabc\tabcb\t2
print(("aab"):match("a?a?a?b"), ("b"):match("a?b"), ("ab"):match("(a?)(b?)(c?)"), ("aaa"):match("^a?a?a?a?$")) --> expect: aab\tb\ta\taaa
-- Captures that were closed, and opened again by going back
print(("aXaY"):match("((a).-)Y"), ("abcabd"):match("((ab)(c?))d"), ("aaab"):match("((a*)(a))b"), ("ababx"):match("(a(b?)).-%1x")) --> expect: aXa\tab\taaa\tab\tb
print(("abab"):match("(ab)%1"), ("aba"):match("()(a)(b)()%2()"), ("xyxy"):find("(x(y))%1")) --> expect: ab\t1\t1\t4\txy\ty
-- Sets: ranges, classes, complements, brackets, more sets than are kept
print(all("a-z[]^%9", "[a-]"), all("a]b[", "[]]"), all("a]b", "[^]]"), all("x^y", "[%^]"), all("a%b", "[%%]"), all("_a1-", "[%w_]+")) --> expect: a -\t]\ta b\t^\t%\t_a1
-- A range takes the first half of an escape; then the other half escapes the bracket that ends the set
print(("]"):match("[a-%%]"), ("%"):match("[]-%%]"), (("b%]"):gsub("[^a-%%]", "x")), ("]"):match(" ?[]-%%]")) --> expect: ]\tnil\txx]\t]
print(all("az09-", "[%a-z]"), all("\0a\xff", "[\0-\x1f\xff]"):byte(1, -1)) --> expect: a z -\t0\t32\t255
print(("a1_ B=2;c"):match("([a-c]+)([0-9]+)([_]+)([%s]+)([A-F]+)([=]+)([%d]+)([;:]+)([^%d]+)"), all("b-a", "[b-a]"), all("abc", "[^a-b]")) --> expect: a\t\tc
-- Anchors, frontiers, balance
print(("aa"):gsub("^a", "x"), ("aa"):gsub("a$", "x"), ("a$"):gsub("$", "x"), ("a$a"):find("$a"), all("^a^a", "^a"), ("THE (quick) fox"):find("%f[%a]%a+%f[%A]")) --> expect: xa\tax\ta$x\t2\t^a ^a\t1\t3
print(("f(a(b)c)d)"):match("%b()"), ("(()"):find("%b()"), ("[[x]]"):gsub("%b[]", "o"), all("a b", "%f[%w]%w"), (""):gsub("%f[%z]", "e")) --> expect: (a(b)c)\t2\to\ta b\t\t0
-- Empty matches
print(("abc"):gsub("", "-"), ("abc"):gsub("x*", "-"), ("hello world"):gsub("o*", "."), all("a b", "%a*"), ("abc"):gsub("b*", "<%0>"), (";a;"):gsub("a*", "%0%0")) --> expect: -a-b-c-\t-a-b-c-\t.h.e.l.l. .w.r.l.d.\ta b\t<>a<b>c<>\t;aa;\t3
-- Faults are found when the matcher comes to them
for _, p in ipairs {"[a", "[", "[^", "[]", "[^]", "%", "a%", "%f", "%fa", "%b", "%bx", "(", ")", "a)", "(a", "%1", "(a%1)", "(a)%2", "a[%", "a[%]"} do
  local ok, message = pcall(string.find, "aaa", p)
  print(p, ok, message, (pcall(string.find, "bbb", p)), (pcall(string.find, "", p)))
--> expect: [a\tfalse\tmalformed pattern (missing ']')\tfalse\tfalse
--> expect: [\tfalse\tmalformed pattern (missing ']')\tfalse\tfalse
--> expect: [^\tfalse\tmalformed pattern (missing ']')\tfalse\tfalse
--> expect: []\tfalse\tmalformed pattern (missing ']')\tfalse\tfalse
--> expect: [^]\tfalse\tmalformed pattern (missing ']')\tfalse\tfalse
--> expect: %\tfalse\tmalformed pattern (ends with '%')\tfalse\tfalse
--> expect: a%\tfalse\tmalformed pattern (ends with '%')\ttrue\ttrue
--> expect: %f\tfalse\tmissing '[' after '%f' in pattern\tfalse\tfalse
--> expect: %fa\tfalse\tmissing '[' after '%f' in pattern\tfalse\tfalse
--> expect: %b\tfalse\tmalformed pattern (missing arguments to '%b')\tfalse\tfalse
--> expect: %bx\tfalse\tmalformed pattern (missing arguments to '%b')\tfalse\tfalse
--> expect: (\tfalse\tunfinished capture\tfalse\tfalse
--> expect: )\ttrue\tnil\ttrue\ttrue
--> expect: a)\ttrue\tnil\ttrue\ttrue
--> expect: (a\tfalse\tunfinished capture\ttrue\ttrue
--> expect: %1\tfalse\tinvalid capture index %1\tfalse\tfalse
--> expect: (a%1)\tfalse\tinvalid capture index %1\ttrue\ttrue
--> expect: (a)%2\tfalse\tinvalid capture index %2\ttrue\ttrue
--> expect: a[%\tfalse\tmalformed pattern (missing ']')\ttrue\ttrue
--> expect: a[%]\tfalse\tmalformed pattern (missing ']')\ttrue\ttrue
end
print(pcall(string.find, "a", ("(a"):rep(33))) --> expect: true\tnil
print(pcall(string.find, ("a"):rep(33), ("(a)"):rep(33))) --> expect: false\ttoo many captures
print(pcall(string.gsub, "abc", "b", "%2"), pcall(string.gsub, "abc", "(b", "x"), pcall(string.gsub, "abc", "b", "%")) --> expect: false\ttrue\tfalse\tinvalid use of '%' in replacement string
-- The limit of nested calls of the reference implementation
local function deep(unit, n, s) return select(2, pcall(string.find, s, "^" .. unit:rep(n))) end
local long = ("a"):rep(300)
for _, n in ipairs {98, 99, 100, 101, 198, 199, 200, 201, 1000} do
  print(n, deep("a?", n, long), deep("a?", n, ""), deep("a*", n, "a"), deep("a*", n, ""), deep("a-", n, "a"))
--> expect: 98\t1\t1\t1\t1\t1\t0
--> expect: 99\t1\t1\t1\t1\t1\t0
--> expect: 100\t1\t1\t1\t1\t1\t0
--> expect: 101\t1\t1\t1\t1\t1\t0
--> expect: 198\t1\t1\t1\t1\t1\t0
--> expect: 199\t1\t1\t1\t1\t1\t0
--> expect: 200\tpattern too complex\t1\t1\t1\tpattern too complex
--> expect: 201\tpattern too complex\t1\t1\t1\tpattern too complex
--> expect: 1000\tpattern too complex\t1\t1\t1\tpattern too complex
end
for _, n in ipairs {135, 136, 137, 138} do print(n, deep("a?", n, long), select(2, pcall(string.find, long, "^" .. ("(a)"):rep(31) .. ("a?"):rep(n)))) end
--> expect: 135\t1\t1\t166\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta
--> expect: 136\t1\t1\t167\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta
--> expect: 137\t1\t1\t168\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta\ta
--> expect: 138\t1\tpattern too complex

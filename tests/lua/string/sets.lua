-- Sets of few and of many characters: which bytes they match, alone, repeated and in the middle of a pattern.
local all = {}
for i = 0, 255 do all[#all + 1] = string.char(i) end
all = table.concat(all)
local sets = {"[a]", "[^a]", "[ab]", "[^ab]", "[abc]", "[abcd]", "[^abcd]", "[abcde]", "[aba]", "[abca]", "[^abca]", "[]]", "[]a]", "[^]a]", "[^]]", "[a^]", "[^^]", "[[]", "[.]",
  "[a-]", "[-a]", "[a-c]", "[^a-c]", "[%a]", "[%]]", "[a%]", "[a%]]", "[%]a]", "[a-%]", "[ \n\t]", "[^ \n\t]", "[\"\\]", "[\0]", "[^\0]", "[\255\0]", "[()]", "[*+?-]", "[$]", "[^$]", "[^%%]"}
for _, set in ipairs(sets) do
  local ok, count = pcall(function() return select(2, all:gsub(set, "")) end)
  if ok then
    local sum = 0
    for p in all:gmatch("()" .. set) do sum = sum * 31 % 1000003 + p end
    local runs = {}
    for run in ("aabbcc]]^^--$$[[ab]c ^-"):gmatch(set .. "+") do runs[#runs + 1] = #run end
    print(set:gsub("%c", "."), count, sum, table.concat(runs, ","), ("xab]^-"):find("x?" .. set .. "*"), ("ab]^-c"):match("(" .. set .. "-)c"), ("aab"):find("^" .. set .. "b"))
--> expect: [a]\t1\t98\t2,1\t1\t\tnil
--> expect: [^a]\t255\t673646\t14,6\t1\tb]^-\tnil
--> expect: [ab]\t2\t3137\t4,2\t1\t\tnil
--> expect: [^ab]\t254\t497001\t12,5\t1\t]^-\tnil
--> expect: [abc]\t3\t97347\t6,2,1\t1\t\tnil
--> expect: [abcd]\t4\t17849\t6,2,1\t1\t\tnil
--> expect: [^abcd]\t252\t328141\t10,1,3\t1\t]^-\tnil
--> expect: [abcde]\t5\t553421\t6,2,1\t1\t\tnil
--> expect: [aba]\t2\t3137\t4,2\t1\t\tnil
--> expect: [abca]\t3\t97347\t6,2,1\t1\t\tnil
--> expect: [^abca]\t253\t691087\t10,1,3\t1\t]^-\tnil
--> expect: []]\t1\t94\t2,1\t1\t\tnil
--> expect: []a]\t2\t3012\t2,2,1,1\t1\t\tnil
--> expect: [^]a]\t254\t989849\t4,8,1,4\t1\t^-\tnil
--> expect: [^]]\t255\t943954\t6,10,4\t1\t^-\tnil
--> expect: [a^]\t2\t3043\t2,2,1,1\t1\t\tnil
--> expect: [^^]\t255\t553077\t8,11,1\t1\t-\tnil
--> expect: [[]\t1\t92\t2\t1\t\tnil
--> expect: [.]\t1\t47\t\t1\t\tnil
--> expect: [a-]\t2\t1524\t2,2,1,1\t1\t-\tnil
--> expect: [-a]\t2\t1524\t2,2,1,1\t1\t-\tnil
--> expect: [a-c]\t3\t97347\t6,2,1\t1\t\tnil
--> expect: [^a-c]\t253\t691087\t10,1,3\t1\t]^-\tnil
--> expect: [%a]\t52\t896957\t6,2,1\t1\t\tnil
--> expect: [%]]\t1\t94\t2,1\t1\t\tnil
  else
    print(set, (count:gsub("^.-:%d+: ", "")))
--> expect: [a%]\tmalformed pattern (missing ']')
--> expect: [a%]]\t2\t3012\t2,2,1,1\t1\t\tnil
--> expect: [%]a]\t2\t3012\t2,2,1,1\t1\t\tnil
--> expect: [a-%]\tmalformed pattern (missing ']')
--> expect: [ ..]\t3\t9984\t1\t1\t\tnil
--> expect: [^ ..]\t253\t746542\t20,2\t1\tab]^-\tnil
--> expect: ["\\]\t2\t1178\t\t1\t\tnil
--> expect: [.]\t1\t1\t\t1\t\tnil
--> expect: [^.]\t255\t236874\t23\t1\tab]^-\tnil
--> expect: [ÿ.]\t2\t287\t\t1\t\tnil
--> expect: [()]\t2\t1313\t\t1\t\tnil
--> expect: [*+?-]\t4\t324784\t2,1\t1\t-\tnil
--> expect: [$]\t1\t37\t2\t1\t\tnil
--> expect: [^$]\t255\t669962\t12,9\t1\tab]^-\tnil
--> expect: [^%%]\t255\t834562\t23\t1\tab]^-\tnil
  end
end
for _, bad in ipairs {"[", "[a", "[^", "[^a", "[]", "[^]", "[abcd", "[abcde", "[a%", "[%", "x[", "%f[", "%f[a", "[a]["} do
  print(bad, pcall(string.find, "a", bad), pcall(string.gsub, "a", bad, ""), (pcall(string.match, "", bad)))
--> expect: [\tfalse\tfalse\tfalse
--> expect: [a\tfalse\tfalse\tfalse
--> expect: [^\tfalse\tfalse\tfalse
--> expect: [^a\tfalse\tfalse\tfalse
--> expect: []\tfalse\tfalse\tfalse
--> expect: [^]\tfalse\tfalse\tfalse
--> expect: [abcd\tfalse\tfalse\tfalse
--> expect: [abcde\tfalse\tfalse\tfalse
--> expect: [a%\tfalse\tfalse\tfalse
--> expect: [%\tfalse\tfalse\tfalse
--> expect: x[\ttrue\ttrue\ttrue
--> expect: %f[\tfalse\tfalse\tfalse
--> expect: %f[a\tfalse\tfalse\tfalse
--> expect: [a][\tfalse\tfalse\ttrue
end
print(("THE (quick) fox"):find("%f[%a]%a+%f[%A]"), ("one;two"):match("[^;]*;([^;]*)"), ("a,b,,c"):gsub("[^,]*", "<%0>"), ("\n\n"):match("[^\n]*"), (("x"):rep(100) .. ";"):match("[^;]+"):len()) --> expect: 1\ttwo\t<a>,<b>,<>,<c>\t\t100

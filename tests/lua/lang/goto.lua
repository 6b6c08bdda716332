-- Manual §3.3.4: goto and labels.
do
  local i = 1
  ::top::
  if i <= 3 then
    io.write(i, " ")
    i = i + 1
    goto top
  end
  print() --> expect: 1 2 3 
end
for i = 1, 3 do
  for j = 1, 3 do
    if j == 2 then goto continue end
    io.write(i, ":", j, " ")
    ::continue::
  end
end
print() --> expect: 1:1 1:3 2:1 2:3 3:1 3:3 
do
  local functions = {}
  local i = 1
  ::again::
  local x = i * 10
  functions[i] = function() x = x + 1 return x end
  i = i + 1
  if i <= 3 then goto again end
  print(functions[1](), functions[1](), functions[2](), functions[3]()) --> expect: 11\t12\t21\t31
end
do goto done; local unused; ::done:: end
print(load("goto nowhere")) --> expect: nil\t[string "goto nowhere"]:1: no visible label 'nowhere' for <goto> at line 1
print(load("goto inside; do ::inside:: end")) --> expect: nil\t[string "goto inside; do ::inside:: end"]:1: no visible label 'inside' for <goto> at line 1
print(load("::a:: ::a::")) --> expect: nil\t[string "::a:: ::a::"]:1: label 'a' already defined on line 1
print(load("goto f; local x; ::f:: print(x)")) --> expect: nil\t[string "goto f; local x; ::f:: print(x)"]:1: <goto f> at line 1 jumps into the scope of local 'x'
print(load("break")) --> expect: nil\t[string "break"]:1: <break> at line 1 not inside a loop
print(load("repeat if x then goto cont end; local y; ::cont:: until y")) --> expect: nil\t[string "repeat if x then goto cont end; local y; ::co..."]:1: <goto cont> at line 1 jumps into the scope of local 'y'

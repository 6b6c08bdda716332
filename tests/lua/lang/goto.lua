-- Manual §3.3.4: goto and labels.
do
  local i = 1
  ::top::
  if i <= 3 then
    io.write(i, " ")
    i = i + 1
    goto top
  end
  print()
end
for i = 1, 3 do
  for j = 1, 3 do
    if j == 2 then goto continue end
    io.write(i, ":", j, " ")
    ::continue::
  end
end
print()
do
  local functions = {}
  local i = 1
  ::again::
  local x = i * 10
  functions[i] = function() x = x + 1 return x end
  i = i + 1
  if i <= 3 then goto again end
  print(functions[1](), functions[1](), functions[2](), functions[3]())
end
do goto done; local unused; ::done:: end
print(load("goto nowhere"))
print(load("goto inside; do ::inside:: end"))
print(load("::a:: ::a::"))
print(load("goto f; local x; ::f:: print(x)"))
print(load("break"))
print(load("repeat if x then goto cont end; local y; ::cont:: until y"))

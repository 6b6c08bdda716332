for _, v in next, {1, true, type, coroutine.create(type)} do debug.setmetatable(v, F) end
debug.setmetatable(nil, F)
do
  local strings = getmetatable('')
  for k, v in next, F do if k ~= '__index' then strings[k] = v end end
end

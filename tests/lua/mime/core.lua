-- The filters of mime.core: whole, in pieces of every size, and at their ends.
local mime = require "mime.core"
local function show(...)
  local values = table.pack(...)
  for i = 1, values.n do
    local v = values[i]
    values[i] = type(v) == "string" and '"' .. v:gsub("[^ -~]", function(c) return ("\\%d"):format(c:byte()) end) .. '"' or tostring(v)
  end
  print(table.concat(values, " "))
end

-- Base64
for _, text in ipairs { "", "f", "fo", "foo", "foob", "fooba", "foobar", "\0\255\254", ("\0\1\2"):rep(3) } do
  show(mime.b64(text)) --> expect: nil nil
  show(mime.b64(text, "")) --> expect: "" ""
  show(mime.b64("", text)) --> expect: "" ""
  show(mime.b64("x", text))
--> expect: "" "x"
--> expect: "Zg==" nil
--> expect: "" "f"
--> expect: "" "f"
--> expect: "" "xf"
--> expect: "Zm8=" nil
--> expect: "" "fo"
--> expect: "" "fo"
--> expect: "eGZv" ""
--> expect: "Zm9v" nil
--> expect: "Zm9v" ""
--> expect: "Zm9v" ""
--> expect: "eGZv" "o"
--> expect: "Zm9vYg==" nil
--> expect: "Zm9v" "b"
--> expect: "Zm9v" "b"
--> expect: "eGZv" "ob"
--> expect: "Zm9vYmE=" nil
--> expect: "Zm9v" "ba"
--> expect: "Zm9v" "ba"
--> expect: "eGZvb2Jh" ""
--> expect: "Zm9vYmFy" nil
--> expect: "Zm9vYmFy" ""
--> expect: "Zm9vYmFy" ""
--> expect: "eGZvb2Jh" "r"
--> expect: "AP/+" nil
--> expect: "AP/+" ""
--> expect: "AP/+" ""
--> expect: "eAD/" "\\254"
--> expect: "AAECAAECAAEC" nil
--> expect: "AAECAAECAAEC" ""
--> expect: "AAECAAECAAEC" ""
--> expect: "eAABAgABAgAB" "\\2"
end
show(mime.b64()) show(mime.b64(nil, "x")) show(mime.b64(123)) show(mime.b64("ab", 45))
--> expect: nil nil
--> expect: nil nil
--> expect: "MTIz" nil
--> expect: "YWI0" "5"
for _, text in ipairs { "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmFy", "Zm 9v\r\nYm!Fy", "Zm9", "Zm", "Z", "====", "Zg==Zg==", "A===", "//++" } do
  show(mime.unb64(text)) --> expect: nil nil
  show(mime.unb64(text, "")) --> expect: "" ""
  show(mime.unb64("Zm", text))
--> expect: "" "Zm"
--> expect: "f" nil
--> expect: "f" ""
--> expect: "ff`" "=="
--> expect: "fo" nil
--> expect: "fo" ""
--> expect: "fff" "8="
--> expect: "foo" nil
--> expect: "foo" ""
--> expect: "fff" "9v"
--> expect: "foob" nil
--> expect: "foob" ""
--> expect: "fff\\246\\246 " "=="
--> expect: "foobar" nil
--> expect: "foobar" ""
--> expect: "fff\\246\\246&" "Fy"
--> expect: "foobar" nil
--> expect: "foobar" ""
--> expect: "fff\\246\\246&" "Fy"
--> expect: nil nil
--> expect: "" "Zm9"
--> expect: "fff" "9"
--> expect: nil nil
--> expect: "" "Zm"
--> expect: "fff" ""
--> expect: nil nil
--> expect: "" "Z"
--> expect: "" "ZmZ"
--> expect: "\\0" nil
--> expect: "\\0" ""
--> expect: "f" "=="
--> expect: "ff" nil
--> expect: "ff" ""
--> expect: "ff`\\0\\6`" "=="
--> expect: "\\0" nil
--> expect: "\\0" ""
--> expect: "f`" "=="
--> expect: "\\255\\255\\190" nil
--> expect: "\\255\\255\\190" ""
--> expect: "fo\\255" "++"
end
show(mime.unb64()) show(mime.unb64(nil, "x")) --> expect: nil nil --> expect: nil nil

-- Quoted-printable
local texts = {
  "", "plain", "a=b", "umlaut \228\n", "line\r\nline\r\n", "space \r\ntab\t\r\n", " ", "\t", "\r", "\n", "a \r", "a  \r\n",
  "\r\r\n", "\0\127\128\255", "trailing ", "~!\"#$%&'()*+,-./:;<>?@[\\]^_`{|}", "x\r", " \r", "  x", " \rx", "\t \r\n",
}
for _, text in ipairs(texts) do
  show(mime.qp(text)) --> expect: nil nil
  show(mime.qp(text, "")) --> expect: "" ""
  show(mime.qp("", text, "=0D=0A")) --> expect: "" ""
  show(mime.qp(text, nil, "<marker>"))
--> expect: nil nil
--> expect: "plain" nil
--> expect: "plain" ""
--> expect: "plain" ""
--> expect: "plain" nil
--> expect: "a=3Db" nil
--> expect: "a=3Db" ""
--> expect: "a=3Db" ""
--> expect: "a=3Db" nil
--> expect: "umlaut =E4=0A" nil
--> expect: "umlaut =E4=0A" ""
--> expect: "umlaut =E4=0A" ""
--> expect: "umlaut =E4=0A" nil
--> expect: "line\\13\\10line\\13\\10" nil
--> expect: "line\\13\\10line\\13\\10" ""
--> expect: "line=0D=0Aline=0D=0A" ""
--> expect: "line<marker>line<marker>" nil
--> expect: "space=20\\13\\10tab=09\\13\\10" nil
--> expect: "space=20\\13\\10tab=09\\13\\10" ""
--> expect: "space=20=0D=0Atab=09=0D=0A" ""
--> expect: "space=20<marker>tab=09<marker>" nil
--> expect: "=20=\\13\\10" nil
--> expect: "" " "
--> expect: "" " "
--> expect: "=20=\\13\\10" nil
--> expect: "=09=\\13\\10" nil
--> expect: "" "\\9"
--> expect: "" "\\9"
--> expect: "=09=\\13\\10" nil
--> expect: "=0D=\\13\\10" nil
--> expect: "" "\\13"
--> expect: "" "\\13"
--> expect: "=0D=\\13\\10" nil
--> expect: "=0A" nil
--> expect: "=0A" ""
--> expect: "=0A" ""
--> expect: "=0A" nil
--> expect: "a=20=0D=\\13\\10" nil
--> expect: "a" " \\13"
--> expect: "a" " \\13"
--> expect: "a=20=0D=\\13\\10" nil
--> expect: "a =20\\13\\10" nil
--> expect: "a =20\\13\\10" ""
--> expect: "a =20=0D=0A" ""
--> expect: "a =20<marker>" nil
--> expect: "=0D\\13\\10" nil
--> expect: "=0D\\13\\10" ""
--> expect: "=0D=0D=0A" ""
--> expect: "=0D<marker>" nil
--> expect: "=00=7F=80=FF" nil
--> expect: "=00=7F=80=FF" ""
--> expect: "=00=7F=80=FF" ""
--> expect: "=00=7F=80=FF" nil
--> expect: "trailing=20=\\13\\10" nil
--> expect: "trailing" " "
--> expect: "trailing" " "
--> expect: "trailing=20=\\13\\10" nil
--> expect: "~!"#$%&'()*+,-./:;<>?@[\\]^_`{|}" nil
--> expect: "~!"#$%&'()*+,-./:;<>?@[\\]^_`{|}" ""
--> expect: "~!"#$%&'()*+,-./:;<>?@[\\]^_`{|}" ""
--> expect: "~!"#$%&'()*+,-./:;<>?@[\\]^_`{|}" nil
--> expect: "x=0D=\\13\\10" nil
--> expect: "x" "\\13"
--> expect: "x" "\\13"
--> expect: "x=0D=\\13\\10" nil
--> expect: "=20=0D=\\13\\10" nil
--> expect: "" " \\13"
--> expect: "" " \\13"
--> expect: "=20=0D=\\13\\10" nil
--> expect: " =20x=\\13\\10" nil
--> expect: " " " x"
--> expect: " " " x"
--> expect: " =20x=\\13\\10" nil
--> expect: " =0Dx" nil
--> expect: " =0Dx" ""
--> expect: " =0Dx" ""
--> expect: " =0Dx" nil
--> expect: "\\9=20\\13\\10" nil
--> expect: "\\9=20\\13\\10" ""
--> expect: "\\9=20=0D=0A" ""
--> expect: "\\9=20<marker>" nil
end
show(mime.qp()) show(mime.qp(nil, "x", "y")) --> expect: nil nil --> expect: nil nil
for _, text in ipairs { "", "plain", "=41=42", "=4", "=", "=\r\n", "=\r", "a=\r\nb", "=zz", "=4z", "=e4=E4", "line\r\n", "\r", "\rx", "\n", "\t\1\127\200", "a\r\r\nb", "==41", "=0A" } do
  show(mime.unqp(text)) --> expect: nil nil
  show(mime.unqp(text, "")) --> expect: "" ""
  show(mime.unqp("=", text))
--> expect: "" "="
--> expect: "plain" nil
--> expect: "plain" ""
--> expect: "=plain" ""
--> expect: "AB" nil
--> expect: "AB" ""
--> expect: "==41B" ""
--> expect: nil nil
--> expect: "" "=4"
--> expect: "==4" ""
--> expect: nil nil
--> expect: "" "="
--> expect: "" "=="
--> expect: nil nil
--> expect: "" ""
--> expect: "==\\13" ""
--> expect: nil nil
--> expect: "" "=\\13"
--> expect: "==\\13" ""
--> expect: "ab" nil
--> expect: "ab" ""
--> expect: "=a=\\13\\10b" ""
--> expect: "=zz" nil
--> expect: "=zz" ""
--> expect: "==zz" ""
--> expect: "=4z" nil
--> expect: "=4z" ""
--> expect: "==4z" ""
--> expect: "\\228\\228" nil
--> expect: "\\228\\228" ""
--> expect: "==e4\\228" ""
--> expect: "line\\13\\10" nil
--> expect: "line\\13\\10" ""
--> expect: "=line\\13\\10" ""
--> expect: nil nil
--> expect: "" "\\13"
--> expect: "" "=\\13"
--> expect: nil nil
--> expect: "" ""
--> expect: "=\\13x" ""
--> expect: nil nil
--> expect: "" ""
--> expect: "" "=\\10"
--> expect: "\\9" nil
--> expect: "\\9" ""
--> expect: "=\\9\\1" ""
--> expect: "ab" nil
--> expect: "ab" ""
--> expect: "=a\\13\\13\\10b" ""
--> expect: "==41" nil
--> expect: "==41" ""
--> expect: "===41" ""
--> expect: "\\10" nil
--> expect: "\\10" ""
--> expect: "==0A" ""
end
show(mime.unqp()) show(mime.unqp(nil, "x")) --> expect: nil nil --> expect: nil nil

-- In pieces: the filters keep what they are not sure of.
local function pieces(filter, text, size, ...)
  local result, rest = {}, ""
  for i = 1, #text, size do
    local part
    part, rest = filter(rest, text:sub(i, i + size - 1), ...)
    result[#result + 1] = part
  end
  result[#result + 1] = (filter(rest, nil, ...))
  return table.concat(result)
end
local all = { "x" }
for i = 0, 255 do all[#all + 1] = string.char(i) end
for _, s in ipairs { " ", "\t", "\r\n", " \r\n", "\t\r\n", "\r", "=", "=\r\n", "\n" } do all[#all + 1] = s .. "x" .. s end
all = table.concat(all)
for size = 1, 7 do
  print(pieces(mime.unb64, pieces(mime.b64, all, size), size) == all,
--> expect: true\ttrue\ttrue\ttrue\ttrue
--> expect: true\ttrue\ttrue\ttrue\ttrue
--> expect: true\ttrue\ttrue\ttrue\ttrue
--> expect: true\ttrue\ttrue\ttrue\ttrue
--> expect: true\ttrue\ttrue\ttrue\ttrue
--> expect: true\ttrue\ttrue\ttrue\ttrue
--> expect: true\ttrue\ttrue\ttrue\ttrue
    pieces(mime.b64, all, size) == mime.b64(all),
    pieces(mime.qp, all, size) == mime.qp(all),
    pieces(mime.qp, all, size, "=0D=0A") == mime.qp(all, nil, "=0D=0A"),
    pieces(mime.unqp, mime.qp(all), size) == mime.unqp(mime.qp(all)))
end
show(mime.qp(all)) --> expect: "x=00=01=02=03=04=05=06=07=08\\9=0A=0B=0C=0D=0E=0F=10=11=12=13=14=15=16=17=18=19=1A=1B=1C=1D=1E=1F !"#$%&'()*+,-./0123456789:;<=3D>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~=7F=80=81=82=83=84=85=86=87=88=89=8A=8B=8C=8D=8E=8F=90=91=92=93=94=95=96=97=98=99=9A=9B=9C=9D=9E=9F=A0=A1=A2=A3=A4=A5=A6=A7=A8=A9=AA=AB=AC=AD=AE=AF=B0=B1=B2=B3=B4=B5=B6=B7=B8=B9=BA=BB=BC=BD=BE=BF=C0=C1=C2=C3=C4=C5=C6=C7=C8=C9=CA=CB=CC=CD=CE=CF=D0=D1=D2=D3=D4=D5=D6=D7=D8=D9=DA=DB=DC=DD=DE=DF=E0=E1=E2=E3=E4=E5=E6=E7=E8=E9=EA=EB=EC=ED=EE=EF=F0=F1=F2=F3=F4=F5=F6=F7=F8=F9=FA=FB=FC=FD=FE=FF x \\9x=09\\13\\10x\\13\\10=20\\13\\10x=20\\13\\10=09\\13\\10x=09\\13\\10=0Dx=0D=3Dx=3D=3D\\13\\10x=3D\\13\\10=0Ax=0A" nil

-- Wrapping
local long = ("0123456789"):rep(5)
for _, left in ipairs { 10, 7, 1, 0, -3, 100, 7.9, "8" } do
  show(mime.wrp(left, long, 10)) --> expect: "0123456789\\13\\100123456789\\13\\100123456789\\13\\100123456789\\13\\100123456789" 0.0
  show(mime.qpwrp(left, long, 10))
--> expect: "012345678=\\13\\10901234567=\\13\\10890123456=\\13\\10789012345=\\13\\10678901234=\\13\\1056789" 5.0
--> expect: "0123456\\13\\107890123456\\13\\107890123456\\13\\107890123456\\13\\107890123456\\13\\10789" 7.0
--> expect: "012345=\\13\\10678901234=\\13\\10567890123=\\13\\10456789012=\\13\\10345678901=\\13\\1023456789" 2.0
--> expect: "0\\13\\101234567890\\13\\101234567890\\13\\101234567890\\13\\101234567890\\13\\10123456789" 1.0
--> expect: "=\\13\\10012345678=\\13\\10901234567=\\13\\10890123456=\\13\\10789012345=\\13\\10678901234=\\13\\1056789" 5.0
--> expect: "\\13\\100123456789\\13\\100123456789\\13\\100123456789\\13\\100123456789\\13\\100123456789" 0.0
--> expect: "=\\13\\10012345678=\\13\\10901234567=\\13\\10890123456=\\13\\10789012345=\\13\\10678901234=\\13\\1056789" 5.0
--> expect: "\\13\\100123456789\\13\\100123456789\\13\\100123456789\\13\\100123456789\\13\\100123456789" 0.0
--> expect: "=\\13\\10012345678=\\13\\10901234567=\\13\\10890123456=\\13\\10789012345=\\13\\10678901234=\\13\\1056789" 5.0
--> expect: "01234567890123456789012345678901234567890123456789" 50.0
--> expect: "01234567890123456789012345678901234567890123456789" 50.0
--> expect: "0123456\\13\\107890123456\\13\\107890123456\\13\\107890123456\\13\\107890123456\\13\\10789" 7.0
--> expect: "012345=\\13\\10678901234=\\13\\10567890123=\\13\\10456789012=\\13\\10345678901=\\13\\1023456789" 2.0
--> expect: "01234567\\13\\108901234567\\13\\108901234567\\13\\108901234567\\13\\108901234567\\13\\1089" 8.0
--> expect: "0123456=\\13\\10789012345=\\13\\10678901234=\\13\\10567890123=\\13\\10456789012=\\13\\103456789" 3.0
end
show(mime.wrp(76, long .. long)) show(mime.qpwrp(76, long .. long)) --> expect: "0123456789012345678901234567890123456789012345678901234567890123456789012345\\13\\10678901234567890123456789" 52.0 --> expect: "012345678901234567890123456789012345678901234567890123456789012345678901234=\\13\\105678901234567890123456789" 51.0
show(mime.wrp(10, "a\r\nb\nc\rd", 10)) show(mime.qpwrp(10, "a\r\nb\nc\rd", 10)) --> expect: "a\\13\\10b\\13\\10cd" 8.0 --> expect: "a\\13\\10b\\13\\10cd" 8.0
show(mime.wrp(3, "a\n\n\nbcdef", 3)) show(mime.qpwrp(5, "a=41=42=43bc=44", 5)) --> expect: "a\\13\\10\\13\\10\\13\\10bcd\\13\\10ef" 1.0 --> expect: "a=41=\\13\\10=42=\\13\\10=43b=\\13\\10c=44" 1.0
show(mime.qpwrp(3, "=41", 10)) show(mime.qpwrp(4, "=41", 10)) show(mime.qpwrp(2, "ab", 10)) --> expect: "=\\13\\10=41" 7.0 --> expect: "=41" 1.0 --> expect: "a=\\13\\10b" 9.0
show(mime.wrp(10, nil, 10)) show(mime.wrp(9, nil, 10)) show(mime.wrp(76)) show(mime.wrp(75))
--> expect: nil 10.0
--> expect: "\\13\\10" 10.0
--> expect: nil 76.0
--> expect: "\\13\\10" 76.0
show(mime.qpwrp(10, nil, 10)) show(mime.qpwrp(9, nil, 10)) show(mime.qpwrp(76)) show(mime.qpwrp(75))
--> expect: nil 10.0
--> expect: "=\\13\\10" 10.0
--> expect: nil 76.0
--> expect: "=\\13\\10" 76.0
show(mime.wrp(10, "", 10)) show(mime.wrp(5, 12345678, 6)) show(mime.wrp(0, "ab", 0)) --> expect: "" 10.0 --> expect: "12345\\13\\10678" 3.0 --> expect: "\\13\\10a\\13\\10b" -1.0
print(pcall(function() mime.wrp() end)) print(pcall(function() mime.wrp("x") end)) print(pcall(function() mime.wrp(1, {}) end)) --> expect: false\tcore.lua:326: bad argument #1 to 'wrp' (number expected, got no value) --> expect: false\tcore.lua:326: bad argument #1 to 'wrp' (number expected, got string) --> expect: false\tcore.lua:326: bad argument #2 to 'wrp' (string expected, got table)
print(pcall(function() mime.qpwrp() end)) print(pcall(function() mime.qpwrp(1, "x", {}) end)) --> expect: false\tcore.lua:327: bad argument #1 to 'qpwrp' (number expected, got no value) --> expect: false\tcore.lua:327: bad argument #3 to 'qpwrp' (number expected, got table)

-- Ends of lines
for _, text in ipairs { "", "a", "a\r\nb", "a\nb", "a\rb", "a\n\rb", "\r\r", "\n\n", "\r\n\r\n", "\n\r\n\r", "\r\n\n", "a\r", "\n" } do
  show(mime.eol(0, text)) --> expect: "" 0.0
  show(mime.eol(13, text, "<E>")) --> expect: "" 13.0
  show(mime.eol(10, text, ""))
--> expect: "" 10.0
--> expect: "a" 0.0
--> expect: "a" 0.0
--> expect: "a" 0.0
--> expect: "a\\13\\10b" 0.0
--> expect: "a<E>b" 0.0
--> expect: "ab" 0.0
--> expect: "a\\13\\10b" 0.0
--> expect: "a<E>b" 0.0
--> expect: "ab" 0.0
--> expect: "a\\13\\10b" 0.0
--> expect: "a<E>b" 0.0
--> expect: "ab" 0.0
--> expect: "a\\13\\10b" 0.0
--> expect: "a<E>b" 0.0
--> expect: "ab" 0.0
--> expect: "\\13\\10\\13\\10" 0.0
--> expect: "<E><E>" 13.0
--> expect: "" 13.0
--> expect: "\\13\\10\\13\\10" 0.0
--> expect: "<E>" 10.0
--> expect: "" 10.0
--> expect: "\\13\\10\\13\\10" 0.0
--> expect: "<E><E><E>" 10.0
--> expect: "" 10.0
--> expect: "\\13\\10\\13\\10" 0.0
--> expect: "<E><E>" 13.0
--> expect: "" 13.0
--> expect: "\\13\\10\\13\\10" 10.0
--> expect: "<E><E><E>" 0.0
--> expect: "" 0.0
--> expect: "a\\13\\10" 13.0
--> expect: "a<E>" 13.0
--> expect: "a" 13.0
--> expect: "\\13\\10" 10.0
--> expect: "" 0.0
--> expect: "" 0.0
end
show(mime.eol(0)) show(mime.eol(13, nil, "x")) show(mime.eol(0, "a\nb", "\0x")) --> expect: nil 0.0 --> expect: nil 0.0 --> expect: "ab" 0.0
print(pcall(function() mime.eol() end)) print(pcall(function() mime.eol(1.5) end)) print(pcall(function() mime.eol("x", "y") end)) --> expect: false\tcore.lua:373: bad argument #1 to 'eol' (number expected, got no value) --> expect: false\tcore.lua:373: bad argument #1 to 'eol' (number has no integer representation) --> expect: false\tcore.lua:373: bad argument #1 to 'eol' (number expected, got string)

-- Dots
for _, text in ipairs { "", ".", "..", "a.b", "\r\n.", "\r\n..", "\n.", "\r.", "x\r\n.\r\n.y", "\r\r\n.", "\r\n" } do
  show(mime.dot(0, text)) show(mime.dot(1, text)) show(mime.dot(2, text))
--> expect: "" 0.0
--> expect: "" 1.0
--> expect: "" 2.0
--> expect: "." 0.0
--> expect: "." 0.0
--> expect: ".." 0.0
--> expect: ".." 0.0
--> expect: ".." 0.0
--> expect: "..." 0.0
--> expect: "a.b" 0.0
--> expect: "a.b" 0.0
--> expect: "a.b" 0.0
--> expect: "\\13\\10.." 0.0
--> expect: "\\13\\10.." 0.0
--> expect: "\\13\\10.." 0.0
--> expect: "\\13\\10..." 0.0
--> expect: "\\13\\10..." 0.0
--> expect: "\\13\\10..." 0.0
--> expect: "\\10." 0.0
--> expect: "\\10.." 0.0
--> expect: "\\10." 0.0
--> expect: "\\13." 0.0
--> expect: "\\13." 0.0
--> expect: "\\13." 0.0
--> expect: "x\\13\\10..\\13\\10..y" 0.0
--> expect: "x\\13\\10..\\13\\10..y" 0.0
--> expect: "x\\13\\10..\\13\\10..y" 0.0
--> expect: "\\13\\13\\10.." 0.0
--> expect: "\\13\\13\\10.." 0.0
--> expect: "\\13\\13\\10.." 0.0
--> expect: "\\13\\10" 2.0
--> expect: "\\13\\10" 2.0
--> expect: "\\13\\10" 2.0
end
show(mime.dot(2)) show(mime.dot(0, nil)) --> expect: nil 2.0 --> expect: nil 2.0
print(pcall(function() mime.dot() end)) print(pcall(function() mime.dot("x") end)) --> expect: false\tcore.lua:413: bad argument #1 to 'dot' (number expected, got no value) --> expect: false\tcore.lua:413: bad argument #1 to 'dot' (number expected, got string)
print(pcall(function() mime.b64({}) end)) print(pcall(function() mime.b64("x", {}) end)) print(pcall(function() mime.qp("x", "y", {}) end)) --> expect: false\tcore.lua:414: bad argument #1 to 'b64' (string expected, got table) --> expect: false\tcore.lua:414: bad argument #2 to 'b64' (string expected, got table) --> expect: false\tcore.lua:414: bad argument #3 to 'qp' (string expected, got table)

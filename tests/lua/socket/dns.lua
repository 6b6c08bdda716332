-- Names and addresses of the loopback.
local socket = require "socket"
local dns = socket.dns
local ip, all = dns.toip("localhost")
print(ip, all.name, type(all.alias), all.ip[1]) --> expect: 127.0.0.1\tlocalhost\ttable\t127.0.0.1
local name
name, all = dns.tohostname("127.0.0.1")
print(name == all.name, type(all.alias), all.ip[1], #all.ip) --> expect: true\ttable\t127.0.0.1\t1
print((dns.toip("127.0.0.1"))) --> expect: 127.0.0.1
print((dns.toip("127.1"))) --> expect: 127.0.0.1
local list = dns.getaddrinfo("127.0.0.1")
print(#list, list[1].family, list[1].addr) --> expect: 1\tinet\t127.0.0.1
list = dns.getaddrinfo("::1")
print(#list, list[1].family, list[1].addr) --> expect: 1\tinet6\t::1
local found
for _, entry in ipairs(dns.getaddrinfo("localhost")) do found = found or entry.family == "inet" and entry.addr == "127.0.0.1" end
print(found) --> expect: true
print(type(dns.getnameinfo("127.0.0.1")), select("#", dns.getnameinfo("127.0.0.1"))) --> expect: table\t1
local names, service = dns.getnameinfo("127.0.0.1", "80")
print(#names, names[1] == name, type(service)) --> expect: 1\ttrue\tstring
names, service = dns.getnameinfo(nil, "80")
print(#names, type(service)) --> expect: 0\tstring
print(dns.toip("")) --> expect: nil\tUnknown server error
print(dns.getaddrinfo("")) --> expect: nil\thost or service not provided, or not known
print(dns.toip("::1")) --> expect: nil\thost not found
print(dns.getaddrinfo("1.2.3.4.5")) --> expect: nil\thost or service not provided, or not known
print(type(dns.gethostname()), select("#", dns.gethostname())) --> expect: string\t1

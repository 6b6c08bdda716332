-- Operators with a constant operand of each kind that has instructions of its own, and operands of every type on the other side.
local operators = {"+", "-", "*", "/", "//", "%", "^", "&", "|", "~", "<<", ">>"}
local constants = {
  "0", "1", "2", "3", "-1", "-3", "7", "8", "63", "64", "65", "-64", "255", "32767", "32768", "-32768", "-32769", "4294967295",
  "1.5", "2.0", "-0.0", "0.0", "1e300", "0x7fffffffffffffff",
}
local operands = {
  "0", "1", "-1", "5", "-7", "4294967296", "-4294967297", "math.maxinteger", "math.mininteger", "0.0", "-0.0", "1.5", "-7.0", "2^53",
  "2^70", "1/0", "0/0", "'10'", "'0x10'", "'1.5'", "'x'", "''", "nil", "true", "{}", "object",
}
local log
local function event(name)
  return function(a, b)
    local function show(v) return rawequal(v, object) and "object" or math.type(v) and math.type(v):sub(1, 1) .. tostring(v) or type(v) end
    log = name .. "(" .. show(a) .. "," .. show(b) .. ")"
    return 42
  end
end
local meta = {}
for _, name in ipairs {"add", "sub", "mul", "div", "idiv", "mod", "pow", "band", "bor", "bxor", "shl", "shr"} do meta["__" .. name] = event(name) end
object = setmetatable({}, meta)
local function result(source, value)
  local f = load("local variable = ... return " .. source, "=c")
  if not f then return "syntax" end
  log = nil
  local ok, v = pcall(f, value)
  if log then return log .. "=" .. tostring(v) end
  if not ok then return (v:gsub("^c:1: ", "")) end
  return (math.type(v) or type(v)):sub(1, 1) .. ":" .. tostring(v):gsub("^%-(nan)", "%1")
end
-- Long lists of results are compared by a sum.
local function sum(list)
  local h = 0
  for i = 1, #list do h = (h * 31 + list:byte(i)) % 4294967291 end
  return h
end
for _, op in ipairs(operators) do
  for _, constant in ipairs(constants) do
    local right, left = {}, {}
    for i, text in ipairs(operands) do
      local value = load("return " .. text)()
      right[i] = result("variable " .. op .. " " .. constant, value)
      left[i] = result(constant .. " " .. op .. " variable", value)
    end
    print(op, constant, sum(table.concat(right, "\n")), sum(table.concat(left, "\n")))
--> expect: +\t0\t4265460195\t3692109591
--> expect: +\t1\t629679769\t214067723
--> expect: +\t2\t2994604662\t2736731174
--> expect: +\t3\t1064562264\t964427334
--> expect: +\t-1\t2071979119\t1053988504
--> expect: +\t-3\t911324851\t208811352
--> expect: +\t7\t3697691143\t4228510445
--> expect: +\t8\t3510062387\t4198620247
--> expect: +\t63\t3992908944\t54812926
--> expect: +\t64\t1349920194\t1864530025
--> expect: +\t65\t1843040931\t2515389320
--> expect: +\t-64\t2674492542\t1695235898
--> expect: +\t255\t3231368233\t3834450114
--> expect: +\t32767\t2386987436\t1560446500
--> expect: +\t32768\t58399518\t3684564431
--> expect: +\t-32768\t1730187905\t1736298144
--> expect: +\t-32769\t3108893354\t3272742151
--> expect: +\t4294967295\t342422883\t2578132794
--> expect: +\t1.5\t372040835\t2652167124
--> expect: +\t2.0\t277454807\t3031787359
--> expect: +\t-0.0\t2848702688\t2396837360
--> expect: +\t0.0\t326758047\t555292493
--> expect: +\t1e300\t3125736405\t3077281597
--> expect: +\t0x7fffffffffffffff\t721269167\t1667054592
--> expect: -\t0\t970119307\t3174023631
--> expect: -\t1\t2222649339\t843953178
--> expect: -\t2\t3366761156\t798207735
--> expect: -\t3\t1078617683\t89977826
--> expect: -\t-1\t235446419\t774012077
--> expect: -\t-3\t776490631\t3536560690
--> expect: -\t7\t1763072794\t507618498
--> expect: -\t8\t3799839244\t670027722
--> expect: -\t63\t1077078437\t1511671854
--> expect: -\t64\t4163726688\t3078123342
--> expect: -\t65\t1014771411\t1319662061
--> expect: -\t-64\t2083299305\t1286077623
--> expect: -\t255\t316362102\t1433150138
--> expect: -\t32767\t462279609\t2096688030
--> expect: -\t32768\t2423999919\t3431372655
--> expect: -\t-32768\t2391424243\t4181462210
--> expect: -\t-32769\t2264674193\t3659254237
--> expect: -\t4294967295\t496940827\t2515105269
--> expect: -\t1.5\t2987861950\t2611834162
--> expect: -\t2.0\t101267652\t3169398853
--> expect: -\t-0.0\t3022974475\t790294958
--> expect: -\t0.0\t2998261281\t923215435
--> expect: -\t1e300\t3946298394\t1229611485
--> expect: -\t0x7fffffffffffffff\t187089413\t2716003227
--> expect: *\t0\t1220818856\t647468252
--> expect: *\t1\t4086576744\t3670964698
--> expect: *\t2\t2001823684\t1743950196
--> expect: *\t3\t1239455528\t1139320598
--> expect: *\t-1\t2331670906\t1313680291
--> expect: *\t-3\t532957919\t4125411711
--> expect: *\t7\t1740013665\t2270832967
--> expect: *\t8\t299550660\t988108520
--> expect: *\t63\t3368620124\t3725491397
--> expect: *\t64\t4215271399\t434913939
--> expect: *\t65\t1236427367\t1908775756
--> expect: *\t-64\t740506093\t4056216740
--> expect: *\t255\t2758195031\t3361276912
--> expect: *\t32767\t1401991719\t575450783
--> expect: *\t32768\t1127937071\t459134693
--> expect: *\t-32768\t266217451\t272327690
--> expect: *\t-32769\t2038681233\t2202530030
--> expect: *\t4294967295\t3530205271\t1470947891
--> expect: *\t1.5\t378099763\t2658226052
--> expect: *\t2.0\t3538631721\t1997996982
--> expect: *\t-0.0\t2787093927\t2335228599
--> expect: *\t0.0\t605114629\t833649075
--> expect: *\t1e300\t2754822499\t2706367691
--> expect: *\t0x7fffffffffffffff\t2284011605\t3229797030
--> expect: /\t0\t1429948137\t3254283711
--> expect: /\t1\t4205666518\t1026576742
--> expect: /\t2\t3419565982\t1071190540
--> expect: /\t3\t1325949311\t520578485
--> expect: /\t-1\t2936086095\t298532344
--> expect: /\t-3\t454305785\t3199940978
--> expect: /\t7\t3641903023\t609119586
--> expect: /\t8\t2105192815\t203290947
--> expect: /\t63\t2418978231\t1836366902
--> expect: /\t64\t2154854747\t429767499
--> expect: /\t65\t1053632829\t1893202883
--> expect: /\t-64\t2581532020\t961244905
--> expect: /\t255\t1122359723\t1745503248
--> expect: /\t32767\t1342820646\t3422896863
--> expect: /\t32768\t3216407361\t2210952212
--> expect: /\t-32768\t3141567638\t2182692082
--> expect: /\t-32769\t2822796335\t837317512
--> expect: /\t4294967295\t1685735912\t2524101209
--> expect: /\t1.5\t2376900502\t3428055397
--> expect: /\t2.0\t4045259088\t3576938743
--> expect: /\t-0.0\t4272700289\t3728236874
--> expect: /\t0.0\t3282954538\t1290470775
--> expect: /\t1e300\t3499460997\t210278561
--> expect: /\t0x7fffffffffffffff\t2911722469\t4174228804
--> expect: //\t0\t2376694770\t670422413
--> expect: //\t1\t451379852\t707591140
--> expect: //\t2\t933266722\t1611506652
--> expect: //\t3\t2404641837\t2515422164
--> expect: //\t-1\t1609671148\t76068730
--> expect: //\t-3\t1926342589\t1713164440
--> expect: //\t7\t1172858789\t1574607549
--> expect: //\t8\t383740939\t3107737904
--> expect: //\t63\t3779335099\t3436412437
--> expect: //\t64\t1538531231\t864640540
--> expect: //\t65\t1793458144\t1594806339
--> expect: //\t-64\t2257726110\t2074147968
--> expect: //\t255\t1488960441\t459909789
--> expect: //\t32767\t1370234795\t1201128612
--> expect: //\t32768\t1693485519\t1993779096
--> expect: //\t-32768\t644827168\t114387522
--> expect: //\t-32769\t3969440679\t2599860194
--> expect: //\t4294967295\t810515896\t1029627183
--> expect: //\t1.5\t110717226\t3063122232
--> expect: //\t2.0\t2528474464\t2024467427
--> expect: //\t-0.0\t3374277721\t51871696
--> expect: //\t0.0\t1389279400\t1485726023
--> expect: //\t1e300\t1236257778\t2235884112
--> expect: //\t0x7fffffffffffffff\t3122105948\t3236595824
--> expect: %\t0\t458939710\t3848036431
--> expect: %\t1\t476361068\t1139118315
--> expect: %\t2\t2227273228\t1307523175
--> expect: %\t3\t2246420236\t3285483617
--> expect: %\t-1\t2239357196\t3686755428
--> expect: %\t-3\t3554230628\t1893147797
--> expect: %\t7\t844595243\t1155722791
--> expect: %\t8\t3426610950\t3309229414
--> expect: %\t63\t1530581213\t1606193568
--> expect: %\t64\t3441686672\t1743809246
--> expect: %\t65\t749391460\t536481053
--> expect: %\t-64\t832077940\t1808550766
--> expect: %\t255\t1851008984\t3171101241
--> expect: %\t32767\t1356660083\t4223488480
--> expect: %\t32768\t2364114882\t178180373
--> expect: %\t-32768\t4180519011\t3158652440
--> expect: %\t-32769\t1409803032\t2548848225
--> expect: %\t4294967295\t1891526139\t1224417763
--> expect: %\t1.5\t3102299756\t4190286077
--> expect: %\t2.0\t1187344740\t1278000669
--> expect: %\t-0.0\t1010516534\t1017002452
--> expect: %\t0.0\t2362412827\t3897556607
--> expect: %\t1e300\t1516423540\t906919655
--> expect: %\t0x7fffffffffffffff\t2825077757\t890610962
--> expect: ^\t0\t98499987\t1896093468
--> expect: ^\t1\t1674004072\t3978778753
--> expect: ^\t2\t236155141\t107527812
--> expect: ^\t3\t3053443911\t7913901
--> expect: ^\t-1\t478339435\t1292799021
--> expect: ^\t-3\t3807186139\t4022593512
--> expect: ^\t7\t1869683381\t866112650
--> expect: ^\t8\t974234225\t733573469
--> expect: ^\t63\t730010684\t115855321
--> expect: ^\t64\t828187850\t1100034104
--> expect: ^\t65\t1747916483\t4171897423
--> expect: ^\t-64\t1112790352\t1928813136
--> expect: ^\t255\t608054109\t3335289126
--> expect: ^\t32767\t1318022724\t2185940779
--> expect: ^\t32768\t3662920382\t1769364889
--> expect: ^\t-32768\t699948519\t768353402
--> expect: ^\t-32769\t1216349551\t3093302701
--> expect: ^\t4294967295\t2913445028\t1614081268
--> expect: ^\t1.5\t2222488933\t3488605620
--> expect: ^\t2.0\t2804152079\t915024700
--> expect: ^\t-0.0\t2628601564\t1195994061
--> expect: ^\t0.0\t3661535106\t1739703716
--> expect: ^\t1e300\t3351970933\t4214337215
--> expect: ^\t0x7fffffffffffffff\t573127202\t840958156
--> expect: &\t0\t3028623505\t2455272901
--> expect: &\t1\t941428179\t525816133
--> expect: &\t2\t2029641933\t1771768445
--> expect: &\t3\t4237413898\t4137278968
--> expect: &\t-1\t3168240340\t2150249725
--> expect: &\t-3\t3663651514\t2961138015
--> expect: &\t7\t987906666\t1518725968
--> expect: &\t8\t445996622\t1134554482
--> expect: &\t63\t2528450713\t2885321986
--> expect: &\t64\t2054185209\t2568795040
--> expect: &\t65\t275068691\t947417080
--> expect: &\t-64\t3813089464\t2833832820
--> expect: &\t255\t1870431812\t2473513693
--> expect: &\t32767\t2137121603\t1310580667
--> expect: &\t32768\t4109019819\t3440217441
--> expect: &\t-32768\t2357283263\t2363393502
--> expect: &\t-32769\t105742071\t269590868
--> expect: &\t4294967295\t1000435106\t3236145017
--> expect: &\t1.5\t2548982150\t2024798073
--> expect: &\t2.0\t4063075500\t2522440761
--> expect: &\t-0.0\t3023104018\t2571238690
--> expect: &\t0.0\t2011693008\t2240227454
--> expect: &\t1e300\t740619582\t3185795800
--> expect: &\t0x7fffffffffffffff\t848566267\t1794351692
--> expect: |\t0\t3672613819\t3099263215
--> expect: |\t1\t1199349042\t783736996
--> expect: |\t2\t2279569428\t2021695940
--> expect: |\t3\t4101271942\t4001137012
--> expect: |\t-1\t90292425\t3367269101
--> expect: |\t-3\t2416064854\t1713551355
--> expect: |\t7\t3617257639\t4148076941
--> expect: |\t8\t3771081844\t164672413
--> expect: |\t63\t2613523070\t2970394343
--> expect: |\t64\t2697776471\t3212386302
--> expect: |\t65\t2077747039\t2750095428
--> expect: |\t-64\t969495094\t4285205741
--> expect: |\t255\t2137101697\t2740183578
--> expect: |\t32767\t1270288164\t443747228
--> expect: |\t32768\t124553318\t3750718231
--> expect: |\t-32768\t1579423832\t1585534071
--> expect: |\t-32769\t2145882870\t2309731667
--> expect: |\t4294967295\t731688272\t2967398183
--> expect: |\t1.5\t2906174814\t2047798175
--> expect: |\t2.0\t3725229899\t2184595160
--> expect: |\t-0.0\t2519659495\t2067794167
--> expect: |\t0.0\t2411094858\t2639629304
--> expect: |\t1e300\t3233292999\t1187067922
--> expect: |\t0x7fffffffffffffff\t2577486000\t3523271425
--> expect: ~\t0\t1475656586\t902305982
--> expect: ~\t1\t498180979\t82568933
--> expect: ~\t2\t3420468688\t3162595200
--> expect: ~\t3\t3912229013\t3812094083
--> expect: ~\t-1\t2266183988\t1248193373
--> expect: ~\t-3\t3177845328\t2475331829
--> expect: ~\t7\t3586745028\t4117564330
--> expect: ~\t8\t4017756808\t411347377
--> expect: ~\t63\t771740455\t1128611728
--> expect: ~\t64\t964960615\t1479570446
--> expect: ~\t65\t474852735\t1147201124
--> expect: ~\t-64\t3963378384\t2984121740
--> expect: ~\t255\t2653735803\t3256817684
--> expect: ~\t32767\t3846462725\t3019921789
--> expect: ~\t32768\t2872588343\t2203785965
--> expect: ~\t-32768\t2032307982\t2038418221
--> expect: ~\t-32769\t1812740023\t1976588820
--> expect: ~\t4294967295\t3926524597\t1867267217
--> expect: ~\t1.5\t1432875755\t908691678
--> expect: ~\t2.0\t617792263\t3372124815
--> expect: ~\t-0.0\t3973278741\t3521413413
--> expect: ~\t0.0\t4259101117\t192668272
--> expect: ~\t1e300\t2451773059\t601981986
--> expect: ~\t0x7fffffffffffffff\t1768603908\t2714389333
--> expect: <<\t0\t1567689638\t1548992138
--> expect: <<\t1\t1008375540\t1562254604
--> expect: <<\t2\t230165283\t406225717
--> expect: <<\t3\t2787587530\t774807205
--> expect: <<\t-1\t2463504120\t2301625796
--> expect: <<\t-3\t1648385374\t2164376983
--> expect: <<\t7\t2582274988\t242995829
--> expect: <<\t8\t2378707538\t3916433656
--> expect: <<\t63\t2360272963\t79240917
--> expect: <<\t64\t1549462215\t3782700674
--> expect: <<\t65\t1550385736\t4120349062
--> expect: <<\t-64\t1457919891\t2603328730
--> expect: <<\t255\t1572765375\t2021428122
--> expect: <<\t32767\t3294418693\t3023653738
--> expect: <<\t32768\t3295342214\t1924403838
--> expect: <<\t-32768\t3462197715\t3639354374
--> expect: <<\t-32769\t3463121236\t2786384674
--> expect: <<\t4294967295\t2503976988\t2969750700
--> expect: <<\t1.5\t3003630934\t2145254295
--> expect: <<\t2.0\t1342865832\t200902908
--> expect: <<\t-0.0\t1245831924\t1725419383
--> expect: <<\t0.0\t2508550978\t3182774284
--> expect: <<\t1e300\t3150675203\t1104450126
--> expect: <<\t0x7fffffffffffffff\t2075248021\t1377379387
--> expect: >>\t0\t2110640099\t2091942599
--> expect: >>\t1\t1595724353\t3396164166
--> expect: >>\t2\t2842839765\t2581979923
--> expect: >>\t3\t1155575664\t569030513
--> expect: >>\t-1\t738750335\t1516734476
--> expect: >>\t-3\t4335982\t3946728710
--> expect: >>\t7\t487968663\t2334782657
--> expect: >>\t8\t3916870173\t1191092158
--> expect: >>\t63\t2832732208\t754894529
--> expect: >>\t64\t1201057342\t2869879843
--> expect: >>\t65\t1201980863\t4071566446
--> expect: >>\t-64\t3542270701\t2106231908
--> expect: >>\t255\t3657116185\t3166667193
--> expect: >>\t32767\t605822206\t2076529292
--> expect: >>\t32768\t606745727\t1521545612
--> expect: >>\t-32768\t1720085147\t4148166108
--> expect: >>\t-32769\t1721008668\t1311531226
--> expect: >>\t4294967295\t2530404496\t2930124101
--> expect: >>\t1.5\t793014453\t4229605105
--> expect: >>\t2.0\t3862145090\t3746591448
--> expect: >>\t-0.0\t1436197669\t1915785128
--> expect: >>\t0.0\t297934497\t972157803
--> expect: >>\t1e300\t1408562635\t3657304849
--> expect: >>\t0x7fffffffffffffff\t23791065\t3518001923
  end
end
-- Some of them in full.
for _, case in ipairs {
  {"variable % 8", -7}, {"variable % 8", -8}, {"variable % 7", -7}, {"variable % 7", math.mininteger}, {"variable // 7", math.mininteger},
  {"variable // 2", -1}, {"variable // 2", -7}, {"variable // 3", 5000000000}, {"variable % 3", 5000000000}, {"variable % 1", -5},
  {"variable // 1", -5}, {"variable % 32767", -1}, {"variable // 32767", -1}, {"variable % 2", 3.5}, {"variable // 2", -3.5},
  {"variable & 255", 3.0}, {"variable & 255", 3.5}, {"variable & -1", "7"}, {"variable << 63", 1}, {"variable >> 63", -1},
  {"variable << 3", "2"}, {"variable * 2", "3"}, {"2 * variable", object}, {"variable * 2", object}, {"variable - 1", object},
  {"variable + 1", object}, {"1 + variable", object}, {"1 - variable", object}, {"variable % 4", object}, {"variable // 4", object},
  {"255 & variable", object}, {"variable & 255", object}, {"variable << 1", object}, {"variable >> 1", object}, {"variable * 0.5", object},
  {"0.5 * variable", object}, {"0.5 / variable", object}, {"0.5 - variable", object}, {"variable / 0.5", object}, {"variable % 4", nil},
  {"variable * 3", {}}, {"variable << 1", 1.5}, {"variable & 1", {}}, {"variable // 0", 1}, {"variable % 0", 1}, {"variable % 0", 1.5},
  {"variable // 0.0", 1}, {"variable * 1.5", true},
} do print(case[1], tostring(case[2]):gsub("0x%x+", ""), result(case[1], case[2])) end
--> expect: variable % 8\t-7\ti:1
--> expect: variable % 8\t-8\ti:0
--> expect: variable % 7\t-7\ti:0
--> expect: variable % 7\t-9223372036854775808\ti:6
--> expect: variable // 7\t-9223372036854775808\ti:-1317624576693539402
--> expect: variable // 2\t-1\ti:-1
--> expect: variable // 2\t-7\ti:-4
--> expect: variable // 3\t5000000000\ti:1666666666
--> expect: variable % 3\t5000000000\ti:2
--> expect: variable % 1\t-5\ti:0
--> expect: variable // 1\t-5\ti:-5
--> expect: variable % 32767\t-1\ti:32766
--> expect: variable // 32767\t-1\ti:-1
--> expect: variable % 2\t3.5\tf:1.5
--> expect: variable // 2\t-3.5\tf:-2.0
--> expect: variable & 255\t3.0\ti:3
--> expect: variable & 255\t3.5\tnumber (local 'variable') has no integer representation
--> expect: variable & -1\t7\ti:7
--> expect: variable << 63\t1\ti:-9223372036854775808
--> expect: variable >> 63\t-1\ti:1
--> expect: variable << 3\t2\ti:16
--> expect: variable * 2\t3\tf:6.0
--> expect: 2 * variable\ttable: \tmul(i2,object)=42
--> expect: variable * 2\ttable: \tmul(object,i2)=42
--> expect: variable - 1\ttable: \tsub(object,i1)=42
--> expect: variable + 1\ttable: \tadd(object,i1)=42
--> expect: 1 + variable\ttable: \tadd(i1,object)=42
--> expect: 1 - variable\ttable: \tsub(i1,object)=42
--> expect: variable % 4\ttable: \tmod(object,i4)=42
--> expect: variable // 4\ttable: \tidiv(object,i4)=42
--> expect: 255 & variable\ttable: \tband(i255,object)=42
--> expect: variable & 255\ttable: \tband(object,i255)=42
--> expect: variable << 1\ttable: \tshl(object,i1)=42
--> expect: variable >> 1\ttable: \tshr(object,i1)=42
--> expect: variable * 0.5\ttable: \tmul(object,f0.5)=42
--> expect: 0.5 * variable\ttable: \tmul(f0.5,object)=42
--> expect: 0.5 / variable\ttable: \tdiv(f0.5,object)=42
--> expect: 0.5 - variable\ttable: \tsub(f0.5,object)=42
--> expect: variable / 0.5\ttable: \tdiv(object,f0.5)=42
--> expect: variable % 4\tnil\tattempt to perform arithmetic on a nil value (local 'variable')
--> expect: variable * 3\ttable: \tattempt to perform arithmetic on a table value (local 'variable')
--> expect: variable << 1\t1.5\tnumber (local 'variable') has no integer representation
--> expect: variable & 1\ttable: \tattempt to perform bitwise operation on a table value (local 'variable')
--> expect: variable // 0\t1\tattempt to divide by zero
--> expect: variable % 0\t1\tattempt to perform 'n%0'
--> expect: variable % 0\t1.5\tf:nan
--> expect: variable // 0.0\t1\tf:inf
--> expect: variable * 1.5\ttrue\tattempt to perform arithmetic on a boolean value (local 'variable')

//! Errors in `pcall_k`: they are delivered to the continuation, or go on to the next protected call or to whoever resumed.

use crate::trace::Mode::{Body, Collecting, Keeping, Main};
use crate::trace::{agrees, leaves};

#[test]
fn an_error_goes_to_the_continuation() {
    agrees(
        Body,
        "return 'end', pcallk(5, -1, nil, fail, 'mine')",
        &["pcall 5: 5 -1 nil function 'mine'", "pcall k ErrRun 5: 5 -1 nil 'mine'", "resume Ok: 'end' 'mine'"],
    );
    agrees(
        Body,
        "return 'end', pcallk(5, 0, nil, function(...) fail(...) end, 'mine', 1, 2)",
        &["pcall 5: 5 0 nil function 'mine' 1 2", "pcall k ErrRun 5: 5 0 nil 'mine'", "resume Ok: 'end' 'mine'"],
    );
    agrees(
        Body,
        "return 'end', pcallk(5, 3, nil, function(...) local t = {} return t.x.y end)",
        &[
            "pcall 5: 5 3 nil function",
            "pcall k ErrRun 5: 5 3 nil 's:1: attempt to index a nil value (field 'x')'",
            "resume Ok: 'end' 's:1: attempt to index a nil value (field 'x')'",
        ],
    );
    agrees(
        Body,
        "return 'end', pcallk(5, -1, nil, fail)",
        &["pcall 5: 5 -1 nil function", "pcall k ErrRun 5: 5 -1 nil nil", "resume Ok: 'end' nil"],
    );
    agrees(
        Body,
        "return 'end', pcallk(5, -1, nil, fail, {})",
        &["pcall 5: 5 -1 nil function table", "pcall k ErrRun 5: 5 -1 nil table", "resume Ok: 'end' table"],
    );
    agrees(
        Body,
        "return 'end', pcallk(5, -1, nil, lfail, 'text')",
        &["pcall 5: 5 -1 nil function 'text'", "pcall k ErrRun 5: 5 -1 nil 'text'", "resume Ok: 'end' 'text'"],
    );
    agrees(
        Body,
        "return 'end', pcallk(5, -1, nil, function() lfail('text') end)",
        &["pcall 5: 5 -1 nil function", "pcall k ErrRun 5: 5 -1 nil 's:1: text'", "resume Ok: 'end' 's:1: text'"],
    );
    agrees(
        Body,
        "return 'end', pcallk(5, -1, nil, nil)",
        &[
            "pcall 5: 5 -1 nil nil",
            "pcall k ErrRun 5: 5 -1 nil 'attempt to call a nil value'",
            "resume Ok: 'end' 'attempt to call a nil value'",
        ],
    );
    agrees(
        Body,
        "return 'end', pcallk(5, -1, nil, {}, 1, 2)",
        &[
            "pcall 5: 5 -1 nil table 1 2",
            "pcall k ErrRun 5: 5 -1 nil 'attempt to call a table value'",
            "resume Ok: 'end' 'attempt to call a table value'",
        ],
    );
    agrees(
        Main,
        "return 'end', pcallk(5, -1, nil, fail, 'mine')",
        &["pcall 5: 5 -1 nil function 'mine'", "pcall after ErrRun 5: 5 -1 nil 'mine'", "main Ok: 'end' 'mine'"],
    );
    agrees(
        Main,
        "return 'end', pcallk(5, 0, nil, nil)",
        &[
            "pcall 5: 5 0 nil nil",
            "pcall after ErrRun 5: 5 0 nil 'attempt to call a nil value'",
            "main Ok: 'end' 'attempt to call a nil value'",
        ],
    );
}

#[test]
fn an_error_after_a_yield_goes_to_the_continuation() {
    agrees(
        Body,
        "return 'end', pcallk(5, -1, nil, function(...) fail(y(...)) end, 1, 2)",
        &[
            "pcall 5: 5 -1 nil function 1 2",
            "resume Yield: 1 2",
            "pcall k ErrRun 5: 5 -1 nil 11",
            "resume Ok: 'end' 11",
        ],
    );
    agrees(
        Body,
        "return 'end', pcallk(5, 0, nil, function(...) y(...) lfail('text') end, 1, 2)",
        &[
            "pcall 5: 5 0 nil function 1 2",
            "resume Yield: 1 2",
            "pcall k ErrRun 5: 5 0 nil 's:1: text'",
            "resume Ok: 'end' 's:1: text'",
        ],
    );
    agrees(
        Keeping,
        "return 'end', pcallk(5, 4, nil, function(...) y(...) return nil + 1 end, 1, 2)",
        &[
            "pcall 5: 5 4 nil function 1 2",
            "resume Yield: 1 2",
            "pcall k ErrRun 5: 5 4 nil 's:1: attempt to perform arithmetic on a nil value'",
            "resume Ok: 'end' 's:1: attempt to perform arithmetic on a nil value'",
        ],
    );
    agrees(
        Collecting,
        "return 'end', pcallk(5, 4, nil, function(...) y(...) y() fail({}) end, 1, 2)",
        &[
            "pcall 5: 5 4 nil function 1 2",
            "resume Yield: 1 2",
            "resume Yield:",
            "pcall k ErrRun 5: 5 4 nil table",
            "resume Ok: 'end' table",
        ],
    );
    agrees(
        Body,
        "return 'end', pcallk(5, -1, nil, callk, 6, 1, callk, 7, 1, function() y() fail('deep') end)",
        &[
            "pcall 5: 5 -1 nil function 6 1 function 7 1 function",
            "call 6: 6 1 function 7 1 function",
            "call 7: 7 1 function",
            "resume Yield:",
            "pcall k ErrRun 5: 5 -1 nil 'deep'",
            "resume Ok: 'end' 'deep'",
        ],
    );
}

#[test]
fn the_error_goes_to_the_innermost() {
    agrees(
        Body,
        "return pcallk(1, -1, nil, pcallk, 2, -1, nil, pcallk, 3, -1, nil, function() y() fail('e') end)",
        &[
            "pcall 1: 1 -1 nil function 2 -1 nil function 3 -1 nil function",
            "pcall 2: 2 -1 nil function 3 -1 nil function",
            "pcall 3: 3 -1 nil function",
            "resume Yield:",
            "pcall k ErrRun 3: 3 -1 nil 'e'",
            "pcall k Yield 2: 2 -1 nil 'e'",
            "pcall k Yield 1: 1 -1 nil 'e'",
            "resume Ok: 'e'",
        ],
    );
    agrees(
        Body,
        "return pcallk(1, -1, nil, function() pcallk(2, -1, nil, fail, 'inner') y() fail('outer') end)",
        &[
            "pcall 1: 1 -1 nil function",
            "pcall 2: 2 -1 nil function 'inner'",
            "pcall k ErrRun 2: 2 -1 nil 'inner'",
            "resume Yield:",
            "pcall k ErrRun 1: 1 -1 nil 'outer'",
            "resume Ok: 'outer'",
        ],
    );
    agrees(
        Body,
        "return pcallk(1, 2, nil, function() return 'back', pcallk(2, -1, nil, function() y() fail('inner') end) end)",
        &[
            "pcall 1: 1 2 nil function",
            "pcall 2: 2 -1 nil function",
            "resume Yield:",
            "pcall k ErrRun 2: 2 -1 nil 'inner'",
            "pcall k Yield 1: 1 2 nil 'back' 'inner'",
            "resume Ok: 'back' 'inner'",
        ],
    );
}

/// Nothing interrupts the outer functions, so they go on after their calls. In C, whose `longjmp` passes over them, their
/// continuations run, with the status `LUA_YIELD`.
#[test]
fn functions_further_out_are_not_interrupted() {
    leaves(
        Body,
        "return pcallk(1, -1, nil, callk, 2, -1, pcallk, 3, -1, nil, fail, 'e')",
        &[
            "pcall 1: 1 -1 nil function 2 -1 function 3 -1 nil function 'e'",
            "call 2: 2 -1 function 3 -1 nil function 'e'",
            "pcall 3: 3 -1 nil function 'e'",
            "pcall k ErrRun 3: 3 -1 nil 'e'",
            "call after 2: 2 -1 'e'",
            "pcall after Ok 1: 1 -1 nil 'e'",
            "resume Ok: 'e'",
        ],
    );
}

#[test]
fn an_error_in_a_continuation_goes_to_the_next_protected_call() {
    agrees(
        Body,
        "return pcallk(1, -1, nil, chain, nil, fail)",
        &[
            "pcall 1: 1 -1 nil function nil function",
            "chain k ErrRun 2: nil function nil",
            "pcall k ErrRun 1: 1 -1 nil 'chain end'",
            "resume Ok: 'chain end'",
        ],
    );
    agrees(
        Body,
        "return pcallk(1, -1, nil, chain, nil, y)",
        &[
            "pcall 1: 1 -1 nil function nil function",
            "resume Yield:",
            "chain k Yield 2: nil function 11",
            "pcall k ErrRun 1: 1 -1 nil 'chain end'",
            "resume Ok: 'chain end'",
        ],
    );
    agrees(
        Body,
        "return pcallk(1, -1, nil, chain, nil, function() y() fail('inner') end)",
        &[
            "pcall 1: 1 -1 nil function nil function",
            "resume Yield:",
            "chain k ErrRun 2: nil function 'inner'",
            "pcall k ErrRun 1: 1 -1 nil 'chain end'",
            "resume Ok: 'chain end'",
        ],
    );
    agrees(
        Body,
        "return chain(nil, y)",
        &["resume Yield:", "chain k Yield 2: nil function 11", "resume ErrRun: 'chain end'"],
    );
    agrees(Body, "return chain(nil, fail)", &["chain k ErrRun 2: nil function nil", "resume ErrRun: 'chain end'"]);
    agrees(
        Main,
        "return pcallk(1, -1, nil, chain, nil, function() end, fail)",
        &[
            "pcall 1: 1 -1 nil function nil function function",
            "chain after Ok 2: nil function function nil",
            "chain after ErrRun 3: nil function function nil nil",
            "pcall after ErrRun 1: 1 -1 nil 'chain end'",
            "main Ok: 'chain end'",
        ],
    );
}

#[test]
fn a_continuation_yields_and_fails_again() {
    agrees(
        Body,
        "local function f() y('in f') fail('of f') end local function g() y('in g') return 'good' end \
         return pcallk(1, -1, nil, chain, nil, f, g, fail, f, function() return 'last' end)",
        &[
            "pcall 1: 1 -1 nil function nil function function function function function",
            "resume Yield: 'in f'",
            "chain k ErrRun 2: nil function function function function function 'of f'",
            "resume Yield: 'in g'",
            "chain k Yield 3: nil function function function function function 'of f' 'good'",
            "chain k ErrRun 4: nil function function function function function 'of f' 'good' nil",
            "resume Yield: 'in f'",
            "chain k ErrRun 5: nil function function function function function 'of f' 'good' nil 'of f'",
            "chain after Ok 6: nil function function function function function 'of f' 'good' nil 'of f' 'last'",
            "pcall k ErrRun 1: 1 -1 nil 'chain end'",
            "resume Ok: 'chain end'",
        ],
    );
    agrees(
        Body,
        "return pcallk(1, -1, nil, chain, nil, y, y, function() y() return y() end, fail, note, y)",
        &[
            "pcall 1: 1 -1 nil function nil function function function function function function",
            "resume Yield:",
            "chain k Yield 2: nil function function function function function function 11",
            "resume Yield:",
            "chain k Yield 3: nil function function function function function function 11 21",
            "resume Yield:",
            "resume Yield:",
            "chain k Yield 4: nil function function function function function function 11 21 41",
            "chain k ErrRun 5: nil function function function function function function 11 21 41 nil",
            "note:",
            "chain after Ok 6: nil function function function function function function 11 21 41 nil nil",
            "resume Yield:",
            "chain k Yield 7: nil function function function function function function 11 21 41 nil nil 51",
            "pcall k ErrRun 1: 1 -1 nil 'chain end'",
            "resume Ok: 'chain end'",
        ],
    );
    agrees(
        Collecting,
        "local function f() y('in f') fail({}) end \
         return pcallk(1, -1, nil, chain, nil, f, f, f, f, f, f)",
        &[
            "pcall 1: 1 -1 nil function nil function function function function function function",
            "resume Yield: 'in f'",
            "chain k ErrRun 2: nil function function function function function function table",
            "resume Yield: 'in f'",
            "chain k ErrRun 3: nil function function function function function function table table",
            "resume Yield: 'in f'",
            "chain k ErrRun 4: nil function function function function function function table table table",
            "resume Yield: 'in f'",
            "chain k ErrRun 5: nil function function function function function function table table table table",
            "resume Yield: 'in f'",
            "chain k ErrRun 6: nil function function function function function function table table table table table",
            "resume Yield: 'in f'",
            "chain k ErrRun 7: nil function function function function function function table table table table table table",
            "pcall k ErrRun 1: 1 -1 nil 'chain end'",
            "resume Ok: 'chain end'",
        ],
    );
    agrees(
        Body,
        "local n = 0 local function step() n = n + 1 pcallk(n, 0, nil, function() y(n) fail(n) end) y('again') fail('step') end \
         return pcallk(1, -1, nil, chain, nil, step, step, step)",
        &[
            "pcall 1: 1 -1 nil function nil function function function",
            "pcall 1: 1 0 nil function",
            "resume Yield: 1",
            "pcall k ErrRun 1: 1 0 nil 1",
            "resume Yield: 'again'",
            "chain k ErrRun 2: nil function function function 'step'",
            "pcall 2: 2 0 nil function",
            "resume Yield: 2",
            "pcall k ErrRun 2: 2 0 nil 2",
            "resume Yield: 'again'",
            "chain k ErrRun 3: nil function function function 'step' 'step'",
            "pcall 3: 3 0 nil function",
            "resume Yield: 3",
            "pcall k ErrRun 3: 3 0 nil 3",
            "resume Yield: 'again'",
            "chain k ErrRun 4: nil function function function 'step' 'step' 'step'",
            "pcall k ErrRun 1: 1 -1 nil 'chain end'",
            "resume Ok: 'chain end'",
        ],
    );
}

#[test]
fn the_handler_gets_the_error_where_it_is_raised() {
    agrees(
        Body,
        "return pcallk(5, -1, function(...) note(...) return 'handled', 2 end, fail, 'mine')",
        &[
            "pcall 5: 5 -1 function function 'mine'",
            "note: 'mine'",
            "pcall k ErrRun 5: 5 -1 function 'handled'",
            "resume Ok: 'handled'",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, -1, function(e) note(e) return 'handled ' .. e end, function() y() fail('mine') end)",
        &[
            "pcall 5: 5 -1 function function",
            "resume Yield:",
            "note: 'mine'",
            "pcall k ErrRun 5: 5 -1 function 'handled mine'",
            "resume Ok: 'handled mine'",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, -1, function(e) return trace(self(), e, 1) end, function() y() local x = nil + 1 end)",
        &[
            "pcall 5: 5 -1 function function",
            "resume Yield:",
            "pcall k ErrRun 5: 5 -1 function 's:1: attempt to perform arithmetic on a nil value\\nstack traceback:\\n\\ts:1: in metamethod '__add'\\n\\ts:1: in function <s:1>\\n\\t[C]: in global 'pcallk'\\n\\ts:1: in main chunk'",
            "resume Ok: 's:1: attempt to perform arithmetic on a nil value\\nstack traceback:\\n\\ts:1: in metamethod '__add'\\n\\ts:1: in function <s:1>\\n\\t[C]: in global 'pcallk'\\n\\ts:1: in main chunk'",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, -1, function(e) return end, fail, 'mine')",
        &["pcall 5: 5 -1 function function 'mine'", "pcall k ErrRun 5: 5 -1 function nil", "resume Ok: nil"],
    );
    agrees(
        Body,
        "return pcallk(5, -1, note, function() y() fail('mine') end)",
        &[
            "pcall 5: 5 -1 function function",
            "resume Yield:",
            "note: 'mine'",
            "pcall k ErrRun 5: 5 -1 function nil",
            "resume Ok: nil",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, -1, function(e) return e end, fail, nil)",
        &["pcall 5: 5 -1 function function nil", "pcall k ErrRun 5: 5 -1 function nil", "resume Ok: nil"],
    );
    agrees(
        Main,
        "return pcallk(5, -1, function(e) note(e) return 'handled' end, fail, 'mine')",
        &[
            "pcall 5: 5 -1 function function 'mine'",
            "note: 'mine'",
            "pcall after ErrRun 5: 5 -1 function 'handled'",
            "main Ok: 'handled'",
        ],
    );
}

#[test]
fn each_protected_call_has_its_handler() {
    agrees(
        Body,
        "local function h(name) return function(e) return name .. '(' .. e .. ')' end end \
         return pcallk(1, -1, h('a'), function() \
             note(pcallk(2, -1, h('b'), function() y() fail('x') end)) \
             note(pcallk(3, -1, nil, fail, 'y')) \
             y() \
             pcallk(4, -1, h('c'), y) \
             fail('z') end)",
        &[
            "pcall 1: 1 -1 function function",
            "pcall 2: 2 -1 function function",
            "resume Yield:",
            "pcall k ErrRun 2: 2 -1 function 'b(x)'",
            "note: 'b(x)'",
            "pcall 3: 3 -1 nil function 'y'",
            "pcall k ErrRun 3: 3 -1 nil 'y'",
            "note: 'y'",
            "resume Yield:",
            "pcall 4: 4 -1 function function",
            "resume Yield:",
            "pcall k Yield 4: 4 -1 function 31 32",
            "pcall k ErrRun 1: 1 -1 function 'a(z)'",
            "resume Ok: 'a(z)'",
        ],
    );
    agrees(
        Body,
        "local function h(name) return function(e) return name .. '(' .. e .. ')' end end \
         return pcallk(1, -1, h('a'), chain, h('b'), function() fail('x') end, function() y() fail('z') end)",
        &[
            "pcall 1: 1 -1 function function function function function",
            "chain k ErrRun 2: function function function 'b(x)'",
            "resume Yield:",
            "chain k ErrRun 3: function function function 'b(x)' 'b(z)'",
            "pcall k ErrRun 1: 1 -1 function 'a(chain end)'",
            "resume Ok: 'a(chain end)'",
        ],
    );
    agrees(
        Body,
        "return pcallk(1, -1, function(e) return 'a' .. e end, pcallk, 2, -1, nil, callk, 3, 1, function() y() fail('x') end)",
        &[
            "pcall 1: 1 -1 function function 2 -1 nil function 3 1 function",
            "pcall 2: 2 -1 nil function 3 1 function",
            "call 3: 3 1 function",
            "resume Yield:",
            "pcall k ErrRun 2: 2 -1 nil 'x'",
            "pcall k Yield 1: 1 -1 function 'x'",
            "resume Ok: 'x'",
        ],
    );
}

#[test]
fn a_handler_that_fails_is_called_with_its_own_error() {
    agrees(
        Body,
        "return pcallk(5, -1, function(e) note(e) if e == 'two' then return 'enough' end fail(e == 'one' and 'two' or 'one') end, \
         function() y() fail('none') end)",
        &[
            "pcall 5: 5 -1 function function",
            "resume Yield:",
            "note: 'none'",
            "note: 'one'",
            "note: 'two'",
            "pcall k ErrRun 5: 5 -1 function 'enough'",
            "resume Ok: 'enough'",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, -1, fail, fail, 'mine')",
        &[
            "pcall 5: 5 -1 function function 'mine'",
            "pcall k ErrErr 5: 5 -1 function 'error in error handling'",
            "resume Ok: 'error in error handling'",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, -1, fail, function() y() fail('mine') end)",
        &[
            "pcall 5: 5 -1 function function",
            "resume Yield:",
            "pcall k ErrErr 5: 5 -1 function 'error in error handling'",
            "resume Ok: 'error in error handling'",
        ],
    );
    agrees(
        Main,
        "return pcallk(5, -1, fail, fail, 'mine')",
        &[
            "pcall 5: 5 -1 function function 'mine'",
            "pcall after ErrErr 5: 5 -1 function 'error in error handling'",
            "main Ok: 'error in error handling'",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, -1, {}, fail, 'mine')",
        &[
            "pcall 5: 5 -1 table function 'mine'",
            "pcall k ErrErr 5: 5 -1 table 'error in error handling'",
            "resume Ok: 'error in error handling'",
        ],
    );
    agrees(
        Body,
        "return pcallk(1, -1, note, pcallk, 2, -1, fail, function() y() fail('mine') end)",
        &[
            "pcall 1: 1 -1 function function 2 -1 function function",
            "pcall 2: 2 -1 function function",
            "resume Yield:",
            "pcall k ErrErr 2: 2 -1 function 'error in error handling'",
            "pcall k Yield 1: 1 -1 function 'error in error handling'",
            "resume Ok: 'error in error handling'",
        ],
    );
    agrees(
        Body,
        "local n = 0 return pcallk(5, -1, function(e) n = n + 1 if n < 100 then fail(e .. '.') end return #e end, \
         function() y() fail('') end)",
        &["pcall 5: 5 -1 function function", "resume Yield:", "pcall k ErrRun 5: 5 -1 function 99", "resume Ok: 99"],
    );
}

#[test]
fn a_handler_cannot_yield() {
    agrees(
        Body,
        "return pcallk(5, -1, function(e) if e == 'mine' then y() end return e end, function() y() fail('mine') end)",
        &[
            "pcall 5: 5 -1 function function",
            "resume Yield:",
            "pcall k ErrRun 5: 5 -1 function 'attempt to yield across a C-call boundary'",
            "resume Ok: 'attempt to yield across a C-call boundary'",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, -1, y, function() y() fail('mine') end)",
        &[
            "pcall 5: 5 -1 function function",
            "resume Yield:",
            "pcall k ErrErr 5: 5 -1 function 'error in error handling'",
            "resume Ok: 'error in error handling'",
        ],
    );
}

#[test]
fn lack_of_memory_goes_to_the_continuation() {
    agrees(
        Body,
        "return pcallk(5, -1, nil, memory, 1, 2)",
        &[
            "pcall 5: 5 -1 nil function 1 2",
            "pcall k ErrMem 5: 5 -1 nil 'not enough memory'",
            "resume Ok: 'not enough memory'",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, 0, note, function() y() memory() end)",
        &[
            "pcall 5: 5 0 function function",
            "resume Yield:",
            "pcall k ErrMem 5: 5 0 function 'not enough memory'",
            "resume Ok: 'not enough memory'",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, -1, nil, callk, 6, -1, function() y() callk(7, 0, memory) end)",
        &[
            "pcall 5: 5 -1 nil function 6 -1 function",
            "call 6: 6 -1 function",
            "resume Yield:",
            "call 7: 7 0 function",
            "pcall k ErrMem 5: 5 -1 nil 'not enough memory'",
            "resume Ok: 'not enough memory'",
        ],
    );
    agrees(
        Body,
        "return pcallk(1, -1, nil, chain, note, memory, y, function() y() memory() end)",
        &[
            "pcall 1: 1 -1 nil function function function function function",
            "chain k ErrMem 2: function function function function 'not enough memory'",
            "resume Yield:",
            "chain k Yield 3: function function function function 'not enough memory' 11",
            "resume Yield:",
            "chain k ErrMem 4: function function function function 'not enough memory' 11 'not enough memory'",
            "pcall k ErrRun 1: 1 -1 nil 'chain end'",
            "resume Ok: 'chain end'",
        ],
    );
    agrees(Body, "y() memory()", &["resume Yield:", "resume ErrMem: 'not enough memory'"]);
    agrees(
        Main,
        "return pcallk(5, -1, note, memory)",
        &[
            "pcall 5: 5 -1 function function",
            "pcall after ErrMem 5: 5 -1 function 'not enough memory'",
            "main Ok: 'not enough memory'",
        ],
    );
}

#[test]
fn an_error_in_a_finalizer_goes_to_the_continuation() {
    agrees(
        Body,
        "return pcallk(5, -1, note, function() setmt({}, { __gc = function() fail('mine') end }) y() gc() end)",
        &[
            "pcall 5: 5 -1 function function",
            "resume Yield:",
            "pcall k ErrGcmm 5: 5 -1 function 'error in __gc metamethod (mine)'",
            "resume Ok: 'error in __gc metamethod (mine)'",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, -1, note, function() setmt({}, { __gc = y }) y() gc() end)",
        &[
            "pcall 5: 5 -1 function function",
            "resume Yield:",
            "pcall k ErrGcmm 5: 5 -1 function 'error in __gc metamethod (attempt to yield across a C-call boundary)'",
            "resume Ok: 'error in __gc metamethod (attempt to yield across a C-call boundary)'",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, -1, note, function() setmt({}, { __gc = memory }) y() gc() end)",
        &[
            "pcall 5: 5 -1 function function",
            "resume Yield:",
            "pcall k ErrMem 5: 5 -1 function 'not enough memory'",
            "resume Ok: 'not enough memory'",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, -1, nil, function() setmt({}, { __gc = function() pcall(fail, 'kept') y() end }) gc() end)",
        &[
            "pcall 5: 5 -1 nil function",
            "plain ErrRun: 'kept'",
            "pcall k ErrGcmm 5: 5 -1 nil 'error in __gc metamethod (attempt to yield across a C-call boundary)'",
            "resume Ok: 'error in __gc metamethod (attempt to yield across a C-call boundary)'",
        ],
    );
}

#[test]
fn upvalues_are_closed_where_the_stack_is_cut() {
    agrees(
        Body,
        "local get, set \
         pcallk(5, 0, nil, function() \
             local kept, other = 'kept', 1 \
             function get() return kept, other end function set(v) kept = v end \
             y() fail('cut') end) \
         note(get()) set('new') y() gc() return get()",
        &[
            "pcall 5: 5 0 nil function",
            "resume Yield:",
            "pcall k ErrRun 5: 5 0 nil 'cut'",
            "note: 'kept' 1",
            "resume Yield:",
            "resume Ok: 'new' 1",
        ],
    );
    agrees(
        Collecting,
        "local getters = {} \
         local function f(n) local v = n getters[n] = function() v = v + 1 return v end \
             if n == 0 then y() fail('cut') end f(n - 1) v = v end \
         pcallk(5, 0, nil, f, 5) y() \
         return getters[0](), getters[1](), getters[5](), getters[5]()",
        &[
            "pcall 5: 5 0 nil function 5",
            "resume Yield:",
            "pcall k ErrRun 5: 5 0 nil 'cut'",
            "resume Yield:",
            "resume Ok: 1 2 6 7",
        ],
    );
}

/// With a collection at each allocation a stack takes too long to overflow.
#[cfg(not(gc_zeal))]
#[test]
fn a_stack_overflow_goes_to_the_continuation() {
    agrees(
        Body,
        "local message local function f() return 1 + f() end \
         pcallk(5, 0, function(e) message = e return 'handled' end, function() y() f() end) return message",
        &[
            "pcall 5: 5 0 function function",
            "resume Yield:",
            "pcall k ErrMem 5: 5 0 function 'not enough memory'",
            "resume Ok: nil",
        ],
    );
}

#[test]
fn an_error_that_nobody_takes_goes_to_the_resumer() {
    agrees(Body, "y() fail('mine')", &["resume Yield:", "resume ErrRun: 'mine'"]);
    agrees(
        Body,
        "callk(5, -1, y) fail('mine')",
        &["call 5: 5 -1 function", "resume Yield:", "call k Yield 5: 5 -1 11 12", "resume ErrRun: 'mine'"],
    );
    agrees(
        Body,
        "callk(5, -1, function() y() fail({}) end)",
        &["call 5: 5 -1 function", "resume Yield:", "resume ErrRun: table"],
    );
    agrees(
        Body,
        "pcallk(5, -1, nil, y) fail(nil)",
        &["pcall 5: 5 -1 nil function", "resume Yield:", "pcall k Yield 5: 5 -1 nil 11 12", "resume ErrRun: nil"],
    );
    agrees(Main, "fail('mine')", &["main ErrRun: 'mine'"]);
    agrees(Main, "callk(5, -1, fail, 'mine')", &["call 5: 5 -1 function 'mine'", "main ErrRun: 'mine'"]);
}

#[test]
fn errors_pass_through_native_frames() {
    agrees(
        Body,
        "return pcallk(1, -1, nil, call, call, function() fail('deep') end)",
        &["pcall 1: 1 -1 nil function function function", "pcall k ErrRun 1: 1 -1 nil 'deep'", "resume Ok: 'deep'"],
    );
    agrees(
        Body,
        "return pcallk(1, -1, nil, function() y() call(call, fail, 'deep') end)",
        &["pcall 1: 1 -1 nil function", "resume Yield:", "pcall k ErrRun 1: 1 -1 nil 'deep'", "resume Ok: 'deep'"],
    );
    agrees(
        Body,
        "return pcallk(1, -1, nil, function() y() note(pcall(call, fail, 'deep')) y() fail('e') end)",
        &[
            "pcall 1: 1 -1 nil function",
            "resume Yield:",
            "plain ErrRun: 'deep'",
            "note: 'deep'",
            "resume Yield:",
            "pcall k ErrRun 1: 1 -1 nil 'e'",
            "resume Ok: 'e'",
        ],
    );
    agrees(
        Body,
        "return pcall(pcallk, 1, -1, function(e) return e .. '!' end, call, fail, 'deep')",
        &[
            "pcall 1: 1 -1 function function function 'deep'",
            "pcall after ErrRun 1: 1 -1 function 'deep!'",
            "plain Ok: 'deep!'",
            "resume Ok: 'deep!'",
        ],
    );
}

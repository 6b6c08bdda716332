//! The grammar of expressions (manual §3.4), and what all parts of the grammar need.
//!
//! Functions here recurse as deeply as the source nests, up to `MAX_C_CALLS` levels; so each keeps little on the Rust stack.

use perilune_core::base::limits::MAX_C_CALLS;
use perilune_core::code::Instruction;
use perilune_core::{GcRef, LuaString};

use super::emit::reg;
use super::expdesc::{BinOp, ExpDesc, Kind, UNARY_PRIORITY, UnOp};
use super::state::{Compiler, NO_JUMP};
use super::token::Token;
use crate::error::{LuaResult, Thrown};
use crate::opcode::{FIELDS_PER_FLUSH, Op};

/// The largest number of items of each kind in a constructor.
const MAX_ITEMS: usize = i32::MAX as usize;

/// Tokens.
impl Compiler<'_, '_> {
    /// Skips the current token if it is `token`.
    #[doc(alias = "testnext")]
    #[inline(always)]
    pub(super) fn accept(&mut self, token: Token) -> LuaResult<bool> {
        if self.lex.token != token {
            return Ok(false);
        }
        self.lex.next()?;
        Ok(true)
    }

    /// Raises an error unless the current token is `token`.
    #[inline(always)]
    pub(super) fn check(&mut self, token: Token) -> LuaResult<()> {
        if self.lex.token == token { Ok(()) } else { Err(self.expected(token)) }
    }

    #[doc(alias = "error_expected")]
    #[cold]
    #[inline(never)]
    fn expected(&mut self, token: Token) -> Thrown {
        self.error(format_args!("{token} expected"))
    }

    /// Skips the current token, which must be `token`.
    #[doc(alias = "checknext")]
    pub(super) fn expect(&mut self, token: Token) -> LuaResult<()> {
        self.check(token)?;
        self.lex.next()
    }

    /// Skips the token that closes what `opening` opened at a line.
    #[doc(alias = "check_match")]
    pub(super) fn expect_match(&mut self, closing: Token, opening: Token, line: i32) -> LuaResult<()> {
        if self.accept(closing)? { Ok(()) } else { Err(self.unclosed(closing, opening, line)) }
    }

    #[cold]
    #[inline(never)]
    fn unclosed(&mut self, closing: Token, opening: Token, line: i32) -> Thrown {
        if line == self.lex.line {
            self.expected(closing)
        } else {
            self.error(format_args!("{closing} expected (to close {opening} at line {line})"))
        }
    }

    /// Skips the current token, which must be a name, and gives the name.
    #[doc(alias = "str_checkname")]
    pub(super) fn expect_name(&mut self) -> LuaResult<GcRef<LuaString>> {
        let Token::Name(name) = self.lex.token else {
            return Err(self.error(format_args!("<name> expected")));
        };
        self.lex.next()?;
        Ok(name)
    }

    /// Goes one level of nesting deeper.
    #[doc(alias = "enterlevel")]
    pub(super) fn enter_level(&mut self) -> LuaResult<()> {
        let depth = &self.lex.lua.th().n_c_calls;
        depth.set(depth.get() + 1);
        self.check_limit(self.depth(), MAX_C_CALLS as usize, "C levels")
    }

    /// Comes back one level.
    #[doc(alias = "leavelevel")]
    pub(super) fn leave_level(&mut self) {
        let depth = &self.lex.lua.th().n_c_calls;
        depth.set(depth.get() - 1);
    }

    /// The number of levels, native calls around the compiler included.
    pub(super) fn depth(&self) -> usize {
        self.lex.lua.th().n_c_calls.get() as usize
    }
}

/// Operators.
impl Compiler<'_, '_> {
    /// `exp`
    pub(super) fn expr(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        self.subexpr(e, 0).map(|_| ())
    }

    /// `(simpleexp | unop subexpr) { binop subexpr }`, with operators that bind stronger than `limit`. Returns the first
    /// operator that does not.
    fn subexpr(&mut self, e: &mut ExpDesc, limit: u8) -> LuaResult<Option<BinOp>> {
        self.enter_level()?;
        match unary_operator(self.lex.token) {
            Some(op) => self.unary(e, op)?,
            None => self.simple_exp(e)?,
        }
        let mut operator = binary_operator(self.lex.token);
        while let Some(op) = operator
            && op.priority().0 > limit
        {
            operator = self.binary(e, op)?;
        }
        self.leave_level();
        Ok(operator)
    }

    /// `unop subexpr`
    fn unary(&mut self, e: &mut ExpDesc, op: UnOp) -> LuaResult<()> {
        let line = self.lex.line;
        self.lex.next()?;
        self.subexpr(e, UNARY_PRIORITY)?;
        self.prefix(op, e, line)
    }

    /// `binop subexpr`. Returns the operator that follows.
    fn binary(&mut self, e: &mut ExpDesc, op: BinOp) -> LuaResult<Option<BinOp>> {
        let line = self.lex.line;
        self.lex.next()?;
        self.infix(op, e)?;
        let mut right = ExpDesc::VOID;
        let next = self.subexpr(&mut right, op.priority().1)?;
        self.postfix(op, e, &mut right, line)?;
        Ok(next)
    }

    /// `exp {',' exp}`. The last expression is `e`, those before it are in registers. Returns how many there are.
    #[doc(alias = "explist")]
    pub(super) fn expr_list(&mut self, e: &mut ExpDesc) -> LuaResult<usize> {
        let mut count = 1;
        self.expr(e)?;
        while self.accept(Token::Char(b','))? {
            self.place_in_next(e)?;
            self.expr(e)?;
            count += 1;
        }
        Ok(count)
    }
}

fn unary_operator(token: Token) -> Option<UnOp> {
    Some(match token {
        Token::Not => UnOp::Not,
        Token::Char(b'-') => UnOp::Minus,
        Token::Char(b'~') => UnOp::BNot,
        Token::Char(b'#') => UnOp::Len,
        _ => return None,
    })
}

/// The binary operators that are a single byte.
static OPERATOR_BYTES: [Option<BinOp>; 128] = {
    let mut operators = [None; 128];
    let pairs = [
        (b'+', BinOp::Add),
        (b'-', BinOp::Sub),
        (b'*', BinOp::Mul),
        (b'%', BinOp::Mod),
        (b'^', BinOp::Pow),
        (b'/', BinOp::Div),
        (b'&', BinOp::BAnd),
        (b'|', BinOp::BOr),
        (b'~', BinOp::BXor),
        (b'<', BinOp::Lt),
        (b'>', BinOp::Gt),
    ];
    let mut i = 0;
    while i < pairs.len() {
        operators[pairs[i].0 as usize] = Some(pairs[i].1);
        i += 1;
    }
    operators
};

fn binary_operator(token: Token) -> Option<BinOp> {
    Some(match token {
        Token::Char(byte) => return OPERATOR_BYTES.get(byte as usize).copied().flatten(),
        Token::IDiv => BinOp::IDiv,
        Token::Shl => BinOp::Shl,
        Token::Shr => BinOp::Shr,
        Token::Concat => BinOp::Concat,
        Token::Ne => BinOp::Ne,
        Token::Eq => BinOp::Eq,
        Token::Le => BinOp::Le,
        Token::Ge => BinOp::Ge,
        Token::And => BinOp::And,
        Token::Or => BinOp::Or,
        _ => return None,
    })
}

/// Operands.
impl Compiler<'_, '_> {
    /// `literal | '...' | constructor | function body | suffixedexp`
    #[doc(alias = "simpleexp")]
    fn simple_exp(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        match self.lex.token {
            Token::Char(b'{') => self.constructor(e),
            Token::Function => {
                self.lex.next()?;
                self.body(e, false, self.lex.line)
            }
            Token::Name(_) | Token::Char(_) => self.suffixed_exp(e),
            _ => self.literal(e),
        }
    }

    /// `Numeral | LiteralString | nil | true | false | '...'`
    fn literal(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        match self.lex.token {
            Token::Float(n) => e.kind = Kind::Float(n),
            Token::Integer(i) => e.kind = Kind::Integer(i),
            Token::String(string) => e.kind = Kind::Const(self.string_constant(string)?),
            Token::Nil => e.kind = Kind::Nil,
            Token::True => e.kind = Kind::True,
            Token::False => e.kind = Kind::False,
            Token::Dots => e.kind = Kind::VarArg(self.vararg()?),
            _ => return Err(self.unexpected_symbol()),
        }
        (e.if_true, e.if_false) = (NO_JUMP, NO_JUMP);
        self.lex.next()
    }

    #[cold]
    #[inline(never)]
    fn unexpected_symbol(&mut self) -> Thrown {
        self.error(format_args!("unexpected symbol"))
    }

    /// `'...'`
    fn vararg(&mut self) -> LuaResult<i32> {
        if !self.fs.proto.is_vararg.get() {
            return Err(self.error(format_args!("cannot use '...' outside a vararg function")));
        }
        self.emit_abc(Op::VarArg, 0, 1, 0)
    }

    /// `NAME | '(' exp ')'`
    #[doc(alias = "primaryexp")]
    fn primary_exp(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        match self.lex.token {
            Token::Name(name) => {
                self.lex.next()?;
                self.variable(name, e)
            }
            Token::Char(b'(') => {
                let line = self.lex.line;
                self.lex.next()?;
                self.expr(e)?;
                self.expect_match(Token::Char(b')'), Token::Char(b'('), line)?;
                self.read_variable(e)
            }
            _ => Err(self.unexpected_symbol()),
        }
    }

    /// `primaryexp { '.' NAME | '[' exp ']' | ':' NAME args | args }`
    #[doc(alias = "suffixedexp")]
    pub(super) fn suffixed_exp(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        let line = self.lex.line;
        self.primary_exp(e)?;
        loop {
            match self.lex.token {
                Token::Char(b'.') => self.field_suffix(e)?,
                Token::Char(b'[') => self.index_suffix(e)?,
                Token::Char(b':') => {
                    self.method_suffix(e)?;
                    self.arguments(e, line)?;
                }
                Token::Char(b'(' | b'{') | Token::String(_) => {
                    self.place_in_next(e)?;
                    self.arguments(e, line)?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// The name after a dot or colon, as a constant.
    fn name_key(&mut self) -> LuaResult<u32> {
        self.lex.next()?;
        let name = self.expect_name()?;
        self.string_constant(name)
    }

    /// `['.' | ':'] NAME`
    #[doc(alias = "fieldsel")]
    pub(super) fn field_suffix(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        self.place_in_any_or_upvalue(e)?;
        let mut key = ExpDesc::new(Kind::Const(self.name_key()?));
        self.index(e, &mut key)
    }

    /// `'[' exp ']'`
    fn index_suffix(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        self.place_in_any_or_upvalue(e)?;
        let mut key = ExpDesc::VOID;
        self.bracketed(&mut key)?;
        self.index(e, &mut key)
    }

    /// `':' NAME`
    fn method_suffix(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        let mut key = ExpDesc::new(Kind::Const(self.name_key()?));
        self.method(e, &mut key)
    }

    /// `'[' exp ']'`, as a key.
    #[doc(alias = "yindex")]
    fn bracketed(&mut self, key: &mut ExpDesc) -> LuaResult<()> {
        self.lex.next()?;
        self.expr(key)?;
        self.settle(key)?;
        self.expect(Token::Char(b']'))
    }

    /// `'(' [explist] ')' | constructor | LiteralString`: calls the function in the register of `e`.
    #[doc(alias = "funcargs")]
    fn arguments(&mut self, e: &mut ExpDesc, line: i32) -> LuaResult<()> {
        let mut last = ExpDesc::VOID;
        match self.lex.token {
            Token::Char(b'(') => self.parenthesized_arguments(&mut last, line)?,
            Token::Char(b'{') => self.constructor(&mut last)?,
            Token::String(string) => {
                last.kind = Kind::Const(self.string_constant(string)?);
                self.lex.next()?;
            }
            _ => return Err(self.error(format_args!("function arguments expected"))),
        }
        // Both callers have put the function into a register of its own.
        let Kind::Register(base) = e.kind else { return Ok(()) };
        let count = if last.is_multiple() {
            0
        } else {
            if last.kind != Kind::Void {
                self.place_in_next(&mut last)?;
            }
            // One more than there are arguments, so that 0 can mean all up to the top.
            (self.fs.free_reg - base) as u16
        };
        *e = ExpDesc::new(Kind::Call(self.emit_abc(Op::Call, reg(base), count, 2)?));
        self.fix_line(line);
        // The call takes function and arguments away and leaves, unless changed later, one result.
        self.fs.free_reg = base + 1;
        Ok(())
    }

    /// `'(' [explist] ')'`; the line is the one where the whole expression began.
    fn parenthesized_arguments(&mut self, last: &mut ExpDesc, line: i32) -> LuaResult<()> {
        self.lex.next()?;
        if self.lex.token != Token::Char(b')') {
            self.expr_list(last)?;
            if last.is_multiple() {
                self.set_results(last, None)?;
            }
        }
        self.expect_match(Token::Char(b')'), Token::Char(b'('), line)
    }
}

/// A constructor that is being compiled.
struct Constructor {
    /// The item that was read last.
    item: ExpDesc,
    /// The register of the table.
    table: u8,
    /// The number of `name = exp` and `[exp] = exp` fields.
    n_hash: usize,
    /// The number of items without a key.
    n_array: usize,
    /// How many of those are not stored yet.
    to_store: usize,
}

/// Constructors (manual §3.4.9).
impl Compiler<'_, '_> {
    /// `'{' [field {sep field} [sep]] '}'`
    fn constructor(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        let line = self.lex.line;
        let pc = self.begin_constructor(e)?;
        let table = self.fs.free_reg - 1;
        let mut constructor = Constructor { item: ExpDesc::VOID, table, n_hash: 0, n_array: 0, to_store: 0 };
        while self.lex.token != Token::Char(b'}') {
            self.store_item(&mut constructor)?;
            self.field(&mut constructor)?;
            if !self.accept_separator()? {
                break;
            }
        }
        self.expect_match(Token::Char(b'}'), Token::Char(b'{'), line)?;
        self.store_last_items(&mut constructor)?;
        let Constructor { n_array, n_hash, .. } = constructor;
        // Items alone that are stored at one go: the instruction that stores them will know their number, also after a call.
        let is_one_run = n_hash == 0 && n_array <= FIELDS_PER_FLUSH;
        self.set_table_size(pc, if is_one_run { 0 } else { n_array }, n_hash);
        Ok(())
    }

    /// Makes the table in the next register. Returns the position of the instruction.
    fn begin_constructor(&mut self, e: &mut ExpDesc) -> LuaResult<i32> {
        let pc = self.emit_abc(Op::NewTable, 0, 0, 0)?;
        *e = ExpDesc::new(Kind::Pending(pc));
        self.place_in_next(e)?;
        self.expect(Token::Char(b'{'))?;
        Ok(pc)
    }

    /// `',' | ';'`
    fn accept_separator(&mut self) -> LuaResult<bool> {
        Ok(self.accept(Token::Char(b','))? || self.accept(Token::Char(b';'))?)
    }

    /// Tells the instruction that makes a table how many items it will get.
    fn set_table_size(&mut self, pc: i32, n_array: usize, n_hash: usize) {
        let n_array = n_array.min(0xff_ffff);
        let log = if n_hash == 0 { 0 } else { n_hash.next_power_of_two().trailing_zeros() + 1 };
        let word = self.code(pc);
        *word = Instruction::abc(word.op(), (n_array >> 16) as u8, word.a(), log as u16, n_array as u16);
    }

    /// `exp | NAME '=' exp | '[' exp ']' '=' exp`
    fn field(&mut self, constructor: &mut Constructor) -> LuaResult<()> {
        let is_record = match self.lex.token {
            Token::Name(_) => self.lex.look_ahead()? == Token::Char(b'='),
            Token::Char(b'[') => true,
            _ => false,
        };
        if is_record { self.record_field(constructor) } else { self.list_field(constructor) }
    }

    #[doc(alias = "listfield")]
    fn list_field(&mut self, constructor: &mut Constructor) -> LuaResult<()> {
        self.expr(&mut constructor.item)?;
        self.check_limit(constructor.n_array, MAX_ITEMS, "items in a constructor")?;
        constructor.n_array += 1;
        constructor.to_store += 1;
        Ok(())
    }

    #[doc(alias = "recfield")]
    fn record_field(&mut self, constructor: &mut Constructor) -> LuaResult<()> {
        let free_reg = self.fs.free_reg;
        let mut element = ExpDesc::new(Kind::Register(constructor.table));
        let mut e = ExpDesc::VOID;
        if let Token::Name(name) = self.lex.token {
            self.check_limit(constructor.n_hash, MAX_ITEMS, "items in a constructor")?;
            self.lex.next()?;
            e.kind = Kind::Const(self.string_constant(name)?);
        } else {
            self.bracketed(&mut e)?;
        }
        constructor.n_hash += 1;
        self.expect(Token::Char(b'='))?;
        self.index(&mut element, &mut e)?;
        self.expr(&mut e)?;
        self.store(&element, &mut e)?;
        self.fs.free_reg = free_reg;
        Ok(())
    }

    /// Brings the item read last to a register, and stores all that are there if they are enough.
    #[doc(alias = "closelistfield")]
    fn store_item(&mut self, constructor: &mut Constructor) -> LuaResult<()> {
        if constructor.item.kind == Kind::Void {
            return Ok(());
        }
        self.place_in_next(&mut constructor.item)?;
        constructor.item = ExpDesc::VOID;
        if constructor.to_store == FIELDS_PER_FLUSH {
            self.emit_set_list(constructor.table, constructor.n_array, Some(FIELDS_PER_FLUSH))?;
            constructor.to_store = 0;
        }
        Ok(())
    }

    /// Stores the remaining items; of the last one all values.
    #[doc(alias = "lastlistfield")]
    fn store_last_items(&mut self, constructor: &mut Constructor) -> LuaResult<()> {
        if constructor.to_store == 0 {
            return Ok(());
        }
        if constructor.item.is_multiple() {
            self.set_results(&constructor.item, None)?;
            self.emit_set_list(constructor.table, constructor.n_array, None)?;
            // How many values the last item has is not known.
            constructor.n_array -= 1;
            return Ok(());
        }
        if constructor.item.kind != Kind::Void {
            self.place_in_next(&mut constructor.item)?;
        }
        self.emit_set_list(constructor.table, constructor.n_array, Some(constructor.to_store))
    }
}

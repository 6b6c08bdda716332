//! Precompiled chunks as data: read from bytes, changed, and written again.
//!
//! The reader is one of its own, and not the machine's: it takes any number as it stands, so that what is written is what somebody
//! who means harm would write. Whatever [`Chunk::read`] takes, [`Chunk::write`] gives back byte by byte.

/// A string, or none.
type Text = Option<Vec<u8>>;

/// How long the header is, up to and including the mark of Perilune's chunks.
const HEADER: usize = 43;

/// A chunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chunk {
    /// Signature, versions, sizes, the number of upvalues, the mark.
    pub header: Vec<u8>,
    /// The chunk as a function.
    pub main: Function,
}

/// A function of a chunk.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Function {
    /// The source's name.
    pub source: Text,
    /// The first and the last line of its definition.
    pub defined: [i32; 2],
    /// The numbers of parameters and of registers, and whether there are extra arguments, as bytes.
    pub params: u8,
    /// Whether there are extra arguments.
    pub vararg: u8,
    /// How many registers it has.
    pub registers: u8,
    /// The instructions' words.
    pub code: Vec<u64>,
    /// The constants.
    pub constants: Vec<Constant>,
    /// Where upvalues come from: whether from a register, and from which.
    pub upvalues: Vec<[u8; 2]>,
    /// The inner functions.
    pub functions: Vec<Function>,
    /// The lines of the instructions.
    pub lines: Vec<i32>,
    /// The local variables: their names, and where they begin and end.
    pub locals: Vec<(Text, [i32; 2])>,
    /// The upvalues' names.
    pub names: Vec<Text>,
}

/// A constant: the byte that says of which kind it is, and what follows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Constant {
    /// One without more, or of an unknown kind.
    Plain(u8),
    /// A boolean.
    Boolean(u8),
    /// Eight bytes: a float or an integer.
    Word(u8, u64),
    /// A string.
    Text(u8, Text),
}

/// The byte of nil.
pub const NIL: u8 = 0;
/// The byte of a boolean.
pub const BOOLEAN: u8 = 1;
/// The byte of a float.
pub const FLOAT: u8 = 3;
/// The byte of an integer.
pub const INTEGER: u8 = 0x13;
/// The bytes of strings.
pub const STRINGS: [u8; 2] = [4, 0x14];

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn int(&mut self) -> Option<i32> {
        self.array().map(i32::from_ne_bytes)
    }

    fn text(&mut self) -> Option<Text> {
        let size = match self.byte()? {
            0xff => u64::from_ne_bytes(self.array()?),
            size => u64::from(size),
        };
        match size.checked_sub(1) {
            None => Some(None),
            Some(len) => Some(Some(self.bytes(usize::try_from(len).ok()?)?.to_vec())),
        }
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.int()? as u32;
        (0..count).map(|_| read(self)).collect()
    }

    fn constant(&mut self) -> Option<Constant> {
        Some(match self.byte()? {
            BOOLEAN => Constant::Boolean(self.byte()?),
            kind @ (FLOAT | INTEGER) => Constant::Word(kind, u64::from_ne_bytes(self.array()?)),
            kind if STRINGS.contains(&kind) => Constant::Text(kind, self.text()?),
            kind => Constant::Plain(kind),
        })
    }

    fn function(&mut self) -> Option<Function> {
        Some(Function {
            source: self.text()?,
            defined: [self.int()?, self.int()?],
            params: self.byte()?,
            vararg: self.byte()?,
            registers: self.byte()?,
            code: self.list(|reader| reader.array().map(u64::from_ne_bytes))?,
            constants: self.list(Self::constant)?,
            upvalues: self.list(Self::array)?,
            functions: self.list(Self::function)?,
            lines: self.list(Self::int)?,
            locals: self.list(|reader| Some((reader.text()?, [reader.int()?, reader.int()?])))?,
            names: self.list(Self::text)?,
        })
    }
}

/// What has been written.
struct Writer(Vec<u8>);

impl Writer {
    fn int(&mut self, n: i32) {
        self.0.extend(n.to_ne_bytes());
    }

    fn text(&mut self, text: &Text) {
        let Some(text) = text else { return self.0.push(0) };
        match u8::try_from(text.len() + 1) {
            Ok(size) if size < 0xff => self.0.push(size),
            _ => {
                self.0.push(0xff);
                self.0.extend((text.len() as u64 + 1).to_ne_bytes());
            }
        }
        self.0.extend(text);
    }

    fn list<T>(&mut self, list: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.int(list.len() as i32);
        for element in list {
            write(self, element);
        }
    }

    fn constant(&mut self, constant: &Constant) {
        match constant {
            Constant::Plain(kind) => self.0.push(*kind),
            Constant::Boolean(value) => self.0.extend([BOOLEAN, *value]),
            Constant::Word(kind, word) => {
                self.0.push(*kind);
                self.0.extend(word.to_ne_bytes());
            }
            Constant::Text(kind, text) => {
                self.0.push(*kind);
                self.text(text);
            }
        }
    }

    fn function(&mut self, function: &Function) {
        self.text(&function.source);
        function.defined.into_iter().for_each(|line| self.int(line));
        self.0.extend([function.params, function.vararg, function.registers]);
        self.list(&function.code, |writer, word| writer.0.extend(word.to_ne_bytes()));
        self.list(&function.constants, Self::constant);
        self.list(&function.upvalues, |writer, bytes| writer.0.extend(bytes));
        self.list(&function.functions, Self::function);
        self.list(&function.lines, |writer, &line| writer.int(line));
        self.list(&function.locals, |writer, (name, places)| {
            writer.text(name);
            places.iter().for_each(|&place| writer.int(place));
        });
        self.list(&function.names, Self::text);
    }
}

impl Chunk {
    /// Reads a chunk that the compiler has made; `None` if it is none, or something is left.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let header = reader.bytes(HEADER)?.to_vec();
        let main = reader.function()?;
        reader.0.is_empty().then_some(Self { header, main })
    }

    /// The chunk as bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut writer = Writer(self.header.clone());
        writer.function(&self.main);
        writer.0
    }

    /// How many functions there are.
    pub fn function_count(&self) -> usize {
        self.main.count()
    }

    /// All functions, outer ones before inner ones.
    pub fn functions(&self) -> Vec<&Function> {
        let mut functions = vec![&self.main];
        let mut at = 0;
        while let Some(function) = functions.get(at) {
            functions.splice(at + 1..at + 1, &function.functions);
            at += 1;
        }
        functions
    }

    /// The function of a number, outer ones before inner ones. Numbers go round.
    pub fn function_mut(&mut self, number: usize) -> &mut Function {
        let number = number % self.function_count();
        self.main.nth(number)
    }
}

impl Function {
    fn count(&self) -> usize {
        1 + self.functions.iter().map(Self::count).sum::<usize>()
    }

    fn nth(&mut self, mut number: usize) -> &mut Self {
        if number == 0 {
            return self;
        }
        number -= 1;
        let mut at = 0;
        while let Some(inner) = self.functions.get(at).filter(|inner| number >= inner.count()) {
            number -= inner.count();
            at += 1;
        }
        self.functions[at].nth(number)
    }
}

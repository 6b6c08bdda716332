//! Values as the model has them, and the natives that both sides know.

use std::fmt;
use std::rc::Rc;

/// The name of an object: the model and the machine number the objects in the order in which they are made.
pub type Id = u32;

/// The main thread.
pub const MAIN: Id = 1;

/// A value.
#[derive(Clone, PartialEq, Debug)]
pub enum Val {
    /// nil
    Nil,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float that is no integer and no NaN.
    Float(f64),
    /// A string.
    Str(Rc<str>),
    /// A light userdata.
    Light(usize),
    /// A native function without upvalues.
    Native(Native),
    /// A table, userdata, thread or closure.
    Object(Id),
}

impl Val {
    /// A string.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Str(Rc::from(text.as_ref()))
    }

    /// Whether it counts as true.
    pub fn truth(&self) -> bool {
        !matches!(self, Self::Nil | Self::Bool(false))
    }

    /// What `tostring` and `..` make of a string or a number.
    pub fn to_text(&self) -> Option<String> {
        match self {
            Self::Int(n) => Some(n.to_string()),
            // The floats in use print alike in both languages.
            Self::Float(x) => Some(x.to_string()),
            Self::Str(text) => Some(text.to_string()),
            _ => None,
        }
    }
}

/// The first of some values, or nil.
pub fn first(values: &[Val]) -> Val {
    values.first().cloned().unwrap_or(Val::Nil)
}

/// Natives that are values like others, most of them made for this test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Native {
    /// Returns its arguments.
    Pass,
    /// `coroutine.yield`
    Yield,
    /// Yields all but its first argument and returns what it is resumed with.
    PartYield,
    /// Yields all but its first argument, as often as that says, each time with what the last time brought in addition.
    LoopYield,
    /// Calls its first argument with the others: with `call_k`.
    CallK,
    /// With `pcall_k`.
    PcallK,
    /// With `call_then`.
    CallThen,
    /// With `pcall_then`.
    PcallThen,
    /// With `call`, across which nothing yields.
    HostCall,
    /// With `pcall`, across which nothing yields.
    HostPcall,
    /// With `call`, too, but keeps an error to itself.
    KeepError,
    /// Resumes its first argument with the others: with `resume`, so on the Rust stack.
    NestedResume,
    /// With `resume_then`.
    ResumeThen,
}

impl Native {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Pass,
        Self::Yield,
        Self::PartYield,
        Self::LoopYield,
        Self::CallK,
        Self::PcallK,
        Self::CallThen,
        Self::PcallThen,
        Self::HostCall,
        Self::HostPcall,
        Self::KeepError,
        Self::NestedResume,
        Self::ResumeThen,
    ];

    /// The global variable that holds it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Yield => "yield",
            Self::PartYield => "part_yield",
            Self::LoopYield => "loop_yield",
            Self::CallK => "call_k",
            Self::PcallK => "pcall_k",
            Self::CallThen => "call_then",
            Self::PcallThen => "pcall_then",
            Self::HostCall => "host_call",
            Self::HostPcall => "host_pcall",
            Self::KeepError => "keep_error",
            Self::NestedResume => "nested_resume",
            Self::ResumeThen => "resume_then",
        }
    }
}

impl fmt::Display for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

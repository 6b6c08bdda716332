//! The command line.
//!
//! Parsed by hand: the short options follow the reference to the letter (`-lname` and `-l name`, no grouping, an argument
//! that begins with `-` is refused, what comes first is reported first), and argument parsers have other opinions there.

use crate::allocators::{self, Allocator};

/// What the command line asks for.
pub struct Options {
    /// What the program is to do at all.
    pub request: Request,
    /// `-i`: enter the interactive mode in the end.
    pub interactive: bool,
    /// `-v`: show the version (also by `-i`).
    pub version: bool,
    /// `-E`: ignore environment variables.
    pub ignore_environment: bool,
    /// `-e` and `-l`, in their order.
    pub actions: Vec<Action>,
    /// The index of the script's name among the arguments; their number if there is none.
    pub script: usize,
    /// How often `--list` was given.
    pub list: u8,
    /// `--alloc`.
    pub allocator: &'static Allocator,
    /// `--mem-limit`, in bytes.
    pub memory_limit: Option<usize>,
    /// `--alloc-stats`.
    pub allocation_stats: bool,
}

/// What the program is to do at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// Run Lua.
    Run,
    /// Show the options.
    Help,
    /// Show the allocators.
    Allocators,
}

/// What is done before the script runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// `-e`: run this chunk.
    Evaluate(Vec<u8>),
    /// `-l`: require this library into a global of its name.
    Require(Vec<u8>),
}

impl Options {
    /// Whether there was an `-e`.
    pub fn evaluates(&self) -> bool {
        self.actions.iter().any(|action| matches!(action, Action::Evaluate(_)))
    }
}

/// What is wrong with the command line, as a message without the program's name.
pub type Mistake = Vec<u8>;

/// Reads the command line; the first argument is the program's name.
pub fn parse(arguments: &[Vec<u8>]) -> Result<Options, Mistake> {
    let mut options = Options {
        request: Request::Run,
        interactive: false,
        version: false,
        ignore_environment: false,
        actions: Vec::new(),
        script: arguments.len(),
        list: 0,
        allocator: &allocators::ALLOCATORS[0],
        memory_limit: None,
        allocation_stats: false,
    };
    let mut index = 1;
    while let Some(argument) = arguments.get(index) {
        match argument.as_slice() {
            b"-" => break,
            b"--" => {
                index += 1;
                break;
            }
            b"-E" => options.ignore_environment = true,
            b"-i" => (options.interactive, options.version) = (true, true),
            b"-v" => options.version = true,
            [b'-', letter @ (b'e' | b'l'), glued @ ..] => {
                let value = if glued.is_empty() {
                    index += 1;
                    match arguments.get(index) {
                        Some(value) if value.first() != Some(&b'-') => value.clone(),
                        _ => return Err(needs_argument(argument)),
                    }
                } else {
                    glued.to_vec()
                };
                options.actions.push(if *letter == b'e' { Action::Evaluate(value) } else { Action::Require(value) });
            }
            [b'-', b'-', long @ ..] => index += parse_long(&mut options, long, arguments.get(index + 1))?,
            [b'-', ..] => return Err(unrecognized(argument)),
            _ => break,
        }
        index += 1;
    }
    options.script = index.min(arguments.len());
    if options.list > 0 && options.script == arguments.len() && options.request == Request::Run {
        return Err(needs_argument(b"--list"));
    }
    Ok(options)
}

/// Takes a long option, its name without the dashes, and returns how many further arguments it took.
fn parse_long(options: &mut Options, long: &[u8], next: Option<&Vec<u8>>) -> Result<usize, Mistake> {
    let (name, glued) = match long.iter().position(|&byte| byte == b'=') {
        Some(at) => (&long[..at], Some(&long[at + 1..])),
        None => (long, None),
    };
    let value = || glued.or(next.map(Vec::as_slice)).ok_or_else(|| needs_argument(&[b"--", name].concat()));
    match name {
        b"alloc" => options.allocator = allocators::find(value()?)?,
        b"mem-limit" => options.memory_limit = Some(parse_size(value()?)?),
        _ if glued.is_some() => return Err(unrecognized(&[b"--", long].concat())),
        b"alloc-stats" => options.allocation_stats = true,
        b"allocs" => options.request = Request::Allocators,
        b"help" => options.request = Request::Help,
        b"list" => options.list = options.list.saturating_add(1),
        _ => return Err(unrecognized(&[b"--", long].concat())),
    }
    Ok(usize::from(matches!(name, b"alloc" | b"mem-limit") && glued.is_none()))
}

/// A number of bytes with a suffix for its multiples.
fn parse_size(text: &[u8]) -> Result<usize, Mistake> {
    let (digits, shift) = match text.split_last() {
        Some((b'k' | b'K', digits)) => (digits, 10),
        Some((b'm' | b'M', digits)) => (digits, 20),
        Some((b'g' | b'G', digits)) => (digits, 30),
        _ => (text, 0),
    };
    let number = match digits {
        [] => None,
        _ => digits.iter().try_fold(0usize, |number, digit| {
            let digit = digit.is_ascii_digit().then(|| usize::from(digit - b'0'))?;
            number.checked_mul(10)?.checked_add(digit)
        }),
    };
    number.and_then(|number| number.checked_mul(1 << shift)).ok_or_else(|| {
        [b"'--mem-limit' needs a number of bytes, like 65536, 64K, 64M or 2G, not '", text, b"'"].concat()
    })
}

fn needs_argument(option: &[u8]) -> Mistake {
    [b"'", option, b"' needs argument"].concat()
}

fn unrecognized(option: &[u8]) -> Mistake {
    [b"unrecognized option '", option, b"'"].concat()
}

/// The options; those of the reference come first and in its words.
const OPTIONS: &str = "\
Available options are:
  -e stat  execute string 'stat'
  -i       enter interactive mode after executing 'script'
  -l name  require library 'name' into global 'name'
  -v       show version information
  -E       ignore environment variables
  --       stop handling options
  -        stop handling options and execute stdin
  --alloc name      take memory from allocator 'name'
  --allocs          show the allocators
  --mem-limit size  never use more than 'size' bytes (suffixes K, M, G)
  --alloc-stats     show what was asked of the allocator, on stderr at exit
  --list            list the bytecode of 'script' and do not run it (twice: in full)
  --help            show the options
";

/// The options for someone who asked.
pub fn help(name: &[u8]) -> Vec<u8> {
    [b"usage: ", name, b" [options] [script [args]]\n", OPTIONS.as_bytes()].concat()
}

/// The options for someone who made a mistake.
pub fn usage(name: &[u8], mistake: &[u8]) -> Vec<u8> {
    [name, b": ", mistake, b"\n", &help(name)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Options, String> {
        let all: Vec<Vec<u8>> = ["perilune"].iter().chain(arguments).map(|text| text.as_bytes().to_vec()).collect();
        parse(&all).map_err(|mistake| String::from_utf8_lossy(&mistake).into_owned())
    }

    fn mistake(arguments: &[&str]) -> String {
        read(arguments).err().expect("a mistake")
    }

    #[test]
    fn options_end_where_the_script_begins() {
        for (arguments, script) in [
            (&["x.lua", "-v"][..], 1),
            (&["-v", "x.lua"], 2),
            (&["-e", "a", "x.lua"], 3),
            (&["-ea", "x.lua"], 2),
            (&["--", "-x"], 2),
            (&["--"], 2),
            (&["-"], 1),
            (&["-i"], 2),
            (&[], 1),
            (&["--mem-limit", "1M", "x.lua"], 3),
            (&["--mem-limit=1M", "x.lua"], 2),
        ] {
            assert_eq!(read(arguments).map(|options| options.script), Ok(script), "{arguments:?}");
        }
    }

    #[test]
    fn actions_keep_their_order() {
        let options = read(&["-e", "1", "-lx", "-l", "y", "-e2"]).expect("no mistake");
        let expected = [
            Action::Evaluate(b"1".to_vec()),
            Action::Require(b"x".to_vec()),
            Action::Require(b"y".to_vec()),
            Action::Evaluate(b"2".to_vec()),
        ];
        assert_eq!(options.actions, expected);
    }

    #[test]
    fn mistakes_are_those_of_the_reference() {
        assert_eq!(mistake(&["-h"]), "unrecognized option '-h'");
        assert_eq!(mistake(&["---"]), "unrecognized option '---'");
        assert_eq!(mistake(&["-vv"]), "unrecognized option '-vv'");
        assert_eq!(mistake(&["-Ex"]), "unrecognized option '-Ex'");
        assert_eq!(mistake(&["-e"]), "'-e' needs argument");
        assert_eq!(mistake(&["-l", "-e"]), "'-l' needs argument");
    }

    #[test]
    fn sizes_have_suffixes() {
        let limit = |text: &str| read(&["--mem-limit", text]).map(|options| options.memory_limit);
        assert_eq!(limit("65536"), Ok(Some(65536)));
        assert_eq!(limit("64k"), Ok(Some(64 << 10)));
        assert_eq!(limit("64M"), Ok(Some(64 << 20)));
        assert_eq!(limit("2G"), Ok(Some(2 << 30)));
        for text in ["", "M", "1T", "-1", "1.5M", "99999999999999999999", "18014398509481984K"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn unknown_names_are_answered_by_known_ones() {
        assert!(mistake(&["--alloc", "x"]).starts_with("unknown allocator 'x' (there are: slab, "));
        assert_eq!(mistake(&["--frob"]), "unrecognized option '--frob'");
        assert_eq!(mistake(&["--help=1"]), "unrecognized option '--help=1'");
        assert_eq!(mistake(&["--alloc"]), "'--alloc' needs argument");
        assert_eq!(mistake(&["--list"]), "'--list' needs argument");
    }
}

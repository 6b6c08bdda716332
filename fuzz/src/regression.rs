//! Programs on which something was found once: files that are tried each time.
//!
//! A file `NAME.lua` begins with a line that says which oracles it is for, `-- oracles: differential, dump`. What follows says in
//! comments what was wrong, and is the program.

use std::io;
use std::path::Path;

/// What the first line begins with.
const HEADER: &str = "-- oracles:";

/// A program that is kept.
#[derive(Clone, Debug)]
pub struct Regression {
    /// The file's name without its end.
    pub name: String,
    /// The names of the oracles that it is for.
    pub oracles: Vec<String>,
    /// The program, first line included.
    pub source: String,
}

/// The programs of a folder, by name.
///
/// # Errors
/// The folder or a file cannot be read, or a file does not say which oracles it is for.
pub fn read(folder: &Path) -> io::Result<Vec<Regression>> {
    let mut regressions = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|end| end != "lua") {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let source = std::fs::read_to_string(&path)?;
        let first = source.lines().next().unwrap_or_default();
        let Some(list) = first.strip_prefix(HEADER) else {
            return Err(io::Error::other(format!("{name}.lua does not begin with \"{HEADER}\"")));
        };
        let oracles = list.split(',').map(|oracle| oracle.trim().to_owned()).collect();
        regressions.push(Regression { name, oracles, source });
    }
    regressions.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(regressions)
}

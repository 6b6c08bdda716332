//! Workloads: Lua files with a header that says what each is.
//!
//! A header is the comment lines at the top of the form `-- key: text`. `about` and `stresses` are for people. `sizes` has the
//! argument that the file gets for each size, `quick N, default N, long N`. `driver: states` says that the host runs the file in a
//! state of its own for each number from 1 to that argument, and adds up the integers that it returns; otherwise the file runs
//! once, in one state. What it prints is its checksum: all allocators must give the same.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The project's workloads: name and source.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/workloads.rs"));

/// How long workloads run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// About 50 milliseconds each.
    Quick,
    /// About a third of a second each.
    #[default]
    Default,
    /// A few seconds each.
    Long,
}

/// Who runs a workload's file, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// Once, in one state.
    #[default]
    Script,
    /// In many states, one after the other.
    States,
}

/// A program that allocators are tried with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// The name of its file without `.lua`.
    pub name: String,
    /// What it does.
    pub about: String,
    /// What it demands of an allocator.
    pub stresses: String,
    /// Who runs it.
    pub driver: Driver,
    /// The argument for each size.
    sizes: [u64; 3],
    /// Its text.
    pub source: String,
}

impl Workload {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// Something in the header cannot be understood.
    pub fn parse(name: &str, source: &str) -> Result<Self> {
        let mut this = Self {
            name: name.to_owned(),
            about: String::new(),
            stresses: String::new(),
            driver: Driver::Script,
            sizes: [1, 1, 1],
            source: source.to_owned(),
        };
        for line in source.lines().map_while(|line| line.strip_prefix("--")) {
            let Some((key, text)) = line.split_once(':') else { continue };
            let text = text.trim();
            match key.trim() {
                "about" => text.clone_into(&mut this.about),
                "stresses" => text.clone_into(&mut this.stresses),
                "sizes" => {
                    this.sizes = sizes(text).with_context(|| {
                        format!("the header of workload '{name}': sizes must be 'quick N, default N, long N'")
                    })?;
                }
                "driver" if text == "states" => this.driver = Driver::States,
                "driver" if text == "script" => {}
                "driver" => bail!("the header of workload '{name}' has an unknown driver '{text}' (script or states)"),
                _ => {}
            }
        }
        Ok(this)
    }

    /// The argument for a size.
    pub fn argument(&self, size: Size) -> u64 {
        self.sizes[size as usize]
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or its header not be understood.
    pub fn from_file(path: &Path) -> Result<Self> {
        let source = fs::read_to_string(path).with_context(|| format!("cannot read '{}'", path.display()))?;
        // A first line for the system is a comment, as in the program `lua`.
        let source = if source.starts_with('#') { format!("--{source}") } else { source };
        let name = path.file_stem().map_or_else(|| "script".into(), |stem| stem.to_string_lossy());
        Self::parse(&name, &source)
    }

    /// Arithmetic without allocations, which shows the machine's noise.
    pub fn control() -> Self {
        let sizes = [1_500_000, 4_000_000, 20_000_000];
        Self { sizes, ..Self::parse("control", include_str!("control.lua")).expect("its header is empty") }
    }
}

/// The numbers in `quick N, default N, long N`.
fn sizes(text: &str) -> Result<[u64; 3]> {
    let mut sizes = [None; 3];
    for part in text.split(',') {
        let (name, number) = part.trim().split_once(' ').context("a size without a number")?;
        let size = Size::from_str(name, false).ok().context("an unknown size")?;
        sizes[size as usize] = Some(number.trim().parse()?);
    }
    match sizes {
        [Some(quick), Some(default), Some(long)] => Ok([quick, default, long]),
        _ => bail!("a size is missing"),
    }
}

/// The project's workloads and those of a folder, by name. A file of the folder takes the place of one of the same name.
///
/// # Errors
/// The folder or a file of it cannot be read.
pub fn list(folder: Option<&PathBuf>) -> Result<Vec<Workload>> {
    let mut all = Vec::new();
    for (name, source) in EMBEDDED {
        all.push(Workload::parse(name, source)?);
    }
    if let Some(folder) = folder {
        let entries = fs::read_dir(folder).with_context(|| format!("cannot read the folder '{}'", folder.display()))?;
        for entry in entries {
            let path = entry.with_context(|| format!("cannot read the folder '{}'", folder.display()))?.path();
            if path.extension().is_some_and(|extension| extension == "lua") {
                let workload = Workload::from_file(&path)?;
                all.retain(|other| other.name != workload.name);
                all.push(workload);
            }
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_says_what_it_is() {
        let all = list(None).expect("they are embedded");
        assert!(all.len() >= 13);
        for workload in &all {
            assert!(!workload.about.is_empty() && !workload.stresses.is_empty(), "{}", workload.name);
            let [quick, default, long] = workload.sizes;
            assert!(quick < default && default < long, "{}", workload.name);
        }
        let states: Vec<_> = all.iter().filter(|w| w.driver == Driver::States).map(|w| w.name.as_str()).collect();
        assert_eq!(states, ["many_states"]);
    }

    #[test]
    fn headers_are_checked() {
        let parse = |text: &str| Workload::parse("w", text).map_err(|error| error.to_string());
        let good = parse("-- about: this: that\n-- sizes: quick 1, default 20, long 300\nreturn 1\n-- driver: states");
        let good = good.expect("a good header");
        assert_eq!((good.about.as_str(), good.driver), ("this: that", Driver::Script));
        assert_eq!([Size::Quick, Size::Default, Size::Long].map(|size| good.argument(size)), [1, 20, 300]);
        assert_eq!(parse("return 1").expect("no header is one, too").argument(Size::Long), 1);
        assert!(parse("-- sizes: quick 1").unwrap_err().contains("'w': sizes must be"));
        assert!(parse("-- sizes: quick 1, default x, long 2").is_err());
        assert!(parse("-- driver: bus").unwrap_err().contains("unknown driver 'bus'"));
    }
}

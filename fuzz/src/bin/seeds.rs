//! Writes the first inputs of the fuzz targets: `seeds FOLDER` makes a folder for each target in it.
//!
//! What fuzzers find from there on is theirs; these only bring them as far as the generators come by themselves.

use std::path::Path;
use std::process::ExitCode;

use perilune_fuzz::program::Program;
use perilune_fuzz::{bytecode, property};

/// How many inputs each target begins with.
const COUNT: u64 = 200;

/// The targets whose inputs are bytes for a generator.
const OF_BYTES: [&str; 22] = [
    "allocations",
    "host",
    "library_codes",
    "library_dates",
    "library_formats",
    "library_numbers",
    "library_packs",
    "library_patterns",
    "library_sorts",
    "library_tables",
    "library_texts",
    "program_broken",
    "program_differential",
    "program_dump",
    "program_failures",
    "program_layout",
    "program_pace",
    "program_zeal",
    "stores",
    "tables",
    "tampered",
    "threads",
];

/// Writes inputs for a target.
fn write(folder: &Path, target: &str, input: impl Fn(u64) -> Vec<u8>) -> std::io::Result<()> {
    let folder = folder.join(target);
    std::fs::create_dir_all(&folder)?;
    for seed in 0..COUNT {
        std::fs::write(folder.join(format!("seed-{seed}")), input(seed))?;
    }
    Ok(())
}

/// Writes inputs for all targets: for those of `source` and `chunk` what they are about, for the others the bytes that generators take.
fn write_all(folder: &Path) -> std::io::Result<()> {
    write(folder, "source", |seed| Program::of_seed(seed).to_string().into_bytes())?;
    write(folder, "chunk", |seed| {
        bytecode::compile(&Program::of_seed(seed).to_string(), seed % 2 == 0).unwrap_or_default()
    })?;
    for target in OF_BYTES {
        write(folder, target, |seed| property::bytes_of_seed(seed, 64 << (seed % 6)))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: seeds FOLDER");
        return ExitCode::FAILURE;
    };
    match write_all(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("seeds: {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

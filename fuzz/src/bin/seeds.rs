//! Writes the first inputs of the fuzz targets: `seeds FOLDER` makes a folder for each target in it.
//!
//! What fuzzers find from there on is theirs; these only bring them as far as the generators come by themselves.

use std::path::Path;

use perilune_fuzz::program;

/// How many inputs each target begins with.
const COUNT: u64 = 200;

/// Writes inputs for a target.
fn write(folder: &Path, target: &str, input: impl Fn(u64) -> Vec<u8>) -> std::io::Result<()> {
    let folder = folder.join(target);
    std::fs::create_dir_all(&folder)?;
    for seed in 0..COUNT {
        std::fs::write(folder.join(format!("seed-{seed}")), input(seed))?;
    }
    Ok(())
}

fn main() -> std::process::ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: seeds FOLDER");
        return std::process::ExitCode::FAILURE;
    };
    let folder = Path::new(&folder);
    match write(folder, "source", |seed| program::generate(seed).into_bytes()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("seeds: {}: {error}", folder.display());
            std::process::ExitCode::FAILURE
        }
    }
}

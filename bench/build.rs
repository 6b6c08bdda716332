//! Puts the workloads of the folder `workloads` into the library, so that the lab's program needs no files.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

fn main() {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("workloads");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("the folder of workloads is part of the package")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".lua"))
        .collect();
    names.sort();
    let mut list = String::from("&[\n");
    for name in names {
        let (stem, path) = (name.trim_end_matches(".lua"), folder.join(&name));
        writeln!(list, "    ({stem:?}, include_str!({path:?})),").expect("a string takes everything");
    }
    list.push_str("]\n");
    let output = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("workloads.rs");
    fs::write(output, list).expect("cargo's folder can be written to");
}

//! Precompiled chunks: those of the compiler are accepted, and those that somebody has tampered with do no harm.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use perilune_core::code::Instruction;
use perilune_fuzz::bytecode::chunk::Chunk;
use perilune_fuzz::bytecode::{self, Tampered, Verdict};
use perilune_fuzz::program::Program;
use perilune_fuzz::property;
use perilune_vm::opcode::Op;

/// All Lua files in a folder.
fn scripts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            scripts(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "lua") {
            found.push(path);
        }
    }
}

#[test]
fn what_the_compiler_makes_is_accepted() {
    let mut found = Vec::new();
    scripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests"), &mut found);
    scripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench"), &mut found);
    assert!(found.len() > 100, "only {} scripts", found.len());
    for path in found {
        let source = String::from_utf8_lossy(&std::fs::read(&path).expect("a script")).into_owned();
        if let Err(message) = bytecode::accepts_compiled(&source) {
            panic!("{}: {message}", path.display());
        }
    }
    for seed in 0..property::cases(200).into() {
        if let Err(message) = bytecode::accepts_compiled(&Program::of_seed(seed).to_string()) {
            panic!("the program of seed {seed}: {message}");
        }
    }
}

#[test]
fn programs_use_all_instructions() {
    let mut missing: Vec<Op> = Op::ALL.to_vec();
    for seed in 0..1000 {
        let bytes = bytecode::compile(&Program::of_any_size(seed, 2000).to_string(), true).expect("it compiles");
        let chunk = Chunk::read(&bytes).expect("a chunk");
        for function in chunk.functions() {
            let used: Vec<u8> = function.code.iter().map(|&word| Instruction(word).op()).collect();
            missing.retain(|op| !used.contains(&(*op as u8)));
        }
    }
    assert_eq!(missing, []);
}

#[test]
fn what_is_accepted_is_right() {
    let accepted = Cell::new(0);
    property::check("verifier", 4000, |tampered: &Tampered| {
        accepted.set(accepted.get() + u32::from(bytecode::is_right_if_accepted(tampered)?));
        Ok(())
    });
    assert!(accepted.get() > 500, "{} were accepted", accepted.get());
}

#[test]
fn tampered_chunks_do_no_harm() {
    let (ran, refused) = (Cell::new(0), Cell::new(0));
    property::check("bytecode", 1000, |tampered: &Tampered| {
        let count = match bytecode::examine(tampered)? {
            Verdict::NoProgram => return Ok(()),
            Verdict::Refused(_) => &refused,
            Verdict::Ran(_) => &ran,
        };
        count.set(count.get() + 1);
        Ok(())
    });
    // Chunks that are all refused at once, or all harmless, would please every verifier.
    assert!(ran.get() > 200 && refused.get() > 200, "{} ran, {} were refused", ran.get(), refused.get());
}

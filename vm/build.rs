//! Chooses how handlers are joined: by tail calls where the optimiser is known to keep them, else by a loop.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PERILUNE_DISPATCH");
    let optimised = matches!(std::env::var("OPT_LEVEL").as_deref(), Ok("2" | "3" | "s" | "z"));
    let known = matches!(std::env::var("CARGO_CFG_TARGET_ARCH").as_deref(), Ok("x86_64" | "aarch64"));
    let tail = match std::env::var("PERILUNE_DISPATCH").as_deref() {
        Ok("tail") => true,
        Ok("loop") => false,
        _ => optimised && known,
    };
    if tail {
        println!("cargo::rustc-cfg=perilune_tail");
    }
}

//! Compiler, bytecode, interpreter and host API.
#![no_std]

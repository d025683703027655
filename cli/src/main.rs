#![forbid(unsafe_code)]
//! The ledgerlab command line.

fn main() {}

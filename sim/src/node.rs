//! What a machine is made of: cores, disk, mempool, ledger.

pub mod agenda;
pub mod bits;
pub mod blocks;
pub mod chunks;
pub mod cost;
pub mod cpu;
pub mod disk;
pub mod few;
pub mod mempool;
pub mod seldom;
pub mod window;

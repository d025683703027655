//! One file for each command.

pub mod bench;
pub mod init;
pub mod list;
pub mod run;
pub mod validate;
pub mod verify;

//! Écluse: a dedicated remote-maintenance gateway. See `README.md` for what it promises.

// What prints panics when its reader goes away; `faces::commands::out` does not. Tests are read to their end.
#![cfg_attr(not(test), warn(clippy::print_stdout, clippy::print_stderr))]

pub mod actor;
pub mod archive;
pub mod audit;
pub mod clock;
mod copies;
mod deeds;
mod door;
pub(crate) mod evidence;
mod extraction;
pub mod faces;
pub mod gateway;
mod host_ca;
pub mod identity;
mod life;
pub mod live;
pub mod log;
mod memory;
mod passage;
mod readers;
mod receipts;
mod screens;
pub mod secrets;
pub mod settings;
mod ssh;
pub mod store;
pub mod terminal;
pub mod texts;
pub mod time_source;

use std::process::ExitCode;

fn main() -> ExitCode {
    faces::commands::run()
}

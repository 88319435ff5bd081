//! Through what people act: each face reads what was asked, calls a deed and shows its outcome, and decides nothing.

pub mod commands;
pub mod lobby;
mod sheet;

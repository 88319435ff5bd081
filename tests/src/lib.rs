//! A whole Écluse site on one machine: gateway, target, people; and the clients that use it.
//!
//! The demo (`config/demo`), the end-to-end tests and the benchmark all stand on this crate, so that what a newcomer tries is
//! what the tests try. It knows the gateway only from outside: its command line, its documents, its SSH door. Start reading at
//! [`site`]; [`plan`] holds what a site is made of before it runs.

pub mod client;
pub mod clock;
pub mod codes;
mod crash;
pub mod disk;
pub mod documents;
pub mod dropbear;
pub mod environment;
pub mod gateway;
pub mod keys;
pub mod layout;
pub mod lobby;
pub mod nodes;
pub mod payload;
pub mod peers;
pub mod plan;
pub mod ports;
pub mod process;
pub mod receiver;
pub mod recording;
pub mod site;
pub mod store;
pub mod target;
pub mod terminal;
pub mod wait;

pub use client::{Answer, Ssh};
pub use documents::Documents;
pub use plan::Plan;
pub use site::Site;
pub use terminal::Terminal;

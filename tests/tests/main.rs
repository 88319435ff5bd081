//! What the gateway promises, each promise tried with real programs. One module a subject; names of tests are the promises.
//!
//! `tests/run` installs what the programs need and runs everything; `tests/README.md` tells how to run one.

mod administration;
mod admission;
mod advisories;
mod attacks;
mod bundles;
mod changes;
mod channels;
mod clients;
mod clock;
mod copies;
mod crash;
mod demo;
mod documents;
mod door;
mod endings;
mod evidence;
mod hostile_client;
mod hostile_target;
mod journal;
mod login;
mod looking;
mod notices;
mod on_record;
mod openssh;
mod operators;
mod readers;
mod relay;
mod retention;
mod rights;
mod search;
mod sessions;
mod shown;
mod space;
mod step_up;
mod store;
mod strangers;
mod target;
mod target_algorithms;
mod targets;
mod terms;
mod timing;
mod unit;
mod waiting_room;
mod windows;

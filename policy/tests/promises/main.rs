//! What the policy promises, tried from outside: only what is public is used here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

mod accounts;
mod admission;
mod approvals;
mod behind;
mod budgets;
mod certificates;
mod clearances;
mod commands;
mod confirm;
mod derogations;
mod documents;
mod environment;
mod files;
mod forwards;
mod hours;
mod idle;
mod intervention;
mod keys;
mod login;
mod mandates;
mod offers;
mod on_record;
mod period;
mod places;
mod postures;
mod properties;
mod requests;
mod reviewed;
mod signals;
mod site;
mod steps;
mod sufficed;
mod terms;
mod windows;
mod withdrawal;

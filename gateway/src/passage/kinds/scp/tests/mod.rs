//! The interceptor before programs of every kind, byte by byte.

mod anything;
mod channel;
mod lying;
mod refusals;
mod support;
mod talk;

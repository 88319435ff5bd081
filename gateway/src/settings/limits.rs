//! `[limits]`: what connections may cost, before and after log-on (F5), and what of it would contradict itself.

use ecluse_policy::Span;

use super::written::{Count, WrittenLimits, bytes, count, span};

/// Strangers of one source that may wait at once, unless written.
const EVERYBODY_PER_SOURCE: u32 = 16;
/// Places after log-on that are kept for operators, unless written.
const KEPT_FOR_OPERATORS: u32 = 32;
/// Connections of one person after log-on, unless written.
const PER_PERSON: u32 = 64;

/// Log-ons of one person a minute, unless written.
const LOG_ONS: u32 = 300;

/// `[limits]`: what connections may cost, before and after authentication (F5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitSettings {
    /// Connections from one source: an IPv4 address, or a /64 of IPv6. Default: 64.
    pub per_source: u32,
    /// Connections that have logged on, in all. Default: 1024.
    pub total: u32,
    /// Connections of one person that have logged on. Default: 64.
    pub per_person: u32,
    /// Of `total`, what nobody but operators takes. Default: 32, or a quarter of `total` where that is less.
    pub kept_for_operators: u32,
    /// Connections that have not logged on, from sources that no document names. Default: 256.
    pub unauthenticated: u32,
    /// Of these, from one source. Default: 16.
    pub unauthenticated_per_source: u32,
    /// From so many of these on, some are dropped at random, and more the more there are. Default: half of
    /// `unauthenticated`.
    pub drop_from: u32,
    /// Connections that have not logged on, from operators' and auditors' networks. Default: 64.
    pub unauthenticated_operators: u32,
    /// Connections that have not logged on, from stations' networks. Default: 128.
    pub unauthenticated_stations: u32,
    /// Refused log-ons of one source that are put on record one by one, a minute; more are counted. Default: 6.
    pub refusals_per_source: u32,
    /// Refused log-ons that are put on record one by one, a minute, from each of the three kinds of networks. Default: 60.
    pub refusals_in_all: u32,
    /// Log-ons of one person a minute; more are counted, and nobody but operators is let in. Default: 300.
    pub log_ons_per_person: u32,
    /// Time to authenticate. Default: `2m`.
    pub authenticate_within: Span,
    /// Channels open at once on one connection. Default: 128.
    pub channels_per_connection: u32,
    /// Bytes a connection may send before it has authenticated. Default: `256 KiB`.
    pub before_login_bytes: u64,
    /// Bytes that all connections together may make the gateway keep: queued, granted, or for an open channel.
    /// Default: `1 GiB`.
    pub memory: u64,
}

/// A key that contradicts another, and what would be accepted.
#[derive(Debug)]
pub(super) struct Contradiction {
    pub(super) table: &'static str,
    pub(super) key: &'static str,
    pub(super) problem: String,
}

impl Contradiction {
    pub(super) fn in_limits(key: &'static str, problem: String) -> Self {
        let table = "limits";
        Self {
            table,
            key,
            problem,
        }
    }
}

impl WrittenLimits {
    pub(super) fn checked(self) -> Result<LimitSettings, Contradiction> {
        let Self {
            per_source,
            total,
            per_person,
            kept_for_operators,
            unauthenticated,
            unauthenticated_per_source,
            drop_from,
            unauthenticated_operators,
            unauthenticated_stations,
            refusals_per_source,
            refusals_in_all,
            log_ons_per_person,
            authenticate_within,
            channels_per_connection,
            before_login_bytes,
            memory,
        } = self;
        let total = count(total, 1024);
        let unauthenticated = count(unauthenticated, 256);
        let refusals_in_all = count(refusals_in_all, 60);
        Ok(LimitSettings {
            per_source: count(per_source, 64),
            total,
            per_person: within(per_person, PER_PERSON, "per-person", "total", total)?,
            kept_for_operators: within(
                kept_for_operators,
                KEPT_FOR_OPERATORS.min(total / 4),
                "kept-for-operators",
                "total",
                total,
            )?,
            unauthenticated,
            unauthenticated_per_source: within(
                unauthenticated_per_source,
                EVERYBODY_PER_SOURCE,
                "unauthenticated-per-source",
                "unauthenticated",
                unauthenticated,
            )?,
            drop_from: within(
                drop_from,
                unauthenticated / 2,
                "drop-from",
                "unauthenticated",
                unauthenticated,
            )?,
            unauthenticated_operators: count(unauthenticated_operators, 64),
            unauthenticated_stations: count(unauthenticated_stations, 128),
            refusals_per_source: within(
                refusals_per_source,
                6,
                "refusals-per-source",
                "refusals-in-all",
                refusals_in_all,
            )?,
            refusals_in_all,
            log_ons_per_person: count(log_ons_per_person, LOG_ONS),
            authenticate_within: span(authenticate_within, Span::from_secs(120)),
            channels_per_connection: count(channels_per_connection, 128),
            before_login_bytes: bytes(before_login_bytes, 256 << 10),
            memory: bytes(memory, 1 << 30),
        })
    }
}

/// What is written, where it is no more than the whole it is part of; else the default, or as much of it as there is.
fn within(
    written: Option<Count>,
    default: u32,
    key: &'static str,
    whole: &'static str,
    of: u32,
) -> Result<u32, Contradiction> {
    match written {
        None => Ok(default.min(of)),
        Some(Count(number)) if number <= of => Ok(number),
        Some(Count(number)) => Err(Contradiction::in_limits(
            key,
            format!(
                "{number} is more than `{whole}` = {of}, of which it is a part; accepted: 0 to {of}"
            ),
        )),
    }
}

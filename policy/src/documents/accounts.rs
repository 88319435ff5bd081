//! Reads the `accounts` of a target: each a name, or a table with the name and why it is there (P14).

use std::collections::{BTreeMap, BTreeSet};

use super::reader::Table;
use crate::name::AccountName;

const ACCEPTED: &str = "accounts such as \"postgres\", or { name = \"postgres\", why = \"…\", credential-why = \"…\" }";

/// Why a client has an account for flows, and why the gateway holds what logs on to it. For people, not for deciding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whys {
    /// Why the account is there.
    pub account: Option<String>,
    /// Why the gateway holds a credential of it, and which.
    pub credential: Option<String>,
}

/// The accounts, and what is said of those that say why.
pub(super) fn accounts(
    target: &Table<'_>,
) -> Option<(BTreeSet<AccountName>, BTreeMap<AccountName, Whys>)> {
    let read = target.entries(
        "accounts",
        "name",
        ACCEPTED,
        AccountName::parse,
        |name, table| {
            let whys = table.map_or_else(Whys::default, |table| Whys {
                account: table.maybe_text("why"),
                credential: table.maybe_text("credential-why"),
            });
            Some((name, whys))
        },
    )?;
    let all = read.value.into_iter().map(|at| at.value);
    let (mut names, mut whys) = (BTreeSet::new(), BTreeMap::new());
    for (name, said) in all {
        names.insert(name.clone());
        if said != Whys::default() {
            whys.insert(name, said);
        }
    }
    Some((names, whys))
}

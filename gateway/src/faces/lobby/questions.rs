//! The questions a technician is asked before a request goes out.

use std::collections::BTreeSet;

use ecluse_policy::intervention::LONGEST_REASON;
use ecluse_policy::words::is_code;
use ecluse_policy::{AccountName, Span};

use super::desk::{Desk, Trouble};
use super::shown;
use crate::terminal::{Line, Prompt};
use crate::texts::times;

/// Longest line taken before policy's own limit on reasons is applied, so that a person can shorten it.
const LONGEST_TYPED: usize = 4000;
/// The length that is proposed, where as much can be had.
pub(super) const PROPOSED: Span = Span::from_hours(1);

/// Asks for one of `accounts`; `None` when the person leaves.
pub(super) async fn choose(
    desk: &mut Desk<'_>,
    accounts: &BTreeSet<AccountName>,
) -> Result<Option<AccountName>, Trouble> {
    let names = shown::names(accounts);
    desk.line("room-which-account", &[("accounts", names.as_str().into())])
        .await?;
    loop {
        match desk.terminal.read_line("> ", LONGEST_TYPED, None).await? {
            Line::Text(typed) => {
                if let Some(account) = accounts
                    .iter()
                    .find(|account| account.as_str() == typed.trim())
                {
                    return Ok(Some(account.clone()));
                }
                desk.line(
                    "room-which-account-unclear",
                    &[("accounts", names.as_str().into())],
                )
                .await?;
            }
            Line::Interrupted | Line::End => return Ok(None),
        }
    }
}

/// Asks why; `None` when the person leaves.
pub(super) async fn ask_reason(desk: &mut Desk<'_>) -> Result<Option<String>, Trouble> {
    desk.line("room-why", &[]).await?;
    let mut typed = String::new();
    loop {
        let prompt = Prompt::with_text("> ", LONGEST_TYPED, &typed);
        match desk.terminal.ask(prompt, None).await? {
            Line::Text(text) => {
                let reason = text.trim().to_owned();
                let count = reason.chars().count();
                if reason.is_empty() {
                    desk.line("room-why-empty", &[]).await?;
                } else if is_code(&reason) {
                    desk.line("refusal-reason-is-code", &[]).await?;
                } else if count > LONGEST_REASON {
                    desk.line(
                        "room-why-too-long",
                        &[("count", count.into()), ("most", LONGEST_REASON.into())],
                    )
                    .await?;
                    typed = text;
                } else {
                    return Ok(Some(reason));
                }
            }
            Line::Interrupted | Line::End => return Ok(None),
        }
    }
}

/// Asks for how long; `None` when the person leaves.
pub(super) async fn ask_length(
    desk: &mut Desk<'_>,
    at_most: Span,
) -> Result<Option<Span>, Trouble> {
    let proposed = PROPOSED.min(at_most);
    let most = times::length_in(desk.lang(), at_most);
    desk.line(
        "room-how-long",
        &[
            ("most", most.as_str().into()),
            ("proposed", times::length_in(desk.lang(), proposed).into()),
        ],
    )
    .await?;
    loop {
        match desk.terminal.read_line("> ", LONGEST_TYPED, None).await? {
            Line::Text(typed) => {
                let typed = typed.trim();
                if typed.is_empty() {
                    return Ok(Some(proposed));
                }
                match super::parse_length(typed) {
                    Some(length) if length > at_most => {
                        desk.line(
                            "room-how-long-too-much",
                            &[("typed", typed.into()), ("most", most.as_str().into())],
                        )
                        .await?;
                    }
                    Some(length) if !length.is_zero() => return Ok(Some(length)),
                    Some(_) | None => {
                        desk.line("room-how-long-unclear", &[("typed", typed.into())])
                            .await?
                    }
                }
            }
            Line::Interrupted | Line::End => return Ok(None),
        }
    }
}

//! What somebody who was refused can do next: the exact command, as it works for them.
//!
//! Policy says what may be asked for; this says how.

use ecluse_policy::{AccountName, Lang, Refusal, Scope, Span, TargetId, matrix_scope};

use super::questions;
use crate::actor::Actor;
use crate::clock;
use crate::gateway::{Applied, Gateway};
use crate::texts::times;

/// The command that asks for an intervention on a target, with its introduction on a line before it. Where no flow opens that to
/// them, they would be refused it: the command that lists what they may ask for.
pub(crate) fn ask(
    gateway: &Gateway,
    visitor: &Actor,
    target: &TargetId,
    account: Option<&AccountName>,
) -> String {
    let reaches = matrix_scope(&gateway.applied().documents, visitor.person(), clock::now());
    let opens = |scope: &Scope| {
        scope.targets.contains(target)
            && account.is_none_or(|account| scope.accounts.contains(account))
    };
    if !reaches.iter().any(|reach| opens(&reach.scope)) {
        return flows(gateway, visitor);
    }
    let words = gateway.texts.say(visitor.lang(), "gateway-ask-with", &[]);
    let command = request(gateway, visitor, target, account);
    format!("{words}\n  {command}")
}

/// That command alone.
pub(crate) fn request(
    gateway: &Gateway,
    visitor: &Actor,
    target: &TargetId,
    account: Option<&AccountName>,
) -> String {
    let account = account
        .map(|account| format!(" --account {account}"))
        .unwrap_or_default();
    let length = times::length(proposed_length(&gateway.applied(), visitor, target));
    let reason = gateway
        .texts
        .say(visitor.lang(), "gateway-reason-placeholder", &[]);
    format!(
        "{} request {target}{account} --for {length} --reason \"{reason}\"",
        visitor.ssh(None),
    )
}

/// The command that lists what may be asked for.
pub(crate) fn flows(gateway: &Gateway, visitor: &Actor) -> String {
    let words = gateway.texts.say(visitor.lang(), "gateway-flows-with", &[]);
    format!("{words}\n  {} flows", visitor.ssh(None))
}

/// What helps after a refusal of policy, beside what it says itself; at the gateway's own prompt commands need no `ssh`.
pub(crate) fn after(
    gateway: &Gateway,
    visitor: &Actor,
    refusal: &Refusal,
    at_the_prompt: bool,
) -> Option<String> {
    let unlisted = matches!(
        refusal,
        Refusal::NotListed { .. } | Refusal::NotInMatrix { .. } | Refusal::NothingAsked
    );
    match (unlisted, at_the_prompt) {
        (false, _) => None,
        (true, true) => Some(gateway.texts.say(visitor.lang(), "lobby-flows-typed", &[])),
        (true, false) => Some(flows(gateway, visitor)),
    }
}

/// The same on a target that they wanted to work on: an intervention that opens nothing, or nothing more, is asked for anew.
pub(crate) fn after_on(
    gateway: &Gateway,
    visitor: &Actor,
    refusal: &Refusal,
    target: &TargetId,
    account: Option<&AccountName>,
) -> Option<String> {
    if let Refusal::NotOnRecord { .. }
    | Refusal::WindowOver { .. }
    | Refusal::NotGranted { .. }
    | Refusal::NoIntervention { .. } = refusal
    {
        return Some(ask(gateway, visitor, target, account));
    }
    after(gateway, visitor, refusal, false)
}

/// `words` as the gateway's own, where they stand among those of others.
pub(crate) fn announced(gateway: &Gateway, lang: Lang, words: &str) -> String {
    let name = gateway.texts.say(lang, "gateway-says", &[]);
    if words.starts_with(name.trim_end()) {
        return words.to_owned();
    }
    match lang {
        Lang::En => format!("{name}{words}"),
        Lang::Fr => format!("{name}{}", small(words)),
    }
}

/// `words` as they stand behind a colon in French; what is written in capitals stays.
fn small(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next();
    let is_word = !letters.clone().next().is_some_and(char::is_uppercase);
    let first: String = first
        .filter(|_| is_word)
        .into_iter()
        .flat_map(char::to_lowercase)
        .collect();
    match is_word {
        true => first + letters.as_str(),
        false => words.to_owned(),
    }
}

/// The longest intervention that some flow of the matrix offers this person on a target.
pub(crate) fn at_most(applied: &Applied, visitor: &Actor, target: &TargetId) -> Span {
    let reaches = matrix_scope(&applied.documents, visitor.person(), clock::now());
    reaches
        .iter()
        .filter(|reach| reach.scope.targets.contains(target))
        .map(|reach| reach.approval.at_most)
        .max()
        .unwrap_or(questions::PROPOSED)
}

/// The length that is proposed for a target.
pub(crate) fn proposed_length(applied: &Applied, visitor: &Actor, target: &TargetId) -> Span {
    questions::PROPOSED.min(at_most(applied, visitor, target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_behind_a_colon_begin_small() {
        for (words, behind) in [
            (
                "Un opérateur a mis fin à ceci",
                "un opérateur a mis fin à ceci",
            ),
            ("L'intervention 4 est close", "l'intervention 4 est close"),
            ("À lancer sans terminal", "à lancer sans terminal"),
            ("SFTP n'est pas permis", "SFTP n'est pas permis"),
            ("db01 est fermée", "db01 est fermée"),
            ("", ""),
        ] {
            assert_eq!(small(words), behind);
        }
    }
}

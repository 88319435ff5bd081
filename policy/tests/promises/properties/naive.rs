//! A naive model: the words of a matrix, read without any of the crate's code for rights.

use ecluse_policy::*;

use super::world::{Entry, Line, Script, World, end_of};
use crate::site::*;

pub(super) fn naive_answers(capability: &str, request: &FlowRequest) -> bool {
    let is_command = capability.starts_with("command");
    match request {
        // By itself it says nothing: it is asked whether the capability could start anything at all.
        FlowRequest::SessionChannel => capability == "shell" || is_command,
        FlowRequest::Shell => capability == "shell",
        FlowRequest::Command(bytes) => matches!(
            (capability, bytes.as_slice()),
            ("command: *", _)
                | ("command: ls {path}", b"ls /tmp" | b"ls a" | b"ls a=b")
                | ("command: ls {word}", b"ls a")
                | ("command: ls {any:word}", b"ls a" | b"ls a=b")
                | ("command: ls /tmp", b"ls /tmp")
        ),
        FlowRequest::Env { name, .. } => matches!(
            (capability, name.as_str()),
            (
                "env: *" | "env: * ORACLE_SID",
                "LANG" | "LC_ALL" | "TERM_PROGRAM"
            ) | ("env: * ORACLE_SID", "ORACLE_SID")
                | ("env: LANG" | "env: LANG LC_*", "LANG")
                | ("env: LANG LC_*", "LC_ALL")
        ),
        _ => false,
    }
}

/// Whether what is granted and what the matrix allows have something in common that answers the request. A session
/// channel carries a shell or a command: it opens where one of those would start (`ls {word}` and `ls /tmp` share none).
fn naive_common(granted: &str, allowed: &str, request: &FlowRequest) -> bool {
    let both =
        |request: &FlowRequest| naive_answers(granted, request) && naive_answers(allowed, request);
    match request {
        FlowRequest::SessionChannel => {
            both(&FlowRequest::Shell)
                || ["ls", "ls /tmp", "ls a", "ls a=b"]
                    .iter()
                    .any(|line| both(&command(line)))
        }
        request => both(request),
    }
}

/// Whether some line of the matrix names alice, the place and the request.
pub(super) fn naive_lines<'w>(world: &'w World, id: &str, script: &Script) -> Vec<&'w Line> {
    let on_target = if id == "db01" {
        &world.db_accounts
    } else {
        &world.web_accounts
    };
    let names_alice = |selector: &&str| match *selector {
        "maintech:dba" => world.groups.contains(&"dba"),
        other => other != "maintech/bruno",
    };
    world
        .flows
        .iter()
        .filter(|line| line.technicians.iter().any(&names_alice))
        .filter(|line| {
            line.targets.contains(&id)
                && line.accounts.contains(&script.account)
                && on_target.contains(&script.account)
        })
        .collect()
}

/// A channel that asks for a flow, with or without a terminal.
pub(super) fn naive(
    world: &World,
    script: &Script,
    it: &Intervention,
    opened_at: Timestamp,
    id: &str,
    (request, terminal): &(FlowRequest, bool),
    now: Timestamp,
) -> bool {
    let Some(grant) = it.granted() else {
        return false;
    };
    if now < grant.starts_at
        || now >= opened_at.plus(grant.length)
        || !grant.scope.targets.contains(&target(id))
    {
        return false;
    }
    let granted: Vec<String> = grant
        .scope
        .capabilities
        .iter()
        .map(ToString::to_string)
        .collect();
    let family = |text: &str| text.split(':').next().unwrap().to_owned();
    naive_lines(world, id, script).into_iter().any(|line| {
        line.by as usize <= it.approvals().len()
            && {
                // A day, unless a derogation holds now.
                let (written, ends_at) = line.at_most.naive();
                let most = if ends_at.is_some_and(|end| now < end) {
                    written
                } else {
                    written.min(span("24h"))
                };
                grant.length <= most && now < grant.starts_at.plus(most)
            }
            && Schedule::parse(line.hours).unwrap().open_at(now)
            && line.allow.iter().any(|entry| {
                let Entry {
                    line: allowed,
                    terminal: gives,
                    until,
                } = entry;
                let answered = granted.iter().any(|granted| {
                    family(granted) == family(allowed) && naive_common(granted, allowed, request)
                });
                let all = *allowed == "command: *";
                let in_force = match until {
                    Some(until) => now < end_of(until),
                    None => !all,
                };
                answered && in_force && (!terminal || *gives || all || *allowed == "shell")
            })
    })
}

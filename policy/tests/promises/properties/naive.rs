//! A naive model: the words of a matrix, read without any of the crate's code for rights.

use ecluse_policy::*;

use super::world::{Line, Script, World};
use crate::site::*;

pub(super) fn naive_answers(capability: &str, request: &FlowRequest) -> bool {
    let is_command = capability.starts_with("command");
    match request {
        FlowRequest::SessionChannel | FlowRequest::Pty | FlowRequest::WindowChange => {
            capability == "shell" || is_command
        }
        FlowRequest::Shell => capability == "shell",
        FlowRequest::Signal(name) => capability == "shell" && name == "INT",
        FlowRequest::Command(bytes) => matches!(
            (capability, bytes.as_slice()),
            ("command: *", _)
                | ("command: ls {path}", b"ls /tmp" | b"ls a")
                | ("command: ls {word}", b"ls a")
                | ("command: ls /tmp", b"ls /tmp")
        ),
        FlowRequest::Env { name, .. } => match (capability, name.as_str()) {
            (_, "LD_PRELOAD") => false,
            ("env: *", _) => true,
            ("env: LANG" | "env: LANG LC_*", "LANG") => true,
            ("env: LANG LC_*", "LC_ALL") => true,
            _ => false,
        },
        _ => false,
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

pub(super) fn naive(
    world: &World,
    script: &Script,
    it: &Intervention,
    opened_at: Timestamp,
    id: &str,
    request: &FlowRequest,
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
            && grant.length <= span(line.at_most)
            && now < grant.starts_at.plus(span(line.at_most))
            && Schedule::parse(line.hours).unwrap().open_at(now)
            && line.allow.iter().any(|allowed| {
                granted.iter().any(|granted| {
                    family(granted) == family(allowed)
                        && naive_answers(granted, request)
                        && naive_answers(allowed, request)
                })
            })
    })
}

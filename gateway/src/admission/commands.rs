//! The commands, in words.
//!
//! The tables here say what `help` shows to whom, and grant nothing: each act takes the mandate that it needs, and policy
//! makes one, or refuses, at that moment (A2).

use ecluse_policy::{AsAuditor, AsOperator, AsTechnician, Lang, Role};

use super::desk::{Desk, Trouble, arguments, status};
use super::looks::may_look;
use super::refused::refused;
use super::words::{Takes, split};
use super::{Visitor, listing, lobby};
use crate::gateway::Applied;

/// One command: its name, how it is written, and the sentence that says what it does.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) usage: &'static str,
    help: &'static str,
    act: Act,
}

/// What a command does, by whose right policy says when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Technicians(TechniciansAct),
    Operators(OperatorsAct),
    Auditors(AuditorsAct),
    Help,
    Exit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TechniciansAct {
    Request,
    Interventions,
    Flows,
    Cancel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OperatorsAct {
    Pending,
    Approve,
    Refuse,
    Interventions,
    Live,
    Watch,
    Cut,
    Withdraw,
    Changes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AuditorsAct {
    Interventions,
    Recordings,
    Search,
    Replay,
}

const fn command(name: &'static str, usage: &'static str, help: &'static str, act: Act) -> Command {
    Command {
        name,
        usage,
        help,
        act,
    }
}

const HELP: Command = command("help", "help [COMMAND]", "help-help", Act::Help);
const EXIT: Command = command("exit", "exit", "help-exit", Act::Exit);

pub(super) const TECHNICIANS: &[Command] = &[
    command(
        "request",
        "request TARGET… [--account A] [--flow F | --only FAMILY,…] --for D [--at TIME] --reason \"…\"",
        "help-request",
        Act::Technicians(TechniciansAct::Request),
    ),
    command(
        "interventions",
        "interventions",
        "help-interventions-technician",
        Act::Technicians(TechniciansAct::Interventions),
    ),
    command(
        "flows",
        "flows",
        "help-flows",
        Act::Technicians(TechniciansAct::Flows),
    ),
    command(
        "cancel",
        "cancel ID",
        "help-cancel",
        Act::Technicians(TechniciansAct::Cancel),
    ),
    HELP,
    EXIT,
];

pub(super) const OPERATORS: &[Command] = &[
    command(
        "pending",
        "pending",
        "help-pending",
        Act::Operators(OperatorsAct::Pending),
    ),
    command(
        "approve",
        "approve ID [--for D] [--only FAMILY,…] [--target T,…] [--account A,…]",
        "help-approve",
        Act::Operators(OperatorsAct::Approve),
    ),
    command(
        "refuse",
        "refuse ID --reason \"…\"",
        "help-refuse",
        Act::Operators(OperatorsAct::Refuse),
    ),
    command(
        "interventions",
        "interventions",
        "help-interventions-operator",
        Act::Operators(OperatorsAct::Interventions),
    ),
    command(
        "live",
        "live",
        "help-live",
        Act::Operators(OperatorsAct::Live),
    ),
    command(
        "watch",
        "watch SESSION [CHANNEL]",
        "help-watch",
        Act::Operators(OperatorsAct::Watch),
    ),
    command(
        "cut",
        "cut SESSION|TECHNICIAN|TARGET|all [--reason \"…\"]",
        "help-cut",
        Act::Operators(OperatorsAct::Cut),
    ),
    command(
        "withdraw",
        "withdraw ID [--reason \"…\"]",
        "help-withdraw",
        Act::Operators(OperatorsAct::Withdraw),
    ),
    command(
        "changes",
        "changes [--since D]",
        "help-changes",
        Act::Operators(OperatorsAct::Changes),
    ),
    HELP,
    EXIT,
];

pub(super) const AUDITORS: &[Command] = &[
    command(
        "interventions",
        "interventions",
        "help-interventions-auditor",
        Act::Auditors(AuditorsAct::Interventions),
    ),
    command(
        "recordings",
        "recordings [--person P] [--target T] [--intervention N] [--since D] [--until D]",
        "help-recordings",
        Act::Auditors(AuditorsAct::Recordings),
    ),
    command(
        "search",
        "search WORDS… [--person P] [--target T] [--intervention N] [--since D] [--until D] [--in command|typed|screen|note|refusal|file|hidden] [--all]",
        "help-search",
        Act::Auditors(AuditorsAct::Search),
    ),
    command(
        "replay",
        "replay SESSION [--channel N] [--speed X] [--skip-idle D] [--at D] [--find TEXT] [--text] [--unmask]",
        "help-replay",
        Act::Auditors(AuditorsAct::Replay),
    ),
    HELP,
    EXIT,
];

/// The commands of a role.
fn commands_of(visitor: &Visitor) -> &'static [Command] {
    match visitor.authenticated.role() {
        Role::Technician { .. } => TECHNICIANS,
        Role::Operator { .. } => OPERATORS,
        Role::Auditor { .. } => AUDITORS,
    }
}

impl Command {
    /// How it is written, with what stands for something else named in the reader's language.
    pub(crate) fn usage_in(&self, lang: Lang) -> String {
        const FRENCH: [(&str, &str); 10] = [
            ("[COMMAND]", "[COMMANDE]"),
            ("TARGET", "CIBLE"),
            ("FAMILY", "FAMILLE"),
            ("TIME", "HEURE"),
            ("TECHNICIAN", "TECHNICIEN"),
            ("CHANNEL", "CANAL"),
            ("WORDS", "MOTS"),
            ("TEXT", "TEXTE"),
            ("ACCOUNT", "COMPTE"),
            ("PERSON", "PERSONNE"),
        ];
        match lang {
            Lang::En => self.usage.to_owned(),
            Lang::Fr => FRENCH
                .iter()
                .fold(self.usage.to_owned(), |usage, (one, other)| {
                    usage.replace(one, other)
                }),
        }
    }
}

/// What to do after a command.
pub(super) enum Next {
    Go(u32),
    Exit,
}

/// Executes one command line; its exit status.
pub(crate) async fn once(desk: &mut Desk<'_>, line: &str) -> Result<u32, Trouble> {
    match execute(desk, line).await? {
        Next::Go(status) => Ok(status),
        Next::Exit => Ok(status::DONE),
    }
}

pub(super) async fn execute(desk: &mut Desk<'_>, line: &str) -> Result<Next, Trouble> {
    let words = split(line);
    let Some((name, words)) = words.split_first() else {
        return Ok(Next::Go(status::DONE));
    };
    let name = match name.as_str() {
        "?" | "aide" | "--help" | "-h" => "help",
        "quit" | "logout" | "bye" | "q" => "exit",
        name => name,
    };
    let Some(command) = named(desk.visitor, name) else {
        desk.problem("common-unknown-command", &[("command", name.into())])
            .await?;
        return Ok(Next::Go(status::MISUSE));
    };
    // Before a lone `--`, which ends the options.
    let asks = |word: &String| word == "--help" || word == "-h";
    if words.iter().take_while(|word| *word != "--").any(asks) {
        return explain(desk, command).await.map(Next::Go);
    }
    let applied = desk.applied();
    let who = desk.visitor;
    let done = match command.act {
        Act::Technicians(act) => match who.as_technician(&applied) {
            Ok(by) => technicians(desk, &applied, &by, act, command, words).await,
            Err(refusal) => refused(desk, command, &refusal).await,
        },
        Act::Operators(act) => match who.as_operator(&applied) {
            Ok(by) => operators(desk, &by, act, command, words).await,
            Err(refusal) => refused(desk, command, &refusal).await,
        },
        Act::Auditors(act) => match who.as_auditor(&applied) {
            Ok(by) => auditors(desk, &by, act, command, words).await,
            Err(refusal) => refused(desk, command, &refusal).await,
        },
        Act::Help => help(desk, command, words).await,
        Act::Exit => return Ok(Next::Exit),
    };
    // A failing store is told and ends the command, not the dialogue.
    match done {
        Ok(status) => Ok(Next::Go(status)),
        Err(Trouble::Store(error)) => {
            tracing::warn!(%error, command = command.name, "a command failed");
            desk.problem(
                "common-store-failed",
                &[(
                    "problem",
                    desk.gateway.texts.store(desk.lang(), &error).into(),
                )],
            )
            .await?;
            Ok(Next::Go(status::PROBLEM))
        }
        Err(left @ Trouble::Left(_)) => Err(left),
    }
}

/// A command by its name: the person's own, else anybody's, whom policy refuses it.
fn named(visitor: &Visitor, name: &str) -> Option<&'static Command> {
    [commands_of(visitor), TECHNICIANS, OPERATORS, AUDITORS]
        .into_iter()
        .flatten()
        .find(|command| command.name == name)
}

async fn technicians(
    desk: &mut Desk<'_>,
    applied: &Applied,
    by: &AsTechnician<'_>,
    act: TechniciansAct,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    match act {
        TechniciansAct::Request => lobby::request(desk, applied, by, command, words).await,
        TechniciansAct::Interventions => lobby::interventions(desk, by, command, words).await,
        TechniciansAct::Flows => lobby::flows(desk, by, command, words).await,
        TechniciansAct::Cancel => lobby::cancel(desk, by, command, words).await,
    }
}

async fn operators(
    desk: &mut Desk<'_>,
    by: &AsOperator<'_>,
    act: OperatorsAct,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    use crate::operator::{answers, changes, live, requests, watch};
    match act {
        OperatorsAct::Pending => requests::pending(desk, by, command, words).await,
        OperatorsAct::Approve => answers::approve(desk, by, command, words).await,
        OperatorsAct::Refuse => answers::refuse(desk, by, command, words).await,
        OperatorsAct::Interventions => listing::of_client(desk, by.client(), command, words).await,
        OperatorsAct::Live => live::live(desk, by, command, words).await,
        OperatorsAct::Watch => match may_look(desk, command).await? {
            Some(status) => Ok(status),
            None => watch::watch(desk, by, command, words).await,
        },
        OperatorsAct::Cut => live::cut(desk, by, command, words).await,
        OperatorsAct::Withdraw => answers::withdraw(desk, by, command, words).await,
        OperatorsAct::Changes => changes::changes(desk, by, command, words).await,
    }
}

async fn auditors(
    desk: &mut Desk<'_>,
    by: &AsAuditor<'_>,
    act: AuditorsAct,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    use crate::auditor::{recordings, replay, search};
    match act {
        AuditorsAct::Search | AuditorsAct::Replay => {
            if let Some(status) = may_look(desk, command).await? {
                return Ok(status);
            }
        }
        AuditorsAct::Interventions | AuditorsAct::Recordings => {}
    }
    match act {
        AuditorsAct::Interventions => listing::of_client(desk, by.client(), command, words).await,
        AuditorsAct::Recordings => recordings::recordings(desk, by, command, words).await,
        AuditorsAct::Search => search::search(desk, by, command, words).await,
        AuditorsAct::Replay => replay::replay(desk, by, command, words).await,
    }
}

async fn help(desk: &mut Desk<'_>, command: &Command, words: &[String]) -> Result<u32, Trouble> {
    let given = match arguments(words, Takes::NOTHING, 1) {
        Ok(given) => given,
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    if let Some(name) = given.words.first() {
        let of = commands_of(desk.visitor);
        let Some(one) = of.iter().find(|command| command.name == name) else {
            let args = [("command", name.into())];
            desk.problem("common-unknown-command", &args).await?;
            return Ok(status::MISUSE);
        };
        return explain(desk, one).await;
    }
    desk.line("help-head", &[]).await?;
    for command in commands_of(desk.visitor) {
        explain(desk, command).await?;
    }
    if matches!(desk.visitor.authenticated.role(), Role::Technician { .. }) {
        let target = match desk.lang() {
            Lang::Fr => "CIBLE",
            Lang::En => "TARGET",
        };
        let command = desk.visitor.ssh_to(target);
        desk.line("help-connect", &[("command", command.into())])
            .await?;
    }
    if !matches!(desk.visitor.authenticated.role(), Role::Auditor { .. }) {
        let families = lobby::FAMILIES.join(", ");
        desk.line("help-families", &[("families", families.into())])
            .await?;
    }
    desk.line("common-time-note", &[]).await?;
    Ok(status::DONE)
}

/// How one command is written, and what it does.
async fn explain(desk: &mut Desk<'_>, command: &Command) -> Result<u32, Trouble> {
    let usage = format!("  {}", desk.terminal.bold(&command.usage_in(desk.lang())));
    desk.terminal.hanging(&usage, 4).await?;
    let text = format!("      {}", desk.say(command.help, &[]));
    desk.terminal.line(&text).await?;
    Ok(status::DONE)
}

//! The commands, in words, and the prompt they are typed at.
//!
//! The tables here say what `help` shows to whom, and grant nothing: each act takes the mandate that it needs, and policy
//! makes one, or refuses, at that moment (A2).

use std::time::Instant;

use ecluse_policy::{AsAuditor, AsOperator, AsTechnician, Lang, Role};

use super::desk::{Desk, Trouble, arguments, status};
use super::doors::{Doors, NEWS, show_news};
use super::looks::may_look;
use super::notices::Notices;
use super::refused::refused;
use super::words::{Takes, split};
use super::{Visitor, lobby};
use crate::gateway::Applied;
use crate::terminal::{History, Line, Prompt};

/// Longest command line, in characters.
const LONGEST_LINE: usize = 4000;

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

const HELP: Command = command("help", "help", "help-help", Act::Help);
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
        const FRENCH: [(&str, &str); 9] = [
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
enum Next {
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

async fn execute(desk: &mut Desk<'_>, line: &str) -> Result<Next, Trouble> {
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
        OperatorsAct::Interventions => requests::interventions(desk, by, command, words).await,
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
        AuditorsAct::Recordings => {}
    }
    match act {
        AuditorsAct::Recordings => recordings::recordings(desk, by, command, words).await,
        AuditorsAct::Search => search::search(desk, by, command, words).await,
        AuditorsAct::Replay => replay::replay(desk, by, command, words).await,
    }
}

async fn help(desk: &mut Desk<'_>, command: &Command, words: &[String]) -> Result<u32, Trouble> {
    if let Err(misuse) = arguments(words, Takes::NOTHING, 1) {
        return desk.misused(command, &misuse).await;
    }
    desk.line("help-head", &[]).await?;
    for command in commands_of(desk.visitor) {
        let usage = format!("  {}", desk.terminal.bold(&command.usage_in(desk.lang())));
        desk.terminal.hanging(&usage, 4).await?;
        let text = format!("      {}", desk.say(command.help, &[]));
        desk.terminal.line(&text).await?;
    }
    if matches!(desk.visitor.authenticated.role(), Role::Technician { .. }) {
        let command = desk.visitor.ssh_to("TARGET");
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

/// The prompt: commands until `exit`, with news above it as they come.
pub(crate) async fn prompt(desk: &mut Desk<'_>) -> Result<u32, Trouble> {
    let mut history = History::default();
    let mut changes = desk.gateway.store.changes();
    let mut documents = desk.gateway.documents.clone();
    let mut notices = Notices::begin(desk).await?;
    desk.line(
        "lobby-welcome",
        &[("person", desk.person().as_str().into())],
    )
    .await?;
    let mut doors = Doors::greet(desk).await?;
    notices.greet(desk).await?;
    desk.line("lobby-hint", &[]).await?;
    loop {
        let mut prompt = Prompt::new(&label(desk), LONGEST_LINE);
        prompt.show(desk.terminal).await?;
        let line = loop {
            tokio::select! {
                event = desk.terminal.event() => {
                    if let Some(line) = prompt.event(event?, desk.terminal, Some(&history)).await? {
                        break line;
                    }
                }
                Ok(()) = changes.changed() => tell_news(desk, &mut notices, &mut prompt).await?,
                () = until(notices.due()) => tell_news(desk, &mut notices, &mut prompt).await?,
                Ok(()) = documents.changed() => {
                    if let Some(ended) = desk.ended() {
                        prompt.hide(desk.terminal).await?;
                        desk.terminal.err_line(&ended).await?;
                        return Ok(status::NOT_ADMITTED);
                    }
                    let news = doors.news(desk);
                    // What a closed door kept back begins once it is open.
                    if doors.are_open() && notices.are_kept_back() {
                        notices = Notices::begin(desk).await?;
                    }
                    show_news(desk, news, &mut prompt).await?;
                }
            }
        };
        match line {
            Line::Text(text) => {
                history.remember(&text);
                if let Next::Exit = execute(desk, &text).await? {
                    break;
                }
                for line in notices.news(desk).await? {
                    desk.terminal.hanging(&line, NEWS).await?;
                }
            }
            Line::Interrupted => {}
            Line::End => break,
        }
    }
    desk.line("common-bye", &[]).await?;
    Ok(status::DONE)
}

async fn tell_news(
    desk: &mut Desk<'_>,
    notices: &mut Notices,
    prompt: &mut Prompt,
) -> Result<(), Trouble> {
    let news = notices.news(desk).await?;
    show_news(desk, news, prompt).await
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

fn label(desk: &Desk<'_>) -> String {
    format!("{}> ", desk.terminal.bold("écluse"))
}

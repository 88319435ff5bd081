//! Which commands there are for whom, and the prompt they are typed at.

use super::desk::{Desk, Trouble, arguments, status};
use super::notices::Notices;
use super::words::{Takes, split};
use super::{Visitor, lobby};
use crate::terminal::{History, Line, Prompt};
use crate::{auditor, operator};
use ecluse_policy::Role;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Request,
    Mine,
    Flows,
    Cancel,
    Pending,
    Approve,
    Refuse,
    Interventions,
    Live,
    Watch,
    Cut,
    Withdraw,
    Recordings,
    Search,
    Replay,
    Help,
    Exit,
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

const TECHNICIANS: &[Command] = &[
    command(
        "request",
        "request TARGET… [--account A] [--flow F | --only FAMILY,…] --for D [--at TIME] --reason \"…\"",
        "help-request",
        Act::Request,
    ),
    command(
        "interventions",
        "interventions",
        "help-interventions-technician",
        Act::Mine,
    ),
    command("flows", "flows", "help-flows", Act::Flows),
    command("cancel", "cancel ID", "help-cancel", Act::Cancel),
    HELP,
    EXIT,
];

const OPERATORS: &[Command] = &[
    command("pending", "pending", "help-pending", Act::Pending),
    command(
        "approve",
        "approve ID [--for D] [--only FAMILY,…] [--target T,…] [--account A,…]",
        "help-approve",
        Act::Approve,
    ),
    command(
        "refuse",
        "refuse ID --reason \"…\"",
        "help-refuse",
        Act::Refuse,
    ),
    command(
        "interventions",
        "interventions",
        "help-interventions-operator",
        Act::Interventions,
    ),
    command("live", "live", "help-live", Act::Live),
    command("watch", "watch SESSION [CHANNEL]", "help-watch", Act::Watch),
    command(
        "cut",
        "cut SESSION|TECHNICIAN|TARGET|all [--reason \"…\"]",
        "help-cut",
        Act::Cut,
    ),
    command(
        "withdraw",
        "withdraw ID [--reason \"…\"]",
        "help-withdraw",
        Act::Withdraw,
    ),
    HELP,
    EXIT,
];

const AUDITORS: &[Command] = &[
    command(
        "recordings",
        "recordings [--person P] [--target T] [--intervention N] [--since D] [--until D]",
        "help-recordings",
        Act::Recordings,
    ),
    command(
        "search",
        "search WORDS… [--person P] [--target T] [--intervention N] [--since D] [--until D] [--in command|typed|screen|note|refusal|file] [--all]",
        "help-search",
        Act::Search,
    ),
    command(
        "replay",
        "replay SESSION [--channel N] [--speed X] [--skip-idle D] [--at D] [--find TEXT] [--text] [--unmask]",
        "help-replay",
        Act::Replay,
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
    let Some(command) = commands_of(desk.visitor)
        .iter()
        .find(|command| command.name == name)
    else {
        let known = [TECHNICIANS, OPERATORS, AUDITORS]
            .iter()
            .any(|all| all.iter().any(|command| command.name == name));
        if known {
            desk.problem("common-not-allowed", &[]).await?;
        } else {
            desk.problem("common-unknown-command", &[("command", name.into())])
                .await?;
        }
        return Ok(Next::Go(status::MISUSE));
    };
    let done = match command.act {
        Act::Request => lobby::request(desk, command, words).await,
        Act::Mine => lobby::interventions(desk, command, words).await,
        Act::Flows => lobby::flows(desk, command, words).await,
        Act::Cancel => lobby::cancel(desk, command, words).await,
        Act::Pending => operator::requests::pending(desk, command, words).await,
        Act::Approve => operator::answers::approve(desk, command, words).await,
        Act::Refuse => operator::answers::refuse(desk, command, words).await,
        Act::Withdraw => operator::answers::withdraw(desk, command, words).await,
        Act::Interventions => operator::requests::interventions(desk, command, words).await,
        Act::Live => operator::live::live(desk, command, words).await,
        Act::Cut => operator::live::cut(desk, command, words).await,
        Act::Watch => operator::watch::watch(desk, command, words).await,
        Act::Recordings => auditor::recordings::recordings(desk, command, words).await,
        Act::Search => auditor::search::search(desk, command, words).await,
        Act::Replay => auditor::replay::replay(desk, command, words).await,
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
                &[("problem", error.to_string().into())],
            )
            .await?;
            Ok(Next::Go(status::PROBLEM))
        }
        Err(left @ Trouble::Left(_)) => Err(left),
    }
}

async fn help(desk: &mut Desk<'_>, command: &Command, words: &[String]) -> Result<u32, Trouble> {
    if let Err(misuse) = arguments(words, Takes::NOTHING, 1) {
        return desk.misused(command, &misuse).await;
    }
    desk.line("help-head", &[]).await?;
    for command in commands_of(desk.visitor) {
        let usage = format!("  {}", desk.terminal.bold(command.usage));
        desk.terminal.hanging(&usage, 4).await?;
        let text = format!("      {}", desk.say(command.help, &[]));
        desk.terminal.line(&text).await?;
    }
    if matches!(desk.visitor.authenticated.role(), Role::Technician { .. }) {
        let command = desk.visitor.ssh_to("TARGET");
        desk.line("help-connect", &[("command", command.into())])
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
                Ok(()) = changes.changed() => {
                    let news = notices.news(desk).await?;
                    if !news.is_empty() {
                        prompt.hide(desk.terminal).await?;
                        for line in news {
                            desk.terminal.line(&line).await?;
                        }
                        prompt.show(desk.terminal).await?;
                    }
                }
                Ok(()) = documents.changed() => {
                    if let Some(ended) = desk.ended() {
                        prompt.hide(desk.terminal).await?;
                        desk.terminal.err_line(&ended).await?;
                        return Ok(status::NOT_ADMITTED);
                    }
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
                    desk.terminal.line(&line).await?;
                }
            }
            Line::Interrupted => {}
            Line::End => break,
        }
    }
    desk.line("common-bye", &[]).await?;
    Ok(status::DONE)
}

fn label(desk: &Desk<'_>) -> String {
    format!("{}> ", desk.terminal.bold("écluse"))
}

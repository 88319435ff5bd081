//! The commands, in words.
//!
//! The list here says what `help` shows to whom, and grants nothing: each deed takes the mandate that it needs, and policy
//! makes one, or refuses, at that moment (A2).

use ecluse_policy::{Lang, Role};

use super::desk::{Desk, Trouble, status};
use super::grammar::asks_for_help;
use super::words::split;
use super::{gauges, grammar, listing, technician};
use crate::actor::Actor;
use crate::deeds::alerts::Alerts;
use crate::deeds::answers::{Approve, Refuse, Withdraw};
use crate::deeds::changes::Changes;
use crate::deeds::confirming::{Confirm, Deny};
use crate::deeds::evidence::receipts::Receipts;
use crate::deeds::evidence::recordings::Recordings;
use crate::deeds::evidence::replay::Replay;
use crate::deeds::evidence::watch::Watch;
use crate::deeds::hands::{Hold, Resume, Slow};
use crate::deeds::host_ca::KnownHosts;
use crate::deeds::keep_out::KeepOut;
use crate::deeds::listing::{Flows, Interventions, Pending};
use crate::deeds::live::{Cut, Live};
use crate::deeds::matrix::{Reach, Show};
use crate::deeds::people::People;
use crate::deeds::posture::Posture;
use crate::deeds::questions::{Answer, Question};
use crate::deeds::quota::Quota;
use crate::deeds::requests::{Cancel, Request};
use crate::deeds::search::Search;
use crate::deeds::top_up::TopUp;
use crate::deeds::typed::FAMILIES;
use crate::deeds::{Ask, Undone, right};
use crate::gateway::Gateway;
use crate::store::StoreError;

/// One command: its name, how it is written, and the sentence that says to whom what it does.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) usage: &'static str,
    help: &'static [(For, &'static str)],
    act: Act,
}

/// Whom `help` shows a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    Technicians,
    Operators,
    Auditors,
}

use For::{Auditors, Operators, Technicians};

/// What a command does; by whose right, policy says when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Request,
    Flows,
    Quota,
    HostCa,
    Answer,
    Cancel,
    Interventions,
    Pending,
    Approve,
    Refuse,
    Withdraw,
    Alerts,
    Live,
    Watch,
    TopUp,
    Slow,
    Hold,
    Ask,
    Confirm,
    Deny,
    Resume,
    Cut,
    KeepOut,
    Posture,
    People,
    Changes,
    Matrix,
    Reach,
    Recordings,
    Receipts,
    Search,
    Replay,
    Help,
    Exit,
}

/// The command of an act.
const fn of<A: Ask>(act: Act, help: &'static [(For, &'static str)]) -> Command {
    command(A::ACT, A::USAGE, act, help)
}

const fn command(
    name: &'static str,
    usage: &'static str,
    act: Act,
    help: &'static [(For, &'static str)],
) -> Command {
    Command {
        name,
        usage,
        help,
        act,
    }
}

/// All of them, in the order in which `help` shows a person theirs.
pub(super) const COMMANDS: &[Command] = &[
    of::<Request>(Act::Request, &[(Technicians, "help-request")]),
    of::<Pending>(Act::Pending, &[(Operators, "help-pending")]),
    of::<Approve>(Act::Approve, &[(Operators, "help-approve")]),
    of::<Refuse>(Act::Refuse, &[(Operators, "help-refuse")]),
    of::<Interventions>(
        Act::Interventions,
        &[
            (Technicians, "help-interventions-technician"),
            (Operators, "help-interventions-operator"),
            (Auditors, "help-interventions-auditor"),
        ],
    ),
    of::<Flows>(Act::Flows, &[(Technicians, "help-flows")]),
    of::<Quota>(Act::Quota, &[(Technicians, "help-quota")]),
    of::<KnownHosts>(Act::HostCa, &[(Technicians, "help-host-ca")]),
    of::<Answer>(Act::Answer, &[(Technicians, "help-answer")]),
    of::<Cancel>(Act::Cancel, &[(Technicians, "help-cancel")]),
    of::<Alerts>(Act::Alerts, &[(Operators, "help-alerts")]),
    of::<Live>(Act::Live, &[(Operators, "help-live")]),
    of::<Confirm>(Act::Confirm, &[(Operators, "help-confirm")]),
    of::<Deny>(Act::Deny, &[(Operators, "help-deny")]),
    of::<Watch>(Act::Watch, &[(Operators, "help-watch")]),
    of::<TopUp>(Act::TopUp, &[(Operators, "help-topup")]),
    of::<Slow>(Act::Slow, &[(Operators, "help-slow")]),
    of::<Hold>(Act::Hold, &[(Operators, "help-hold")]),
    of::<Question>(Act::Ask, &[(Operators, "help-ask")]),
    of::<Resume>(Act::Resume, &[(Operators, "help-resume")]),
    of::<Cut>(Act::Cut, &[(Operators, "help-cut")]),
    of::<KeepOut>(Act::KeepOut, &[(Operators, "help-keep-out")]),
    of::<Posture>(
        Act::Posture,
        &[
            (Operators, "help-posture"),
            (Auditors, "help-posture-auditor"),
        ],
    ),
    of::<People>(Act::People, &[(Operators, "help-people")]),
    of::<Withdraw>(Act::Withdraw, &[(Operators, "help-withdraw")]),
    of::<Changes>(Act::Changes, &[(Operators, "help-changes")]),
    of::<Show>(
        Act::Matrix,
        &[(Operators, "help-matrix"), (Auditors, "help-matrix")],
    ),
    of::<Reach>(
        Act::Reach,
        &[(Operators, "help-reach"), (Auditors, "help-reach")],
    ),
    of::<Recordings>(Act::Recordings, &[(Auditors, "help-recordings")]),
    of::<Receipts>(
        Act::Receipts,
        &[(Operators, "help-receipts"), (Auditors, "help-receipts")],
    ),
    of::<Search>(Act::Search, &[(Auditors, "help-search")]),
    of::<Replay>(Act::Replay, &[(Auditors, "help-replay")]),
    of::<Help>(
        Act::Help,
        &[
            (Technicians, "help-help"),
            (Operators, "help-help"),
            (Auditors, "help-help"),
        ],
    ),
    command(
        "exit",
        "exit",
        Act::Exit,
        &[
            (Technicians, "help-exit"),
            (Operators, "help-exit"),
            (Auditors, "help-exit"),
        ],
    ),
];

impl For {
    fn role(role: &Role) -> Self {
        match role {
            Role::Technician { .. } => Self::Technicians,
            Role::Operator { .. } => Self::Operators,
            Role::Auditor { .. } => Self::Auditors,
        }
    }
}

/// What `help` shows somebody.
fn commands_of(role: &Role) -> impl Iterator<Item = (&'static Command, &'static str)> {
    let who = For::role(role);
    let of = move |command: &'static Command| {
        let (_, text) = command.help.iter().find(|(of, _)| *of == who)?;
        Some((command, *text))
    };
    COMMANDS.iter().filter_map(of)
}

impl Command {
    /// What it does, as `role` is told; as those are told whose it is, where it is another's.
    fn help_for(&self, role: &Role) -> &'static str {
        let who = For::role(role);
        let theirs = self.help.iter().find(|(of, _)| *of == who);
        theirs.or(self.help.first()).map_or("", |(_, text)| text)
    }

    /// How `role` writes it, with what stands for something else named in the reader's language.
    pub(crate) fn usage_for(&self, role: &Role, lang: Lang) -> String {
        match role {
            // They look how it stands, and set none.
            Role::Auditor { .. } if self.act == Act::Posture => self.name.to_owned(),
            Role::Technician { .. } | Role::Operator { .. } | Role::Auditor { .. } => {
                self.usage_in(lang)
            }
        }
    }

    fn usage_in(&self, lang: Lang) -> String {
        const FRENCH: [(&str, &str); 15] = [
            (
                "command|typed|screen|note|refusal|file|forward|hidden",
                "commande|saisie|écran|note|refus|fichier|redirection|caché",
            ),
            ("out|in", "sortie|entrée"),
            ("[COMMAND]", "[COMMANDE]"),
            ("TARGET", "CIBLE"),
            ("FAMILY", "FAMILLE"),
            ("TIME", "HEURE"),
            ("SIZE", "TAILLE"),
            ("RATE", "DÉBIT"),
            ("TECHNICIAN", "TECHNICIEN"),
            ("CHANNEL", "CANAL"),
            ("WORDS", "MOTS"),
            ("TEXT", "TEXTE"),
            ("ACCOUNT", "COMPTE"),
            ("PERSON", "PERSONNE"),
            ("STATION", "POSTE"),
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
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        desk.problem("common-unknown-command", &[("command", name.into())])
            .await?;
        return Ok(Next::Go(status::MISUSE));
    };
    if asks_for_help(words) {
        explain(
            desk,
            command,
            command.help_for(desk.visitor.authenticated.role()),
        )
        .await?;
        return Ok(Next::Go(status::DONE));
    }
    if command.act == Act::Exit {
        return Ok(Next::Exit);
    }
    // A failing store is told and ends the command, not the dialogue.
    let status = match act(desk, command, words).await {
        Ok(status) => status,
        // The right comes before the grammar: whoever may not do it at all reads that, and it is on record.
        Err(Trouble::Misused(misuse)) => match command
            .act
            .right(desk.gateway, desk.visitor, command.name)
            .await
        {
            Ok(()) => desk.misused(command, &misuse).await?,
            Err(Undone::Store(error)) => store_failed(desk, command, error).await?,
            Err(undone) => desk.undone(undone).await?,
        },
        Err(Trouble::Undone(undone)) => desk.undone(undone).await?,
        Err(Trouble::Store(error)) => store_failed(desk, command, error).await?,
        Err(left @ Trouble::Left(_)) => return Err(left),
    };
    Ok(Next::Go(status))
}

async fn store_failed(
    desk: &mut Desk<'_>,
    command: &Command,
    error: StoreError,
) -> Result<u32, Trouble> {
    tracing::warn!(%error, command = command.name, "a command failed");
    let problem = desk.gateway.texts.store(desk.lang(), &error);
    desk.problem("common-store-failed", &[("problem", problem.into())])
        .await
}

impl Act {
    /// Whether the person may do this at all, whatever it names; where not, that is on record.
    async fn right(self, house: &Gateway, by: &Actor, name: &str) -> Result<(), Undone> {
        let applied = house.applied();
        let whose = match self {
            Self::Request
            | Self::Flows
            | Self::Quota
            | Self::HostCa
            | Self::Answer
            | Self::Cancel => Technicians,
            Self::Pending
            | Self::Approve
            | Self::Refuse
            | Self::Withdraw
            | Self::Alerts
            | Self::Live
            | Self::Watch
            | Self::TopUp
            | Self::Slow
            | Self::Hold
            | Self::Ask
            | Self::Confirm
            | Self::Deny
            | Self::Resume
            | Self::Cut
            | Self::KeepOut
            | Self::People
            | Self::Changes => Operators,
            Self::Recordings | Self::Search | Self::Replay => Auditors,
            Self::Posture | Self::Receipts | Self::Matrix | Self::Reach
                if For::role(by.authenticated.role()) == Auditors =>
            {
                Auditors
            }
            Self::Posture | Self::Receipts | Self::Matrix | Self::Reach => Operators,
            // Everybody has one of theirs.
            Self::Interventions => For::role(by.authenticated.role()),
            Self::Help | Self::Exit => return Ok(()),
        };
        let asked = match whose {
            Technicians => by.as_technician(&applied).map(drop),
            Operators => by.as_operator(&applied).map(drop),
            Auditors => by.as_auditor(&applied).map(drop),
        };
        right(house, by, name, asked).await
    }
}

async fn act(desk: &mut Desk<'_>, command: &Command, words: &[String]) -> Result<u32, Trouble> {
    use crate::faces::lobby::auditor::{receipts, recordings, replay, search};
    use crate::faces::lobby::operator::{
        alerts, answers, changes, confirming, hands, keep_out, live, matrix, people, posture,
        requests, top_up, watch,
    };
    match command.act {
        Act::Approve => answers::approve(desk, command, words).await,
        Act::Refuse => answers::refuse(desk, words).await,
        Act::Withdraw => answers::withdraw(desk, words).await,
        Act::Help => help(desk, words).await,
        Act::Exit => Ok(status::DONE),
        Act::Request => technician::request(desk, words).await,
        Act::Flows => technician::flows(desk, words).await,
        Act::Quota => gauges::quota(desk, words).await,
        Act::HostCa => technician::host_ca(desk, words).await,
        Act::Answer => technician::answer(desk, words).await,
        Act::Cancel => technician::cancel(desk, words).await,
        Act::Interventions => listing::interventions(desk, words).await,
        Act::Pending => requests::pending(desk, words).await,
        Act::Alerts => alerts::alerts(desk, words).await,
        Act::Live => live::live(desk, words).await,
        Act::TopUp => top_up::top_up(desk, command, words).await,
        Act::Slow => hands::slow(desk, words).await,
        Act::Hold => hands::hold(desk, words).await,
        Act::Ask => hands::ask(desk, words).await,
        Act::Confirm => confirming::confirm(desk, command, words).await,
        Act::Deny => confirming::deny(desk, words).await,
        Act::Resume => hands::resume(desk, words).await,
        Act::Cut => live::cut(desk, words).await,
        Act::KeepOut => keep_out::keep_out(desk, command, words).await,
        Act::Posture => posture::posture(desk, command, words).await,
        Act::People => people::people(desk, command, words).await,
        Act::Changes => changes::changes(desk, words).await,
        Act::Matrix => matrix::matrix(desk, words).await,
        Act::Reach => matrix::reach(desk, words).await,
        Act::Watch => watch::watch(desk, words).await,
        Act::Recordings => recordings::recordings(desk, words).await,
        Act::Receipts => receipts::receipts(desk, words).await,
        Act::Search => search::search(desk, command, words).await,
        Act::Replay => replay::replay(desk, command, words).await,
    }
}

/// What `help` alone may name: one command.
#[derive(Debug, clap::Args, serde::Serialize, serde::Deserialize)]
struct Help {
    /// Which command.
    command: Option<String>,
}

impl Ask for Help {
    const ACT: &'static str = "help";
    const USAGE: &'static str = "help [COMMAND]";
}

async fn help(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let role = desk.visitor.authenticated.role();
    if let Help {
        command: Some(name),
    } = grammar::parse(words)?
    {
        let Some((one, text)) = commands_of(role).find(|(command, _)| command.name == name) else {
            let args = [("command", name.into())];
            desk.problem("common-unknown-command", &args).await?;
            return Ok(status::MISUSE);
        };
        explain(desk, one, text).await?;
        return Ok(status::DONE);
    }
    desk.line("help-head", &[]).await?;
    for (command, text) in commands_of(role) {
        explain(desk, command, text).await?;
    }
    if matches!(role, Role::Technician { .. }) {
        let target = match desk.lang() {
            Lang::Fr => "CIBLE",
            Lang::En => "TARGET",
        };
        let command = desk.visitor.ssh_to(target);
        desk.line("help-connect", &[("command", command.into())])
            .await?;
    }
    if !matches!(role, Role::Auditor { .. }) {
        let families = FAMILIES.join(", ");
        desk.line("help-families", &[("families", families.into())])
            .await?;
    }
    desk.line("common-time-note", &[]).await?;
    Ok(status::DONE)
}

/// How one command is written, and what it does.
async fn explain(desk: &mut Desk<'_>, command: &Command, text: &str) -> Result<(), Trouble> {
    let role = desk.visitor.authenticated.role();
    let usage = command.usage_for(role, desk.lang());
    let usage = format!("  {}", desk.terminal.bold(&usage));
    desk.terminal.hanging(&usage, 4).await?;
    let text = format!("      {}", desk.say(text, &[]));
    desk.terminal.line(&text).await?;
    Ok(())
}

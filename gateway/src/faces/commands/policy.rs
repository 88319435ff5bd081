//! `ecluse policy test FILE`: do the documents allow and refuse what the client's own cases say?

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use ecluse_policy::documents::NodeRules;
use ecluse_policy::{Answered, Case, Cases, Documents, Expects, Lang};

use super::explain::request;
use super::{directory, in_force};
use crate::clock;
use crate::faces::commands::out::{errln, outln};
use crate::settings::Settings;
use crate::store::{Store, compile};
use crate::texts::Texts;

/// Work on the policy that documents say.
#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    Test(Test),
}

/// Ask a client's own cases of the documents in force, or of a directory before it is applied: exit status 0 where all hold, 1 where one does
/// not.
///
/// FILE is TOML: `lang = "fr"` for the language of what fails, and [[case]] tables with `name`, `person`, `target`, `asks` (as `explain` has it:
/// "shell", "command: uptime", "sftp-read: /var/log/app.log", …), `expect` ("allowed" or "refused"), and where it matters `station`,
/// `account`, `at` (an instant with its offset), `posture` ("high" or "normal"), `by` (the flow that has to allow it) or `because` (words of
/// the reason why it is refused). The answer is that of `explain`, by the table that decides at the door.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// The file of cases.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// These documents, and no store: DIR/clients/*.toml and DIR/providers/*.toml, with the budgets of DIR/gateway.toml where there is one.
    #[arg(long, value_name = "DIR")]
    documents: Option<PathBuf>,
    /// fr or en, in place of what the file says.
    #[arg(long, value_name = "LANG", value_parser = Lang::parse)]
    lang: Option<Lang>,
}

impl PolicyCommand {
    pub(super) async fn run(&self, settings: &std::path::Path) -> anyhow::Result<ExitCode> {
        let Self::Test(test) = self;
        let documents = match &test.documents {
            Some(directory) => written(directory)?,
            None => {
                let store = Store::open(&Settings::read(settings)?).await?;
                let applied = in_force(&store).await;
                store.close().await;
                applied?.documents.clone()
            }
        };
        test.run(&documents)
    }
}

/// The documents of a directory, as they would be applied.
fn written(directory: &std::path::Path) -> anyhow::Result<Documents> {
    let settings = directory.join("gateway.toml");
    let node = match settings.exists() {
        true => Settings::read(&settings)?.extraction,
        false => NodeRules::default(),
    };
    let texts = directory::read(directory)?;
    // No log stands behind them: their people are accepted, as a client's first document accepts them.
    compile(&texts, &node).map_err(|errors| anyhow::anyhow!(lines(&errors)))
}

fn lines(errors: &[ecluse_policy::DocumentError]) -> String {
    let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
    all.join("\n")
}

impl Test {
    fn run(&self, documents: &Documents) -> anyhow::Result<ExitCode> {
        let shown = self.file.display().to_string();
        let text = std::fs::read_to_string(&self.file)
            .map_err(|error| anyhow::anyhow!("{shown}: {error}"))?;
        let cases = Cases::parse(&shown, &text, request)
            .map_err(|errors| anyhow::anyhow!(lines(&errors)))?;
        let (texts, now) = (Texts::load()?, clock::now());
        let lang = self.lang.unwrap_or(cases.lang);
        let mut failed = 0_usize;
        for case in &cases.cases {
            let answered = case.answered(documents, now);
            if case.is_right(&answered) {
                continue;
            }
            failed += 1;
            for line in wrong(&texts, lang, &shown, case, &answered) {
                outln!("{}", ecluse_recordings::neutralise(line));
            }
        }
        let count = cases.cases.len().into();
        if failed == 0 {
            outln!("{}", texts.say(lang, "cases-right", &[("count", count)]));
            return Ok(ExitCode::SUCCESS);
        }
        let args = [("failed", failed.into()), ("count", count)];
        errln!("{}", texts.say(lang, "cases-wrong", &args));
        Ok(ExitCode::FAILURE)
    }
}

/// What is wrong with an answer, and why it is what it is.
fn wrong(texts: &Texts, lang: Lang, file: &str, case: &Case, answered: &Answered) -> Vec<String> {
    let (flows, reasons): (Vec<String>, Vec<String>) = match answered {
        Answered::Allowed(by) => (
            by.iter()
                .map(|(flow, place)| format!("{flow} ({place})"))
                .collect(),
            Vec::new(),
        ),
        Answered::Refused(missing) => (Vec::new(), missing.clone()),
    };
    let (id, by, because) = match (&case.expects, answered) {
        (Expects::Allowed { .. }, Answered::Refused(_)) => ("cases-failed-allowed", "", ""),
        (Expects::Allowed { by }, Answered::Allowed(_)) => {
            let by = by.as_ref().map_or("", |by| by.as_str());
            ("cases-failed-by", by, "")
        }
        (Expects::Refused { .. }, Answered::Allowed(_)) => ("cases-failed-refused", "", ""),
        (Expects::Refused { because }, Answered::Refused(_)) => {
            ("cases-failed-because", "", because.as_deref().unwrap_or(""))
        }
    };
    let args = [
        ("file", file.into()),
        ("line", case.line.to_string().into()),
        ("name", case.name.as_str().into()),
        ("flows", flows.join(", ").into()),
        ("by", by.into()),
        ("because", because.into()),
    ];
    let first = texts.say(lang, id, &args);
    let reasons = reasons.into_iter().map(|reason| format!("    {reason}"));
    std::iter::once(first).chain(reasons).collect()
}

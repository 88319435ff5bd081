//! `matrix` and `reach`: a client's own matrix, with what was seen of it, and who reaches what of it. For operators and auditors.

use crate::deeds::matrix::{self, Format, Reach, Show};
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::grammar;
use crate::faces::lobby::words::Misuse;
use crate::faces::sheet;

/// `matrix`
pub(crate) async fn matrix(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Show = grammar::parse(words)?;
    let found = matrix::show(desk.gateway, desk.visitor).await?;
    // What is kept is the client's; what is read here, the reader's.
    let lang = match ask.format {
        Format::Table => desk.lang(),
        Format::Csv | Format::Html | Format::Json => found.lang,
    };
    let lines = sheet::written(&desk.gateway.texts, lang, &found, ask.format, columns(desk));
    print(desk, ask.format, &lines).await
}

/// `reach`
pub(crate) async fn reach(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Reach = grammar::parse(words)?;
    if ask.person.is_none() && ask.target.is_none() {
        return Err(Misuse::Missing("usage-no-person-or-target").into());
    }
    let found = matrix::reach(desk.gateway, desk.visitor, &ask).await?;
    let lines = sheet::reached(&desk.gateway.texts, desk.lang(), &found, columns(desk));
    print(desk, Format::Table, &lines).await
}

fn columns(desk: &Desk<'_>) -> usize {
    desk.terminal.columns().unwrap_or(sheet::COLUMNS)
}

async fn print(desk: &mut Desk<'_>, format: Format, lines: &[String]) -> Result<u32, Trouble> {
    let ends = match desk.terminal.columns() {
        Some(_) => "\r\n",
        None => "\n",
    };
    for line in lines {
        match format {
            Format::Table => desk.terminal.line(line).await?,
            // What a program reads is not broken where the terminal ends.
            Format::Csv | Format::Html | Format::Json => {
                desk.terminal.write(&format!("{line}{ends}")).await?
            }
        }
    }
    Ok(status::DONE)
}

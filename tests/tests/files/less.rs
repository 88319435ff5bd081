//! Less than was asked, by one line or one flow of it. I2.

use anyhow::{Context, Result, ensure};
use ecluse_tests::Answer;

use super::{ALL, Ground, is_refused};

/// What a client shows that looks before it opens, and is refused the look.
const NOT_PART: &str = "is not part of this intervention";

/// Gives up what alice has, and asks anew for all of it.
fn asks_anew(ground: &Ground, before: u64) -> Result<String> {
    let before = before.to_string();
    let withdraw = ["withdraw", &before, "--reason", "less"];
    ground.site.operator(&withdraw)?.success()?;
    Ok(ground.site.request("alice", "db01")?.to_string())
}

fn words(answer: Answer) -> Result<String> {
    let text = answer.success()?.text();
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// I2: an approval of one line gives that line and nothing else of what was asked; so does one of one flow, by its name. What was
/// granted is shown back to the operator and to the technician; more than was asked is refused.
#[test]
fn i2_an_approval_gives_one_line_or_one_flow() -> Result<()> {
    let mut ground = Ground::start(ALL)?;
    let root = ground.root()?.display().to_string();
    ground.site.apply(|documents| {
        let mut other = documents.flow("dba")?.clone();
        other.name = "logs".to_owned();
        other.allow = vec![format!("sftp-read: {root}/in/dir/**")];
        documents.flows.push(other);
        Ok(())
    })?;
    let number = asks_anew(&ground, 1)?;
    let line = format!("sftp-read: {root}/in/file");
    // Nothing that was not asked, and no flow that is not there.
    let more = ["approve", &number, "--line", "sftp-read: /etc/**"];
    ground.site.operator(&more)?.status_is(1)?;
    let unclear = ["approve", &number, "--line", "everything"];
    ground.site.operator(&unclear)?.status_is(2)?;
    let no_flow = ["approve", &number, "--flow", "nothing"];
    let answer = ground.site.operator(&no_flow)?.status_is(1)?;
    ensure!(answer.errors.contains("logs"), "{answer:?}");
    let told = words(
        ground
            .site
            .operator(&["approve", &number, "--line", &line])?,
    )?;
    ensure!(told.contains(&format!("→ files: {line} ")), "{told}");
    let seen = words(
        ground
            .site
            .lobby("alice", &["interventions", &number])
            .answer()?,
    )?;
    let allows = format!("files: {line} · 2h");
    ensure!(seen.contains(&allows), "{allows}: {seen}");
    ground.sftp("get @/in/file @/here/file\n")?.success()?;
    is_refused(&ground.sftp("get @/in/dir/small @/here/small\n")?, NOT_PART)?;
    is_refused(&ground.sftp("put @/here/file @/in/sent\n")?, NOT_PART)?;

    let number = asks_anew(&ground, number.parse().context("a number")?)?;
    let told = words(
        ground
            .site
            .operator(&["approve", &number, "--flow", "logs"])?,
    )?;
    ensure!(
        told.contains(&format!("sftp-read: {root}/in/dir/**")),
        "{told}"
    );
    ground
        .sftp("get @/in/dir/small @/here/small\n")?
        .success()?;
    is_refused(&ground.sftp("get @/in/file @/here/again\n")?, NOT_PART)?;
    Ok(())
}

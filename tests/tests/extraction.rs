//! What leaves is measured, slowed, held and ended, whatever way it takes. X1, X2, X3.
//!
//! Every test counts the bytes that the client received. The target's own are `~` or noise; the gateway's words hold no `~`.

use std::fs;
use std::io::Read;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ecluse_tests::client::Running;
use ecluse_tests::payload::{Kind, Payload};
use ecluse_tests::{Answer, Site, Ssh, Terminal, store, wait};
use serde_json::Value;

mod accompanied;
mod anew;
mod asked;
mod copied;
mod drip;
mod each;
mod frozen;
mod hands;
mod held;
mod idle;
mod kinds;
mod lock;
mod pouring;
mod programs;
mod seen;
mod signals;
mod summed;

const PATIENCE: Duration = Duration::from_secs(60);
const KIB: usize = 1 << 10;
/// A sequence that names a window: nothing of it is seen.
const TITLE: &str = "\x1b]0;~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\x07";

/// A site where alice may work, with files of `~`, of noise and of titles in the target's home, of 2 MiB each.
fn open_site() -> Result<Site> {
    let site = Site::start()?;
    fill(&site)?;
    site.proven("alice", "db01")?;
    Ok(site)
}

/// On one line, blanks one at a time.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn fill(site: &Site) -> Result<()> {
    let home = site.layout().target_home();
    fs::write(home.join("plain"), vec![b'~'; 2 << 20])?;
    fs::write(home.join("titles"), TITLE.repeat((2 << 20) / TITLE.len()))?;
    fs::write(
        home.join("noise"),
        Payload::new(Kind::Noise, 2 << 20, 3).bytes(),
    )?;
    Ok(())
}

/// Puts budgets in force, and waits until `quota` of alice tells of one of them.
fn budgets(site: &mut Site, extraction: &str, shown: &str) -> Result<()> {
    site.apply(|documents| {
        documents.extraction = format!("{{ {extraction} }}");
        Ok(())
    })?;
    in_force(site, shown)
}

/// Sessions that are held once so much has passed.
fn holds_at(site: &mut Site, session: &str) -> Result<()> {
    let limits = format!("session = \"{session}\", intervention = \"64 GiB\", at-limit = \"hold\"");
    budgets(site, &limits, "64 GiB")
}

/// Over one connection, which more can use.
fn over_one(site: &Site) -> Ssh {
    site.ssh("alice+db01").shared("one").patience(PATIENCE)
}

/// A shell over that connection, in a session that is held after 20 KiB.
fn shell_under_a_hold(site: &mut Site) -> Result<Terminal> {
    holds_at(site, "20 KiB")?;
    let terminal = Terminal::of(site, &over_one(site), 200, 40)?;
    terminal.sees("At most")?;
    terminal.enters("echo rea''dy")?;
    terminal.sees("ready")?;
    Ok(terminal)
}

fn in_force(site: &Site, shown: &str) -> Result<()> {
    wait::until_true(&format!("a budget of {shown}"), PATIENCE, || {
        let told = site.lobby("alice", &["quota"]).answer()?.success()?.text();
        Ok(told.contains(shown))
    })
}

/// What the target sent of an answer: all of its standard output, and what of standard error is not the gateway's.
fn received(answer: &Answer) -> usize {
    answer.output.len() + answer.errors.matches('~').count()
}

/// Reads what comes until so much has come.
fn read(running: &mut Running, bytes: usize) -> Result<()> {
    let stdout = running.child.stdout.as_mut().context("no stdout")?;
    stdout.read_exact(&mut vec![0; bytes])?;
    Ok(())
}

/// What comes of a shell at which a line is typed, and which nobody leaves.
fn typed(ssh: &Ssh, line: &str) -> Result<Answer> {
    let mut running = ssh.spawn()?;
    let mut stdin = running.child.stdin.take().context("no stdin")?;
    std::io::Write::write_all(&mut stdin, format!("{line}\n").as_bytes())?;
    let answer = running.answer();
    drop(stdin);
    answer
}

/// The marks on record, by account, once there are so many; not more.
fn marks(site: &Site, count: usize) -> Result<Vec<(String, String)>> {
    let records = wait::until(&format!("{count} marks on record"), PATIENCE, || {
        let records = store::audit(site, "extraction")?;
        Ok((records.len() >= count).then_some(records))
    })?;
    ensure!(records.len() == count, "{records:?}");
    let of = |record: &Value| {
        let account = record.get("detail")?.get("account")?.as_str()?;
        Some((
            account.to_owned(),
            record.get("reason")?.as_str()?.to_owned(),
        ))
    };
    records
        .iter()
        .map(|record| of(record).with_context(|| format!("not a mark: {record}")))
        .collect()
}

/// X1: a copy of a database taken through a terminal or a command, on either stream or both, packed, spelled or hidden in titles:
/// the client has no more of it than the session's budget, and is told why.
#[test]
fn x1_no_way_out_takes_more_than_the_session_has() -> Result<()> {
    let mut site = open_site()?;
    budgets(
        &mut site,
        "session = \"200 KiB\", intervention = \"64 GiB\"",
        "64 GiB",
    )?;
    // A shell is asked for, where it is not a command.
    for (terminal, is_shell, line) in [
        (true, false, "cat plain"),
        (true, false, "base64 noise"),
        (
            true,
            false,
            "while printf '\\033]0;~~~~~~~~~~~~~~~~~~~~~~~~~~~~\\007'; do :; done",
        ),
        (
            true,
            false,
            "while printf '\\033]52;c;fn5+fn5+fn5+fn5+fn5+fn5+fn5+\\007'; do :; done",
        ),
        (
            true,
            false,
            "while printf '\\033P+q~~~~~~~~~~~~~~~~~~~~~~~~~~~~\\033\\\\'; do :; done",
        ),
        (true, true, "cat plain"),
        (false, true, "cat plain"),
        (false, false, "cat noise"),
        (false, false, "cat plain >&2"),
        (false, false, "cat plain >&2 & cat plain; wait"),
        (false, false, "tar cf - noise | gzip"),
    ] {
        let mut ssh = site.ssh("alice+db01").patience(PATIENCE);
        if terminal {
            ssh = ssh.flag("-tt");
        }
        let answer = match is_shell {
            true => typed(&ssh, line)?,
            false => ssh.run(line).answer()?,
        };
        let answer =
            answer.refused(&["a budget is spent: 200 KiB (session)", "Passed: 204800 B"])?;
        let got = match is_shell {
            // Beside the gateway's words on its terminal.
            true => answer.text().matches('~').count(),
            // A terminal that is left in disorder is put in order by the gateway.
            false => received(&answer).saturating_sub(if terminal { 64 } else { 0 }),
        };
        ensure!(got <= 200 * KIB, "{line}: {got} bytes came");
        ensure!(
            got > 100 * KIB,
            "{line}: {got} bytes came, which is too few"
        );
    }
    // Each session has its end, its warning and its limit on record, once.
    let mut marks = marks(&site, 22)?;
    marks.sort_unstable();
    marks.dedup();
    ensure!(marks.len() == 22, "told twice: {marks:?}");
    let alerts = site.operator(&["alerts"])?.success()?.text();
    for words in [
        "are spent, and it ends",
        "channel 1",
        "Command: tar cf - noise | gzip",
    ] {
        ensure!(alerts.contains(words), "{words:?} is not in {alerts}");
    }
    let listed = site.auditor(&["recordings"])?.success()?.text();
    ensure!(
        listed.contains("a budget was spent: 200 KiB (session)"),
        "{listed}"
    );
    // What a technician sends is bounded in the same way.
    budgets(
        &mut site,
        "session = \"8 MiB\", intervention = \"63 GiB\", up-session = \"100 KiB\"",
        "63 GiB",
    )?;
    let upload = site.ssh("alice+db01").run("cat > got").patience(PATIENCE);
    upload
        .answer_to(vec![b'x'; 2 << 20])?
        .refused(&["a budget is spent: 100 KiB (session, towards the target)"])?;
    // It may end before the target has begun.
    let got = fs::metadata(site.layout().target_home().join("got")).map_or(0, |it| it.len());
    ensure!(got <= 100 << 10, "{got} bytes arrived");
    // So are the words of a command, which pass whole or not at all.
    budgets(
        &mut site,
        "session = \"8 MiB\", intervention = \"62 GiB\", up-session = \"1 KiB\"",
        "62 GiB",
    )?;
    let words = "~".repeat(100_000);
    let written = format!("printf %s '{words}' > words");
    site.ssh("alice+db01").run(written).answer()?.refused(&[
        "no more than 1 KiB may pass (session, towards the target)",
        "connecting again does not help. Ask the operators of hopital",
    ])?;
    ensure!(
        !site.layout().target_home().join("words").exists(),
        "the words of a command arrived"
    );
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

/// X2: sessions side by side, many one after the other, a second technician, a restart and a `kill -9` buy nothing.
#[test]
fn x2_nothing_buys_a_byte_more() -> Result<()> {
    let mut site = Site::start()?;
    fill(&site)?;
    let first = site.approved("alice", "db01")?;
    // Once her code is proven, what follows is not asked for one.
    site.ssh("alice+db01").run("true").answer()?.success()?;
    let endless = "while cat plain; do :; done";
    let run = |site: &Site| site.ssh("alice+db01").run(endless).patience(PATIENCE);
    // Ten at once, then ten one after the other, of one intervention.
    budgets(
        &mut site,
        "session = \"700 KiB\", intervention = \"700 KiB\"",
        "700 KiB",
    )?;
    let mut together = (0..10)
        .map(|_| run(&site).spawn())
        .collect::<Result<Vec<_>>>()?;
    let mut total = 0;
    for running in &mut together {
        total += received(&running.answer()?.refused(&["a budget is spent: 700 KiB"])?);
    }
    for _ in 0..10 {
        total += received(&run(&site).answer()?.refused(&["a budget is spent"])?);
    }
    ensure!(total <= 700 * KIB, "{total} bytes came");
    ensure!(total > 350 * KIB, "{total} bytes came, which is too few");
    // Two technicians on one budget of their client's day.
    site.proven("bruno", "db01")?;
    let second = next(&site, first)?;
    budgets(
        &mut site,
        "session = \"64 MiB\", intervention = \"65 MiB\", day = \"1500 KiB\"",
        "65 MiB",
    )?;
    let mut total = 0;
    let mut both = ["alice+db01", "bruno+db01"]
        .map(|who| site.ssh(who).run(endless).patience(PATIENCE).spawn());
    for running in &mut both {
        let running = running
            .as_mut()
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        total += received(&running.answer()?.status_is(254)?);
    }
    ensure!(total <= 1500 * KIB, "{total} bytes came");
    ensure!(total > 750 * KIB, "{total} bytes came, which is too few");
    // Killed in the middle, and stopped in the middle.
    next(&site, second)?;
    budgets(
        &mut site,
        "session = \"900 KiB\", intervention = \"900 KiB\", rate = \"256 KiB/s\"",
        "900 KiB",
    )?;
    let mut total = 0;
    for kill in [true, false] {
        let mut running = run(&site).spawn()?;
        read(&mut running, 100 * KIB)?;
        if kill {
            site.kill()?;
        } else {
            site.close()?;
        }
        total += 100 * KIB + received(&running.answer()?);
        site.open()?;
    }
    let rest = run(&site)
        .answer()?
        .refused(&["a budget is spent: 900 KiB (intervention)", "request db01"])?;
    // What a gateway that was killed had drawn is taken, and passed nowhere.
    let last = received(&rest);
    let told = format!("Passed: {last} B in this session, of 921600 B taken from this budget");
    rest.says(&[&told])?;
    total += last;
    ensure!(total <= 900 * KIB, "{total} bytes came");
    ensure!(total > 300 * KIB, "{total} bytes came, which is too few");
    Ok(())
}

/// Another intervention of alice takes the place of one that is used up.
fn next(site: &Site, used_up: u64) -> Result<u64> {
    let number = site.approved("alice", "db01")?;
    site.operator(&["withdraw", &used_up.to_string(), "--reason", "used up"])?
        .success()?;
    Ok(number)
}

/// X3: behind its budget a flow goes on slowly and byte-exact, and is held at its ceiling; the technician and the operator are told
/// at each mark, and nothing of that stands in the data.
#[test]
fn x3_a_slowed_flow_goes_on_exactly_and_is_held_at_its_ceiling() -> Result<()> {
    let mut site = open_site()?;
    let slow = "session = \"100 KiB\", intervention = \"64 GiB\", at-limit = \"slow\", slow-rate = \"32 KiB/s\", ceiling = \"150%\"";
    budgets(&mut site, slow, "64 GiB")?;
    let noise = fs::read(site.layout().target_home().join("noise"))?;
    let began = Instant::now();
    let answer = site
        .ssh("alice+db01")
        .run("head -c 133120 noise")
        .patience(PATIENCE)
        .answer()?
        .success()?
        .says(&[
            "of the 100 KiB that may pass (session) are taken",
            "It goes on at 32 KiB/s",
        ])?;
    ensure!(
        answer.output == noise.get(..133_120).unwrap_or_default(),
        "what came is not exact"
    );
    // 30 KiB at 32 KiB/s.
    ensure!(
        began.elapsed() > Duration::from_millis(800),
        "it was not slowed"
    );
    let mut running = site
        .ssh("alice+db01")
        .run("cat noise")
        .patience(PATIENCE)
        .spawn()?;
    let session = held::held(&site)?;
    // Cut: what came is all that had passed.
    site.operator(&["cut", &session])?.success()?;
    let answer = running.answer()?;
    let got = answer.output.len();
    ensure!(got == 150 * KIB, "{got} bytes came");
    ensure!(noise.starts_with(&answer.output), "what came is not exact");
    let mut told: Vec<String> = marks(&site, 5)?.into_iter().map(|(_, mark)| mark).collect();
    told.sort_unstable();
    ensure!(
        told == ["ceiling", "limit", "limit", "warn", "warn"],
        "{told:?}"
    );
    let alerts = site.operator(&["alerts"])?.success()?.text();
    ensure!(
        alerts.contains("it is slowed") && alerts.contains("up to the ceiling"),
        "{alerts}"
    );
    Ok(())
}

/// X3: `quota` and `live` say where budgets stand, and other budgets act on what is open at once.
#[test]
fn x3_gauges_move_and_a_changed_budget_acts_at_once() -> Result<()> {
    let mut site = open_site()?;
    budgets(
        &mut site,
        "session = \"1 MiB\", intervention = \"64 GiB\"",
        "64 GiB",
    )?;
    let mut running = site
        .ssh("alice+db01")
        .run("head -c 524288 plain; exec cat")
        .patience(PATIENCE)
        .spawn()?;
    read(&mut running, 512 * KIB)?;
    let live = site.operator(&["live"])?.success()?.text();
    ensure!(
        live.contains("512 KiB") && live.contains("50 % of 1 MiB (session)"),
        "{live}"
    );
    let quota = site.lobby("alice", &["quota"]).answer()?.success()?.text();
    let row = quota.lines().find(|line| line.contains("(session)"));
    let row = row.with_context(|| format!("no session in {quota}"))?;
    ensure!(
        row.matches("512 KiB").count() == 2 && row.contains("1 MiB"),
        "{row}"
    );
    // Less than has passed already: nothing more passes, though much was left before.
    budgets(
        &mut site,
        "session = \"100 KiB\", intervention = \"63 GiB\"",
        "63 GiB",
    )?;
    // Who logs on reads the documents anew; what is open is told of them a moment later.
    wait::until_true("the session's new budget", PATIENCE, || {
        let live = site.operator(&["live"])?.success()?.text();
        Ok(live.contains("of 100 KiB (session)"))
    })?;
    let stdin = running.child.stdin.as_mut().context("no stdin")?;
    std::io::Write::write_all(stdin, b"still here\n")?;
    let answer = running
        .answer()?
        .refused(&["a budget is spent: 100 KiB (session)"])?;
    ensure!(answer.output.is_empty(), "{:?} came", answer.text());
    // What somebody answers for until a day is without a limit.
    let until = ecluse_tests::clock::date_in(30)?;
    let unlimited = format!(
        "session = \"unlimited\", intervention = \"unlimited\", owner = \"Odile\", until = \"{until}\""
    );
    budgets(&mut site, &unlimited, "no limit")?;
    let answer = site
        .ssh("alice+db01")
        .run("cat plain")
        .answer()?
        .success()?;
    ensure!(answer.output.len() == 2 << 20);
    // What left is told by kind of channel, and what was done about it.
    let told = site.operator(&["interventions", "1"])?.success()?.text();
    let told = words(&told);
    for words in ["out (shells: 0 B, commands: ", "a budget spent: 1 ×"] {
        ensure!(told.contains(words), "{words:?} is not in {told}");
    }
    Ok(())
}

/// X2: two gateways on one store have one budget.
#[test]
fn x2_two_gateways_have_one_budget() -> Result<()> {
    let address = store::database()?;
    let here = Site::start_with(|plan| {
        plan.documents.settings.store = address;
        plan.documents.extraction =
            "{ session = \"900 KiB\", intervention = \"900 KiB\" }".to_owned();
        Ok(())
    })?;
    fill(&here)?;
    let there = here.beside()?;
    here.proven("alice", "db01")?;
    let run = |site: &Site| {
        site.ssh("alice+db01")
            .run("cat plain")
            .patience(PATIENCE)
            .spawn()
    };
    let mut all = vec![run(&here)?, run(&there)?, run(&here)?, run(&there)?];
    let mut total = 0;
    for running in &mut all {
        total += received(&running.answer()?.refused(&["a budget is spent: 900 KiB"])?);
    }
    ensure!(total <= 900 * KIB, "{total} bytes came");
    ensure!(total > 450 * KIB, "{total} bytes came, which is too few");
    let marks = here.shared_audit("extraction")?;
    let of_intervention = |mark: &&Value| mark.to_string().contains("down/intervention/");
    ensure!(
        marks.iter().filter(of_intervention).count() == 2,
        "{marks:?}"
    );
    Ok(())
}

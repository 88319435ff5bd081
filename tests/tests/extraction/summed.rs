//! What left through an intervention, added up: the sums are what the clients received. X1, X3, invariant 9.

use std::process::Command;

use super::*;

/// What a detail of entries of a kind adds up to.
fn sum_of(entries: &[Value], of: impl Fn(&Value) -> Option<u64>) -> usize {
    let sum: u64 = entries.iter().filter_map(of).sum();
    usize::try_from(sum).unwrap_or(usize::MAX)
}

/// What the channels of an entry had from the target.
fn out(entry: &Value) -> Option<u64> {
    let channels = entry.pointer("/detail/channels")?.as_array()?;
    channels.iter().map(|one| one.get("out")?.as_u64()).sum()
}

/// What they sent to the target.
fn into(entry: &Value) -> Option<u64> {
    let channels = entry.pointer("/detail/channels")?.as_array()?;
    channels.iter().map(|one| one.get("in")?.as_u64()).sum()
}

/// The page of a bundle of intervention 1, as text.
fn page(site: &Site) -> Result<String> {
    let bundle = site.layout().root().join("bundle.tar");
    let output = bundle.display().to_string();
    site.gateway().run(
        [
            "export",
            "--intervention",
            "1",
            "--lang",
            "en",
            "--output",
            &output,
        ],
        "",
    )?;
    let page = Command::new("tar")
        .args(["-xOf", &output, "index.html"])
        .output()?;
    fs::remove_file(bundle)?;
    Ok(String::from_utf8(page.stdout)?)
}

/// What somebody reads of intervention 1, on one line.
fn told(site: &Site, who: &str) -> Result<String> {
    let told = site
        .lobby(who, &["interventions", "1"])
        .answer()?
        .success()?
        .text();
    Ok(words(&told))
}

/// X1: sessions side by side, several channels of one, both streams, one that goes on, a `kill -9` and a restart: what ended is
/// counted to the byte, by channel and command; of what was killed the record says how much at most, and that it does.
#[test]
fn x1_sums_of_an_intervention_are_what_the_clients_received() -> Result<()> {
    let mut site = Site::start()?;
    fill(&site)?;
    site.proven("alice", "db01")?;
    let run = |site: &Site, command: &str| {
        let ssh = site.ssh("alice+db01").run(command);
        ssh.patience(PATIENCE).spawn()
    };
    let commands = [
        "head -c 10240 plain",
        "head -c 20480 plain >&2",
        "head -c 40960 plain & head -c 5120 plain >&2; wait",
    ];
    let mut together = Vec::new();
    for command in commands {
        together.push(run(&site, command)?);
    }
    let mut exact = 0;
    for running in &mut together {
        exact += received(&running.answer()?.success()?);
    }
    for _ in 0..3 {
        let answer = over_one(&site).run("head -c 1024 plain").answer()?;
        exact += received(&answer.success()?);
    }
    over_one(&site).flag("-O").flag("exit").answer()?;
    ensure!(exact == 78 * KIB);
    wait::until_true("the ends on record", PATIENCE, || {
        // The first `true`, which proved the code, too.
        Ok(store::audit(&site, "session-end")?.len() == 5)
    })?;
    let ends = store::audit(&site, "session-end")?;
    ensure!(sum_of(&ends, out) == exact, "{ends:?}");
    for who in ["alice", "odile"] {
        let told = told(&site, who)?;
        ensure!(
            told.contains("78 KiB out (shells: 0 B, commands: 78 KiB)"),
            "{told}"
        );
        for command in commands {
            ensure!(told.contains(command), "{command} is not in {told}");
        }
    }

    // One that goes on, and one that is killed in the middle.
    let limits = "session = \"64 GiB\", intervention = \"63 GiB\", rate = \"256 KiB/s\"";
    budgets(&mut site, limits, "63 GiB")?;
    let mut open = run(&site, "head -c 51200 plain; exec cat")?;
    read(&mut open, 50 * KIB)?;
    let so_far = told(&site, "odile")?;
    ensure!(
        so_far.contains("128 KiB out")
            && so_far.contains("of that 50 KiB out and 0 B in so far, in a session that goes on"),
        "{so_far}"
    );
    let listed = site.auditor(&["recordings"])?.success()?.text();
    ensure!(listed.contains("50 KiB"), "{listed}");
    let mut killed = run(&site, "cat plain")?;
    read(&mut killed, 100 * KIB)?;
    site.kill()?;
    let least = 150 * KIB + received(&killed.answer()?) + received(&open.answer()?);
    site.open()?;
    let cut_short = |entry: &Value| entry.pointer("/detail/cut-short") == Some(&Value::Bool(true));
    let sealed = wait::until("the seals of what was killed", PATIENCE, || {
        let mut sealed = store::audit(&site, "recording-sealed")?;
        sealed.retain(cut_short);
        Ok((sealed.len() == 2).then_some(sealed))
    })?;
    let most = sum_of(&sealed, out);
    ensure!(
        (least..=least + 512 * KIB).contains(&most),
        "{least} bytes came, {most} are recorded"
    );

    // After a restart in order, what ended before and after it is exact still.
    let mut after = run(&site, "head -c 3072 plain")?;
    exact += received(&after.answer()?.success()?);
    site.close()?;
    site.open()?;
    wait::until_true("all seals", PATIENCE, || {
        Ok(store::audit(&site, "recording-sealed")?.len() == 8)
    })?;
    let all = exact + most;
    let told = told(&site, "odile")?;
    ensure!(
        told.contains("of that at most")
            && told.contains("2 sessions that ended with their gateway"),
        "{told}"
    );
    let page = page(&site)?;
    for words in [
        format!("{all} bytes out, "),
        "in 8 sessions, 0 of them without an end on record".to_owned(),
        format!("(what is recorded): {most} and "),
        "<td>10240</td><td>0</td><td>head -c 10240 plain</td>".to_owned(),
    ] {
        ensure!(page.contains(&words), "{words:?} is not in {page}");
    }
    let listed = site.auditor(&["recordings"])?.success()?.text();
    ensure!(listed.matches('≤').count() >= 2, "{listed}");
    Ok(())
}

/// X1: what goes the other way is counted as exactly: what clients sent is what arrived, and what the record and the page say.
#[test]
fn x1_sums_of_an_intervention_are_what_the_clients_sent() -> Result<()> {
    let mut site = Site::start()?;
    fill(&site)?;
    site.proven("alice", "db01")?;
    let home = site.layout().target_home();
    let (mut sent, mut came) = (0, 0);
    for (file, bytes, then) in [("one", 300_000, ""), ("two", 5_000, "; head -c 1024 plain")] {
        let ssh = site.ssh("alice+db01").run(format!("cat > {file}{then}"));
        let answer = ssh
            .patience(PATIENCE)
            .answer_to(vec![b'x'; bytes])?
            .success()?;
        came += received(&answer);
        ensure!(fs::metadata(home.join(file))?.len() == u64::try_from(bytes)?);
        sent += bytes;
    }
    let answer = over_one(&site)
        .run("head -c 2048 > three")
        .answer_to(vec![b'x'; 2048])?;
    came += received(&answer.success()?);
    sent += 2048;
    over_one(&site).flag("-O").flag("exit").answer()?;
    wait::until_true("the ends on record", PATIENCE, || {
        // The first session proved her code.
        Ok(store::audit(&site, "session-end")?.len() == 4)
    })?;
    let ends = store::audit(&site, "session-end")?;
    ensure!(sum_of(&ends, into) == sent, "{sent} were sent: {ends:?}");
    ensure!(sum_of(&ends, out) == came, "{came} came: {ends:?}");
    let told = told(&site, "odile")?;
    ensure!(told.contains("299.8 KiB in"), "{told}");
    site.close()?;
    site.open()?;
    let page = page(&site)?;
    for words in [
        format!("{came} bytes out, {sent} bytes in, in 4 sessions"),
        "<td>0</td><td>300000</td><td>cat &gt; one</td>".to_owned(),
        "<td>1024</td><td>5000</td><td>cat &gt; two; head -c 1024 plain</td>".to_owned(),
    ] {
        ensure!(page.contains(&words), "{words:?} is not in {page}");
    }
    Ok(())
}

//! The flow matrix that lives: printed with its reasons, its derogations and what was seen of each line, who reaches what, and a client's
//! own cases against the answer of the door. F7, M11, P14, P15.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Answer, Plan, Site, clock, store, wait};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);
const DAY: i64 = 86_400;
/// What somebody wrote who wishes whoever prints it ill.
const HOSTILE: &str = "=HYPERLINK('x') <script>alert(1)</script> & \\\" onload=x";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A matrix with lines that are used and lines that are not, a derogation that is over, and words that are hostile.
fn plan(plan: &mut Plan, folder: &Path) -> Result<()> {
    plan.documents.technician("bruno")?.groups = vec!["web".to_owned()];
    let flow = plan.documents.flow("dba")?;
    let (account, target) = (flow.accounts.clone(), flow.targets[0].clone());
    let until = clock::date_in(30)?;
    flow.allow = vec![
        "shell".to_owned(),
        format!("{{ line = \"command: true\", why = \"{HOSTILE}\" }}"),
        "command: uptime".to_owned(),
        format!(
            "{{ line = \"command: *\", owner = \"Odile\", until = \"{until}\", why = \"la reprise\" }}"
        ),
        "{ line = \"command: id\", owner = \"Odile\", until = \"2026-01-31\" }".to_owned(),
        "env: LANG LC_*".to_owned(),
    ];
    let folder = folder.display();
    plan.documents.client_tail = format!(
        "\n[[flow]]\nname = \"fichiers\"\nwhy = \"{HOSTILE}\"\ntechnicians = [\"maintech/alice\"]\ntargets = [\"{target}\"]\naccounts = [\"{}\"]\n\
         allow = [\"sftp-read: {folder}/**\", \"sftp-list: {folder}/**\", \"sftp-delete: {folder}/**\"]\nhours = \"always\"\n\
         authentication = [\"station\", \"key\", \"totp\"]\napproval = {{ by = 1, at-most = \"4h\" }}\n",
        account[0]
    );
    Ok(())
}

fn json(site: &Site) -> Result<Value> {
    let text = site
        .gateway()
        .run(["matrix", "--client", "hopital", "--format", "json"], "")?;
    serde_json::from_str(&text).with_context(|| text.clone())
}

/// The line of a flow that allows this.
fn line<'m>(matrix: &'m Value, flow: &str, allow: &str) -> Result<&'m Value> {
    let flows = matrix["flows"].as_array().context("no flows")?;
    let flow = flows
        .iter()
        .find(|one| one["name"] == flow)
        .context("no such flow")?;
    let lines = flow["lines"].as_array().context("no lines")?;
    let found = lines.iter().find(|one| one["allow"] == allow);
    found.with_context(|| format!("no line {allow} in {flow}"))
}

/// `sftp` as alice, with these commands.
fn sftp(site: &Site, folder: &Path, commands: &str) -> Result<()> {
    let batch = folder.join("batch");
    fs::write(&batch, commands)?;
    let ssh = site.ssh("alice+db01");
    let mut options = ssh.arguments();
    // Neither `ssh` itself nor where it goes.
    options.remove(0);
    options.pop();
    let mut command = Command::new("sftp");
    command
        .args(options)
        .arg("-b")
        .arg(batch)
        .arg("alice+db01@gw");
    command.envs(ssh.variables());
    ecluse_tests::client::run(&mut command, &[], PATIENCE)?.success()?;
    Ok(())
}

/// Whether an answer has all of these words on standard output, wherever its lines were broken.
fn shows(answer: Answer, words: &[&str]) -> Result<()> {
    let text = answer.success()?.text();
    let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        ensure!(flowing.contains(word), "{word} is not in {text}");
    }
    Ok(())
}

/// F7, M11, P14, P15: each line is printed with its reason, its derogation and what was seen of it; its client's operator and auditor read it
/// by ssh and nobody else does; whatever a document says is neither markup nor a formula; after 90 days what nobody uses is dead.
#[test]
fn f7_m11_p14_p15_the_matrix_shows_what_is_allowed_why_and_what_was_seen() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = fs::canonicalize(folder.path())?;
    fs::write(root.join("lu"), "lu")?;
    let mut site = Site::start_with(|it| {
        it.movable_clock = true;
        plan(it, &root)
    })?;
    site.proven("alice", "db01")?;
    let shown = root.display();
    sftp(
        &site,
        &root,
        &format!("get {shown}/lu /dev/null\nls {shown}\n"),
    )?;
    let used = |matrix: &Value| -> Result<bool> {
        let list = line(matrix, "fichiers", &format!("sftp-list: {shown}/**"))?;
        Ok(list["state"] == "used")
    };
    // A listing is counted when its session ends.
    let matrix = wait::until("what was seen of files", PATIENCE, || {
        let matrix = json(&site)?;
        Ok(used(&matrix)?.then_some(matrix))
    })?;
    let seen = line(&matrix, "dba", "command: true")?;
    ensure!(
        seen["state"] == "used" && seen["seen"]["uses"] == 1 && seen["seen"]["sessions"] == 1,
        "{seen}"
    );
    ensure!(
        seen["seen"]["granted"] == 1 && seen["seen"]["last"].is_string(),
        "{seen}"
    );
    for (flow, allow) in [
        ("dba", "command: uptime"),
        ("dba", "shell"),
        ("dba", "command: *"),
    ] {
        let unused = line(&matrix, flow, allow)?;
        ensure!(
            unused["state"] == "not-yet" && unused["seen"]["uses"] == 0,
            "{unused}"
        );
    }
    let read = line(&matrix, "fichiers", &format!("sftp-read: {shown}/**"))?;
    ensure!(
        read["state"] == "used" && read["seen"]["uses"] == 1 && read["towards"] == "to-technician",
        "{read}"
    );
    let delete = line(&matrix, "fichiers", &format!("sftp-delete: {shown}/**"))?;
    ensure!(
        delete["state"] == "not-yet" && delete["seen"]["granted"] == 1,
        "{delete}"
    );
    let text = fs::read(site.layout().config().join("clients/hopital.toml"))?;
    ensure!(
        matrix["document"]["sha256"] == ecluse_tests::payload::digest(&text),
        "{}",
        matrix["document"]
    );
    // P15: derogations with their owner and end, the past one marked.
    let derogations = matrix["derogations"].as_array().context("no derogations")?;
    let of = |what: &str| {
        derogations
            .iter()
            .find(|one| one["what"] == what)
            .context("no such derogation")
    };
    ensure!(
        of("command: *")?["answered"]["owner"] == "Odile" && of("command: *")?["in-force"] == true
    );
    let over = of("command: id")?;
    ensure!(
        over["in-force"] == false && over["answered"]["days-left"].is_null(),
        "{over}"
    );
    // P14: what says no reason is named, here and by `check`.
    let without = matrix["without-why"].to_string();
    ensure!(
        without.contains("flow dba") && !without.contains("flow fichiers"),
        "{without}"
    );
    let config = site.layout().config();
    let checked = site.gateway().run([Path::new("check"), &config], "")?;
    ensure!(checked.contains("nothing says why: flow dba"), "{checked}");

    // The page: nothing of a document is markup, nothing is fetched.
    let page = site.gateway().run(["matrix", "--format", "html"], "")?;
    ensure!(
        page.contains("lang=\"fr\"") && page.contains("Matrice des flux"),
        "{page}"
    );
    ensure!(
        !page.contains("<script") && page.contains("&lt;script&gt;alert(1)"),
        "{page}"
    );
    ensure!(
        !page.contains("http:") && !page.contains("https:") && !page.contains("src="),
        "{page}"
    );
    ensure!(page.contains("@media print") && page.contains("Content-Security-Policy"));
    ensure!(
        page.contains("ÉCHUE") && page.contains("non justifié"),
        "{page}"
    );
    let english = site
        .gateway()
        .run(["matrix", "--format", "html", "--lang", "en"], "")?;
    ensure!(
        english.contains("Flow matrix") && english.contains("not justified"),
        "{english}"
    );
    // The sheet: nothing of it is computed.
    let sheet = site.gateway().run(["matrix", "--format", "csv"], "")?;
    ensure!(sheet.contains("\"'=HYPERLINK"), "{sheet}");
    ensure!(!sheet.contains(",=") && !sheet.contains(",\"="), "{sheet}");
    let table = site.gateway().run(["matrix"], "")?;
    ensure!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );

    // By ssh: its operator and its auditor, not the technician, who has `flows`.
    let odile = site
        .operator(&["matrix", "--format", "json"])?
        .success()?
        .text();
    let odile: Value = serde_json::from_str(&odile)?;
    ensure!(odile["flows"] == matrix["flows"], "{odile}");
    shows(
        site.auditor(&["matrix"])?,
        &["FLOW dba", "DEROGATIONS", "command: *"],
    )?;
    site.lobby("alice", &["matrix"]).answer()?.status_is(1)?;
    site.operator(&["matrix", "--format", "pdf"])?
        .status_is(2)?
        .says(&["csv, html or json"])?;

    // F7: a change of it names a person, in the log and to the operator.
    site.apply(|documents| {
        documents.client_tail = documents.client_tail.replace(
            "why = \"=HYPERLINK",
            "why = \"demandé par la DSI =HYPERLINK",
        );
        Ok(())
    })?;
    let changes = store::audit_of(&site, Some("hopital"), "document-change")?;
    for change in &changes {
        let by = change["person"].as_str().unwrap_or_default();
        ensure!(by.contains("(uid "), "nobody changed {change}");
    }
    let last = changes.last().context("no change")?;
    ensure!(
        last["detail"]["object"] == "flow hopital/fichiers",
        "{last}"
    );
    ensure!(
        last["detail"]["lines"]
            .to_string()
            .contains("why: =HYPERLINK"),
        "{last}"
    );
    shows(
        site.operator(&["changes"])?,
        &["(uid ", "flow hopital/fichiers", "demandé par la DSI"],
    )?;

    // 91 days later nobody used anything, and every line has stood there for long.
    site.close()?;
    site.clock().advance(91 * DAY)?;
    let mut command = site.gateway().command(["matrix", "--format", "json"]);
    let later = command.envs(site.clock().environment()?).output()?;
    let matrix: Value = serde_json::from_slice(&later.stdout).with_context(|| said(&later))?;
    for (flow, allow) in [
        ("dba", "command: true"),
        ("dba", "shell"),
        ("fichiers", &*format!("sftp-list: {shown}/**")),
    ] {
        let dead = line(&matrix, flow, allow)?;
        ensure!(dead["state"] == "dead" && dead["since"].is_null(), "{dead}");
    }
    ensure!(
        matrix["derogations"]
            .to_string()
            .matches("\"in-force\":false")
            .count()
            == 2,
        "{}",
        matrix["derogations"]
    );
    Ok(())
}

/// M11: who reaches what, for the administrator of all clients and for an operator of their own alone.
#[test]
fn m11_reach_lists_everything_and_an_operators_own_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut site = Site::start_with(|it| plan(it, folder.path()))?;
    let hopital = fs::read_to_string(site.layout().config().join("clients/hopital.toml"))?;
    let target = hopital.split("\n[[target]]").nth(1).context("no target")?;
    let target = target
        .split("\n[[")
        .next()
        .context("no target")?
        .replace("\"db01\"", "\"mairie01\"");
    let account = target.rsplit_once("accounts = [").context("no accounts")?.1;
    let account = account.split('"').nth(1).context("no account")?;
    let town = format!(
        "[client]\nid = \"ville\"\nname = \"Ville\"\nlang = \"fr\"\nrecording-recipients = [\"gateway\"]\nextraction = {{ session = \"1 MiB\", intervention = \"1 MiB\" }}\n\
         \n[[target]]{target}\n[[flow]]\nname = \"mairie\"\ntechnicians = [\"maintech/bruno\"]\ntargets = [\"mairie01\"]\naccounts = [\"{account}\"]\nallow = [\"shell\"]\n\
         hours = \"always\"\nauthentication = [\"station\", \"key\", \"totp\"]\napproval = {{ by = 1, at-most = \"4h\" }}\n"
    );
    fs::write(site.layout().config().join("clients/ville.toml"), town)?;
    site.apply(|_| Ok(()))?;
    let all = site.gateway().run(["reach", "bruno"], "")?;
    ensure!(
        all.contains("mairie01") && all.contains("Stations"),
        "{all}"
    );
    let alice = site.gateway().run(["reach", "alice"], "")?;
    ensure!(
        alice.contains("fichiers") && alice.contains("command: *") && !alice.contains("mairie01"),
        "{alice}"
    );
    ensure!(
        alice.lines().all(|line| line.chars().count() <= 80),
        "{alice}"
    );
    let to = site.gateway().run(["reach", "--target", "db01"], "")?;
    ensure!(to.contains("alice (maintech) on db01"), "{to}");
    let nobody = site.gateway().try_run(["reach", "zoe"], "")?;
    ensure!(
        !nobody.status.success() && said(&nobody).contains("has this name"),
        "{}",
        said(&nobody)
    );
    shows(
        site.operator(&["reach", "alice"])?,
        &["alice (maintech) on db01", "fichiers"],
    )?;
    shows(
        site.auditor(&["reach", "--target", "db01"])?,
        &["alice (maintech)"],
    )?;
    // Of another client nobody learns even that it is there.
    let there = site
        .operator(&["reach", "--target", "mairie01"])?
        .status_is(1)?
        .text();
    let nowhere = site
        .operator(&["reach", "--target", "nulle-part"])?
        .status_is(1)?
        .text();
    ensure!(
        there.replace("mairie01", "X") == nowhere.replace("nulle-part", "X"),
        "{there}\n{nowhere}"
    );
    let matrix = site.operator(&["matrix"])?.success()?.text();
    ensure!(
        !matrix.contains("ville") && !matrix.contains("mairie"),
        "{matrix}"
    );
    site.lobby("alice", &["reach", "alice"])
        .answer()?
        .status_is(1)?;
    site.operator(&["reach"])?.status_is(2)?;
    // Each client's matrix by itself; a sheet of two is asked for by name.
    let both = site.gateway().try_run(["matrix", "--format", "csv"], "")?;
    ensure!(
        !both.status.success() && said(&both).contains("--client"),
        "{}",
        said(&both)
    );
    Ok(())
}

/// M11: a client's own cases are answered as the door answers, the sample's too; one that does not hold is told in the file's language, and why.
#[test]
fn m11_cases_are_answered_as_the_door_answers() -> Result<()> {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    let folder = tempfile::tempdir()?;
    let site = Site::start_with(|it| plan(it, folder.path()))?;
    let run = |file: &Path, documents: Option<&Path>| -> Result<Output> {
        let mut words = vec![Path::new("policy"), Path::new("test"), file];
        words.extend(
            documents
                .into_iter()
                .flat_map(|path| [Path::new("--documents"), path]),
        );
        site.gateway().try_run(words, "")
    };
    // `gateway.toml` of the sample is that of another machine; its documents are asked.
    let sample = config.join("cases/hopital.toml");
    let right = run(&sample, Some(&config))?;
    ensure!(
        right.status.success() && said(&right).contains("Les 8 cas tiennent"),
        "{}",
        said(&right)
    );

    let file = folder.path().join("cas.toml");
    let write = |person: &str, expect: &str, more: &str| {
        fs::write(
            &file,
            format!(
                "lang = \"fr\"\n[[case]]\nname = \"durée\"\nperson = \"{person}\"\ntarget = \"db01\"\nasks = \"command: uptime\"\nexpect = \"{expect}\"\n{more}"
            ),
        )
    };
    // What the cases say, the door does.
    write("alice", "allowed", "by = \"dba\"\n")?;
    ensure!(run(&file, None)?.status.success());
    site.proven("alice", "db01")?;
    site.ssh("alice+db01").run("uptime").answer()?.success()?;
    write("bruno", "allowed", "")?;
    let refused = run(&file, None)?;
    let text = said(&refused);
    ensure!(refused.status.code() == Some(1), "{text}");
    for words in [
        "cas.toml:2\u{a0}: «\u{a0}durée\u{a0}»\u{a0}: doit être permis, et est refusé",
        "bruno is not named",
        "1 cas sur 1 ne tient pas",
    ] {
        ensure!(text.contains(words), "{words} is not in {text}");
    }
    write("alice", "refused", "")?;
    ensure!(said(&run(&file, None)?).contains("et est permis par dba"));
    write("alice", "allowed", "station = \"ailleurs\"\n")?;
    ensure!(said(&run(&file, None)?).contains("ailleurs is in no document"));
    write("alice", "allowed", "heure = \"10:00\"\n")?;
    let wrong = run(&file, None)?;
    ensure!(
        said(&wrong).contains("heure") && said(&wrong).contains("is not a key here"),
        "{}",
        said(&wrong)
    );
    Ok(())
}

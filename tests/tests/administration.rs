//! What the administrator does, and what is said when it cannot be done. A4, C2, O8; issue 1 "Bad input".

use std::fs;
use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::process::{Care, Process};
use ecluse_tests::{Plan, Site, Terminal, keys};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn an_enrolment_shows_a_code_to_scan_and_is_confirmed_by_a_first_code() -> Result<()> {
    let site = Site::prepare(|plan| {
        plan.enrolled.retain(|person| person != "bruno");
        Ok(())
    })?;
    // In a terminal there is a picture to scan; a wrong first code confirms nothing.
    let mut command = vec![site.gateway().binary().as_os_str().to_owned()];
    command.extend([
        "--config".into(),
        site.layout().settings().into(),
        "enroll".into(),
        "bruno".into(),
    ]);
    let terminal = Terminal::open(site.layout(), &command, &[], 120, 60)?;
    let text = terminal.sees("otpauth://totp/")?;
    ensure!(
        text.contains('█') || text.contains('▀') || text.contains('▄'),
        "no code to scan in:\n{text}"
    );
    for _ in 0..3 {
        terminal.enters("000000")?;
    }
    terminal.sees("no right code in 3 tries; nothing was enrolled")?;
    ensure!(terminal.ends()? != 0, "a wrong first code was accepted");
    let bruno = || -> Result<String> {
        let accounts = site.gateway().run(["accounts", "--wide"], "")?;
        let line = accounts.lines().find(|line| line.contains("bruno"));
        Ok(line.context("bruno is in no account")?.to_owned())
    };
    ensure!(bruno()?.contains("not enrolled"), "{}", bruno()?);
    site.enroll("bruno")?;
    ensure!(bruno()?.contains("TOTP since"), "{}", bruno()?);
    Ok(())
}

#[test]
fn who_is_not_in_the_documents_is_not_enrolled() -> Result<()> {
    let site = Site::prepare(|_| Ok(()))?;
    let secret = keys::totp_secret(site.layout(), "nobody")?;
    let code = site.codes().fresh("nobody", &secret)?;
    let file = site.layout().secret("nobody");
    let output = site.gateway().try_run(
        [
            "enroll".as_ref(),
            "nobody".as_ref(),
            "--secret-file".as_ref(),
            file.as_os_str(),
        ],
        &format!("{code}\n"),
    )?;
    ensure!(
        !output.status.success()
            && said(&output).contains("nobody is not in the documents in force"),
        "{}",
        said(&output)
    );
    Ok(())
}

#[test]
fn bad_secrets_and_keys_are_refused_and_not_repeated() -> Result<()> {
    // Somebody who is enrolled would be refused for that, and the file not looked at.
    let site = Site::prepare(|plan| {
        plan.enrolled.retain(|person| person != "bruno");
        Ok(())
    })?;
    let bad = site.layout().root().join("bad");
    let account = ecluse_tests::target::account()?;
    // Without the first line, which tells the time.
    let accounts = || -> Result<String> {
        let said = site.gateway().run(["accounts"], "")?;
        Ok(said.lines().skip(1).collect::<Vec<_>>().join("\n"))
    };
    let before = accounts()?;
    for content in [
        &b"not base32 at all !!"[..],
        b"",
        b"AAAA",
        b"\xff\xfe\x00",
        &[b'A'; 1 << 20],
    ] {
        fs::write(&bad, content)?;
        for words in [
            vec!["enroll", "bruno", "--secret-file"],
            vec!["credential", "set", "db01", &account, "--key-file"],
        ] {
            let mut arguments: Vec<&std::ffi::OsStr> = words.iter().map(AsRef::as_ref).collect();
            arguments.push(bad.as_os_str());
            let output = site.gateway().try_run(arguments, "000000\n")?;
            ensure!(
                !output.status.success(),
                "{words:?} accepted {:?}",
                content.get(..20.min(content.len()))
            );
            let text = said(&output);
            ensure!(
                !text.contains("panicked") && text.len() < 5_000,
                "{words:?}: {text}"
            );
            // Refused for what is in the file, and that is not said again.
            let repeated = String::from_utf8_lossy(content);
            ensure!(
                text.contains(&bad.display().to_string())
                    && (repeated.is_empty() || !text.contains(repeated.as_ref())),
                "{words:?}: {text}"
            );
        }
    }
    let after = accounts()?;
    ensure!(after == before, "something was set:\n{after}");
    Ok(())
}

#[test]
fn a_credential_for_what_does_not_exist_is_refused() -> Result<()> {
    let site = Site::prepare(|_| Ok(()))?;
    let account = ecluse_tests::target::account()?;
    let key = site.layout().key(ecluse_tests::target::ACCOUNT_KEY);
    for (target, account, told) in [
        ("nowhere", account.as_str(), "no target nowhere".to_owned()),
        ("db01", "no-such-account", format!("accepted: {account}")),
    ] {
        let output = site.gateway().try_run(
            [
                "credential".as_ref(),
                "set".as_ref(),
                target.as_ref(),
                account.as_ref(),
                "--key-file".as_ref(),
                key.as_os_str(),
            ],
            "",
        )?;
        ensure!(
            !output.status.success() && said(&output).contains(&told),
            "{target} {account}: {}",
            said(&output)
        );
    }
    Ok(())
}

#[test]
fn a_second_gateway_on_the_same_data_is_refused() -> Result<()> {
    let site = Site::start()?;
    let output = serve_elsewhere(&site, |text| {
        text.replace(&format!(":{}", site.plan().ports.door), ":0")
    })?;
    ensure!(
        output.contains("another gateway")
            && output.contains(&site.layout().data().display().to_string()),
        "the error does not say what is shared:\n{output}"
    );
    site.ssh("alice")
        .shared("alice")
        .run("flows")
        .answer()?
        .success()?;
    // Where no other can share the store, it is listed as what it is, however long ago it began; nobody takes it out.
    let listed = site.gateway().run(["nodes"], "")?;
    ensure!(
        listed.lines().count() == 1 && listed.contains(", serving, 0 open sessions, this one"),
        "{listed}"
    );
    let (name, _) = listed.split_once(": ").context("no name")?;
    let own = site.gateway().try_run(["nodes", "remove", name], "")?;
    ensure!(
        said(&own).contains("data directory's own and serves"),
        "{}",
        said(&own)
    );
    let other = site.gateway().try_run(["nodes", "remove", "other"], "")?;
    ensure!(
        said(&other).contains("no gateway other shares this store"),
        "{}",
        said(&other)
    );
    Ok(())
}

#[test]
fn a_second_gateway_on_the_same_port_is_refused() -> Result<()> {
    let site = Site::start()?;
    let other = site.layout().root().join("other-data");
    let port = site.plan().ports.door.to_string();
    let output = serve_elsewhere(&site, |text| {
        text.replace(
            &site.layout().data().display().to_string(),
            &other.display().to_string(),
        )
    })?;
    ensure!(
        output.contains(&format!("cannot listen on 127.0.0.1:{port}")),
        "the error does not name the port:\n{output}"
    );
    site.ssh("alice")
        .shared("alice")
        .run("flows")
        .answer()?
        .success()?;
    Ok(())
}

/// Starts `serve` with changed settings; it must end by itself, and not well. Returns what it said.
fn serve_elsewhere(site: &Site, change: impl FnOnce(String) -> String) -> Result<String> {
    let directory = site.layout().root().join("second");
    fs::create_dir_all(&directory)?;
    let settings = directory.join("gateway.toml");
    fs::write(
        &settings,
        change(fs::read_to_string(site.layout().settings())?),
    )?;
    let mut command = std::process::Command::new(site.gateway().binary());
    command.arg("--config").arg(&settings).arg("serve");
    let mut second = Process::start("second", &mut command, &site.layout().logs(), Care::Test)?;
    let status = second.wait(Duration::from_secs(20))?;
    ensure!(!status.success(), "a second gateway served");
    Ok(second.errors() + &second.output())
}

#[test]
fn bad_settings_are_refused_with_file_line_and_key() -> Result<()> {
    let site = Site::prepare(|_| Ok(()))?;
    let good = fs::read_to_string(site.layout().settings())?;
    for (from, to, key) in [
        ("remember = \"10m\"", "remember = \"ten\"", "remember"),
        ("failures = 3", "failures = -1", "failures"),
        ("lang = \"en\"", "lang = \"xx\"", "lang"),
        ("[ssh]", "[ssh]\nlisten-on = \"x\"", "listen-on"),
        ("store = \"sqlite\"", "store = \"oracle\"", "store"),
    ] {
        ensure!(good.contains(from), "the settings have no {from:?}");
        fs::write(site.layout().settings(), good.replacen(from, to, 1))?;
        let output = site.gateway().try_run(["serve"], "")?;
        ensure!(!output.status.success(), "{to:?} was accepted");
        let text = said(&output);
        ensure!(
            place(&text).is_some_and(|line| line >= 1) && text.contains(key),
            "{to:?}: no file, line and key in: {text}"
        );
    }
    Ok(())
}

/// The line that `gateway.toml:LINE: ` names.
fn place(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("gateway.toml:")?;
    rest.split(':').next()?.parse().ok()
}

#[test]
fn data_of_a_newer_version_is_left_alone() -> Result<()> {
    let mut site = Site::start()?;
    site.close()?;
    let database = ecluse_tests::recording::files(&site.layout().data(), &|path| {
        path.extension().is_some_and(|end| end == "db")
    })?;
    let database = database
        .first()
        .context("no database in the data directory")?;
    let changed = std::process::Command::new("python3")
        .args(["-c", "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); t = [r[0] for r in c.execute(\"select name from sqlite_master where type='table' and name like '%migrations%'\")][0]; cols = [r[1] for r in c.execute(f'pragma table_info({t})')]; row = list(c.execute(f'select * from {t} order by 1 desc limit 1').fetchone()); row[0] = 9999; c.execute(f'insert into {t} values (' + ','.join('?' * len(cols)) + ')', row); c.commit()"])
        .arg(database)
        .output()?;
    ensure!(
        changed.status.success(),
        "{}",
        String::from_utf8_lossy(&changed.stderr)
    );
    let output = site.gateway().try_run(["serve"], "")?;
    ensure!(
        !output.status.success(),
        "data of a newer version was opened"
    );
    ensure!(said(&output).contains("newer"), "{}", said(&output));
    Ok(())
}

#[test]
fn a_gateway_stops_in_order_and_starts_again_on_the_same_state() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    let key = site.host_key()?;
    site.close()?;
    site.open()?;
    ensure!(site.host_key()? == key, "the host key changed");
    // The approval and the enrolment are kept.
    site.ssh("alice+db01").run("true").answer()?.success()?;
    ensure!(
        site.auditor(&["recordings"])?
            .success()?
            .text()
            .contains("alice"),
        "the recording was forgotten"
    );
    Ok(())
}

/// A used code stays used over a restart.
#[test]
fn a_restart_forgets_no_code() -> Result<()> {
    let mut site = Site::start_with(|plan| {
        plan.documents.settings.remember = "0s".to_owned();
        Ok(())
    })?;
    let code = site.fresh_code("alice")?;
    site.ssh("alice")
        .code(&code)
        .run("flows")
        .answer()?
        .success()?;
    site.kill()?;
    site.open()?;
    site.ssh("alice")
        .code(&code)
        .run("flows")
        .answer()?
        .denied()?;
    Ok(())
}

/// A clock that jumps, forwards or back, gives nobody more than was granted.
#[test]
fn a_clock_that_jumps_extends_nothing() -> Result<()> {
    let site = Site::start_with(Plan::move_clock)?;
    site.approved_for("alice", "db01", "30m")?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    site.clock().advance(31 * 60)?;
    let over = site.ssh("alice+db01").run("true").answer()?;
    over.refused(&["no approved intervention is open", "request db01"])?;
    site.clock().advance(-31 * 60)?;
    let back = site.ssh("alice+db01").run("true").answer()?;
    back.refused(&["no approved intervention is open", "request db01"])?;
    Ok(())
}

#[test]
fn the_authority_is_the_same_each_time() -> Result<()> {
    let site = Site::prepare(|_| Ok(()))?;
    let first = site.gateway().run(["credential", "authority"], "")?;
    ensure!(
        first.starts_with("ssh-ed25519 ") || first.starts_with("ecdsa-"),
        "{first}"
    );
    ensure!(
        site.gateway().run(["credential", "authority"], "")? == first,
        "the authority changed"
    );
    Ok(())
}

/// C2: a command that lacks the store's key, as one without the service's credential, makes no other and is told what it
/// lacks; another key is refused before anything is sealed with it.
#[test]
fn a_store_is_opened_with_its_own_key_or_not_at_all() -> Result<()> {
    let mut site = Site::start()?;
    site.close()?;
    let key = site.layout().data().join("keys/store.key");
    let right = fs::read(&key)?;
    let refused = |words: &[&str]| -> Result<()> {
        let told = site.gateway().try_run(["accounts"], "")?;
        let text = String::from_utf8_lossy(&told.stderr).into_owned();
        ensure!(told.status.code() == Some(1), "{told:?}");
        for word in words {
            ensure!(text.contains(word), "{word:?} is not said in {text}");
        }
        Ok(())
    };
    fs::remove_file(&key)?;
    refused(&["keys/store.key", "systemd-run", "ecluse-store-key"])?;
    ensure!(!key.exists(), "another key was made");
    write_private(&key, &[7; 32])?;
    refused(&["keys/store.key: it is not the key of this store"])?;
    ensure!(fs::read(&key)? == [7; 32], "the file was touched");

    // The service's credential takes the file's place.
    let credentials = site.layout().root().join("credentials");
    fs::create_dir(&credentials)?;
    write_private(&credentials.join("ecluse-store-key"), &right)?;
    let served = site
        .gateway()
        .command(["accounts"])
        .env("CREDENTIALS_DIRECTORY", &credentials)
        .output()?;
    ensure!(served.status.success(), "{served:?}");
    write_private(&key, &right)?;
    site.gateway().run(["accounts"], "")?;
    Ok(())
}

fn write_private(path: &std::path::Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    Ok(file.write_all(bytes)?)
}

//! The demo, as a newcomer and as anyone's script: issue 1, "What people can do", 1 and 6.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::client;
use ecluse_tests::gateway::beside;
use ecluse_tests::process::{Care, Process};
use tempfile::TempDir;

struct Demo {
    process: Process,
    variables: BTreeMap<String, String>,
}

impl Demo {
    fn start(state: &Path, logs: &Path, base: u16) -> Result<Self> {
        let mut command = Command::new(beside("demo")?);
        command
            .arg("--state")
            .arg(state)
            .args(["--port-base", &base.to_string()]);
        let mut process = Process::start(&format!("demo-{base}"), &mut command, logs, Care::Test)?;
        process.wait_for_line("ready", Duration::from_secs(60))?;
        let variables = variables(&state.join("demo.env"))?;
        Ok(Self { process, variables })
    }

    fn variable(&self, name: &str) -> Result<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .with_context(|| format!("demo.env has no {name}"))
    }

    /// A plain `ssh` of anyone's script, made of the variables alone.
    fn ssh(
        &self,
        directory: &Path,
        user: &str,
        keys: &[&str],
        command: &str,
    ) -> Result<client::Answer> {
        let known = directory.join("known");
        fs::write(
            &known,
            format!(
                "[{}]:{} {}\n",
                self.variable("GATEWAY_HOST")?,
                self.variable("SSH_PORT")?,
                self.variable("GATEWAY_HOST_KEY")?
            ),
        )?;
        let mut ssh = Command::new("ssh");
        ssh.args([
            "-F",
            "/dev/null",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "IdentityAgent=none",
            "-o",
            "StrictHostKeyChecking=yes",
            "-o",
        ])
        .arg(format!("UserKnownHostsFile={}", known.display()))
        .args(["-p", self.variable("SSH_PORT")?, "-l", user]);
        for key in keys {
            ssh.args(["-i", self.variable(key)?]);
        }
        let state = Path::new(self.variable("DATA_DIR")?)
            .parent()
            .context("no state")?
            .to_owned();
        ssh.arg(self.variable("GATEWAY_HOST")?)
            .arg(command)
            .env("SSH_ASKPASS", state.join("askpass"))
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("ECLUSE_PERSON", user.split('+').next().unwrap_or_default());
        client::run(&mut ssh, &[], Duration::from_secs(60))
    }
}

/// Reads `demo.env` as a shell does.
fn variables(file: &Path) -> Result<BTreeMap<String, String>> {
    let output = Command::new("env")
        .args(["-i", "sh", "-c", "set -a; . \"$1\"; env -0", "sh"])
        .arg(file)
        .output()?;
    ensure!(
        output.status.success(),
        "a shell cannot read {}",
        file.display()
    );
    let text = String::from_utf8(output.stdout)?;
    Ok(text
        .split('\0')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

fn directory() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("ecluse-").tempdir()?)
}

/// Three ports in a row that are free.
fn base() -> Result<u16> {
    for _ in 0..100 {
        let base = ecluse_tests::ports::Ports::free()?.door;
        if ecluse_tests::ports::Ports::from_base(base).is_ok() {
            return Ok(base);
        }
    }
    anyhow::bail!("no three free ports in a row")
}

#[test]
fn the_demo_keeps_its_contract_with_scripts() -> Result<()> {
    let directory = directory()?;
    let state = directory.path().join("state");
    let mut demo = Demo::start(&state, directory.path(), base()?)?;
    ensure!(
        fs::metadata(state.join("demo.env"))?.permissions().mode() & 0o777 == 0o600,
        "demo.env is open to others"
    );
    for name in [
        "ECLUSE",
        "GATEWAY_PID",
        "GATEWAY_HOST",
        "SSH_PORT",
        "CONSOLE_URL",
        "TLS_PORT",
        "DATA_DIR",
        "TECHNICIAN",
        "TARGET",
        "ACCOUNT",
        "STATION_KEY",
        "PERSON_KEY",
        "TOTP_SECRET",
        "TECHNICIAN2",
        "STATION_KEY2",
        "PERSON_KEY2",
        "TOTP_SECRET2",
        "OPERATOR",
        "OPERATOR_KEY",
        "OPERATOR_TOTP_SECRET",
        "AUDITOR",
        "AUDITOR_KEY",
        "AUDITOR_TOTP_SECRET",
        "GATEWAY_HOST_KEY",
        "TARGET_ROOT",
    ] {
        let value = demo.variable(name)?;
        ensure!(
            !value.is_empty() || matches!(name, "CONSOLE_URL" | "TLS_PORT"),
            "{name} is empty"
        );
    }
    for name in [
        "ECLUSE",
        "STATION_KEY",
        "PERSON_KEY",
        "STATION_KEY2",
        "PERSON_KEY2",
        "OPERATOR_KEY",
        "AUDITOR_KEY",
        "DATA_DIR",
        "TARGET_ROOT",
    ] {
        ensure!(
            Path::new(demo.variable(name)?).exists(),
            "{name} names nothing that exists"
        );
    }
    // The way of an intervention, with nothing but those variables.
    let here = directory.path();
    let target = format!(
        "{}+{}",
        demo.variable("TECHNICIAN")?,
        demo.variable("TARGET")?
    );
    let keys = ["STATION_KEY", "PERSON_KEY"];
    let refused = demo.ssh(here, &target, &keys, "true")?;
    ensure!(refused.status == Some(254), "{refused:?}");
    let asked = demo.ssh(
        here,
        demo.variable("TECHNICIAN")?,
        &keys,
        &format!(
            "request {} --for 1h --reason check",
            demo.variable("TARGET")?
        ),
    )?;
    let number = ecluse_tests::lobby::number(&asked.success()?.text()).context("no number")?;
    demo.ssh(
        here,
        demo.variable("OPERATOR")?,
        &["OPERATOR_KEY"],
        &format!("approve {number}"),
    )?
    .success()?;
    fs::write(
        Path::new(demo.variable("TARGET_ROOT")?).join("file"),
        "in the target's root",
    )?;
    let answer = demo.ssh(here, &target, &keys, "cat file")?.success()?;
    ensure!(answer.text() == "in the target's root", "{answer:?}");
    demo.ssh(
        here,
        demo.variable("AUDITOR")?,
        &["AUDITOR_KEY"],
        "recordings",
    )?
    .success()?;

    let gateway: u32 = demo.variable("GATEWAY_PID")?.parse()?;
    let children = ecluse_tests::process::descendants(demo.process.id());
    ensure!(
        children.contains(&gateway),
        "GATEWAY_PID is not the gateway's"
    );
    let status = demo.process.stop()?;
    ensure!(status.success(), "the demo ended with {status}");
    for id in children {
        ensure!(
            !Path::new(&format!("/proc/{id}")).exists(),
            "process {id} outlived the demo"
        );
    }
    Ok(())
}

#[test]
fn the_demo_starts_again_on_the_same_state() -> Result<()> {
    let directory = directory()?;
    let state = directory.path().join("state");
    let mut first = Demo::start(&state, directory.path(), base()?)?;
    let before = first.variables.clone();
    ensure!(first.process.stop()?.success());
    let second = Demo::start(&state, directory.path(), base()?)?;
    for name in [
        "GATEWAY_HOST_KEY",
        "TOTP_SECRET",
        "OPERATOR_TOTP_SECRET",
        "STATION_KEY",
        "DATA_DIR",
    ] {
        ensure!(
            before.get(name) == second.variables.get(name),
            "{name} changed"
        );
    }
    second
        .ssh(
            directory.path(),
            second.variable("TECHNICIAN")?,
            &["STATION_KEY", "PERSON_KEY"],
            "flows",
        )?
        .success()?;
    Ok(())
}

/// What somebody tries in the documents of the demo is theirs: another start, on other ports, keeps it.
#[test]
fn the_demo_keeps_what_was_changed_in_its_documents() -> Result<()> {
    let directory = directory()?;
    let state = directory.path().join("state");
    let mut first = Demo::start(&state, directory.path(), base()?)?;
    ensure!(first.process.stop()?.success());
    let client = state.join("config/clients/hopital.toml");
    let mine = fs::read_to_string(&client)?.replace("at-most = \"4h\"", "at-most = \"37m\"");
    fs::write(&client, format!("# tried on Sunday\n{mine}"))?;
    fs::remove_file(state.join("config/providers/maintech.toml"))?;
    let second = Demo::start(&state, directory.path(), base()?)?;
    ensure!(fs::read_to_string(&client)?.starts_with("# tried on Sunday\n"));
    let here = directory.path();
    let (technician, target) = (second.variable("TECHNICIAN")?, second.variable("TARGET")?);
    let keys = ["STATION_KEY", "PERSON_KEY"];
    let flows = second.ssh(here, technician, &keys, "flows")?.success()?;
    ensure!(flows.text().contains("37m"), "{flows:?}");
    // The target is reached where it listens now.
    let ask = format!("request {target} --for 30m --reason check");
    let asked = second.ssh(here, technician, &keys, &ask)?.success()?;
    let number = ecluse_tests::lobby::number(&asked.text()).context("no number")?;
    let operator = second.variable("OPERATOR")?;
    second
        .ssh(
            here,
            operator,
            &["OPERATOR_KEY"],
            &format!("approve {number}"),
        )?
        .success()?;
    second
        .ssh(here, &format!("{technician}+{target}"), &keys, "true")?
        .success()?;
    Ok(())
}

/// Ctrl-C ends it in order, also while somebody stands at the code prompt.
#[test]
fn the_demo_stops_while_somebody_is_asked_for_a_code() -> Result<()> {
    let directory = directory()?;
    let state = directory.path().join("state");
    let mut demo = Demo::start(&state, directory.path(), base()?)?;
    let layout = ecluse_tests::layout::Layout::open(&state)?;
    let ssh = ecluse_tests::Ssh::new(&layout, "odile@gw");
    let never = [("SSH_ASKPASS_REQUIRE".into(), "never".into())];
    let asked = ecluse_tests::Terminal::open(&layout, &ssh.arguments(), &never, 80, 24)?;
    asked.sees("Code")?;
    demo.process.signal(rustix::process::Signal::INT)?;
    let status = demo.process.wait(Duration::from_secs(60))?;
    ensure!(status.success(), "the demo ended with {status}");
    ensure!(
        !demo.process.errors().contains("Error"),
        "{}",
        demo.process.errors()
    );
    let log = fs::read_to_string(state.join("logs/gateway.err"))?;
    ensure!(!log.contains("did not end in time"), "{log}");
    Ok(())
}

#[test]
fn two_demos_run_side_by_side() -> Result<()> {
    let directory = directory()?;
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    let first = Demo::start(&one, directory.path(), base()?)?;
    let second = Demo::start(&two, directory.path(), base()?)?;
    for demo in [&first, &second] {
        demo.ssh(
            directory.path(),
            demo.variable("TECHNICIAN")?,
            &["STATION_KEY", "PERSON_KEY"],
            "flows",
        )?
        .success()?;
    }
    Ok(())
}

#[test]
fn a_port_in_use_is_named() -> Result<()> {
    let directory = directory()?;
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let port = taken.local_addr()?.port();
    let output = Command::new(beside("demo")?)
        .arg("--state")
        .arg(directory.path().join("state"))
        .args(["--port-base", &port.to_string()])
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        !output.status.success()
            && text.contains(&port.to_string())
            && text.contains("--port-base"),
        "{text}"
    );
    Ok(())
}

#[test]
fn a_second_demo_on_one_state_is_refused() -> Result<()> {
    let directory = directory()?;
    let state = directory.path().join("state");
    let _first = Demo::start(&state, directory.path(), base()?)?;
    let output = Command::new(beside("demo")?)
        .arg("--state")
        .arg(&state)
        .args(["--port-base", &base()?.to_string()])
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        !output.status.success() && text.contains("already"),
        "{text}"
    );
    Ok(())
}

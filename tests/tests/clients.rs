//! Other people's clients. A11: means of authentication interoperate with ordinary clients. PEERS conformance 17.

mod orders;

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use ecluse_tests::{Site, Terminal, client, keys, peers, store, wait};

const PATIENCE: Duration = Duration::from_secs(120);

/// A site where alice may work on db01, and has just proved her code: what follows is not asked for one.
fn open_site() -> Result<Site> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    Ok(site)
}

/// Whether a program is installed; the test says what to do where it is not.
fn installed(program: &str, package: &str) -> Result<()> {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output()?;
    ensure!(
        found.status.success(),
        "{program} is missing: run tests/run as root, or install the package {package}"
    );
    Ok(())
}

#[test]
fn paramiko_logs_in_and_works() -> Result<()> {
    let site = open_site()?;
    peers::run(&site, "paramiko_client", &["alice+db01"])?.success()?;
    Ok(())
}

#[test]
fn asyncssh_logs_in_and_works() -> Result<()> {
    let site = open_site()?;
    peers::run(&site, "asyncssh_client", &["alice+db01"])?.success()?;
    Ok(())
}

/// Signals of the client reach the command. An sshd that runs as root for root itself passes none on, the built-in target does.
#[test]
fn a_signal_of_asyncssh_reaches_the_command() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.target = Some(ecluse_tests::target::Kind::BuiltIn);
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    // The first command is told that it is recorded; what follows is exact on every stream.
    site.ssh("alice+db01").run("true").answer()?.success()?;
    peers::run(&site, "asyncssh_client", &["alice+db01", "signals"])?.success()?;
    Ok(())
}

/// PuTTY keeps several keys in an agent: it offers them in turn, as any of its users with two keys does.
#[test]
fn plink_logs_in_and_works() -> Result<()> {
    installed("plink", "putty-tools")?;
    let site = open_site()?;
    let layout = site.layout();
    let fingerprint = {
        let path = layout.root().join("gateway.pub");
        fs::write(&path, site.host_key()?)?;
        keys::fingerprint(&path)?
    };
    let home = layout.root().join("putty");
    fs::create_dir_all(&home)?;
    let script = format!(
        "set -e; ssh-add -q '{}' '{}'; export HOME='{}'; plink -ssh -agent -batch -P {} -l alice+db01 -hostkey {} 127.0.0.1 \"$1\"",
        layout.key("ws-1").display(),
        layout.key("alice").display(),
        home.display(),
        site.plan().ports.door,
        fingerprint
    );
    let run = |command: &str, input: &[u8]| {
        client::run(
            Command::new("ssh-agent").args(["sh", "-c", &script, "sh", command]),
            input,
            PATIENCE,
        )
    };
    let answer = run("cat; echo problem >&2; exit 3", b"from putty\n")?.status_is(3)?;
    ensure!(
        answer.text() == "from putty\n" && answer.errors.contains("problem\n"),
        "{answer:?}"
    );
    let bytes =
        ecluse_tests::payload::Payload::new(ecluse_tests::payload::Kind::Noise, 4 << 20, 7).bytes();
    let answer = run("cat", &bytes)?.success()?;
    ensure!(
        answer.output == bytes,
        "plink got other bytes: {} of {}",
        answer.output.len(),
        bytes.len()
    );
    Ok(())
}

#[test]
fn plink_is_asked_for_the_code_in_its_terminal() -> Result<()> {
    installed("plink", "putty-tools")?;
    let site = Site::start_with(|plan| {
        plan.documents.settings.remember = "0s".to_owned();
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    let layout = site.layout();
    let path = layout.root().join("gateway.pub");
    fs::write(&path, site.host_key()?)?;
    let script = format!(
        "ssh-add -q '{}' '{}'; exec plink -ssh -agent -P {} -l alice+db01 -hostkey {} 127.0.0.1",
        layout.key("ws-1").display(),
        layout.key("alice").display(),
        site.plan().ports.door,
        keys::fingerprint(&path)?
    );
    let home = (
        std::ffi::OsString::from("HOME"),
        layout.root().as_os_str().to_owned(),
    );
    let command = ["ssh-agent", "sh", "-c", &script].map(std::ffi::OsString::from);
    let terminal = Terminal::open(layout, &command, &[home], 80, 24)?;
    terminal.sees_that("a question for the code", |screen| {
        screen.trim_end().ends_with(':') && screen.contains("ode")
    })?;
    terminal.enters(&site.fresh_code("alice")?)?;
    // PuTTY asks, so that no server can play its login.
    terminal.sees("Press Return to begin session")?;
    terminal.presses("Enter")?;
    terminal.sees_prompt()?;
    terminal.enters("stty size; exit 2")?;
    terminal.sees("24 80")?;
    ensure!(terminal.ends()? == 2);
    Ok(())
}

/// Rclone comes for files, which no line gives: it is told so within the protocol, and does not try again.
#[test]
fn rclone_is_told_that_no_line_gives_files() -> Result<()> {
    installed("rclone", "rclone")?;
    let site = open_site()?;
    let layout = site.layout();
    let script = format!(
        "ssh-add -q '{}' '{}'; exec rclone --config /dev/null -v --retries 1 --low-level-retries 1 lsf \
         ':sftp,host=127.0.0.1,port={},user=alice+db01,key_use_agent=true,known_hosts_file=\"{}\",shell_type=none:/'",
        layout.key("ws-1").display(),
        layout.key("alice").display(),
        site.plan().ports.door,
        layout.known_hosts().display(),
    );
    let answer = client::run(
        Command::new("ssh-agent")
            .args(["sh", "-c", &script])
            .env("HOME", layout.root()),
        b"",
        PATIENCE,
    )?;
    ensure!(answer.status != Some(0), "{answer:?}");
    ensure!(
        answer.errors.to_lowercase().contains("permission denied"),
        "{}",
        answer.errors
    );
    let asked = || -> Result<usize> {
        let refused = store::audit(&site, "flow-refused")?;
        let asked = refused.iter().filter(|record| {
            record
                .pointer("/detail/flow")
                .is_some_and(|flow| flow == "the subsystem sftp")
        });
        Ok(asked.count())
    };
    wait::until_true("the refusal on record", PATIENCE, || Ok(asked()? > 0))?;
    ensure!(asked()? == 1, "it tried again: {}", answer.errors);
    Ok(())
}

#[test]
fn dbclient_logs_in_and_works() -> Result<()> {
    installed("dbclient", "dropbear-bin")?;
    let site = open_site()?;
    let run = |command: &str, input: &[u8]| {
        let mut dbclient = ecluse_tests::dropbear::client(&site, "alice")?;
        dbclient.args(["-l", "alice+db01", "127.0.0.1", command]);
        client::run(&mut dbclient, input, PATIENCE)
    };
    let answer = run("cat; echo problem >&2; exit 3", b"from dropbear\n")?.status_is(3)?;
    ensure!(
        answer.text() == "from dropbear\n" && answer.errors.contains("problem\n"),
        "{answer:?}"
    );
    let bytes =
        ecluse_tests::payload::Payload::new(ecluse_tests::payload::Kind::Noise, 4 << 20, 8).bytes();
    let answer = run("cat", &bytes)?.success()?;
    ensure!(
        answer.output == bytes,
        "dbclient got other bytes: {} of {}",
        answer.output.len(),
        bytes.len()
    );
    Ok(())
}

struct Ansible {
    site: Site,
}

impl Ansible {
    fn run(&self, module: &[&str]) -> Result<client::Answer> {
        let layout = self.site.layout();
        let inventory = layout.root().join("inventory");
        fs::write(
            &inventory,
            "db01 ansible_host=gw ansible_ssh_transfer_method=piped ansible_python_interpreter=/usr/bin/python3 ansible_remote_tmp=/tmp/.ansible-ecluse\n",
        )?;
        let mut ansible = Command::new(peers::program("ansible")?);
        ansible
            .arg("-i")
            .arg(&inventory)
            .args([
                "db01",
                "--ssh-common-args",
                // Not `-l`, which to `sftp` and `scp` is a pace.
                &format!("-F {} -o User=alice+db01", layout.ssh_config().display()),
            ])
            .args(module)
            .env("HOME", layout.root())
            .env("ANSIBLE_SSH_CONTROL_PATH_DIR", layout.control())
            .env("ANSIBLE_LOCAL_TEMP", layout.root().join("ansible"))
            .env("ANSIBLE_NOCOLOR", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("SSH_ASKPASS", layout.askpass())
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("ECLUSE_PERSON", "alice");
        client::run(&mut ansible, &[], PATIENCE)
    }
}

#[test]
fn ansible_pings() -> Result<()> {
    let ansible = Ansible { site: open_site()? };
    let answer = ansible.run(&["-m", "ping"])?.success()?;
    ensure!(answer.text().contains("pong"), "{}", answer.text());
    Ok(())
}

/// With its defaults Ansible asks for a terminal (`ssh -tt`) and sends lines for a shell: under templates both are
/// refused in words, and the words say how the agreed command runs. F2.
#[test]
fn ansible_under_templates_is_refused_in_words() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.documents.flow("dba")?.allow = vec![
            "command: true".to_owned(),
            "command: echo dump {name}".to_owned(),
        ];
        Ok(())
    })?;
    site.proven("alice", "db01")?;
    let ansible = Ansible { site };
    let said = |answer: &client::Answer| answer.text() + &answer.errors;
    let answer = ansible.run(&["-m", "raw", "-a", "echo dump beds"])?;
    ensure!(
        answer.status != Some(0)
            && said(&answer).contains("command: echo dump {name}")
            && said(&answer).contains("ssh -T"),
        "{answer:?}"
    );
    // As the words say: without a terminal.
    let answer = ansible
        .run(&[
            "-m",
            "raw",
            "-a",
            "echo dump beds",
            "-e",
            "ansible_ssh_use_tty=false",
        ])?
        .success()?;
    ensure!(answer.text().contains("dump beds"), "{answer:?}");
    let answer = ansible.run(&["-m", "ping", "-vvv"])?;
    ensure!(
        answer.status != Some(0)
            && said(&answer).contains("is not part of this intervention")
            && said(&answer).contains("has a meaning to a shell"),
        "{answer:?}"
    );
    Ok(())
}

#[test]
fn ansible_copies_a_file_over_commands() -> Result<()> {
    let ansible = Ansible { site: open_site()? };
    let (from, to) = (
        ansible.site.layout().root().join("from"),
        ansible.site.layout().target_home().join("copied"),
    );
    let bytes =
        ecluse_tests::payload::Payload::new(ecluse_tests::payload::Kind::Noise, 100_000, 9).bytes();
    fs::write(&from, &bytes)?;
    ansible
        .run(&[
            "-m",
            "copy",
            "-a",
            &format!("src={} dest={}", from.display(), to.display()),
        ])?
        .success()?;
    ensure!(fs::read(&to)? == bytes, "the copy differs");
    Ok(())
}

/// R1: Ansible copies and fetches a file by each of its transfer methods, with and without pipelining, over one kept connection, by the
/// lines that the README names: its modules are lines for a shell (`command: *`), its files go by lines of files. Without these it says
/// what is missing.
#[test]
fn r1_ansible_moves_files_by_each_of_its_methods() -> Result<()> {
    let site = Site::start_with(|plan| {
        let home = plan.layout.target_home().display().to_string();
        let lines = [
            "sftp-write: /tmp/.ansible-ecluse/**".to_owned(),
            format!("sftp-read: {home}/**"),
        ];
        plan.documents.flow("dba")?.allow.extend(lines);
        Ok(())
    })?;
    site.proven("alice", "db01")?;
    let ansible = Ansible { site };
    let (root, home) = (
        ansible.site.layout().root().to_path_buf(),
        ansible.site.layout().target_home(),
    );
    for (method, more) in [
        ("sftp", ""),
        ("scp", ""),
        ("scp", "ansible_scp_extra_args=-O"),
        ("piped", ""),
        ("sftp", "ansible_pipelining=true"),
    ] {
        let bytes = format!("by {method} {more}");
        let (from, to, back) = (root.join("sent"), home.join("copied"), root.join("back"));
        fs::write(&from, &bytes)?;
        let by = format!("ansible_ssh_transfer_method={method} {more}");
        let copy = format!("src={} dest={}", from.display(), to.display());
        ansible
            .run(&["-m", "copy", "-a", &copy, "-e", &by])?
            .success()?;
        ensure!(fs::read_to_string(&to)? == bytes, "{by}");
        let fetch = format!("src={} dest={} flat=true", to.display(), back.display());
        ansible
            .run(&["-m", "fetch", "-a", &fetch, "-e", &by])?
            .success()?;
        ensure!(fs::read_to_string(&back)? == bytes, "{by}");
    }
    Ok(())
}

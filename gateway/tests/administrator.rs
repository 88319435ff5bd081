//! The administrator's commands, run as the program they are.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "tests; the program under test reads its own clock"
)]

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::ssh_key::{LineEnding, PrivateKey};
use tempfile::TempDir;

const SECRET: &[u8] = b"12345678901234567890";
const SECRET_BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// A directory with settings and documents.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        let site = Self(tempfile::tempdir().unwrap());
        site.write("gateway.toml", "data-dir = \"state\"\n");
        let provider = format!(
            "[provider]\nid = \"maintech\"\nname = \"Maintech\"\nlang = \"en\"\n\
             [[technician]]\nid = \"alice\"\nname = \"Alice\"\ngroups = [\"dba\"]\nstations = [\"*\"]\nkeys = [\"{}\"]\n",
            public(1)
        );
        site.write("providers/maintech.toml", &provider);
        site.write_client("10.1.2.3:22");
        site
    }

    fn write_client(&self, address: &str) {
        let client = format!(
            "[client]\nid = \"hopital\"\nname = \"Hôpital\"\nlang = \"fr\"\n\
             [[target]]\nid = \"db01\"\naddress = \"{address}\"\nprotocol = \"ssh\"\nhost-keys = [\"{}\"]\naccounts = [\"postgres\"]\n\
             [[flow]]\nname = \"dba\"\ntechnicians = [\"maintech:dba\"]\ntargets = [\"db01\"]\naccounts = [\"postgres\"]\n\
             allow = [\"shell\"]\nhours = \"always\"\nauthentication = [\"station\", \"key\", \"totp\"]\n\
             approval = {{ by = 1, at-most = \"4h\" }}\n\
             extraction = {{ session = \"50 MiB\", intervention = \"200 MiB\" }}\n",
            public(2)
        );
        self.write("clients/hopital.toml", &client);
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn ecluse(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ecluse"))
            .args(arguments)
            .env("ECLUSE_CONFIG", self.path("gateway.toml"))
            .env_remove("CREDENTIALS_DIRECTORY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that asks nothing may be gone before it reads.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ran(child.wait_with_output().unwrap())
    }

    fn apply(&self) -> Ran {
        self.ecluse(&["apply", &self.0.path().display().to_string()], "")
    }
}

/// What a command said.
struct Ran(Output);

impl Ran {
    fn done(&self) -> String {
        let out = String::from_utf8_lossy(&self.0.stdout).into_owned();
        assert!(
            self.0.status.success(),
            "{out}{}",
            String::from_utf8_lossy(&self.0.stderr)
        );
        out
    }

    fn ended_with(&self, code: i32) -> String {
        assert_eq!(self.0.status.code(), Some(code));
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    fn failed(&self, code: i32, because: &str) {
        let error = String::from_utf8_lossy(&self.0.stderr);
        assert_eq!(self.0.status.code(), Some(code), "{error}");
        assert!(error.contains(because), "{error}");
    }
}

fn key(seed: u8) -> PrivateKey {
    PrivateKey::new(Ed25519Keypair::from_seed(&[seed; 32]).into(), "").unwrap()
}

fn public(seed: u8) -> String {
    key(seed).public_key().to_openssh().unwrap()
}

/// The code of the moment. Codes of the neighbouring steps are right too, so the moment may pass.
fn code() -> String {
    let totp = totp_rs::Builder::new()
        .with_secret(SECRET)
        .with_account_name("alice")
        .build()
        .unwrap();
    let since: Duration = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("{}\n", totp.generate(since.as_secs()))
}

fn enroll(site: &Site, more: &[&str], input: &str) -> Ran {
    let file = site.path("totp").display().to_string();
    std::fs::write(&file, SECRET_BASE32).unwrap();
    site.ecluse(
        &[&["enroll", "alice", "--secret-file", &file], more].concat(),
        input,
    )
}

#[test]
fn documents_are_checked_planned_applied_and_applied_again() {
    let site = Site::new();
    let dir = site.0.path().display().to_string();
    assert!(
        site.ecluse(&["check", &dir], "")
            .done()
            .contains("Right: 1 provider and 1 client")
    );
    assert!(
        !site.path("state").exists(),
        "check needs no store and makes none"
    );
    let plan = site.ecluse(&["apply", "--dry-run", &dir], "").done();
    assert!(
        plan.contains("+ target hopital/db01") && plan.contains("becomes version 1"),
        "{plan}"
    );
    assert!(site.apply().done().contains("Applied as version 1."));
    assert!(
        site.apply()
            .done()
            .contains("Nothing to change: version 1 says the same.")
    );
    site.write_client("10.1.2.4:22");
    let applied = site.apply().done();
    assert!(
        applied.contains("~ target hopital/db01\n    address: 10.1.2.3:22 -> 10.1.2.4:22\n"),
        "{applied}"
    );
    assert!(applied.contains("Applied as version 2."), "{applied}");
}

#[test]
fn wrong_documents_and_settings_are_refused_with_file_and_line_and_nothing_unescaped() {
    let site = Site::new();
    site.write_client("nowhere\\u001b[2J");
    site.write(
        "gateway.toml",
        "data-dir = \"state\"\n\n[limits]\ntotals = 3\n",
    );
    let dir = site.0.path().display().to_string();
    let check = site.ecluse(&["check", &dir], "");
    check.failed(1, "2 errors");
    let out = String::from_utf8_lossy(&check.0.stdout);
    assert!(
        out.contains("gateway.toml:4: limits.totals: unknown field"),
        "{out}"
    );
    assert!(
        out.contains("clients/hopital.toml:7: target.db01.address: "),
        "{out}"
    );
    assert!(!out.contains('\x1b'), "{out}");
    site.write("gateway.toml", "data-dir = \"state\"\n");
    site.apply()
        .failed(1, "clients/hopital.toml:7: target.db01.address: ");
}

/// P13, A7: who waits among strangers is noted, and a store elsewhere that proves nothing is refused before it is used.
#[test]
fn check_notes_operators_from_anywhere_and_refuses_a_store_that_proves_nothing() {
    let site = Site::new();
    let dir = site.0.path().display().to_string();
    let path = site.path("clients/hopital.toml");
    let operator = format!(
        "[[operator]]\nid = \"odile\"\nname = \"Odile\"\nkeys = [\"{}\"]\n",
        public(3)
    );
    let client = std::fs::read_to_string(&path).unwrap() + &operator;
    site.write("clients/hopital.toml", &client);
    let said = site.ecluse(&["check", &dir], "").done();
    assert!(
        said.starts_with("Note: ")
            && said.contains(
                "clients/hopital.toml:21: operator.odile.networks: odile may log on from anywhere"
            ),
        "{said}"
    );
    site.write(
        "clients/hopital.toml",
        &(client + "networks = [\"10.20.0.0/16\"]\n"),
    );
    let said = site.ecluse(&["check", &dir], "").done();
    assert!(!said.contains("odile"), "{said}");

    let elsewhere = "data-dir = \"state\"\nstore = \"postgres://e:hunter2@192.0.2.7/ecluse\"\n";
    site.write("gateway.toml", elsewhere);
    let check = site.ecluse(&["check", &dir], "");
    check.failed(1, "1 error in");
    let out = String::from_utf8_lossy(&check.0.stdout);
    assert!(
        out.contains("gateway.toml: store: ") && out.contains("?sslmode=verify-full"),
        "{out}"
    );
    assert!(!out.contains("hunter2"), "{out}");
    site.apply().failed(1, "?sslmode=verify-full&sslrootcert=");
}

#[test]
fn a4_a_person_is_enrolled_by_a_first_right_code_and_not_before() {
    let site = Site::new();
    enroll(&site, &[], &code()).failed(1, "no documents are applied yet; run: ecluse apply DIR");
    site.apply().done();
    site.ecluse(&["enroll", "bruno"], &code())
        .failed(1, "bruno is not in the documents in force (version 1)");
    enroll(&site, &[], "").failed(1, "no code was given; nothing was enrolled");
    enroll(&site, &[], "000\nabcdef\n1234567\n")
        .failed(1, "no right code in 3 tries; nothing was enrolled");
    assert!(
        site.ecluse(&["accounts"], "")
            .done()
            .contains("not enrolled")
    );
    let shown = enroll(&site, &[], &format!("wrong\n{}", code())).done();
    assert!(
        shown.contains(&format!(
            "otpauth://totp/Ecluse:alice?secret={SECRET_BASE32}"
        )),
        "{shown}"
    );
    assert!(shown.contains("alice is enrolled"), "{shown}");
    assert!(
        site.ecluse(&["accounts"], "")
            .done()
            .contains("TOTP since ")
    );
    enroll(&site, &[], &code()).failed(1, "ecluse enroll alice --replace");
    enroll(&site, &["--replace"], &code()).done();
}

#[test]
fn c2_credentials_are_set_from_a_file_or_a_line_and_never_shown() {
    let site = Site::new();
    site.apply().done();
    let set = |more: &[&str], input: &str| {
        site.ecluse(
            &[&["credential", "set", "db01", "postgres"], more].concat(),
            input,
        )
    };
    set(&[], "hunter2\n").done();
    let plain = key(9);
    let path = site.path("key").display().to_string();
    std::fs::write(&path, plain.to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
    assert!(
        set(&["--key-file", &path], "")
            .done()
            .contains("private-key, in place of the earlier one")
    );
    set(&["--certificate"], "").done();
    set(&["--certificate", "--key-file", &path], "").failed(2, "cannot be used with");
    set(&[], "").failed(1, "no password was given; nothing was set");
    set(&[], "\n").failed(1, "the password is empty");
    std::fs::write(&path, "not a key").unwrap();
    set(&["--key-file", &path], "").failed(1, "not a private key");
    set(&["--key-file", "/nonexistent"], "").failed(1, "/nonexistent");
    site.ecluse(
        &["credential", "set", "db02", "postgres", "--certificate"],
        "",
    )
    .failed(1, "no target db02");
    site.ecluse(&["credential", "set", "db01", "root", "--certificate"], "")
        .failed(1, "accepted: postgres");
    let accounts = site.ecluse(&["accounts"], "").done();
    assert!(
        accounts.contains("certificate") && !accounts.contains("hunter2"),
        "{accounts}"
    );
}

#[test]
fn an_encrypted_key_is_opened_by_its_passphrase_and_by_no_other() {
    let site = Site::new();
    site.apply().done();
    let path = site.path("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "open sesame", "-f"])
        .arg(&path)
        .status()
        .expect("install openssh-client");
    assert!(made.success());
    let path = path.display().to_string();
    let set = |input: &str| {
        site.ecluse(
            &["credential", "set", "db01", "postgres", "--key-file", &path],
            input,
        )
    };
    set("open says me\n").failed(1, "the passphrase does not open this key");
    set("").failed(1, "no passphrase was given; nothing was set");
    set("open sesame\n").done();
}

#[test]
fn the_authority_is_the_same_whenever_it_is_asked_for() {
    let site = Site::new();
    let first = site.ecluse(&["credential", "authority"], "").done();
    assert!(first.starts_with("ssh-ed25519 "), "{first}");
    assert_eq!(first, site.ecluse(&["credential", "authority"], "").done());
}

#[test]
fn explain_names_the_line_that_allows_or_what_is_missing() {
    let site = Site::new();
    site.apply().done();
    let allowed = site
        .ecluse(&["explain", "alice", "db01", "shell"], "")
        .done();
    assert!(
        allowed.contains("clients/hopital.toml:16: flow dba"),
        "{allowed}"
    );
    let missing = site
        .ecluse(&["explain", "alice", "db01", "forward: 127.0.0.1:5432"], "")
        .ended_with(3);
    assert!(missing.contains("forward: 127.0.0.1:5432"), "{missing}");
    site.ecluse(&["explain", "alice", "db01", "fly"], "")
        .failed(2, "accepted: shell");
}

#[test]
fn state_is_for_its_owner_only_and_others_are_told_so() {
    let site = Site::new();
    site.apply().done();
    for (file, mode) in [
        ("state", 0o700),
        ("state/keys", 0o700),
        ("state/ecluse.db", 0o600),
        ("state/keys/store.key", 0o600),
    ] {
        assert_eq!(mode_of(&site.path(file)), mode, "{file}");
    }
    std::fs::set_permissions(
        site.path("state/keys/store.key"),
        PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    site.apply().failed(1, "chmod 600");
    site.write("gateway.toml", "data-dir = \"/proc/1\"\n");
    if !rustix::process::geteuid().is_root() {
        site.apply().failed(1, "run it as that user");
    }
}

#[test]
fn a_wrong_command_or_file_says_what_to_do() {
    let site = Site::new();
    site.ecluse(&["aply"], "").failed(2, "apply");
    site.ecluse(&["--config", "/nonexistent/gateway.toml", "accounts"], "")
        .failed(1, "--config FILE or ECLUSE_CONFIG");
    let empty = tempfile::tempdir().unwrap();
    site.ecluse(&["apply", &empty.path().display().to_string()], "")
        .failed(1, "name the directory that holds both");
}

fn mode_of(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
